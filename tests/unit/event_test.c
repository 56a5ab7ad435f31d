/* event_test.c - the three forms of an event
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/wire.h"
#include "record/escape.h"

/* The example of INTERFACE.md. */
static void
example(struct event *e)
{
	event_clear(e);
	e->type = EVENT_DECISION;
	e->time_us = 1795269739418233;
	e->id = "K7Q2-M4XD";
	e->session_id = "01JD7000000000000000000000";
	e->path = "upgrade";
	assert_true(address_parse(&e->src, "10.20.3.7", 9, 51422));
	assert_true(address_parse(&e->dest, "203.0.113.9", 11, 25));
	e->verdict = "refuse";
	e->mode = "enforce";
	e->result_type = "certificate-host-mismatch";
	e->reason_code = "name-mismatch";
	e->reason = "demands a certificate for mx.broken.example, got *.hoster.example";
	e->reply = "451 4.7.5 postern K7Q2-M4XD: broken.example demands";
	e->helo = "legacy.example.net";
	e->rcpt_domain = "broken.example";
	e->recipient = "joe@broken.example";
	e->mx_host = "mx.broken.example";
	e->starttls = "offered";
	e->policy_type = "sts";
	e->policy_domain = "broken.example";
	e->policy_mode = "enforce";
	e->policy_id = "7";
	e->policy_source = "cache";
	e->policy_age_s = 345600;
	e->tls_version = "TLSv1.3";
	e->tls_cipher = "TLS_AES_256_GCM_SHA384";
	e->tls_sni = "mx.broken.example";
	e->chain_len = 1;
	memset(e->chain_sha256[0], 0xab, 32);
	e->tls_not_after = 1798588800;
	e->policy_ms = 12;
	e->connect_ms = 31;
	e->tls_ms = 44;
	e->added_ms = 87;
}

static void
json_is(const struct event *e, bool full, bool domain, const char *wanted)
{
	json_t *o = event_json(e, full, domain);
	char *text = json_dumps(o, JSON_COMPACT);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(o);
}

/* The line for humans, whole or a part of it. */
static void
line_is(const struct event *e, const char *wanted)
{
	char line[512];

	event_line(e, line, sizeof line);
	assert_string_equal(line, wanted);
}

static void
line_has(const struct event *e, const char *part)
{
	char line[512];

	event_line(e, line, sizeof line);
	assert_non_null(strstr(line, part));
}

#define EPOCH "{\"timestamp\":\"1970-01-01T00:00:00.000000Z\",\"v\":1,"
#define SESSION "\"event_type\":\"session\",\"session_id\":\"01\",\"session\":{\"action\":"
#define HEAD "{\"timestamp\":\"2026-11-21T14:02:19.418233Z\",\"v\":1,\"event_type\":\"decision\"," \
	"\"id\":\"K7Q2-M4XD\",\"session_id\":\"01JD7000000000000000000000\"," \
	"\"path\":\"upgrade\",\"src_ip\":\"10.20.3.7\",\"src_port\":51422," \
	"\"dest_ip\":\"203.0.113.9\",\"dest_port\":25,\"decision\":{\"verdict\":\"refuse\"," \
	"\"mode\":\"enforce\",\"result_type\":\"certificate-host-mismatch\"," \
	"\"reason_code\":\"name-mismatch\"," \
	"\"reason\":\"demands a certificate for mx.broken.example, got *.hoster.example\""
#define REPLY ",\"reply\":\"451 4.7.5 postern K7Q2-M4XD: broken.example demands\""
#define TAIL "\"mode\":\"enforce\",\"id\":\"7\",\"source\":\"cache\",\"age_s\":345600}," \
	"\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\"," \
	"\"sni\":\"mx.broken.example\",\"chain_sha256\":[\"" \
	"abababababababababababababababababababababababababababababababab\"]," \
	"\"not_after\":\"2026-12-30T00:00:00Z\"}," \
	"\"time_ms\":{\"policy\":12,\"connect\":31,\"tls\":44,\"added\":87}}"

