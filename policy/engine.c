/* engine.c - puts the parts together: store, world, policies, MX sets, memory, relays
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/engine_parts.h"

#define DETAIL_MAX 400	/* of a notice: what a reader takes in */
/* Addresses noted of one MX set: large senders have about thirty, a hostile domain may name
 * thousands to fill the table; beyond, an address is known once a recipient is seen there. */
#define SAW_MAX 64

void
engine_notice(struct engine *e, const char *event_type, const char *action, const char *domain,
    const char *detail, bool alarm)
{
	char line[DETAIL_MAX];
	struct engine_notice n = { event_type, action, domain, line, alarm };

	snprintf(line, sizeof(line), "%s", detail);
	for (char *s = line; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
	if (e->events != NULL && e->events->notice != NULL)
		e->events->notice(e->arg, &n);
}

/* Neither a domain nor an address: everything. */
static void
stale(struct engine *e, const char *domain, const struct in6_addr *ip)
{
	struct stale what = { .domain = domain };

	engine_memo_drop(e, domain, ip);
	if (ip != NULL)
		what.ip = *ip;
	if (e->events != NULL && e->events->stale != NULL)
		e->events->stale(e->arg, &what);
	engine_told_stale(e, domain, ip);
}

static bool
is_relay(const struct engine *e, const char *domain)
{
	for (size_t i = 0; i < e->config->relays_len; i++)
		if (strcmp(e->config->relays[i].name, domain) == 0)
			return true;
	return false;
}

static void
on_policy(void *arg, const char *action, const char *domain, const char *detail, bool alarm)
{
	engine_notice(arg, "policy", action, domain, detail, alarm);
	engine_stale_of(arg, domain);
}

void
engine_stale(void *engine)
{
	stale(engine, "", NULL);
}

void
engine_stale_of(struct engine *e, const char *domain)
{
	/* What is asked at a relay's address hangs on what the relay's name has, whatever the
	 * domain. */
	stale(e, is_relay(e, domain) ? "" : domain, NULL);
}

void
engine_stale_at(struct engine *e, const struct in6_addr *ip)
{
	stale(e, "", ip);
}

static void
on_change(void *arg, const char *domain)
{
	engine_stale_of(arg, domain);
}

static void
on_memory(void *arg, const struct in6_addr *ip)
{
	engine_stale_at(arg, ip);
}

void
engine_saw_set(struct engine *e, const char *domain, const struct mx_set *set)
{
	size_t left = SAW_MAX;

	for (size_t i = 0; e->config->inspect && set != NULL && i < set->hosts_len; i++)
		for (size_t k = 0; set->hosts[i].state == REQUIRE_ADDRESSES_OK &&
		    k < set->hosts[i].addresses_len && left > 0; k++, left--)
			engine_saw(e, domain, &set->hosts[i].addresses[k]);
}

static void
on_mx(void *arg, const char *domain, bool other)
{
	struct engine *e = arg;

	engine_memo_drop(e, domain, NULL);
	if (other)
		engine_stale_of(e, domain);
	engine_saw_set(e, domain, mx_look(e->mx, domain));
}

static void
on_store_trouble(void *arg, const char *detail)
{
	engine_notice(arg, "health", "store", "", detail, true);
}

static void
on_canary(void *arg, enum canary_state state, const char *detail, bool alarm)
{
	struct engine *e = arg;
	bool dane = state != CANARY_UNAVAILABLE, other = dane != e->dane;
	char line[DETAIL_MAX];

	e->dane = dane;
	snprintf(line, sizeof(line), "%s: %s", canary_state_name(state), detail);
	engine_notice(e, "health", "dane", "", line, alarm);
	/* What was found meanwhile looks unsigned, whatever it is. */
	if (other && dane)
		mx_expire(e->mx);
	if (other)
		stale(e, "", NULL);
}

static const struct sts_events sts_events = { on_policy, on_change };

static bool
build(struct engine *e, bool fresh, char *error, size_t error_size)
{
	e->store_events = (struct store_events){ on_store_trouble,
		e->events != NULL ? e->events->store_busy : NULL };
	e->store = store_open(e->config->state_dir, fresh, &e->store_events, e, error, error_size);
	if (e->store == NULL)
		return false;
	snprintf(error, error_size, "out of memory");
	if (e->config->policy.mta_sts && (e->sts = sts_new(e->world, e->store, &sts_events, e)) ==
	    NULL)
		return false;
	e->dane = e->config->policy.dane;
	if (e->dane && (e->canary = canary_new(e->world, on_canary, e)) == NULL)
		return false;
	if ((e->mx = mx_new(e->world, e->dane)) == NULL ||
	    (e->memory = memory_new(e->world, e->store)) == NULL ||
	    (e->relay = relay_new(e->world, e->config, engine_ask_relays, e)) == NULL)
		return false;
	if ((e->users = users_new(e->world, e->store)) == NULL ||
	    (e->proven = proven_new(e->world, e->store)) == NULL ||
	    (e->hints = hints_new(e->world)) == NULL ||
	    (e->lapse = lapse_new(e->world, e->config, engine_stale, e)) == NULL)
		return false;
	memory_watch(e->memory, on_memory, e);
	relay_watch(e->relay, engine_stale, e);
	hints_watch(e->hints, on_change, e);
	mx_watch(e->mx, on_mx, e);
	e->sources = (struct lookup_sources){ e->world, e->sts, e->mx };
	e->mx_alone = (struct lookup_sources){ e->world, NULL, e->mx };
	return true;
}

struct engine *
engine_new_in(const struct world *world, const struct config *config, bool fresh,
    const struct engine_events *events, void *arg, char *error, size_t error_size)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	e->config = config;
	e->events = events;
	e->arg = arg;
	e->world = world;
	e->mode = config->mode;
	if (!build(e, fresh, error, error_size)) {
		engine_free(e);
		return NULL;
	}
	return e;
}

