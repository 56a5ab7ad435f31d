/* sts_entry.h - what is known of one domain's MTA-STS: its announcement and its cached policy
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time. A policy's age is counted by the wall clock from its last fetch (R14), so it survives
 * restarts. Where the clock stands before that fetch, it has been set back: then the age is counted
 * by a clock that never goes back, from the moment the policy came into memory. So a policy lives
 * at most its max_age after each start however the clock stands, and a clock set right again finds
 * it as it was. A clock set forward makes policies look expired, but they are removed only a week
 * later. */
#ifndef POLICY_STS_ENTRY_H
#define POLICY_STS_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/answer.h"
#include "policy/cache.h"
#include "policy/require.h"
#include "policy/store.h"
#include "policy/sts_policy.h"
#include "policy/sts_record.h"
#include "policy/world.h"

enum sts_announced {
	STS_ANNOUNCED_UNKNOWN,		/* not asked yet */
	STS_ANNOUNCED_NO,
	STS_ANNOUNCED_YES,
	STS_ANNOUNCED_UNDETERMINED	/* the TXT lookup failed */
};

/* The last fetch, when it failed. */
struct sts_failure {
	enum result_type result;
	char id[STS_ID_MAX + 1];	/* what it was for */
	char detail[];			/* printable */
};

struct sts_job;

/* Tens of thousands are in memory: sorted by alignment, and what few of them need stands apart. */
struct sts_entry {
	struct cache_entry node;
	struct sts_job *job;		/* lookup or fetch under way */

	struct sts_policy policy;
	char *text;
	int64_t fetched;
	uint64_t loaded;		/* ticks when it came into memory */
	int64_t refresh, failing;	/* as in the store */
	unsigned failures;		/* of refreshes since `failing` */

	unsigned held;			/* views of it are out: it must not go */
	uint64_t ask_again;		/* ticks until which the last TXT answer counts */
	const char *announced_detail;	/* static: what is wrong with the record; "" */
	uint64_t tried;			/* ticks of the end of the last fetch */
	struct sts_failure *failure;	/* NULL: it did not fail */

	enum sts_announced announced;
	bool fetching;			/* the job has come to the fetch */
	bool asked_ever, tried_ever;
	bool cached;			/* the policy, in force or expired */
	bool kept;			/* false: max_age 0, to be used once */
	char id[STS_ID_MAX + 1];	/* of the cached policy */
	char announced_id[STS_ID_MAX + 1];
	char domain[];
};

struct sts_entry *sts_entry_new(const char *domain);	/* aborts when out of memory */
void sts_entry_free(struct sts_entry *e);

/* sts_entry_load: takes a policy out of the store; one that does not parse is refused. */
bool sts_entry_load(struct sts_entry *e, const struct store_policy *p, uint64_t ticks);

/* sts_entry_install: a text just fetched, with its announced id. False and the problem set when it
 * is no policy. */
bool sts_entry_install(struct sts_entry *e, const char *id, const char *text, size_t len,
    int64_t now, uint64_t ticks);
void sts_entry_forget(struct sts_entry *e);	/* the cached policy alone */
bool sts_entry_save(const struct sts_entry *e, struct store *store);

int64_t sts_entry_age(const struct sts_entry *e, int64_t now, uint64_t ticks);	/* seconds */
bool sts_entry_in_force(const struct sts_entry *e, int64_t now, uint64_t ticks);

/* sts_entry_left: for how many milliseconds all this needs no asking and says the same; 0: it has
 * to be asked for now. */
uint64_t sts_entry_left(const struct sts_entry *e, int64_t now, uint64_t ticks);

/* sts_entry_announce: takes the answer of the TXT lookup (R3-R6). */
void sts_entry_announce(struct sts_entry *e, const struct answer *a, uint64_t ticks);

/* sts_entry_wants_fetch: announced, and neither cached under that id nor failed within five minutes
 * (R21). */
bool sts_entry_wants_fetch(const struct sts_entry *e, int64_t now, uint64_t ticks);

/* sts_entry_fail: the fetch for `id` failed. */
void sts_entry_fail(struct sts_entry *e, const char *id, enum result_type result,
    const char *detail, uint64_t ticks);

#define STS_BACKOFF_MS (300 * 1000)	/* R21, and the pace of the re-check before a refusal */
bool sts_entry_tried_lately(const struct sts_entry *e, uint64_t ticks);

#endif
