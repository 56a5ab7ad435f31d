/* ring.h - a one-way queue of messages in memory that two processes share
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One process writes, one reads; for a moment two may read, an old policy process and its
 * successor. Either side may die at any instruction: what was written whole is there for the next
 * reader, and a reader takes nothing away before it says ring_done.
 *
 * Two numbers rule it, each counting octets since the beginning: the head, up to where there is
 * something to read, is the writer's; the tail, up to where all is done with, moves forward by
 * compare-and-swap alone, so that whoever read an earlier stretch cannot take it back.
 *
 * A reader takes the writer for captured: it copies before it looks, checks lengths and positions,
 * and the file cannot shrink under it. Waking is left to the caller: a reader that found nothing
 * says ring_sleep, and the writer is told by ring_bell when the reader must be woken. */
#ifndef DAEMON_RING_H
#define DAEMON_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_OCTETS (8u << 20)	/* about 8,000 decisions: minutes of a busy worker */
#define RING_LOOK_S 0.005	/* a reader that is awake looks again this often: one wake-up for
				 * many records, and nobody misses them for so short a time */

struct ring;

/* ring_new: for the writer. ring_open: for a reader; the descriptor stays the caller's. NULL with
 * errno; EBADF: it is no ring, EPERM: its writer could cut it off. */
struct ring *ring_new(void);
struct ring *ring_open(int fd);
void ring_free(struct ring *r);		/* NULL is allowed */

/* ring_descriptor: of the writer's, to be handed to a reader; -1 of a reader's. */
int ring_descriptor(const struct ring *r);

/* ring_waiting: octets that no reader is done with. */
uint64_t ring_waiting(const struct ring *r);

/* The writer. ring_write: false when there is no room; len from 1 to WIRE_MESSAGE_MAX. */
bool ring_write(struct ring *r, const void *p, size_t len);

/* ring_bell: true once after the reader has gone to sleep. Where the bell cannot be rung now,
 * ring_bell_due makes it true again. */
bool ring_bell(struct ring *r);
void ring_bell_due(struct ring *r);

enum ring_result {
	RING_EMPTY,
	RING_NEW,	/* a message never read before */
	RING_SEEN,	/* the same, but it was read before ring_again */
	RING_BROKEN	/* no honest writer's */
};

/* The reader. ring_read: the next message into out, WIRE_MESSAGE_MAX octets, its length in *len. */
enum ring_result ring_read(struct ring *r, void *out, size_t *len);

/* ring_unread: the message read last is the next one again; once. */
void ring_unread(struct ring *r);

/* ring_done: all that was read is done with: its room is the writer's. */
void ring_done(struct ring *r);

/* ring_again: what was read and is not done with will be read again. ring_skip: but not what was
 * read before. */
void ring_again(struct ring *r);
void ring_skip(struct ring *r);

/* ring_sleep: true when nothing is left to read: the writer rings when it writes. */
bool ring_sleep(struct ring *r);

/* ring_settled: nothing was read that is not done with. */
bool ring_settled(const struct ring *r);

/* ring_end: the writer is gone, or not heard any more: what it writes from now on is not read.
 * ring_cut: neither is what stands where the reader is. */
void ring_end(struct ring *r);
void ring_cut(struct ring *r);

#endif
