/* host.c - the addresses of one host, both families
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/host.h"

#include <stdio.h>
#include <string.h>

static const enum answer_type types[2] = { ANSWER_A, ANSWER_AAAA };

static void
note_fault(struct host *h, enum answer_state fault, const char *problem)
{
	/* Bogus weighs more than failed, failed more than absent. */
	enum require_addresses state = fault == ANSWER_BOGUS ? REQUIRE_ADDRESSES_BOGUS :
	    fault == ANSWER_FAILED ? REQUIRE_ADDRESSES_FAILED : REQUIRE_ADDRESSES_NONE;

	if (state != REQUIRE_ADDRESSES_NONE && h->ttl > HOST_FAULT_TTL_S)
		h->ttl = HOST_FAULT_TTL_S;
	if (h->problem[0] != '\0' && state <= h->state)
		return;
	h->state = state;
	snprintf(h->problem, sizeof(h->problem), "%s",
	    problem[0] != '\0' ? problem : answer_state_name(fault));
}

/* What the name is, as the answer with addresses has it: the first one, or the first secure one,
 * since its alias is one that may be relied upon. An error in the other family is left out of it:
 * else whoever breaks AAAA could switch DANE off. */
static void
note_addresses(struct host *h, const struct answer *a)
{
	if (h->len == 0 || (a->secure && !h->secure)) {
		h->aliased = a->links > 0;
		snprintf(h->expanded, sizeof(h->expanded), "%s", h->aliased ? a->name : "");
	}
	h->secure = h->secure || a->secure;
	for (size_t i = 0; i < a->records_len && h->len < HOST_ADDRESSES_MAX; i++)
		h->addresses[h->len++] = a->records[i].ip;
}

/* Behind a link that is not secure whoever forges can say that there are no addresses; the alias
 * itself may be secure still, and its name have records (R94). */
static void
note_absence(struct host *h, const struct answer *a)
{
	if (h->len == 0 && a->links > 0 && !a->secure)
		h->aliased = true;
}

static bool
under_way(const struct host *h)
{
	return h->query[0].running != NULL || h->query[1].running != NULL;
}

static void
finish(struct host *h)
{
	if (h->len > 0) {
		h->state = REQUIRE_ADDRESSES_OK;
		h->problem[0] = '\0';
	}
	h->done(h->arg, h);
}

static void
take(struct host *h, enum answer_type type, const struct answer *a)
{
	answer_note(h->answers, sizeof(h->answers), h->name, type, a);
	if (a->state == ANSWER_OK)
		note_addresses(h, a);
	else
		note_fault(h, a->state, a->problem);
	if (a->state == ANSWER_NODATA || a->state == ANSWER_NXDOMAIN)
		note_absence(h, a);
	if (a->state != ANSWER_FAILED && a->state != ANSWER_BOGUS && a->ttl < h->ttl)
		h->ttl = a->ttl;
	if (!under_way(h))
		finish(h);
}

static void
on_a(void *arg, const struct answer *a)
{
	take(arg, ANSWER_A, a);
}

static void
on_aaaa(void *arg, const struct answer *a)
{
	take(arg, ANSWER_AAAA, a);
}

void
host_lookup(struct host *h, const struct world *world, const char *name)
{
	h->world = world;
	h->name = name;
	h->state = REQUIRE_ADDRESSES_NONE;
	h->secure = h->aliased = false;
	h->expanded[0] = h->answers[0] = h->problem[0] = '\0';
	h->ttl = UINT32_MAX;
	h->len = 0;
	h->query[0].done = on_a;
	h->query[1].done = on_aaaa;
	for (int i = 0; i < 2; i++) {
		h->query[i].arg = h;
		world->query(world->arg, &h->query[i], name, types[i]);
	}
}

void
host_expire(struct host *h)
{
	if (h->world == NULL || !under_way(h))
		return;
	for (int i = 0; i < 2; i++)
		if (h->query[i].running != NULL)
			answer_note_late(h->answers, sizeof(h->answers), h->name, types[i]);
	host_cancel(h);
	note_fault(h, ANSWER_FAILED, ANSWER_LATE);
	finish(h);
}

void
host_suffice(struct host *h)
{
	if (h->len > 0)
		host_expire(h);
}

void
host_cancel(struct host *h)
{
	for (int i = 0; i < 2 && h->world != NULL; i++)
		h->world->query_cancel(h->world->arg, &h->query[i]);
}
