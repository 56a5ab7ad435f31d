/* unwritten.h - what waits to be written to the store: in batches, a second later
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The store only follows what its owner has in memory: what was not written yet is lost with the
 * process. First come, first written; where the store refuses, all wait and it is asked again. */
#ifndef POLICY_UNWRITTEN_H
#define POLICY_UNWRITTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/world.h"

/* Embedded in what is to be written; zeroed before its first use. */
struct unwritten {
	struct unwritten *prev, *next;
	bool waits;
};

struct unwritten_queue {
	const struct world *world;
	/* Writes as many as one commit takes, from `first` on; says how many, 0 when the store
	 * refused. Must not change the queue. */
	size_t (*write)(void *arg, struct unwritten *first);
	/* One of them is on disk and waits no more: it may be freed. */
	void (*written)(void *arg, struct unwritten *u);
	void *arg;
	struct unwritten *first;
	struct world_timer timer;	/* the queue's own */
};

/* unwritten_begin: after the fields before `first` were set. */
void unwritten_begin(struct unwritten_queue *q);
void unwritten_add(struct unwritten_queue *q, struct unwritten *u);	/* no effect if it waits */
void unwritten_remove(struct unwritten_queue *q, struct unwritten *u);	/* or if it does not */

/* unwritten_end: writes what it can; what could not be written still stands in the queue. */
void unwritten_end(struct unwritten_queue *q);

#endif
