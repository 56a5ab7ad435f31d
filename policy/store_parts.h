/* store_parts.h - the store from inside: for store.c and store_*.c alone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_STORE_PARTS_H
#define POLICY_STORE_PARTS_H

#include "policy/store.h"
#include "policy/store_pages.h"

struct store {
	struct store_file file;
	const struct store_events *events;
	void *arg;
	char problem[256];
	bool damaged;		/* a read met a broken page: no write mends that */
	unsigned char value[STORE_VALUE_MAX];
};

/* store_trouble: one line for an administrator. */
void store_trouble(struct store *s, const char *what, const char *why);
bool store_fault(struct store *s, const char *doing, int code);		/* false */
void store_unreadable(struct store *s, int code);	/* a read met this number of LMDB's */

MDB_val store_slice(const void *p, size_t len);
bool store_apply(struct store *s, struct store_change *c, size_t len);	/* in one commit */

/* store_put_many: a change for each item, in one commit. `change` says what is to be done with item
 * i; what it writes to `room` for that stays there. It returns the octets it took, of `octets` that
 * all take together at the most. */
struct store_items {
	const void *items;
	size_t len, octets;
	size_t (*change)(struct store_change *c, unsigned char *room, const void *items, size_t i);
};
bool store_put_many(struct store *s, const struct store_items *m);

bool store_walk(struct store *s, const struct store_walk *w);	/* true when there are more */

#endif
