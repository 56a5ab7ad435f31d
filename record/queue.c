/* queue.c - a worker's records on their way to the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A list in the order of the sequence numbers. What stands before `unsent` was handed to the
 * channel and waits for its acknowledgement; the rest waits for the channel. */
#include "record/queue.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/wire.h"
#include "policy/message.h"

struct record {
	struct record *next;
	uint64_t sequence;
	size_t len;
	unsigned char message[];
};

struct queue {
	bool (*send)(void *arg, const void *p, size_t len);
	void *arg;
	struct record *first, **last, *unsent;
	uint64_t sequence;		/* of the newest record */
	uint64_t dropped;
	size_t length, octets;
};

struct queue *
queue_new(bool (*send)(void *arg, const void *p, size_t len), void *arg)
{
	struct queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->send = send;
	q->arg = arg;
	q->last = &q->first;
	return q;
}

static void
drop_first(struct queue *q)
{
	struct record *r = q->first;

	q->first = r->next;
	if (q->first == NULL)
		q->last = &q->first;
	if (q->unsent == r)
		q->unsent = r->next;
	q->octets -= sizeof *r + r->len;
	q->length--;
	free(r);
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	while (q->first != NULL)
		drop_first(q);
	free(q);
}

static struct record *
record_new(const struct event *e, uint64_t sequence)
{
	unsigned char body[WIRE_MESSAGE_MAX - EVENT_RECORD_SPARE];
	size_t len = event_encode(body, sizeof body, e), size = len + EVENT_RECORD_SPARE;
	struct record *r;

	if (len == 0)
		return NULL;
	r = malloc(sizeof *r + size);
	if (r == NULL)
		return NULL;
	r->next = NULL;
	r->sequence = sequence;
	r->len = message_record(r->message, size, sequence, body, len);
	if (r->len == 0) {
		free(r);
		return NULL;
	}
	return r;
}

bool
queue_add(struct queue *q, const struct event *e)
{
	struct record *r = record_new(e, q->sequence + 1);

	if (r == NULL || q->octets + sizeof *r + r->len > QUEUE_OCTETS_MAX) {
		free(r);
		q->dropped++;
		return false;
	}
	q->sequence++;
	q->octets += sizeof *r + r->len;
	q->length++;
	*q->last = r;
	q->last = &r->next;
	if (q->unsent == NULL)
		q->unsent = r;
	queue_flush(q);
	return true;
}

void
queue_acknowledge(struct queue *q, uint64_t sequence)
{
	/* What was never sent cannot have been written, whoever says so. */
	while (q->first != NULL && q->first != q->unsent && q->first->sequence <= sequence)
		drop_first(q);
}

void
queue_flush(struct queue *q)
{
	while (q->unsent != NULL && q->send(q->arg, q->unsent->message, q->unsent->len))
		q->unsent = q->unsent->next;
}

void
queue_resend(struct queue *q)
{
	q->unsent = q->first;
	queue_flush(q);
}

size_t
queue_length(const struct queue *q)
{
	return q->length;
}

uint64_t
queue_dropped(const struct queue *q)
{
	return q->dropped;
}
