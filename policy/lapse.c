/* lapse.c - tells when the `until` of a rule passes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/lapse.h"

#include <stdlib.h>

#define LOOK_S 300	/* the clock may be set: look at it at least so often */

struct lapse {
	const struct world *world;
	const struct config *config;
	void (*passed)(void *arg);
	void *arg;
	int64_t next;		/* seconds since the epoch; 0: none of them ends any more */
	struct world_timer timer;
};

static int64_t
first_after(const struct config_rule *rules, size_t len, int64_t now, int64_t first)
{
	for (size_t i = 0; i < len; i++)
		if (rules[i].until > now && (first == 0 || rules[i].until < first))
			first = rules[i].until;
	return first;
}

static void
wind(struct lapse *l, int64_t now)
{
	const struct config *c = l->config;
	int64_t wait;

	l->next = first_after(c->domains, c->domains_len, now, 0);
	l->next = first_after(c->relays, c->relays_len, now, l->next);
	wait = l->next - now;
	if (l->next != 0)
		l->world->timer_start(l->world->arg, &l->timer,
		    (uint64_t)(wait < LOOK_S ? wait : LOOK_S) * 1000);
}

static void
on_timer(void *arg)
{
	struct lapse *l = arg;
	int64_t now = l->world->now(l->world->arg);
	bool over = now >= l->next;

	wind(l, now);
	if (over)
		l->passed(l->arg);
}

struct lapse *
lapse_new(const struct world *world, const struct config *config, void (*passed)(void *arg),
    void *arg)
{
	struct lapse *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->world = world;
	l->config = config;
	l->passed = passed;
	l->arg = arg;
	l->timer.fire = on_timer;
	l->timer.arg = l;
	wind(l, world->now(world->arg));
	return l;
}

void
lapse_free(struct lapse *l)
{
	if (l == NULL)
		return;
	l->world->timer_stop(l->world->arg, &l->timer);
	free(l);
}
