/* failing.h - which cached policies cannot be refreshed, and since when
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A copy in memory of what the store says of each policy, so that nobody walks through the store to
 * count them. */
#ifndef POLICY_FAILING_H
#define POLICY_FAILING_H

#include <stddef.h>
#include <stdint.h>

struct failing;

struct failing *failing_new(void);	/* NULL when out of memory */
void failing_free(struct failing *f);	/* NULL is allowed */

/* failing_set: since then (seconds since the epoch); 0: not, or not any more. */
void failing_set(struct failing *f, const char *domain, int64_t since);

/* failing_count: those that began to fail then or before. */
size_t failing_count(const struct failing *f, int64_t then);

#endif
