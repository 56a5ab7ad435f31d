/* heartbeat.c - asking the children whether they live
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker without sessions and without anybody at its door is left asleep. One that drains without
 * sessions should be gone in a moment.
 *
 * Where SYNs wait for the nfq process it is asked more often, and so are the workers:
 * with `when-down: open` it brings clients to postern only while some worker is counted on. */
#include <poll.h>

#include "daemon/family.h"
#include "daemon/moment.h"
#include "daemon/needs.h"

static bool
somebody_would_notice(const struct process *p)
{
	const struct family *f = p->family;
	struct pollfd door = { .events = POLLIN };

	if (!is_worker(p) || p->state == PROCESS_DRAINING ||
	    counters_get(f->start->counters, p->column, COUNTER_SESSIONS) > 0)
		return true;
	if (p->place > f->listeners->len)
		return false;
	door.fd = f->listeners->fd[p->place - 1];
	return poll(&door, 1, 0) > 0;
}

static double
patience(const struct process *p)
{
	const struct supervise_limits *limits = p->family->start->limits;

	return is_nfq(p) && p->state == PROCESS_SERVING && needs_gate(p->family->config) ?
	    limits->gate_answer_s : limits->answer_s;
}

static void
look_at(struct process *p, double now)
{
	if (p->asked_s > 0) {
		if (now - p->asked_s >= patience(p))
			process_kill(p, p->state == PROCESS_STARTING ? "did not get ready" :
			    "did not answer");
		return;
	}
	if (!somebody_would_notice(p))
		return;
	p->asked_s = now;
	process_order(p, ORDER_PING, 0, -1);
}

void
heartbeat_tick(struct ev_loop *loop, ev_timer *timer, int what)
{
	struct family *f = timer->data;
	double now = moment_now();
	struct process *p;

	(void)loop;
	(void)what;
	for (p = f->all; p != NULL; p = p->next)
		look_at(p, now);
	heartbeat_count(f);
}

void
heartbeat_pace(struct family *f)
{
	const struct supervise_limits *limits = f->start->limits;

	f->tick.repeat = needs_gate(f->config) ? limits->gate_ping_s : limits->ping_s;
	ev_timer_again(f->start->loop, &f->tick);
}

/* During a reload the old worker serves its place until the new one does. */
void
heartbeat_count(struct family *f)
{
	bool serves[PLACES] = { false };
	const struct process *p;
	double now = moment_now();
	uint32_t n = 0;
	unsigned i;

	for (p = f->all; p != NULL; p = p->next)
		if (p->state == PROCESS_SERVING && p->killed_for == NULL && (p->asked_s <= 0 ||
		    now - p->asked_s < f->start->limits->gate_answer_s))
			serves[p->place] = true;
	for (i = 1; i <= CONFIG_WORKERS_MAX; i++)
		n += serves[i];
	*counters_accepting(f->start->counters) = n;
}
