/* seen.h - which records were written already: the last 65,536 keys, as keyed hashes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_SEEN_H
#define RECORD_SEEN_H

#include <stdbool.h>
#include <stddef.h>

/* Far more than all workers can have unacknowledged between two turns of the loop; by the birthday
 * bound two of them share a 64-bit hash once in ten billion fillings. */
#define SEEN_MAX 65536

struct seen;

struct seen *seen_new(void);		/* NULL when out of memory */
void seen_free(struct seen *s);		/* NULL is allowed */

bool seen_has(const struct seen *s, const char *key, size_t len);
void seen_add(struct seen *s, const char *key, size_t len);	/* the oldest makes room */

#endif
