/* channel.c - one end of a SEQPACKET socket pair on the event loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A peer that ends with something unread makes the first receive fail with ECONNRESET although
 * its own last messages are still there (unix(7) of Linux 6); reading goes on until the kernel
 * says end. */
#include "daemon/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/wire.h"

#define READ_BURST 32	/* messages a turn: others on the loop get theirs */

struct waiting {
	struct waiting *next;
	size_t len;
	int fd;
	unsigned char bytes[];
};

struct channel {
	struct ev_loop *loop;
	int fd;
	const struct channel_events *events;
	void *arg;
	ev_io readable, writable;
	struct waiting *first, **last;
	size_t waiting;
	bool broken;	/* nothing can be sent any more */
	bool ended;	/* `closed` has been called */
};

int
channel_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

static void
drop_waiting(struct channel *c)
{
	struct waiting *w;

	while ((w = c->first) != NULL) {
		c->first = w->next;
		if (w->fd >= 0)
			close(w->fd);
		free(w);
	}
	c->last = &c->first;
	c->waiting = 0;
}

/* The first descriptor of a message; any further one is nobody's and is closed. */
static int
take_descriptor(struct msghdr *message)
{
	struct cmsghdr *part;
	int fd = -1, one;
	size_t i, n;

	for (part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&one, CMSG_DATA(part) + i * sizeof(int), sizeof(one));
			if (fd < 0)
				fd = one;
			else
				close(one);
		}
	}
	return fd;
}

static void
end(struct channel *c)
{
	ev_io_stop(c->loop, &c->readable);
	ev_io_stop(c->loop, &c->writable);
	drop_waiting(c);
	c->broken = true;
	if (c->ended)
		return;
	c->ended = true;
	c->events->closed(c->arg);
}

/* False when there is nothing more to read now. */
static bool
read_one(struct channel *c)
{
	unsigned char bytes[WIRE_MESSAGE_MAX], control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fd;

	if (n < 0) {
		if (errno == EINTR || errno == ECONNRESET)
			return true;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			end(c);
		return false;
	}
	fd = take_descriptor(&message);
	if (n == 0 || (message.msg_flags & MSG_TRUNC) != 0) {
		if (fd >= 0)
			close(fd);
		end(c);
		return false;
	}
	c->events->message(c->arg, bytes, (size_t)n, fd);
	return true;
}

static void
on_readable(struct ev_loop *loop, ev_io *watcher, int what)
{
	struct channel *c = watcher->data;
	int i;

	(void)loop;
	(void)what;
	for (i = 0; i < READ_BURST && read_one(c); i++)
		;
}

/* 1: sent; 0: the kernel has no room; -1: it will never be. */
static int
send_now(struct channel *c, const void *p, size_t len, int fd)
{
	unsigned char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)p, .iov_len = len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *rights;
	ssize_t n;

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	}
	do
		n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -1;
}

static void
on_writable(struct ev_loop *loop, ev_io *watcher, int what)
{
	struct channel *c = watcher->data;
	struct waiting *w;
	int sent = 1;

	(void)what;
	while ((w = c->first) != NULL && (sent = send_now(c, w->bytes, w->len, w->fd)) > 0) {
		c->first = w->next;
		if (c->first == NULL)
			c->last = &c->first;
		c->waiting -= w->len;
		if (w->fd >= 0)
			close(w->fd);
		free(w);
	}
	if (sent < 0) {
		c->broken = true;	/* the reading side learns of the end */
		drop_waiting(c);
	}
	if (c->first != NULL)
		return;
	ev_io_stop(loop, &c->writable);
	if (!c->broken && c->events->drained != NULL)
		c->events->drained(c->arg);
}

struct channel *
channel_new(struct ev_loop *loop, int fd, const struct channel_events *events, void *arg)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->loop = loop;
	c->fd = fd;
	c->events = events;
	c->arg = arg;
	c->last = &c->first;
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	c->readable.data = c->writable.data = c;
	ev_io_start(loop, &c->readable);
	return c;
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	ev_io_stop(c->loop, &c->readable);
	ev_io_stop(c->loop, &c->writable);
	drop_waiting(c);
	close(c->fd);
	free(c);
}

static bool
keep(struct channel *c, const void *p, size_t len, int fd)
{
	struct waiting *w;

	if (c->waiting + len > CHANNEL_QUEUE_MAX)
		return false;
	w = malloc(sizeof(*w) + len);
	if (w == NULL)
		return false;
	w->next = NULL;
	w->len = len;
	w->fd = -1;
	memcpy(w->bytes, p, len);
	if (fd >= 0 && (w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0) {
		free(w);
		return false;
	}
	*c->last = w;
	c->last = &w->next;
	c->waiting += len;
	ev_io_start(c->loop, &c->writable);
	return true;
}

bool
channel_send(struct channel *c, const void *p, size_t len, int fd)
{
	int sent = 0;

	/* An empty message could not be told from the end. */
	if (c->broken || len == 0 || len > WIRE_MESSAGE_MAX)
		return false;
	if (c->first == NULL)
		sent = send_now(c, p, len, fd);
	if (sent < 0)
		c->broken = true;
	return sent > 0 || (sent == 0 && keep(c, p, len, fd));
}

size_t
channel_waiting(const struct channel *c)
{
	return c->waiting;
}
