/* store_pages.c - what the store reads from its file and writes to it: transactions of LMDB
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/store_pages.h"

#include <string.h>

static int
try_changes(struct store_file *f, struct store_change *c, size_t len)
{
	MDB_txn *txn;
	int e = mdb_txn_begin(f->env, NULL, 0, &txn);

	if (e != 0)
		return e;
	for (size_t i = 0; i < len && e == 0; i++) {
		MDB_dbi table = f->table[c[i].table];

		if (c[i].value.mv_data != NULL)
			e = mdb_put(txn, table, &c[i].key, &c[i].value, 0);
		else
			e = mdb_del(txn, table, &c[i].key, NULL);
		if (e == MDB_NOTFOUND)
			e = 0;
	}
	if (e == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return e;
}

int
store_pages_write(struct store_file *f, struct store_change *c, size_t len)
{
	int e;

	store_file_at_work(f, true);
	while ((e = try_changes(f, c, len)) == MDB_MAP_FULL && store_file_grow(f))
		;
	store_file_at_work(f, false);
	return e;
}

static bool
copy(MDB_val *v, unsigned char *to, size_t room)
{
	bool fits = v->mv_size <= room;

	if (!fits)
		v->mv_size = 0;
	memcpy(to, v->mv_data, v->mv_size);
	v->mv_data = to;
	return fits;
}

int
store_pages_get(struct store_file *f, enum store_table table, MDB_val *key, MDB_val *value)
{
	MDB_txn *txn;
	int e;

	store_file_at_work(f, true);
	e = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &txn);
	if (e == 0) {
		e = mdb_get(txn, f->table[table], key, value);
		if (e == 0)
			copy(value, f->value, sizeof(f->value));
		mdb_txn_abort(txn);
	}
	store_file_at_work(f, false);
	return e;
}

int
store_pages_size(struct store_file *f, enum store_table table, size_t *entries, size_t *octets)
{
	MDB_stat stat = { 0 };
	MDB_txn *txn;
	int e;

	store_file_at_work(f, true);
	e = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &txn);
	if (e == 0) {
		e = mdb_stat(txn, f->table[table], &stat);
		mdb_txn_abort(txn);
	}
	store_file_at_work(f, false);
	*entries = stat.ms_entries;
	*octets = stat.ms_psize * (stat.ms_branch_pages + stat.ms_leaf_pages +
	    stat.ms_overflow_pages);
	return e;
}

static int
step_through(struct store_file *f, MDB_cursor *cursor, const struct store_walk *w,
    unsigned *skipped)
{
	MDB_val key = w->from, value;
	int e = mdb_cursor_get(cursor, &key, &value, key.mv_size > 0 ? MDB_SET_RANGE : MDB_FIRST);

	for (size_t n = 0; e == 0 && n < w->most; n++) {
		bool fits = copy(&key, f->key, sizeof(f->key));

		fits = copy(&value, f->value, sizeof(f->value)) && fits;
		store_file_at_work(f, false);
		*skipped += !fits || !w->each(w->arg, &key, &value);
		store_file_at_work(f, true);
		e = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return e;
}

int
store_pages_walk(struct store_file *f, const struct store_walk *w, unsigned *skipped)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int e;

	*skipped = 0;
	store_file_at_work(f, true);
	e = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &txn);
	if (e == 0) {
		e = mdb_cursor_open(txn, f->table[w->table], &cursor);
		if (e == 0) {
			e = step_through(f, cursor, w, skipped);
			mdb_cursor_close(cursor);
		}
		mdb_txn_abort(txn);
	}
	store_file_at_work(f, false);
	return e;
}
