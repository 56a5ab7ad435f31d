/* supervise.c - keeping one policy process and N workers alive
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A place is a seat: it has one current process, and may have older ones that drain. All that
 * happens is a reaction to a death, to a child's "ready", or to one of the family_ calls. */
#include "daemon/supervise.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/family.h"

const struct supervise_limits supervise_limits = {
	.ping_s = 10,
	.answer_s = 30,
	.drain_s = 60,		/* a service manager's usual patience is 90 */
	.policy_drain_s = 20,
	.elder_close_s = 3600,
	.elder_end_s = 24 * 3600,	/* a body may take 12 hours (proxy/transfer.h) */
	.damage_s = 300,	/* two crashes so near have one cause (death.c) */
	.backoff = { .first_s = 0.1, .most_s = 30, .reset_s = 60 },
};

static bool
all_serve(const struct family *f)
{
	const struct process *p;
	unsigned i;

	for (i = 0; i <= f->listeners->len; i++) {
		p = f->places[i].current;
		if (p == NULL || p->state != PROCESS_SERVING)
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
	if (!is_policy(p) && f->places[p->place].current == p)
		for (elder = f->all; elder != NULL; elder = elder->next)
			if (elder != p && elder->place == p->place &&
			    elder->state != PROCESS_DRAINING)
				process_drain(elder, 0);
	if (f->settled || f->stopping > 0 || !all_serve(f))
		return;
	f->settled = f->was_settled = true;
	f->start->events->settled(f->start->arg);
}

/* Every worker, the draining ones too, gets an end of a new channel. */
static void
connect_workers(struct family *f, struct process *policy)
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

static void
start_worker(struct family *f, unsigned place)
{
	ev_timer_stop(f->start->loop, &f->places[place].again);
	if (place <= f->listeners->len && spawn_worker(f, place) == NULL)
		place_retry(f, place, backoff_next(&f->places[place].backoff,
		    &f->start->limits->backoff, 0));
}

static void
renew_workers(struct family *f)
{
	struct process *p;
	unsigned i;

	f->renewing = false;
	for (i = 1; i <= f->listeners->len; i++)
		start_worker(f, i);
	for (p = f->all; p != NULL; p = p->next)
		if (p->place > f->listeners->len) {
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
	connect_workers(f, policy);
	if (f->renewing)
		renew_workers(f);
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
		start_worker(place->family, place->number);
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
	ev_timer_init(&f->tick, heartbeat_tick, start->limits->ping_s, start->limits->ping_s);
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
	ev_timer_start(f->start->loop, &f->tick);
	f->renewing = true;
	policy_start(f);
}

void
family_renew(struct family *f, const struct config *config, const struct listeners *listeners)
{
	struct process *policy = f->places[0].current;

	f->config = config;
	f->listeners = listeners;
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
	for (p = f->all; p != NULL; p = p->next) {
		if (f->stopping == 1 && !is_policy(p)) {
			process_drain(p, f->start->limits->drain_s);
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
