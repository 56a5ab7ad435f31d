/* dns_message_test.c - DNS answers as resolvers send them and as attackers would
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/address.h"
#include "nfq/dns_message.h"

#define HEAD(flags, an, ns, ar) "\0\7" flags "\0\1\0" an "\0" ns "\0" ar
#define ONE HEAD("\x81\x80", "\1", "\0", "\0")
#define NAME "\1a\7example\0"
#define ASK(type) NAME "\0" type "\0\1"
#define RR(owner, type, ttl, len) owner "\0" type "\0\1\0\0\0" ttl "\0" len
#define SELF "\xc0\x0c"
#define MX "\xf"
#define A "\1"
#define CNAME "\5"
#define SOA RR(SELF, "\6", "\x50", "\x16") "\0\0" "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x3c"

/* unbound's answer for five.example MX with EDNS: five hosts, an A and an AAAA of each. */
static const char five[] =
	"\x00\x07\x81\x80\x00\x01\x00\x05\x00\x00\x00\x0b\x04\x66\x69\x76\x65\x07\x65\x78\x61\x6d"
	"\x70\x6c\x65\x00\x00\x0f\x00\x01\xc0\x0c\x00\x0f\x00\x01\x00\x00\x01\x2c\x00\x08\x00\x0a"
	"\x03\x6d\x78\x31\xc0\x0c\xc0\x0c\x00\x0f\x00\x01\x00\x00\x01\x2c\x00\x08\x00\x0a\x03\x6d"
	"\x78\x32\xc0\x0c\xc0\x0c\x00\x0f\x00\x01\x00\x00\x01\x2c\x00\x08\x00\x14\x03\x6d\x78\x33"
	"\xc0\x0c\xc0\x0c\x00\x0f\x00\x01\x00\x00\x01\x2c\x00\x08\x00\x14\x03\x6d\x78\x34\xc0\x0c"
	"\xc0\x0c\x00\x0f\x00\x01\x00\x00\x01\x2c\x00\x08\x00\x1e\x03\x6d\x78\x35\xc0\x0c\xc0\x2c"
	"\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01\xc0\x2c\x00\x1c\x00\x01\x00\x00"
	"\x01\x2c\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xc0\x40"
	"\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x02\xc0\x40\x00\x1c\x00\x01\x00\x00"
	"\x01\x2c\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xc0\x54"
	"\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x03\xc0\x54\x00\x1c\x00\x01\x00\x00"
	"\x01\x2c\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\xc0\x68"
	"\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x04\xc0\x68\x00\x1c\x00\x01\x00\x00"
	"\x01\x2c\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\xc0\x7c"
	"\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x05\xc0\x7c\x00\x1c\x00\x01\x00\x00"
	"\x01\x2c\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00"
	"\x29\x04\xd0\x00\x00\x80\x00\x00\x00";

static struct dns_message m;

static enum dns_result
take(const char *packet, size_t len)
{
	memset(&m, 0xa5, sizeof(m));
	return dns_message_read(packet, len, &m);
}

#define TAKE(packet) take(packet, sizeof(packet) - 1)

static void
is(size_t i, enum dns_type type, const char *owner, const char *name, uint32_t ttl_s)
{
	assert_true(i < m.len);
	assert_int_equal(m.records[i].type, type);
	assert_string_equal(m.records[i].owner, owner);
	assert_string_equal(m.records[i].name, name);
	assert_int_equal(m.records[i].ttl_s, ttl_s);
}

