/* pipes.c - the pipes that splice needs, lent while they hold something
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one given back last is lent first: the kernel's side of it is still in the processor's
 * cache. */
#include "proxy/pipes.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

void
pipes_init(struct pipes *p)
{
	p->len = 0;
}

static void
pipe_close(const struct pipe_ends *pipe)
{
	close(pipe->in);
	close(pipe->out);
}

void
pipes_close(struct pipes *p)
{
	while (p->len > 0)
		pipe_close(&p->kept[--p->len]);
}

/* grow: the kernel gives a user less when all his pipes together are many (pipe(7),
 * pipe-user-pages-soft), and more again later. */
static void
grow(struct pipe_ends *pipe)
{
	int size;

	if (pipe->size >= PIPE_OCTETS)
		return;
	size = fcntl(pipe->in, F_SETPIPE_SZ, PIPE_OCTETS);
	if (size < 0)
		size = fcntl(pipe->in, F_GETPIPE_SZ);
	pipe->size = size > 0 ? (size_t)size : 0;
}

bool
pipes_take(struct pipes *p, struct pipe_ends *out)
{
	int fd[2];

	if (p->len > 0) {
		*out = p->kept[--p->len];
	} else {
		if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) != 0)
			return false;
		*out = (struct pipe_ends){ .in = fd[1], .out = fd[0] };
	}
	grow(out);
	return true;
}

void
pipes_give(struct pipes *p, struct pipe_ends *pipe, bool empty)
{
	assert((pipe->in < 0) == (pipe->out < 0));
	if (pipe->in < 0)
		return;
	if (empty && p->len < PIPES_KEPT)
		p->kept[p->len++] = *pipe;
	else
		pipe_close(pipe);
	pipe->in = pipe->out = -1;
}
