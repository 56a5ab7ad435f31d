/* queue.h - a worker's records on their way to the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounded. A record stays until it is acknowledged; after the channel was replaced all that is left
 * is sent again, in order, with the same sequence numbers. What does not fit is dropped and
 * counted: mail never waits for the log. */
#ifndef RECORD_QUEUE_H
#define RECORD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/event.h"

#define QUEUE_OCTETS_MAX (8u << 20)	/* about 8,000 decisions: minutes of a busy worker */

struct queue;

/* send: hands one whole message to the channel, false when it cannot take it now. */
struct queue *queue_new(bool (*send)(void *arg, const void *p, size_t len), void *arg);
void queue_free(struct queue *q);

/* queue_add: encodes, keeps and sends; false when it was dropped. */
bool queue_add(struct queue *q, const struct event *e);
void queue_acknowledge(struct queue *q, uint64_t sequence);
void queue_flush(struct queue *q);	/* the channel can take more */
void queue_resend(struct queue *q);	/* the channel is a new one */
size_t queue_length(const struct queue *q);
uint64_t queue_dropped(const struct queue *q);

#endif
