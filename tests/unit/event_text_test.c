/* event_text_test.c - the JSON form of an event, octet for octet
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/digits.h"
#include "record/escape.h"
#include "tests/unit/event_example.h"
#include "tests/unit/event_reference.h"

/* The text, malloc'd; it is what jansson would write. */
static char *
text_of(const struct event *e, bool full, bool domain)
{
	json_t *o = event_json(e, full, domain);
	char *wanted = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	struct text t = { 0 };

	assert_true(event_text(&t, e, full, domain));
	text_add(&t, "", 1);
	assert_non_null(wanted);
	assert_string_equal(t.p, wanted);
	free(wanted);
	json_decref(o);
	return t.p;
}

/* The same, read back. */
static json_t *
object_of(const struct event *e, bool full, bool domain)
{
	char *text = text_of(e, full, domain);
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	free(text);
	return o;
}

static void
json_is(const struct event *e, bool full, bool domain, const char *wanted)
{
	char *text = text_of(e, full, domain);

	assert_string_equal(text, wanted);
	free(text);
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
	o = object_of(&e, true, true);
	assert_null(json_object_get(json_object_get(o, "session"), "messages"));	/* unseen */
	json_decref(o);
	e.inspect_outcome = "ended-here";
	e.inspect_code = "unmapped";
	e.inspect_detail = "a.example and b.example";
	o = object_of(&e, true, true);
	assert_non_null(json_object_get(json_object_get(o, "session"), "messages"));
	inspect = json_dumps(json_object_get(o, "inspect"), JSON_COMPACT);
	assert_string_equal(inspect, "{\"outcome\":\"ended-here\",\"reason_code\":\"unmapped\","
	    "\"detail\":\"a.example and b.example\"}");
	free(inspect);
	json_decref(o);
	o = object_of(&e, false, false);		/* recipients: none */
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
		json_t *o = object_of(&e, true, true), *dns = json_object_get(o, "dns");

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
	json_t *o = object_of(&e, true, true);
	assert_int_equal(json_string_length(json_array_get(json_object_get(o, "dns"), 0)),
	    EVENT_TEXT_MAX);
	json_decref(o);
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

/* Every text in every place: the same octets as jansson's. */
static void
the_text_is_what_jansson_writes(void **state)
{
	static char long_text[1100], long_dns[EVENT_DNS_MAX + 1];
	static const char *const texts[] = {
		"plain", "a \"quoted\\ one\"", "/</script>", "tab\there\nline", "\x7f\x1f\x01",
		"12345678\"", "1234567\\", "\xc3\xa9", "\xe2\x82\xac 5", "\xf0\x9f\x98\x80!",
		"\xf4\x8f\xbf\xbf", "\xef\xbf\xbd", "\xc2\xa0", "\xff\xfe", "\xe2\x80\xae",
		"caf\xc3\xa9 \"\xf0\x9f\x98\x80\" \\ \x1b[31m", "\x80", long_text, "12345678",
	};
	struct event e;

	(void)state;
	memset(long_dns, '\n', EVENT_DNS_MAX);
	for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
		for (size_t len = 1000; texts[n] == long_text && len < sizeof long_text; len++) {
			memset(long_text, len % 2 == 0 ? 'x' : '"', len);
			event_clear(&e);
			e.type = EVENT_HEALTH;
			e.detail = e.action = long_text;
			free(text_of(&e, true, true));
		}
		example(&e);
		e.id = e.session_id = e.path = e.verdict = e.mode = e.result_type = texts[n];
		e.reason_code = e.reason = e.reply = e.helo = e.rcpt_domain = texts[n];
		e.recipient = e.mx_host = e.starttls = e.server_reply = e.policy_type = texts[n];
		e.policy_domain = e.policy_mode = e.policy_id = e.policy_source = texts[n];
		e.tls_version = e.tls_cipher = e.tls_sni = e.tls_detail = texts[n];
		e.tls_subject = e.tls_issuer = e.tls_names = e.inspect_outcome = texts[n];
		e.inspect_code = e.inspect_detail = e.dane_state = e.dane_detail = texts[n];
		e.dane_record = e.dane_base = e.action = e.ended_by = e.detail = texts[n];
		e.domain = texts[n];
		memcpy(long_dns + 17, texts[n], strnlen(texts[n], 1024));
		e.dns = long_dns;
		e.alarm = e.tls_resumed = true;
		for (int type = EVENT_DECISION; type <= EVENT_REPORT; type++) {
			e.type = (enum event_type)type;
			free(text_of(&e, true, true));
			free(text_of(&e, false, true));
			free(text_of(&e, false, false));
		}
	}
}

