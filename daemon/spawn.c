/* spawn.c - the birth of a child: fork, clean surroundings, its channels
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A child inherits nothing but its own descriptors and the page of counters. Only the parent
 * speaks to it: signals meant for the whole group (a terminal's, a service manager's) must not
 * kill the policy process before the last record. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/console.h"
#include "daemon/descriptors.h"
#include "daemon/family.h"
#include "daemon/moment.h"
#include "daemon/needs.h"
#include "daemon/privilege.h"

#define ORPHAN_S 5	/* to end in order when the parent died; then the kernel ends it */

static void
orphaned(int signal)
{
	(void)signal;
	alarm(ORPHAN_S);
}

static bool
reset_signals(pid_t parent, int orphans)
{
	struct sigaction how = { .sa_handler = SIG_IGN };
	sigset_t none;

	/* The parent has no handlers: it reads its signals from a descriptor. */
	sigaction(SIGPIPE, &how, NULL);
	sigaction(SIGINT, &how, NULL);
	sigaction(SIGTERM, &how, NULL);
	sigaction(SIGHUP, &how, NULL);
	how.sa_handler = orphaned;
	how.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &how, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return prctl(PR_SET_PDEATHSIG, orphans, 0, 0, 0) == 0 && getppid() == parent;
}

/* What is its own: capabilities, and as much of the counters as it must see. */
static bool
take_place(const struct process *p, char *error, size_t size)
{
	const struct family *f = p->family;
	enum privilege_use use = is_nfq(p) ? PRIVILEGE_BEQUEATH : PRIVILEGE_USE;
	unsigned which = is_nfq(p) ? PRIVILEGE_NET_ADMIN : 0;

	if (is_worker(p)) {
		which = needs_of_worker(f->config);
		counters_leave_office(f->start->counters);
	} else if (is_nfq(p)) {
		counters_read_office(f->start->counters);
	}
	if (p->column >= 0)
		counters_settle(f->start->counters, p->column);
	return privilege_keep(which, use, error, size) &&
	    privilege_verify(which, use, error, size);
}

/* In the child, before its own main function. */
static void
settle_in(const struct process *p, pid_t parent, int keep[3])
{
	char error[128], name[64];

	/* The nfq process may be stopped when the parent dies; SYNs wait in its queue until it is
	 * gone. */
	if (!reset_signals(parent, is_nfq(p) ? SIGKILL : SIGUSR1))
		exit(EXIT_FAILURE);
	if (!descriptors_close_others(keep, 3)) {
		console_error("cannot close the parent's descriptors: %s", strerror(errno));
		exit(EXIT_FAILURE);
	}
	if (p->family->start->title != NULL)
		title_set(p->family->start->title, is_policy(p) ? "posternd: policy" :
		    is_nfq(p) ? "posternd: nfq" : "posternd: proxy");
	if (!take_place(p, error, sizeof(error))) {
		console_error("%s: %s", process_name(p, name), error);
		exit(EXIT_FAILURE);
	}
}

static void
on_closed(void *arg)
{
	struct process *p = arg;

	/* It is dying, or will never answer again. */
	if (p->asked_s <= 0)
		p->asked_s = moment_now();
}

static void
on_message(void *arg, const unsigned char *bytes, size_t len, int fd)
{
	struct process *p = arg;
	struct order order;

	if (fd >= 0)
		close(fd);	/* a child has none to give */
	if (!order_read(&order, bytes, len))
		return;
	switch (order.type) {
	case ORDER_READY:
		process_ready(p);
		break;
	case ORDER_PONG:
		p->asked_s = 0;
		heartbeat_count(p->family);
		break;
	case ORDER_RELOAD:
		if (is_policy(p))	/* who may ask is checked there; nobody asks a worker */
			p->family->start->events->reload(p->family->start->arg);
		break;
	case ORDER_PING: case ORDER_DRAIN: case ORDER_POLICY_END: case ORDER_WORKER_END:
	case ORDER_ROTATE: case ORDER_CLOSE:
		break;		/* not said to a parent */
	}
}

