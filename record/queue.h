/* queue.h - what a worker or the nfq process puts on record, on its way to the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A ring in shared memory (daemon/ring.h), handed over each channel anew. What is in it stays until
 * the log has it, whoever writes the log by then. What does not fit is dropped and counted: mail
 * never waits for the log. */
#ifndef RECORD_QUEUE_H
#define RECORD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/event.h"

struct queue;

/* send: hands one message to the channel, with the ring's descriptor or -1; false when it cannot
 * take it now. queue_new: before the sandbox closes; NULL with errno. */
struct queue *queue_new(bool (*send)(void *arg, const void *p, size_t len, int fd), void *arg);
void queue_free(struct queue *q);	/* NULL is allowed */

/* queue_add: an event; false when it was dropped. queue_put: another message of at most
 * WIRE_MESSAGE_MAX octets; false when there is no room, which is not counted. */
bool queue_add(struct queue *q, const struct event *e);
bool queue_put(struct queue *q, const void *p, size_t len);
void queue_flush(struct queue *q);	/* the channel can take more */
void queue_resend(struct queue *q);	/* the channel is a new one */
uint64_t queue_length(const struct queue *q);	/* octets that are not in the log yet */
uint64_t queue_dropped(const struct queue *q);	/* events */

#endif
