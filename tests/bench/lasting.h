/* lasting.h - clocks, and how long many things took
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_LASTING_H
#define TESTS_LASTING_H

#include <stdlib.h>
#include <time.h>

/* lasting: microseconds of each thing that has ended. */
struct lasting {
	double *us;
	size_t count, room;
};

static inline double
lasting_seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* lasting_add: what began at `begin` of the monotonic clock ends now. */
static inline void
lasting_add(struct lasting *l, double begin)
{
	if (l->count == l->room) {
		l->room = l->room > 0 ? 2 * l->room : 1024;
		l->us = realloc(l->us, l->room * sizeof(*l->us));
		if (l->us == NULL)
			abort();
	}
	l->us[l->count++] = (lasting_seconds(CLOCK_MONOTONIC) - begin) * 1e6;
}

static inline int
lasting_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* lasting_part: that of which so many hundredths are shorter; it puts them in order. */
static inline double
lasting_part(struct lasting *l, size_t hundredths)
{
	if (l->count == 0)
		return 0;
	qsort(l->us, l->count, sizeof(*l->us), lasting_compare);
	return l->us[(l->count - 1) * hundredths / 100];
}

#endif
