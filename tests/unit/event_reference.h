/* event_reference.h - an event's JSON as jansson builds it: what record/event_text.c must equal
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Written for sense, not for speed. Each test program that includes it gets its own. */
#ifndef TESTS_EVENT_REFERENCE_H
#define TESTS_EVENT_REFERENCE_H

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "record/escape.h"
#include "record/event.h"

#define LAST_SECOND INT64_C(253402300799)	/* 9999-12-31T23:59:59Z, RFC 3339's last */
#define TIMESTAMP_SIZE 40

/* An object being built; `bad` once memory ran out. */
struct object {
	json_t *o;
	bool bad;
};

static void
put(struct object *b, const char *key, json_t *value)
{
	if (json_object_set_new(b->o, key, value) != 0)
		b->bad = true;
}

static void
put_text(struct object *b, const char *key, const char *s)
{
	char text[EVENT_TEXT_MAX + 1];

	if (s[0] == '\0')
		return;
	put(b, key, json_stringn(text, escape_utf8(text, sizeof text, s)));
}

static void
put_number(struct object *b, const char *key, uint64_t v)
{
	put(b, key, json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v));
}

/* Hangs `child` below its parent where it has members or `always` is set. */
static void
put_object(struct object *b, const char *key, struct object *child, bool always)
{
	if (child->bad || child->o == NULL)
		b->bad = true;
	if (child->o != NULL && (always || json_object_size(child->o) > 0))
		put(b, key, child->o);
	else
		json_decref(child->o);
}

static struct object
object_new(void)
{
	return (struct object){ .o = json_object() };
}

static bool
print_second(char out[TIMESTAMP_SIZE], int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	return s >= 0 && s <= LAST_SECOND && gmtime_r(&t, &tm) != NULL &&
	    strftime(out, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm) != 0;
}

static void
put_timestamp(struct object *b, uint64_t us)
{
	char second[TIMESTAMP_SIZE];

	if (us / 1000000 > (uint64_t)LAST_SECOND || !print_second(second, (int64_t)(us / 1000000)))
		memcpy(second, "9999-12-31T23:59:59", sizeof "9999-12-31T23:59:59");
	put(b, "timestamp", json_sprintf("%s.%06" PRIu64 "Z", second, us % 1000000));
}

static void
put_address(struct object *b, const char *ip_key, const char *port_key, const struct address *a)
{
	char text[ADDRESS_TEXT_SIZE];

	if (a->port == 0)
		return;
	put(b, ip_key, json_string(address_print_ip(&a->ip, text)));
	put(b, port_key, json_integer(a->port));
}

static void
put_decision(struct object *b, const struct event *e, bool domain_too)
{
	struct object d = object_new();

	put_text(&d, "verdict", e->verdict);
	put_text(&d, "mode", e->mode);
	put_text(&d, "result_type", e->result_type);
	put_text(&d, "reason_code", e->reason_code);
	put_text(&d, "reason", e->reason);
	if (domain_too)
		put_text(&d, "reply", e->reply);
	put_object(b, "decision", &d, true);
}

static void
put_smtp(struct object *b, const struct event *e, bool full_recipient, bool domain_too)
{
	struct object smtp = object_new();

	put_text(&smtp, "helo", e->helo);
	if (domain_too)
		put_text(&smtp, "rcpt_domain", e->rcpt_domain);
	if (full_recipient)
		put_text(&smtp, "recipient", e->recipient);
	put_text(&smtp, "mx_host", e->mx_host);
	put_text(&smtp, "starttls", e->starttls);
	put_text(&smtp, "server_reply", e->server_reply);
	put_object(b, "smtp", &smtp, false);
}

static void
put_policy(struct object *b, const struct event *e, bool domain_too)
{
	struct object policy = object_new();

	put_text(&policy, "policy_type", e->policy_type);
	if (domain_too)
		put_text(&policy, "policy_domain", e->policy_domain);
	put_text(&policy, "mode", e->policy_mode);
	put_text(&policy, "id", e->policy_id);
	put_text(&policy, "source", e->policy_source);
	if (e->policy_age_s != 0 || strcmp(e->policy_source, "cache") == 0)
		put_number(&policy, "age_s", e->policy_age_s);
	put_object(b, "policy", &policy, false);
}

/* One line of `dns` an element. */
static void
put_dns(struct object *b, const struct event *e)
{
	json_t *list = json_array();
	char line[EVENT_DNS_MAX + 1], text[EVENT_TEXT_MAX + 1];

	if (list == NULL)
		b->bad = true;
	for (const char *s = e->dns; *s != '\0';) {
		size_t len = strcspn(s, "\n"), kept = len < EVENT_DNS_MAX ? len : EVENT_DNS_MAX;

		memcpy(line, s, kept);
		line[kept] = '\0';
		s += len + (s[len] == '\n');
		if (kept > 0 && json_array_append_new(list,
		    json_stringn(text, escape_utf8(text, sizeof text, line))) != 0)
			b->bad = true;
	}
	if (json_array_size(list) > 0)
		put(b, "dns", list);
	else
		json_decref(list);
}

