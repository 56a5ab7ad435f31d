/* memory.h - which MX hosts have offered STARTTLS lately (trust on first use)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sight is remembered for the address, with the MX name it was seen under last: of several hosts
 * behind one name each speaks for itself, so that one which honestly lacks STARTTLS is not refused
 * for what the others do. It lapses 30 days after the last sight. On disk a known host is written
 * at most once a day, where its name changes at most once an hour. */
#ifndef POLICY_MEMORY_H
#define POLICY_MEMORY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/store.h"
#include "policy/world.h"

#define MEMORY_DAYS 30
#define MEMORY_MAX 200000	/* addresses; about 40 MiB */

struct memory;

/* memory_new: NULL when out of memory. memory_free: writes what is not written yet. */
struct memory *memory_new(const struct world *world, struct store *store);
void memory_free(struct memory *m);

/* memory_watch: `changed` whenever an address is known that was not, or is known no more (where its
 * time has run out, within the hour). */
void memory_watch(struct memory *m, void (*changed)(void *arg, const struct in6_addr *ip),
    void *arg);

/* memory_saw: host may be ""; one that cannot be a name counts as "". */
void memory_saw(struct memory *m, const char *host, const struct in6_addr *ip);

/* memory_knows_address: *host is the name it was seen under last, "" if none; valid until the
 * caller returns to the loop. */
bool memory_knows_address(struct memory *m, const struct in6_addr *ip, const char **host);

/* memory_left: for how many milliseconds an address that is known stays so without being seen. */
uint64_t memory_left(struct memory *m, const struct in6_addr *ip);

/* False: it was not known. A host is all the addresses that were seen under it last. */
bool memory_forget_host(struct memory *m, const char *host);
bool memory_forget_address(struct memory *m, const struct in6_addr *ip);
size_t memory_length(const struct memory *m);

#endif
