/* sts_table.c - all domains in memory, over those in the store
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/sts_table.h"

#include <stdlib.h>
#include <string.h>

struct sts_table {
	const struct world *world;
	struct store *store;
	const struct sts_events *events;
	void *arg;
	struct cache entries;
};

static bool
busy(const struct cache_entry *c)
{
	const struct sts_entry *e = (const struct sts_entry *)c;

	return e->job != NULL || e->held > 0;
}

struct load {
	struct sts_table *table;
	struct sts_entry *entry;
};

static void
load(void *arg, const struct store_policy *p)
{
	struct load *l = arg;

	if (!sts_entry_load(l->entry, p, l->table->world->ticks(l->table->world->arg)))
		l->table->events->notice(l->table->arg, "unreadable", l->entry->domain,
		    "the stored policy is no policy, skipped", true);
}

struct sts_entry *
sts_table_find(struct sts_table *t, const char *domain)
{
	struct cache_entry *c = cache_find(&t->entries, domain, strlen(domain));
	struct sts_entry *e;

	if (c != NULL)
		return (struct sts_entry *)c;
	while (cache_length(&t->entries) >= STS_ENTRIES_MAX &&
	    (c = cache_victim(&t->entries, busy)) != NULL) {
		cache_remove(&t->entries, c);
		sts_entry_free((struct sts_entry *)c);
	}
	e = sts_entry_new(domain);
	cache_add(&t->entries, &e->node, e->domain, strlen(domain));
	store_get_policy(t->store, domain, load, &(struct load){ t, e });
	return e;
}

const struct sts_entry *
sts_table_peek(const struct sts_table *t, const char *domain)
{
	return (const struct sts_entry *)cache_find(&t->entries, domain, strlen(domain));
}

static enum require_sts
state_of(const struct sts_entry *e, bool in_force)
{
	if (in_force)
		return REQUIRE_STS_ACTIVE;
	if (e->fetching)
		return REQUIRE_STS_PENDING;
	switch (e->announced) {
	case STS_ANNOUNCED_NO:
		return REQUIRE_STS_NONE;
	case STS_ANNOUNCED_UNKNOWN:
	case STS_ANNOUNCED_YES:		/* and the fetch failed: R23 */
	case STS_ANNOUNCED_UNDETERMINED:
		break;
	}
	return REQUIRE_STS_UNDETERMINED;
}

void
sts_table_view(const struct sts_entry *e, int64_t now, uint64_t ticks, struct sts_view *out)
{
	bool in_force = sts_entry_in_force(e, now, ticks);

	memset(out, 0, sizeof(*out));
	out->state = state_of(e, in_force);
	out->id = "";
	if (in_force) {
		out->policy = &e->policy;
		out->id = e->id;
		out->source = SOURCE_CACHE;
		out->fetched = now - sts_entry_age(e, now, ticks);
		out->refresh = e->refresh;
		out->failing = e->failing;
	}
	out->announced = e->announced;
	out->announced_id = e->announced_id;
	out->announced_detail = e->announced_detail;
	out->problem = e->failure != NULL ? e->failure->result : RESULT_SUCCESS;
	out->detail = e->failure != NULL ? e->failure->detail : "";
}

struct sts_table *
sts_table_new(const struct world *world, struct store *store, const struct sts_events *events,
    void *arg)
{
	struct sts_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->world = world;
	t->store = store;
	t->events = events;
	t->arg = arg;
	cache_init(&t->entries);
	return t;
}

void
sts_table_free(struct sts_table *t)
{
	struct cache_entry *c;

	if (t == NULL)
		return;
	while ((c = cache_next(&t->entries, NULL)) != NULL) {
		cache_remove(&t->entries, c);
		sts_entry_free((struct sts_entry *)c);
	}
	free(t);
}
