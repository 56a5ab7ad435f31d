/* privilege.h - giving up root and everything near it, for good
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* privilege_user: the ids of a user. False with the reason: unknown, or another name for root. */
bool privilege_user(const char *name, uid_t *uid, gid_t *gid, char *error, size_t error_size);

/* Capabilities that may remain, as a set. */
#define PRIVILEGE_NET_ADMIN 1u
#define PRIVILEGE_NET_RAW 2u

/* How those are held that do. */
enum privilege_use {
	PRIVILEGE_IDLE,		/* permitted alone, until raised for a moment */
	PRIVILEGE_USE,		/* effective */
	PRIVILEGE_BEQUEATH	/* and for the programs it runs: inheritable and ambient */
};

unsigned privilege_permitted(void);	/* of those above */

/* privilege_become: from root to uid and gid alone: no other groups, no capabilities but those of
 * `keep`, idle, in no set others (the bounding set too), no new privileges by exec, no core dumps,
 * not traceable; then tries to get root back and is content only when it cannot. Where we are that
 * user already, the same without the change of ids. False with the reason. */
bool privilege_become(uid_t uid, gid_t gid, unsigned keep, char *error, size_t error_size);

/* privilege_keep: gives up, for good, every capability but these. False with the reason. */
bool privilege_keep(unsigned which, enum privilege_use use, char *error, size_t error_size);

/* privilege_raise: makes these effective, and no others; 0 makes none. False with errno. */
bool privilege_raise(unsigned which);

/* privilege_verify: true when this process is no longer root and has nothing left to lose but
 * these, and just so. */
bool privilege_verify(unsigned which, enum privilege_use use, char *error, size_t error_size);

#endif