static void
json_of_a_decision(void **state)
{
	struct event e;

	(void)state;
	example(&e);
	json_is(&e, false, true, HEAD REPLY "},\"smtp\":{\"helo\":\"legacy.example.net\","
	    "\"rcpt_domain\":\"broken.example\",\"mx_host\":\"mx.broken.example\","
	    "\"starttls\":\"offered\"},\"policy\":{\"policy_type\":\"sts\","
	    "\"policy_domain\":\"broken.example\"," TAIL);
	json_is(&e, true, true, HEAD REPLY "},\"smtp\":{\"helo\":\"legacy.example.net\","
	    "\"rcpt_domain\":\"broken.example\",\"recipient\":\"joe@broken.example\","
	    "\"mx_host\":\"mx.broken.example\",\"starttls\":\"offered\"},"
	    "\"policy\":{\"policy_type\":\"sts\",\"policy_domain\":\"broken.example\"," TAIL);
	json_is(&e, false, false, HEAD "},\"smtp\":{\"helo\":\"legacy.example.net\","
	    "\"mx_host\":\"mx.broken.example\",\"starttls\":\"offered\"},"
	    "\"policy\":{\"policy_type\":\"sts\"," TAIL);
}

/* path: inspect: the MX's own TLS session, of which no recipient is known, and one ended here. */
static void
json_of_inspect(void **state)
{
	struct event e;
	char *inspect;
	json_t *o;

	(void)state;
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = "K7Q2-M4XD";
	e.path = "inspect";
	e.verdict = "pass";
	e.result_type = "success";
	e.mx_host = "mx.a.example";
	e.starttls = "offered";
	e.policy_type = "sts";
	e.tls_version = "TLSv1.2";
	e.inspect_outcome = "end-to-end";
	json_is(&e, true, true, EPOCH "\"event_type\":\"decision\","
	    "\"id\":\"K7Q2-M4XD\",\"path\":\"inspect\","
	    "\"decision\":{\"verdict\":\"pass\",\"result_type\":\"success\"},"
	    "\"smtp\":{\"mx_host\":\"mx.a.example\",\"starttls\":\"offered\"},"
	    "\"policy\":{\"policy_type\":\"sts\"},\"tls\":{\"version\":\"TLSv1.2\"},"
	    "\"inspect\":{\"outcome\":\"end-to-end\"},"
	    "\"time_ms\":{\"policy\":0,\"connect\":0,\"tls\":0,\"added\":0}}");
	e.type = EVENT_SESSION;
	e.id = "";
	e.action = "closed";
	e.messages = 3;
	o = event_json(&e, true, true);
	assert_null(json_object_get(json_object_get(o, "session"), "messages"));	/* unseen */
	json_decref(o);
	e.inspect_outcome = "ended-here";
	e.inspect_code = "unmapped";
	e.inspect_detail = "a.example and b.example";
	o = event_json(&e, true, true);
	assert_non_null(json_object_get(json_object_get(o, "session"), "messages"));
	inspect = json_dumps(json_object_get(o, "inspect"), JSON_COMPACT);
	assert_string_equal(inspect, "{\"outcome\":\"ended-here\",\"reason_code\":\"unmapped\","
	    "\"detail\":\"a.example and b.example\"}");
	free(inspect);
	json_decref(o);
	o = event_json(&e, false, false);		/* recipients: none */
	assert_int_equal(json_object_size(json_object_get(o, "inspect")), 2);
	json_decref(o);
}

/* A pass by DANE: what DNS answered, and which record the certificate met. */
static void
dane_example(struct event *e)
{
	event_clear(e);
	e->type = EVENT_DECISION;
	e->id = "K7Q2-M4XD";
	e->verdict = "pass";
	e->result_type = "success";
	e->mx_host = "mx.a.example";
	e->policy_type = "tlsa";
	e->policy_domain = "a.example";
	e->dns = "MX a.example: secure, 1 record\nTLSA _25._tcp.mx.a.example: secure, 2 records";
	e->tls_version = "TLSv1.3";
	e->dane_state = "ee";
	e->dane_record = "3 1 1 ab";
	e->dane_base = "mx.a.example";
}

