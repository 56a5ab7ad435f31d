/* outlet.c - the way of a TLS session's octets into its non-blocking socket, and out of it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was written is either sent or held, in this order. While something is held that the socket
 * has refused, nothing more is taken: a peer that makes us answer (RFC 8446 4.6.3) and does not
 * read cannot fill our memory. Corked, what is held is as long as the owner lets it become. */
#include "tls/outlet.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_SIZE 512		/* of what is held: a ClientHello, an alert */

static bool
hold(struct outlet *o, const char *p, size_t len)
{
	size_t held = o->end - o->start;

	if (o->held == NULL || o->size - o->end < len) {
		size_t size = o->size == 0 ? FIRST_SIZE : 2 * o->size;
		char *larger;

		if (size < held + len)
			size = held + len;
		larger = malloc(size);
		if (larger == NULL) {
			errno = ENOMEM;
			return false;
		}
		if (o->held != NULL)
			memcpy(larger, o->held + o->start, held);
		free(o->held);
		o->held = larger;
		o->size = size;
		o->start = 0;
		o->end = held;
	}
	memcpy(o->held + o->end, p, len);
	o->end += len;
	return true;
}

/* push: as much as the socket takes; *gone octets are. */
static enum outlet_result
push(const struct outlet *o, const char *p, size_t len, size_t *gone)
{
	ssize_t n = send(o->fd, p, len, o->ending ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);

	*gone = n > 0 ? (size_t)n : 0;
	if (n >= 0)
		return *gone == len ? OUTLET_OK : OUTLET_FULL;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? OUTLET_FULL : OUTLET_BROKEN;
}

/* push_or_hold: OUTLET_FULL when not all of it was sent; all of it was taken. */
static enum outlet_result
push_or_hold(struct outlet *o, const char *p, size_t len)
{
	size_t gone;
	enum outlet_result r = push(o, p, len, &gone);

	if (r == OUTLET_FULL && !hold(o, p + gone, len - gone))
		return OUTLET_BROKEN;
	return r;
}

enum outlet_result
outlet_flush(struct outlet *o)
{
	enum outlet_result r;
	size_t gone;

	if (o->held == NULL)
		return OUTLET_OK;
	r = push(o, o->held + o->start, o->end - o->start, &gone);
	o->start += gone;
	if (r == OUTLET_OK)
		outlet_clear(o);
	return r;
}

size_t
outlet_held(const struct outlet *o)
{
	return o->end - o->start;
}

void
outlet_clear(struct outlet *o)
{
	free(o->held);
	o->held = NULL;
	o->start = o->end = o->size = 0;
}

void
outlet_gather(struct outlet *o, char *room)
{
	assert(o->held == NULL && !o->corked);
	o->room = room;
	o->gathered = 0;
}

bool
outlet_fits(const struct outlet *o)
{
	return o->room == NULL || OUTLET_ROOM - o->gathered >= OUTLET_RECORD_MAX;
}

enum outlet_result
outlet_let_go(struct outlet *o)
{
	const char *room = o->room;

	o->room = NULL;
	return o->gathered == 0 ? OUTLET_OK : push_or_hold(o, room, o->gathered);
}

static int
bio_write(BIO *bio, const char *p, int len)
{
	struct outlet *o = BIO_get_data(bio);
	size_t n = (size_t)len;
	bool taken;

	BIO_clear_retry_flags(bio);
	if (o->room != NULL && n <= OUTLET_ROOM - o->gathered) {
		memcpy(o->room + o->gathered, p, n);
		o->gathered += n;
		return len;
	}
	if (o->corked)
		return hold(o, p, n) ? len : -1;
	switch (o->room != NULL ? OUTLET_FULL : outlet_flush(o)) {
	case OUTLET_OK:
		taken = push_or_hold(o, p, n) != OUTLET_BROKEN;
		return taken ? len : -1;
	case OUTLET_FULL:
		BIO_set_retry_write(bio);
		break;
	case OUTLET_BROKEN:
		break;
	}
	return -1;
}

static int
bio_read(BIO *bio, char *p, int len)
{
	struct outlet *o = BIO_get_data(bio);
	ssize_t n = recv(o->fd, p, (size_t)len, 0);

	BIO_clear_retry_flags(bio);
	if (n == 0)
		o->eof = true;
	else if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)n;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	const struct outlet *o = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return o->eof;
	return command == BIO_CTRL_FLUSH;	/* who gathers says when */
}

BIO_METHOD *
outlet_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "outlet");

	if (method == NULL)
		return NULL;
	if (BIO_meth_set_write(method, bio_write) && BIO_meth_set_read(method, bio_read) &&
	    BIO_meth_set_ctrl(method, bio_ctrl))
		return method;
	BIO_meth_free(method);
	return NULL;
}

BIO *
outlet_bio(struct outlet *o, const BIO_METHOD *method, int fd)
{
	BIO *bio = BIO_new(method);

	*o = (struct outlet){ .fd = fd };
	if (bio == NULL)
		return NULL;
	BIO_set_data(bio, o);
	BIO_set_init(bio, 1);
	return bio;
}