static const struct channel_events line_events = { .message = on_message, .closed = on_closed };

void
process_free(struct process *p)
{
	ev_timer_stop(p->family->start->loop, &p->limit);
	channel_free(p->line);
	if (p->column >= 0)
		counters_release(p->family->start->counters, p->column);
	free(p);
}

/* A process that is not born yet, with the child's end of its line in *end. */
static struct process *
conceive(struct family *f, unsigned place, int *end)
{
	struct process *p = calloc(1, sizeof(*p));
	int ends[2], error;

	if (p == NULL || channel_pair(ends) != 0) {
		free(p);
		return NULL;
	}
	p->family = f;
	p->place = place;
	p->column = place == 0 ? -1 : counters_claim(f->start->counters);
	p->line = channel_new(f->start->loop, ends[0], &line_events, p);
	ev_init(&p->limit, NULL);
	if (p->line == NULL || (place != 0 && p->column < 0)) {
		error = p->line == NULL ? ENOMEM : EUSERS;
		if (p->line == NULL)
			close(ends[0]);
		close(ends[1]);
		process_free(p);
		errno = error;
		return NULL;
	}
	*end = ends[1];
	return p;
}

static struct process *
born(struct process *p, pid_t pid)
{
	struct family *f = p->family;
	struct counters_process *shown = counters_process(f->start->counters, p->place);
	int error = errno;
	char name[64];

	if (pid < 0) {
		console_error("%s cannot be started: %s", process_name(p, name), strerror(error));
		process_free(p);
		return NULL;
	}
	p->pid = pid;
	p->state = PROCESS_STARTING;
	p->born_s = p->asked_s = moment_now();
	p->next = f->all;
	f->all = p;
	f->places[p->place].current = p;
	shown->pid = (int32_t)pid;
	shown->column = p->column;
	return p;
}

struct process *
spawn_policy(struct family *f)
{
	struct policyd_start start = { .config = f->config, .counters = f->start->counters,
	    .fresh_store = f->fresh_store };
	struct process *p = conceive(f, 0, &start.parent);
	pid_t parent = getpid(), pid;

	if (p == NULL) {
		console_error("the policy process cannot be started: %s", strerror(errno));
		return NULL;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		settle_in(p, parent, (int [3]){ start.parent, -1, -1 });
		exit(f->start->roles->policy(&start));
	}
	p = born(p, pid);
	close(start.parent);
	if (p != NULL)
		f->fresh_store = false;
	return p;
}

struct process *
spawn_worker(struct family *f, unsigned place)
{
	struct supervise_worker start = { .config = f->config, .counters = f->start->counters,
	    .slot = place, .listener = place == PLACE_NFQ ? -1 : f->listeners->fd[place - 1],
	    .policy = -1 };
	struct process *policy = f->places[0].current, *p = conceive(f, place, &start.parent);
	pid_t parent = getpid(), pid;
	int ends[2] = { -1, -1 };

	if (p == NULL) {
		if (place == PLACE_NFQ)
			console_error("the nfq process cannot be started: %s", strerror(errno));
		else
			console_error("proxy worker %u cannot be started: %s", place,
			    errno == EUSERS ? "too many old workers still have sessions" :
			    strerror(errno));
		return NULL;
	}
	start.column = p->column;
	if (policy != NULL && policy->state != PROCESS_DRAINING && channel_pair(ends) == 0)
		start.policy = ends[0];
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		settle_in(p, parent, (int [3]){ start.parent, start.listener, start.policy });
		exit(place == PLACE_NFQ ? f->start->roles->nfq(&start) :
		    f->start->roles->worker(&start));
	}
	p = born(p, pid);
	if (p != NULL && start.policy >= 0)
		process_order(policy, ORDER_WORKER_END, p->place, ends[1]);
	close(start.parent);
	if (start.policy >= 0) {
		close(ends[0]);
		close(ends[1]);
	}
	return p;
}
