/* child.h - a child's line to the parent: readiness, heartbeat, drain, new ends of channels
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parent asks for a heartbeat only where somebody could notice a hang (a worker with sessions
 * or with a connection waiting; the policy process), so an idle worker sleeps. */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include <ev.h>
#include <stdbool.h>

struct child;

struct child_events {
	void (*drain)(void *arg);		/* take nothing new, end when all is done */
	void (*policy_end)(void *arg, int fd);	/* worker: a new channel to the policy process */
	/* policy: a new channel to the worker in this slot */
	void (*worker_end)(void *arg, unsigned slot, int fd);
	void (*rotate)(void *arg);		/* policy: open the log file anew */
	/* worker: posternd ends: clients between two mails are sent away */
	void (*close)(void *arg);
	void (*parent_gone)(void *arg);		/* end at once */
};

/* child_new: takes over fd; handlers that do not apply may be NULL. Heartbeats are answered
 * inside. */
struct child *child_new(struct ev_loop *loop, int fd, const struct child_events *events, void *arg);
void child_free(struct child *c);
bool child_ready(struct child *c);		/* "initialised, serving" */
bool child_ask_reload(struct child *c);		/* like SIGHUP at the parent */

#endif
