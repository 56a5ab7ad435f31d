/* hints.h - which MX host an address is, by what a client was told by DNS
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the wire, where anybody can lie: a hint only chooses among the MX hosts that our own lookup
 * found, and only where that lookup does not map the address itself (policy/require.h). Bounded;
 * what was not used for the longest gives way, so a flood costs names, never demands. */
#ifndef POLICY_HINTS_H
#define POLICY_HINTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/world.h"

#define HINTS_MAX 65536		/* of addresses for a domain; 15 MiB with names as they are */
#define HINTS_HOSTS_MAX 4	/* MX names of one address; an older one gives way */
#define HINTS_DOMAIN_MAX 239	/* octets; with the address, the longest key of a cache */
#define HINTS_TTL_MIN_S 60	/* the client dials a while after it asked */
#define HINTS_TTL_MAX_S 86400

struct hints;

struct hints *hints_new(const struct world *world);	/* NULL when out of memory */
void hints_free(struct hints *h);			/* NULL is allowed */

/* hints_add: names as domain_normalise leaves them. A longer domain has no hints. */
void hints_add(struct hints *h, const char *domain, const struct in6_addr *ip, const char *host,
    uint32_t ttl_s);

/* hints_find: the hosts that this address was said to be, at most HINTS_HOSTS_MAX; their names are
 * valid until the caller returns to the loop. */
size_t hints_find(struct hints *h, const char *domain, const struct in6_addr *ip,
    const char *hosts[HINTS_HOSTS_MAX]);

/* hints_left: for how many milliseconds hints_find says the same of what it has found. */
uint64_t hints_left(struct hints *h, const char *domain, const struct in6_addr *ip);

/* hints_watch: `lost` whenever one of this domain, which hints_find has found, gives way to another
 * domain or address. */
void hints_watch(struct hints *h, void (*lost)(void *arg, const char *domain), void *arg);

size_t hints_length(const struct hints *h);

#endif
