/* policyd.h - the policy process: engine, log and control socket on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_POLICYD_H
#define DAEMON_POLICYD_H

#include <stdbool.h>

#include "daemon/config.h"
#include "record/counters.h"

struct policyd_start {
	const struct config *config;
	struct counters *counters;
	int parent;		/* this process's end of the parent's channel */
	bool fresh_store;	/* two crashed at work on the store: set it aside */
};

/* policyd_main: runs until drained or the parent is gone; the process's exit status. Channels to
 * workers arrive by child_events.worker_end. Called as `user`, privileges already dropped. */
int policyd_main(const struct policyd_start *start);

#endif
