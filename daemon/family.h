/* family.h - the children as supervise.c, spawn.c, death.c and heartbeat.c see them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_FAMILY_H
#define DAEMON_FAMILY_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/channel.h"
#include "daemon/order.h"
#include "daemon/supervise.h"

#define PLACES COUNTERS_PROCESSES	/* 0 is the policy process's, then come the workers' */
#define PLACE_NFQ COUNTERS_NFQ

_Static_assert(PLACE_NFQ == CONFIG_WORKERS_MAX + 1 && PLACES == PLACE_NFQ + 1, "a place for each");

enum process_state { PROCESS_STARTING, PROCESS_SERVING, PROCESS_DRAINING };

struct process {
	struct process *next;
	struct family *family;
	unsigned place;
	int column;			/* of the counters; -1 for the policy process */
	pid_t pid;
	struct channel *line;
	enum process_state state;
	double born_s;
	double asked_s;			/* since when an answer is due, 0: none is */
	ev_timer limit;			/* of its draining */
	const char *killed_for;		/* by us; NULL otherwise */
};

struct place {
	struct family *family;
	unsigned number;
	struct process *current;	/* who serves or will serve here; older ones drain */
	struct backoff backoff;
	ev_timer again;
};

struct family {
	const struct supervise_start *start;
	const struct config *config;
	const struct listeners *listeners;
	struct place places[PLACES];
	struct process *all;
	ev_timer tick;
	unsigned stopping;		/* times family_stop was called */
	bool renewing;			/* the policy process is to be replaced, then the workers */
	bool settled, was_settled;
	bool gone;			/* said so */
	bool fresh_store;
	double damaged_s;		/* when the policy process last crashed, 0: not lately */
};

bool is_policy(const struct process *p);
bool is_nfq(const struct process *p);
bool is_worker(const struct process *p);
bool place_wanted(const struct family *f, unsigned place);	/* by the configuration in force */
const char *process_name(const struct process *p, char name[64]);
bool process_order(struct process *p, enum order_type type, uint32_t link, int fd);

/* process_drain: asks it to end; killed after limit_s. 0 is for an old worker, whose sessions have
 * all the time that supervise_limits gives them. */
void process_drain(struct process *p, double limit_s);
void process_kill(struct process *p, const char *reason);

/* supervise.c: it serves from now on. */
void process_ready(struct process *p);

/* policy_start: now; who lives is connected to it. place_start: a worker or the nfq process, now,
 * where it is wanted. place_retry: any of them, later. */
void policy_start(struct family *f);
void place_start(struct family *f, unsigned place);
void place_retry(struct family *f, unsigned place, double delay_s);

/* death.c: while stopping, the next step once the workers are gone. */
void family_check_end(struct family *f);

/* spawn.c: a new process in its place, NULL (with the reason on stderr) when there is none. The
 * nfq process is born as workers are. */
struct process *spawn_policy(struct family *f);
struct process *spawn_worker(struct family *f, unsigned place);
void process_free(struct process *p);

/* heartbeat.c: asks those whose hang somebody could notice, kills those who did not answer.
 * heartbeat_pace: as often as the configuration needs. heartbeat_count: whenever something has
 * changed that counters_accepting tells. */
void heartbeat_tick(struct ev_loop *loop, ev_timer *timer, int what);
void heartbeat_pace(struct family *f);
void heartbeat_count(struct family *f);

#endif