/* No octet hides among plain ones, wherever it stands. */
static void
each_octet_in_each_place(void **state)
{
	char text[] = "abcdefghijk", wanted[32], got[64];
	struct event e;

	(void)state;
	event_clear(&e);
	e.type = EVENT_HEALTH;
	e.detail = text;
	for (int octet = 1; octet < 256; octet++) {
		for (size_t i = 0; i < sizeof text - 1; i++) {
			char was = text[i];

			text[i] = (char)octet;
			free(text_of(&e, true, true));
			if (octet >= 0x20 && octet < 0x7f)
				memcpy(wanted, text, sizeof text);
			else
				snprintf(wanted, sizeof wanted, "%.*s\\x%02x%s", (int)i, text,
				    (unsigned)octet, text + i + 1);
			escape_ascii(got, sizeof got, text);
			assert_string_equal(got, wanted);
			text[i] = was;
		}
	}
}

/* Leap years, ends of months and of RFC 3339, beside the C library's calendar. */
static void
moments_in_figures(void **state)
{
	static const int64_t some[] = { 0, 951782399, 951782400, 951868800, 4107542399,
		4107542400, 1798588800, 13574563199, DIGITS_LAST_SECOND - 1, DIGITS_LAST_SECOND };
	char wanted[TIMESTAMP_SIZE], got[DIGITS_SECOND_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof some / sizeof some[0] + 60000; i++) {
		int64_t second = i < sizeof some / sizeof some[0] ? some[i] :
		    (int64_t)i * 4222819 % DIGITS_LAST_SECOND;

		assert_true(print_second(wanted, second));
		*digits_second(got, second) = '\0';
		assert_string_equal(got, wanted);
	}
}

static void
numbers_and_addresses_in_figures(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 9, 10, 99, 100, 65535, INT64_MAX, UINT64_MAX };
	static const char *const ips[] = { "0.0.0.0", "10.20.3.7", "255.255.255.255", "::",
		"::1", "2001:db8::1", "fe80:1234:5678:9abc:def0:1234:5678:9abc" };
	char wanted[ADDRESS_TEXT_SIZE], got[ADDRESS_TEXT_SIZE];
	struct address a;

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)numbers[i]);
		*digits_number(got, numbers[i]) = '\0';
		assert_string_equal(got, wanted);
	}
	for (size_t i = 0; i < sizeof ips / sizeof ips[0]; i++) {
		assert_true(address_parse_ip(&a.ip, ips[i], strlen(ips[i])));
		a.port = (uint16_t)(i * 10922);
		*digits_ip(got, &a.ip) = '\0';
		assert_string_equal(got, ips[i]);
		address_print(&a, wanted);
		*digits_address(got, &a) = '\0';
		assert_string_equal(got, wanted);
	}
	digits_padded(got, 42, 6)[0] = '\0';
	assert_string_equal(got, "000042");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_of_a_decision),
		cmocka_unit_test(json_of_inspect),
		cmocka_unit_test(json_of_dane),
		cmocka_unit_test(dns_lines),
		cmocka_unit_test(json_of_other_events),
		cmocka_unit_test(the_text_is_what_jansson_writes),
		cmocka_unit_test(each_octet_in_each_place),
		cmocka_unit_test(moments_in_figures),
		cmocka_unit_test(numbers_and_addresses_in_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
