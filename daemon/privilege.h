/* privilege.h - giving up root and everything near it, for good
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* privilege_user: the ids of a user. False with the reason: unknown, or another name for root. */
bool privilege_user(const char *name, uid_t *uid, gid_t *gid, char *error, size_t error_size);

/* privilege_become: from root to uid and gid alone: no other groups, no capabilities in any set,
 * no new privileges by exec, no core dumps, not traceable; then tries to get root back and is
 * content only when it cannot. Where we are that user already, the same without the change of
 * ids. False with the reason. */
bool privilege_become(uid_t uid, gid_t gid, char *error, size_t error_size);

/* privilege_verify: true when this process is no longer root and has nothing left to lose. */
bool privilege_verify(char *error, size_t error_size);

#endif
