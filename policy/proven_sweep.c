/* proven_sweep.c - takes proven sessions out of the store
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names are hashes, so what stands from a random name on is a fair sample: no order by their end
 * needs to be kept for finding some that end early. */
#include "policy/proven_sweep.h"

#include <stdlib.h>
#include <string.h>

#include "policy/proven.h"

#define PORTION 512		/* looked at in one turn: a third of a millisecond */
#define PORTION_MS 1000
#define SWEEP_MS (3600 * 1000)
#define SAMPLE_MAX (2 * PROVEN_SWEEP_ROOM_MAX)	/* the half of it that ends first goes */
#define SAMPLES_MAX 8		/* in one turn */

struct ending {
	uint8_t name[STORE_SESSION_NAME];
	int64_t end;
};

struct sample {
	struct ending of[SAMPLE_MAX];
	size_t len;
	bool over_only;
	int64_t now;
	uint8_t last[STORE_SESSION_NAME];	/* seen */
	bool any;
};

bool
proven_sweep_over(const struct store_session *session, int64_t now)
{
	return now < session->kept || now >= session->end ||
	    session->end - session->kept > PROVEN_LIFETIME_MAX_S;
}

static void
take(void *arg, const struct store_session *session)
{
	struct sample *p = arg;

	memcpy(p->last, session->name, sizeof(p->last));
	p->any = true;
	if (p->len >= SAMPLE_MAX || (p->over_only && !proven_sweep_over(session, p->now)))
		return;
	memcpy(p->of[p->len].name, session->name, sizeof(p->last));
	p->of[p->len++].end = session->end;
}

static bool
erase(struct proven_sweep *s, const struct sample *p, size_t n)
{
	struct store_session gone[SAMPLE_MAX] = { 0 };

	for (size_t i = 0; i < n; i++)
		gone[i].name = p->of[i].name;
	return n == 0 || store_put_sessions(s->store, gone, n);
}

static void
on_portion(void *arg)
{
	struct proven_sweep *s = arg;
	struct sample p = { .over_only = true, .now = s->now(s->arg) };
	bool more = store_each_session(s->store, s->from, PORTION, take, &p);

	erase(s, &p, p.len);
	memset(s->from, 0, sizeof(s->from));
	if (more && p.any)
		memcpy(s->from, p.last, sizeof(s->from));
	s->world->timer_start(s->world->arg, &s->timer, more && p.any ? PORTION_MS : SWEEP_MS);
}

static int
by_end(const void *a, const void *b)
{
	int64_t x = ((const struct ending *)a)->end, y = ((const struct ending *)b)->end;

	return (x > y) - (x < y);
}

/* False: nothing could be taken out. */
static bool
thin(struct proven_sweep *s)
{
	struct sample p = { .len = 0 };
	uint8_t from[STORE_SESSION_NAME] = { 0 };

	for (size_t i = 0; i < 4; i++)
		from[i] = (uint8_t)s->world->random(s->world->arg, 256);
	if (!store_each_session(s->store, from, SAMPLE_MAX, take, &p))
		store_each_session(s->store, NULL, SAMPLE_MAX - p.len, take, &p);
	qsort(p.of, p.len, sizeof(p.of[0]), by_end);
	return p.len > 0 && erase(s, &p, (p.len + 1) / 2);
}

bool
proven_sweep_room(struct proven_sweep *s, size_t n)
{
	for (int i = 0; i < SAMPLES_MAX; i++) {
		size_t octets, len = store_sessions_size(s->store, &octets);

		if (len + n <= PROVEN_MAX && octets < PROVEN_OCTETS_MAX)
			return true;
		if (!thin(s))
			return false;
	}
	return false;
}

void
proven_sweep_begin(struct proven_sweep *s)
{
	memset(s->from, 0, sizeof(s->from));
	s->timer.fire = on_portion;
	s->timer.arg = s;
	s->world->timer_start(s->world->arg, &s->timer, PORTION_MS);
}

void
proven_sweep_end(struct proven_sweep *s)
{
	s->world->timer_stop(s->world->arg, &s->timer);
}
