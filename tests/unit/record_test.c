/* record_test.c - records in clear and their headers when sealed, whole and octet by octet
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/record.h"

static const struct {
	const char *what, *octets;
	size_t size;
	enum record_result result;
	size_t said_at;		/* how many octets are needed to say so */
} cases[] = {
#define CASE(what, octets, result, said_at) \
	{ what, octets, sizeof(octets) - 1, result, said_at }
	CASE("handshake", "\x16\3\1\0\4\0\0\0\0", RECORD_OK, 9),
	CASE("alert", "\x15\3\3\0\2\2\x28", RECORD_OK, 7),
	CASE("change_cipher_spec", "\x14\3\3\0\1\1", RECORD_OK, 6),
	CASE("application data", "\x17\3\3\0\1x", RECORD_OK, 6),
	CASE("SSL 3.0", "\x16\3\0\0\1x", RECORD_OK, 6),
	CASE("version of TLS 1.3", "\x16\3\4\0\1x", RECORD_OK, 6),
	CASE("more behind", "\x16\3\1\0\1xyz", RECORD_OK, 6),
	CASE("not whole", "\x16\3\1\0\3xy", RECORD_MORE, 0),
	CASE("nothing", "", RECORD_MORE, 0),
	CASE("a reply", "250 ok\r\n", RECORD_NOT_TLS, 1),
	CASE("a refusal", "454 4.7.0\r\n", RECORD_NOT_TLS, 1),
	CASE("another", "5", RECORD_NOT_TLS, 1),
	CASE("SSLv2", "\x80\x2e\1\3\1", RECORD_NOT_TLS, 1),
	CASE("below the types", "\x13\3\1\0\1x", RECORD_NOT_TLS, 1),
	CASE("heartbeat", "\x18\3\1\0\1x", RECORD_NOT_TLS, 1),
	CASE("major 2", "\x16\2\1\0\1x", RECORD_NOT_TLS, 2),
	CASE("DTLS", "\x16\xfe\xfd\0\1x", RECORD_NOT_TLS, 2),
	CASE("minor 5", "\x16\3\5\0\1x", RECORD_NOT_TLS, 3),
	CASE("empty", "\x16\3\1\0\0", RECORD_EMPTY, 5),
	CASE("empty application data", "\x17\3\1\0\0", RECORD_EMPTY, 5),
	CASE("too long", "\x16\3\1\x40\1", RECORD_TOO_LONG, 5),
	CASE("far too long", "\x16\3\1\x41", RECORD_TOO_LONG, 4),
	CASE("longest", "\x16\3\1\x40\0", RECORD_MORE, 0),
	CASE("two change_cipher_spec", "\x14\3\1\0\2\1\1", RECORD_TOO_LONG, 5),
	CASE("long change_cipher_spec", "\x14\3\1\1", RECORD_TOO_LONG, 4),
	CASE("half an alert", "\x15\3\1\0\1\2", RECORD_NOT_TLS, 5),
	CASE("two alerts", "\x15\3\1\0\4\1\0\2\x28", RECORD_TOO_LONG, 5),
};

/* RFC 5246 6.2.1; and not a moment later than it can be said. */
static void
clear_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r;
		size_t used = 0;

		print_message("# %s\n", cases[i].what);
		for (size_t n = 0; n <= cases[i].size; n++) {
			enum record_result result = record_next(cases[i].octets, n, &r, &used);

			if (cases[i].said_at == 0 || n < cases[i].said_at)
				assert_int_equal(result, RECORD_MORE);
			else
				assert_int_equal(result, cases[i].result);
		}
		if (cases[i].result != RECORD_OK)
			continue;
		assert_int_equal(used, cases[i].said_at);
		assert_int_equal(r.type, cases[i].octets[0]);
		assert_int_equal(r.version, 0x0300 | cases[i].octets[2]);
		assert_ptr_equal(r.fragment, cases[i].octets + RECORD_HEADER);
		assert_int_equal(r.len, used - RECORD_HEADER);
	}
}

static void
longest(void **state)
{
	static uint8_t octets[RECORD_HEADER + RECORD_CLEAR_MAX] = { 0x16, 3, 3, 0x40, 0 };
	struct record r;
	size_t used;

	(void)state;
	assert_int_equal(record_next(octets, sizeof(octets) - 1, &r, &used), RECORD_MORE);
	assert_int_equal(record_next(octets, sizeof(octets), &r, &used), RECORD_OK);
	assert_int_equal(used, sizeof(octets));
	assert_int_equal(r.len, RECORD_CLEAR_MAX);
}

/* Headers are found however the stream is cut, an empty fragment (TLS 1.0) included. */
static void
tracked(void **state)
{
	static const char stream[] = "\x17\3\1\0\0" "\x17\3\1\0\3\x15\3\1" "\x16\3\1\0\1x"
	    "\x15\3\3\0\2ab";
	static const unsigned began[] = { [4] = 8, [9] = 8, [17] = 4, [23] = 2, [25] = 0 };
	size_t size = sizeof(stream) - 1;

	(void)state;
	assert_int_equal(size, sizeof(began) / sizeof(began[0]));
	for (size_t piece = 1; piece <= size; piece++) {
		struct record_track t = { 0 };

		for (size_t at = 0; at < size; at += piece) {
			size_t n = piece < size - at ? piece : size - at;
			unsigned expected = 0;
			bool bad = true;

			for (size_t i = at; i < at + n; i++)
				expected |= began[i];
			assert_int_equal(record_track(&t, stream + at, n, &bad), expected);
			assert_false(bad);
		}
		assert_int_equal(t.left, 0);
		assert_int_equal(t.have, 0);
	}
}

static void
track_lost(void **state)
{
	static const struct {
		const char *octets;
		size_t size, good;
	} streams[] = {
		{ "250 ok\r\n", 8, 0 },
		{ "\x17\3\3\0\1x454 no", 12, 6 },
		{ "\x17\3\3\x48\1", 5, 4 },
		{ "\x17\3\5", 3, 2 },
	};
	bool bad;

	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct record_track t = { 0 };

		for (size_t n = 0; n < streams[i].size; n++) {
			record_track(&t, streams[i].octets + n, 1, &bad);
			assert_int_equal(bad, n >= streams[i].good);
		}
		/* For ever, whatever comes. */
		bad = false;
		assert_int_equal(record_track(&t, "\x17\3\3\0\1x", 6, &bad), 0);
		assert_true(bad);
	}
}

/* A sealed record may be longer than one in clear: RFC 5246 6.2.3. */
static void
sealed_longest(void **state)
{
	static uint8_t fragment[RECORD_SEALED_MAX];
	struct record_track t = { 0 };
	bool bad;

	(void)state;
	assert_int_equal(record_track(&t, "\x17\3\3\x48\0", 5, &bad), 8);
	assert_false(bad);
	assert_int_equal(record_track(&t, fragment, sizeof(fragment), &bad), 0);
	assert_false(bad);
	assert_int_equal(record_track(&t, "\x15\3\3\0\x1a", 5, &bad), 2);
	assert_false(bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_text),
		cmocka_unit_test(longest),
		cmocka_unit_test(tracked),
		cmocka_unit_test(track_lost),
		cmocka_unit_test(sealed_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
