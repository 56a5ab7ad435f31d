/* apply.h - putting a rule set into the kernel, taking ours out, and reading back what is there
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_APPLY_H
#define NFQ_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "nfq/ruleset.h"

/* apply_install: first whole in an empty network namespace of its own where this process may make
 * one (what a kernel refuses is refused there), then here: each family's tables in one
 * iptables-restore --noflush with the jumps (old ones of ours out, new ones in), or nft -f -; then
 * the routes. What the other backend left of ours is taken out last. Nothing of others is touched.
 * Needs CAP_NET_ADMIN. False with the reason; what was there before stays or is put back. */
bool apply_install(const struct ruleset *r, char *error, size_t error_size);

/* apply_remove: everything of ours, of both backends and both families. *found: there was any. */
bool apply_remove(bool *found, char *error, size_t error_size);

/* apply_loaded: what is loaded of ours now as one canonical text: every chain, jump and route rule
 * of ours, a line each, as the programs print them, without counters; lines that begin with "#"
 * part it. NULL with the reason. free(). With netns >= 0: of that network namespace. */
char *apply_loaded(int netns, char *error, size_t error_size);

/* apply_canonical: what apply_loaded gives after apply_install(r) and nothing else, found out in an
 * empty network namespace; needs CAP_SYS_ADMIN. NULL with the reason. free(). */
char *apply_canonical(const struct ruleset *r, char *error, size_t error_size);

/* apply_before: how many rules of others stand before the jump of ours, in the text of a chain's
 * iptables-save; for `verify` and `doctor`: "N rules stand before ours in TABLE BASE". The whole
 * list as printable lines, "" when none; NULL when out of memory. free(). */
char *apply_before(char *error, size_t error_size);

/* apply_counts: packets that the guard has seen since the rules were loaded (refused or, with
 * when-down: open, passed), and those refused before it; false with the reason. */
bool apply_counts(unsigned long long *guard, unsigned long long *refused, char *error,
    size_t error_size);

#endif
