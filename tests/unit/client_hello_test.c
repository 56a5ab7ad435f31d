/* client_hello_test.c - hellos made by hand, faults included, and those of a real client
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/client_hello.h"

#define RANDOM "0123456789abcdef0123456789abcdef"
#define ID32 "\x20" RANDOM
#define SUITES "\0\4\xc0\x30\0\x9d"
#define NULL_COMPRESSION "\1\0"
#define FRONT "\3\3" RANDOM "\0" SUITES NULL_COMPRESSION

#define NAME "\0\0\0\x0b\0\x09\0\0\6mx.exa"
#define VERSIONS_13 "\0\x2b\0\3\2\3\4"

/* The octets, and what is to be found; only of good ones. */
static const struct {
	const char *what, *octets;
	size_t size;
	enum client_hello_result result;
	uint16_t version;
	bool tls13;
	const char *sni;
} cases[] = {
#define GOOD(what, version, tls13, sni, octets) \
	{ what, octets, sizeof(octets) - 1, CLIENT_HELLO_OK, version, tls13, sni }
#define BAD(what, octets) \
	{ what, octets, sizeof(octets) - 1, CLIENT_HELLO_BAD, 0, false, "" }
	GOOD("no extensions", 0x0303, false, "", FRONT),
	GOOD("empty block", 0x0303, false, "", FRONT "\0\0"),
	GOOD("SSL 3.0", 0x0300, false, "", "\3\0" RANDOM "\0" SUITES NULL_COMPRESSION),
	GOOD("TLS 1.0", 0x0301, false, "", "\3\1" RANDOM "\0" SUITES NULL_COMPRESSION),
	GOOD("legacy_version of 1.3 is none", 0x0303, false, "",
	    "\3\4" RANDOM "\0" SUITES NULL_COMPRESSION),
	GOOD("session id", 0x0303, false, "", "\3\3" RANDOM ID32 SUITES NULL_COMPRESSION),
	GOOD("deflate too", 0x0303, false, "", "\3\3" RANDOM "\0" SUITES "\2\1\0"),
	BAD("nothing", ""),
	BAD("SSL 2", "\2\xff" RANDOM "\0" SUITES NULL_COMPRESSION),
	BAD("random cut", "\3\3" "0123"),
	BAD("session id of 33", "\3\3" RANDOM "\x21" RANDOM "x" SUITES NULL_COMPRESSION),
	BAD("session id cut", "\3\3" RANDOM "\x20" "0123"),
	BAD("no suites", "\3\3" RANDOM "\0" "\0\0" NULL_COMPRESSION),
	BAD("a suite and a half", "\3\3" RANDOM "\0" "\0\3\xc0\x30\0" NULL_COMPRESSION),
	BAD("no compression", "\3\3" RANDOM "\0" SUITES "\0"),
	BAD("deflate only", "\3\3" RANDOM "\0" SUITES "\1\1"),
	BAD("one octet behind", FRONT "\0"),
	BAD("behind the block", FRONT "\0\0\0"),
	BAD("block cut", FRONT "\0\4\0\x17\0"),
	BAD("extension over the end", FRONT "\0\4\0\x17\0\1"),
	BAD("extension cut", FRONT "\0\3\0\x17\0"),
	GOOD("unknown extensions", 0x0303, false, "", FRONT "\0\x9" "\xfa\xce\0\1x" "\0\x2a\0\0"),
	BAD("sent twice", FRONT "\0\x8" "\0\x17\0\0" "\0\x17\0\0"),
	BAD("unknown one sent twice", FRONT "\0\xc" "\xfa\xce\0\0" "\0\x17\0\0" "\xfa\xce\0\0"),
	/* RFC 8446 4.2.1 */
	GOOD("TLS 1.3", 0x0303, true, "", FRONT "\0\7" VERSIONS_13),
	GOOD("1.3 and 1.2", 0x0303, true, "", FRONT "\0\x9" "\0\x2b\0\5\4\3\4\3\3"),
	GOOD("a draft of 1.3", 0x0303, true, "", FRONT "\0\7" "\0\x2b\0\3\2\x7f\x1c"),
	GOOD("grease and 1.2", 0x0303, false, "", FRONT "\0\x9" "\0\x2b\0\5\4\x7a\x7a\3\3"),
	GOOD("grease alone", 0, false, "", FRONT "\0\7" "\0\x2b\0\3\2\x0a\x0a"),
	GOOD("not grease", 0x0303, true, "", FRONT "\0\7" "\0\x2b\0\3\2\x7a\x8a"),
	GOOD("1.0 and 1.1", 0x0302, false, "", FRONT "\0\x9" "\0\x2b\0\5\4\3\1\3\2"),
	GOOD("1.1 and 1.0", 0x0302, false, "", FRONT "\0\x9" "\0\x2b\0\5\4\3\2\3\1"),
	BAD("no versions", FRONT "\0\5" "\0\x2b\0\1\0"),
	BAD("version and a half", FRONT "\0\x8" "\0\x2b\0\4\3\3\3\3"),
	BAD("behind the versions", FRONT "\0\x8" "\0\x2b\0\4\2\3\3\0"),
	/* RFC 6066 section 3 */
	GOOD("name", 0x0303, false, "mx.exa", FRONT "\0\xf" NAME),
	GOOD("capitals", 0x0303, false, "mx-1_a.z9",
	    FRONT "\0\x12" "\0\0\0\x0e\0\x0c\0\0\x9" "MX-1_a.Z9"),
	GOOD("trailing dot", 0x0303, false, "", FRONT "\0\xf" "\0\0\0\x0b\0\x09\0\0\6mx.ex."),
	GOOD("leading dot", 0x0303, false, "", FRONT "\0\xf" "\0\0\0\x0b\0\x09\0\0\6.mx.ex"),
	GOOD("empty label", 0x0303, false, "", FRONT "\0\xf" "\0\0\0\x0b\0\x09\0\0\6mx..ex"),
	GOOD("NUL", 0x0303, false, "", FRONT "\0\xf" "\0\0\0\x0b\0\x09\0\0\6mx.e\0x"),
	GOOD("line end", 0x0303, false, "", FRONT "\0\xf" "\0\0\0\x0b\0\x09\0\0\6mx.e\r\n"),
	GOOD("not ASCII", 0x0303, false, "", FRONT "\0\xf" "\0\0\0\x0b\0\x09\0\0\6mx.e\xc3\xa4"),
	GOOD("address of IPv6", 0x0303, false, "", FRONT "\0\xc" "\0\0\0\x8\0\6\0\0\3::1"),
	GOOD("no name in it", 0x0303, false, "", FRONT "\0\x9" "\0\0\0\5\0\3\0\0\0"),
	GOOD("another type", 0x0303, false, "", FRONT "\0\xa" "\0\0\0\6\0\4\7\0\1x"),
	GOOD("another type before", 0x0303, false, "a",
	    FRONT "\0\xe" "\0\0\0\xa\0\x8\7\0\1x\0\0\1a"),
	BAD("two names", FRONT "\0\xe" "\0\0\0\xa\0\x8\0\0\1x\0\0\1a"),
	BAD("empty list", FRONT "\0\6" "\0\0\0\2\0\0"),
	BAD("empty server_name", FRONT "\0\4" "\0\0\0\0"),
	BAD("name over the end", FRONT "\0\xa" "\0\0\0\6\0\4\0\0\2x"),
	BAD("behind the list", FRONT "\0\xb" "\0\0\0\7\0\4\0\0\1xy"),
	BAD("no groups", FRONT "\0\6" "\0\x0a\0\2\0\0"),
	BAD("group and a half", FRONT "\0\x9" "\0\x0a\0\5\0\3\0\x1d\0"),
	BAD("behind the groups", FRONT "\0\x9" "\0\x0a\0\5\0\2\0\x1d\0"),
	BAD("no signatures", FRONT "\0\6" "\0\x0d\0\2\0\0"),
	BAD("signatures cut", FRONT "\0\x8" "\0\x0d\0\4\0\4\4\1"),
	/* Without TLS 1.3 these mean nothing. */
	GOOD("early data and a PSK", 0x0303, false, "", FRONT "\0\xa" "\0\x2a\0\0" "\0\x29\0\2ab"),
};

