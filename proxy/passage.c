/* passage.c - two sockets joined in the kernel: a session after its verdict
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A way fills its pipe only when it is empty, so "again" has one meaning at each end: nothing to
 * read, or no room to write. Who has octets in the pipe waits for room alone and does not read:
 * that is the whole of back-pressure. Each socket has one watcher, for what both ways want of it.
 *
 * Time is moment_now(), once a turn in which something moved: it is no system call, and ev_now() is
 * the wall clock. */
#include "proxy/passage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/moment.h"
#include "proxy/leg.h"

/* For one way in one turn of the loop, so that a fast pair leaves time for the others. */
#define TURN_OCTETS (1024 * 1024)
/* What is sent and not acknowledged for so long never will be; the kernel asks after a silent peer
 * once in the same time, as its own two hours are far beyond PASSAGE_IDLE_S. */
#define SILENCE_S 600
#define MORE_OCTETS 16384	/* less has most likely emptied the socket; the loop says if not */
#define RETRY_S 1.0		/* without a descriptor for a pipe, or memory in the kernel */
#define URGENT_OCTETS 4096	/* PIPE_BUF: an empty pipe takes so many at once */
#define UNREAD_OCTETS (1 << 30)	/* dropped at the end: more than a socket holds */

static enum passage_side
other(enum passage_side side)
{
	return side == PASSAGE_CLIENT ? PASSAGE_SERVER : PASSAGE_CLIENT;
}

static int
reader(const struct passage *p, enum passage_side side)
{
	return p->way[side].io.fd;
}

static int
writer(const struct passage *p, enum passage_side side)
{
	return p->way[other(side)].io.fd;
}

static void
arm(struct passage *p, double in)
{
	ev_timer_stop(p->loop, &p->idle);
	ev_timer_set(&p->idle, in > 0 ? in : 0, 0);
	ev_timer_start(p->loop, &p->idle);
}

/* starve: this way rests until the timer has come. */
static void
starve(struct passage *p, struct passage_way *w)
{
	if (w->starved)
		return;
	w->starved = true;
	arm(p, RETRY_S);
}

/* fault: what errno says about one side's socket; the first one is the reason. */
static void
fault(struct passage *p, enum passage_side side, struct passage_way *w)
{
	if (errno == EAGAIN || errno == EINTR)
		return;
	if (errno == ENOMEM || errno == ENOBUFS) {
		starve(p, w);
	} else if (p->why == NULL) {
		p->why = leg_error_text(errno);
		p->ended_by = side;
	}
}

/* copy_urgent: splice stops before an octet that was sent as urgent (RFC 6093), for ever, while the
 * socket is readable: a peer could make the loop spin. Such octets take the way through user space;
 * SO_OOBINLINE leaves them in their place. */
static ssize_t
copy_urgent(struct passage *p, struct passage_way *w)
{
	char octets[URGENT_OCTETS];
	ssize_t n = recv(w->io.fd, octets, sizeof(octets), MSG_DONTWAIT);

	if (n > 0 && write(w->pipe.in, octets, (size_t)n) != n) {
		pipes_give(p->pipes, &w->pipe, false);
		errno = EIO;
		return -1;
	}
	return n;
}

/* fill: from the socket into the empty pipe. `woken`: the loop has said that there is something. */
static bool
fill(struct passage *p, enum passage_side side, bool woken)
{
	struct passage_way *w = &p->way[side];

	if (w->ended)
		return false;
	if (w->pipe.in < 0 && !pipes_take(p->pipes, &w->pipe)) {
		starve(p, w);
		return false;
	}
	ssize_t n = splice(reader(p, side), NULL, w->pipe.in, NULL, PIPE_OCTETS,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n < 0 && errno == EAGAIN && woken)
		n = copy_urgent(p, w);
	if (n > 0)
		w->held = (uint32_t)n;
	else if (n == 0)
		w->ended = true;
	else
		fault(p, side, w);
	return n > 0;
}

