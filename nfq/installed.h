/* installed.h - the note of what was installed, so that its loss is noticed
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A file of root's beside the control socket's folder (/run/postern.rules for
 * /run/postern/control.sock), as short-lived as the kernel's rules. Present: the rules should be
 * loaded, and who watches restores them. `rules install` writes it before it loads, `rules remove`
 * takes it away before it unloads. */
#ifndef NFQ_INSTALLED_H
#define NFQ_INSTALLED_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"
#include "nfq/ruleset.h"

struct installed {
	struct ruleset rules;
	char *canonical;	/* as apply_canonical gave it */
};

enum installed_result { INSTALLED_YES, INSTALLED_NO, INSTALLED_BROKEN };

/* installed_path: of this configuration. */
void installed_path(const struct config *config, char *out, size_t size);

/* installed_read: only a file that root or, in tests, the reader owns and nobody else may write. */
enum installed_result installed_read(const char *path, struct installed *out, char *error,
    size_t error_size);
bool installed_write(const char *path, const struct installed *in, char *error, size_t error_size);
bool installed_remove(const char *path, char *error, size_t error_size);
void installed_free(struct installed *i);

/* installed_lock: one at a time installs, removes or restores; waits at most wait_ms. A descriptor
 * to be closed, or -1. */
int installed_lock(const char *path, unsigned wait_ms);

#endif
