/* store.c - cached policies and STARTTLS memory on disk
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every write is a list of changes in one synchronous transaction, tried again with a larger map
 * when the map is full. Reads are short transactions inside one call. */
#include "policy/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_MIN ((size_t)64 << 20)	/* address space, not disk: about 100,000 policies */
#define MAP_MAX ((size_t)1 << 30)	/* a store beyond it is an attack or a mistake */
#define SET_ASIDE_MAX 8			/* broken stores kept; then the last is replaced */

enum table { TABLE_POLICY, TABLE_SEEN, TABLE_MAX };

struct store {
	MDB_env *env;
	MDB_dbi table[TABLE_MAX];
	size_t map;
	const struct store_events *events;
	void *arg;
	char path[4096], marker[4096], problem[256];
	unsigned char value[STORE_VALUE_MAX];
};

struct change {
	enum table table;
	MDB_val key, value;	/* no value: delete */
};

static void
trouble(struct store *s, const char *what, const char *why)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", what, why);
	if (s->events != NULL)
		s->events->trouble(s->arg, line);
}

static bool
fault(struct store *s, const char *doing, int code)
{
	bool first = s->problem[0] == '\0';

	snprintf(s->problem, sizeof(s->problem), "store: %s: %s", doing, mdb_strerror(code));
	if (first)
		trouble(s, "store", s->problem);
	return false;
}