/* drain: from the pipe into the other socket; true when the pipe is empty. */
static bool
drain(struct passage *p, enum passage_side side)
{
	struct passage_way *w = &p->way[side];
	ssize_t n = splice(w->pipe.out, NULL, writer(p, side), NULL, w->held,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n < 0) {
		fault(p, other(side), w);
		return false;
	}
	w->held -= (uint32_t)n;
	w->octets += (uint64_t)n;
	return w->held == 0;
}

/* move: all that can be moved one way now, within the turn's bound. */
static void
move(struct passage *p, enum passage_side side, bool woken)
{
	struct passage_way *w = &p->way[side];
	const uint64_t most = w->octets + TURN_OCTETS;

	bool more = true;

	while (more && w->octets < most) {
		if (w->held == 0) {
			if (!fill(p, side, woken))
				break;
			woken = false;
			more = w->held >= MORE_OCTETS;
		}
		if (!drain(p, side))
			break;
	}
	if (w->held == 0)
		pipes_give(p->pipes, &w->pipe, true);
}

/* tell_end: what one side has said last is with the other, as an end is seen only with an empty
 * pipe; now its end too. */
static void
tell_end(struct passage *p, enum passage_side side)
{
	struct passage_way *w = &p->way[side];

	if (!w->ended || w->shut)
		return;
	w->shut = true;
	/* Who ended first and is gone by now misses nothing but this: TLS says goodbye to clients
	 * that have closed already, which a reset answers. */
	if (shutdown(writer(p, side), SHUT_WR) != 0 &&
	    !(errno == ENOTCONN && p->way[other(side)].shut))
		fault(p, other(side), w);
	if (p->why != NULL)
		return;
	if (p->way[other(side)].shut)
		p->why = "closed";
	else
		p->ended_by = side;
}

static uint64_t
moved(const struct passage *p)
{
	return p->way[PASSAGE_CLIENT].octets + p->way[PASSAGE_SERVER].octets;
}

static void
stop(struct passage *p)
{
	ev_io_stop(p->loop, &p->way[PASSAGE_CLIENT].io);
	ev_io_stop(p->loop, &p->way[PASSAGE_SERVER].io);
	ev_timer_stop(p->loop, &p->idle);
}

/* watch: what both ways want of one socket. Wanting nothing of one that has failed is no spinning:
 * libev takes it out of its set at the first event. */
static void
watch(struct passage *p, enum passage_side side)
{
	struct passage_way *from = &p->way[side];
	const struct passage_way *to = &p->way[other(side)];
	int want = 0;

	if (!from->ended && from->held == 0 && !from->starved)
		want |= EV_READ;
	if (to->held > 0 && !to->starved)
		want |= EV_WRITE;
	if (want == (ev_is_active(&from->io) ? from->io.events : 0))
		return;
	ev_io_stop(p->loop, &from->io);
	if (want == 0)
		return;
	ev_io_modify(&from->io, want);
	ev_io_start(p->loop, &from->io);
}

/* settle: the end of a turn. The passage may be gone after it. */
static void
settle(struct passage *p, uint64_t before)
{
	if (moved(p) != before)
		p->moved = moment_now();
	tell_end(p, PASSAGE_CLIENT);
	tell_end(p, PASSAGE_SERVER);
	if (p->why == NULL) {
		watch(p, PASSAGE_CLIENT);
		watch(p, PASSAGE_SERVER);
		return;
	}
	/* Whoever cannot be written to any more may have said why before. */
	move(p, p->ended_by, false);
	stop(p);
	p->over(p);
}

/* move_writable: a socket that claims room and takes nothing would be asked for ever; the kernel is
 * out of memory for sockets then (tcp_mem), and time is what helps. */
static void
move_writable(struct passage *p, enum passage_side side)
{
	struct passage_way *w = &p->way[side];
	uint64_t before = w->octets;

	move(p, side, false);
	if (w->held > 0 && w->octets == before)
		starve(p, w);
}

