/* canary.c - whether the resolver validates: one question a minute (RFC 7672 section 2.1)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/canary.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOT ""		/* signed since 2010: what validates finds its records secure */

struct canary {
	const struct world *world;
	void (*changed)(void *arg, enum canary_state state, const char *detail, bool alarm);
	void *arg;
	struct world_query query;
	struct world_timer again;
	enum canary_state state;
	bool was_available;
	bool said_broken, said_unavailable;	/* alarms since it last was available */
	char detail[ANSWER_PROBLEM_SIZE];
};

/* One alarm for each loss; that DANE is off altogether is worth another one after "broken". */
static bool
alarms(struct canary *c)
{
	bool said;

	switch (c->state) {
	case CANARY_UNKNOWN:
		break;
	case CANARY_AVAILABLE:
		c->said_broken = c->said_unavailable = false;
		break;
	case CANARY_BROKEN:
		said = c->said_broken;
		c->said_broken = true;
		return !said;
	case CANARY_UNAVAILABLE:
		said = c->said_unavailable;
		c->said_broken = c->said_unavailable = true;
		return !said;
	}
	return false;
}

/* An answer that is not secure is the only one that says that nothing is validated. */
static enum canary_state
read_answer(const struct answer *a, char detail[ANSWER_PROBLEM_SIZE])
{
	const char *text = a->problem;
	enum canary_state state = CANARY_BROKEN;

	if (a->state == ANSWER_FAILED || a->state == ANSWER_BOGUS) {
		if (text[0] == '\0')
			text = answer_state_name(a->state);
	} else if (!a->secure) {
		state = CANARY_UNAVAILABLE;
		text = "the resolver does not validate, or is not trusted (resolver.trust-ad)";
	} else if (a->state != ANSWER_OK) {
		text = "the resolver knows no NS records of the root";
	} else {
		state = CANARY_AVAILABLE;
		text = "the resolver validates";
	}
	snprintf(detail, ANSWER_PROBLEM_SIZE, "%s", text);
	return state;
}

static void
on_answer(void *arg, const struct answer *a)
{
	struct canary *c = arg;
	enum canary_state before = c->state;

	c->state = read_answer(a, c->detail);
	c->was_available |= c->state == CANARY_AVAILABLE;
	if (c->state != before)
		c->changed(c->arg, c->state, c->detail, alarms(c));
}

static void
ask(void *arg)
{
	struct canary *c = arg;

	c->world->timer_start(c->world->arg, &c->again, CANARY_EVERY_MS);
	if (c->query.running == NULL)
		c->world->query(c->world->arg, &c->query, ROOT, ANSWER_NS);
}

struct canary *
canary_new(const struct world *world,
    void (*changed)(void *arg, enum canary_state state, const char *detail, bool alarm), void *arg)
{
	struct canary *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->world = world;
	c->changed = changed;
	c->arg = arg;
	c->query.done = on_answer;
	c->again.fire = ask;
	c->query.arg = c->again.arg = c;
	snprintf(c->detail, sizeof(c->detail), "not asked yet");
	ask(c);
	return c;
}

void
canary_free(struct canary *c)
{
	if (c == NULL)
		return;
	c->world->query_cancel(c->world->arg, &c->query);
	c->world->timer_stop(c->world->arg, &c->again);
	free(c);
}

enum canary_state
canary_state(const struct canary *c)
{
	return c->state;
}

bool
canary_lost(const struct canary *c)
{
	return c->was_available && c->state != CANARY_AVAILABLE;
}

const char *
canary_detail(const struct canary *c)
{
	return c->detail;
}

const char *
canary_state_name(enum canary_state s)
{
	switch (s) {
	case CANARY_UNKNOWN: return "unknown";
	case CANARY_AVAILABLE: return "available";
	case CANARY_UNAVAILABLE: return "unavailable";
	case CANARY_BROKEN: return "broken";
	}
	return "?";
}
