/* event_text.c - an event as the JSON object of INTERFACE.md, written as text
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members are put in the order in which INTERFACE.md shows them; what is absent is left out. */
#include "record/event.h"

#include <assert.h>
#include <string.h>

#include "record/digits.h"
#include "record/json_text.h"

#define SECOND_US 1000000u
#define MICROSECOND_DIGITS 6

_Static_assert(EVENT_TEXT_MAX == JSON_TEXT_MAX, "the cap that event.h promises");

/* What log.recipients lets be seen. */
enum who { ALL = 0, DOMAIN = 1, RECIPIENT = 2 };

struct member {
	struct json_key key;
	size_t offset;			/* of a string of struct event */
	enum who who;
};

static const struct member head[] = {
	{ JSON_KEY("id"), offsetof(struct event, id), ALL },
	{ JSON_KEY("session_id"), offsetof(struct event, session_id), ALL },
	{ JSON_KEY("path"), offsetof(struct event, path), ALL },
}, decision[] = {
	{ JSON_KEY("verdict"), offsetof(struct event, verdict), ALL },
	{ JSON_KEY("mode"), offsetof(struct event, mode), ALL },
	{ JSON_KEY("result_type"), offsetof(struct event, result_type), ALL },
	{ JSON_KEY("reason_code"), offsetof(struct event, reason_code), ALL },
	{ JSON_KEY("reason"), offsetof(struct event, reason), ALL },
	{ JSON_KEY("reply"), offsetof(struct event, reply), DOMAIN },
}, smtp[] = {
	{ JSON_KEY("helo"), offsetof(struct event, helo), ALL },
	{ JSON_KEY("rcpt_domain"), offsetof(struct event, rcpt_domain), DOMAIN },
	{ JSON_KEY("recipient"), offsetof(struct event, recipient), RECIPIENT },
	{ JSON_KEY("mx_host"), offsetof(struct event, mx_host), ALL },
	{ JSON_KEY("starttls"), offsetof(struct event, starttls), ALL },
	{ JSON_KEY("server_reply"), offsetof(struct event, server_reply), ALL },
}, policy[] = {
	{ JSON_KEY("policy_type"), offsetof(struct event, policy_type), ALL },
	{ JSON_KEY("policy_domain"), offsetof(struct event, policy_domain), DOMAIN },
	{ JSON_KEY("mode"), offsetof(struct event, policy_mode), ALL },
	{ JSON_KEY("id"), offsetof(struct event, policy_id), ALL },
	{ JSON_KEY("source"), offsetof(struct event, policy_source), ALL },
}, tls_session[] = {
	{ JSON_KEY("version"), offsetof(struct event, tls_version), ALL },
	{ JSON_KEY("cipher"), offsetof(struct event, tls_cipher), ALL },
	{ JSON_KEY("sni"), offsetof(struct event, tls_sni), ALL },
}, tls_server[] = {
	{ JSON_KEY("subject"), offsetof(struct event, tls_subject), ALL },
	{ JSON_KEY("issuer"), offsetof(struct event, tls_issuer), ALL },
	{ JSON_KEY("names"), offsetof(struct event, tls_names), ALL },
	{ JSON_KEY("detail"), offsetof(struct event, tls_detail), ALL },
}, dane[] = {
	{ JSON_KEY("state"), offsetof(struct event, dane_state), ALL },
	{ JSON_KEY("detail"), offsetof(struct event, dane_detail), ALL },
	{ JSON_KEY("record"), offsetof(struct event, dane_record), DOMAIN },
	{ JSON_KEY("base"), offsetof(struct event, dane_base), DOMAIN },
}, inspect[] = {	/* the detail may name domains that use the address */
	{ JSON_KEY("outcome"), offsetof(struct event, inspect_outcome), ALL },
	{ JSON_KEY("reason_code"), offsetof(struct event, inspect_code), ALL },
	{ JSON_KEY("detail"), offsetof(struct event, inspect_detail), DOMAIN },
}, session[] = {
	{ JSON_KEY("action"), offsetof(struct event, action), ALL },
	{ JSON_KEY("ended_by"), offsetof(struct event, ended_by), ALL },
};
#define LEN(members) (sizeof(members) / sizeof((members)[0]))
#define KEY(name) ((struct json_key)JSON_KEY(name))
#define ELEMENT ((struct json_key)JSON_ELEMENT)

