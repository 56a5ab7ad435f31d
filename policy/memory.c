/* memory.c - which MX hosts have offered STARTTLS lately
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything is in memory, the store only follows: new sights within a second, known ones when a
 * day has passed since they were written, a change of the host's name within the hour. */
#include "policy/memory.h"

#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/fresh.h"
#include "policy/unwritten.h"

#define DAY_S 86400
#define LAPSE_S (MEMORY_DAYS * DAY_S)
#define TEND_MS (3600 * 1000)	/* lapsed sights are dropped so often */
#define BATCH 1024		/* sights in one commit */
#define KIND_ADDRESS 'a'

struct sight {
	struct cache_entry node;
	int64_t last, saved;	/* seconds since the epoch; saved 0: not on disk */
	char *host;		/* seen under it last; NULL */
	struct unwritten unwritten;
	bool renamed;		/* the store knows another host */
	unsigned char key[];
};

struct memory {
	const struct world *world;
	struct store *store;
	struct cache sights;
	struct unwritten_queue unwritten;
	struct world_timer tend;
	/* NULL: nobody wants to know */
	void (*changed)(void *arg, const struct in6_addr *ip);
	void *changed_arg;
};

static int64_t
now(const struct memory *m)
{
	return m->world->now(m->world->arg);
}

static size_t
address_key(unsigned char key[STORE_KEY_MAX], const struct in6_addr *ip)
{
	key[0] = KIND_ADDRESS;
	memcpy(key + 1, ip->s6_addr, 16);
	return 17;
}

static bool
busy(const struct cache_entry *c)
{
	return ((const struct sight *)c)->unwritten.waits;
}

/* Takes it out of memory; the store keeps its copy. */
static void
drop(struct memory *m, struct sight *s)
{
	unwritten_remove(&m->unwritten, &s->unwritten);
	cache_remove(&m->sights, &s->node);
	free(s->host);
	free(s);
}

static void
say_changed(const struct memory *m, const unsigned char *key)
{
	struct in6_addr ip;

	memcpy(ip.s6_addr, key + 1, sizeof(ip.s6_addr));
	if (m->changed != NULL)
		m->changed(m->changed_arg, &ip);
}

static void
erase(struct memory *m, struct sight *s)
{
	struct store_seen gone = { s->key, s->node.key_len, 0, "" };

	store_put_seen(m->store, &gone, 1);
	say_changed(m, s->key);
	drop(m, s);
}

static struct sight *
add(struct memory *m, const unsigned char *key, size_t len)
{
	struct sight *s = calloc(1, sizeof(*s) + len);
	struct cache_entry *c;

	if (s == NULL)
		abort();	/* the parent starts a new policy process */
	while (cache_length(&m->sights) >= MEMORY_MAX &&
	    (c = cache_victim(&m->sights, busy)) != NULL)
		erase(m, (struct sight *)c);
	memcpy(s->key, key, len);
	cache_add(&m->sights, &s->node, s->key, len);
	return s;
}

static const char *
host_of(const struct sight *s)
{
	return s->host != NULL ? s->host : "";
}

static struct sight *
sight_of(struct unwritten *u)
{
	return (struct sight *)((char *)u - offsetof(struct sight, unwritten));
}

static size_t
write_batch(void *arg, struct unwritten *first)
{
	struct memory *m = arg;
	struct store_seen seen[BATCH] = { 0 };
	size_t n = 0;

	for (struct unwritten *u = first; u != NULL && n < BATCH; u = u->next) {
		const struct sight *s = sight_of(u);

		seen[n++] = (struct store_seen){ s->key, s->node.key_len, s->last, host_of(s) };
	}
	return store_put_seen(m->store, seen, n) ? n : 0;
}

static void
on_written(void *arg, struct unwritten *u)
{
	struct sight *s = sight_of(u);

	(void)arg;
	s->renamed = false;
	s->saved = s->last;
}

/* Of an address that many names share the name may change with each mail: not each is written. */
static void
mark_renamed(struct memory *m)
{
	for (struct cache_entry *c = cache_next(&m->sights, NULL); c != NULL;
	    c = cache_next(&m->sights, c))
		if (((struct sight *)c)->renamed)
			unwritten_add(&m->unwritten, &((struct sight *)c)->unwritten);
}

static bool
lapsed(const struct memory *m, const struct sight *s)
{
	return now(m) - s->last > LAPSE_S;
}

static void
on_tend(void *arg)
{
	struct memory *m = arg;
	struct cache_entry *next;

	for (struct cache_entry *c = cache_next(&m->sights, NULL); c != NULL; c = next) {
		struct sight *s = (struct sight *)c;

		next = cache_next(&m->sights, c);
		/* Seen in the future: the clock was set back. Nothing is remembered for ever. */
		if (s->last > now(m) + DAY_S)
			s->last = now(m);
		if (lapsed(m, s))
			erase(m, s);
	}
	mark_renamed(m);
	store_tend(m->store);
	m->world->timer_start(m->world->arg, &m->tend, TEND_MS);
}

