/* channel.h - one end of a SEQPACKET socket pair on the event loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole messages of at most WIRE_MESSAGE_MAX octets, in order, optionally with one descriptor.
 * Sending never blocks: what the kernel does not take waits in a bounded queue. When the other end
 * is gone `closed` is called once, from the loop; the channel object stays until channel_free. */
#ifndef DAEMON_CHANNEL_H
#define DAEMON_CHANNEL_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#define CHANNEL_QUEUE_MAX (1 << 20)	/* octets waiting for a slow reader: about 1,000 records */

struct channel;

struct channel_events {
	/* One message. fd is -1 or a received descriptor, now owned by the callee. */
	void (*message)(void *arg, const unsigned char *p, size_t len, int fd);
	void (*closed)(void *arg);
	/* The waiting queue has become empty; may be NULL. */
	void (*drained)(void *arg);
};

/* channel_pair: two connected non-blocking, close-on-exec ends; 0 or -1 with errno. */
int channel_pair(int ends[2]);

/* channel_new: takes over fd. NULL when out of memory (fd stays the caller's). The callbacks must
 * not free the channel; mark and free it later. */
struct channel *channel_new(struct ev_loop *loop, int fd, const struct channel_events *events,
    void *arg);
void channel_free(struct channel *c);	/* closes the descriptor; NULL is allowed */

/* channel_send: false when the queue is full or the other end is gone: nothing was taken. fd is -1
 * or a descriptor to pass along, which stays the caller's (it is duplicated where it must wait). */
bool channel_send(struct channel *c, const void *p, size_t len, int fd);

/* channel_waiting: octets not yet taken by the kernel. */
size_t channel_waiting(const struct channel *c);

#endif
