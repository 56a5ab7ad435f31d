/* reload.h - a new configuration for a running daemon
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/config.h"
#include "daemon/listener.h"

/* reload_prepare: reads the file and makes ready what the new configuration needs, as far as that
 * goes without root; what needs a restart keeps its old value, and that is said. On success
 * *fresh holds listeners of its own where the address is another (fresh->len > 0), else `running`
 * has been extended if more workers are wanted, and made transparent or not. NULL, with every
 * reason on stderr, when the old configuration must stay; nothing has changed then. */
struct config *reload_prepare(const char *file, const struct config *old,
    struct listeners *running, struct listeners *fresh);

#endif