static void
put_members(struct text *t, const struct event *e, const struct member *m, size_t len,
    unsigned shown)
{
	for (size_t i = 0; i < len; i++) {
		const char *s;

		memcpy(&s, (const unsigned char *)e + m[i].offset, sizeof s);
		if (s[0] != '\0' && (m[i].who & ~shown) == 0)
			json_text_string(t, m[i].key, s);
	}
}

/* An object of strings alone. */
static void
put_object(struct text *t, struct json_key key, const struct event *e, const struct member *m,
    size_t len, unsigned shown)
{
	size_t opened = json_text_open(t, key, '{');

	put_members(t, e, m, len, shown);
	json_text_close(t, opened, '}', false);
}

static void
put_timestamp(struct text *t, uint64_t us)
{
	char text[DIGITS_SECOND_SIZE + MICROSECOND_DIGITS + 2], *to = text;
	uint64_t second = us / SECOND_US;

	if (second > (uint64_t)DIGITS_LAST_SECOND)
		second = (uint64_t)DIGITS_LAST_SECOND;
	to = digits_second(to, (int64_t)second);
	*to++ = '.';
	to = digits_padded(to, us % SECOND_US, MICROSECOND_DIGITS);
	*to++ = 'Z';
	json_text_plain(t, KEY("timestamp"), text, (size_t)(to - text));
}

static void
put_address(struct text *t, struct json_key ip, struct json_key port, const struct address *a)
{
	char text[ADDRESS_TEXT_SIZE];

	if (a->port == 0)
		return;
	json_text_plain(t, ip, text, (size_t)(digits_ip(text, &a->ip) - text));
	json_text_number(t, port, a->port);
}

static void
put_policy(struct text *t, const struct event *e, unsigned shown)
{
	size_t opened = json_text_open(t, KEY("policy"), '{');

	put_members(t, e, policy, LEN(policy), shown);
	if (e->policy_age_s != 0 || strcmp(e->policy_source, "cache") == 0)
		json_text_number(t, KEY("age_s"), e->policy_age_s);
	json_text_close(t, opened, '}', false);
}

/* One line of `dns` an element. */
static void
put_dns(struct text *t, const struct event *e)
{
	size_t opened = json_text_open(t, KEY("dns"), '[');
	char line[EVENT_DNS_MAX + 1];

	for (const char *s = e->dns; *s != '\0';) {
		size_t len = strcspn(s, "\n"), kept = len < EVENT_DNS_MAX ? len : EVENT_DNS_MAX;

		memcpy(line, s, kept);
		line[kept] = '\0';
		s += len + (s[len] == '\n');
		json_text_string(t, ELEMENT, line);
	}
	json_text_close(t, opened, ']', false);
}

static void
put_chain(struct text *t, const struct event *e)
{
	char hex[2 * sizeof e->chain_sha256[0]];
	size_t opened = json_text_open(t, KEY("chain_sha256"), '[');

	assert(e->chain_len <= EVENT_CHAIN_MAX);
	for (size_t i = 0; i < e->chain_len; i++) {
		digits_hex(hex, e->chain_sha256[i], sizeof e->chain_sha256[i]);
		json_text_plain(t, ELEMENT, hex, sizeof hex);
	}
	json_text_close(t, opened, ']', false);
}

static void
put_not_after(struct text *t, int64_t second)
{
	char text[DIGITS_SECOND_SIZE + 1], *to;

	if (second <= 0 || second > DIGITS_LAST_SECOND)
		return;
	to = digits_second(text, second);
	*to++ = 'Z';
	json_text_plain(t, KEY("not_after"), text, (size_t)(to - text));
}

static void
put_dane(struct text *t, const struct event *e, unsigned shown)
{
	size_t opened;

	if (e->dane_state[0] == '\0')
		return;
	opened = json_text_open(t, KEY("dane"), '{');
	put_members(t, e, dane, LEN(dane), shown);
	if (e->dane_record[0] != '\0')
		json_text_number(t, KEY("depth"), e->dane_depth);
	json_text_close(t, opened, '}', false);
}

static void
put_tls(struct text *t, const struct event *e, unsigned shown)
{
	size_t opened = json_text_open(t, KEY("tls"), '{');

	put_members(t, e, tls_session, LEN(tls_session), shown);
	put_chain(t, e);
	put_not_after(t, e->tls_not_after);
	put_members(t, e, tls_server, LEN(tls_server), shown);
	if (e->tls_resumed)
		json_text_true(t, KEY("resumed"));
	put_dane(t, e, shown);
	json_text_close(t, opened, '}', false);
}

