/* line_test.c - CRLF ends a line, nothing else does (RFC 5321 2.3.8)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/line.h"

#define MAX 16

#define ROW(text, result, line_len) { text, sizeof(text) - 1, result, line_len }

static const struct {
	const char *text;
	size_t len;
	enum line_result result;
	size_t line_len;
} rows[] = {
	ROW("\r\n", LINE_OK, 2),
	ROW("QUIT\r\n", LINE_OK, 6),
	ROW("NOOP\r\nQUIT\r\n", LINE_OK, 6),
	ROW("a\tb\x7f\xff\r\n", LINE_OK, 7),
	ROW("12345678901234\r\n", LINE_OK, 16),
	ROW("12345678901234\r\nX", LINE_OK, 16),
	ROW("", LINE_MORE, 0),
	ROW("QUIT", LINE_MORE, 0),
	ROW("QUIT\r", LINE_MORE, 0),
	ROW("123456789012345", LINE_MORE, 0),
	ROW("QUIT\n", LINE_BARE_LF, 0),
	ROW("\n", LINE_BARE_LF, 0),
	ROW("\nQUIT\r\n", LINE_BARE_LF, 0),
	ROW("QU\rIT\r\n", LINE_BARE_CR, 0),
	ROW("QUIT\r\r\n", LINE_BARE_CR, 0),
	ROW("QUIT\r\0\n", LINE_BARE_CR, 0),
	ROW("QU\0IT\r\n", LINE_NUL, 0),
	ROW("1234567890123456", LINE_TOO_LONG, 0),
	ROW("123456789012345\r", LINE_TOO_LONG, 0),
	ROW("123456789012345\r\n", LINE_TOO_LONG, 0),
};

static void
whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t scanned = 0, line_len = 0;

		assert_int_equal(line_scan(rows[i].text, rows[i].len, MAX, &scanned, &line_len),
		    rows[i].result);
		assert_int_equal(line_len, rows[i].line_len);
	}
}

/* One octet at a time: the same answer, and no octet but a pending CR is looked at twice. */
static void
octet_by_octet(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t scanned = 0, line_len = 0;
		enum line_result r = LINE_MORE;

		for (size_t n = 0; n <= rows[i].len && r == LINE_MORE; n++) {
			r = line_scan(rows[i].text, n, MAX, &scanned, &line_len);
			if (r == LINE_MORE)
				assert_true(scanned + 1 >= n && scanned <= n);
		}
		assert_int_equal(r, rows[i].result);
		assert_int_equal(line_len, rows[i].line_len);
		if (r == LINE_OK)
			assert_int_equal(scanned, 0);
	}
}

static void
every_result_has_words(void **state)
{
	(void)state;
	for (int r = LINE_OK; r <= LINE_TOO_LONG; r++)
		assert_string_not_equal(line_result_text((enum line_result)r), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(octet_by_octet),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
