/* event.c - events as values, and their wire form between the processes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/event.h"

#include <assert.h>
#include <string.h>

#include "daemon/wire.h"

/* Just above what the JSON form shows, so that it can tell that something was cut. */
#define WIRE_TEXT_MAX (EVENT_TEXT_MAX + 8)

#define FLAG_ALARM 1u
#define FLAG_RESUMED 2u

/* Every string of an event, in the order of the wire. */
static const size_t strings[] = {
	offsetof(struct event, id), offsetof(struct event, session_id),
	offsetof(struct event, path), offsetof(struct event, verdict),
	offsetof(struct event, mode), offsetof(struct event, result_type),
	offsetof(struct event, reason_code), offsetof(struct event, reason),
	offsetof(struct event, reply), offsetof(struct event, helo),
	offsetof(struct event, rcpt_domain), offsetof(struct event, recipient),
	offsetof(struct event, mx_host), offsetof(struct event, starttls),
	offsetof(struct event, server_reply), offsetof(struct event, policy_type),
	offsetof(struct event, policy_domain), offsetof(struct event, policy_mode),
	offsetof(struct event, policy_id), offsetof(struct event, policy_source),
	offsetof(struct event, tls_version), offsetof(struct event, tls_cipher),
	offsetof(struct event, tls_sni), offsetof(struct event, tls_detail),
	offsetof(struct event, tls_subject), offsetof(struct event, tls_issuer),
	offsetof(struct event, tls_names), offsetof(struct event, action),
	offsetof(struct event, ended_by), offsetof(struct event, detail),
	offsetof(struct event, domain), offsetof(struct event, inspect_outcome),
	offsetof(struct event, inspect_code), offsetof(struct event, inspect_detail),
	offsetof(struct event, dane_state), offsetof(struct event, dane_detail),
	offsetof(struct event, dane_record), offsetof(struct event, dane_base),
};
#define STRINGS (sizeof strings / sizeof strings[0])

/* The promise of event.h: strings with their lengths and NULs, and less than 1 KiB of numbers. */
_Static_assert(STRINGS * (WIRE_TEXT_MAX + 3) + EVENT_DNS_MAX + 3 + 1024 + EVENT_RECORD_SPARE <=
    WIRE_MESSAGE_MAX, "any event fits into one message");

