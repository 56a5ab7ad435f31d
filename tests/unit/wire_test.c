/* wire_test.c - the cursor: what is written is read, and every fault sticks
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/wire.h"

static void
test_numbers_are_little_endian(void **state)
{
	static const unsigned char want[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e,
	    0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 'x', 'y' };
	unsigned char buf[64], two[2];
	struct wire_writer w;
	struct wire_reader r;

	(void)state;
	wire_write(&w, buf, sizeof buf);
	wire_put8(&w, 1);
	wire_put16(&w, 0x0203);
	wire_put32(&w, 0x04050607);
	wire_put64(&w, 0x08090a0b0c0d0e0f);
	wire_put_bytes(&w, "xy", 2);
	assert_int_equal(wire_written(&w), sizeof want);
	assert_memory_equal(buf, want, sizeof want);

	wire_read(&r, buf, sizeof want);
	assert_int_equal(wire_get8(&r), 1);
	assert_int_equal(wire_get16(&r), 0x0203);
	assert_int_equal(wire_get32(&r), 0x04050607);
	assert_true(wire_get64(&r) == 0x08090a0b0c0d0e0f);
	assert_false(wire_read_done(&r));
	wire_get_bytes(&r, two, 2);
	assert_memory_equal(two, "xy", 2);
	assert_true(wire_read_done(&r));
}

static void
test_strings(void **state)
{
	static const char *const strings[] = { "", "a", "mx.example.com" };
	unsigned char buf[128];
	struct wire_writer w;
	struct wire_reader r;
	size_t len;

	(void)state;
	wire_write(&w, buf, sizeof buf);
	for (size_t i = 0; i < 3; i++)
		wire_put_string(&w, strings[i]);
	wire_put_string(&w, NULL);
	len = wire_written(&w);
	assert_int_equal(len, 4 * 3 + 1 + 14);
	wire_read(&r, buf, len);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(wire_get_string(&r), strings[i]);
	assert_string_equal(wire_get_string(&r), "");
	assert_true(wire_read_done(&r));
}

static void
test_longest_string(void **state)
{
	unsigned char *buf = malloc(WIRE_MESSAGE_MAX * 2);
	char *s = malloc(65536);
	struct wire_writer w;
	struct wire_reader r;

	(void)state;
	assert_non_null(buf);
	assert_non_null(s);
	memset(s, 'a', 65535);
	s[65534] = '\0';
	wire_write(&w, buf, WIRE_MESSAGE_MAX * 2);
	wire_put_string(&w, s);
	assert_int_equal(wire_written(&w), 65534 + 3);
	wire_read(&r, buf, 65534 + 3);
	assert_string_equal(wire_get_string(&r), s);
	assert_true(wire_read_done(&r));

	s[65534] = 'a';
	s[65535] = '\0';
	wire_write(&w, buf, WIRE_MESSAGE_MAX * 2);
	wire_put_string(&w, s);
	assert_true(w.bad);
	assert_int_equal(wire_written(&w), 0);
	free(s);
	free(buf);
}

static void
test_bad_strings(void **state)
{
	static const struct {
		const char *p;
		size_t len;
	} bad[] = {
		{ "", 0 }, { "\x01", 1 }, { "\x01\x00", 2 }, { "\x01\x00" "a", 3 },
		{ "\x01\x00" "ab", 4 },			/* no NUL */
		{ "\x03\x00" "a\0b", 6 },		/* NUL inside */
		{ "\xff\xff" "a", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct wire_reader r;

		wire_read(&r, bad[i].p, bad[i].len);
		assert_string_equal(wire_get_string(&r), "");
		assert_true(r.bad);
	}
}

static void
test_reader_error_sticks(void **state)
{
	unsigned char three[3] = { 9, 9, 9 };
	struct wire_reader r;

	(void)state;
	wire_read(&r, "\x01\x02\x03", 3);
	assert_int_equal(wire_get32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(wire_get8(&r), 0);
	wire_get_bytes(&r, three, 3);
	assert_memory_equal(three, "\0\0\0", 3);
	assert_string_equal(wire_get_string(&r), "");
	assert_false(wire_read_done(&r));

	wire_read(&r, NULL, 0);
	assert_true(wire_read_done(&r));
	wire_get_bytes(&r, three, 0);
	assert_true(wire_read_done(&r));
}

static void
test_writer_never_passes_its_end(void **state)
{
	(void)state;
	for (size_t size = 0; size < 16; size++) {
		unsigned char buf[32];
		struct wire_writer w;

		memset(buf, 0xee, sizeof buf);
		wire_write(&w, buf, size);
		wire_put64(&w, UINT64_MAX);
		wire_put_string(&w, "abcde");
		assert_int_equal(wire_written(&w), size >= 16 ? 16 : 0);
		assert_true(w.bad);
		/* A small thing does not slip in behind a large one that did not fit. */
		wire_put8(&w, 1);
		assert_int_equal(wire_written(&w), 0);
		for (size_t i = size; i < sizeof buf; i++)
			assert_int_equal(buf[i], 0xee);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_little_endian),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_longest_string),
		cmocka_unit_test(test_bad_strings),
		cmocka_unit_test(test_reader_error_sticks),
		cmocka_unit_test(test_writer_never_passes_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
