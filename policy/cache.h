/* cache.h - a bounded table by name; what was not used for the longest goes first
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intrusive: an entry stands first in its owner's struct. The hash is keyed (SipHash-2-4, a random
 * key for each table), so names from the network cannot be chosen to collide. */
#ifndef POLICY_CACHE_H
#define POLICY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "daemon/siphash.h"

struct cache_entry {
	UT_hash_handle hh;
	bool used;		/* since the hand last passed */
	uint8_t key_len;	/* up to 255: names and addresses */
	const void *key;	/* lives as long as the entry */
};

struct cache {
	struct cache_entry *table;
	struct siphash_key secret;
};

void cache_init(struct cache *c);
size_t cache_length(const struct cache *c);
struct cache_entry *cache_find(const struct cache *c, const void *key, size_t len);

/* cache_add: the key must not be in the table yet. */
void cache_add(struct cache *c, struct cache_entry *e, const void *key, size_t len);
void cache_remove(struct cache *c, struct cache_entry *e);

/* cache_victim: an entry not found since the hand last passed, `busy` of which is false; NULL when
 * a bounded search finds none. Not removed yet. */
struct cache_entry *cache_victim(struct cache *c, bool (*busy)(const struct cache_entry *e));

/* cache_next: all entries in turn, from NULL; the one returned last may be removed meanwhile only
 * after the following was taken. */
struct cache_entry *cache_next(const struct cache *c, const struct cache_entry *e);

#endif
