/* message.c - what workers and the policy process say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each decoder reads its fields in the order its encoder wrote them and tests the cursor once. */
#include "policy/message.h"

#include <stdlib.h>

enum message_type
message_type(const void *p, size_t len)
{
	unsigned type = len == 0 ? 0 : *(const unsigned char *)p;

	return type <= MESSAGE_STALE ? (enum message_type)type : 0;
}

static void
start(struct wire_writer *w, void *out, size_t size, enum message_type type)
{
	wire_write(w, out, size);
	wire_put8(w, (uint8_t)type);
}

static void
begin(struct wire_reader *r, const void *p, size_t len, enum message_type type)
{
	wire_read(r, p, len);
	if (wire_get8(r) != type)
		r->bad = true;
}

static void
put_address(struct wire_writer *w, const struct address *a)
{
	wire_put_bytes(w, a->ip.s6_addr, sizeof a->ip.s6_addr);
	wire_put16(w, a->port);
}

static void
get_address(struct wire_reader *r, struct address *a)
{
	wire_get_bytes(r, a->ip.s6_addr, sizeof a->ip.s6_addr);
	a->port = wire_get16(r);
}

/* A bool has one form, so that every message has one encoding. */
static bool
get_bool(struct wire_reader *r)
{
	uint8_t v = wire_get8(r);

	if (v > 1)
		r->bad = true;
	return v == 1;
}

size_t
message_question(void *out, size_t size, const struct question *q)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_QUESTION);
	wire_put32(&w, q->id);
	put_address(&w, &q->peer);
	wire_put8(&w, q->recheck);
	wire_put_string(&w, q->domain);
	return wire_written(&w);
}

bool
message_get_question(const void *p, size_t len, struct question *out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_QUESTION);
	out->id = wire_get32(&r);
	get_address(&r, &out->peer);
	out->recheck = get_bool(&r);
	out->domain = wire_get_string(&r);
	return wire_read_done(&r);
}

size_t
message_answer(void *out, size_t size, uint32_t id, const struct requirement *q)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_ANSWER);
	wire_put32(&w, id);
	requirement_put(&w, q);
	return wire_written(&w);
}

bool
message_get_answer(const void *p, size_t len, uint32_t *id, struct requirement **out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_ANSWER);
	*id = wire_get32(&r);
	*out = requirement_get(&r);
	if (*out != NULL && wire_read_done(&r))
		return true;
	free(*out);
	*out = NULL;
	return false;
}

size_t
message_sighting(void *out, size_t size, const struct sighting *s)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_SIGHTING);
	put_address(&w, &s->peer);
	wire_put_string(&w, s->mx_host);
	return wire_written(&w);
}

bool
message_get_sighting(const void *p, size_t len, struct sighting *out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_SIGHTING);
	get_address(&r, &out->peer);
	out->mx_host = wire_get_string(&r);
	return wire_read_done(&r);
}

size_t
message_record(void *out, size_t size, uint64_t sequence, const void *event, size_t len)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_RECORD);
	wire_put64(&w, sequence);
	wire_put_bytes(&w, event, len);
	return wire_written(&w);
}

bool
message_get_record(const void *p, size_t len, uint64_t *sequence, const void **event,
    size_t *event_len)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_RECORD);
	*sequence = wire_get64(&r);
	*event = r.p;
	*event_len = (size_t)(r.end - r.p);
	return !r.bad;
}

size_t
message_ack(void *out, size_t size, uint64_t sequence)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_ACK);
	wire_put64(&w, sequence);
	return wire_written(&w);
}

bool
message_get_ack(const void *p, size_t len, uint64_t *sequence)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_ACK);
	*sequence = wire_get64(&r);
	return wire_read_done(&r);
}

size_t
message_probe(void *out, size_t size, const struct probe *q)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_PROBE);
	wire_put32(&w, q->id);
	put_address(&w, &q->peer);
	wire_put_string(&w, q->mx_host);
	wire_put_string(&w, q->domain);
	return wire_written(&w);
}

bool
message_get_probe(const void *p, size_t len, struct probe *out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_PROBE);
	out->id = wire_get32(&r);
	get_address(&r, &out->peer);
	out->mx_host = wire_get_string(&r);
	out->domain = wire_get_string(&r);
	return wire_read_done(&r);
}

size_t
message_probe_step(void *out, size_t size, const struct probe_step *s)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_PROBE_STEP);
	wire_put32(&w, s->id);
	wire_put8(&w, s->last);
	wire_put8(&w, s->exit);
	wire_put_string(&w, s->text);
	return wire_written(&w);
}

bool
message_get_probe_step(const void *p, size_t len, struct probe_step *out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_PROBE_STEP);
	out->id = wire_get32(&r);
	out->last = get_bool(&r);
	out->exit = wire_get8(&r);
	out->text = wire_get_string(&r);
	return wire_read_done(&r);
}

size_t
message_hint(void *out, size_t size, const struct hint *h)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_HINT);
	wire_put_bytes(&w, h->peer.ip.s6_addr, sizeof h->peer.ip.s6_addr);
	wire_put32(&w, h->ttl_s);
	wire_put_string(&w, h->domain);
	wire_put_string(&w, h->mx_host);
	return wire_written(&w);
}

bool
message_get_hint(const void *p, size_t len, struct hint *out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_HINT);
	wire_get_bytes(&r, out->peer.ip.s6_addr, sizeof out->peer.ip.s6_addr);
	out->peer.port = 0;
	out->ttl_s = wire_get32(&r);
	out->domain = wire_get_string(&r);
	out->mx_host = wire_get_string(&r);
	return wire_read_done(&r);
}

size_t
message_stale(void *out, size_t size, const struct stale *s)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_STALE);
	wire_put_bytes(&w, s->ip.s6_addr, sizeof s->ip.s6_addr);
	wire_put_string(&w, s->domain);
	return wire_written(&w);
}

bool
message_get_stale(const void *p, size_t len, struct stale *out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_STALE);
	wire_get_bytes(&r, out->ip.s6_addr, sizeof out->ip.s6_addr);
	out->domain = wire_get_string(&r);
	return wire_read_done(&r);
}
