/* wire.c - one cursor for the messages between processes
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every getter and putter asks `take` or `room` for its octets; the error sticks there and nowhere
 * else. */
#include "daemon/wire.h"

#include <string.h>

#define WIRE_STRING_MAX 65534	/* so that length + NUL still fits 16 bits */

static const unsigned char *
take(struct wire_reader *r, size_t len)
{
	const unsigned char *p = r->p;

	if (r->bad || (size_t)(r->end - r->p) < len) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	return p;
}

static unsigned char *
room(struct wire_writer *w, size_t len)
{
	unsigned char *p = w->p;

	if (w->bad || (size_t)(w->end - w->p) < len) {
		w->bad = true;
		return NULL;
	}
	w->p += len;
	return p;
}

static uint64_t
get(struct wire_reader *r, size_t octets)
{
	const unsigned char *p = take(r, octets);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = octets; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

static void
put(struct wire_writer *w, uint64_t v, size_t octets)
{
	unsigned char *p = room(w, octets);

	for (size_t i = 0; p != NULL && i < octets; i++, v >>= 8)
		p[i] = (unsigned char)(v & 0xff);
}

void
wire_read(struct wire_reader *r, const void *p, size_t len)
{
	static const unsigned char nothing[1];

	/* An empty message may come with a null pointer, on which no arithmetic is allowed. */
	r->p = p == NULL ? nothing : p;
	r->end = r->p + (p == NULL ? 0 : len);
	r->bad = false;
}

uint8_t
wire_get8(struct wire_reader *r)
{
	return (uint8_t)get(r, 1);
}

uint16_t
wire_get16(struct wire_reader *r)
{
	return (uint16_t)get(r, 2);
}

uint32_t
wire_get32(struct wire_reader *r)
{
	return (uint32_t)get(r, 4);
}

uint64_t
wire_get64(struct wire_reader *r)
{
	return get(r, 8);
}

void
wire_get_bytes(struct wire_reader *r, void *out, size_t len)
{
	const unsigned char *p;

	if (len == 0)
		return;
	p = take(r, len);
	if (p == NULL)
		memset(out, 0, len);
	else
		memcpy(out, p, len);
}

const char *
wire_get_string(struct wire_reader *r)
{
	size_t len = wire_get16(r);
	const unsigned char *p = take(r, len + 1);

	if (p == NULL)
		return "";
	if (p[len] != '\0' || memchr(p, '\0', len) != NULL) {
		r->bad = true;
		return "";
	}
	return (const char *)p;
}

bool
wire_read_done(const struct wire_reader *r)
{
	return !r->bad && r->p == r->end;
}

void
wire_write(struct wire_writer *w, void *p, size_t len)
{
	w->start = p;
	w->p = w->start;
	w->end = w->start + len;
	w->bad = false;
}

void
wire_put8(struct wire_writer *w, uint8_t v)
{
	put(w, v, 1);
}

void
wire_put16(struct wire_writer *w, uint16_t v)
{
	put(w, v, 2);
}

void
wire_put32(struct wire_writer *w, uint32_t v)
{
	put(w, v, 4);
}

void
wire_put64(struct wire_writer *w, uint64_t v)
{
	put(w, v, 8);
}

void
wire_put_bytes(struct wire_writer *w, const void *p, size_t len)
{
	unsigned char *to;

	if (len == 0)
		return;
	to = room(w, len);
	if (to != NULL)
		memcpy(to, p, len);
}

void
wire_put_string(struct wire_writer *w, const char *s)
{
	size_t len = s == NULL ? 0 : strnlen(s, WIRE_STRING_MAX + 1);

	if (len > WIRE_STRING_MAX) {
		w->bad = true;
		return;
	}
	wire_put16(w, (uint16_t)len);
	wire_put_bytes(w, s, len);
	wire_put8(w, 0);
}

size_t
wire_written(const struct wire_writer *w)
{
	return w->bad ? 0 : (size_t)(w->p - w->start);
}
