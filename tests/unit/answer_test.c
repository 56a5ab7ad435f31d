/* answer_test.c - DNS answer packets, as resolvers send them and as attackers would
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/answer.h"

#define HEAD(flags, an, ns, ar) "\0\7" flags "\0\1\0" an "\0" ns "\0" ar
#define NAME "\1a\7example\0"
#define ASK(type) NAME "\0" type "\0\1"
#define RR(owner, type, ttl, len) owner "\0" type "\0\1\0\0\0" ttl "\0" len
#define SELF "\xc0\x0c"
#define SOA RR(SELF, "\6", "\x50", "\x16") "\0\0" "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x3c"

static struct answer a;

static void
parse(const char *packet, size_t len, enum answer_type type)
{
	answer_parse(&a, packet, len, "a.example", type);
}

#define PARSE(type, packet) parse(packet, sizeof(packet) - 1, type)

static void
mx_with_compression(void **state)
{
	(void)state;
	PARSE(ANSWER_MX, HEAD("\x81\xa0", "\2", "\0", "\0") ASK("\xf")
	    RR(SELF, "\xf", "\x3c", "\7") "\0\xa" "\2MX" SELF
	    RR(SELF, "\xf", "\x1e", "\x3") "\0\0\0");
	assert_int_equal(a.state, ANSWER_OK);
	assert_true(a.secure);
	assert_int_equal(a.ttl, 30);
	assert_int_equal(a.records_len, 2);
	assert_string_equal(a.records[0].text, "mx.a.example");
	assert_int_equal(a.records[0].preference, 10);
	assert_string_equal(a.records[1].text, "");
}

static void
txt_strings_are_joined(void **state)	/* R8 */
{
	(void)state;
	PARSE(ANSWER_TXT, HEAD("\x81\x80", "\2", "\0", "\0") ASK("\x10")
	    RR(SELF, "\x10", "\x3c", "\xf") "\x8v=STSv1;\5 id=7"
	    RR(SELF, "\x10", "\x3c", "\1") "\0");
	assert_int_equal(a.records_len, 2);
	assert_string_equal(a.records[0].text, "v=STSv1; id=7");
	assert_int_equal(a.records[1].len, 0);
	assert_false(a.secure);
}

static void
aliases_are_followed(void **state)	/* R9 */
{
	(void)state;
	PARSE(ANSWER_A, HEAD("\x81\x80", "\3", "\0", "\0") ASK("\1")
	    RR("\1c\0", "\1", "\x3c", "\4") "\xc0\0\2\1"
	    RR("\1b\0", "\5", "\xa", "\3") "\1c\0"
	    RR(SELF, "\5", "\x14", "\3") "\1b\0");
	assert_int_equal(a.state, ANSWER_OK);
	assert_string_equal(a.name, "c");
	assert_int_equal(a.ttl, 10);
	/* A record for another name is none of ours. */
	PARSE(ANSWER_A, HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1")
	    RR("\1x\0", "\1", "\x3c", "\4") "\xc0\0\2\1");
	assert_int_equal(a.state, ANSWER_NODATA);
	PARSE(ANSWER_A, HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1")
	    RR(SELF, "\5", "\x14", "\3") "\1b\0");
	assert_true(a.dangling);
	assert_string_equal(a.name, "b");
	PARSE(ANSWER_A, HEAD("\x81\x80", "\1", "\1", "\0") ASK("\1")
	    RR(SELF, "\5", "\x14", "\3") "\1b\0" SOA);
	assert_false(a.dangling);
	PARSE(ANSWER_A, HEAD("\x81\x80", "\2", "\0", "\0") ASK("\1")
	    RR(SELF, "\5", "\x14", "\3") "\1b\0" RR("\1b\0", "\5", "\x14", "\2") SELF);
	assert_int_equal(a.state, ANSWER_FAILED);
}

