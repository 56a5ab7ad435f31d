/* answer_test.c - DNS answer packets, as resolvers send them and as attackers would
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/answer.h"

#define HEAD(flags, an, ns, ar) "\0\7" flags "\0\1\0" an "\0" ns "\0" ar
#define NAME "\1a\7example\0"
#define ASK(type) NAME "\0" type "\0\1"
#define RR(owner, type, ttl, len) owner "\0" type "\0\1\0\0\0" ttl "\0" len
#define SELF "\xc0\x0c"
#define TLSA(len) RR(SELF, "\x34", "\x3c", len)
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
	}, tlsa[] = {
		/* less than three octets, beside one that is well-formed */
		ROW(HEAD("\x81\xa0", "\2", "\0", "\0") ASK("\x34")
		    TLSA("\4") "\3\1\1x" TLSA("\2") "\3\1"),
		ROW(HEAD("\x81\xa0", "\1", "\0", "\0") ASK("\x34") TLSA("\0")),
		/* more announced than there is */
		ROW(HEAD("\x81\xa0", "\1", "\0", "\0") ASK("\x34") TLSA("\x23") "\3\1\1x")
	}, cname[] = {
		ROW(HEAD("\x81\xa0", "\1", "\0", "\0") ASK("\5")
		    RR(SELF, "\5", "\x14", "\4") "\1b\0x"),
		ROW(HEAD("\x81\xa0", "\1", "\0", "\0") ASK("\5")
		    RR(SELF, "\5", "\x14", "\2") "\1b")
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(rows[i].packet, rows[i].len, ANSWER_A);
		assert_int_equal(a.state, ANSWER_FAILED);
		assert_int_equal(a.records_len, 0);
	}
	for (size_t i = 0; i < sizeof(tlsa) / sizeof(tlsa[0]); i++) {
		parse(tlsa[i].packet, tlsa[i].len, ANSWER_TLSA);
		assert_int_equal(a.state, ANSWER_FAILED);
		assert_false(a.secure);
	}
	for (size_t i = 0; i < sizeof(cname) / sizeof(cname[0]); i++) {
		parse(cname[i].packet, cname[i].len, ANSWER_CNAME);
		assert_int_equal(a.state, ANSWER_FAILED);
	}
}

static void
tlsa_records(void **state)	/* RFC 6698 section 2.1 */
{
	(void)state;
	PARSE(ANSWER_TLSA, HEAD("\x81\xa0", "\4", "\0", "\0") ASK("\x34")
	    TLSA("\6") "\3\1\1\0\1\2" TLSA("\3") "\2\0\1" TLSA("\4") "\xff\xfe\xfd\xfc"
	    RR("\1x\0", "\x34", "\1", "\4") "\3\1\1x");
	assert_int_equal(a.state, ANSWER_OK);
	assert_true(a.secure);
	assert_int_equal(a.ttl, 60);
	assert_int_equal(a.records_len, 3);
	assert_int_equal(a.records[0].usage, 3);
	assert_int_equal(a.records[0].selector, 1);
	assert_int_equal(a.records[0].matching, 1);
	assert_int_equal(a.records[0].len, 3);
	assert_memory_equal(a.records[0].text, "\0\1\2", 4);
	assert_int_equal(a.records[1].usage, 2);
	assert_int_equal(a.records[1].len, 0);
	assert_int_equal(a.records[2].usage, 255);
	assert_int_equal(a.records[2].selector, 254);
	assert_int_equal(a.records[2].matching, 253);
	assert_memory_equal(a.records[2].text, "\xfc", 2);
	/* Behind an alias (R97). */
	PARSE(ANSWER_TLSA, HEAD("\x81\xa0", "\2", "\0", "\0") ASK("\x34")
	    RR(SELF, "\5", "\x14", "\3") "\1b\0" RR("\1b\0", "\x34", "\x3c", "\4") "\3\1\1x");
	assert_int_equal(a.state, ANSWER_OK);
	assert_int_equal(a.links, 1);
	assert_int_equal(a.ttl, 20);
	assert_string_equal(a.name, "b");
}

