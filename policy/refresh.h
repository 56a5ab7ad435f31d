/* refresh.h - when each cached policy is fetched again (RFC 8461 sections 3.3 and 10.2)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A heap over all domains with a cached policy and one timer: a hundred thousand that are not due
 * cost nothing. The due times live in the store with the policies. */
#ifndef POLICY_REFRESH_H
#define POLICY_REFRESH_H

#include <stddef.h>
#include <stdint.h>

#include "policy/world.h"

#define REFRESH_FLIGHT_MAX 8	/* at once: a restart after long must not flood the line */

struct refresh;

/* refresh_new: `run` is called from the loop for a domain whose time has come; refresh_done follows
 * for each. The domain is out of the schedule until it is set again. */
struct refresh *refresh_new(const struct world *world, void (*run)(void *arg, const char *domain),
    void *arg);
void refresh_free(struct refresh *r);

void refresh_set(struct refresh *r, const char *domain, int64_t due);	/* added, or moved */
void refresh_drop(struct refresh *r, const char *domain);
void refresh_done(struct refresh *r);
size_t refresh_length(const struct refresh *r);

/* refresh_next: the plan. After a success (failures 0): daily, for short-lived policies at half
 * their life, spread by a tenth to either side. After failures: five minutes, doubled up to six
 * hours, spread upwards by a quarter. Seconds from now. */
int64_t refresh_next(const struct world *world, uint32_t max_age, unsigned failures);

#endif
