/* engine_parts.h - the engine from inside: for engine.c and engine_*.c alone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_ENGINE_PARTS_H
#define POLICY_ENGINE_PARTS_H

#include "policy/canary.h"
#include "policy/engine.h"
#include "policy/hints.h"
#include "policy/lapse.h"
#include "policy/lookup.h"
#include "policy/memory.h"
#include "policy/proven.h"
#include "policy/relay.h"
#include "policy/store.h"
#include "policy/users.h"

struct engine_address;
struct engine_pending;
struct engine_inquiry;
struct engine_ahead;

#define ENGINE_MEMOS_MAX 16	/* addresses; each is looked at whenever an MX set changes */

struct engine_memo {
	struct in6_addr ip;
	uint64_t made, until;		/* ticks; until: what it was made of holds */
	struct requirement *requirement;	/* NULL: free */
};

#define ENGINE_TOLD_MAX 256	/* each is looked at whenever a domain changes; answers of more
				 * addresses than that are not to be remembered */

struct engine {
	const struct config *config;
	const struct engine_events *events;
	void *arg;
	const struct world *world;
	struct world *own_world;	/* made by engine_new; NULL in tests */
	enum config_mode mode;
	struct store_events store_events;
	struct store *store;
	struct sts *sts;
	struct mx *mx;
	struct canary *canary;		/* NULL: policy.dane: no */
	bool dane;			/* counts now: policy.dane, and the resolver is not known
					 * to be one that does not validate */
	struct memory *memory;
	struct relay *relay;
	struct hints *hints;
	struct lapse *lapse;
	struct users *users;
	struct proven_sessions *proven;
	struct lookup_sources sources, mx_alone;
	struct engine_pending *pending;		/* engine_ask.c */
	struct engine_address *addresses;	/* engine_address.c */
	size_t address_lookups;			/* of all of them */
	struct engine_memo memos[ENGINE_MEMOS_MAX];	/* engine_memo.c */
	struct {
		struct in6_addr ip;
		uint64_t until;			/* ticks */
	} told[ENGINE_TOLD_MAX];		/* engine_told.c */
	size_t told_len;
	struct engine_inquiry *inquiries;	/* engine_report.c */
	struct {
		struct engine_ahead *first;
		unsigned len;
		uint64_t full_at;		/* ticks: see engine_hint.c */
	} ahead;
};

/* Whose policy counts for a domain at an address, and what says so before any DNS. */
struct engine_subject {
	const char *domain;		/* a relay's name where that counts; "" for none */
	const struct config_rule *relay, *rule;
	bool end_to_end;
	bool sts, mx;			/* what has to be looked up */
};

void engine_choose(const struct engine *e, const char *domain, const struct in6_addr *peer,
    bool end_to_end, struct engine_subject *out);
const struct lookup_sources *engine_sources(const struct engine *e,
    const struct engine_subject *s);
/* engine_look: true with *r when all is known already. */
bool engine_look(const struct engine *e, const struct engine_subject *s, struct lookup_result *r);
/* engine_require: *out points into *r and *space. For how many milliseconds it would be the same;
 * what changes otherwise is announced (engine_events.stale). */
uint64_t engine_require(const struct engine *e, const struct engine_subject *s,
    const struct in6_addr *peer, const struct lookup_result *r,
    struct requirement_space *space, struct requirement *out);

/* engine_new_in: the engine in a given world, which outlives it. */
struct engine *engine_new_in(const struct world *world, const struct config *config, bool fresh,
    const struct engine_events *events, void *arg, char *error, size_t error_size);

void engine_ask_relays(void *engine);	/* the relays are known: what waited for them goes on */
void engine_ask_stop(struct engine *e);

/* The questions end to end; engine_ask hands them over, and whatever else it hears of. */
void engine_address_ask(struct engine *e, const struct question *q, engine_answer *fn, void *arg);
void engine_address_relays(struct engine *e);
void engine_address_cancel(struct engine *e, const void *arg);
void engine_address_stop(struct engine *e, const struct requirement *down);

/* engine_memo_find: NULL when it has to be found anew; valid until anything else is called.
 * *fresh_ms as engine_memo_keep was told, less what has gone by. */
const struct requirement *engine_memo_find(struct engine *e, const struct in6_addr *ip,
    uint64_t *fresh_ms);
void engine_memo_keep(struct engine *e, const struct in6_addr *ip, const struct requirement *q,
    uint64_t fresh_ms);
/* engine_memo_drop: this domain has changed ("": any), at this address (NULL: all). */
void engine_memo_drop(struct engine *e, const char *domain, const struct in6_addr *ip);
/* engine_memo_saw: the domain is about to be known to use the address, perhaps for long already. */
void engine_memo_saw(struct engine *e, const char *domain, const struct in6_addr *ip);

/* engine_told: an answer end to end of this address is to be remembered for so long; false: it must
 * not be, there are too many. */
bool engine_told(struct engine *e, const struct in6_addr *ip, uint64_t fresh_ms);
/* engine_told_stale: it is being said that answers about this domain ("": any), or of this address
 * (NULL: all), are stale; adds the addresses that the domain uses. */
void engine_told_stale(struct engine *e, const char *domain, const struct in6_addr *ip);
/* engine_told_saw: the domain is about to be known to use the address. */
void engine_told_saw(struct engine *e, const char *domain, const struct in6_addr *ip);

/* engine_saw: on the inspect path it will be asked who uses this address. */
void engine_saw(struct engine *e, const char *domain, const struct in6_addr *ip);
/* engine_saw_set: whoever is told these addresses uses them, whichever of them it was seen to
 * dial. */
void engine_saw_set(struct engine *e, const char *domain, const struct mx_set *set);

/* engine_ahead: looks a domain up for whoever asks next, within limits; its policy too where that
 * is wanted. */
void engine_ahead(struct engine *e, const char *domain, bool sts);
void engine_report_stop(struct engine *e);
void engine_hint_stop(struct engine *e);

void engine_stale(void *engine);	/* any answer given before may be wrong now */
/* The same of those about a domain, or an address. */
void engine_stale_of(struct engine *e, const char *domain);
void engine_stale_at(struct engine *e, const struct in6_addr *ip);

/* engine_notice: one line on record; detail is made printable. */
void engine_notice(struct engine *e, const char *event_type, const char *action,
    const char *domain, const char *detail, bool alarm);

#endif