static void
real_answer(void **state)
{
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_int_equal(TAKE(five), DNS_OK);
	assert_int_equal(m.type, DNS_MX);
	assert_string_equal(m.name, "five.example");
	assert_false(m.truncated || m.lost || m.referral);
	assert_int_equal(m.rcode, 0);
	assert_int_equal(m.len, 15);
	is(0, DNS_MX, "five.example", "mx1.five.example", 300);
	is(4, DNS_MX, "five.example", "mx5.five.example", 300);
	assert_int_equal(m.records[4].preference, 30);
	is(5, DNS_A, "mx1.five.example", "", 300);
	assert_string_equal(address_print_ip(&m.records[5].ip, text), "192.0.2.1");
	is(14, DNS_AAAA, "mx5.five.example", "", 300);
	assert_string_equal(address_print_ip(&m.records[14].ip, text), "2001:db8::5");
	/* Cut anywhere it is bad, as its header says that there is more. */
	for (size_t i = 0; i < sizeof(five) - 1; i++)
		assert_int_equal(take(five, i), DNS_BAD);
}

static void
names_are_lower_case(void **state)
{
	(void)state;
	assert_int_equal(TAKE(HEAD("\x81\x80", "\1", "\0", "\0") "\1A\7exAmple\0\0\xf\0\1"
	    RR(SELF, MX, "\x3c", "\7") "\0\xa" "\2Mx" SELF), DNS_OK);
	assert_string_equal(m.name, "a.example");
	is(0, DNS_MX, "a.example", "mx.a.example", 60);
}

static void
null_mx(void **state)	/* RFC 7505 */
{
	(void)state;
	assert_int_equal(TAKE(HEAD("\x81\x80", "\1", "\0", "\0") ASK(MX)
	    RR(SELF, MX, "\x3c", "\3") "\0\0\0"), DNS_OK);
	is(0, DNS_MX, "a.example", "", 60);
	assert_false(m.lost);
}

static void
odd_names_are_lost(void **state)
{
	(void)state;
	assert_int_equal(TAKE(HEAD("\x81\x80", "\2", "\0", "\0") ASK(MX)
	    RR(SELF, MX, "\x3c", "\7") "\0\xa" "\2m " SELF
	    RR(SELF, MX, "\x1e", "\7") "\0\xa" "\2mx" SELF), DNS_OK);
	assert_int_equal(m.len, 1);
	assert_true(m.lost);
	assert_int_equal(m.lost_ttl_s, 60);
	/* A dot inside a label is not two labels; the root is nobody's alias. */
	assert_int_equal(TAKE(HEAD("\x81\x80", "\2", "\0", "\0") ASK(A)
	    RR(SELF, CNAME, "\x3c", "\6") "\3b.c" SELF RR(SELF, CNAME, "\x3c", "\1") "\0"), DNS_OK);
	assert_int_equal(m.len, 0);
	assert_true(m.lost);
	/* What an odd name has concerns nobody. */
	assert_int_equal(TAKE(HEAD("\x81\x80", "\1", "\0", "\0") ASK(A)
	    RR("\1*" SELF, CNAME, "\x3c", "\2") SELF), DNS_OK);
	assert_int_equal(m.len, 0);
	assert_false(m.lost);
	assert_int_equal(TAKE(HEAD("\x81\x80", "\0", "\0", "\0") "\1*\0\0\xf\0\1"), DNS_UNWANTED);
	assert_int_equal(TAKE(HEAD("\x81\x80", "\0", "\0", "\0") "\0\0\xf\0\1"), DNS_UNWANTED);
}

