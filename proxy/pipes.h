/* pipes.h - the pipes that splice needs, lent while they hold something
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two descriptors each: an idle passage must not own any. */
#ifndef PROXY_PIPES_H
#define PROXY_PIPES_H

#include <stdbool.h>
#include <stddef.h>

#define PIPES_KEPT 16		/* empty ones that wait for the next use */
#define PIPE_OCTETS (256 * 1024)	/* asked for; what the kernel gives may be less */

struct pipe_ends {
	int in, out;		/* octets go in at one and come out at the other; -1: none */
	size_t size;
};

struct pipes {
	struct pipe_ends kept[PIPES_KEPT];
	size_t len;
};

void pipes_init(struct pipes *p);
void pipes_close(struct pipes *p);

/* pipes_take: false when there is no descriptor. */
bool pipes_take(struct pipes *p, struct pipe_ends *out);
/* pipes_give: `empty`: may be lent again, else it is closed. Sets both ends to -1; an absent pipe
 * is allowed. */
void pipes_give(struct pipes *p, struct pipe_ends *pipe, bool empty);

#endif
