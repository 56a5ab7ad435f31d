/* moment.h - the two clocks: one for deadlines, one for records
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_MOMENT_H
#define DAEMON_MOMENT_H

#include <stdint.h>

/* moment_now: seconds that never jump, whoever sets the clock; for deadlines and durations. */
double moment_now(void);

/* moment_wall_us: microseconds since the epoch, UTC; for records. */
uint64_t moment_wall_us(void);

#endif
