/* seen.h - which records were written already: the last 65,536 keys, as keyed hashes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_SEEN_H
#define RECORD_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Far more than all workers can have unacknowledged between two turns of the loop; by the birthday
 * bound two of them share a 64-bit hash once in ten billion fillings. */
#define SEEN_MAX 65536

struct seen;

struct seen *seen_new(void);		/* NULL when out of memory */
void seen_free(struct seen *s);		/* NULL is allowed */

/* seen_hash: what the others know a key by; never 0. */
uint64_t seen_hash(const struct seen *s, const char *key, size_t len);
bool seen_has(const struct seen *s, uint64_t hash);
void seen_add(struct seen *s, uint64_t hash);		/* the oldest makes room */

#endif
