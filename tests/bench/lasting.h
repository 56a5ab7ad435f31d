/* lasting.h - how long many things took
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_LASTING_H
#define TESTS_LASTING_H

#include "tests/bench/samples.h"

/* lasting: microseconds of each thing that has ended. */
struct lasting {
	double *us;
	size_t count, room;
};

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
	l->us[l->count++] = (samples_seconds(CLOCK_MONOTONIC) - begin) * 1e6;
}

/* lasting_part: that of which so many hundredths are shorter; it puts them in order. */
static inline double
lasting_part(struct lasting *l, size_t hundredths)
{
	if (l->count == 0)
		return 0;
	samples_sort(l->us, l->count);
	return l->us[(l->count - 1) * hundredths / 100];
}

#endif
