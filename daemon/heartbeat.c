/* heartbeat.c - asking the children whether they live
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker without sessions and without anybody at its door is left asleep. One that drains without
 * sessions should be gone in a moment. */
#include <poll.h>

#include "daemon/family.h"

static bool
somebody_would_notice(const struct process *p)
{
	const struct family *f = p->family;
	struct pollfd door = { .events = POLLIN };

	if (is_policy(p) || p->state == PROCESS_DRAINING ||
	    counters_get(f->start->counters, p->column, COUNTER_SESSIONS) > 0)
		return true;
	if (p->place > f->listeners->len)
		return false;
	door.fd = f->listeners->fd[p->place - 1];
	return poll(&door, 1, 0) > 0;
}

static void
look_at(struct process *p, double now)
{
	const struct supervise_limits *limits = p->family->start->limits;

	if (p->asked_s > 0) {
		if (now - p->asked_s >= limits->answer_s)
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
	double now = family_now();
	struct process *p;

	(void)loop;
	(void)what;
	for (p = f->all; p != NULL; p = p->next)
		look_at(p, now);
}
