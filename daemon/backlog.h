/* backlog.h - records a worker sent that the log could not take yet, in their order
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_BACKLOG_H
#define DAEMON_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A worker keeps no more than QUEUE_OCTETS_MAX without an acknowledgement, so an honest one never
 * sends more than this. */
#define BACKLOG_OCTETS_MAX (9u << 20)

struct backlog_record {
	struct backlog_record *next;
	uint64_t sequence;
	size_t len;
	unsigned char event[];		/* as record/event.h encodes it */
};

struct backlog {
	struct backlog_record *first, *last;
	size_t octets;
};

/* backlog_add: false when full or out of memory. */
bool backlog_add(struct backlog *b, uint64_t sequence, const void *event, size_t len);
void backlog_drop_first(struct backlog *b);
void backlog_clear(struct backlog *b);

#endif
