/* parent.h - the parent process: signals, reload, the service manager
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_PARENT_H
#define DAEMON_PARENT_H

#include "daemon/config.h"
#include "daemon/supervise.h"
#include "daemon/title.h"

struct parent_start {
	const char *file;		/* to load the configuration from anew */
	struct config *config;		/* taken over */
	const struct title *title;	/* may be NULL */
	const struct supervise_roles *roles;
	const struct supervise_limits *limits;
};

/* parent_main: as `user`, privileges dropped. Opens the listeners, starts the children, and
 * returns the exit status when all have ended: 0, or 1 where the start failed. SIGHUP reloads;
 * SIGTERM and SIGINT drain, a second one kills the workers, a third everybody. */
int parent_main(const struct parent_start *start);

#endif