static json_t *
chain(const struct event *e)
{
	static const char digits[] = "0123456789abcdef";
	json_t *list = json_array();

	for (size_t i = 0; i < e->chain_len && i < EVENT_CHAIN_MAX; i++) {
		char hex[64];

		for (size_t k = 0; k < 32; k++) {
			hex[2 * k] = digits[e->chain_sha256[i][k] >> 4];
			hex[2 * k + 1] = digits[e->chain_sha256[i][k] & 15];
		}
		json_array_append_new(list, json_stringn(hex, sizeof hex));
	}
	if (json_array_size(list) < e->chain_len) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static void
put_dane(struct object *b, const struct event *e, bool domain_too)
{
	struct object dane;

	if (e->dane_state[0] == '\0')
		return;
	dane = object_new();
	put_text(&dane, "state", e->dane_state);
	put_text(&dane, "detail", e->dane_detail);
	if (domain_too) {
		put_text(&dane, "record", e->dane_record);
		put_text(&dane, "base", e->dane_base);
	}
	if (e->dane_record[0] != '\0')
		put_number(&dane, "depth", e->dane_depth);
	put_object(b, "dane", &dane, false);
}

static void
put_tls(struct object *b, const struct event *e, bool domain_too)
{
	struct object tls = object_new();
	char second[TIMESTAMP_SIZE];

	put_text(&tls, "version", e->tls_version);
	put_text(&tls, "cipher", e->tls_cipher);
	put_text(&tls, "sni", e->tls_sni);
	if (e->chain_len > 0)
		put(&tls, "chain_sha256", chain(e));
	if (e->tls_not_after != 0 && print_second(second, e->tls_not_after))
		put(&tls, "not_after", json_sprintf("%sZ", second));
	put_text(&tls, "subject", e->tls_subject);
	put_text(&tls, "issuer", e->tls_issuer);
	put_text(&tls, "names", e->tls_names);
	put_text(&tls, "detail", e->tls_detail);
	if (e->tls_resumed)
		put(&tls, "resumed", json_true());
	put_dane(&tls, e, domain_too);
	put_object(b, "tls", &tls, false);
}

/* The detail may name domains that use the address. */
static void
put_inspect(struct object *b, const struct event *e, bool domain_too)
{
	struct object inspect = object_new();

	put_text(&inspect, "outcome", e->inspect_outcome);
	put_text(&inspect, "reason_code", e->inspect_code);
	if (domain_too)
		put_text(&inspect, "detail", e->inspect_detail);
	put_object(b, "inspect", &inspect, false);
}

static void
put_times(struct object *b, const struct event *e)
{
	struct object times = object_new();

	put_number(&times, "policy", e->policy_ms);
	put_number(&times, "connect", e->connect_ms);
	put_number(&times, "tls", e->tls_ms);
	put_number(&times, "added", e->added_ms);
	put_object(b, "time_ms", &times, true);
}

static void
put_session(struct object *b, const struct event *e)
{
	struct object session = object_new();

	put_text(&session, "action", e->action);
	put_text(&session, "ended_by", e->ended_by);
	put_text(&session, "reason", e->reason[0] != '\0' ? e->reason : e->detail);
	if (strcmp(e->action, "opened") != 0) {
		put_number(&session, "bytes_in", e->bytes_in);
		put_number(&session, "bytes_out", e->bytes_out);
		if (strcmp(e->inspect_outcome, "end-to-end") != 0)	/* there nobody counts */
			put_number(&session, "messages", e->messages);
		put_number(&session, "duration_ms", e->duration_ms);
	}
	put_object(b, "session", &session, true);
}

/* {"event_type":"policy","policy":{"action":...,"policy_domain":...},"detail":...} and its kin. */
static void
put_notice(struct object *b, const struct event *e)
{
	struct object notice = object_new();
	bool policy = e->type == EVENT_POLICY;

	put_text(&notice, "action", e->action);
	put_text(&notice, policy ? "policy_domain" : "domain", e->domain);
	if (e->alarm)
		put(&notice, "alarm", json_true());
	put_object(b, event_type_name(e->type), &notice, true);
}

/* New reference; NULL when out of memory. */
static json_t *
event_json(const struct event *e, bool full_recipient, bool domain_too)
{
	struct object b = object_new();
	bool notice = e->type != EVENT_DECISION && e->type != EVENT_SESSION;

	put_timestamp(&b, e->time_us);
	put(&b, "v", json_integer(1));
	put(&b, "event_type", json_string(event_type_name(e->type)));
	put_text(&b, "id", e->id);
	put_text(&b, "session_id", e->session_id);
	put_text(&b, "path", e->path);
	put_address(&b, "src_ip", "src_port", &e->src);
	put_address(&b, "dest_ip", "dest_port", &e->dest);
	if (e->type == EVENT_DECISION) {
		put_decision(&b, e, domain_too);
		put_smtp(&b, e, full_recipient, domain_too);
		put_policy(&b, e, domain_too);
		if (domain_too && e->dns[0] != '\0')
			put_dns(&b, e);
		put_tls(&b, e, domain_too);
		put_inspect(&b, e, domain_too);
		put_times(&b, e);
	} else if (e->type == EVENT_SESSION) {
		put_session(&b, e);
		put_smtp(&b, e, full_recipient, domain_too);
		put_tls(&b, e, domain_too);
		put_inspect(&b, e, domain_too);
	}
	if (notice)
		put_notice(&b, e);
	if (e->type != EVENT_SESSION || e->reason[0] != '\0')
		put_text(&b, "detail", e->detail);
	if (b.bad) {
		json_decref(b.o);
		return NULL;
	}
	return b.o;
}

#endif
