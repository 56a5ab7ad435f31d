/* host.h - the addresses of one host, both families
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_HOST_H
#define POLICY_HOST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/require.h"
#include "policy/world.h"

#define HOST_ANSWERS_SIZE (2 * ANSWER_NOTE_SIZE)
#define HOST_ADDRESSES_MAX 64	/* kept of one host; what is beyond does not map to its name */
#define HOST_FAULT_TTL_S 30	/* an answer that failed: neither for long, nor asked for again by
				 * each mail */

/* A lookup and its result; embedded, and cancelled before its owner goes. */
struct host {
	void (*done)(void *arg, struct host *h);	/* once, from the loop */
	void *arg;
	enum require_addresses state;
	bool secure;			/* some family has addresses that are; an error in the
					 * other is no doubt about those */
	bool aliased;			/* `name` is a CNAME; without addresses only where an
					 * insecure answer says so */
	char expanded[ANSWER_NAME_SIZE];	/* aliased, with addresses: where the chain ended */
	char answers[HOST_ANSWERS_SIZE];	/* see answer_note */
	uint32_t ttl;			/* the smaller of both; see HOST_FAULT_TTL_S */
	char problem[ANSWER_PROBLEM_SIZE];	/* FAILED, BOGUS, NONE */
	size_t len;
	struct in6_addr addresses[HOST_ADDRESSES_MAX];
	struct world_query query[2];	/* A, AAAA */
	const struct world *world;
	const char *name;
};

/* host_lookup: an error in one family counts only where the other gave no address either. The name
 * outlives the lookup. */
void host_lookup(struct host *h, const struct world *world, const char *name);
/* host_expire: what is still under way has failed; `done` comes from within the call. */
void host_expire(struct host *h);
/* host_suffice: the same, where the other family has given addresses already. */
void host_suffice(struct host *h);
void host_cancel(struct host *h);	/* not under way: no effect */

#endif
