/* store_file.c - the store's file: opened, set aside when it is broken
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_MIN ((size_t)64 << 20)	/* address space, not disk: about 100,000 policies */
#define MAP_MAX ((size_t)1 << 30)	/* a store beyond it is an attack or a mistake */
#define SET_ASIDE_MAX 8			/* broken stores kept; then the last is replaced */

bool
store_file_name(struct store_file *f, const char *state_dir)
{
	if (strlen(state_dir) > sizeof(f->path) - 64)
		return false;
	snprintf(f->path, sizeof(f->path), "%s/store.mdb", state_dir);
	snprintf(f->marker, sizeof(f->marker), "%s/policy.degraded", state_dir);
	/* Where this fails, so does opening the store, and that says why. */
	(void)mkdir(state_dir, 0750);
	return true;
}

/* Tables that an older store has not are made. */
static int
open_tables(struct store_file *f)
{
	static const char *const names[STORE_TABLES] = {
		[STORE_POLICIES] = "policy", [STORE_SEEN] = "starttls", [STORE_USERS] = "users",
		[STORE_SESSIONS] = "sessions"
	};
	MDB_txn *txn;
	int e = mdb_txn_begin(f->env, NULL, 0, &txn);

	if (e != 0)
		return e;
	for (int i = 0; e == 0 && i < STORE_TABLES; i++)
		e = mdb_dbi_open(txn, names[i], MDB_CREATE, &f->table[i]);
	if (e == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return e;
}

/* A file shorter than what its own meta page claims would kill us by SIGBUS later. */
static bool
truncated(struct store_file *f, const struct stat *before)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (mdb_env_info(f->env, &info) != 0 || mdb_env_stat(f->env, &stat) != 0)
		return true;
	return (uint64_t)before->st_size < ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

void
store_file_at_work(const struct store_file *f, bool busy)
{
	if (f->busy != NULL)
		atomic_store(f->busy, busy);
}

static int
open_it(struct store_file *f)
{
	struct stat before;
	bool old = stat(f->path, &before) == 0 && before.st_size > 0;
	int e = mdb_env_create(&f->env);

	if (e != 0)
		return e;
	for (f->map = MAP_MIN; old && f->map < MAP_MAX && f->map / 2 < (size_t)before.st_size;)
		f->map *= 2;
	mdb_env_set_maxdbs(f->env, STORE_TABLES);
	mdb_env_set_mapsize(f->env, f->map);
	e = mdb_env_open(f->env, f->path, MDB_NOSUBDIR, 0600);
	if (e == 0 && old && truncated(f, &before))
		e = MDB_CORRUPTED;
	if (e == 0)
		e = open_tables(f);
	if (e != 0) {
		mdb_env_close(f->env);
		f->env = NULL;
	}
	return e;
}

int
store_file_open(struct store_file *f)
{
	int e;

	store_file_at_work(f, true);
	e = open_it(f);
	store_file_at_work(f, false);
	return e;
}

void
store_file_close(struct store_file *f)
{
	if (f->env == NULL)
		return;
	store_file_at_work(f, true);
	mdb_env_close(f->env);
	store_file_at_work(f, false);
	f->env = NULL;
}

void
store_file_tend(struct store_file *f)
{
	int dead;

	store_file_at_work(f, true);
	mdb_reader_check(f->env, &dead);
	store_file_at_work(f, false);
}

bool
store_file_broken(int code)
{
	return code == MDB_INVALID || code == MDB_CORRUPTED || code == MDB_VERSION_MISMATCH ||
	    code == MDB_PAGE_NOTFOUND || code == MDB_PANIC || code == MDB_INCOMPATIBLE;
}

bool
store_file_grow(struct store_file *f)
{
	int dead;

	if (f->map >= MAP_MAX)
		return false;
	mdb_reader_check(f->env, &dead);
	f->map *= 2;
	return mdb_env_set_mapsize(f->env, f->map) == 0;
}

bool
store_file_set_aside(struct store_file *f)
{
	char to[sizeof(f->path) + 32], lock[sizeof(f->path) + 32];
	int fd;

	for (int i = 1; i <= SET_ASIDE_MAX; i++) {
		snprintf(to, sizeof(to), "%s.broken.%d", f->path, i);
		if (access(to, F_OK) != 0)
			break;
	}
	if (rename(f->path, to) != 0 && errno == ENOENT)
		return false;
	snprintf(lock, sizeof(lock), "%s-lock", f->path);
	unlink(lock);
	fd = open(f->marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return true;
}