static void
json_of_dane(void **state)
{
	struct event e;

	(void)state;
	dane_example(&e);
	json_is(&e, true, true, EPOCH "\"event_type\":\"decision\",\"id\":\"K7Q2-M4XD\","
	    "\"decision\":{\"verdict\":\"pass\",\"result_type\":\"success\"},"
	    "\"smtp\":{\"mx_host\":\"mx.a.example\"},"
	    "\"policy\":{\"policy_type\":\"tlsa\",\"policy_domain\":\"a.example\"},"
	    "\"dns\":[\"MX a.example: secure, 1 record\","
	    "\"TLSA _25._tcp.mx.a.example: secure, 2 records\"],"
	    "\"tls\":{\"version\":\"TLSv1.3\",\"dane\":{\"state\":\"ee\","
	    "\"record\":\"3 1 1 ab\",\"base\":\"mx.a.example\",\"depth\":0}},"
	    "\"time_ms\":{\"policy\":0,\"connect\":0,\"tls\":0,\"added\":0}}");
	e.dane_state = "unmatched";		/* no record, so no place where it was met */
	e.dane_detail = "no record matches";
	e.dane_record = e.dane_base = "";
	e.dns = "";
	json_is(&e, true, true, EPOCH "\"event_type\":\"decision\",\"id\":\"K7Q2-M4XD\","
	    "\"decision\":{\"verdict\":\"pass\",\"result_type\":\"success\"},"
	    "\"smtp\":{\"mx_host\":\"mx.a.example\"},"
	    "\"policy\":{\"policy_type\":\"tlsa\",\"policy_domain\":\"a.example\"},"
	    "\"tls\":{\"version\":\"TLSv1.3\",\"dane\":{\"state\":\"unmatched\","
	    "\"detail\":\"no record matches\"}},"
	    "\"time_ms\":{\"policy\":0,\"connect\":0,\"tls\":0,\"added\":0}}");
	dane_example(&e);			/* recipients: none */
	e.dane_state = "ta";
	e.dane_depth = 1;
	json_is(&e, false, false, EPOCH "\"event_type\":\"decision\",\"id\":\"K7Q2-M4XD\","
	    "\"decision\":{\"verdict\":\"pass\",\"result_type\":\"success\"},"
	    "\"smtp\":{\"mx_host\":\"mx.a.example\"},\"policy\":{\"policy_type\":\"tlsa\"},"
	    "\"tls\":{\"version\":\"TLSv1.3\",\"dane\":{\"state\":\"ta\",\"depth\":1}},"
	    "\"time_ms\":{\"policy\":0,\"connect\":0,\"tls\":0,\"added\":0}}");
	line_is(&e, "K7Q2-M4XD pass via mx.a.example: success (tlsa), TLSv1.3");
}

/* Each line is text from the network: escaped and capped by itself. Empty ones are left out. */
static void
dns_lines(void **state)
{
	static const struct {
		const char *dns;
		size_t len;
		const char *first, *last;
	} cases[] = {
		{ "", 0, NULL, NULL },
		{ "\n\n", 0, NULL, NULL },
		{ "a", 1, "a", "a" },
		{ "a\n", 1, "a", "a" },
		{ "\na\n\nb", 2, "a", "b" },
		{ "a\rb\n\xff", 2, "a\\x0db", "\\xff" },
	};
	static char longest[EVENT_DNS_MAX + 1];
	struct event e;

	(void)state;
	event_clear(&e);
	e.type = EVENT_DECISION;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		e.dns = cases[i].dns;
		json_t *o = event_json(&e, true, true), *dns = json_object_get(o, "dns");

		assert_int_equal(json_array_size(dns), cases[i].len);
		assert_true((dns == NULL) == (cases[i].len == 0));
		if (dns != NULL) {
			assert_string_equal(json_string_value(json_array_get(dns, 0)),
			    cases[i].first);
			assert_string_equal(json_string_value(json_array_get(dns,
			    cases[i].len - 1)), cases[i].last);
		}
		json_decref(o);
	}
	memset(longest, 'x', EVENT_DNS_MAX);
	e.dns = longest;
	json_t *o = event_json(&e, true, true);
	assert_int_equal(json_string_length(json_array_get(json_object_get(o, "dns"), 0)),
	    EVENT_TEXT_MAX);
	json_decref(o);
}

