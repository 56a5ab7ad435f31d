/* leg.c - one side of a session: a socket, perhaps under TLS, with its two bounded buffers
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/leg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEG_OUT_FIRST 1024	/* a reply or a pipelined group of commands fits */

void
leg_open(struct leg *leg, struct ev_loop *loop, int fd,
    void (*ready)(struct ev_loop *loop, ev_io *io, int events), void *arg)
{
	memset(leg, 0, sizeof(*leg));
	leg->fd = fd;
	ev_io_init(&leg->io, ready, fd, EV_READ);
	leg->io.data = arg;
	ev_io_start(loop, &leg->io);
}

static void
release_in(struct leg *leg)
{
	free(leg->in);
	leg->in = NULL;
	leg->in_start = leg->in_end = leg->in_size = 0;
}

static void
release_out(struct leg *leg)
{
	free(leg->out);
	leg->out = NULL;
	leg->out_start = leg->out_end = leg->out_size = 0;
}

void
leg_closing(struct leg *leg)
{
	leg->last = true;
}

void
leg_close(struct leg *leg, struct ev_loop *loop)
{
	if (leg->fd < 0)
		return;
	bool empty = leg->tls == NULL && leg->eof && !leg->failed;
	ev_io_stop(loop, &leg->io);
	if (leg->tls != NULL) {
		if (!leg->failed)
			stream_shutdown(leg->tls);
		stream_free(leg->tls);
		leg->tls = NULL;
	}
	/* Unread octets would turn the close into a reset that overtakes our last reply. */
	if (!empty)
		recv(leg->fd, NULL, LEG_OUT_MAX, MSG_TRUNC | MSG_DONTWAIT);
	close(leg->fd);
	leg->fd = -1;
	leg->blocked = false;
	release_in(leg);
	release_out(leg);
}

int
leg_release(struct leg *leg, struct ev_loop *loop)
{
	int fd = leg->fd;

	assert(fd >= 0 && leg->tls == NULL);
	ev_io_stop(loop, &leg->io);
	leg->fd = -1;
	release_in(leg);
	release_out(leg);
	return fd;
}

/* failed: the connection is gone; nothing more is read or written. */
static enum leg_result
failed(struct leg *leg, const char *why)
{
	leg->failed = true;
	leg->readable = false;
	leg->error = why;
	return LEG_FAILED;
}

const char *
leg_error_text(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return "connection reset";
	case ETIMEDOUT:
		return "connection timed out";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "host unreachable";
	default:
		return "connection failed";
	}
}

/* from_stream: what a verb of the TLS stream means for the leg. */
static enum leg_result
from_stream(struct leg *leg, enum stream_result r)
{
	switch (r) {
	case STREAM_OK:
		return LEG_OK;
	case STREAM_WANT_READ:
	case STREAM_WANT_WRITE:
		return LEG_AGAIN;
	case STREAM_CLOSED:
		leg->eof = true;
		return LEG_EOF;
	case STREAM_CUT:
		return failed(leg, "connection cut inside TLS");
	case STREAM_FAILED:
		return failed(leg, "TLS failed");
	}
	return failed(leg, "TLS failed");
}

static enum leg_result
read_some(struct leg *leg, char *p, size_t len, size_t *got)
{
	if (leg->tls != NULL) {
		enum stream_result r = stream_read(leg->tls, p, len, got);
		leg->tls_write = r == STREAM_WANT_WRITE;
		return from_stream(leg, r);
	}
	ssize_t n = recv(leg->fd, p, len, 0);
	if (n > 0) {
		*got = (size_t)n;
		return LEG_OK;
	}
	if (n == 0) {
		leg->eof = true;
		return LEG_EOF;
	}
	if (errno == EAGAIN || errno == EINTR)
		return LEG_AGAIN;
	return failed(leg, leg_error_text(errno));
}

/* make_room: a buffer to read into, with what is unread at its front; a larger one where the small
 * one is full. */
static bool
make_room(struct leg *leg)
{
	if (leg->in_start > 0) {
		memmove(leg->in, leg->in + leg->in_start, leg->in_end - leg->in_start);
		leg->in_end -= leg->in_start;
		leg->in_start = 0;
	}
	if (leg->in_end < leg->in_size || leg->in_size == LEG_IN_SIZE)
		return true;
	leg->bulk |= leg->in != NULL;
	uint32_t size = leg->bulk ? LEG_IN_SIZE : LEG_IN_FIRST;
	char *larger = malloc(size);
	if (larger == NULL)
		return false;
	if (leg->in != NULL)
		memcpy(larger, leg->in, leg->in_end);
	free(leg->in);
	leg->in = larger;
	leg->in_size = size;
	return true;
}

/* settle: after a filling: no buffer for nothing, and none too large the next time. */
static void
settle(struct leg *leg, size_t got)
{
	if (got > 0 && got < LEG_IN_FIRST)
		leg->bulk = false;
	if (leg->in_end == 0)
		release_in(leg);
}

/* more: whether another read is worth it: less than there was room for has emptied the socket. */
static bool
more(const struct leg *leg, bool full)
{
	return leg->tls != NULL ? stream_more(leg->tls) : full;
}