static int
try_changes(struct store *s, struct change *c, size_t len)
{
	MDB_txn *txn;
	int e = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (e != 0)
		return e;
	for (size_t i = 0; i < len && e == 0; i++) {
		MDB_dbi table = s->table[c[i].table];

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

static bool
apply(struct store *s, struct change *c, size_t len)
{
	int e;

	while ((e = try_changes(s, c, len)) == MDB_MAP_FULL && s->map < MAP_MAX) {
		int dead;

		mdb_reader_check(s->env, &dead);
		s->map *= 2;
		if ((e = mdb_env_set_mapsize(s->env, s->map)) != 0)
			break;
	}
	if (e != 0)
		return fault(s, "writing", e);
	s->problem[0] = '\0';
	return true;
}

static MDB_val
slice(const void *p, size_t len)
{
	/* LMDB does not write through it. */
	union { const void *from; void *to; } cast = { p };

	return (MDB_val){ len, cast.to };
}

bool
store_put_policy(struct store *s, const char *domain, const struct store_policy *p)
{
	size_t len = store_encode(s->value, sizeof(s->value), p);
	struct change c = { TABLE_POLICY, slice(domain, strlen(domain)), slice(s->value, len) };

	return len > 0 ? apply(s, &c, 1) : fault(s, "writing", EMSGSIZE);
}

bool
store_delete_policy(struct store *s, const char *domain)
{
	struct change c = { TABLE_POLICY, slice(domain, strlen(domain)), { 0, NULL } };

	return apply(s, &c, 1);
}

bool
store_put_seen(struct store *s, const struct store_seen *seen, size_t len)
{
	struct change *c = calloc(len > 0 ? len : 1, sizeof(*c));
	unsigned char (*value)[STORE_SEEN_SIZE] = calloc(len > 0 ? len : 1, sizeof(*value));
	bool done;

	for (size_t i = 0; c != NULL && value != NULL && i < len; i++) {
		store_encode_seen(value[i], seen[i].last);
		c[i].table = TABLE_SEEN;
		c[i].key = slice(seen[i].key, seen[i].key_len);
		if (seen[i].last != 0)
			c[i].value = slice(value[i], sizeof(value[i]));
	}
	done = c != NULL && value != NULL ? apply(s, c, len) : fault(s, "writing", ENOMEM);
	free(c);
	free(value);
	return done;
}

bool
store_get_policy(struct store *s, const char *domain,
    void (*found)(void *arg, const struct store_policy *p), void *arg)
{
	MDB_val key = slice(domain, strlen(domain)), value;
	struct store_policy p;
	MDB_txn *txn;
	int e = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
	bool ok;

	if (e != 0)
		return fault(s, "reading", e);
	e = mdb_get(txn, s->table[TABLE_POLICY], &key, &value);
	ok = e == 0 && store_decode(value.mv_data, value.mv_size, &p);
	if (ok)
		found(arg, &p);
	mdb_txn_abort(txn);
	if (e == 0 && !ok)
		trouble(s, domain, "a stored policy cannot be read, skipped");
	else if (e != 0 && e != MDB_NOTFOUND)
		fault(s, "reading", e);
	return ok;
}

/* Calls each(arg, key, value) for all of a table; false from it: the entry cannot be read. */
static void
walk(struct store *s, enum table table,
    bool (*each)(void *arg, const MDB_val *key, const MDB_val *value), void *arg)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	unsigned unreadable = 0;
	int e = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (e != 0) {
		fault(s, "reading", e);
		return;
	}
	e = mdb_cursor_open(txn, s->table[table], &cursor);
	if (e == 0) {
		while ((e = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
			if (key.mv_size > STORE_KEY_MAX || !each(arg, &key, &value))
				unreadable++;
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	if (e != MDB_NOTFOUND)
		fault(s, "reading", e);
	if (unreadable > 0) {
		char count[48];

		snprintf(count, sizeof(count), "%u entries cannot be read, skipped", unreadable);
		trouble(s, table == TABLE_POLICY ? "stored policies" : "STARTTLS memory", count);
	}
}

struct each_policy {
	void (*each)(void *arg, const char *domain, const struct store_policy *p);
	void *arg;
};

static bool
on_policy(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_policy *w = arg;
	struct store_policy p;
	char domain[STORE_KEY_MAX + 1];

	if (!store_decode(value->mv_data, value->mv_size, &p))
		return false;
	memcpy(domain, key->mv_data, key->mv_size);
	domain[key->mv_size] = '\0';
	w->each(w->arg, domain, &p);
	return true;
}

void
store_each_policy(struct store *s,
    void (*each)(void *arg, const char *domain, const struct store_policy *p), void *arg)
{
	walk(s, TABLE_POLICY, on_policy, &(struct each_policy){ each, arg });
}

struct each_seen {
	void (*each)(void *arg, const void *key, size_t len, int64_t last);
	void *arg;
};

static bool
on_seen(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_seen *w = arg;
	int64_t last;

	if (!store_decode_seen(value->mv_data, value->mv_size, &last))
		return false;
	w->each(w->arg, key->mv_data, key->mv_size, last);
	return true;
}

void
store_each_seen(struct store *s,
    void (*each)(void *arg, const void *key, size_t len, int64_t last), void *arg)
{
	walk(s, TABLE_SEEN, on_seen, &(struct each_seen){ each, arg });
}

static int
open_tables(struct store *s)
{
	MDB_txn *txn;
	int e = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (e != 0)
		return e;
	e = mdb_dbi_open(txn, "policy", MDB_CREATE, &s->table[TABLE_POLICY]);
	if (e == 0)
		e = mdb_dbi_open(txn, "starttls", MDB_CREATE, &s->table[TABLE_SEEN]);
	if (e == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return e;
}

/* A file shorter than what its own meta page claims would kill us by SIGBUS later. */
static bool
truncated(struct store *s, const struct stat *before)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &stat) != 0)
		return true;
	return (uint64_t)before->st_size < ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

static int
open_env(struct store *s)
{
	struct stat before;
	bool old = stat(s->path, &before) == 0 && before.st_size > 0;
	int e = mdb_env_create(&s->env);

	if (e != 0)
		return e;
	for (s->map = MAP_MIN; old && s->map < MAP_MAX && s->map / 2 < (size_t)before.st_size;)
		s->map *= 2;
	mdb_env_set_maxdbs(s->env, TABLE_MAX);
	mdb_env_set_mapsize(s->env, s->map);
	e = mdb_env_open(s->env, s->path, MDB_NOSUBDIR, 0600);
	if (e == 0 && old && truncated(s, &before))
		e = MDB_CORRUPTED;
	if (e == 0)
		e = open_tables(s);
	if (e != 0) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
	return e;
}

static void
set_aside(struct store *s, const char *why)
{
	char to[sizeof(s->path) + 32], lock[sizeof(s->path) + 32];
	int fd;

	for (int i = 1; i <= SET_ASIDE_MAX; i++) {
		snprintf(to, sizeof(to), "%s.broken.%d", s->path, i);
		if (access(to, F_OK) != 0)
			break;
	}
	if (rename(s->path, to) != 0 && errno == ENOENT)
		return;
	snprintf(lock, sizeof(lock), "%s-lock", s->path);
	unlink(lock);
	fd = open(s->marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	trouble(s, "the store was set aside, cached policies are lost", why);
}

struct store *
store_open(const char *state_dir, bool fresh, const struct store_events *events, void *arg,
    char *error, size_t error_size)
{
	struct store *s = calloc(1, sizeof(*s));
	int e;

	if (s == NULL || strlen(state_dir) > sizeof(s->path) - 64) {
		snprintf(error, error_size, "state-dir: no memory, or too long a name");
		free(s);
		return NULL;
	}
	s->events = events;
	s->arg = arg;
	snprintf(s->path, sizeof(s->path), "%s/store.mdb", state_dir);
	snprintf(s->marker, sizeof(s->marker), "%s/policy.degraded", state_dir);
	if (mkdir(state_dir, 0750) == 0 || errno == EEXIST)
		errno = 0;
	if (fresh)
		set_aside(s, "its reader died twice");
	e = open_env(s);
	if (e == MDB_INVALID || e == MDB_CORRUPTED || e == MDB_VERSION_MISMATCH ||
	    e == MDB_PAGE_NOTFOUND || e == MDB_PANIC || e == MDB_INCOMPATIBLE) {
		set_aside(s, mdb_strerror(e));
		e = open_env(s);
	}
	if (e == 0) {
		store_tend(s);
		return s;
	}
	snprintf(error, error_size, "%s: %s", s->path, mdb_strerror(e));
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->env != NULL)
		mdb_env_close(s->env);
	free(s);
}

void
store_tend(struct store *s)
{
	int dead;

	mdb_reader_check(s->env, &dead);
}

const char *
store_problem(const struct store *s)
{
	return s->problem;
}

bool
store_degraded(const struct store *s)
{
	return access(s->marker, F_OK) == 0;
}

bool
store_acknowledge(struct store *s)
{
	return unlink(s->marker) == 0 || errno == ENOENT;
}