static void
hellos(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client_hello h;
		enum client_hello_result result =
		    client_hello_parse(cases[i].octets, cases[i].size, &h);

		print_message("# %s\n", cases[i].what);
		assert_int_equal(result, cases[i].result);
		if (result != CLIENT_HELLO_OK)
			continue;
		assert_int_equal(h.version, cases[i].version);
		assert_int_equal(h.offers_tls13, cases[i].tls13);
		assert_string_equal(h.sni, cases[i].sni);
		assert_memory_equal(h.random, RANDOM, CLIENT_HELLO_RANDOM);
		assert_int_equal(h.session_id.left, cases[i].octets[34]);
	}
}

static void
name_lengths(void **state)
{
	char body[1024];

	(void)state;
	for (size_t len = 250; len < 260; len++) {
		struct client_hello h;
		size_t front = sizeof(FRONT) - 1, list = len + 3, whole = list + 2;
		const char head[] = {
			(char)((whole + 4) >> 8), (char)(whole + 4), 0, 0, (char)(whole >> 8),
			(char)whole, (char)(list >> 8), (char)list, 0, (char)(len >> 8), (char)len
		};

		memcpy(body, FRONT, front);
		memcpy(body + front, head, sizeof(head));
		memset(body + front + sizeof(head), 'a', len);
		assert_int_equal(client_hello_parse(body, front + sizeof(head) + len, &h),
		    CLIENT_HELLO_OK);
		assert_int_equal(strlen(h.sni), len <= CLIENT_HELLO_SNI_MAX ? len : 0);
	}
}