static void
no_answer(void **state)
{
	(void)state;
	assert_int_equal(TAKE(HEAD("\x81\x80", "\0", "\1", "\0") ASK(MX) SOA), DNS_OK);
	assert_int_equal(m.len, 0);
	assert_false(m.referral);
	assert_int_equal(TAKE(HEAD("\x81\x83", "\0", "\1", "\0") ASK(MX) SOA), DNS_OK);
	assert_int_equal(m.rcode, 3);
	/* RFC 2308 2.2: servers but no SOA: somebody else knows. */
	assert_int_equal(TAKE(HEAD("\x80\0", "\0", "\1", "\0") ASK(MX)
	    RR(SELF, "\2", "\x50", "\5") "\2ns" SELF), DNS_OK);
	assert_true(m.referral);
	assert_int_equal(TAKE(HEAD("\x80\0", "\0", "\0", "\0") ASK(MX)), DNS_OK);
	assert_false(m.referral);
	/* RFC 6891 6.1.3: 16 is BADVERS, whose lower bits are those of success; 0x10 and more of
	 * upper bits do not fit and are an error all the same. */
	assert_int_equal(TAKE(HEAD("\x80\0", "\0", "\0", "\1") ASK(MX)
	    "\0\0\x29\4\xd0\1\0\0\0\0\0"), DNS_OK);
	assert_int_equal(m.rcode, 16);
	assert_int_equal(TAKE(HEAD("\x80\0", "\0", "\0", "\1") ASK(MX)
	    "\0\0\x29\4\xd0\x10\0\0\0\0\0"), DNS_OK);
	assert_int_equal(m.rcode, 255);
}

static void
truncated(void **state)	/* RFC 2181 section 9: what came whole is kept, the end may be missing */
{
	(void)state;
	assert_int_equal(TAKE(HEAD("\x83\x80", "\3", "\0", "\0") ASK(MX)
	    RR(SELF, MX, "\x3c", "\7") "\0\xa" "\2mx" SELF SELF "\0\xf\0"), DNS_OK);
	assert_true(m.truncated);
	assert_int_equal(m.len, 1);
	is(0, DNS_MX, "a.example", "mx.a.example", 60);
}

static void
not_ours(void **state)
{
	(void)state;
	assert_int_equal(TAKE(HEAD("\1\0", "\0", "\0", "\0") ASK(MX)), DNS_UNWANTED);
	assert_int_equal(TAKE(HEAD("\xa1\0", "\0", "\0", "\0") ASK(MX)), DNS_UNWANTED);
	assert_int_equal(TAKE(HEAD("\x81\x80", "\0", "\0", "\0") ASK("\x10")), DNS_UNWANTED);
	assert_int_equal(TAKE(HEAD("\x81\x80", "\0", "\0", "\0") NAME "\0\xf\0\3"), DNS_UNWANTED);
	assert_int_equal(TAKE("\0\7\x81\x80\0\2\0\0\0\0\0\0" ASK(MX) ASK(MX)), DNS_UNWANTED);
	/* Another class's record in an answer of ours, and types that map nothing. */
	assert_int_equal(TAKE(HEAD("\x81\x80", "\2", "\0", "\0") ASK(A)
	    SELF "\0\1\0\3\0\0\0\x3c\0\4\1\2\3\4" RR(SELF, "\x10", "\x3c", "\2") "\1x"), DNS_OK);
	assert_int_equal(m.len, 0);
}

static void
malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
#define CASE(bytes) { bytes, sizeof(bytes) - 1 }
		/* Pointers: to itself, forward, in a circle, a label type nobody has. */
		CASE(ONE ASK(A) RR("\xc0\x1b", A, "\1", "\4") "abcd"),
		CASE(ONE ASK(A) RR("\xc0\x20", A, "\1", "\4") "abcd"),
		CASE(ONE ASK(A) RR("\1x\xc0\x1b", A, "\1", "\4") "abcd"),
		CASE(ONE ASK(A) RR("\x41x\0", A, "\1", "\4") "abcd"),
		/* Data of another length than the type has. */
		CASE(ONE ASK(A) RR(SELF, A, "\1", "\5") "abcde"),
		CASE(ONE ASK(A) RR(SELF, "\x1c", "\1", "\4") "abcd"),
		CASE(ONE ASK(MX) RR(SELF, MX, "\1", "\5") "\0\1" SELF "x"),
		CASE(ONE ASK(MX) RR(SELF, MX, "\1", "\3") "\0\1\3mx0\0"),
		CASE(ONE ASK(MX) RR(SELF, MX, "\1", "\1") "\0"),
		CASE("\0\7\x81\x80\0\1\0\0\0\0\0"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (take(cases[i].bytes, cases[i].size) != DNS_BAD)
			fail_msg("case %zu is not bad", i);
}

