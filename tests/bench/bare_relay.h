/* bare_relay.h - the least that relays by splice: what a passage is compared with
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * epoll, two pipes for each pair of sockets for as long as it lives, one chunk at each event; no
 * clocks, no idle sessions' care, errors end the pair. */
#ifndef TESTS_BARE_RELAY_H
#define TESTS_BARE_RELAY_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BARE_EVENTS 64

struct bare_pair;

struct bare_end {
	struct bare_pair *pair;
	int fd;
	uint32_t watched;
	int pipe[2];		/* what was read here */
	size_t held;
	bool ended, shut;
};

struct bare_pair {
	struct bare_end end[2];
	bool over;
};

struct bare {
	int epoll;
	size_t pipe_size, open;
	uint64_t octets;
};

static inline void
bare_need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static inline void
bare_open(struct bare *b, struct bare_pair *pair, int one, int two)
{
	const int fd[] = { one, two };

	*pair = (struct bare_pair){ 0 };
	for (int i = 0; i < 2; i++) {
		struct bare_end *e = &pair->end[i];
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = e };

		e->pair = pair;
		e->fd = fd[i];
		e->watched = EPOLLIN;
		bare_need(pipe2(e->pipe, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
		bare_need(fcntl(e->pipe[1], F_SETPIPE_SZ, (int)b->pipe_size) > 0, "F_SETPIPE_SZ");
		bare_need(epoll_ctl(b->epoll, EPOLL_CTL_ADD, e->fd, &event) == 0, "epoll_ctl");
	}
	b->open++;
}

static inline void
bare_over(struct bare *b, struct bare_pair *pair)
{
	pair->over = true;
	b->open--;
	for (int i = 0; i < 2; i++) {
		close(pair->end[i].fd);
		close(pair->end[i].pipe[0]);
		close(pair->end[i].pipe[1]);
	}
}

/* bare_move: one chunk in, what there is out; false: broken. */
static inline bool
bare_move(struct bare *b, struct bare_end *from, struct bare_end *to)
{
	ssize_t n;

	if (from->held == 0 && !from->ended) {
		n = splice(from->fd, NULL, from->pipe[1], NULL, b->pipe_size,
		    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n < 0)
			return errno == EAGAIN;
		from->ended = n == 0;
		from->held = (size_t)n;
	}
	if (from->held > 0) {
		n = splice(from->pipe[0], NULL, to->fd, NULL, from->held,
		    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n < 0)
			return errno == EAGAIN;
		from->held -= (size_t)n;
		b->octets += (uint64_t)n;
	}
	if (from->ended && from->held == 0 && !from->shut) {
		from->shut = true;
		shutdown(to->fd, SHUT_WR);
	}
	return true;
}

static inline void
bare_watch(struct bare *b, struct bare_end *e, const struct bare_end *other)
{
	uint32_t want = (!e->ended && e->held == 0 ? EPOLLIN : 0u) |
	    (other->held > 0 ? EPOLLOUT : 0u);
	struct epoll_event event = { .events = want, .data.ptr = e };

	if (want == e->watched)
		return;
	e->watched = want;
	bare_need(epoll_ctl(b->epoll, EPOLL_CTL_MOD, e->fd, &event) == 0, "epoll_ctl");
}

static inline void
bare_ready(struct bare *b, struct bare_end *e, uint32_t events)
{
	struct bare_pair *pair = e->pair;
	struct bare_end *other = e == &pair->end[0] ? &pair->end[1] : &pair->end[0];
	bool good = true;

	if (pair->over)
		return;
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP) && other->held > 0)
		good = bare_move(b, other, e);
	if (good && events & (EPOLLIN | EPOLLERR | EPOLLHUP) && e->held == 0)
		good = bare_move(b, e, other);
	if (!good || (e->shut && other->shut)) {
		bare_over(b, pair);
		return;
	}
	bare_watch(b, e, other);
	bare_watch(b, other, e);
}

/* bare_run: until no pair is open. */
static inline void
bare_run(struct bare *b)
{
	struct epoll_event events[BARE_EVENTS];

	while (b->open > 0) {
		int n = epoll_wait(b->epoll, events, BARE_EVENTS, -1);
		for (int i = 0; i < n; i++)
			bare_ready(b, events[i].data.ptr, events[i].events);
	}
}

#endif
