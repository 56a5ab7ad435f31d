/* message.c - what workers and the policy process say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each decoder reads its fields in the order its encoder wrote them and tests the cursor once. */
#include "policy/message.h"

#include <stdlib.h>
#include <string.h>

enum message_type
message_type(const void *p, size_t len)
{
	unsigned type = len == 0 ? 0 : *(const unsigned char *)p;

	return type <= MESSAGE_PROVEN ? (enum message_type)type : 0;
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

/* What is opaque here: a 16-bit length and the octets. */
static void
put_evidence(struct wire_writer *w, const void *p, size_t len)
{
	if (len > MESSAGE_EVIDENCE_MAX)
		w->bad = true;
	wire_put16(w, (uint16_t)len);
	wire_put_bytes(w, p, len);
}

static void
get_evidence(struct wire_reader *r, const void **p, size_t *len)
{
	size_t octets = wire_get16(r);

	*p = NULL;
	*len = 0;
	if (octets > MESSAGE_EVIDENCE_MAX || octets > (size_t)(r->end - r->p))
		r->bad = true;
	if (r->bad || octets == 0)
		return;
	*p = r->p;
	*len = octets;
	r->p += octets;
}

size_t
message_question(void *out, size_t size, const struct question *q)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_QUESTION);
	wire_put32(&w, q->id);
	put_address(&w, &q->peer);
	wire_put8(&w, q->recheck);
	wire_put8(&w, q->probe);
	wire_put8(&w, q->end_to_end);
	wire_put8(&w, q->resumes);
	if (q->resumes)
		wire_put_bytes(&w, q->session, sizeof q->session);
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
	out->probe = get_bool(&r);
	out->end_to_end = get_bool(&r);
	out->resumes = get_bool(&r);
	if (out->resumes)
		wire_get_bytes(&r, out->session, sizeof out->session);
	else
		memset(out->session, 0, sizeof out->session);
	out->domain = wire_get_string(&r);
	/* End to end no recipient is known; on the other path nobody's session is resumed. */
	if (out->end_to_end ? out->domain[0] != '\0' : out->resumes)
		r.bad = true;
	return wire_read_done(&r);
}

size_t
message_answer(void *out, size_t size, uint32_t id, const struct requirement *q,
    const struct recalled *recalled, uint32_t fresh_ms)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_ANSWER);
	wire_put32(&w, id);
	wire_put32(&w, fresh_ms);
	requirement_put(&w, q);
	if (recalled != NULL)
		put_evidence(&w, recalled->evidence, recalled->len);
	else
		put_evidence(&w, NULL, 0);
	return wire_written(&w);
}

bool
message_get_answer(const void *p, size_t len, uint32_t *id, struct requirement **out,
    struct recalled *recalled, uint32_t *fresh_ms)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_ANSWER);
	*id = wire_get32(&r);
	*fresh_ms = wire_get32(&r);
	*out = requirement_get(&r);
	get_evidence(&r, &recalled->evidence, &recalled->len);
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
message_record(void *out, size_t size, const void *event, size_t len)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_RECORD);
	wire_put_bytes(&w, event, len);
	return wire_written(&w);
}

bool
message_get_record(const void *p, size_t len, const void **event, size_t *event_len)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_RECORD);
	*event = r.p;
	*event_len = (size_t)(r.end - r.p);
	return !r.bad;
}

size_t
message_ring(void *out, size_t size)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_RING);
	return wire_written(&w);
}

bool
message_get_ring(const void *p, size_t len)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_RING);
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
message_proven(void *out, size_t size, const struct proven *p)
{
	struct wire_writer w;

	start(&w, out, size, MESSAGE_PROVEN);
	wire_put_bytes(&w, p->session, sizeof p->session);
	wire_put32(&w, p->lifetime_s);
	put_evidence(&w, p->evidence, p->len);
	if (p->len == 0)
		w.bad = true;		/* nothing is not worth remembering */
	return wire_written(&w);
}

bool
message_get_proven(const void *p, size_t len, struct proven *out)
{
	struct wire_reader r;

	begin(&r, p, len, MESSAGE_PROVEN);
	wire_get_bytes(&r, out->session, sizeof out->session);
	out->lifetime_s = wire_get32(&r);
	get_evidence(&r, &out->evidence, &out->len);
	return wire_read_done(&r) && out->len > 0;
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
