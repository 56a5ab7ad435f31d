/* fresh.h - for how long a fact still holds, in milliseconds
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_FRESH_H
#define POLICY_FRESH_H

#include <stdint.h>

#define FRESH_ALWAYS UINT64_MAX		/* until somebody changes it */

uint64_t fresh_least(uint64_t a, uint64_t b);

/* fresh_ticks: until a moment of world.ticks; 0 when that is over. */
uint64_t fresh_ticks(uint64_t until, uint64_t now);

/* fresh_clock: until a second of the wall clock. Of the one that runs it is not known how much is
 * left, so it counts as over: never too long, unless the clock is set. */
uint64_t fresh_clock(int64_t until, int64_t now);

#endif