/* Of what is over EVENT_DNS_MAX no half line goes over the wire, and what is not is all there. */
static void
dns_is_cut_at_a_line(void **state)
{
	static char text[3 * EVENT_DNS_MAX];
	static unsigned char wire[WIRE_MESSAGE_MAX];
	static const struct {
		size_t line, lines, kept;	/* octets of each line with its newline */
	} cases[] = {
		{ 100, 3, 299 }, { 100, 100, 4099 - 100 }, { 4096, 1, 4095 }, { 4097, 1, 4096 },
		{ 4098, 1, 0 }, { 4097, 2, 4096 }, { 4098, 2, 0 }, { 1, 4096, 4095 },
	};
	struct event e, back;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = cases[i].line * cases[i].lines - 1;

		memset(text, 'x', len);
		for (size_t k = 1; k < cases[i].lines; k++)
			text[k * cases[i].line - 1] = '\n';
		text[len] = '\0';
		event_clear(&e);
		e.type = EVENT_DECISION;
		e.dns = text;
		len = event_encode(wire, sizeof wire, &e);
		assert_true(len > 0 && event_decode(wire, len, &back));
		assert_int_equal(strlen(back.dns), cases[i].kept);
		assert_memory_equal(back.dns, text, cases[i].kept);
	}
}

static void
json_of_other_events(void **state)
{
	struct event e;

	(void)state;
	event_clear(&e);
	e.type = EVENT_SESSION;
	e.session_id = "01";
	e.action = "closed";
	e.ended_by = "server";
	e.reason = "timeout";
	e.bytes_in = UINT64_MAX;
	e.bytes_out = 5;
	e.messages = 2;
	e.duration_ms = 1234;
	json_is(&e, false, true, EPOCH SESSION "\"closed\","
	    "\"ended_by\":\"server\",\"reason\":\"timeout\",\"bytes_in\":9223372036854775807,"
	    "\"bytes_out\":5,\"messages\":2,\"duration_ms\":1234}}");
	e.bytes_in = 0;
	e.reason = "";
	e.detail = "reset";
	json_is(&e, false, true, EPOCH SESSION "\"closed\","
	    "\"ended_by\":\"server\",\"reason\":\"reset\",\"bytes_in\":0,"
	    "\"bytes_out\":5,\"messages\":2,\"duration_ms\":1234}}");
	e.action = "opened";
	e.ended_by = e.detail = "";
	json_is(&e, false, true, EPOCH SESSION "\"opened\"}}");
	event_clear(&e);
	e.type = EVENT_POLICY;
	e.time_us = UINT64_MAX;
	e.action = "fetched";
	e.domain = "a.example";
	e.detail = "id 7";
	json_is(&e, false, false, "{\"timestamp\":\"9999-12-31T23:59:59.551615Z\",\"v\":1,"
	    "\"event_type\":\"policy\",\"policy\":{\"action\":\"fetched\","
	    "\"policy_domain\":\"a.example\"},\"detail\":\"id 7\"}");
	e.type = EVENT_HEALTH;
	e.time_us = 0;
	e.domain = "";
	e.alarm = true;
	json_is(&e, false, true, EPOCH "\"event_type\":\"health\","
	    "\"health\":{\"action\":\"fetched\",\"alarm\":true},\"detail\":\"id 7\"}");
}

