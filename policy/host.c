/* host.c - the addresses of one host, both families
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/host.h"

#include <stdio.h>

static void
note_fault(struct host *h, const struct answer *a)
{
	/* Bogus weighs more than failed, failed more than absent. */
	enum require_addresses state = a->state == ANSWER_BOGUS ? REQUIRE_ADDRESSES_BOGUS :
	    a->state == ANSWER_FAILED ? REQUIRE_ADDRESSES_FAILED : REQUIRE_ADDRESSES_NONE;

	if (h->problem[0] != '\0' && state <= h->state)
		return;
	h->state = state;
	snprintf(h->problem, sizeof(h->problem), "%s",
	    a->problem[0] != '\0' ? a->problem : answer_state_name(a->state));
}

static void
on_answer(void *arg, const struct answer *a)
{
	struct host *h = arg;

	if (a->ttl < h->ttl)
		h->ttl = a->ttl;
	h->secure = h->secure && a->secure;
	for (size_t i = 0; i < a->records_len && h->len < HOST_ADDRESSES_MAX; i++)
		h->addresses[h->len++] = a->records[i].ip;
	if (a->state != ANSWER_OK)
		note_fault(h, a);
	if (h->query[0].running != NULL || h->query[1].running != NULL)
		return;
	if (h->len > 0) {
		h->state = REQUIRE_ADDRESSES_OK;
		h->problem[0] = '\0';
	}
	h->done(h->arg, h);
}

void
host_lookup(struct host *h, const struct world *world, const char *name)
{
	h->world = world;
	h->state = REQUIRE_ADDRESSES_NONE;
	h->secure = true;
	h->ttl = UINT32_MAX;
	h->problem[0] = '\0';
	h->len = 0;
	for (int i = 0; i < 2; i++) {
		h->query[i].done = on_answer;
		h->query[i].arg = h;
	}
	world->query(world->arg, &h->query[0], name, ANSWER_A);
	world->query(world->arg, &h->query[1], name, ANSWER_AAAA);
}

void
host_cancel(struct host *h)
{
	for (int i = 0; i < 2 && h->world != NULL; i++)
		h->world->query_cancel(h->world->arg, &h->query[i]);
}
