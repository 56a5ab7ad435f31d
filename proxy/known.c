/* known.c - a worker's memory of answers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One bounded table for three kinds of entries: answers about a domain at an address, answers about
 * an address end to end, and for each address the terms that its latest answers agree on. */
#include "proxy/known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/judge.h"

#if defined(__GNUC__) && !defined(__clang__)
/* What hangs at an entry of the cache is out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum kind { KIND_DOMAIN, KIND_END_TO_END, KIND_ADDRESS };

#define HEAD_SIZE (1 + sizeof(struct in6_addr) + sizeof(uint16_t))
#define DOMAIN_MAX (UINT8_MAX - HEAD_SIZE)	/* a longer one is asked about each time */

struct entry {
	struct cache_entry node;
	struct demand *demand;
	double until;
	double mixed_until;	/* KIND_ADDRESS: so long answers of other terms count too */
	unsigned char key[];	/* kind, address, port, domain without its end */
};

struct known {
	struct cache table;
};

struct known *
known_new(void)
{
	struct known *k = calloc(1, sizeof(*k));

	if (k != NULL)
		cache_init(&k->table);
	return k;
}

static void
drop(struct known *k, struct entry *e)
{
	cache_remove(&k->table, &e->node);
	demand_drop(e->demand);
	free(e);
}

void
known_clear(struct known *k)
{
	struct cache_entry *first;

	while ((first = cache_next(&k->table, NULL)) != NULL)
		drop(k, (struct entry *)first);
}

void
known_free(struct known *k)
{
	if (k == NULL)
		return;
	known_clear(k);
	free(k);
}

size_t
known_length(const struct known *k)
{
	return cache_length(&k->table);
}

/* make_key: its length, 0 when there is no room for such a name. */
static size_t
make_key(unsigned char key[UINT8_MAX], enum kind kind, const struct address *peer,
    const char *domain)
{
	size_t len = strlen(domain);

	if (len > DOMAIN_MAX)
		return 0;
	key[0] = (unsigned char)kind;
	memcpy(key + 1, peer->ip.s6_addr, sizeof(peer->ip));
	memcpy(key + 1 + sizeof(peer->ip), &peer->port, sizeof(peer->port));
	memcpy(key + HEAD_SIZE, domain, len);	/* NOLINT(bugprone-not-null-terminated-result) */
	return HEAD_SIZE + len;
}

/* question_key: 0 also for what is always asked. */
static size_t
question_key(unsigned char key[UINT8_MAX], const struct question *q)
{
	if (q->recheck || q->probe)
		return 0;
	return make_key(key, q->end_to_end ? KIND_END_TO_END : KIND_DOMAIN, &q->peer, q->domain);
}

/* find: the entry that still counts; one that is over is dropped. */
static struct entry *
find(struct known *k, const unsigned char *key, size_t len, double now)
{
	struct entry *e = len == 0 ? NULL : (struct entry *)cache_find(&k->table, key, len);

	if (e == NULL || e->until > now)
		return e;
	drop(k, e);
	return NULL;
}

struct demand *
known_find(struct known *k, const struct question *q, double now)
{
	unsigned char key[UINT8_MAX];
	const struct entry *e = find(k, key, question_key(key, q), now);

	return e == NULL ? NULL : e->demand;
}

struct demand *
known_at(struct known *k, const struct address *peer, double now)
{
	unsigned char key[UINT8_MAX];
	const struct entry *e = find(k, key, make_key(key, KIND_ADDRESS, peer, ""), now);

	return e == NULL || e->mixed_until > now ? NULL : e->demand;
}

static bool
never_busy(const struct cache_entry *c)
{
	(void)c;
	return false;
}

static struct entry *
add(struct known *k, const unsigned char *key, size_t len)
{
	struct cache_entry *victim = NULL;

	/* All in use: this one is not worth a longer search. */
	if (cache_length(&k->table) >= KNOWN_MAX &&
	    (victim = cache_victim(&k->table, never_busy)) == NULL)
		return NULL;
	struct entry *e = calloc(1, sizeof(*e) + len);
	if (e == NULL)
		return NULL;
	if (victim != NULL)
		drop(k, (struct entry *)victim);
	memcpy(e->key, key, len);
	cache_add(&k->table, &e->node, e->key, len);
	/* Not until it is asked for: what was outlives a flood of what never will be. */
	e->node.used = false;
	return e;
}

