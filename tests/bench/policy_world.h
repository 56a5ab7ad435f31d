/* policy_world.h - a world in which DNS and HTTPS cost nothing
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Of policy_domains.h. Answers are there at the next turn, and time goes on only where it is told
 * to. */
#ifndef TESTS_POLICY_WORLD_H
#define TESTS_POLICY_WORLD_H

#include <time.h>

#include "policy/world.h"
#include "policy_domains.h"

#define WORLD_TTL 3600

struct world_asked {
	struct world_query *query;	/* or */
	struct world_fetch *fetch;
	enum answer_type type;
	char name[ANSWER_NAME_SIZE];
};

static struct world_asked world_queue[64];
static size_t world_queued;
static int64_t world_ahead;		/* seconds */

static inline int64_t
world_now(void *arg)
{
	(void)arg;
	return time(NULL) + world_ahead;
}

static inline uint64_t
world_ticks(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)(t.tv_sec + world_ahead) * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline uint32_t
world_random(void *arg, uint32_t bound)
{
	(void)arg;
	return (uint32_t)rand() % bound;
}

static inline void
world_timer_start(void *arg, struct world_timer *t, uint64_t ms)
{
	(void)arg, (void)t, (void)ms;
}

static inline void
world_timer_stop(void *arg, struct world_timer *t)
{
	(void)arg, (void)t;
}

static inline struct world_asked *
world_queue_up(const char *name)
{
	struct world_asked *a = &world_queue[world_queued++];

	if (world_queued > sizeof(world_queue) / sizeof(world_queue[0]))
		abort();
	memset(a, 0, sizeof(*a));
	snprintf(a->name, sizeof(a->name), "%s", name);
	return a;
}

static inline void
world_query(void *arg, struct world_query *q, const char *name, enum answer_type type)
{
	struct world_asked *a = world_queue_up(name);

	(void)arg;
	a->query = q;
	a->type = type;
	q->running = q;
}

static inline void
world_fetch(void *arg, struct world_fetch *f, const char *domain)
{
	(void)arg;
	world_queue_up(domain)->fetch = f;
	f->running = f;
}

static inline void
world_query_cancel(void *arg, struct world_query *q)
{
	(void)arg, (void)q;
}

static inline void
world_fetch_cancel(void *arg, struct world_fetch *f)
{
	(void)arg, (void)f;
}

static inline void
world_answer(struct answer *a, const char *name, enum answer_type type)
{
	unsigned domain = world_number(name);

	a->records_len = type == ANSWER_MX ? world_hosts(domain) :
	    type == ANSWER_TXT || type == ANSWER_A;
	a->state = a->records_len > 0 ? ANSWER_OK : ANSWER_NODATA;
	a->ttl = WORLD_TTL;
	for (size_t i = 0; i < a->records_len; i++) {
		char *text = a->text + i * WORLD_NAME;

		if (type == ANSWER_MX)
			world_host(text, domain, i);
		else
			snprintf(text, WORLD_NAME, "v=STSv1; id=" WORLD_ID ";");
		a->records[i] = (struct answer_record){ .preference = (uint16_t)(10 * (i + 1)),
		    .text = text, .len = strlen(text), .ip = world_address(name) };
	}
}

/* All that was asked for until nothing more is. */
static inline void
world_turn(void)
{
	static struct answer answer;
	static char text[WORLD_TEXT];

	while (world_queued > 0) {
		struct world_asked a = world_queue[--world_queued];
		if (a.fetch != NULL) {
			struct world_fetched f = { .result = RESULT_SUCCESS, .body = text,
			    .len = world_policy(text, world_number(a.name)), .detail = "" };
			a.fetch->running = NULL;
			a.fetch->done(a.fetch->arg, &f);
		} else {
			world_answer(&answer, a.name, a.type);
			a.query->running = NULL;
			a.query->done(a.query->arg, &answer);
		}
	}
}

static const struct world bench_world = { NULL, world_now, world_ticks, world_random,
	world_timer_start, world_timer_stop, world_query, world_query_cancel, world_fetch,
	world_fetch_cancel };

#endif
