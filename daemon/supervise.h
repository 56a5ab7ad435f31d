/* supervise.h - keeping the policy process, N workers and the nfq process alive
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_SUPERVISE_H
#define DAEMON_SUPERVISE_H

#include <ev.h>
#include <stdbool.h>

#include "daemon/backoff.h"
#include "daemon/config.h"
#include "daemon/listener.h"
#include "daemon/policyd.h"
#include "daemon/title.h"
#include "record/counters.h"

/* What a worker or the nfq process is given; main.c knows their headers and passes it on. */
struct supervise_worker {
	const struct config *config;
	struct counters *counters;
	int column;
	unsigned slot;		/* from 1, as in counters_process */
	int listener, parent;
	int policy;		/* -1 until one is passed */
};

/* What a child does; its return value is the process's exit status. */
struct supervise_roles {
	int (*policy)(const struct policyd_start *start);
	int (*worker)(const struct supervise_worker *start);
	int (*nfq)(const struct supervise_worker *start);	/* slot and listener do not apply */
};

struct supervise_limits {
	double ping_s;			/* between two looks at all children */
	double answer_s;		/* who has not answered by then hangs */
	/* The same where SYNs wait for the nfq process; a worker that owes an answer for so long is
	 * no longer counted on. */
	double gate_ping_s, gate_answer_s;
	double drain_s;			/* for workers, when everything stops */
	double policy_drain_s;
	double elder_close_s;		/* old workers after a reload: clients between two mails */
	double elder_end_s;		/* and after that: everybody; 0 for never, both */
	double damage_s;		/* two crashes over the store within: a new one */
	struct backoff_limits backoff;
};

extern const struct supervise_limits supervise_limits;

struct supervise_events {
	void (*settled)(void *arg);	/* all serve: after the start, and after each renewal */
	void (*unstartable)(void *arg);	/* a child gave up before all had served once */
	void (*gone)(void *arg);	/* after supervise_stop: nobody is left */
	void (*reload)(void *arg);	/* a child asks for it */
};

struct supervise_start {
	struct ev_loop *loop;
	struct counters *counters;
	const struct title *title;
	const struct supervise_roles *roles;
	const struct supervise_limits *limits;
	const struct supervise_events *events;
	void *arg;
};

struct family;

/* family_new: nobody is started yet. NULL when out of memory. `start` must outlive it. */
struct family *family_new(const struct supervise_start *start);
void family_free(struct family *f);	/* kills who is left; NULL is allowed */

/* family_begin: starts all. Configuration and listeners are kept by reference. */
void family_begin(struct family *f, const struct config *config, const struct listeners *listeners);

/* family_renew: a new policy process once the old one has ended (it owns the store), then new
 * workers; each old worker drains when its successor serves. The nfq process is renewed like the
 * policy process, as a queue has one owner. The former configuration and listeners may be freed
 * afterwards. */
void family_renew(struct family *f, const struct config *config,
    const struct listeners *listeners);

void family_rotate(struct family *f);	/* the policy process opens its log anew */
void family_reap(struct family *f);	/* on SIGCHLD */

/* family_stop: workers and the nfq process drain, the policy process last, so that every record is
 * written. Called again: workers are killed; a third time: everybody is. */
void family_stop(struct family *f);

unsigned family_size(const struct family *f);	/* children alive */

#endif
