/* process.c - one child: its name, orders to it, its drain, its death by our hand
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>

#include "daemon/family.h"

bool
is_policy(const struct process *p)
{
	return p->place == 0;
}

bool
is_nfq(const struct process *p)
{
	return p->place == PLACE_NFQ;
}

bool
is_worker(const struct process *p)
{
	return !is_policy(p) && !is_nfq(p);
}

const char *
process_name(const struct process *p, char name[64])
{
	if (is_policy(p))
		snprintf(name, 64, "policy process (pid %d)", (int)p->pid);
	else if (is_nfq(p))
		snprintf(name, 64, "nfq process (pid %d)", (int)p->pid);
	else
		snprintf(name, 64, "proxy worker %u (pid %d)", p->place, (int)p->pid);
	return name;
}

bool
process_order(struct process *p, enum order_type type, uint32_t link, int fd)
{
	struct order order = { .type = type, .link = link };
	unsigned char bytes[ORDER_SIZE];

	return channel_send(p->line, bytes, order_write(bytes, &order), fd);
}

void
process_kill(struct process *p, const char *reason)
{
	if (p->killed_for == NULL)
		p->killed_for = reason;
	kill(p->pid, SIGKILL);
}

static void
count_draining(struct family *f, unsigned place)
{
	uint32_t n = 0;
	struct process *p;

	for (p = f->all; p != NULL; p = p->next)
		n += p->place == place && p->state == PROCESS_DRAINING;
	counters_process(f->start->counters, place)->draining = n;
}

static void
drained_too_long(struct ev_loop *loop, ev_timer *timer, int what)
{
	(void)loop;
	(void)what;
	process_kill(timer->data, "was not done in time");
}

static void
limit(struct process *p, double s, void (*then)(struct ev_loop *, ev_timer *, int))
{
	struct ev_loop *loop = p->family->start->loop;

	ev_timer_stop(loop, &p->limit);
	if (s <= 0)
		return;
	ev_timer_init(&p->limit, then, s, 0.);
	p->limit.data = p;
	ev_now_update(loop);
	ev_timer_start(loop, &p->limit);
}

/* An old worker whose clients stay: they are sent away between two mails. Who keeps a mail open for
 * longer than any may take is cut off, or each reload would leave a process behind. */
static void
outstayed(struct ev_loop *loop, ev_timer *timer, int what)
{
	struct process *p = timer->data;

	(void)loop;
	(void)what;
	process_order(p, ORDER_CLOSE, 0, -1);
	limit(p, p->family->start->limits->elder_end_s, drained_too_long);
}

static bool
ends_within(struct process *p, double s)
{
	return ev_is_active(&p->limit) && ev_cb(&p->limit) == drained_too_long &&
	    ev_timer_remaining(p->family->start->loop, &p->limit) <= s;
}

void
process_drain(struct process *p, double limit_s)
{
	bool first = p->state != PROCESS_DRAINING;

	if (first)
		process_order(p, ORDER_DRAIN, 0, -1);
	p->state = PROCESS_DRAINING;
	count_draining(p->family, p->place);
	heartbeat_count(p->family);
	if (limit_s > 0 && !ends_within(p, limit_s))
		limit(p, limit_s, drained_too_long);
	else if (limit_s <= 0 && first)
		limit(p, p->family->start->limits->elder_close_s, outstayed);
}
