/* lookup.h - all that a question about a domain needs: its MTA-STS policy and its MX hosts, at once
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_LOOKUP_H
#define POLICY_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/mx.h"
#include "policy/sts.h"
#include "policy/world.h"

struct lookup_result {
	struct sts_view sts;		/* NONE where STS is not wanted */
	const struct mx_set *mx;	/* never NULL; FAILED where there was no answer in time */
	bool exists;			/* the domain, as far as DNS said */
	uint64_t fresh_ms;		/* so long lookup_now says the same; 0: not at all */
};

struct lookup_sources {
	const struct world *world;
	struct sts *sts;		/* NULL: mta-sts: no */
	struct mx *mx;
};

/* A lookup under way; embedded, and cancelled before its owner goes. */
struct lookup {
	void (*done)(void *arg, const struct lookup_result *r);	/* once, from the loop */
	void *arg;
	const struct lookup_sources *sources;
	struct sts_waiter sts;
	struct mx_waiter mx;
	struct world_timer timer;
	uint64_t wait_ms;		/* left after the first timer */
	bool fetched;
	bool late;		/* done before all had come */
	enum sts_outcome outcome;
	char domain[ANSWER_NAME_SIZE];
};

/* lookup_now: true with *out when all is known already; no waiting, no allocation for a domain seen
 * before. */
bool lookup_now(const struct lookup_sources *s, const char *domain, struct lookup_result *out);

/* lookup_start: `done` follows within wait_ms, with what is known by then. A policy that is cached
 * is used after LOOKUP_CACHED_MS whatever its re-check is doing, unless the need is more than an
 * answer. */
#define LOOKUP_CACHED_MS 5000
void lookup_start(struct lookup *l, const struct lookup_sources *s, const char *domain,
    enum sts_need need, uint64_t wait_ms);

/* lookup_again: after `done`, what has come by it, though some of that may have run out since;
 * false when it was late, or when that is gone. */
bool lookup_again(const struct lookup *l, struct lookup_result *out);
void lookup_cancel(struct lookup *l);	/* not under way: no effect */

#endif
