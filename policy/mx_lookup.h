/* mx_lookup.h - one lookup of a domain's MX set: its MX records, then all hosts at once
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For mx.c alone. Of each host its addresses, then its TLSA records. */
#ifndef POLICY_MX_LOOKUP_H
#define POLICY_MX_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/mx.h"
#include "policy/world.h"

struct mx_lookup;

/* mx_lookup_start: `done` once, from the loop. The domain outlives the lookup. */
struct mx_lookup *mx_lookup_start(const struct world *world, bool dane, const char *domain,
    void (*done)(void *arg, struct mx_lookup *l), void *arg);
void mx_lookup_free(struct mx_lookup *l);	/* done or under way */

/* mx_lookup_set: what was found, but for `found`; all that *set points to is in one malloc'ed
 * block of *size octets, which is returned. */
void *mx_lookup_set(const struct mx_lookup *l, struct mx_set *set, size_t *size);
uint64_t mx_lookup_keep_ms(const struct mx_lookup *l);	/* for how long it counts */

#endif