static void
lines_for_humans(void **state)
{
	struct event e;
	char small[20];

	(void)state;
	example(&e);
	line_is(&e, "K7Q2-M4XD refuse 10.20.3.7 -> 203.0.113.9:25 broken.example via "
	    "mx.broken.example: certificate-host-mismatch (sts enforce): demands a certificate for "
	    "mx.broken.example, got *.hoster.example; not sent");
	assert_int_equal(event_line(&e, small, sizeof small), 19);
	assert_string_equal(small, "K7Q2-M4XD refuse 10");
	assert_int_equal(event_line(&e, small, 1), 0);
	e.verdict = "pass";
	e.result_type = "success";
	e.reason = "";
	e.policy_type = "no-policy-found";
	e.policy_mode = "";
	e.policy_source = "none";
	line_is(&e, "K7Q2-M4XD pass 10.20.3.7 -> 203.0.113.9:25 broken.example via "
	    "mx.broken.example: success (no-policy-found), TLSv1.3");
	e.inspect_outcome = "ended-here";
	e.inspect_code = "tls13-offered";
	line_has(&e, "(no-policy-found), TLSv1.3; TLS ended here: tls13-offered");
	e.inspect_outcome = e.inspect_code = "";
	e.verdict = "would-refuse";
	e.mx_host = "mx\r\n\x1b[31m\xff";
	line_has(&e, "via mx\\x0d\\x0a\\x1b[31m\\xff: ");
	line_has(&e, "; sent all the same");
	event_clear(&e);
	e.type = EVENT_POLICY;
	e.action = "refresh-failed";
	e.domain = "a.example";
	e.detail = "timeout";
	line_is(&e, "policy refresh-failed a.example: timeout");
}

static void
lines_of_inspect(void **state)
{
	struct event e;

	(void)state;
	example(&e);
	e.path = "inspect";
	e.verdict = "pass";
	e.result_type = "success";
	e.reason = "got the certificate it demands";
	e.rcpt_domain = "";
	e.tls_version = "TLSv1.2";
	e.inspect_outcome = "end-to-end";
	line_is(&e, "K7Q2-M4XD pass 10.20.3.7 -> 203.0.113.9:25 via "
	    "mx.broken.example: success (sts enforce): got the certificate it demands, TLSv1.2, "
	    "end to end");
	event_clear(&e);
	e.type = EVENT_SESSION;
	e.session_id = "01";
	e.action = "closed";
	e.ended_by = "client";
	e.detail = "quit";
	e.inspect_outcome = "end-to-end";
	e.bytes_in = UINT64_MAX;
	line_is(&e, "session 01 closed by client: quit, end to end; "
	    "18446744073709551615 octets in, 0 out, 0 ms");
	e.inspect_outcome = "ended-here";
	e.inspect_code = "not-\x1b[31m";
	line_is(&e, "session 01 closed by client: quit; TLS ended here: "
	    "not-\\x1b[31m; 0 messages, 0 ms");
}

static void
text_is_escaped_and_capped(void **state)
{
	static const struct {
		const char *in, *utf8, *ascii;
	} cases[] = {
		{ "", "", "" },
		{ "a\\b", "a\\b", "a\\b" },
		{ "a\nb\x7f", "a\\x0ab\\x7f", "a\\x0ab\\x7f" },
		{ "\xc3\xa9", "\xc3\xa9", "\\xc3\\xa9" },
		{ "\xc3", "\\xc3", "\\xc3" },				/* cut short */
		{ "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },		/* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\xe0\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80" },	/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\\xf0\\x9f\\x98\\x80" },
		{ "\xc2\x9b", "\\u{9b}", "\\xc2\\x9b" },		/* C1: CSI */
		{ "\xe2\x80\xae", "\\u{202e}", "\\xe2\\x80\\xae" },	/* right to left */
	};
	char out[64], small[10];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(escape_utf8(out, sizeof out, cases[i].in),
		    strlen(cases[i].utf8));
		assert_string_equal(out, cases[i].utf8);
		escape_ascii(out, sizeof out, cases[i].in);
		assert_string_equal(out, cases[i].ascii);
	}
	escape_utf8(small, sizeof small, "123456789");
	assert_string_equal(small, "123456789");
	escape_utf8(small, sizeof small, "1234567890");
	assert_string_equal(small, "123456...");
	escape_utf8(small, sizeof small, "12345\xc3\xa9\xc3\xa9\xc3\xa9");
	assert_string_equal(small, "12345...");
	escape_utf8(small, sizeof small, "\x01\x01\x01");
	assert_string_equal(small, "\\x01...");
}

