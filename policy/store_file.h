/* store_file.h - the store's file: opened, set aside when it is broken
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For store_*.c alone. Numbers returned are LMDB's or errno's, 0 for success. */
#ifndef POLICY_STORE_FILE_H
#define POLICY_STORE_FILE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/store.h"

enum store_table { STORE_POLICIES, STORE_SEEN, STORE_USERS, STORE_SESSIONS, STORE_TABLES };

struct store_file {
	MDB_env *env;			/* NULL: not open */
	MDB_dbi table[STORE_TABLES];
	size_t map;
	_Atomic uint32_t *busy;		/* as in struct store_events; NULL is allowed */
	char path[4096], marker[4096];	/* the marker is there while the store is degraded */
	unsigned char key[STORE_KEY_MAX], value[STORE_VALUE_MAX];	/* what was read last */
};

/* store_file_name: false when the name is too long. Makes state_dir where it is missing. */
bool store_file_name(struct store_file *f, const char *state_dir);

int store_file_open(struct store_file *f);
void store_file_close(struct store_file *f);
void store_file_tend(struct store_file *f);	/* clears what dead readers left */
/* store_file_at_work: around all that touches the file's pages. */
void store_file_at_work(const struct store_file *f, bool busy);
bool store_file_broken(int code);	/* what store_file_open returned is about the contents */

/* store_file_grow: twice the map; false at the limit. */
bool store_file_grow(struct store_file *f);

/* store_file_set_aside: renames a closed file to store.mdb.broken.N and leaves the marker; false
 * when there is no file. */
bool store_file_set_aside(struct store_file *f);

#endif
