/* copies.h - copies of packets that the rules log to a group of ours (NFLOG)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The packets themselves go their way at once, whatever becomes of this process. */
#ifndef NFQ_COPIES_H
#define NFQ_COPIES_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct copies_events {
	/* One packet from its IP header on, cut to `octets`. */
	void (*packet)(void *arg, const unsigned char *p, size_t len);
	/* The kernel had no room for copies; may be NULL. */
	void (*overrun)(void *arg);
	/* So many copies are missing before the next one; may be NULL. */
	void (*missing)(void *arg, uint32_t n);
};

struct copies_start {
	uint16_t group;
	uint32_t octets;		/* of each packet */
	uint32_t together;		/* copies that come in one datagram, where there are many */
	int priority;			/* libev's */
};

struct copies;

/* copies_open: takes the group; NULL with the reason. */
struct copies *copies_open(struct ev_loop *loop, const struct copies_start *start,
    const struct copies_events *events, void *arg, char *error, size_t error_size);
void copies_close(struct copies *c);	/* NULL is allowed */

/* copies_caught_up: takes what is there now; false when it is too much for one turn of the loop. */
bool copies_caught_up(struct copies *c);

#endif