static void
many_extensions(void **state)
{
	char body[sizeof(FRONT) + 2 + 4 * (CLIENT_HELLO_EXTENSIONS_MAX + 1)] = FRONT;
	size_t front = sizeof(FRONT) - 1;

	(void)state;
	for (size_t count = 1; count <= CLIENT_HELLO_EXTENSIONS_MAX + 1; count++) {
		struct client_hello h;
		char *last = body + front + 2 + 4 * (count - 1);

		body[front] = (char)(4 * count >> 8);
		body[front + 1] = (char)(4 * count);
		memcpy(last, "\x55\0\0\0", 4);
		last[1] = (char)count;
		assert_int_equal(client_hello_parse(body, front + 2 + 4 * count, &h),
		    count <= CLIENT_HELLO_EXTENSIONS_MAX ? CLIENT_HELLO_OK : CLIENT_HELLO_BAD);
	}
}

static void
offers(void **state)
{
	static const char with[] = FRONT "\0\x1d" "\0\x0a\0\6\0\4\0\x1d\0\x17" "\0\x0d\0\4\0\2\4\1"
	    "\0\x23\0\3abc" "\0\x17\0\0";
	static const char scsv[] = "\3\3" RANDOM "\0" "\0\4\xc0\x30\0\xff" NULL_COMPRESSION;
	struct client_hello h;

	(void)state;
	assert_int_equal(client_hello_parse(with, sizeof(with) - 1, &h), CLIENT_HELLO_OK);
	assert_true(client_hello_offers_suite(&h, 0xc030));
	assert_true(client_hello_offers_suite(&h, 0x009d));
	assert_false(client_hello_offers_suite(&h, 0x3000));
	assert_true(client_hello_offers_group(&h, 0x1d) && client_hello_offers_group(&h, 0x17));
	assert_false(client_hello_offers_group(&h, 0x18));
	assert_true(client_hello_offers_signature(&h, 0x0401));
	assert_false(client_hello_offers_signature(&h, 0x0201));
	assert_int_equal(h.ticket.left, 3);
	assert_memory_equal(h.ticket.p, "abc", 3);
	assert_true(client_hello_offered(&h, 35) && client_hello_offered(&h, 23));
	assert_false(client_hello_offered(&h, 0) || client_hello_offered(&h, 0xff01));
	assert_false(client_hello_offered(&h, 10));	/* nothing to answer with */

	/* RFC 5746 3.3; and what was not sent excludes nothing. */
	assert_int_equal(client_hello_parse(scsv, sizeof(scsv) - 1, &h), CLIENT_HELLO_OK);
	assert_true(client_hello_offered(&h, 0xff01));
	assert_true(client_hello_offers_group(&h, 0x18));
	assert_true(client_hello_offers_signature(&h, 0x0201));
	assert_false(client_hello_offered(&h, 35));
}

