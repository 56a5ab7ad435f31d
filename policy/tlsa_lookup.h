/* tlsa_lookup.h - the TLSA records of one MX host, in the order of RFC 7672 section 2.2
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * After the host's addresses: without secure ones no TLSA question is asked (R92), but for an alias
 * whose first link is secure (R94). Candidates for the base domain: the expanded name, then the
 * original, none in between (R95). An insecure answer, or none, goes on to the next candidate; an
 * error is this host's and final (R81). */
#ifndef POLICY_TLSA_LOOKUP_H
#define POLICY_TLSA_LOOKUP_H

#include "policy/host.h"
#include "policy/require.h"
#include "policy/world.h"

#define TLSA_LOOKUP_ANSWERS_SIZE (3 * ANSWER_NOTE_SIZE)	/* a CNAME and two candidates */

/* A lookup and its result; embedded, and cancelled before its owner goes. */
struct tlsa_lookup {
	void (*done)(void *arg, struct tlsa_lookup *l);	/* once, from the loop */
	void *arg;
	enum require_dane state;
	char base[ANSWER_NAME_SIZE];	/* USABLE, UNUSABLE */
	uint32_t ttl;			/* the smallest of all answers; UINT32_MAX without any */
	char answers[TLSA_LOOKUP_ANSWERS_SIZE];	/* answer_note */
	size_t records_len;		/* USABLE: the usable ones; UNUSABLE: all. Sorted */
	struct tlsa *records;		/* malloc'ed with their data, the lookup's; NULL for none */
	struct world_query query;
	const struct world *world;
	const struct host *host;
	const char *name;
	uint16_t port;
	enum answer_type asking;
	unsigned candidate;
	bool insecure;			/* the last answer */
};

/* tlsa_lookup_start: `host` is the result of host_lookup for `name`; both outlive it. Where nothing
 * has to be asked `done` is called from within. `port` is that of the mail (R96). */
void tlsa_lookup_start(struct tlsa_lookup *l, const struct world *world, const struct host *host,
    const char *name, uint16_t port);
/* tlsa_lookup_expire: what is still under way has failed; `done` comes from within the call. */
void tlsa_lookup_expire(struct tlsa_lookup *l);
/* tlsa_lookup_clear: cancels it, or frees its result. Zeroed: no effect. */
void tlsa_lookup_clear(struct tlsa_lookup *l);

#endif
