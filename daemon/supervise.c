/* supervise.c - keeping the policy process, N workers and the nfq process alive
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A place is a seat: it has one current process, and may have older ones that drain. All that
 * happens is a reaction to a death, to a child's "ready", or to one of the family_ calls. */
#include "daemon/supervise.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/family.h"
#include "daemon/needs.h"

const struct supervise_limits supervise_limits = {
	.ping_s = 10,
	.answer_s = 30,
	.gate_ping_s = 2,	/* a client's third SYN comes after 3 s, its fourth after 7 */
	.gate_answer_s = 5,
	.drain_s = 60,		/* a service manager's usual patience is 90 */
	.policy_drain_s = 20,
	.elder_close_s = 3600,
	.elder_end_s = 24 * 3600,	/* a body may take 12 hours (proxy/transfer.h) */
	.damage_s = 300,	/* two crashes so near have one cause (death.c) */
	.backoff = { .first_s = 0.1, .most_s = 30, .reset_s = 60 },
};

bool
place_wanted(const struct family *f, unsigned place)
{
	return place == PLACE_NFQ ? needs_nfq(f->config) : place <= f->listeners->len;
}

static bool
all_serve(const struct family *f)
{
	const struct process *p;
	unsigned i;

	for (i = 0; i < PLACES; i++) {
		p = f->places[i].current;
		if (place_wanted(f, i) && (p == NULL || p->state != PROCESS_SERVING))
			return false;
	}
	return !f->renewing;
}

/* Its elders in the same place have nothing more to do. */
void
process_ready(struct process *p)
{
	struct family *f = p->family;
	struct process *elder;

	if (p->state != PROCESS_STARTING)
		return;
	p->state = PROCESS_SERVING;
	p->asked_s = 0;
	if (is_worker(p) && f->places[p->place].current == p)
		for (elder = f->all; elder != NULL; elder = elder->next)
			if (elder != p && elder->place == p->place &&
			    elder->state != PROCESS_DRAINING)
				process_drain(elder, 0);
	heartbeat_count(f);
	if (f->settled || f->stopping > 0 || !all_serve(f))
		return;
	f->settled = f->was_settled = true;
	f->start->events->settled(f->start->arg);
}

/* Every worker, the draining ones too, and the nfq process get an end of a new channel. */
static void
connect_others(struct family *f, struct process *policy)
{
	struct process *p;
	int ends[2];

	for (p = f->all; p != NULL; p = p->next) {
		if (is_policy(p) || channel_pair(ends) != 0)
			continue;
		process_order(policy, ORDER_WORKER_END, p->place, ends[0]);
		process_order(p, ORDER_POLICY_END, 0, ends[1]);
		close(ends[0]);
		close(ends[1]);
	}
}

void
place_retry(struct family *f, unsigned place, double delay_s)
{
	ev_timer *again = &f->places[place].again;

	ev_timer_stop(f->start->loop, again);
	ev_timer_set(again, delay_s, 0.);
	ev_now_update(f->start->loop);
	ev_timer_start(f->start->loop, again);
}

void
place_start(struct family *f, unsigned place)
{
	ev_timer_stop(f->start->loop, &f->places[place].again);
	if (place_wanted(f, place) && spawn_worker(f, place) == NULL)
		place_retry(f, place, backoff_next(&f->places[place].backoff,
		    &f->start->limits->backoff, 0));
}

/* The old one's end starts the new one (death.c): the kernel gives a queue to one at a time. */
static void
renew_nfq(struct family *f)
{
	struct process *old = f->places[PLACE_NFQ].current;

	if (old == NULL)
		place_start(f, PLACE_NFQ);
	else
		process_drain(old, f->start->limits->gate_answer_s);
}

static void
renew_others(struct family *f)
{
	struct process *p;
	unsigned i;

	f->renewing = false;
	renew_nfq(f);
	for (i = 1; i <= f->listeners->len; i++)
		place_start(f, i);
	for (p = f->all; p != NULL; p = p->next)
		if (is_worker(p) && !place_wanted(f, p->place)) {
			ev_timer_stop(f->start->loop, &f->places[p->place].again);
			process_drain(p, 0);
		}
}

void
policy_start(struct family *f)
{
	struct process *policy;

	ev_timer_stop(f->start->loop, &f->places[0].again);
	policy = spawn_policy(f);
	if (policy == NULL) {
		place_retry(f, 0, backoff_next(&f->places[0].backoff,
		    &f->start->limits->backoff, 0));
		return;
	}
	connect_others(f, policy);
	if (f->renewing)
		renew_others(f);
}

static void
start_again(struct ev_loop *loop, ev_timer *timer, int what)
{
	struct place *place = timer->data;

	(void)loop;
	(void)what;
	if (place->number == 0)
		policy_start(place->family);
	else if (place->family->stopping == 0)
		place_start(place->family, place->number);
}

struct family *
family_new(const struct supervise_start *start)
{
	struct family *f = calloc(1, sizeof(*f));
	unsigned i;

	if (f == NULL)
		return NULL;
	f->start = start;
	for (i = 0; i < PLACES; i++) {
		f->places[i].family = f;
		f->places[i].number = i;
		ev_timer_init(&f->places[i].again, start_again, 0., 0.);
		f->places[i].again.data = &f->places[i];
	}
	ev_timer_init(&f->tick, heartbeat_tick, 0., 0.);
	f->tick.data = f;
	/* After a pause of the parent itself the answers that wait are read first. */
	ev_set_priority(&f->tick, EV_MINPRI);
	return f;
}

void
family_free(struct family *f)
{
	struct process *p;
	unsigned i;

	if (f == NULL)
		return;
	while ((p = f->all) != NULL) {
		f->all = p->next;
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
		process_free(p);
	}
	for (i = 0; i < PLACES; i++)
		ev_timer_stop(f->start->loop, &f->places[i].again);
	ev_timer_stop(f->start->loop, &f->tick);
	free(f);
}

void
family_begin(struct family *f, const struct config *config, const struct listeners *listeners)
{
	f->config = config;
	f->listeners = listeners;
	heartbeat_pace(f);
	f->renewing = true;
	policy_start(f);
}

void
family_renew(struct family *f, const struct config *config, const struct listeners *listeners)
{
	struct process *policy = f->places[0].current;

	f->config = config;
	f->listeners = listeners;
	heartbeat_pace(f);
	f->settled = false;
	f->renewing = true;
	if (policy == NULL)
		policy_start(f);
	else
		process_drain(policy, f->start->limits->policy_drain_s);
}

void
family_rotate(struct family *f)
{
	if (f->places[0].current != NULL)
		process_order(f->places[0].current, ORDER_ROTATE, 0, -1);
}

void
family_stop(struct family *f)
{
	struct process *p;
	unsigned i;

	f->stopping++;
	for (i = 1; i < PLACES; i++)
		ev_timer_stop(f->start->loop, &f->places[i].again);
	heartbeat_count(f);
	for (p = f->all; p != NULL; p = p->next) {
		if (f->stopping == 1 && !is_policy(p)) {
			process_drain(p, is_nfq(p) ? f->start->limits->gate_answer_s :
			    f->start->limits->drain_s);
			process_order(p, ORDER_CLOSE, 0, -1);
		} else if (f->stopping > 2 || (f->stopping == 2 && !is_policy(p)))
			process_kill(p, "was told to stop at once");
	}
	family_check_end(f);
}

unsigned
family_size(const struct family *f)
{
	const struct process *p;
	unsigned n = 0;

	for (p = f->all; p != NULL; p = p->next)
		n++;
	return n;
}
