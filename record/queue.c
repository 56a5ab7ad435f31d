/* queue.c - what a worker or the nfq process puts on record, on its way to the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/queue.h"

#include <stdlib.h>

#include "daemon/ring.h"
#include "daemon/wire.h"
#include "policy/message.h"

struct queue {
	bool (*send)(void *arg, const void *p, size_t len, int fd);
	void *arg;
	struct ring *ring;
	bool handed;		/* the ring, over this channel */
	uint64_t dropped;
};

struct queue *
queue_new(bool (*send)(void *arg, const void *p, size_t len, int fd), void *arg)
{
	struct queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->send = send;
	q->arg = arg;
	q->ring = ring_new();
	if (q->ring == NULL) {
		free(q);
		return NULL;
	}
	return q;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	ring_free(q->ring);
	free(q);
}

/* A reader that is handed the ring looks into it by itself. */
static bool
hand_over(struct queue *q)
{
	unsigned char message[8];

	return q->send(q->arg, message, message_ring(message, sizeof message),
	    ring_descriptor(q->ring));
}

static void
wake_reader(struct queue *q)
{
	unsigned char message[8];

	if (!q->handed)
		q->handed = hand_over(q);
	else if (ring_bell(q->ring) &&
	    !q->send(q->arg, message, message_ring(message, sizeof message), -1))
		ring_bell_due(q->ring);
}

bool
queue_put(struct queue *q, const void *p, size_t len)
{
	if (!ring_write(q->ring, p, len))
		return false;
	wake_reader(q);
	return true;
}

bool
queue_add(struct queue *q, const struct event *e)
{
	unsigned char body[WIRE_MESSAGE_MAX - EVENT_RECORD_SPARE], message[WIRE_MESSAGE_MAX];
	size_t len = event_encode(body, sizeof body, e);

	if (len > 0)
		len = message_record(message, sizeof message, body, len);
	if (len > 0 && queue_put(q, message, len))
		return true;
	q->dropped++;
	return false;
}

void
queue_flush(struct queue *q)
{
	if (queue_length(q) > 0)
		wake_reader(q);
}

void
queue_resend(struct queue *q)
{
	q->handed = hand_over(q);
}

uint64_t
queue_length(const struct queue *q)
{
	return ring_waiting(q->ring);
}

uint64_t
queue_dropped(const struct queue *q)
{
	return q->dropped;
}
