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

#define HOST_ADDRESSES_MAX 64	/* kept of one host; what is beyond does not map to its name */

/* A lookup and its result; embedded, and cancelled before its owner goes. */
struct host {
	void (*done)(void *arg, struct host *h);	/* once, from the loop */
	void *arg;
	enum require_addresses state;
	bool secure;			/* both answers */
	uint32_t ttl;			/* the smaller of both */
	char problem[ANSWER_PROBLEM_SIZE];	/* FAILED, BOGUS, NONE */
	size_t len;
	struct in6_addr addresses[HOST_ADDRESSES_MAX];
	struct world_query query[2];
	const struct world *world;
};

/* host_lookup: an error in one family counts only where the other gave no address either. */
void host_lookup(struct host *h, const struct world *world, const char *name);
void host_cancel(struct host *h);	/* not under way: no effect */

#endif
