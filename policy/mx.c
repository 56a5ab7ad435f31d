/* mx.c - the MX hosts of a domain and their addresses
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A job asks for the MX records, then for all hosts at once; the set counts until the first of its
 * answers runs out. */
#include "policy/mx.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/host.h"

#if defined(__GNUC__) && !defined(__clang__)
/* What hangs at an entry of the cache is out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define KEEP_MIN_MS (5 * 1000)		/* resolvers keep it too: a limit on our asking */
#define KEEP_MAX_MS (3600 * 1000)
#define KEEP_FAILED_MS (10 * 1000)
#define KEEP_PARTLY_MS (60 * 1000)	/* some host's addresses failed */

struct job;

struct entry {
	struct cache_entry node;
	struct job *job;
	unsigned held;
	bool known;
	uint64_t until;			/* ticks */
	struct mx_set set;
	void *block;			/* all that the set points to, in one piece */
	char problem[ANSWER_PROBLEM_SIZE];
	char domain[];
};

struct found_host {
	struct host lookup;
	uint16_t preference;
	char name[ANSWER_NAME_SIZE];
};

struct job {
	struct mx *mx;
	struct entry *entry;
	struct world_query query;
	struct found_host *hosts;
	size_t len, left;
	struct mx_set set;
	uint32_t ttl;
	char problem[ANSWER_PROBLEM_SIZE];
	struct mx_waiter *waiters;
	struct job *next, **back;
};

