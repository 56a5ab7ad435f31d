/* filter.h - which decisions of the log somebody wants to see
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_FILTER_H
#define CTL_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#define FILTER_SINCE_SIZE 24	/* "2026-11-21T14:02:19" */

struct filter {
	bool refused;			/* refuse and would-refuse only */
	const char *domain;		/* "" for any; the recipient's or the policy's */
	const char *id;			/* "" for any */
	char since[FILTER_SINCE_SIZE];	/* RFC 3339 in UTC; "" for any time */
};

/* filter_since: from `s` seconds before now on. */
void filter_since(struct filter *f, time_t now, unsigned long s);

/* filter_match: whether the event is a decision and wanted. */
bool filter_match(const struct filter *f, const json_t *event);

#endif