static void
no_is_not_dont_know(void **state)	/* R77, R78 */
{
	(void)state;
	PARSE(ANSWER_MX, HEAD("\x81\x83", "\0", "\1", "\0") ASK("\xf") SOA);
	assert_int_equal(a.state, ANSWER_NXDOMAIN);
	assert_int_equal(a.ttl, 60);		/* the SOA's minimum, RFC 2308 section 5 */
	PARSE(ANSWER_MX, HEAD("\x81\x80", "\0", "\1", "\0") ASK("\xf") SOA);
	assert_int_equal(a.state, ANSWER_NODATA);
	PARSE(ANSWER_MX, HEAD("\x81\x82", "\0", "\0", "\0") ASK("\xf"));
	assert_int_equal(a.state, ANSWER_FAILED);
	assert_string_equal(a.problem, "SERVFAIL");
	assert_true(a.unexplained);
	PARSE(ANSWER_MX, HEAD("\x81\x85", "\0", "\0", "\0") ASK("\xf"));
	assert_int_equal(a.state, ANSWER_FAILED);
	assert_false(a.unexplained);
	PARSE(ANSWER_MX, HEAD("\x81\x82", "\0", "\0", "\1") ASK("\xf")
	    "\0\0\x29\4\xd0\0\0\0\0\0\x9" "\0\xf\0\5\0\6" "b\1d");
	assert_int_equal(a.state, ANSWER_BOGUS);
	assert_false(a.unexplained);
	assert_string_equal(a.problem, "SERVFAIL, extended error 6 b?d");
	/* Stale data or a network error blames nobody's signature. */
	PARSE(ANSWER_MX, HEAD("\x81\x82", "\0", "\0", "\1") ASK("\xf")
	    "\0\0\x29\4\xd0\0\0\0\0\0\6" "\0\xf\0\2\0\x17");
	assert_int_equal(a.state, ANSWER_FAILED);
	assert_true(a.unexplained);
	answer_fail(&a, "timeout");
	assert_int_equal(a.state, ANSWER_FAILED);
	assert_false(a.unexplained);
}

static void
malformed(void **state)
{
	static const struct {
		const char *packet;
		size_t len;
	} rows[] = {
#define ROW(p) { p, sizeof(p) - 1 }
		ROW(""), ROW("\0\7\x81"),
		ROW(HEAD("\1\0", "\0", "\0", "\0") ASK("\1")),		/* a question */
		ROW(HEAD("\x81\x80", "\0", "\0", "\0") ASK("\xf")),	/* of another type */
		ROW(HEAD("\x81\x80", "\0", "\0", "\0") "\1b\7example\0\0\1\0\1"),
		ROW(HEAD("\x83\x80", "\0", "\0", "\0") ASK("\1")),	/* truncated */
		ROW(HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1")),	/* less than announced */
		ROW(HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1") RR(SELF, "\1", "\1", "\3") "\1\2\3"),
		ROW(HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1") RR(SELF, "\1", "\1", "\4") "\1\2\3"),
		/* a pointer to itself, one that points ahead, one beyond the end */
		ROW(HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1") RR("\xc0\x1b", "\1", "\1", "\4") "1234"),
		ROW(HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1") RR("\xc0\x1d", "\1", "\1", "\4") "1234"),
		ROW(HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1") RR("\xff\xff", "\1", "\1", "\4") "1234"),
		ROW(HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1") RR("\x41x\0", "\1", "\1", "\4") "1234")
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(rows[i].packet, rows[i].len, ANSWER_A);
		assert_int_equal(a.state, ANSWER_FAILED);
		assert_int_equal(a.records_len, 0);
	}
}

static void
strange_octets_match_nothing(void **state)
{
	(void)state;
	PARSE(ANSWER_MX, HEAD("\x81\x80", "\1", "\0", "\0") ASK("\xf")
	    RR(SELF, "\xf", "\x3c", "\xa") "\0\xa" "\6a.b\0 \n\0");
	assert_string_equal(a.records[0].text, "a?b???");
}

static void
too_many_are_cut(void **state)
{
	static char packet[4096] = HEAD("\x81\x80", "\x64", "\0", "\0") ASK("\1");
	size_t len = sizeof(HEAD("\x81\x80", "\x64", "\0", "\0") ASK("\1")) - 1;

	(void)state;
	for (int i = 0; i < 100; i++) {
		memcpy(packet + len, RR(SELF, "\1", "\x3c", "\4") "\xc0\0\2\1", 16);
		len += 16;
	}
	parse(packet, len, ANSWER_A);
	assert_int_equal(a.state, ANSWER_OK);
	assert_int_equal(a.records_len, ANSWER_RECORDS_MAX);
	assert_true(a.cut);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mx_with_compression), cmocka_unit_test(txt_strings_are_joined),
		cmocka_unit_test(aliases_are_followed), cmocka_unit_test(no_is_not_dont_know),
		cmocka_unit_test(malformed), cmocka_unit_test(strange_octets_match_nothing),
		cmocka_unit_test(too_many_are_cut)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
