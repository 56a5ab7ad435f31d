/* cache.c - a bounded table by name
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * uthash keeps its entries in the order of their insertion: that list is the clock whose hand moves
 * used entries from its head to its tail. */
#include "policy/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#if defined(__GNUC__) && !defined(__clang__)
/* uthash's own table hangs at the head of the list, out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define HAND_MAX 256	/* entries looked at for one victim: a full table must not stall the loop */

static uint64_t
rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-2-4, Aumasson and Bernstein 2012, section 2. */
static unsigned
siphash(const uint64_t secret[2], const void *data, size_t len)
{
	uint64_t v[4] = {
		secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
		secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u
	};
	const unsigned char *p = data;
	uint64_t m;

	for (size_t left = len;; left -= 8, p += 8) {
		m = left < 8 ? (uint64_t)len << 56 : 0;
		for (size_t i = 0; i < 8 && i < left; i++)
			m |= (uint64_t)p[i] << (8 * i);
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
		if (left < 8)
			break;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	m = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (unsigned)(m ^ m >> 32);
}

void
cache_init(struct cache *c)
{
	c->table = NULL;
	if (getrandom(c->secret, sizeof(c->secret), 0) != sizeof(c->secret))
		abort();
}

size_t
cache_length(const struct cache *c)
{
	return HASH_COUNT(c->table);
}

struct cache_entry *
cache_find(const struct cache *c, const void *key, size_t len)
{
	unsigned hash = siphash(c->secret, key, len);
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
	append(c, e, siphash(c->secret, key, len));
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
