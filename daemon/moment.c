/* moment.c - the two clocks: one for deadlines, one for records
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Both are read without a system call (vdso). ev_now() would be cheaper and is the wall clock: set
 * back, it would stretch every deadline that runs. */
#include "daemon/moment.h"

#include <time.h>

double
moment_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t
moment_wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
