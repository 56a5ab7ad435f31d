/* proven_sweep.h - takes proven sessions out of the store: those over, some of all when it is full
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For proven.c alone. */
#ifndef POLICY_PROVEN_SWEEP_H
#define POLICY_PROVEN_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/store.h"
#include "policy/world.h"

struct proven_sweep {
	const struct world *world;
	struct store *store;
	int64_t (*now)(void *arg);	/* seconds since the epoch, never back */
	void *arg;
	uint8_t from[STORE_SESSION_NAME];	/* the next portion begins here */
	struct world_timer timer;	/* its own */
};

/* proven_sweep_begin: after the fields before `from` were set. Goes on until proven_sweep_end. */
void proven_sweep_begin(struct proven_sweep *s);
void proven_sweep_end(struct proven_sweep *s);

/* proven_sweep_over: such a session is worth nothing at this time, or cannot be. */
bool proven_sweep_over(const struct store_session *session, int64_t now);

/* proven_sweep_room: makes room for n more, at most PROVEN_SWEEP_ROOM_MAX. False: there is none
 * yet. */
#define PROVEN_SWEEP_ROOM_MAX 512
bool proven_sweep_room(struct proven_sweep *s, size_t n);

#endif
