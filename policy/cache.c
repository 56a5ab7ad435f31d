/* cache.c - a bounded table by name
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * uthash keeps its entries in the order of their insertion: that list is the clock whose hand moves
 * used entries from its head to its tail. */
#include "policy/cache.h"


#if defined(__GNUC__) && !defined(__clang__)
/* uthash's own table hangs at the head of the list, out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define HAND_MAX 256	/* entries looked at for one victim: a full table must not stall the loop */

static unsigned
hash_of(const struct cache *c, const void *key, size_t len)
{
	uint64_t hash = siphash(&c->secret, key, len);

	return (unsigned)(hash ^ hash >> 32);
}

void
cache_init(struct cache *c)
{
	c->table = NULL;
	siphash_key_make(&c->secret);
}

size_t
cache_length(const struct cache *c)
{
	return HASH_COUNT(c->table);
}

struct cache_entry *
cache_find(const struct cache *c, const void *key, size_t len)
{
	unsigned hash = hash_of(c, key, len);
	struct cache_entry *e;

	HASH_FIND_BYHASHVALUE(hh, c->table, key, (unsigned)len, hash, e);
	if (e != NULL)
		e->used = true;
	return e;
}

static void
append(struct cache *c, struct cache_entry *e, unsigned hash)
{
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, c->table, e->key, (unsigned)e->key_len, hash, e);
}

void
cache_add(struct cache *c, struct cache_entry *e, const void *key, size_t len)
{
	e->key = key;
	e->key_len = (uint8_t)len;
	e->used = true;
	append(c, e, hash_of(c, key, len));
}

void
cache_remove(struct cache *c, struct cache_entry *e)
{
	HASH_DELETE(hh, c->table, e);
}

struct cache_entry *
cache_victim(struct cache *c, bool (*busy)(const struct cache_entry *e))
{
	for (unsigned i = 0; i < HAND_MAX && c->table != NULL; i++) {
		struct cache_entry *e = c->table;
		unsigned hash = e->hh.hashv;

		if (!e->used && !busy(e))
			return e;
		e->used = false;
		cache_remove(c, e);
		append(c, e, hash);
	}
	return NULL;
}

struct cache_entry *
cache_next(const struct cache *c, const struct cache_entry *e)
{
	return e == NULL ? c->table : e->hh.next;
}
