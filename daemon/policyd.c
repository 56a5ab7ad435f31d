/* policyd.c - the policy process: engine, log and control socket on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/policyd.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/server.h"
#include "daemon/backlog.h"
#include "daemon/child.h"
#include "daemon/links.h"
#include "daemon/moment.h"
#include "policy/engine.h"
#include "record/log.h"

#define RETRY_S 1.0		/* a disk that was full is asked again this often */
#define CONTROL_RETRY_S 0.2	/* at a reload the predecessor gives the socket up in a moment */
#define CONTROL_ALARM_TRIES 25	/* five seconds without one are worth an alarm */
#define DRAIN_LOOK_S 0.05
#define DRAIN_SILENT_LOOKS 2	/* in a row without a message: what was on its way is here */
#define DRAIN_LOOKS 20		/* a second of traffic: the rest is the successor's to read */
#define DRAIN_HELD_LOOKS 60	/* three seconds for records that the log still does not take */
#define ERROR_SIZE 512
#define FAR_FUTURE_S 3e9	/* a century: see policyd_main */

struct policyd {
	const struct policyd_start *start;
	struct ev_loop *loop;
	struct log *log;
	struct engine_events engine_events;
	struct engine *engine;
	struct links *links;
	struct server *server;		/* NULL until the socket is ours */
	struct child *child;
	struct backlog notices;		/* our own events, where the log did not take them */
	ev_periodic far_future;
	ev_timer retry, control, drain;
	unsigned control_tries;
	unsigned silent, looks;		/* while draining */
	uint64_t messages;
	char error[ERROR_SIZE];
};

static void
held(void *arg)
{
	struct policyd *d = arg;

	if (!ev_is_active(&d->retry))
		ev_timer_again(d->loop, &d->retry);
}

/* The evidence of a refusal: what DNS and the policy say at this moment. */
static bool
write_record(void *arg, const struct event *e)
{
	struct policyd *d = arg;
	json_t *evidence = NULL;

	if (e->type == EVENT_DECISION && strcmp(e->verdict, "pass") != 0 &&
	    e->rcpt_domain[0] != '\0')
		evidence = engine_evidence(d->engine, e->rcpt_domain);
	return log_add(d->log, e, evidence) != LOG_FAILED;
}

static bool
flush_records(void *arg)
{
	struct policyd *d = arg;

	return log_flush(d->log);
}

/* In their order; false when some are left. */
static bool
write_notices(struct policyd *d)
{
	const struct backlog_event *b;
	struct event e;

	while ((b = d->notices.first) != NULL) {
		/* Our own encoding can be read. */
		if (event_decode(b->event, b->len, &e) && log_event(d->log, &e, NULL) == LOG_FAILED)
			return false;
		backlog_drop_first(&d->notices);
	}
	return true;
}

static void
notice(struct policyd *d, enum event_type type, const struct engine_notice *n)
{
	struct event e;

	event_clear(&e);
	e.type = type;
	e.time_us = moment_wall_us();
	e.alarm = n->alarm;
	e.action = n->action;
	e.domain = n->domain;
	e.detail = n->detail;
	if (write_notices(d) && log_event(d->log, &e, NULL) != LOG_FAILED)
		return;
	backlog_add(&d->notices, &e);
	held(d);
}

static void
health(struct policyd *d, const char *action, const char *detail, bool alarm)
{
	const struct engine_notice n = { .event_type = "health", .action = action, .domain = "",
		.detail = detail, .alarm = alarm };

	notice(d, EVENT_HEALTH, &n);
}

static void
engine_noticed(void *arg, const struct engine_notice *n)
{
	notice(arg, strcmp(n->event_type, "policy") == 0 ? EVENT_POLICY : EVENT_HEALTH, n);
}

/* Before there are links nobody was answered, and after them nobody can be told. */
static void
engine_changed(void *arg, const struct stale *what)
{
	links_stale(((struct policyd *)arg)->links, what);
}

