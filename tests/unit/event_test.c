/* event_test.c - an event's line for humans, its escapes, and its wire form
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/wire.h"
#include "record/escape.h"
#include "tests/unit/event_example.h"

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
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = "K7Q2-M4XD";
	e.verdict = "pass";
	e.mx_host = "mx.a.example";
	e.result_type = "success";
	e.policy_type = "tlsa";
	e.tls_version = "TLSv1.3";
	line_is(&e, "K7Q2-M4XD pass via mx.a.example: success (tlsa), TLSv1.3");
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
		{ "\x7f", "\\x7f", "\\x7f" },
		{ "abc\"d\x7f" "fgh\\", "abc\"d\\x7f" "fgh\\", "abc\"d\\x7f" "fgh\\" },
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

/* No peer may write more than a worker of ours does, in any string. */
static void
too_long_on_the_wire_is_malformed(void **state)
{
	static unsigned char wire[WIRE_MESSAGE_MAX];
	static char text[2 * EVENT_DNS_MAX];
	struct event e, back;
	struct wire_writer w;
	size_t len, at;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = e.domain = e.dns = text;
	len = event_encode(wire, sizeof wire, &e);
	assert_true(event_decode(wire, len, &back));
	assert_int_equal(strlen(back.id), EVENT_TEXT_MAX + 8);
	at = (size_t)((const unsigned char *)back.id - wire) - 2;
	for (size_t more = 0; more < 2; more++) {	/* the id again, longer by that */
		unsigned char *behind = wire + at + 2 + EVENT_TEXT_MAX + 8 + 1;

		memmove(behind + more, behind, len - (size_t)(behind - wire));
		wire_write(&w, wire + at, EVENT_TEXT_MAX + 8 + more + 3);
		text[EVENT_TEXT_MAX + 8 + more] = '\0';
		wire_put_string(&w, text);
		text[EVENT_TEXT_MAX + 8 + more] = 'x';
		assert_true(event_decode(wire, len + more, &back) == (more == 0));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_for_humans),
		cmocka_unit_test(lines_of_inspect),
		cmocka_unit_test(text_is_escaped_and_capped),
		cmocka_unit_test(dns_is_cut_at_a_line),
		cmocka_unit_test(the_wire_form_comes_back),
		cmocka_unit_test(too_long_on_the_wire_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
