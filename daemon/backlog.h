/* backlog.h - the policy process's own events that the log could not take yet, in their order
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_BACKLOG_H
#define DAEMON_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "record/event.h"

#define BACKLOG_OCTETS_MAX (8u << 20)	/* as much as a worker's ring holds */

struct backlog_event {
	struct backlog_event *next;
	size_t len;
	unsigned char event[];		/* as record/event.h encodes it */
};

struct backlog {
	struct backlog_event *first, *last;
	size_t octets;
};

/* backlog_add: false when full or out of memory. */
bool backlog_add(struct backlog *b, const struct event *e);
void backlog_drop_first(struct backlog *b);
void backlog_clear(struct backlog *b);

#endif