struct engine *
engine_new(struct ev_loop *loop, const struct config *config, bool fresh,
    const struct engine_events *events, void *arg, char *error, size_t error_size)
{
	struct world *world = world_new(loop, config, error, error_size);
	struct engine *e;

	if (world == NULL)
		return NULL;
	e = engine_new_in(world, config, fresh, events, arg, error, error_size);
	if (e == NULL)
		world_free(world);
	else
		e->own_world = world;
	return e;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	engine_ask_stop(e);
	engine_report_stop(e);
	engine_hint_stop(e);
	engine_memo_drop(e, "", NULL);
	lapse_free(e->lapse);
	hints_free(e->hints);
	proven_free(e->proven);
	users_free(e->users);
	relay_free(e->relay);
	memory_free(e->memory);
	mx_free(e->mx);
	canary_free(e->canary);
	sts_free(e->sts);
	store_close(e->store);
	world_free(e->own_world);
	free(e);
}

void
engine_sighting(struct engine *e, const struct sighting *s)
{
	memory_saw(e->memory, s->mx_host, &s->peer.ip);
}

void
engine_saw(struct engine *e, const char *domain, const struct in6_addr *ip)
{
	if (!e->config->inspect || domain[0] == '\0')
		return;
	engine_memo_saw(e, domain, ip);
	engine_told_saw(e, domain, ip);
	users_saw(e->users, domain, ip);
}

void
engine_proven(struct engine *e, const struct proven *p)
{
	if (e->config->inspect)
		proven_keep(e->proven, p);
}

void
engine_set_mode(struct engine *e, enum config_mode mode)
{
	bool other = e->mode != mode;

	e->mode = mode;
	if (other)
		engine_stale(e);
}

enum config_mode
engine_mode(const struct engine *e)
{
	return e->mode;
}

enum engine_acknowledged
engine_acknowledge(struct engine *e)
{
	if (!store_degraded(e->store))
		return ENGINE_NOTHING_TO_ACKNOWLEDGE;
	return store_acknowledge(e->store) ? ENGINE_ACKNOWLEDGED : ENGINE_NOT_ACKNOWLEDGED;
}
