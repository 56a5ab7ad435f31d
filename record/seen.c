/* seen.c - which records were written already: the last 65,536 keys, as keyed hashes
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A ring of hashes in the order of their coming, and an open-addressed table (linear probing) over
 * it. 0 marks an empty place. Half a megabyte and one, allocated once and touched as it fills. */
#include "record/seen.h"

#include <stdlib.h>

#include "daemon/siphash.h"

#define TABLE (2u * SEEN_MAX)	/* never more than half full: probes stay short */
#define MASK (TABLE - 1)

struct seen {
	struct siphash_key key;
	size_t next;			/* place in the ring for the next one */
	uint64_t ring[SEEN_MAX];
	uint64_t table[TABLE];
};

struct seen *
seen_new(void)
{
	struct seen *s = calloc(1, sizeof *s);

	if (s != NULL)
		siphash_key_make(&s->key);
	return s;
}

void
seen_free(struct seen *s)
{
	free(s);
}

uint64_t
seen_hash(const struct seen *s, const char *key, size_t len)
{
	uint64_t h = siphash(&s->key, key, len);

	return h != 0 ? h : 1;
}

/* The place of h, or the empty place where it belongs. */
static size_t
place(const struct seen *s, uint64_t h)
{
	size_t i = h & MASK;

	while (s->table[i] != 0 && s->table[i] != h)
		i = (i + 1) & MASK;
	return i;
}

/* Empties the place of h and moves up what had to go past it. */
static void
forget(struct seen *s, uint64_t h)
{
	size_t hole = place(s, h);

	for (size_t i = (hole + 1) & MASK; s->table[i] != 0; i = (i + 1) & MASK) {
		size_t home = s->table[i] & MASK;

		if (((i - home) & MASK) >= ((i - hole) & MASK)) {
			s->table[hole] = s->table[i];
			hole = i;
		}
	}
	s->table[hole] = 0;
}

bool
seen_has(const struct seen *s, uint64_t hash)
{
	return s->table[place(s, hash)] != 0;
}

void
seen_add(struct seen *s, uint64_t hash)
{
	if (s->table[place(s, hash)] != 0)
		return;
	if (s->ring[s->next] != 0)
		forget(s, s->ring[s->next]);
	s->table[place(s, hash)] = hash;
	s->ring[s->next] = hash;
	s->next = (s->next + 1) % SEEN_MAX;
}