static void
link_broken(void *arg, unsigned slot, const char *why)
{
	char detail[ERROR_SIZE], who[32] = "the nfq process";

	if (slot != COUNTERS_NFQ)
		snprintf(who, sizeof who, "worker %u", slot);
	snprintf(detail, sizeof detail, "the channel to %s was closed: %s", who, why);
	health(arg, "channel-closed", detail, true);
}

static void
probe_step(void *arg, const struct probe_step *step)
{
	struct policyd *d = arg;

	if (d->server != NULL)
		server_probe_step(d->server, step);
}

static void
event_line_written(void *arg, const char *json, size_t len)
{
	struct policyd *d = arg;

	if (d->server != NULL)
		server_event_line(d->server, json, len);
}

static void
retry_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct policyd *d = w->data;

	(void)revents;
	links_retry(d->links);
	if (write_notices(d) && !links_holding(d->links))
		ev_timer_stop(loop, w);
}

static bool
reload(void *arg)
{
	struct policyd *d = arg;

	return child_ask_reload(d->child);
}

static bool
probe(void *arg, const struct probe *p)
{
	struct policyd *d = arg;

	return links_probe(d->links, p);
}

/* Without a control socket mail goes on, guarded and on record: so it is tried again for ever. */
static void
control_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct policyd *d = w->data;
	const struct server_context context = { .config = d->start->config, .engine = d->engine,
		.log = d->log, .counters = d->start->counters, .arg = d, .reload = reload,
		.probe = probe };

	(void)revents;
	d->server = server_new(loop, &context, d->error, sizeof d->error);
	d->control_tries++;
	if (d->server == NULL) {
		if (d->control_tries == CONTROL_ALARM_TRIES)
			health(d, "control-failed", d->error, true);
		ev_timer_again(loop, w);
		return;
	}
	ev_timer_stop(loop, w);
	if (d->control_tries > CONTROL_ALARM_TRIES)
		health(d, "control-recovered", d->start->config->control, false);
}

/* Draining ends when the workers have hung up, fall silent, or go on for too long: what was not
 * answered here they ask the successor again, and what is still in their rings is there for it.
 * What a worker left that is gone itself is nowhere else, so a failing log gets some time to
 * recover. */
static void
drain_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct policyd *d = w->data;
	bool holding = links_holding(d->links) || d->notices.first != NULL;
	bool silent = links_messages(d->links) == d->messages;

	(void)w;
	(void)revents;
	d->messages = links_messages(d->links);
	d->silent = silent ? d->silent + 1 : 0;
	d->looks++;
	if (holding && d->looks < DRAIN_HELD_LOOKS)
		return;
	if (links_open(d->links) == 0 || d->silent >= DRAIN_SILENT_LOOKS ||
	    d->looks >= DRAIN_LOOKS)
		ev_break(loop, EVBREAK_ALL);
}

static void
drain(void *arg)
{
	struct policyd *d = arg;

	if (ev_is_active(&d->drain))
		return;
	health(d, "draining", "this policy process hands over or ends", false);
	ev_timer_stop(d->loop, &d->control);
	server_free(d->server);			/* the successor waits for the socket's name */
	d->server = NULL;
	ev_timer_again(d->loop, &d->drain);
}

static void
worker_end(void *arg, unsigned slot, int fd)
{
	if (!links_add(((struct policyd *)arg)->links, slot, fd))
		link_broken(arg, slot, "no room for it");
}

static void
rotate(void *arg)
{
	struct policyd *d = arg;

	if (log_reopen(d->log))
		health(d, "log-reopened", d->start->config->log.file, false);
	else
		health(d, "log-not-reopened", log_problem(d->log), true);
}

/* What the workers have decided is still on its way. The kernel ends who takes longer (spawn.c). */
static void
parent_gone(void *arg)
{
	drain(arg);
}