/* agree: the one of the two that stands for the address from now on. */
static struct demand *
agree(struct entry *e, struct demand *d)
{
	const struct requirement *was = e->demand->requirement, *is = d->requirement;

	/* Two hosts' recipients at one address: whichever is guessed would often be wrong. */
	if (!demand_same_session(was, is))
		e->mixed_until = e->until;
	/* What passes for the stricter passes for both. */
	else if (judge_demands_tls(was) && !judge_demands_tls(is))
		return e->demand;
	return d;
}

static void
put(struct known *k, const unsigned char *key, size_t len, struct demand *d, double now,
    double until)
{
	struct entry *e = find(k, key, len, now);

	if (e == NULL && (e = add(k, key, len)) == NULL)
		return;
	if (e->demand != NULL && key[0] == KIND_ADDRESS)
		d = agree(e, d);
	demand_hold(d);
	demand_drop(e->demand);
	e->demand = d;
	e->until = until;
}	/* NOLINT(clang-analyzer-unix.Malloc): the table has it */

void
known_keep(struct known *k, const struct question *q, struct demand *d, size_t octets, double now,
    double until)
{
	const struct requirement *r = d->requirement;
	unsigned char key[UINT8_MAX];
	size_t len = question_key(key, q);

	if (len == 0 || until <= now || octets > KNOWN_OCTETS_MAX ||
	    r->state != REQUIREMENT_READY)
		return;
	put(k, key, len, d, now, until);
	if (!q->end_to_end && r->mapped && r->mx_host[0] != '\0' && judge_wants_tls(r))
		put(k, key, make_key(key, KIND_ADDRESS, &q->peer, ""), d, now,
		    now + KNOWN_TERMS_S);
}

void
known_forget(struct known *k, const struct question *q)
{
	const struct question plain = { .peer = q->peer, .end_to_end = q->end_to_end,
		.domain = q->domain };
	unsigned char key[UINT8_MAX];
	size_t len = question_key(key, &plain);
	struct cache_entry *c = len == 0 ? NULL : cache_find(&k->table, key, len);

	if (c != NULL)
		drop(k, (struct entry *)c);
}

static bool
listed(const char *name, const char *const *list, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

/* about: whether a change that concerns this name may concern the answer: its domain, or whatever
 * name stands in it. End to end it stands for domains that are not named. */
static bool
about(const struct entry *e, const char *name)
{
	const struct requirement *r = e->demand->requirement;
	size_t len = strlen(name);

	return e->key[0] == KIND_END_TO_END ||
	    (e->node.key_len == HEAD_SIZE + len && memcmp(e->key + HEAD_SIZE, name, len) == 0) ||
	    strcmp(name, r->policy_domain) == 0 || strcmp(name, r->mx_host) == 0 ||
	    strcmp(name, r->sni) == 0 || listed(name, r->hosts, r->hosts_len) ||
	    listed(name, r->names, r->names_len) ||
	    listed(name, r->tlsa.bases, r->tlsa.bases_len);
}

static bool
at(const struct entry *e, const struct in6_addr *ip)
{
	return memcmp(e->key + 1, ip->s6_addr, sizeof(*ip)) == 0;
}

void
known_drop(struct known *k, const struct stale *stale)
{
	bool by_name = stale->domain[0] != '\0', by_ip = !IN6_IS_ADDR_UNSPECIFIED(&stale->ip);
	struct cache_entry *next = cache_next(&k->table, NULL);

	while (next != NULL) {
		struct entry *e = (struct entry *)next;

		next = cache_next(&k->table, next);
		if ((!by_name && !by_ip) || (by_name && about(e, stale->domain)) ||
		    (by_ip && at(e, &stale->ip)))
			drop(k, e);
	}
}
