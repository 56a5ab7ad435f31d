/* relay.h - the addresses of the configured relays (smart hosts; RFC 8461 section 3.4)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Looked up at start and again as their TTL says. A lookup that fails keeps the old addresses. */
#ifndef POLICY_RELAY_H
#define POLICY_RELAY_H

#include <netinet/in.h>
#include <stdbool.h>

#include "daemon/config.h"
#include "policy/world.h"

struct relay;

/* relay_new: `settled` is called once, from the loop, when every relay has been looked up for the
 * first time; until then relay_settled is false and relay_find may miss one. NULL when out of
 * memory. */
struct relay *relay_new(const struct world *world, const struct config *config,
    void (*settled)(void *arg), void *arg);
void relay_free(struct relay *r);

/* relay_watch: `changed` whenever a relay has other addresses than before. */
void relay_watch(struct relay *r, void (*changed)(void *arg), void *arg);

bool relay_settled(const struct relay *r);

/* relay_find: the rule of the relay that has this address; NULL when there is none, or it has
 * lapsed. */
const struct config_rule *relay_find(const struct relay *r, const struct in6_addr *ip);

/* relay_problem: the first relay whose addresses are not known, and why; NULL when all are. */
const char *relay_problem(const struct relay *r, const char **name);

#endif
