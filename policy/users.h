/* users.h - which recipient domains use an address: the domains whose MX hosts have it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For sessions whose recipients are not seen (path: inspect). Learnt from what clients were told by
 * DNS and from recipients seen before; kept in the store, so that a restart forgets nobody. What is
 * not known, or not known whole, sends a session the upgrade path, where each recipient is seen: so
 * an address of too many domains is crowded until those that found no room have lapsed, and so is
 * one that comes to be known within USERS_DAYS after the table was full. */
#ifndef POLICY_USERS_H
#define POLICY_USERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/store.h"
#include "policy/world.h"

#define USERS_DAYS 7		/* since it was last seen; resolvers keep no answer for longer */
#define USERS_MAX 262144	/* of domains at addresses: 25,000 domains of ten each */
#define USERS_DOMAINS_MAX 512	/* of one address */
#define USERS_DOMAIN_MAX 238	/* octets; with kind and address, the longest key of the store */

struct users;

/* users_new: NULL when out of memory. users_free: writes what is not written yet. */
struct users *users_new(const struct world *world, struct store *store);
void users_free(struct users *u);	/* NULL is allowed */

/* users_saw: `domain` as domain_normalise leaves it; a longer one makes the address crowded. */
void users_saw(struct users *u, const char *domain, const struct in6_addr *ip);

enum users_state {
	USERS_KNOWN,
	USERS_NONE,
	USERS_CROWDED		/* more than can be asked after */
};

/* users_of: calls each domain; nothing is called unless USERS_KNOWN. `each` must not call back into
 * the table. */
enum users_state users_of(struct users *u, const struct in6_addr *ip,
    void (*each)(void *arg, const char *domain), void *arg);

/* users_knows: the domain is one of those that users_of would call; not counted as a question. */
bool users_knows(const struct users *u, const char *domain, const struct in6_addr *ip);

/* users_left: for how many milliseconds users_of calls the same ones, unless more are seen. */
uint64_t users_left(const struct users *u, const struct in6_addr *ip);

/* users_forget: at all addresses. False: it was not known. */
bool users_forget(struct users *u, const char *domain);
size_t users_length(const struct users *u);	/* domains at addresses; "others" count as one */

#endif
