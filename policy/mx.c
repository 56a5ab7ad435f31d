/* mx.c - the MX hosts of a domain and their addresses, kept as long as DNS allows
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A job is a lookup (mx_lookup.c) and those who wait for it; the set counts until the first of its
 * answers runs out. */
#include "policy/mx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/mx_lookup.h"

#if defined(__GNUC__) && !defined(__clang__)
/* What hangs at an entry of the cache is out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define OCTETS_MAX (256u << 20)	/* of all sets: one that its owner made as large as can be has
				 * about two million */

struct job;

struct entry {
	struct cache_entry node;
	struct job *job;
	unsigned held;
	bool known;
	unsigned epoch;			/* mx_expire: another one than now counts no more */
	struct mx_set set;
	void *block;			/* all that the set points to, in one piece */
	size_t size;			/* of it */
	char domain[];
};

struct job {
	struct mx *mx;
	struct entry *entry;
	struct mx_lookup *lookup;
	unsigned epoch;			/* in which it began */
	struct mx_waiter *waiters;
	struct job *next, **back;
};

struct mx {
	const struct world *world;
	bool dane;
	struct cache entries;
	unsigned epoch;
	size_t octets;			/* of the blocks of all entries */
	struct job *jobs;
	/* NULL: nobody wants to know */
	void (*found)(void *arg, const char *domain, bool other);
	void *found_arg;
};

static void *
need(void *p)
{
	if (p == NULL)
		abort();	/* the parent starts a new policy process */
	return p;
}

static void
entry_free(struct mx *m, struct entry *e)
{
	m->octets -= e->size;
	free(e->block);
	free(e);
}

static bool
busy(const struct cache_entry *c)
{
	const struct entry *e = (const struct entry *)c;

	return e->job != NULL || e->held > 0;
}

/* Drops an entry; false when all that were looked at are in use. */
static bool
evict(struct mx *m)
{
	struct cache_entry *c = cache_victim(&m->entries, busy);

	if (c == NULL)
		return false;
	cache_remove(&m->entries, c);
	entry_free(m, (struct entry *)c);
	return true;
}

static struct entry *
find(struct mx *m, const char *domain)
{
	size_t size = strlen(domain) + 1;
	struct cache_entry *c = cache_find(&m->entries, domain, size - 1);
	struct entry *e;

	if (c != NULL)
		return (struct entry *)c;
	while (cache_length(&m->entries) >= MX_DOMAINS_MAX && evict(m))
		;
	e = need(calloc(1, sizeof(*e) + size));
	memcpy(e->domain, domain, size);
	cache_add(&m->entries, &e->node, e->domain, size - 1);
	return e;
}

/* True when it is another set than was known before. */
static bool
keep(struct mx *m, struct entry *e, const struct mx_lookup *l)
{
	struct mx_set was = e->set;
	void *block = e->block;
	bool other;

	m->octets -= e->size;
	e->block = mx_lookup_set(l, &e->set, &e->size);
	m->octets += e->size;
	e->set.found = m->world->ticks(m->world->arg);
	e->set.until = e->set.found + mx_lookup_keep_ms(l);
	other = e->known && !mx_same(&was, &e->set);
	e->known = true;
	free(block);
	return other;
}

static void
on_lookup(void *arg, struct mx_lookup *l)
{
	struct job *j = arg;
	struct mx *m = j->mx;
	struct entry *e = j->entry;
	struct mx_waiter *w;
	bool other = keep(m, e, l);

	e->epoch = j->epoch;
	e->job = NULL;
	e->held++;
	while (m->octets > OCTETS_MAX && evict(m))
		;
	if (m->found != NULL)
		m->found(m->found_arg, e->domain, other);
	while ((w = j->waiters) != NULL) {
		mx_cancel(w);
		w->done(w->arg, &e->set);
	}
	e->held--;
	if ((*j->back = j->next) != NULL)
		j->next->back = j->back;
	mx_lookup_free(l);
	free(j);
}

static bool
live(const struct mx *m, const struct entry *e)
{
	return e->known && e->epoch == m->epoch && m->world->ticks(m->world->arg) < e->set.until;
}

void
mx_expire(struct mx *m)
{
	m->epoch++;
}

const struct mx_set *
mx_look(struct mx *m, const char *domain)
{
	struct entry *e = find(m, domain);

	return live(m, e) ? &e->set : NULL;
}

const struct mx_set *
mx_last(struct mx *m, const char *domain)
{
	struct entry *e = find(m, domain);

	return e->known ? &e->set : NULL;
}

bool
mx_known(const struct mx *m, const char *domain)
{
	struct cache_entry *c = cache_find(&m->entries, domain, strlen(domain));
	const struct entry *e = (const struct entry *)c;

	return e != NULL && (e->job != NULL || live(m, e));
}

void
mx_ask(struct mx *m, struct mx_waiter *w, const char *domain)
{
	struct entry *e = find(m, domain);
	struct job *j = e->job;

	assert(w->back == NULL);
	if (j == NULL) {
		j = need(calloc(1, sizeof(*j)));
		j->mx = m;
		j->entry = e;
		j->epoch = m->epoch;
		if ((j->next = m->jobs) != NULL)
			j->next->back = &j->next;
		j->back = &m->jobs;
		m->jobs = e->job = j;
		j->lookup = mx_lookup_start(m->world, m->dane, e->domain, on_lookup, j);
	}
	if ((w->next = j->waiters) != NULL)
		w->next->back = &w->next;
	w->back = &j->waiters;
	j->waiters = w;
}

void
mx_cancel(struct mx_waiter *w)
{
	if (w->back == NULL)
		return;
	if ((*w->back = w->next) != NULL)
		w->next->back = w->back;
	w->back = NULL;
}

const struct require_host *
mx_host_of(const struct mx_set *set, const struct in6_addr *ip, size_t *at)
{
	for (; *at < set->hosts_len; ++*at) {
		const struct require_host *h = &set->hosts[*at];

		for (size_t i = 0; h->state == REQUIRE_ADDRESSES_OK && i < h->addresses_len; i++)
			if (address_same_ip(&h->addresses[i], ip)) {
				++*at;
				return h;
			}
	}
	return NULL;
}

void
mx_watch(struct mx *m, void (*found)(void *arg, const char *domain, bool other), void *arg)
{
	m->found = found;
	m->found_arg = arg;
}

struct mx *
mx_new(const struct world *world, bool dane)
{
	struct mx *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->world = world;
	m->dane = dane;
	cache_init(&m->entries);
	return m;
}

void
mx_free(struct mx *m)
{
	struct cache_entry *c;
	struct job *j;

	if (m == NULL)
		return;
	while ((j = m->jobs) != NULL) {
		m->jobs = j->next;
		mx_lookup_free(j->lookup);
		free(j);
	}
	while ((c = cache_next(&m->entries, NULL)) != NULL) {
		cache_remove(&m->entries, c);
		entry_free(m, (struct entry *)c);
	}
	free(m);
}
