/* sts.h - the life of cached MTA-STS policies (RFC 8461 sections 3 and 5)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One lookup and one fetch serve any number of simultaneous questions about a domain. A cached
 * policy stays in force until its max_age whatever fails; a newer one replaces it whenever it is
 * found. */
#ifndef POLICY_STS_H
#define POLICY_STS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/require.h"
#include "policy/store.h"
#include "policy/sts_entry.h"
#include "policy/world.h"

#define STS_ENTRIES_MAX 50000	/* domains in memory; a policy that goes stays in the store */

struct sts;

enum sts_outcome {	/* of the lookup that has just ended */
	STS_OUTCOME_NONE,	/* no fetch was called for */
	STS_OUTCOME_FETCHED, STS_OUTCOME_UNCHANGED, STS_OUTCOME_CHANGED, STS_OUTCOME_FAILED
};

/* What is known of a domain. Strings and policy are valid until the call that got it returns. */
struct sts_view {
	enum require_sts state;
	const struct sts_policy *policy;	/* with REQUIRE_STS_ACTIVE; else NULL */
	const char *id;
	enum policy_source source;		/* FETCHED: by the lookup that has just ended */
	int64_t fetched, refresh;		/* seconds since the epoch */
	int64_t failing;			/* refreshes fail since then; 0 */
	enum sts_announced announced;
	const char *announced_id, *announced_detail;
	enum result_type problem;		/* of the last fetch; RESULT_SUCCESS: none */
	const char *detail;
	enum sts_outcome outcome;
	uint64_t left_ms;			/* sts_look alone: it says the same for so long */
};

struct sts_waiter {
	void (*done)(void *arg, const struct sts_view *v);	/* once, from the loop */
	void *arg;
	struct sts_waiter *next, **back;	/* back is NULL while not waiting */
};

struct sts_events {
	void (*notice)(void *arg, const char *action, const char *domain, const char *detail,
	    bool alarm);
	/* A fetch begins that whoever asks from now on has to wait for, other than until now; may
	 * be NULL. */
	void (*begun)(void *arg, const char *domain);
};

/* sts_new: reads the schedule of refreshes from the store. NULL when out of memory. */
struct sts *sts_new(const struct world *world, struct store *store,
    const struct sts_events *events, void *arg);
void sts_free(struct sts *s);		/* nobody may wait any more */

/* sts_look: what is known now, without asking; true when that needs no asking. */
bool sts_look(struct sts *s, const char *domain, struct sts_view *out);

/* sts_known: the same answer, or that it is being asked for already; takes no room for a domain
 * that is not in memory (then false). */
bool sts_known(struct sts *s, const char *domain);

enum sts_need {
	STS_NEED_ANSWER,	/* whatever sts_look finds lacking */
	STS_NEED_RECHECK,	/* RFC 8461 5.1: the id again; a fetch, once in five minutes */
	STS_NEED_FETCH		/* a fetch wherever a policy is announced or cached */
};
void sts_ask(struct sts *s, struct sts_waiter *w, const char *domain, enum sts_need need);
void sts_cancel(struct sts_waiter *w);	/* not waiting: no effect */

bool sts_forget(struct sts *s, const char *domain);	/* false: nothing was cached */
size_t sts_policies(const struct sts *s);		/* in the schedule */
/* sts_failing: policies whose refreshes have failed for so many seconds. */
size_t sts_failing(const struct sts *s, int64_t seconds);

#endif