static void
ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct passage *p = io->data;
	enum passage_side side = io == &p->way[PASSAGE_CLIENT].io ? PASSAGE_CLIENT :
	    PASSAGE_SERVER;
	uint64_t before = moved(p);

	(void)loop;
	if (events & EV_WRITE)
		move_writable(p, other(side));
	if (events & EV_READ)
		move(p, side, true);
	settle(p, before);
}

/* passed: a second without a pipe is over, or the time in which an octet had to come. When one did
 * come the timer waits for the rest: nothing else ever sets it anew. */
static void
passed(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct passage *p = timer->data;
	uint64_t before = moved(p);

	(void)loop;
	(void)events;
	for (enum passage_side side = PASSAGE_CLIENT; side <= PASSAGE_SERVER; side++) {
		if (!p->way[side].starved)
			continue;
		p->way[side].starved = false;
		move(p, side, true);
	}
	if (moved(p) == before && p->why == NULL && passage_idle(p) >= p->idle_s) {
		p->why = "timed out";
		p->timed_out = true;
	} else if (!ev_is_active(timer)) {
		arm(p, p->idle_s - passage_idle(p));
	}
	settle(p, before);
}

/* prepare_socket: an answer that waits for a whole record (SO_RCVLOWAT) is over. Sockets that are
 * not TCP's refuse some of it. */
static void
prepare_socket(int fd)
{
	static const struct {
		int level, option, value;
	} set[] = {
		{ SOL_SOCKET, SO_RCVLOWAT, 1 }, { SOL_SOCKET, SO_OOBINLINE, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 }, { IPPROTO_TCP, TCP_KEEPIDLE, SILENCE_S },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_S * 1000 },
	};

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		(void)setsockopt(fd, set[i].level, set[i].option, &set[i].value, sizeof(int));
}

void
passage_open(struct passage *p, struct ev_loop *loop, struct pipes *pipes, int client,
    int server, void (*over)(struct passage *p), void *arg)
{
	const int fd[] = { [PASSAGE_CLIENT] = client, [PASSAGE_SERVER] = server };

	*p = (struct passage){ .loop = loop, .pipes = pipes, .over = over, .arg = arg,
		.moved = moment_now(), .idle_s = PASSAGE_IDLE_S };
	for (enum passage_side side = PASSAGE_CLIENT; side <= PASSAGE_SERVER; side++) {
		struct passage_way *w = &p->way[side];

		prepare_socket(fd[side]);
		w->pipe = (struct pipe_ends){ .in = -1, .out = -1 };
		ev_io_init(&w->io, ready, fd[side], EV_READ);
		w->io.data = p;
		ev_io_start(loop, &w->io);
	}
	ev_init(&p->idle, passed);
	p->idle.data = p;
	arm(p, p->idle_s);
}

void
passage_close(struct passage *p)
{
	stop(p);
	for (enum passage_side side = PASSAGE_CLIENT; side <= PASSAGE_SERVER; side++) {
		struct passage_way *w = &p->way[side];

		pipes_give(p->pipes, &w->pipe, w->held == 0);
		w->held = 0;
		if (w->io.fd < 0)
			continue;
		/* Unread octets would turn the close into a reset that overtakes what was said. */
		recv(w->io.fd, NULL, UNREAD_OCTETS, MSG_TRUNC | MSG_DONTWAIT);
		close(w->io.fd);
		ev_io_set(&w->io, -1, 0);
	}
}

void
passage_hurry(struct passage *p, double idle_s)
{
	p->idle_s = idle_s;
	if (!p->way[PASSAGE_CLIENT].starved && !p->way[PASSAGE_SERVER].starved)
		arm(p, idle_s - passage_idle(p));
}

double
passage_idle(const struct passage *p)
{
	return moment_now() - p->moved;
}
