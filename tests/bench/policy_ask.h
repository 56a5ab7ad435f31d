/* policy_ask.h - an engine in policy_world.h, and questions for it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_POLICY_ASK_H
#define TESTS_POLICY_ASK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/engine_parts.h"
#include "tests/bench/samples.h"
#include "policy_world.h"

#define ROUNDS 7	/* their median counts */

struct asked {
	char domain[WORLD_NAME];
	struct question question;
};

static unsigned proofs;		/* questions answered with a policy that demands a certificate */
static unsigned char message[WIRE_MESSAGE_MAX];

static inline void
need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "policy_bench: %s\n", what);
	exit(1);
}

/* Memory of this process that no file stands behind. */
static inline double
octets(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long resident = 0, shared = 0;

	need(f != NULL && fscanf(f, "%*d %ld %ld", &resident, &shared) == 2, "statm");
	fclose(f);
	return (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE);
}

static inline void
answered(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	size_t len = message_answer(message, sizeof(message), id, q, recalled, fresh_ms);

	(void)arg;
	proofs += len > 0 && q->state == REQUIREMENT_READY && q->hosts_len == 1;
}

/* Each once; microseconds of CPU for one of them. */
static inline double
ask_all(struct engine *e, const struct asked *a, size_t len)
{
	unsigned before = proofs;
	double start = samples_seconds(CLOCK_PROCESS_CPUTIME_ID);

	for (size_t i = 0; i < len; i++) {
		engine_ask(e, &a[i].question, answered, NULL);
		world_turn();
	}
	start = samples_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
	need(proofs - before == len, "an answer without the proof that was meant");
	return start * 1e6 / (double)len;
}

static inline double
ask_again(struct engine *e, const struct asked *a, size_t len)
{
	double took[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		took[i] = ask_all(e, a, len);
	return samples_median(took, ROUNDS);
}

static inline void
ask_about(struct asked *a, unsigned domain)
{
	char host[WORLD_NAME];

	memset(a, 0, sizeof(*a));
	world_domain(a->domain, domain);
	world_host(host, domain, 0);
	a->question.domain = a->domain;
	a->question.peer = (struct address){ world_address(host), 25 };
}

/* From this domain on, in an order that no cache of the processor foresees. */
static inline struct asked *
ask_about_many(unsigned from, unsigned step, size_t len)
{
	struct asked *all = calloc(len + 1, sizeof(*all));

	need(all != NULL, "no memory");
	for (size_t i = 0; i < len; i++)
		ask_about(&all[i], from + step * (unsigned)(i * 7919 % len));
	return all;
}

/* start_engine: *took in seconds of CPU: what others do on the machine meanwhile is left out. */
static inline struct engine *
start_engine(const struct config *config, double *took)
{
	double start = samples_seconds(CLOCK_PROCESS_CPUTIME_ID);
	char error[200];
	struct engine *e = engine_new_in(&bench_world, config, false, NULL, NULL, error,
	    sizeof(error));

	need(e != NULL, error);
	*took = samples_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
	world_turn();
	return e;
}

#endif
