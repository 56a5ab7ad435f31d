/* lapse.h - tells when the `until` of a rule passes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_LAPSE_H
#define POLICY_LAPSE_H

#include "daemon/config.h"
#include "policy/world.h"

struct lapse;

/* lapse_new: `passed` is called, from the loop, once for each moment at which rules of `domains` or
 * `relays` end. NULL when out of memory. */
struct lapse *lapse_new(const struct world *world, const struct config *config,
    void (*passed)(void *arg), void *arg);
void lapse_free(struct lapse *l);	/* NULL is allowed */

#endif
