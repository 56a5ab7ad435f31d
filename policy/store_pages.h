/* store_pages.h - what the store reads from its file and writes to it: transactions of LMDB
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For store*.c alone. Numbers returned are LMDB's or errno's, 0 for success. Callers get copies:
 * what they do with them is no work on the store. */
#ifndef POLICY_STORE_PAGES_H
#define POLICY_STORE_PAGES_H

#include "policy/store_file.h"

struct store_change {
	enum store_table table;
	MDB_val key, value;	/* no value: delete */
};

/* store_pages_write: all in one synchronous transaction, tried again with a larger map when the map
 * is full. */
int store_pages_write(struct store_file *f, struct store_change *c, size_t len);

/* store_pages_get: with 0 the value, valid until the next call; of length 0 when it is too long. */
int store_pages_get(struct store_file *f, enum store_table table, MDB_val *key, MDB_val *value);

/* store_pages_size: how many entries, and the octets of the pages they take. */
int store_pages_size(struct store_file *f, enum store_table table, size_t *entries,
    size_t *octets);

struct store_walk {
	enum store_table table;
	MDB_val from;		/* the first key, or where the next would stand; none: the first */
	size_t most;		/* entries */
	/* False: the entry cannot be read. */
	bool (*each)(void *arg, const MDB_val *key, const MDB_val *value);
	void *arg;
};

/* store_pages_walk: 0 when more are left, MDB_NOTFOUND when all were seen. *skipped: those that
 * could not be read, or are too long to be ours. */
int store_pages_walk(struct store_file *f, const struct store_walk *w, unsigned *skipped);

#endif
