/* engine.h - answers questions about recipient domains; DNS, HTTPS, store and clock are behind it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole MTA-STS sending side (RFC 8461), MX sets, rules, relays and STARTTLS memory. Lives in
 * the policy process, on its loop. Callbacks come from the loop or, for what is known already, from
 * within the call. */
#ifndef POLICY_ENGINE_H
#define POLICY_ENGINE_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "policy/message.h"

struct engine;

/* Something an administrator wants on record: event type "policy" or "health". */
struct engine_notice {
	const char *event_type;	/* "policy", "health" */
	const char *action;	/* "fetched", "changed", "refresh-failed", "forgotten", ... */
	const char *domain;	/* "" when about no domain */
	const char *detail;	/* one printable line */
	bool alarm;		/* an administrator should look: warning, not info */
};

struct engine_events {
	void (*notice)(void *arg, const struct engine_notice *n);
	_Atomic uint32_t *store_busy;	/* as in store.h; may be NULL */
	/* A policy, rule, memory, relay's address or the mode has changed: what was answered may be
	 * wrong now. From the loop or from within a call; may be NULL. */
	void (*stale)(void *arg, const struct stale *what);
};

/* engine_new: opens the store in config->state_dir (made if missing) and starts DNS and refresh.
 * With `fresh` the present store is set aside first (who used it crashed, twice). NULL with the
 * reason in error. Rules come from config, which must outlive the engine. */
struct engine *engine_new(struct ev_loop *loop, const struct config *config, bool fresh,
    const struct engine_events *events, void *arg, char *error, size_t error_size);

/* engine_free: open questions are answered with DEFER_SERVICE_DOWN first. */
void engine_free(struct engine *e);

/* The longest that an answer may be remembered (fresh_ms, policy/message.h): what only time
 * changes, and nobody announces, counts this late at most. */
#define ENGINE_FRESH_MS (10 * 1000)

typedef void engine_answer(void *arg, uint32_t id, const struct requirement *q,
    const struct recalled *recalled, uint32_t fresh_ms);

/* engine_ask: `answer` is called exactly once, within policy.wait; requirement and *recalled are
 * valid during the call only. With end_to_end the one requirement stands for all domains known to
 * use the address, and for the relay whose address it is; where there is none such: DEFER_UNMAPPED,
 * which refuses nothing. */
void engine_ask(struct engine *e, const struct question *q, engine_answer *answer, void *arg);

/* engine_cancel: drops all unanswered questions asked with this arg. */
void engine_cancel(struct engine *e, const void *arg);

void engine_sighting(struct engine *e, const struct sighting *s);
void engine_proven(struct engine *e, const struct proven *p);

/* engine_hint: what a client was told by DNS. Of a domain alone, the policy is looked up and
 * fetched ahead of the client, within limits; the host behind an address is remembered for its TTL
 * (at most HINTS_MAX) and used where our own lookup of that MX host gave other addresses. */
void engine_hint(struct engine *e, const struct hint *h);

void engine_set_mode(struct engine *e, enum config_mode mode);
enum config_mode engine_mode(const struct engine *e);

/* For posternctl. Each json_t is a new reference. */

/* engine_domain: `posternctl domain NAME --json` exactly; asks afresh what is not validly cached.
 * The name is normalised already. */
void engine_domain(struct engine *e, const char *domain,
    void (*done)(void *arg, json_t *report), void *arg);
/* engine_policy_list: array of short objects; one with a "problem" and no more ends a list that was
 * cut short. */
#define ENGINE_LIST_MAX 10000	/* a twentieth of a second that no question is answered in */
json_t *engine_policy_list(struct engine *e);
json_t *engine_policy_show(struct engine *e, const char *domain);	/* NULL: not known */
/* engine_policy_refresh: {"outcome":"fetched|unchanged|changed|failed|none","problem":{...}?} */
void engine_policy_refresh(struct engine *e, const char *domain,
    void (*done)(void *arg, json_t *result), void *arg);
/* engine_policy_forget: the cached policy and the STARTTLS memory of the domain, its MX hosts, or
 * an MX host of that name, and that it uses addresses that our own lookup does not name; false
 * when nothing was known. */
bool engine_policy_forget(struct engine *e, const char *domain);

/* engine_acknowledge: an administrator has seen that a broken store was set aside; status is
 * healthy from then on. */
enum engine_acknowledged {
	ENGINE_ACKNOWLEDGED,
	ENGINE_NOTHING_TO_ACKNOWLEDGE,
	ENGINE_NOT_ACKNOWLEDGED		/* state-dir cannot be written: it stays degraded */
};
enum engine_acknowledged engine_acknowledge(struct engine *e);
/* engine_status: {"healthy":bool,"problems":[...],"policies":N,...} */
json_t *engine_status(struct engine *e);
/* engine_evidence: what stands behind a decision on this domain now: DNS answers, policy text. */
json_t *engine_evidence(struct engine *e, const char *domain);
/* engine_resolve_host: addresses of a host for `probe`; count 0 and *problem when none. */
void engine_resolve_host(struct engine *e, const char *host,
    void (*done)(void *arg, const struct in6_addr *addresses, size_t len, const char *problem),
    void *arg);

#endif
