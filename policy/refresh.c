/* refresh.c - when each cached policy is fetched again
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/refresh.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"

#define DAY_S 86400
#define SHORTEST_S 300		/* R21: also the pace of the shortest-lived policies */
#define BACKOFF_MAX_S (6 * 3600)
#define LOOK_S 3600		/* the clock may be set: look at it at least so often */

/* One for each policy in the store. */
struct item {
	struct cache_entry node;
	int64_t due;
	uint32_t place;		/* in the heap */
	char domain[];
};

struct refresh {
	const struct world *world;
	void (*run)(void *arg, const char *domain);
	void *arg;
	struct cache items;
	struct item **heap;
	size_t len, room;
	unsigned flying;
	struct world_timer timer;
};

static void
put(struct refresh *r, size_t place, struct item *i)
{
	r->heap[place] = i;
	i->place = (uint32_t)place;
}

/* Moves the item to where it belongs, up or down. */
static void
settle(struct refresh *r, struct item *i)
{
	size_t at = i->place, child;

	while (at > 0 && r->heap[(at - 1) / 2]->due > i->due) {
		put(r, at, r->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	while ((child = 2 * at + 1) < r->len) {
		if (child + 1 < r->len && r->heap[child + 1]->due < r->heap[child]->due)
			child++;
		if (r->heap[child]->due >= i->due)
			break;
		put(r, at, r->heap[child]);
		at = child;
	}
	put(r, at, i);
}

static void
take_out(struct refresh *r, struct item *i)
{
	struct item *last = r->heap[--r->len];

	if (last != i) {
		put(r, i->place, last);
		settle(r, last);
	}
	cache_remove(&r->items, &i->node);
	free(i);
}

static void
wind(struct refresh *r)
{
	int64_t now = r->world->now(r->world->arg), wait;

	if (r->len == 0 || r->flying >= REFRESH_FLIGHT_MAX) {
		r->world->timer_stop(r->world->arg, &r->timer);
		return;
	}
	wait = r->heap[0]->due - now;
	if (wait > LOOK_S)
		wait = LOOK_S;
	r->world->timer_start(r->world->arg, &r->timer, wait > 0 ? (uint64_t)wait * 1000 : 1);
}

static void
on_timer(void *arg)
{
	struct refresh *r = arg;
	int64_t now = r->world->now(r->world->arg);
	char domain[ANSWER_NAME_SIZE];

	while (r->len > 0 && r->heap[0]->due <= now && r->flying < REFRESH_FLIGHT_MAX) {
		memcpy(domain, r->heap[0]->domain, strlen(r->heap[0]->domain) + 1);
		take_out(r, r->heap[0]);
		r->flying++;
		r->run(r->arg, domain);
	}
	wind(r);
}

struct refresh *
refresh_new(const struct world *world, void (*run)(void *arg, const char *domain), void *arg)
{
	struct refresh *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->world = world;
	r->run = run;
	r->arg = arg;
	r->timer.fire = on_timer;
	r->timer.arg = r;
	cache_init(&r->items);
	return r;
}

void
refresh_free(struct refresh *r)
{
	if (r == NULL)
		return;
	r->world->timer_stop(r->world->arg, &r->timer);
	while (r->len > 0)
		take_out(r, r->heap[r->len - 1]);
	free(r->heap);
	free(r);
}

static struct item *
add(struct refresh *r, const char *domain)
{
	size_t size = strlen(domain) + 1;
	struct item *i = calloc(1, offsetof(struct item, domain) + size);

	if (r->len == r->room) {
		size_t room = r->room > 0 ? r->room * 2 : 64;
		struct item **heap = realloc(r->heap, room * sizeof(struct item *));

		if (heap != NULL) {
			r->heap = heap;
			r->room = room;
		}
	}
	if (i == NULL || r->len == r->room)
		abort();	/* the parent starts a new policy process */
	assert(size <= ANSWER_NAME_SIZE);
	memcpy(i->domain, domain, size);
	cache_add(&r->items, &i->node, i->domain, size - 1);
	put(r, r->len++, i);
	return i;
}

void
refresh_set(struct refresh *r, const char *domain, int64_t due)
{
	struct cache_entry *e = cache_find(&r->items, domain, strlen(domain));
	struct item *i = e != NULL ? (struct item *)e : add(r, domain);

	i->due = due;
	settle(r, i);
	/* Loading many in any order winds the timer only where the first place changed. */
	if (i->place == 0)
		wind(r);
}

void
refresh_drop(struct refresh *r, const char *domain)
{
	struct cache_entry *e = cache_find(&r->items, domain, strlen(domain));

	if (e != NULL)
		take_out(r, (struct item *)e);
}

void
refresh_done(struct refresh *r)
{
	assert(r->flying > 0);
	r->flying--;
	wind(r);
}

size_t
refresh_length(const struct refresh *r)
{
	return r->len;
}

int64_t
refresh_next(const struct world *world, uint32_t max_age, unsigned failures)
{
	int64_t base = max_age / 2 < DAY_S ? max_age / 2 : DAY_S;

	if (failures == 0) {
		if (base < SHORTEST_S)
			base = SHORTEST_S;
		return base - base / 10 + world->random(world->arg, (uint32_t)base / 5 + 1);
	}
	base = SHORTEST_S;
	while (--failures > 0 && base < BACKOFF_MAX_S)
		base *= 2;
	if (base > BACKOFF_MAX_S)
		base = BACKOFF_MAX_S;
	return base + world->random(world->arg, (uint32_t)base / 4 + 1);
}
