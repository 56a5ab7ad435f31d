/* worker.c - one proxy worker: accepts, and runs its sessions on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/ring.h"
#include "daemon/sandbox.h"
#include "proxy/door.h"
#include "proxy/hotline.h"
#include "proxy/shy.h"
#include "daemon/moment.h"

/* Connections taken in one turn, so that a flood leaves time for the sessions that are open. */
#define ACCEPT_BATCH 32
#define DOOR_MAX 1024		/* who may wait at the door at once: the listener's backlog */
#define ACCEPT_PAUSE 1.0	/* seconds, unless a session ends before */
#define FAR_FUTURE 1e10		/* epoch seconds; keeps libev from waking for its clock check */

struct worker {
	const struct worker_start *start;
	struct ev_loop *loop;
	struct proxy proxy;
	struct child *child;
	struct hotline *hotline;
	struct shy shy;
	ev_io listener;
	ev_timer pause;
	ev_prepare reap;
	ev_periodic quiet;
	bool draining;
};

static void
policy_end(void *arg, int fd)
{
	struct worker *w = arg;

	hotline_connect(w->hotline, fd);
}

static void
sighting(void *arg, const struct sighting *s)
{
	struct worker *w = arg;

	hotline_sighting(w->hotline, s);
}

static void
proven(void *arg, const struct proven *p)
{
	struct worker *w = arg;

	hotline_proven(w->hotline, p);
}

static void
resume(struct worker *w)
{
	ev_timer_stop(w->loop, &w->pause);
	if (!w->draining)
		ev_io_start(w->loop, &w->listener);
}

static void
pause_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	resume(timer->data);
}

static void
start_pause(struct worker *w, double s)
{
	ev_timer_stop(w->loop, &w->pause);
	ev_timer_set(&w->pause, s, 0);
	ev_timer_start(w->loop, &w->pause);
}

/* pause_accept: no descriptors or memory: the backlog keeps what comes, open sessions go on. */
static void
pause_accept(struct worker *w)
{
	ev_io_stop(w->loop, &w->listener);
	start_pause(w, ACCEPT_PAUSE);
	counters_add(w->proxy.counters, w->proxy.column, COUNTER_ACCEPT_PAUSED, 1);
}

static void
left(void *arg)
{
	struct worker *w = arg;

	if (ev_is_active(&w->pause))
		resume(w);
}

/* accept_some: at most n of those who wait at the door. */
static void
accept_some(struct worker *w, int n)
{
	for (int i = 0; i < n; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		int fd = accept4(w->start->listener, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				pause_accept(w);
			return;
		}
		if (!door_enter(&w->proxy, fd, (struct sockaddr *)&from)) {
			pause_accept(w);
			return;
		}
	}
}

static void
accept_ready(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	accept_some(io->data, ACCEPT_BATCH);
}

static void
tls_failed(void *arg, const struct in6_addr *client)
{
	struct worker *w = arg;

	shy_add(&w->shy, client, moment_now());
}

static bool
tls_unwanted(void *arg, const struct in6_addr *client)
{
	struct worker *w = arg;

	return shy_has(&w->shy, client, moment_now());
}

/* between_turns: frees what has ended, and ends when a drained worker has nothing left. */
static void
between_turns(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct worker *w = prepare->data;

	(void)events;
	session_reap(&w->proxy);
	hotline_sweep(w->hotline);
	if (!w->draining || w->proxy.open > 0 || !hotline_idle(w->hotline))
		return;
	if (hotline_done(w->hotline))
		ev_break(loop, EVBREAK_ALL);
	else if (!ev_is_active(&w->pause))	/* nobody tells when the records are written */
		start_pause(w, RING_LOOK_S);
}

/* drain: the door is closed, not only left alone: where no successor or no parent holds it too, the
 * kernel would let clients in who wait in vain. Those who are in already are served. */