static void
alias_by_itself(void **state)	/* R83: not followed */
{
	(void)state;
	PARSE(ANSWER_CNAME, HEAD("\x81\xa0", "\2", "\0", "\0") ASK("\5")
	    RR(SELF, "\5", "\x14", "\3") "\1B\0" RR("\1b\0", "\5", "\xa", "\3") "\1c\0");
	assert_int_equal(a.state, ANSWER_OK);
	assert_true(a.secure);
	assert_false(a.dangling);
	assert_int_equal(a.links, 0);
	assert_int_equal(a.records_len, 1);
	assert_int_equal(a.ttl, 20);
	assert_string_equal(a.records[0].text, "b");
	assert_string_equal(a.name, "a.example");
	PARSE(ANSWER_CNAME, HEAD("\x81\x80", "\0", "\1", "\0") ASK("\5") SOA);
	assert_int_equal(a.state, ANSWER_NODATA);
}

static void
links_are_counted(void **state)
{
	(void)state;
	PARSE(ANSWER_A, HEAD("\x81\x80", "\3", "\0", "\0") ASK("\1")
	    RR("\1c\0", "\1", "\x3c", "\4") "\xc0\0\2\1"
	    RR("\1b\0", "\5", "\xa", "\3") "\1c\0"
	    RR(SELF, "\5", "\x14", "\3") "\1b\0");
	assert_int_equal(a.links, 2);
	PARSE(ANSWER_A, HEAD("\x81\x80", "\1", "\0", "\0") ASK("\1")
	    RR(SELF, "\1", "\x3c", "\4") "\xc0\0\2\1");
	assert_int_equal(a.links, 0);
	/* Of a failure nothing is left. */
	PARSE(ANSWER_A, HEAD("\x81\x82", "\1", "\0", "\0") ASK("\1")
	    RR(SELF, "\5", "\x14", "\3") "\1b\0");
	assert_int_equal(a.state, ANSWER_FAILED);
	assert_int_equal(a.links, 0);
}

static void
presence_is_enough(void **state)
{
	(void)state;
	PARSE(ANSWER_NS, HEAD("\x81\xa0", "\1", "\0", "\0") ASK("\2")
	    RR(SELF, "\2", "\x3c", "\3") "\1b\0");
	assert_int_equal(a.state, ANSWER_OK);
	assert_int_equal(a.records_len, 1);
	assert_true(a.secure);
	/* The root, as the canary asks. */
	answer_parse(&a, HEAD("\x81\xa0", "\1", "\0", "\0") "\0\0\2\0\1"
	    RR("\0", "\2", "\x3c", "\3") "\1b\0", 12 + 5 + 14, "", ANSWER_NS);
	assert_int_equal(a.state, ANSWER_OK);
}

static void
how_long_no_is_kept(void **state)	/* RFC 2308 section 5 */
{
	(void)state;
	/* The alias counts too; the SOA's own 80 do not, nor its minimum of 60. */
	PARSE(ANSWER_TLSA, HEAD("\x81\xa3", "\1", "\1", "\0") ASK("\x34")
	    RR(SELF, "\5", "\x14", "\3") "\1b\0" SOA);
	assert_int_equal(a.state, ANSWER_NXDOMAIN);
	assert_int_equal(a.ttl, 20);
	/* No SOA: not at all. */
	PARSE(ANSWER_TLSA, HEAD("\x81\xa3", "\1", "\0", "\0") ASK("\x34")
	    RR(SELF, "\5", "\x14", "\3") "\1b\0");
	assert_int_equal(a.ttl, 0);
	PARSE(ANSWER_TLSA, HEAD("\x81\xa0", "\0", "\0", "\0") ASK("\x34"));
	assert_int_equal(a.ttl, 0);
}

