/* dns_stream.c - DNS answers over TCP, put together again from copies of segments
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message that lies whole in one segment is read where it lies; only pieces are put together.
 *
 * Whoever is on the wire can send a segment that the client throws away. So what is repeated must
 * be what was there before, or else the client may have taken what was not read here. */
#include "nfq/dns_stream.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX 2	/* RFC 1035 4.2.2: the length before each message */
#define PAST 16384	/* octets back to which a repetition is known as one; a power of two */

struct stream {
	bool used;
	struct address server, client;
	uint32_t first, next;		/* sequence numbers: of the SYN, and the one awaited */
	double touched_s;
	uint32_t known;			/* of the octets before `next`, those in `past` */
	size_t skip;			/* octets still to come of a message too long */
	size_t len;			/* of buffer: prefix and the message's start */
	unsigned char buffer[PREFIX + DNS_STREAM_MESSAGE];
	unsigned char past[PAST];	/* by sequence number */
};

struct dns_streams {
	unsigned long long lost;
	struct stream streams[DNS_STREAMS];
};

struct reader {
	void (*message)(void *arg, const unsigned char *p, size_t len);
	void *arg;
};

struct dns_streams *
dns_streams_new(void)
{
	return calloc(1, sizeof(struct dns_streams));
}

void
dns_streams_free(struct dns_streams *s)
{
	free(s);
}

unsigned long long
dns_streams_lost(const struct dns_streams *s)
{
	return s->lost;
}

static bool
same(const struct address *a, const struct address *b)
{
	return a->port == b->port && address_same_ip(&a->ip, &b->ip);
}

static struct stream *
find(struct dns_streams *s, const struct packet *p)
{
	for (size_t i = 0; i < DNS_STREAMS; i++) {
		struct stream *t = &s->streams[i];

		if (t->used && same(&t->client, &p->dst) && same(&t->server, &p->src))
			return t;
	}
	return NULL;
}

/* A free place, or that of the connection idle longest: its later segments will count as lost. */
static struct stream *
place(struct dns_streams *s)
{
	struct stream *oldest = &s->streams[0];

	for (size_t i = 0; i < DNS_STREAMS; i++) {
		struct stream *t = &s->streams[i];

		if (!t->used)
			return t;
		if (t->touched_s < oldest->touched_s)
			oldest = t;
	}
	return oldest;
}

static struct stream *
begin(struct dns_streams *s, struct stream *known, const struct packet *p)
{
	struct stream *t = known != NULL ? known : place(s);

	t->used = true;
	t->server = p->src;
	t->client = p->dst;
	t->first = p->seq;
	t->next = p->seq + 1;
	t->known = 0;
	t->skip = t->len = 0;
	return t;
}

static size_t
message_length(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* Into the buffer until it holds `want` octets; returns how many were taken. */
static size_t
gather(struct stream *t, const unsigned char *p, size_t len, size_t want)
{
	size_t n = want - t->len < len ? want - t->len : len;

	memcpy(t->buffer + t->len, p, n);
	t->len += n;
	return n;
}

/* A piece of a message, or of its prefix. Returns how much of it is done with: at least one
 * octet. */
static size_t
piece(struct stream *t, const unsigned char *p, size_t len, const struct reader *r)
{
	size_t n = 0, whole;

	if (t->len < PREFIX)
		n = gather(t, p, len, PREFIX);
	if (t->len < PREFIX)
		return n;
	whole = message_length(t->buffer);
	if (whole > DNS_STREAM_MESSAGE) {
		t->skip = whole;
		t->len = 0;
		return n;
	}
	n += gather(t, p + n, len - n, PREFIX + whole);
	if (t->len < PREFIX + whole)
		return n;
	t->len = 0;
	if (whole > 0)
		r->message(r->arg, t->buffer + PREFIX, whole);
	return n;
}

/* The next octets in order; returns how much is done with: at least one. */
static size_t
step(struct stream *t, const unsigned char *p, size_t len, const struct reader *r)
{
	size_t n = t->skip < len ? t->skip : len;

	if (n > 0) {
		t->skip -= n;
		return n;
	}
	if (t->len > 0 || len < PREFIX || len - PREFIX < message_length(p) ||
	    message_length(p) > DNS_STREAM_MESSAGE)
		return piece(t, p, len, r);
	if (message_length(p) > 0)
		r->message(r->arg, p + PREFIX, message_length(p));
	return PREFIX + message_length(p);
}

/* Whether these octets are what was read there before. */
static bool
repeats(const struct stream *t, uint32_t seq, const unsigned char *p, size_t len)
{
	uint32_t back = t->next - seq;

	if (back > t->known)
		return false;
	for (size_t i = 0; i < len; i++)
		if (t->past[(seq + (uint32_t)i) % PAST] != p[i])
			return false;
	return true;
}

static void
remember(struct stream *t, uint32_t seq, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		t->past[(seq + (uint32_t)i) % PAST] = p[i];
	t->known = len < PAST - t->known ? t->known + (uint32_t)len : PAST;
}

/* False when a piece is missing that nobody will send again in order. */
static bool
feed(struct dns_streams *s, struct stream *t, const struct packet *p, const struct reader *r)
{
	uint32_t seq = p->seq + (p->syn ? 1 : 0);
	int32_t ahead = (int32_t)(seq - t->next);
	size_t done = ahead < 0 ? (size_t)-(int64_t)ahead : 0;
	bool whole = true;

	if (ahead > 0 || (ahead < 0 && p->len > 0 &&
	    !repeats(t, seq, p->payload, done < p->len ? done : p->len)))
		return false;
	if (done < p->len) {
		remember(t, t->next, p->payload + done, p->len - done);
		t->next += (uint32_t)(p->len - done);
	}
	while (done < p->len) {
		done += step(t, p->payload + done, p->len - done, r);
		whole &= t->skip == 0;
	}
	s->lost += !whole;
	return !p->cut;
}

void
dns_streams_segment(struct dns_streams *s, const struct packet *p, double now_s,
    void (*message)(void *arg, const unsigned char *p, size_t len), void *arg)
{
	const struct reader r = { message, arg };
	struct stream *t;

	if (p->protocol != IPPROTO_TCP)
		return;
	t = find(s, p);
	/* Repeated, the SYN means the same connection; another number, a new one. */
	if (p->syn && p->ack && (t == NULL || t->first != p->seq))
		t = begin(s, t, p);
	if (t == NULL) {
		s->lost += p->len > 0;
		return;
	}
	t->touched_s = now_s;
	if (!feed(s, t, p, &r)) {
		s->lost++;
		t->used = false;
	}
	if (p->fin || p->rst)
		t->used = false;
}
