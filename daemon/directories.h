/* directories.h - the folders of state-dir, log.file and control
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_DIRECTORIES_H
#define DAEMON_DIRECTORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/config.h"

/* directories_make: makes those that are missing and gives the last of each path to uid and gid
 * (when called as root; folders on the way stay root's). Existing ones are left as they are.
 * False with the reason. */
bool directories_make(const struct config *config, uid_t uid, gid_t gid, char *error,
    size_t error_size);

/* directories_check: as `user`: can files be made in each of them? False with the reason. */
bool directories_check(const struct config *config, char *error, size_t error_size);

#endif