static void
in_words(void **state)
{
	static const struct {
		const char *line;
		struct answer a;
	} rows[] = {
		{ "TLSA _25._tcp.mx.example: secure, 2 records",
		    { .state = ANSWER_OK, .secure = true, .records_len = 2 } },
		{ "TLSA _25._tcp.mx.example: insecure, 1 record, alias of x.example",
		    { .state = ANSWER_OK, .records_len = 1, .links = 2, .name = "x.example" } },
		{ "TLSA _25._tcp.mx.example: secure, no such record",
		    { .state = ANSWER_NODATA, .secure = true } },
		{ "TLSA _25._tcp.mx.example: insecure, no such name",
		    { .state = ANSWER_NXDOMAIN } },
		{ "TLSA _25._tcp.mx.example: failed, timeout",
		    { .state = ANSWER_FAILED, .problem = "timeout" } },
		{ "TLSA _25._tcp.mx.example: bogus, SERVFAIL, extended error 6 why",
		    { .state = ANSWER_BOGUS, .secure = true,
		    .problem = "SERVFAIL, extended error 6 why" } },
	};
	char text[4 * ANSWER_NOTE_SIZE] = "", name[254], two[64] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text[0] = '\0';
		answer_note(text, sizeof(text), "_25._tcp.mx.example", ANSWER_TLSA, &rows[i].a);
		assert_string_equal(text, rows[i].line);
	}
	/* Lines are whole or not there. */
	answer_note(two, sizeof(two), "a.example", ANSWER_A, &rows[2].a);
	answer_note(two, sizeof(two), "a.example", ANSWER_AAAA, &rows[2].a);
	assert_string_equal(two, "A a.example: secure, no such record");
	answer_note_late(two, sizeof(two), "", ANSWER_NS);
	assert_string_equal(two, "A a.example: secure, no such record");
	answer_note_late(text, sizeof(text), "", ANSWER_NS);
	assert_string_equal(strchr(text, '\n'), "\nNS .: failed, no answer in time");
	/* The longest names there are: a line of each fits. */
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	a.state = ANSWER_OK;
	a.records_len = ANSWER_RECORDS_MAX;
	a.cut = true;
	a.secure = false;
	a.links = 10;
	memcpy(a.name, name, sizeof(name));
	text[0] = '\0';
	for (int i = 0; i < 4; i++)
		answer_note(text, sizeof(text), name, ANSWER_TLSA, &a);
	for (size_t i = 0, lines = 1; ; i++) {
		lines += text[i] == '\n';
		if (text[i] == '\0') {
			assert_int_equal(lines, 4);
			break;
		}
	}
}

/* What the resolver adds of a cause stays, whatever the rcode. */
static void
words_of_the_resolver(void **state)
{
	(void)state;
	PARSE(ANSWER_MX, HEAD("\x81\x85", "\0", "\0", "\1") ASK("\xf")
	    "\0\0\x29\4\xd0\0\0\0\0\0\xa" "\0\xf\0\6\0\x12" "deny");
	assert_int_equal(a.state, ANSWER_FAILED);
	assert_string_equal(a.problem, "REFUSED, extended error 18 deny");
	PARSE(ANSWER_MX, HEAD("\x81\x84", "\0", "\0", "\1") ASK("\xf")
	    "\0\0\x29\4\xd0\0\0\0\0\0\6" "\0\xf\0\2\0\x15");
	assert_string_equal(a.problem, "error (rcode 4), extended error 21");
	assert_string_equal(answer_security_name(&a), "failed");
}

static void
strange_octets_match_nothing(void **state)
{
	(void)state;
	PARSE(ANSWER_MX, HEAD("\x81\x80", "\1", "\0", "\0") ASK("\xf")
	    RR(SELF, "\xf", "\x3c", "\xa") "\0\xa" "\6a.b\0 \n\0");
	assert_string_equal(a.records[0].text, "a?b???");
}

/* Pointers that lead to pointers: a name of 127 labels has one for each, and no more. */
static void
pointers_are_counted(void **state)
{
	static char packet[1024] = HEAD("\x81\x80", "\2", "\0", "\0") ASK("\1")
	    "\0" "\0\x63" "\0\1" "\0\0\0\x3c";
	const size_t start = 12 + sizeof(ASK("\1")) - 1 + 9 + 2;

	(void)state;
	for (size_t chain = 125; chain <= 127; chain++) {
		size_t len = start, to = 12;

		packet[start - 2] = (char)(2 * chain >> 8);
		packet[start - 1] = (char)(2 * chain);
		for (size_t i = 0; i < chain; to = len, i++, len += 2) {
			packet[len] = (char)(0xc0 | to >> 8);
			packet[len + 1] = (char)to;
		}
		packet[len] = (char)(0xc0 | to >> 8);
		packet[len + 1] = (char)to;
		memcpy(packet + len + 2, RR("", "\1", "\x3c", "\4") "\xc0\0\2\1", 14);
		parse(packet, len + 16, ANSWER_A);
		assert_int_equal(a.state, chain < 127 ? ANSWER_OK : ANSWER_FAILED);
	}
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
		cmocka_unit_test(too_many_are_cut), cmocka_unit_test(pointers_are_counted),
		cmocka_unit_test(tlsa_records),
		cmocka_unit_test(alias_by_itself), cmocka_unit_test(links_are_counted),
		cmocka_unit_test(presence_is_enough), cmocka_unit_test(how_long_no_is_kept),
		cmocka_unit_test(in_words), cmocka_unit_test(words_of_the_resolver)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
