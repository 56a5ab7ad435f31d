/* passage_world.h - a passage between two sockets whose other ends the test holds
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_PASSAGE_WORLD_H
#define TESTS_PASSAGE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxy/passage.h"

struct world {
	struct ev_loop *loop;
	struct pipes pipes;
	struct passage passage;
	int peer[2];		/* by side; the test's ends, they block */
	int door;
	unsigned over;
	bool closed;		/* the passage */
	ev_timer guard;
};

/* world_tcp: ours, which does not block, and the test's. */
static inline void
world_tcp(int door, int *ours, int *theirs)
{
	struct sockaddr_in there;
	socklen_t len = sizeof(there);

	assert_int_equal(getsockname(door, (struct sockaddr *)&there, &len), 0);
	*theirs = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*theirs, (struct sockaddr *)&there, len), 0);
	*ours = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(*ours >= 0);
	assert_int_equal(setsockopt(*theirs, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
	    sizeof(int)), 0);
}

static inline void
world_unix(int *ours, int *theirs)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	*ours = fd[0];
	*theirs = fd[1];
}

static inline void
world_is_over(struct passage *p)
{
	struct world *w = p->arg;

	w->over++;
	passage_close(p);
	w->closed = true;
	ev_break(w->loop, EVBREAK_ALL);
}

static inline void
world_open(struct world *w, bool tcp)
{
	int ours[2];

	for (int side = 0; side < 2; side++) {
		if (tcp)
			world_tcp(w->door, &ours[side], &w->peer[side]);
		else
			world_unix(&ours[side], &w->peer[side]);
	}
	w->over = 0;
	w->closed = false;
	passage_open(&w->passage, w->loop, &w->pipes, ours[0], ours[1], world_is_over, w);
}

static inline void
world_hang_up(struct world *w, enum passage_side side)
{
	if (w->peer[side] >= 0)
		close(w->peer[side]);
	w->peer[side] = -1;
}

static inline void
world_close(struct world *w)
{
	if (!w->closed)
		passage_close(&w->passage);
	w->closed = true;
	world_hang_up(w, PASSAGE_CLIENT);
	world_hang_up(w, PASSAGE_SERVER);
}

static inline void
world_time_is_up(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer, (void)events;
	ev_break(loop, EVBREAK_ALL);
}

static inline unsigned
world_turn(struct world *w, double seconds, int flags)
{
	unsigned before = ev_iteration(w->loop);

	if (w->over > 0)
		return 0;
	ev_now_update(w->loop);
	ev_timer_init(&w->guard, world_time_is_up, seconds, 0);
	ev_timer_start(w->loop, &w->guard);
	ev_run(w->loop, flags);
	ev_timer_stop(w->loop, &w->guard);
	return ev_iteration(w->loop) - before;
}

/* world_run: so many seconds, or until the passage is over; how often the loop turned. */
static inline unsigned
world_run(struct world *w, double seconds)
{
	return world_turn(w, seconds, 0);
}

/* world_wait: for one turn, which comes within ten milliseconds. */
static inline void
world_wait(struct world *w)
{
	world_turn(w, 0.01, EVRUN_ONCE);
}

static inline void
world_say(struct world *w, enum passage_side side, const char *text)
{
	assert_int_equal(send(w->peer[side], text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* world_hears: exactly these octets come within ten seconds. */
static inline void
world_hears(struct world *w, enum passage_side side, const char *text)
{
	char got[256];
	size_t len = strlen(text), have = 0;

	assert_true(len <= sizeof(got));
	for (int i = 0; i < 1000 && have < len; i++) {
		ssize_t n = recv(w->peer[side], got + have, len - have, MSG_DONTWAIT);
		if (n > 0)
			have += (size_t)n;
		else if (n == 0)
			break;
		else
			world_wait(w);
	}
	assert_int_equal(have, len);
	assert_memory_equal(got, text, len);
}

/* world_hears_end: and nothing before it. */
static inline void
world_hears_end(struct world *w, enum passage_side side)
{
	char c;
	ssize_t n = -1;

	for (int i = 0; i < 1000 && n < 0; i++) {
		n = recv(w->peer[side], &c, 1, MSG_DONTWAIT);
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			world_wait(w);
		}
	}
	assert_int_equal(n, 0);
}

/* world_reset: closes with a reset instead of an end. */
static inline void
world_reset(struct world *w, enum passage_side side)
{
	const struct linger none = { .l_onoff = 1 };

	assert_int_equal(setsockopt(w->peer[side], SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0);
	world_hang_up(w, side);
}

static inline size_t
world_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static inline int
world_setup(void **state)
{
	static struct world w;
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };

	signal(SIGPIPE, SIG_IGN);
	memset(&w, 0, sizeof(w));
	w.loop = ev_loop_new(0);
	pipes_init(&w.pipes);
	w.door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*state = &w;
	return w.loop == NULL || bind(w.door, (struct sockaddr *)&any, sizeof(any)) != 0 ||
	    listen(w.door, 128) != 0;
}

static inline int
world_teardown(void **state)
{
	struct world *w = *state;

	pipes_close(&w->pipes);
	close(w->door);
	ev_loop_destroy(w->loop);
	return 0;
}

#endif
