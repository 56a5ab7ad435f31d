/* samples.h - clocks, and the middle of several figures
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

#include <stdlib.h>
#include <time.h>

static inline double
samples_seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* samples_cpu_us: microseconds of CPU of this process. */
static inline double
samples_cpu_us(void)
{
	return samples_seconds(CLOCK_PROCESS_CPUTIME_ID) * 1e6;
}

static inline int
samples_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void
samples_sort(double *of, size_t len)
{
	qsort(of, len, sizeof(*of), samples_compare);
}

/* samples_median: puts them in order. */
static inline double
samples_median(double *of, size_t len)
{
	samples_sort(of, len);
	return of[len / 2];
}

#endif
