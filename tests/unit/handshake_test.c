/* handshake_test.c - messages put together from fragments of any size
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/handshake.h"

/* A server's flight, its messages shortened. */
static const char flight[] = "\2\0\0\5hello" "\x0b\0\0\x0b" "certificate" "\x0c\0\0\3key"
    "\x0e\0\0\0";
static const struct {
	uint8_t type;
	const char *body;
} messages[] = {
	{ HANDSHAKE_SERVER_HELLO, "hello" }, { HANDSHAKE_CERTIFICATE, "certificate" },
	{ HANDSHAKE_SERVER_KEY_EXCHANGE, "key" }, { HANDSHAKE_SERVER_HELLO_DONE, "" },
};

/* RFC 5246 6.2.1: messages may be coalesced into a record or spread over several. */
static void
any_fragments(void **state)
{
	size_t size = sizeof(flight) - 1;

	(void)state;
	for (size_t piece = 1; piece <= size; piece++) {
		struct handshake h = { 0 };
		struct handshake_message m;
		size_t count = 0, taken = 0;

		for (size_t at = 0; at < size; at += piece) {
			size_t n = piece < size - at ? piece : size - at;
			enum handshake_result result;

			assert_int_equal(handshake_add(&h, flight + at, n), HANDSHAKE_OK);
			while ((result = handshake_next(&h, &m)) == HANDSHAKE_OK) {
				assert_int_equal(m.type, messages[count].type);
				assert_int_equal(m.len, strlen(messages[count].body));
				assert_memory_equal(m.body, messages[count].body, m.len);
				count++;
				taken += 4 + m.len;
			}
			assert_int_equal(result, HANDSHAKE_MORE);
			assert_int_equal(handshake_unfinished(&h), taken < at + n);
		}
		assert_int_equal(count, 4);
		assert_false(handshake_unfinished(&h));
		handshake_clear(&h);
	}
}

/* Bodies stay where they are until more is added. */
static void
bodies_stay(void **state)
{
	struct handshake h = { 0 };
	struct handshake_message first, second;

	(void)state;
	assert_int_equal(handshake_add(&h, flight, sizeof(flight) - 1), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &first), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &second), HANDSHAKE_OK);
	assert_memory_equal(first.body, "hello", 5);
	handshake_clear(&h);
	assert_int_equal(handshake_next(&h, &first), HANDSHAKE_MORE);
	assert_int_equal(handshake_add(&h, flight, 9), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &first), HANDSHAKE_OK);
	assert_int_equal(first.type, HANDSHAKE_SERVER_HELLO);
	handshake_clear(&h);
}

static void
nothing(void **state)
{
	struct handshake h = { 0 };
	struct handshake_message m;

	(void)state;
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_MORE);
	assert_int_equal(handshake_add(&h, NULL, 0), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_MORE);
	assert_false(handshake_unfinished(&h));
	handshake_clear(&h);
	handshake_clear(&h);
}

/* Its length alone tells: nothing of it has to come. */
static void
too_long_message(void **state)
{
	struct handshake h = { 0 };
	struct handshake_message m;

	(void)state;
	assert_int_equal(handshake_add(&h, "\x0b\1\xff\xfc", 4), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_MORE);
	handshake_clear(&h);
	assert_int_equal(handshake_add(&h, "\x0b\1\xff\xfd", 4), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_TOO_LONG);
	handshake_clear(&h);
	/* Behind another there is less room. */
	assert_int_equal(handshake_add(&h, "\x0e\0\0\0\x0b\1\xff\xf9", 8), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_OK);
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_TOO_LONG);
	handshake_clear(&h);
}

/* Of a whole flight, messages taken included: no endless row of small ones. */
static void
too_long_flight(void **state)
{
	struct handshake h = { 0 };
	struct handshake_message m;

	(void)state;
	for (size_t i = 0; i < HANDSHAKE_OCTETS_MAX / 4; i++) {
		assert_int_equal(handshake_add(&h, "\0\0\0\0", 4), HANDSHAKE_OK);
		assert_int_equal(handshake_next(&h, &m), HANDSHAKE_OK);
	}
	assert_int_equal(h.size, HANDSHAKE_OCTETS_MAX);
	assert_int_equal(handshake_add(&h, NULL, 0), HANDSHAKE_OK);
	assert_int_equal(handshake_add(&h, "\0", 1), HANDSHAKE_TOO_LONG);
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_MORE);
	handshake_clear(&h);
}

static void
longest_message(void **state)
{
	static uint8_t fragment[HANDSHAKE_OCTETS_MAX / 16];
	struct handshake h = { 0 };
	struct handshake_message m;

	(void)state;
	memcpy(fragment, "\x0b\1\xff\xfc", 4);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(handshake_next(&h, &m), HANDSHAKE_MORE);
		assert_int_equal(handshake_add(&h, fragment, sizeof(fragment)), HANDSHAKE_OK);
	}
	assert_int_equal(handshake_next(&h, &m), HANDSHAKE_OK);
	assert_int_equal(m.len, HANDSHAKE_OCTETS_MAX - 4);
	assert_memory_equal(m.body + m.len - sizeof(fragment), fragment, sizeof(fragment));
	handshake_clear(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_fragments),
		cmocka_unit_test(bodies_stay),
		cmocka_unit_test(nothing),
		cmocka_unit_test(too_long_message),
		cmocka_unit_test(too_long_flight),
		cmocka_unit_test(longest_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
