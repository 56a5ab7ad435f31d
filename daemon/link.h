/* link.h - one channel of the policy process, from inside: for links.c and link_take.c alone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include "daemon/backlog.h"
#include "daemon/channel.h"
#include "daemon/links.h"

#define PROBES_MAX 8		/* at once; the control socket allows fewer */

struct link {
	struct links *all;
	struct link *next;
	unsigned slot;
	struct channel *channel;	/* NULL: gone, only the backlog is left */
	bool dead;			/* to be closed at the end of this turn */
	bool acknowledge;		/* an acknowledgement is due */
	bool stale;			/* to the nfq process: MESSAGE_STALE is due */
	uint64_t written;		/* sequence number of the last record in the log */
	size_t asking;
	struct backlog backlog;
};

struct links {
	struct ev_loop *loop;
	struct engine *engine;
	const struct links_events *events;
	void *arg;
	ev_prepare sweep;
	struct link *first;
	uint64_t messages;
	struct {
		uint32_t id;
		const struct link *link;	/* NULL: free */
	} probes[PROBES_MAX];
};

/* link_take: one message as it came, to be held against what this one may say. */
void link_take(struct link *k, const unsigned char *p, size_t len);

/* link_written: the log has all up to this record. */
void link_written(struct link *k, uint64_t sequence);

/* link_is_nfq: the nfq process's, no worker's. */
bool link_is_nfq(const struct link *k);

#endif
