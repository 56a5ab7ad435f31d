/* nfqd.c - the nfq process: DNS watch, SYN gate, watch of the rules, on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What it may not do without is the gate, where the rules ask it. All else is worth an alarm and
 * goes on without: mail is guarded by rules and workers, not from here. */
#include "nfq/nfqd.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/moment.h"
#include "daemon/ring.h"
#include "daemon/sandbox.h"
#include "nfq/copies.h"
#include "nfq/dns_watch.h"
#include "nfq/gate.h"
#include "nfq/installed.h"
#include "nfq/keeper.h"
#include "nfq/leaks.h"
#include "nfq/mark.h"
#include "nfq/speaker.h"
#include "nfq/syns.h"

#define FAR_FUTURE 1e10		/* epoch seconds; keeps libev from waking for its clock check */
#define DNS_OCTETS 65535	/* whole packets: an answer may be long */
#define DRAIN_S 2.0		/* for the last events to be written */
#define PATH_SIZE 512
#define ERROR_SIZE 512

struct nfqd {
	const struct nfqd_start *start;
	struct ev_loop *loop;
	struct child *child;
	struct speaker *speaker;
	struct dns_watch *dns_watch;
	struct gate *gate;
	/* NULL where they could not be opened, or are not wanted. */
	struct copies *answers;
	struct leaks *leaks;
	struct syns *syns;
	struct keeper *keeper;
	ev_periodic quiet;
	ev_timer drain, look;
	ev_prepare reap;
	bool unguarded;			/* the last SYN passed for want of a worker */
	bool draining;
	char note[PATH_SIZE];
};

/* --- DNS -------------------------------------------------------------------------------------- */

static void
answer_copied(void *arg, const unsigned char *p, size_t len)
{
	struct nfqd *d = arg;
	unsigned n = dns_watch_packet(d->dns_watch, p, len, moment_now());

	if (n > 0)
		speaker_count(d->speaker, COUNTER_DNS_ANSWERS, n);
}

static void
answers_overrun(void *arg)
{
	struct nfqd *d = arg;

	speaker_count(d->speaker, COUNTER_DNS_LOST, 1);
	dns_watch_lost(d->dns_watch, moment_now());
}

static bool
hint(void *arg, const struct hint *h)
{
	struct nfqd *d = arg;

	return speaker_hint(d->speaker, h);
}

static void
mapped(void *arg, const char *domain, const struct in6_addr *ip)
{
	struct nfqd *d = arg;

	gate_mapped(d->gate, domain, ip, moment_now());
}

/* --- the gate --------------------------------------------------------------------------------- */

static void
ask(void *arg, uint32_t id, const char *domain, const struct in6_addr *ip)
{
	struct nfqd *d = arg;

	speaker_ask(d->speaker, id, domain, ip);
}

static void
answer(void *arg, uint32_t id, const struct requirement *q)
{
	struct nfqd *d = arg;

	gate_answer(d->gate, id, q, moment_now());
}

static void
stale(void *arg, const struct stale *what)
{
	struct nfqd *d = arg;

	gate_stale(d->gate, what);
}

static void
renewed(void *arg)
{
	static const struct stale all = { .domain = "" };
	struct nfqd *d = arg;

	gate_stale(d->gate, &all);
	dns_watch_renew(d->dns_watch);
}

/* guarded: each change is said once: mail that passes unguarded must not do so unnoticed. */
static void
guarded(struct nfqd *d, bool yes)
{
	if (d->unguarded == !yes)
		return;
	d->unguarded = !yes;
	speaker_notice(d->speaker, EVENT_RULES, yes ? "guarded" : "unguarded",
	    yes ? "workers accept again: mail is guarded" :
	    "no worker accepts: mail passes unguarded (when-down: open)", !yes);
}

/* direct: answers that went by before this SYN count for it, though it is not their turn yet. */
static bool
direct(struct nfqd *d, const struct in6_addr *destination)
{
	double now_s = moment_now();

	return gate_decide(d->gate, destination, now_s) == GATE_DIRECT && d->answers != NULL &&
	    copies_caught_up(d->answers) &&
	    gate_decide(d->gate, destination, now_s) == GATE_DIRECT;
}

static enum syns_word
decide(void *arg, const struct in6_addr *destination)
{
	struct nfqd *d = arg;
	bool accepting = atomic_load(counters_accepting(d->start->counters)) > 0;

	if (d->start->config->intercept.open) {
		guarded(d, accepting);
		if (!accepting)
			return SYNS_PASS;
	}
	/* Closed, and nobody there: what could go direct is refused as well. */
	if (accepting && direct(d, destination)) {
		speaker_count(d->speaker, COUNTER_GATE_DIRECT, 1);
		return SYNS_DIRECT;
	}
	speaker_count(d->speaker, COUNTER_GATE_PROXY, 1);
	return SYNS_PROXY;
}

static void
syns_lost(void *arg, uint64_t n)
{
	struct nfqd *d = arg;

	speaker_count(d->speaker, COUNTER_GATE_LOST, (int64_t)n);
}

/* --- the process ------------------------------------------------------------------------------ */

static void
policy_end(void *arg, int fd)
{
	struct nfqd *d = arg;

	speaker_listener(d->speaker, fd);
}

static void
parent_gone(void *arg)
{
	struct nfqd *d = arg;

	ev_break(d->loop, EVBREAK_ALL);
}

static void
close_sockets(struct nfqd *d)
{
	syns_close(d->syns);
	copies_close(d->answers);
	leaks_close(d->leaks);
	keeper_close(d->keeper);
	d->syns = NULL;
	d->answers = NULL;
	d->leaks = NULL;
	d->keeper = NULL;
}

