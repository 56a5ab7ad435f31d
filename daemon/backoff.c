/* backoff.c - how long to wait before what died is started again
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/backoff.h"

double
backoff_next(struct backoff *b, const struct backoff_limits *limits, double lived_s)
{
	if (b->last_s <= 0 || lived_s >= limits->reset_s)
		b->last_s = limits->first_s;
	else
		b->last_s *= 2;
	if (b->last_s > limits->most_s)
		b->last_s = limits->most_s;
	return b->last_s;
}