static void
the_wire_form_comes_back(void **state)
{
	unsigned char a[WIRE_MESSAGE_MAX], b[WIRE_MESSAGE_MAX];
	struct event e, back;
	size_t len;

	(void)state;
	example(&e);
	e.alarm = e.tls_resumed = true;
	e.inspect_outcome = "ended-here";
	e.inspect_code = "unmapped";
	e.inspect_detail = "nobody";
	e.dns = "a\nb";
	e.dane_state = "ta";
	e.dane_detail = "d";
	e.dane_record = "2 0 1 ab";
	e.dane_base = "mx.broken.example";
	e.dane_depth = 2;
	e.tls_not_after = -5;
	e.bytes_in = 3;
	e.bytes_out = 4;
	len = event_encode(a, sizeof a, &e);
	assert_true(len > 0);
	assert_true(event_decode(a, len, &back));
	assert_string_equal(back.recipient, "joe@broken.example");
	assert_string_equal(back.domain, "");
	assert_string_equal(back.inspect_outcome, "ended-here");
	assert_string_equal(back.inspect_code, "unmapped");
	assert_string_equal(back.inspect_detail, "nobody");
	assert_string_equal(back.dns, "a\nb");
	assert_string_equal(back.dane_state, "ta");
	assert_string_equal(back.dane_detail, "d");
	assert_string_equal(back.dane_record, "2 0 1 ab");
	assert_string_equal(back.dane_base, "mx.broken.example");
	assert_int_equal(back.dane_depth, 2);
	assert_true(back.alarm && back.tls_resumed && back.tls_not_after == -5);
	assert_true(back.bytes_in == 3 && back.bytes_out == 4);
	assert_int_equal(event_encode(b, sizeof b, &back), len);
	assert_memory_equal(a, b, len);
	for (size_t cut = 0; cut < len; cut++)
		assert_false(event_decode(a, cut, &back));
	assert_false(event_decode(a, len + 1, &back));
	assert_int_equal(event_encode(b, len - 1, &e), 0);
	e.chain_len = 0;
	len = event_encode(b, sizeof b, &e);
	b[len - 1] = EVENT_CHAIN_MAX + 1;	/* with its digests, one too many */
	memset(b + len, 0, 32 * (EVENT_CHAIN_MAX + 1));
	assert_false(event_decode(b, len + 32 * (EVENT_CHAIN_MAX + 1), &back));
	len = event_encode(b, sizeof b, &e);
	assert_true(event_decode(b, len, &back));
	b[0] = EVENT_REPORT + 1;
	assert_false(event_decode(b, len, &back));
	b[0] = 0;
	assert_false(event_decode(b, len, &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_of_a_decision),
		cmocka_unit_test(json_of_inspect),
		cmocka_unit_test(json_of_dane),
		cmocka_unit_test(dns_lines),
		cmocka_unit_test(dns_is_cut_at_a_line),
		cmocka_unit_test(json_of_other_events),
		cmocka_unit_test(lines_for_humans),
		cmocka_unit_test(lines_of_inspect),
		cmocka_unit_test(text_is_escaped_and_capped),
		cmocka_unit_test(the_wire_form_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