/* drain: queue and groups are free for a successor at once; the last events get a moment. */
static void
drain(void *arg)
{
	struct nfqd *d = arg;

	if (d->draining)
		return;
	d->draining = true;
	close_sockets(d);
	ev_timer_again(d->loop, &d->drain);
}

static void
drained(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void
look(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)events;
	ev_timer_stop(loop, timer);	/* the turn that follows looks */
}

static void
between_turns(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct nfqd *d = prepare->data;

	(void)events;
	if (!d->draining)
		return;
	if (speaker_done(d->speaker))
		ev_break(loop, EVBREAK_ALL);
	else if (!ev_is_active(&d->look))	/* nobody tells when the events are written */
		ev_timer_again(loop, &d->look);
}

static bool
say_failure(const char *what, const char *why)
{
	fprintf(stderr, "posternd: nfq: %s: %s\n", what, why);
	return false;
}

/* without: goes on, with an alarm. */
static void
without(struct nfqd *d, const char *what, const char *why)
{
	char detail[ERROR_SIZE + 64];

	snprintf(detail, sizeof(detail), "%s: %s", what, why);
	say_failure(what, why);
	speaker_notice(d->speaker, EVENT_HEALTH, "nfq-impaired", detail, true);
}

static bool
prepare(struct nfqd *d)
{
	static const struct speaker_events speaker_events = { answer, stale, renewed };
	static const struct dns_watch_events dns_events = { hint, mapped };
	static const struct gate_events gate_events = { ask };

	d->speaker = speaker_new(d->loop, d->start->counters, d->start->column, &speaker_events,
	    d);
	d->dns_watch = dns_watch_new(&dns_events, d, d->start->config->intercept.settle_s);
	if (d->speaker == NULL || d->dns_watch == NULL)
		return say_failure("start", "out of memory");
	d->gate = gate_new(dns_watch_learnt(d->dns_watch), d->start->config->intercept.required,
	    &gate_events, d);
	return d->gate != NULL || say_failure("start", "out of memory");
}

/* open_sockets: false where the gate is needed and cannot be had. */
static bool
open_sockets(struct nfqd *d)
{
	static const struct copies_events answer_events = { .packet = answer_copied,
		.overrun = answers_overrun };
	/* One at a time: what a client was told must be known here when its SYN comes. */
	static const struct copies_start answers = { NFQ_DNS_GROUP, DNS_OCTETS, 1, EV_MINPRI };
	static const struct syns_events syns_events = { decide, syns_lost };
	const struct config *config = d->start->config;
	char error[ERROR_SIZE] = "";

	if (config->intercept.open || config->intercept.required) {
		d->syns = syns_open(d->loop, config->intercept.open, &syns_events, d, error,
		    sizeof(error));
		if (d->syns == NULL)
			return say_failure("the gate's queue", error);
	}
	d->answers = copies_open(d->loop, &answers, &answer_events, d, error, sizeof(error));
	if (d->answers == NULL)
		without(d, "the DNS watch", error);
	d->leaks = leaks_open(d->loop, d->speaker, config->intercept.open, error, sizeof(error));
	if (d->leaks == NULL)
		without(d, "the count of leaks", error);
	d->keeper = keeper_open(d->loop, d->speaker, d->note, error, sizeof(error));
	if (d->keeper == NULL)
		without(d, "the watch of the rules", error);
	return true;
}

static void
start_watchers(struct nfqd *d)
{
	ev_periodic_init(&d->quiet, NULL, FAR_FUTURE, 0, NULL);
	ev_periodic_start(d->loop, &d->quiet);
	ev_init(&d->drain, drained);
	d->drain.repeat = DRAIN_S;
	ev_init(&d->look, look);
	d->look.repeat = RING_LOOK_S;
	ev_prepare_init(&d->reap, between_turns);
	d->reap.data = d;
	ev_prepare_start(d->loop, &d->reap);
}

static bool
close_sandbox(const struct nfqd *d)
{
	char why[ERROR_SIZE];

	if (!sandbox_nfq(d->note, why, sizeof(why)))
		return say_failure("sandbox", why);
	if (why[0] != '\0')
		say_failure("sandbox", why);
	return true;
}

/* Returns the exit status. */
static int
serve(struct nfqd *d)
{
	static const struct child_events child_events = {
		.drain = drain, .policy_end = policy_end, .parent_gone = parent_gone,
	};

	d->child = child_new(d->loop, d->start->parent, &child_events, d);
	if (d->child == NULL || !prepare(d))
		return EXIT_FAILURE;
	if (d->start->policy >= 0)
		speaker_listener(d->speaker, d->start->policy);
	start_watchers(d);
	if (!open_sockets(d) || !close_sandbox(d))
		return EXIT_FAILURE;
	/* What clients were told before, and still use, is not known. */
	dns_watch_lost(d->dns_watch, moment_now());
	child_ready(d->child);
	ev_run(d->loop, 0);
	return EXIT_SUCCESS;
}

int
nfqd_main(const struct nfqd_start *start)
{
	struct nfqd d = { .start = start };

	if (geteuid() == 0) {
		say_failure("start", "refuses to run as root");
		return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN);
	d.loop = ev_default_loop(EVFLAG_AUTO);
	installed_path(start->config, d.note, sizeof(d.note));
	int status = serve(&d);
	close_sockets(&d);
	gate_free(d.gate);
	dns_watch_free(d.dns_watch);
	speaker_free(d.speaker);
	child_free(d.child);
	return status;
}
