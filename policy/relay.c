/* relay.c - the addresses of the configured relays
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/relay.h"

#include <stdlib.h>
#include <string.h>

#include "policy/host.h"

#define AGAIN_MIN_S 30		/* also after a failure */
#define AGAIN_MAX_S 3600

struct watched {
	struct relay *relay;
	const struct config_rule *rule;
	struct host lookup;
	struct world_timer again;
	struct in6_addr addresses[HOST_ADDRESSES_MAX];
	size_t len;
	bool looked, literal;
};

struct relay {
	const struct world *world;
	void (*settled)(void *arg);
	void *arg;
	void (*changed)(void *arg);	/* NULL: nobody wants to know */
	void *changed_arg;
	struct watched *watched;
	size_t len, left;	/* left: never looked up yet */
};

/* In any order: resolvers turn it round. */
static bool
same(const struct watched *w, const struct host *h)
{
	if (w->len != h->len)
		return false;
	for (size_t i = 0; i < h->len; i++) {
		size_t k = 0;

		while (k < w->len && !address_same_ip(&w->addresses[k], &h->addresses[i]))
			k++;
		if (k == w->len)
			return false;
	}
	return true;
}

static void
on_addresses(void *arg, struct host *h)
{
	struct watched *w = arg;
	struct relay *r = w->relay;
	uint32_t again = h->ttl < AGAIN_MIN_S ? AGAIN_MIN_S : h->ttl;

	if (h->state == REQUIRE_ADDRESSES_OK) {
		bool moved = !same(w, h);

		memcpy(w->addresses, h->addresses, h->len * sizeof(w->addresses[0]));
		w->len = h->len;
		if (moved && r->changed != NULL)
			r->changed(r->changed_arg);
	} else {
		again = AGAIN_MIN_S;
	}
	if (again > AGAIN_MAX_S)
		again = AGAIN_MAX_S;
	r->world->timer_start(r->world->arg, &w->again, (uint64_t)again * 1000);
	if (w->looked)
		return;
	w->looked = true;
	if (--r->left == 0)
		r->settled(r->arg);
}

static void
look(void *arg)
{
	struct watched *w = arg;

	host_lookup(&w->lookup, w->relay->world, w->rule->name);
}

struct relay *
relay_new(const struct world *world, const struct config *config, void (*settled)(void *arg),
    void *arg)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->world = world;
	r->settled = settled;
	r->arg = arg;
	r->watched = calloc(config->relays_len + 1, sizeof(*r->watched));
	if (r->watched == NULL) {
		free(r);
		return NULL;
	}
	for (size_t i = 0; i < config->relays_len; i++) {
		struct watched *w = &r->watched[r->len++];

		w->relay = r;
		w->rule = &config->relays[i];
		w->lookup.done = on_addresses;
		w->lookup.arg = w->again.arg = w;
		w->again.fire = look;
		w->literal = w->looked = address_parse_ip(&w->addresses[0], w->rule->name,
		    strlen(w->rule->name));
		w->len = w->literal;
		if (!w->literal)
			r->left++;
	}
	for (size_t i = 0; i < r->len; i++)
		if (!r->watched[i].literal)
			look(&r->watched[i]);
	return r;
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->len; i++) {
		host_cancel(&r->watched[i].lookup);
		r->world->timer_stop(r->world->arg, &r->watched[i].again);
	}
	free(r->watched);
	free(r);
}

void
relay_watch(struct relay *r, void (*changed)(void *arg), void *arg)
{
	r->changed = changed;
	r->changed_arg = arg;
}

bool
relay_settled(const struct relay *r)
{
	return r->left == 0;
}

static bool
live(const struct config_rule *rule, int64_t now)
{
	return rule->until == 0 || now < rule->until;
}

const struct config_rule *
relay_find(const struct relay *r, const struct in6_addr *ip)
{
	int64_t now = r->world->now(r->world->arg);

	for (size_t i = 0; i < r->len; i++)
		for (size_t k = 0; k < r->watched[i].len && live(r->watched[i].rule, now); k++)
			if (address_same_ip(&r->watched[i].addresses[k], ip))
				return r->watched[i].rule;
	return NULL;
}

const char *
relay_problem(const struct relay *r, const char **name)
{
	for (size_t i = 0; i < r->len; i++) {
		const struct watched *w = &r->watched[i];

		if (w->len > 0 || !w->looked)
			continue;
		*name = w->rule->name;
		return w->lookup.problem[0] != '\0' ? w->lookup.problem : "no address";
	}
	return NULL;
}