struct mx {
	const struct world *world;
	struct cache entries;
	struct job *jobs;
	void (*found)(void *arg, const char *domain);	/* NULL: nobody wants to know */
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
entry_free(struct entry *e)
{
	free(e->block);
	free(e);
}

static bool
busy(const struct cache_entry *c)
{
	const struct entry *e = (const struct entry *)c;

	return e->job != NULL || e->held > 0;
}

static struct entry *
find(struct mx *m, const char *domain)
{
	size_t size = strlen(domain) + 1;
	struct cache_entry *c = cache_find(&m->entries, domain, size - 1);
	struct entry *e;

	if (c != NULL)
		return (struct entry *)c;
	while (cache_length(&m->entries) >= MX_DOMAINS_MAX &&
	    (c = cache_victim(&m->entries, busy)) != NULL) {
		cache_remove(&m->entries, c);
		entry_free((struct entry *)c);
	}
	e = need(calloc(1, sizeof(*e) + size));
	memcpy(e->domain, domain, size);
	cache_add(&m->entries, &e->node, e->domain, size - 1);
	return e;
}

static uint64_t
keep_ms(const struct job *j)
{
	uint64_t keep = (uint64_t)j->ttl * 1000;

	if (j->set.state == REQUIRE_MX_FAILED || j->set.state == REQUIRE_MX_BOGUS)
		return KEEP_FAILED_MS;
	for (size_t i = 0; i < j->len; i++)
		if (j->hosts[i].lookup.state != REQUIRE_ADDRESSES_OK && keep > KEEP_PARTLY_MS)
			keep = KEEP_PARTLY_MS;
	return keep < KEEP_MIN_MS ? KEEP_MIN_MS : keep < KEEP_MAX_MS ? keep : KEEP_MAX_MS;
}

/* One piece: hosts, addresses, what is secure, names. */
static void
pack(const struct job *j, struct entry *e)
{
	struct mx_set *set = &e->set;
	size_t addresses = 0, names = 0;
	struct require_host *hosts;
	struct in6_addr *ip;
	bool *secure;
	char *name;

	for (size_t i = 0; i < j->len; i++) {
		addresses += j->hosts[i].lookup.len;
		names += strlen(j->hosts[i].name) + 1;
	}
	free(e->block);
	e->block = hosts = calloc(1, j->len * (sizeof(*hosts) + sizeof(*secure)) +
	    addresses * sizeof(*ip) + names + 1);
	if (hosts == NULL)
		abort();	/* the parent starts a new policy process */
	ip = (struct in6_addr *)(hosts + j->len);
	secure = (bool *)(ip + addresses);
	name = (char *)(secure + j->len);
	set->hosts = hosts;
	set->hosts_secure = secure;
	set->hosts_len = j->len;
	for (size_t i = 0; i < j->len; i++) {
		const struct found_host *from = &j->hosts[i];
		size_t size = strlen(from->name) + 1;

		memcpy(name, from->name, size);
		memcpy(ip, from->lookup.addresses, from->lookup.len * sizeof(*ip));
		secure[i] = from->lookup.secure;
		hosts[i] = (struct require_host){ name, from->preference, from->lookup.state, ip,
		    from->lookup.len };
		name += size;
		ip += from->lookup.len;
	}
}

static void
finish(struct job *j)
{
	struct mx *m = j->mx;
	struct entry *e = j->entry;
	struct mx_waiter *w;

	e->set = j->set;
	pack(j, e);
	e->set.found = m->world->ticks(m->world->arg);
	memcpy(e->problem, j->problem, sizeof(e->problem));
	e->set.problem = e->problem;
	e->until = e->set.found + keep_ms(j);
	e->known = true;
	e->job = NULL;
	e->held++;
	if (m->found != NULL)
		m->found(m->found_arg, e->domain);
	while ((w = j->waiters) != NULL) {
		mx_cancel(w);
		w->done(w->arg, &e->set);
	}
	e->held--;
	if ((*j->back = j->next) != NULL)
		j->next->back = j->back;
	free(j->hosts);
	free(j);
}

static void
on_host(void *arg, struct host *h)
{
	struct job *j = arg;

	if (h->ttl < j->ttl)
		j->ttl = h->ttl;
	if (--j->left == 0)
		finish(j);
}

static void
add_host(struct job *j, const char *name, uint16_t preference)
{
	for (size_t i = 0; i < j->len; i++) {
		if (strcmp(j->hosts[i].name, name) != 0)
			continue;
		if (preference < j->hosts[i].preference)
			j->hosts[i].preference = preference;
		return;
	}
	snprintf(j->hosts[j->len].name, sizeof(j->hosts[j->len].name), "%s", name);
	j->hosts[j->len++].preference = preference;
}

static void
look_up_hosts(struct job *j)
{
	size_t len = j->left = j->len;

	if (len == 0) {
		finish(j);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		struct found_host *h = &j->hosts[i];

		h->lookup.done = on_host;
		h->lookup.arg = j;
		host_lookup(&h->lookup, j->mx->world, h->name);
	}
}

static void
on_mx(void *arg, const struct answer *a)
{
	struct job *j = arg;

	j->ttl = a->ttl;
	j->set.secure = a->secure;
	j->set.exists = a->state != ANSWER_NXDOMAIN;
	j->hosts = need(calloc(a->records_len + 1, sizeof(*j->hosts)));
	memcpy(j->problem, a->problem, sizeof(j->problem));
	switch (a->state) {
	case ANSWER_OK:
		for (size_t i = 0; i < a->records_len; i++)
			if (a->records[i].len > 0)
				add_host(j, a->records[i].text, a->records[i].preference);
		/* RFC 7505 section 3: the root alone; beside other hosts it is no host. */
		j->set.state = j->len > 0 ? REQUIRE_MX_OK : REQUIRE_MX_NULL;
		break;
	case ANSWER_NODATA:
		j->set.state = REQUIRE_MX_IMPLICIT;	/* RFC 5321 section 5.1 */
		add_host(j, j->entry->domain, 0);
		break;
	case ANSWER_NXDOMAIN:
		j->set.state = REQUIRE_MX_IMPLICIT;	/* of a domain without any address */
		break;
	case ANSWER_FAILED:
		j->set.state = REQUIRE_MX_FAILED;
		break;
	case ANSWER_BOGUS:
		j->set.state = REQUIRE_MX_BOGUS;
		break;
	}
	look_up_hosts(j);
}

const struct mx_set *
mx_look(struct mx *m, const char *domain)
{
	struct entry *e = find(m, domain);

	return e->known && m->world->ticks(m->world->arg) < e->until ? &e->set : NULL;
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

	return e != NULL && (e->job != NULL ||
	    (e->known && m->world->ticks(m->world->arg) < e->until));
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
		j->query.done = on_mx;
		j->query.arg = j;
		if ((j->next = m->jobs) != NULL)
			j->next->back = &j->next;
		j->back = &m->jobs;
		m->jobs = e->job = j;
		m->world->query(m->world->arg, &j->query, domain, ANSWER_MX);
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
mx_watch(struct mx *m, void (*found)(void *arg, const char *domain), void *arg)
{
	m->found = found;
	m->found_arg = arg;
}

struct mx *
mx_new(const struct world *world)
{
	struct mx *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->world = world;
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
		m->world->query_cancel(m->world->arg, &j->query);
		for (size_t i = 0; i < j->len; i++)
			host_cancel(&j->hosts[i].lookup);
		free(j->hosts);
		free(j);
	}
	while ((c = cache_next(&m->entries, NULL)) != NULL) {
		cache_remove(&m->entries, c);
		entry_free((struct entry *)c);
	}
	free(m);
}