static const size_t numbers[] = {
	offsetof(struct event, policy_age_s), offsetof(struct event, policy_ms),
	offsetof(struct event, connect_ms), offsetof(struct event, tls_ms),
	offsetof(struct event, added_ms), offsetof(struct event, messages),
	offsetof(struct event, duration_ms),
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

static const char *
string_get(const struct event *e, size_t offset)
{
	const char *s;

	memcpy(&s, (const unsigned char *)e + offset, sizeof s);
	return s;
}

static void
string_set(struct event *e, size_t offset, const char *s)
{
	memcpy((unsigned char *)e + offset, &s, sizeof s);
}

void
event_clear(struct event *e)
{
	memset(e, 0, sizeof *e);
	for (size_t i = 0; i < STRINGS; i++)
		string_set(e, strings[i], "");
	e->dns = "";
}

static void
put_address(struct wire_writer *w, const struct address *a)
{
	wire_put_bytes(w, &a->ip, sizeof a->ip);
	wire_put16(w, a->port);
}

static void
get_address(struct wire_reader *r, struct address *a)
{
	wire_get_bytes(r, &a->ip, sizeof a->ip);
	a->port = wire_get16(r);
}

/* What is absent, as most strings of an event are, on the wire. */
static const unsigned char absent[3];

static void
put_text(struct wire_writer *w, const char *s)
{
	char cut[WIRE_TEXT_MAX + 1];
	size_t len;

	if (s[0] == '\0') {
		wire_put_bytes(w, absent, sizeof absent);
		return;
	}
	len = strnlen(s, sizeof cut);
	if (len == sizeof cut) {
		memcpy(cut, s, WIRE_TEXT_MAX);
		cut[WIRE_TEXT_MAX] = '\0';
		s = cut;
	}
	wire_put_string(w, s);
}

/* put_lines: of a line all or nothing. */
static void
put_lines(struct wire_writer *w, const char *s)
{
	char cut[EVENT_DNS_MAX + 1];

	if (strnlen(s, sizeof cut) == sizeof cut) {
		const char *end = memrchr(s, '\n', sizeof cut);
		size_t len = end == NULL ? 0 : (size_t)(end - s);

		memcpy(cut, s, len);
		cut[len] = '\0';
		s = cut;
	}
	wire_put_string(w, s);
}

size_t
event_encode(void *out, size_t size, const struct event *e)
{
	struct wire_writer w;

	assert(e->chain_len <= EVENT_CHAIN_MAX);
	wire_write(&w, out, size);
	wire_put8(&w, (uint8_t)e->type);
	wire_put8(&w, (uint8_t)((e->alarm ? FLAG_ALARM : 0) | (e->tls_resumed ? FLAG_RESUMED : 0)));
	wire_put64(&w, e->time_us);
	put_address(&w, &e->src);
	put_address(&w, &e->dest);
	for (size_t i = 0; i < STRINGS; i++)
		put_text(&w, string_get(e, strings[i]));
	put_lines(&w, e->dns);
	for (size_t i = 0; i < NUMBERS; i++) {
		uint32_t v;

		memcpy(&v, (const unsigned char *)e + numbers[i], sizeof v);
		wire_put32(&w, v);
	}
	wire_put64(&w, (uint64_t)e->tls_not_after);
	wire_put64(&w, e->bytes_in);
	wire_put64(&w, e->bytes_out);
	wire_put8(&w, e->dane_depth);
	wire_put8(&w, e->chain_len);
	wire_put_bytes(&w, e->chain_sha256, (size_t)e->chain_len * sizeof e->chain_sha256[0]);
	return wire_written(&w);
}

/* "" when it is longer than `max`, which makes the message a bad one. */
static const char *
get_text(struct wire_reader *r, size_t max)
{
	const unsigned char *start = r->p;
	const char *s;

	if ((size_t)(r->end - start) >= sizeof absent && !r->bad &&
	    memcmp(start, absent, sizeof absent) == 0) {
		r->p += sizeof absent;
		return "";
	}
	s = wire_get_string(r);
	if ((size_t)(r->p - start) > max + sizeof absent) {
		r->bad = true;
		return "";
	}
	return s;
}

bool
event_decode(const void *p, size_t len, struct event *out)
{
	struct wire_reader r;
	uint8_t type, flags;

	event_clear(out);
	wire_read(&r, p, len);
	type = wire_get8(&r);
	flags = wire_get8(&r);
	out->type = (enum event_type)type;
	out->alarm = (flags & FLAG_ALARM) != 0;
	out->tls_resumed = (flags & FLAG_RESUMED) != 0;
	out->time_us = wire_get64(&r);
	get_address(&r, &out->src);
	get_address(&r, &out->dest);
	for (size_t i = 0; i < STRINGS; i++)
		string_set(out, strings[i], get_text(&r, WIRE_TEXT_MAX));
	out->dns = get_text(&r, EVENT_DNS_MAX);
	for (size_t i = 0; i < NUMBERS; i++) {
		uint32_t v = wire_get32(&r);

		memcpy((unsigned char *)out + numbers[i], &v, sizeof v);
	}
	out->tls_not_after = (int64_t)wire_get64(&r);
	out->bytes_in = wire_get64(&r);
	out->bytes_out = wire_get64(&r);
	out->dane_depth = wire_get8(&r);
	out->chain_len = wire_get8(&r);
	if (out->chain_len > EVENT_CHAIN_MAX)
		return false;
	wire_get_bytes(&r, out->chain_sha256, (size_t)out->chain_len * sizeof out->chain_sha256[0]);
	return wire_read_done(&r) && type >= EVENT_DECISION && type <= EVENT_REPORT &&
	    flags <= (FLAG_ALARM | FLAG_RESUMED);
}

const char *
event_type_name(enum event_type t)
{
	switch (t) {
	case EVENT_DECISION:
		return "decision";
	case EVENT_SESSION:
		return "session";
	case EVENT_POLICY:
		return "policy";
	case EVENT_RULES:
		return "rules";
	case EVENT_CONFIG:
		return "config";
	case EVENT_HEALTH:
		return "health";
	case EVENT_REPORT:
		return "report";
	}
	return "";
}