static void
put_times(struct text *t, const struct event *e)
{
	size_t opened = json_text_open(t, KEY("time_ms"), '{');

	json_text_number(t, KEY("policy"), e->policy_ms);
	json_text_number(t, KEY("connect"), e->connect_ms);
	json_text_number(t, KEY("tls"), e->tls_ms);
	json_text_number(t, KEY("added"), e->added_ms);
	json_text_close(t, opened, '}', true);
}

static void
put_session(struct text *t, const struct event *e)
{
	size_t opened = json_text_open(t, KEY("session"), '{');

	put_members(t, e, session, LEN(session), ALL);
	json_text_string(t, KEY("reason"), e->reason[0] != '\0' ? e->reason : e->detail);
	if (strcmp(e->action, "opened") != 0) {
		json_text_number(t, KEY("bytes_in"), e->bytes_in);
		json_text_number(t, KEY("bytes_out"), e->bytes_out);
		if (strcmp(e->inspect_outcome, "end-to-end") != 0)	/* there nobody counts */
			json_text_number(t, KEY("messages"), e->messages);
		json_text_number(t, KEY("duration_ms"), e->duration_ms);
	}
	json_text_close(t, opened, '}', true);
}

static struct json_key
notice_key(enum event_type type)
{
	switch (type) {
	case EVENT_POLICY:
		return KEY("policy");
	case EVENT_RULES:
		return KEY("rules");
	case EVENT_CONFIG:
		return KEY("config");
	case EVENT_HEALTH:
		return KEY("health");
	case EVENT_REPORT:
	case EVENT_DECISION:
	case EVENT_SESSION:
		break;
	}
	return KEY("report");
}

/* {"event_type":"policy","policy":{"action":...,"policy_domain":...},"detail":...} and its kin. */
static void
put_notice(struct text *t, const struct event *e)
{
	size_t opened = json_text_open(t, notice_key(e->type), '{');

	json_text_string(t, KEY("action"), e->action);
	json_text_string(t, e->type == EVENT_POLICY ? KEY("policy_domain") : KEY("domain"),
	    e->domain);
	if (e->alarm)
		json_text_true(t, KEY("alarm"));
	json_text_close(t, opened, '}', true);
}

static void
put_decision(struct text *t, const struct event *e, unsigned shown)
{
	size_t opened = json_text_open(t, KEY("decision"), '{');

	put_members(t, e, decision, LEN(decision), shown);
	json_text_close(t, opened, '}', true);
	put_object(t, KEY("smtp"), e, smtp, LEN(smtp), shown);
	put_policy(t, e, shown);
	if ((shown & DOMAIN) != 0 && e->dns[0] != '\0')
		put_dns(t, e);
	put_tls(t, e, shown);
	put_object(t, KEY("inspect"), e, inspect, LEN(inspect), shown);
	put_times(t, e);
}

bool
event_text(struct text *t, const struct event *e, bool full_recipient, bool domain_too)
{
	unsigned shown = (full_recipient ? RECIPIENT : 0u) | (domain_too ? DOMAIN : 0u);
	size_t start = t->len;

	text_add(t, "{", 1);
	put_timestamp(t, e->time_us);
	json_text_number(t, KEY("v"), 1);
	json_text_string(t, KEY("event_type"), event_type_name(e->type));
	put_members(t, e, head, LEN(head), shown);
	put_address(t, KEY("src_ip"), KEY("src_port"), &e->src);
	put_address(t, KEY("dest_ip"), KEY("dest_port"), &e->dest);
	if (e->type == EVENT_DECISION) {
		put_decision(t, e, shown);
	} else if (e->type == EVENT_SESSION) {
		put_session(t, e);
		put_object(t, KEY("smtp"), e, smtp, LEN(smtp), shown);
		put_tls(t, e, shown);
		put_object(t, KEY("inspect"), e, inspect, LEN(inspect), shown);
	} else {
		put_notice(t, e);
	}
	if (e->type != EVENT_SESSION || e->reason[0] != '\0')
		json_text_string(t, KEY("detail"), e->detail);
	text_add(t, "}", 1);
	if (!t->bad)
		return true;
	text_cut(t, start);
	return false;
}
