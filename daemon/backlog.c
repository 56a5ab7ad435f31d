/* backlog.c - the policy process's own events that the log could not take yet, in their order
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/wire.h"

bool
backlog_add(struct backlog *b, const struct event *e)
{
	unsigned char event[WIRE_MESSAGE_MAX];
	size_t len = event_encode(event, sizeof event, e);
	struct backlog_event *r;

	if (len == 0 || b->octets + sizeof *r + len > BACKLOG_OCTETS_MAX)
		return false;
	r = malloc(sizeof *r + len);
	if (r == NULL)
		return false;
	r->next = NULL;
	r->len = len;
	memcpy(r->event, event, len);
	if (b->last != NULL)
		b->last->next = r;
	else
		b->first = r;
	b->last = r;
	b->octets += sizeof *r + len;
	return true;
}

void
backlog_drop_first(struct backlog *b)
{
	struct backlog_event *r = b->first;

	b->first = r->next;
	if (b->first == NULL)
		b->last = NULL;
	b->octets -= sizeof *r + r->len;
	free(r);
}

void
backlog_clear(struct backlog *b)
{
	while (b->first != NULL)
		backlog_drop_first(b);
}
