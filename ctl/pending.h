/* pending.h - an installation that is undone unless somebody confirms it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process of its own waits, out of reach of whoever started it, and undoes; a file beside the
 * note of what is installed says which one counts. Everything here is done under installed_lock. */
#ifndef CTL_PENDING_H
#define CTL_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "nfq/installed.h"

/* What there was before: had is false where that was nothing. */
struct former {
	bool had;
	struct installed installed;
};

/* pending_former: whether an installation waits to be confirmed now; then *out is what comes back
 * if it is not. note: installed_path's. */
bool pending_former(const char *note, struct former *out);

struct pending {
	pid_t pid;			/* who waits */
	unsigned long long born;	/* its start, by which it is told from a later one */
	unsigned long long until_ms;	/* CLOCK_BOOTTIME */
};

/* pending_begin: from now on somebody waits, for so long; whoever waited before does not any more.
 * False with the reason. */
bool pending_begin(const char *note, unsigned long seconds, const struct former *former,
    struct pending *out, char *error, size_t error_size);

/* pending_restart: the time begins anew. */
bool pending_restart(const char *note, unsigned long seconds, struct pending *p);

/* pending_waits: that one still does; needs no lock. *left_ms: for how long, 0 when the time is
 * over; p learns of a restart. */
bool pending_waits(const char *note, struct pending *p, unsigned long long *left_ms);

/* pending_abandoned: that one has ended, and neither were the rules confirmed nor could they be
 * undone. */
bool pending_abandoned(const char *note, const struct pending *p);

/* pending_end: nothing waits any more; what is there stays. */
void pending_end(const char *note);

/* pending_undo: note and rules become what they were. False with the reason. */
bool pending_undo(const char *note, const struct former *former, char *error, size_t error_size);

#endif