static void
long_names(void **state)	/* RFC 1035 2.3.4: 255 octets, 253 characters */
{
	char packet[600];
	size_t n = 12;

	(void)state;
	memcpy(packet, HEAD("\x81\x80", "\0", "\0", "\0"), 12);
	for (int i = 0; i < 3; i++, n += 64) {
		packet[n] = 63;
		memset(packet + n + 1, 'x', 63);
	}
	packet[n] = 61;
	memset(packet + n + 1, 'x', 62);
	memcpy(packet + n + 62, "\0\0\xf\0\1", 5);
	assert_int_equal(take(packet, n + 67), DNS_OK);
	assert_int_equal(strlen(m.name), 253);
	packet[n] = 62;
	memcpy(packet + n + 63, "\0\0\xf\0\1", 5);
	assert_int_equal(take(packet, n + 68), DNS_BAD);
}

static void
pointers_are_bounded(void **state)
{
	char packet[4096];
	size_t n = 12 + sizeof(NAME) - 1 + 4, first = n + 11;

	(void)state;
	memcpy(packet, HEAD("\x81\x80", "\2", "\0", "\0") ASK(A), n);
	/* A TXT of pointers, each to the one before, and an owner that points to the last. */
	memcpy(packet + n, "\0\0\x10\0\1\0\0\0\1", 9);
	packet[n + 9] = 2;
	packet[n + 10] = 0;
	for (size_t i = 0; i < 256; i++) {
		size_t to = i == 0 ? 12 : first + 2 * (i - 1);

		packet[first + 2 * i] = (char)(0xc0 | to >> 8);
		packet[first + 2 * i + 1] = (char)to;
	}
	n = first + 512;
	for (size_t good = 0; good < 2; good++) {
		size_t to = first + 2 * (126 - good);

		packet[n] = (char)(0xc0 | to >> 8);
		packet[n + 1] = (char)to;
		memcpy(packet + n + 2, "\0\1\0\1\0\0\0\1\0\4abcd", 14);
		assert_int_equal(take(packet, n + 16), good ? DNS_OK : DNS_BAD);
	}
	is(0, DNS_A, "a.example", "", 1);
}

static void
more_than_fits(void **state)
{
	char packet[4096];
	size_t n = 12 + sizeof(NAME) - 1 + 4;

	(void)state;
	memcpy(packet, HEAD("\x81\x80", "\x46", "\0", "\0") ASK(A), n);
	for (size_t i = 0; i < 70; i++, n += 16) {
		memcpy(packet + n, RR(SELF, A, "\0", "\4") "abcd", 16);
		packet[n + 9] = (char)i;
	}
	assert_int_equal(take(packet, n), DNS_OK);
	assert_int_equal(m.len, DNS_RECORDS_MAX);
	assert_true(m.lost);
	assert_int_equal(m.lost_ttl_s, 69);
	packet[7] = DNS_RECORDS_MAX;
	assert_int_equal(take(packet, n), DNS_OK);
	assert_false(m.lost);
}

static void
ttl_with_the_top_bit(void **state)	/* RFC 2181 section 8 */
{
	(void)state;
	assert_int_equal(TAKE(HEAD("\x81\x80", "\1", "\0", "\0") ASK(A)
	    SELF "\0\1\0\1\x80\0\0\x3c\0\4abcd"), DNS_OK);
	is(0, DNS_A, "a.example", "", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_answer),
		cmocka_unit_test(names_are_lower_case),
		cmocka_unit_test(null_mx),
		cmocka_unit_test(odd_names_are_lost),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(truncated),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(malformed),
		cmocka_unit_test(long_names),
		cmocka_unit_test(pointers_are_bounded),
		cmocka_unit_test(more_than_fits),
		cmocka_unit_test(ttl_with_the_top_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
