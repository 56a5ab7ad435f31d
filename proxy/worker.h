/* worker.h - one proxy worker: accepts, and runs its sessions on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "daemon/config.h"
#include "record/counters.h"

struct worker_start {
	const struct config *config;
	struct counters *counters;
	int column;		/* of the counters, claimed for this worker */
	unsigned slot;
	int listener;		/* non-blocking, listening, shared with the slot's other workers */
	int parent;		/* channel to the parent */
	int policy;		/* channel to the policy process, -1 until the parent passes one */
};

/* worker_main: runs until drained or the parent is gone; the process's exit status. Called as
 * `user`, privileges already dropped; refuses to run as root. */
int worker_main(const struct worker_start *start);

#endif