enum leg_result
leg_fill(struct leg *leg)
{
	if (leg->fd < 0 || (leg->failed && (leg->tls != NULL || leg->eof)))
		return LEG_FAILED;
	if (leg->eof)
		return LEG_EOF;
	if (!leg->readable && !leg->failed)
		return LEG_AGAIN;
	enum leg_result r = LEG_OK;
	size_t all = 0;
	while (r == LEG_OK && leg_unread(leg) < LEG_IN_SIZE) {
		if (!make_room(leg))
			return failed(leg, "out of memory");
		size_t room = leg->in_size - leg->in_end, got = 0;
		r = read_some(leg, leg->in + leg->in_end, room, &got);
		leg->in_end += (uint32_t)got;
		all += got;
		if ((r == LEG_AGAIN && !leg->tls_write) ||
		    (r == LEG_OK && !more(leg, got == room)))
			leg->readable = false;
		if (!leg->readable)
			break;
	}
	leg->bytes_in += all;
	settle(leg, all);
	return all > 0 ? LEG_OK : leg->failed ? LEG_FAILED : r;
}

size_t
leg_unread(const struct leg *leg)
{
	return leg->in_end - leg->in_start;
}

const char *
leg_data(const struct leg *leg)
{
	return leg->in + leg->in_start;
}

void
leg_consume(struct leg *leg, size_t len)
{
	assert(len <= leg_unread(leg));
	leg->in_start += (uint32_t)len;
	if (leg->in_start == leg->in_end)
		release_in(leg);
}

bool
leg_full(const struct leg *leg)
{
	return leg_unread(leg) == LEG_IN_SIZE;
}

/* unsent: of our own buffer. */
static size_t
unsent(const struct leg *leg)
{
	return leg->out_end - leg->out_start;
}

bool
leg_put(struct leg *leg, const char *p, size_t len)
{
	if (leg->fd < 0 || leg->failed)
		return false;
	size_t waiting = unsent(leg);
	if (waiting + len > LEG_OUT_MAX) {
		failed(leg, "peer does not read its replies");
		return false;
	}
	if (leg->out_end + len > leg->out_size) {
		size_t size = leg->out_size == 0 ? LEG_OUT_FIRST : leg->out_size;
		while (size < waiting + len)
			size *= 2;
		char *bigger = malloc(size);
		if (bigger == NULL) {
			failed(leg, "out of memory");
			return false;
		}
		if (waiting > 0)
			memcpy(bigger, leg->out + leg->out_start, waiting);
		free(leg->out);
		leg->out = bigger;
		leg->out_size = (uint32_t)size;
		leg->out_start = 0;
		leg->out_end = (uint32_t)waiting;
	}
	memcpy(leg->out + leg->out_end, p, len);
	leg->out_end += (uint32_t)len;
	return true;
}

size_t
leg_waiting(const struct leg *leg)
{
	return unsent(leg) + (leg->tls != NULL ? stream_waiting(leg->tls) : 0);
}

static enum leg_result
write_some(struct leg *leg, const char *p, size_t len, size_t *put)
{
	*put = 0;
	if (leg->tls != NULL)
		return from_stream(leg, stream_write(leg->tls, p, len, put));
	ssize_t n = send(leg->fd, p, len, leg->last ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);
	if (n >= 0) {
		*put = (size_t)n;
		return LEG_OK;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		return LEG_AGAIN;
	return failed(leg, leg_error_text(errno));
}

enum leg_result
leg_flush(struct leg *leg)
{
	enum leg_result r = LEG_OK;
	if (leg->fd < 0 || leg->failed)
		return LEG_FAILED;
	if (leg->tls != NULL && leg->last)
		stream_last(leg->tls);
	while (r == LEG_OK && unsent(leg) > 0) {
		size_t put;
		r = write_some(leg, leg->out + leg->out_start, unsent(leg), &put);
		leg->out_start += (uint32_t)put;
		leg->bytes_out += put;
	}
	if (leg->out != NULL && unsent(leg) == 0)
		release_out(leg);
	if (leg->tls == NULL || r != LEG_OK)
		return r;
	if (leg->last)
		stream_shutdown(leg->tls);
	return from_stream(leg, stream_flush(leg->tls));
}

bool
leg_gone(const struct leg *leg)
{
	return leg->fd >= 0 && (leg->failed || leg->eof);
}

enum leg_result
leg_pass(struct leg *leg, const char *p, size_t len, size_t *put)
{
	enum leg_result r = leg_flush(leg);
	*put = 0;
	while (r == LEG_OK && *put < len) {
		size_t n;
		r = write_some(leg, p + *put, len - *put, &n);
		*put += n;
	}
	leg->bytes_out += *put;
	leg->blocked = r == LEG_AGAIN;
	return r;
}

enum leg_result
leg_handshake(struct leg *leg)
{
	enum stream_result r;

	stream_defer(leg->tls);	/* the turn that makes this step flushes at its end */
	r = stream_handshake(leg->tls);
	leg->tls_write = r == STREAM_WANT_WRITE;
	return from_stream(leg, r);
}

void
leg_watch(struct leg *leg, struct ev_loop *loop, bool read, bool write)
{
	if (leg->fd < 0)
		return;
	int events = 0;
	if (!leg->failed) {
		/* What TLS must write first would leave the socket readable and unread. */
		if (read && !leg->eof && !leg_full(leg))
			events |= leg->tls_write ? EV_WRITE : EV_READ;
		if (write || leg->blocked || leg_waiting(leg) > 0)
			events |= EV_WRITE;
	}
	if (ev_is_active(&leg->io) && (leg->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(loop, &leg->io);
	if (events != 0) {
		ev_io_set(&leg->io, leg->fd, events);
		ev_io_start(loop, &leg->io);
	}
}