static struct sight *
find(struct memory *m, const unsigned char *key, size_t len)
{
	struct cache_entry *c = cache_find(&m->sights, key, len);

	return c != NULL && !lapsed(m, (struct sight *)c) ? (struct sight *)c : NULL;
}

static void
name_it(struct sight *s, const char *host)
{
	size_t size = strlen(host) + 1;
	char *name;

	/* A worker says it: what cannot be a name is none. */
	if (host[0] == '\0' || strcmp(host_of(s), host) == 0 || !store_host_fits(host) ||
	    (name = realloc(s->host, size)) == NULL)
		return;
	s->host = memcpy(name, host, size);
	s->renamed = true;
}

void
memory_watch(struct memory *m, void (*changed)(void *arg, const struct in6_addr *ip), void *arg)
{
	m->changed = changed;
	m->changed_arg = arg;
}

void
memory_saw(struct memory *m, const char *host, const struct in6_addr *ip)
{
	unsigned char key[STORE_KEY_MAX];
	size_t len = address_key(key, ip);
	struct cache_entry *c = cache_find(&m->sights, key, len);
	struct sight *s = c != NULL ? (struct sight *)c : add(m, key, len);
	int64_t since = now(m) - s->saved;
	bool new = c == NULL || lapsed(m, s);

	s->last = now(m);
	if (new)
		say_changed(m, s->key);
	if (s->saved == 0 || since < 0 || since >= DAY_S)
		unwritten_add(&m->unwritten, &s->unwritten);
	name_it(s, host);
}

bool
memory_knows_address(struct memory *m, const struct in6_addr *ip, const char **host)
{
	unsigned char key[STORE_KEY_MAX];
	struct sight *s = find(m, key, address_key(key, ip));

	*host = s != NULL ? host_of(s) : "";
	return s != NULL;
}

uint64_t
memory_left(struct memory *m, const struct in6_addr *ip)
{
	unsigned char key[STORE_KEY_MAX];
	const struct sight *s = find(m, key, address_key(key, ip));

	return s != NULL ? fresh_clock(s->last + LAPSE_S + 1, now(m)) : 0;
}

static bool
forget(struct memory *m, const unsigned char *key, size_t len)
{
	struct cache_entry *c = cache_find(&m->sights, key, len);

	if (c != NULL)
		erase(m, (struct sight *)c);
	return c != NULL;
}

bool
memory_forget_host(struct memory *m, const char *host)
{
	bool known = false;
	struct cache_entry *next;

	for (struct cache_entry *c = cache_next(&m->sights, NULL); c != NULL; c = next) {
		struct sight *s = (struct sight *)c;

		next = cache_next(&m->sights, c);
		if (host[0] == '\0' || strcmp(host_of(s), host) != 0)
			continue;
		erase(m, s);
		known = true;
	}
	return known;
}

bool
memory_forget_address(struct memory *m, const struct in6_addr *ip)
{
	unsigned char key[STORE_KEY_MAX];

	return forget(m, key, address_key(key, ip));
}

size_t
memory_length(const struct memory *m)
{
	return cache_length(&m->sights);
}

static void
load(void *arg, const struct store_seen *seen)
{
	struct memory *m = arg;
	struct sight *s;

	if (seen->key_len < 2 || cache_length(&m->sights) >= MEMORY_MAX ||
	    cache_find(&m->sights, seen->key, seen->key_len))
		return;
	s = add(m, seen->key, seen->key_len);
	s->last = s->saved = seen->last;
	if (seen->host[0] != '\0')
		s->host = strdup(seen->host);
}	/* NOLINT(clang-analyzer-unix.Malloc): the table has it */

struct memory *
memory_new(const struct world *world, struct store *store)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->world = world;
	m->store = store;
	cache_init(&m->sights);
	m->unwritten = (struct unwritten_queue){ .world = world, .write = write_batch,
		.written = on_written, .arg = m };
	unwritten_begin(&m->unwritten);
	m->tend.fire = on_tend;
	m->tend.arg = m;
	store_each_seen(store, load, m);
	on_tend(m);
	return m;
}

void
memory_free(struct memory *m)
{
	struct cache_entry *c;

	if (m == NULL)
		return;
	mark_renamed(m);
	unwritten_end(&m->unwritten);
	m->world->timer_stop(m->world->arg, &m->tend);
	while ((c = cache_next(&m->sights, NULL)) != NULL)
		drop(m, (struct sight *)c);
	free(m);
}
