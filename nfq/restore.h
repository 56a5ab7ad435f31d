/* restore.h - rules that were changed or taken away are put back
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compares what is loaded with the note of what was installed (nfq/installed.h). Who calls keeps
 * the time: each call says in how many seconds restore_look is due; negative: when something
 * changes. */
#ifndef NFQ_RESTORE_H
#define NFQ_RESTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "nfq/installed.h"
#include "nfq/watch.h"

#define RESTORE_GATHER_S 0.005	/* a program that makes several changes has mostly made them */
#define RESTORE_SPACING_S 0.25	/* who fights with us costs no more than four looks a second */
#define RESTORE_BACKOFF_S 1.0	/* after a failure, doubling */
#define RESTORE_BACKOFF_MAX_S 60.0
#define RESTORE_POLL_S 30.0	/* the old iptables gives no notices */

/* What it does to the machine; restore_world is the real one. */
struct restore_world {
	enum installed_result (*note)(const char *path, struct installed *out, char *error,
	    size_t error_size);
	int (*lock)(const char *path, unsigned wait_ms);
	char *(*loaded)(int netns, char *error, size_t error_size);
	bool (*install)(const struct ruleset *r, char *error, size_t error_size);
	bool (*remove)(bool *found, char *error, size_t error_size);
	bool (*legacy)(void);	/* iptables is the old one */
};
extern const struct restore_world restore_world;

struct restore_events {
	void (*restored)(void *arg, const char *detail);
	void (*failed)(void *arg, const char *detail);
	/* All notices so far are about what was done here. */
	void (*settled)(void *arg);
};

struct restore;

/* restore_new: path is kept by reference; in memory that a fork shares. NULL when there is none. */
struct restore *restore_new(const struct restore_world *world, const char *path,
    const struct restore_events *events, void *arg);
void restore_free(struct restore *r);	/* NULL is allowed */

double restore_changed(struct restore *r, const struct watch_change *by, double now_s);

/* restore_look: takes some tens of milliseconds, in which programs run; seconds, where others have
 * tens of thousands of rules (nfq/errand.h). */
double restore_look(struct restore *r, double now_s);

#endif