/* What would stand in the certificate's place is never to be answered. */
static void
answerable(void **state)
{
	static const uint16_t good[] = { 0, 1, 5, 11, 15, 16, 18, 22, 23, 28, 35, 0xff01 };
	uint32_t all = 0;
	unsigned count = 0;

	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++)
		count += client_hello_answerable((uint16_t)type) != 0;
	assert_int_equal(count, sizeof(good) / sizeof(good[0]));
	for (size_t i = 0; i < count; i++) {
		uint32_t bit = client_hello_answerable(good[i]);

		assert_true(bit != 0 && (all & bit) == 0);
		all |= bit;
	}
	assert_int_equal(client_hello_answerable(20), 0);	/* RFC 7250: raw keys */
	assert_int_equal(client_hello_answerable(25), 0);	/* RFC 7924: cached_info */
}

/* The first hello of OpenSSL, its record and its message's header taken off. */
static size_t
real_hello(int max, const char *groups, uint8_t *out, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *sent = BIO_new(BIO_s_mem());
	char *octets;
	long len;

	TESTCA_NEED(ctx && ssl && sent);
	SSL_set_security_level(ssl, 0);
	SSL_set_min_proto_version(ssl, TLS1_VERSION);
	SSL_set_max_proto_version(ssl, max);
	TESTCA_NEED(!groups || SSL_set1_groups_list(ssl, groups));
	SSL_set_tlsext_host_name(ssl, "MX1.example.com");
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), sent);
	SSL_connect(ssl);
	len = BIO_get_mem_data(sent, &octets);
	TESTCA_NEED(len > 9 && (size_t)len - 9 <= size);
	memcpy(out, octets + 9, (size_t)len - 9);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return (size_t)len - 9;
}

static void
real(void **state)
{
	static const struct {
		int max;
		uint16_t version;
		bool tls13;
	} versions[] = {
		{ TLS1_VERSION, 0x0301, false }, { TLS1_1_VERSION, 0x0302, false },
		{ TLS1_2_VERSION, 0x0303, false }, { TLS1_3_VERSION, 0x0303, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct client_hello h;
		uint8_t body[4096];
		size_t len = real_hello(versions[i].max, "X25519:P-256", body, sizeof(body));

		assert_int_equal(client_hello_parse(body, len, &h), CLIENT_HELLO_OK);
		assert_int_equal(h.version, versions[i].version);
		assert_int_equal(h.offers_tls13, versions[i].tls13);
		assert_string_equal(h.sni, "mx1.example.com");
		assert_int_equal(h.signatures.left > 0, h.version == 0x0303);
		assert_int_equal(h.groups.left, 4);
		assert_true(client_hello_offered(&h, 35) && h.ticket.left == 0);
		assert_true(client_hello_offered(&h, 0xff01));
		for (size_t n = 0; n < len; n++)
			assert_true(client_hello_parse(body, n, &h) == CLIENT_HELLO_BAD ||
			    h.extensions == client_hello_answerable(0xff01));
	}
}

/* A real hello whose key_share is of X25519MLKEM768: longer than a segment. */
static void
mlkem(void **state)
{
	uint8_t body[4096];
	size_t len = real_hello(TLS1_3_VERSION, "X25519", body, sizeof(body));
	size_t share = 4 + 1216, more, block;
	struct client_hello h;

	(void)state;
	assert_int_equal(client_hello_parse(body, len, &h), CLIENT_HELLO_OK);
	block = (size_t)(h.suites.p - body) + h.suites.left + 2;
	/* OpenSSL's key_share is the last one: 4 octets of header, 2 of length, 36 of the share. */
	assert_memory_equal(body + len - 42, "\0\x33\0\x26\0\x24\0\x1d", 8);
	memcpy(body + len - 36, "\x11\xec\x04\xc0", 4);
	memset(body + len - 32, 7, 1216);
	memcpy(body + len - 40, (uint8_t[]){ (2 + 1220) >> 8, (2 + 1220) & 0xff, 1220 >> 8,
	    1220 & 0xff }, 4);
	more = share - 36;
	len += more;
	more += (size_t)(body[block] << 8 | body[block + 1]);
	body[block] = (uint8_t)(more >> 8);
	body[block + 1] = (uint8_t)more;
	assert_true(len > 1400);
	assert_int_equal(client_hello_parse(body, len, &h), CLIENT_HELLO_OK);
	assert_true(h.offers_tls13);
	assert_string_equal(h.sni, "mx1.example.com");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hellos),
		cmocka_unit_test(name_lengths),
		cmocka_unit_test(many_extensions),
		cmocka_unit_test(offers),
		cmocka_unit_test(answerable),
		cmocka_unit_test(real),
		cmocka_unit_test(mlkem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
