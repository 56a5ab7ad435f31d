/* link.h - one channel of the policy process, from inside: for links.c and link_*.c alone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include "daemon/channel.h"
#include "daemon/links.h"
#include "daemon/ring.h"

#define PROBES_MAX 8		/* at once; the control socket allows fewer */

struct link {
	struct links *all;
	struct link *next;
	unsigned slot;
	struct channel *channel;	/* NULL: gone, only the ring is left */
	bool dead;			/* to be closed at the end of this turn */
	bool stale;			/* MESSAGE_STALE of everything is due */
	struct ring *ring;		/* NULL until it was handed over */
	unsigned taken;			/* messages out of it in this turn of the loop */
	bool drained;			/* when last looked at, nothing was left to read */
	bool asleep;			/* nobody looks until the bell rings */
	unsigned looks;			/* in a row that found nothing */
	size_t asking;
};

struct links {
	struct ev_loop *loop;
	struct engine *engine;
	const struct links_events *events;
	void *arg;
	ev_prepare sweep;
	ev_timer look;			/* active while some ring does not sleep */
	struct link *first;
	uint64_t messages;
	size_t batch;			/* records the log has taken and not yet written */
	bool failing;			/* the log takes nothing, until links_retry */
	struct {
		uint32_t id;
		const struct link *link;	/* NULL: free */
	} probes[PROBES_MAX];
};

/* link_take: one message as it came, to be held against what this one may say; fd stays the
 * caller's. link_take_told: one out of the ring, which may be read again after the log failed: then
 * only what it has for the log counts. NULL, or why it is malformed. */
void link_take(struct link *k, const unsigned char *p, size_t len, int fd);
const char *link_take_told(struct link *k, const unsigned char *p, size_t len, bool again);

/* link_broken: the other side keeps no contract, and is not listened to any more. */
void link_broken(struct link *k, const char *why);

/* link_take_ring: the ring itself, or with fd -1 its bell; NULL, or why that cannot be. */
const char *link_take_ring(struct link *k, int fd);

/* link_record: the message read last is this event, for the log. */
void link_record(struct link *k, const struct event *e);

/* link_end_ring: after the channel's end: what is left in the ring. link_over: nothing is. */
void link_end_ring(struct link *k);
bool link_over(const struct link *k);

/* links_drain: reads what is in the rings; the log may have it later (links_flush). */
void links_drain(struct links *l);

/* links_look: of links.look. */
void links_look(struct ev_loop *loop, ev_timer *w, int revents);

/* link_say_stale: that everything may be wrong now; where it does not fit it stays due. */
void link_say_stale(struct link *k);

/* link_is_nfq: the nfq process's, no worker's. */
bool link_is_nfq(const struct link *k);

#endif