static void
far_future_cb(struct ev_loop *loop, ev_periodic *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

static void
watchers(struct policyd *d)
{
	/* libev wakes every minute to look for jumps of the clock, unless a periodic is active:
	 * then a timerfd tells it of them. */
	ev_periodic_init(&d->far_future, far_future_cb, ev_time() + FAR_FUTURE_S, 0., NULL);
	ev_periodic_start(d->loop, &d->far_future);
	ev_init(&d->retry, retry_cb);
	d->retry.repeat = RETRY_S;
	ev_init(&d->control, control_cb);
	d->control.repeat = CONTROL_RETRY_S;
	ev_init(&d->drain, drain_cb);
	d->drain.repeat = DRAIN_LOOK_S;
	d->retry.data = d->control.data = d->drain.data = d;
}

static void
say_started(struct policyd *d)
{
	const struct config *c = d->start->config;
	struct engine_notice n = { .event_type = "config", .action = "loaded", .domain = "" };
	char detail[ERROR_SIZE];

	snprintf(detail, sizeof detail, "mode %s, path %s, %u workers, %zu domain rules, %zu "
	    "relays", c->mode == MODE_ENFORCE ? "enforce" : "monitor",
	    c->inspect ? "inspect" : "upgrade", c->workers, c->domains_len, c->relays_len);
	n.detail = detail;
	notice(d, EVENT_CONFIG, &n);
	health(d, "started", "policy process of postern " POSTERN_VERSION, false);
}

/* Opens everything; false with the reason in d->error. */
static bool
policyd_open(struct policyd *d)
{
	static const struct links_events links_events = { .record = write_record,
		.flush = flush_records, .held = held, .probe_step = probe_step,
		.broken = link_broken };
	static const struct child_events child_events = { .drain = drain,
		.worker_end = worker_end, .rotate = rotate, .parent_gone = parent_gone };
	const struct config *config = d->start->config;

	snprintf(d->error, sizeof d->error, "out of memory");
	d->loop = ev_loop_new(EVFLAG_AUTO);
	if (d->loop == NULL)
		return false;
	watchers(d);
	d->log = log_open(config, d->error, sizeof d->error);
	if (d->log == NULL)
		return false;
	log_watch(d->log, event_line_written, d);
	d->engine_events = (struct engine_events){ .notice = engine_noticed,
		.store_busy = counters_store_busy(d->start->counters), .stale = engine_changed };
	d->engine = engine_new(d->loop, config, d->start->fresh_store, &d->engine_events, d,
	    d->error, sizeof d->error);
	if (d->engine == NULL)
		return false;
	snprintf(d->error, sizeof d->error, "out of memory");
	d->links = links_new(d->loop, d->engine, &links_events, d);
	if (d->links == NULL)
		return false;
	d->child = child_new(d->loop, d->start->parent, &child_events, d);
	if (d->child == NULL)
		return false;
	say_started(d);
	return true;
}

/* On record too, where the log is not what failed. */
static void
say_failed(struct policyd *d)
{
	fprintf(stderr, "posternd: policy: %s\n", d->error);
	if (d->log != NULL)
		health(d, "start-failed", d->error, true);
}

static void
policyd_close(struct policyd *d)
{
	server_free(d->server);
	d->server = NULL;
	links_free(d->links);
	d->links = NULL;
	if (d->engine != NULL)
		engine_free(d->engine);
	log_close(d->log);
	backlog_clear(&d->notices);
	if (d->child != NULL)
		child_free(d->child);
	if (d->loop != NULL)
		ev_loop_destroy(d->loop);
}

int
policyd_main(const struct policyd_start *start)
{
	struct policyd d = { .start = start };
	int status = EXIT_FAILURE;

	signal(SIGPIPE, SIG_IGN);
	if (policyd_open(&d)) {
		control_cb(d.loop, &d.control, 0);
		child_ready(d.child);
		ev_run(d.loop, 0);
		status = EXIT_SUCCESS;
	} else {
		say_failed(&d);
	}
	policyd_close(&d);
	return status;
}
