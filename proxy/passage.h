/* passage.h - two sockets joined in the kernel: a session after its verdict
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Octets move by splice and never enter user space; half-close is kept, back-pressure is the
 * kernel's. An idle passage owns two sockets and this struct, and nothing wakes it but data, its
 * peers' end, and once in PASSAGE_IDLE_S the question whether it is still used. */
#ifndef PROXY_PASSAGE_H
#define PROXY_PASSAGE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "proxy/pipes.h"

/* Seconds without an octet either way: three times what RFC 5321 4.5.3.2 lets the slowest reply
 * take. */
#define PASSAGE_IDLE_S 1800

struct passage;

/* One of the two directions. */
struct passage_way {
	ev_io io;		/* of the socket that is read; both ways' wishes of it */
	struct pipe_ends pipe;	/* lent while it holds something */
	uint32_t held;		/* octets in it */
	bool ended, shut;	/* its reader saw the end; its writer was told */
	bool starved;		/* no pipe, or no memory: rests for a second */
	uint64_t octets;	/* moved so far */
};

enum passage_side { PASSAGE_CLIENT, PASSAGE_SERVER };

struct passage {
	struct ev_loop *loop;
	struct pipes *pipes;
	struct passage_way way[2];	/* by the side that is read */
	ev_timer idle;
	double moved;			/* moment_now() of the last octet */
	double idle_s;			/* without one: over */
	const char *why;		/* static: what ended it ("closed": both ends, in order) */
	enum passage_side ended_by;	/* who ended first, or whose connection broke */
	bool timed_out;
	/* Called once, from the loop, when all is over; the owner then calls passage_close. */
	void (*over)(struct passage *p);
	void *arg;
};

/* passage_open: takes over both non-blocking sockets. Octets that were read before must have been
 * written before. SIGPIPE must be ignored. */
void passage_open(struct passage *p, struct ev_loop *loop, struct pipes *pipes, int client,
    int server, void (*over)(struct passage *p), void *arg);

/* passage_close: closes both sockets; may be called at any time, also from `over`. */
void passage_close(struct passage *p);

/* passage_hurry: from now on so many seconds without an octet end it; those that have passed count.
 * `over` is called from the loop. Not after `over`. */
void passage_hurry(struct passage *p, double idle_s);

/* passage_idle: seconds since the last octet. */
double passage_idle(const struct passage *p);

#endif
