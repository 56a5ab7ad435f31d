/* links.h - the policy process's channels to the workers and the nfq process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A slot may have two processes at a time, an old one draining and its successor; each has a link.
 * The nfq process's slot is COUNTERS_NFQ: it alone sends hints. */
#ifndef DAEMON_LINKS_H
#define DAEMON_LINKS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/engine.h"
#include "policy/message.h"
#include "record/event.h"

#define LINKS_MAX 128			/* as many as there are columns of counters */
#define LINK_QUESTIONS_MAX 16384	/* open for one worker: over `sessions`, under a flood */

struct links;

struct links_events {
	/* A record for the log's batch; false: it cannot be taken now. */
	bool (*record)(void *arg, const struct event *e);
	/* The batch is written; false: nothing of it counts. */
	bool (*flush)(void *arg);
	/* Some record was not written: it stays in its ring until links_retry. */
	void (*held)(void *arg);
	void (*probe_step)(void *arg, const struct probe_step *step);
	/* The process in this slot broke the protocol; its channel is closed. */
	void (*broken)(void *arg, unsigned slot, const char *why);
};

struct links *links_new(struct ev_loop *loop, struct engine *engine,
    const struct links_events *events, void *arg);
void links_free(struct links *l);	/* before engine_free; NULL is allowed */

/* links_add: takes over fd, false when it could not (fd is closed). */
bool links_add(struct links *l, unsigned slot, int fd);

/* links_probe: passes it to one of the workers; false when there is none. Where that worker ends
 * before its last step, a last step is made up. */
bool links_probe(struct links *l, const struct probe *p);

/* links_stale: all are told that what they were answered may be wrong now, before any further
 * answer; that everything may be is said once a turn of the loop, and to a new nfq process at once.
 * NULL is allowed. */
void links_stale(struct links *l, const struct stale *what);

/* links_flush: what was read from the rings is written; false when it could not be. */
bool links_flush(struct links *l);
void links_retry(struct links *l);
/* links_holding: records wait for a log that takes none, or their process is gone. */
bool links_holding(const struct links *l);
size_t links_open(const struct links *l);	/* channels */
size_t links_asking(const struct links *l);	/* questions not yet answered */
uint64_t links_messages(const struct links *l);	/* received so far: has there been silence? */

#endif
