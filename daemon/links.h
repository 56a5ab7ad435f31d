/* links.h - the policy process's channels to the workers and the nfq process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A slot may have two processes at a time, an old one draining and its successor; each has a link.
 * The nfq process's slot is COUNTERS_NFQ: it alone sends hints and hears that answers are stale. */
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
	/* A record to be written; false: not now, it is kept and offered again by links_retry. */
	bool (*record)(void *arg, const struct event *e);
	void (*held)(void *arg);		/* some record was not written */
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

/* links_stale: the nfq process is told that what it was answered may be wrong now; that everything
 * may be is said once a turn of the loop, and to a new one at once. NULL is allowed. */
void links_stale(struct links *l, const struct stale *what);

void links_retry(struct links *l);
bool links_holding(const struct links *l);	/* records are waiting for the log */
size_t links_open(const struct links *l);	/* channels */
size_t links_asking(const struct links *l);	/* questions not yet answered */
uint64_t links_messages(const struct links *l);	/* received so far: has there been silence? */

#endif