static void
drain(void *arg)
{
	struct worker *w = arg;

	if (w->draining)
		return;
	accept_some(w, DOOR_MAX);
	w->draining = true;
	ev_timer_stop(w->loop, &w->pause);
	ev_io_stop(w->loop, &w->listener);
	close(w->start->listener);
}

/* close_sessions: shutting down for good: clients between two mails are sent away. */
static void
close_sessions(void *arg)
{
	struct worker *w = arg;

	session_shutdown(&w->proxy);
}

static void
parent_gone(void *arg)
{
	struct worker *w = arg;

	ev_break(w->loop, EVBREAK_ALL);
}

static bool
say_failure(const char *what, const char *why)
{
	fprintf(stderr, "posternd: proxy: %s: %s\n", what, why);
	return false;
}

/* prepare: everything that touches files, before the first connection. */
static bool
prepare(struct worker *w)
{
	const struct config *c = w->start->config;
	char error[256];

	w->proxy.originator = originator_new(c->tls.ca_file, c->tls.min_version, error,
	    sizeof(error));
	if (w->proxy.originator == NULL)
		return say_failure(c->tls.ca_file, error);
	if (c->client.tls_offer) {
		w->proxy.terminator = terminator_new(c->state_dir, error, sizeof(error));
		if (w->proxy.terminator == NULL)
			return say_failure(c->state_dir, error);
	}
	w->hotline = hotline_new(&w->proxy);
	return w->hotline != NULL || say_failure("start", "out of memory");
}

/* raise_descriptors: two a session; the hard limit is what the administrator allows. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void
start_watchers(struct worker *w)
{
	ev_io_init(&w->listener, accept_ready, w->start->listener, EV_READ);
	w->listener.data = w;
	ev_timer_init(&w->pause, pause_over, 0, 0);
	w->pause.data = w;
	ev_prepare_init(&w->reap, between_turns);
	w->reap.data = w;
	ev_periodic_init(&w->quiet, NULL, FAR_FUTURE, 0, NULL);
	ev_io_start(w->loop, &w->listener);
	ev_prepare_start(w->loop, &w->reap);
	ev_periodic_start(w->loop, &w->quiet);
}

static void
dismantle(struct worker *w)
{
	child_free(w->child);
	hotline_free(w->hotline);
	originator_free(w->proxy.originator);
	terminator_free(w->proxy.terminator);
	pipes_close(&w->proxy.pipes);
}

/* close_sandbox: from here on a captured worker reaches nothing but its sessions and channels. */
static bool
close_sandbox(const struct config *c)
{
	char why[256];

	if (!sandbox_worker(c->intercept.source_client, why, sizeof(why)))
		return say_failure("sandbox", why);
	if (why[0] != '\0')
		say_failure("sandbox", why);
	return true;
}

int
worker_main(const struct worker_start *start)
{
	static const struct child_events child_events = {
		.drain = drain, .policy_end = policy_end, .close = close_sessions,
		.parent_gone = parent_gone,
	};
	static struct worker w;		/* one a process; the shy list makes it large */

	if (geteuid() == 0) {
		say_failure("start", "refuses to run as root");
		return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	w.start = start;
	w.loop = ev_default_loop(EVFLAG_AUTO);
	w.proxy = (struct proxy){
		.loop = w.loop, .config = start->config, .counters = start->counters,
		.column = start->column, .sighting = sighting, .proven = proven, .left = left,
		.tls_failed = tls_failed, .tls_unwanted = tls_unwanted, .arg = &w,
	};
	pipes_init(&w.proxy.pipes);
	if (!prepare(&w))
		return EXIT_FAILURE;
	w.child = child_new(w.loop, start->parent, &child_events, &w);
	if (w.child == NULL)
		return EXIT_FAILURE;
	if (start->policy >= 0)
		policy_end(&w, start->policy);
	start_watchers(&w);
	if (!close_sandbox(start->config))
		return EXIT_FAILURE;
	child_ready(w.child);
	ev_run(w.loop, 0);
	dismantle(&w);
	return EXIT_SUCCESS;
}
