/* body_test.c - CRLF.CRLF ends the data, and what only looks like it does not pass
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/body.h"

#define ROW(text, result, pass) { text, sizeof(text) - 1, result, pass }
#define SKIP(text, consumed, end) { text, sizeof(text) - 1, consumed, end }
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *text;
	size_t len;
	enum body_result result;
	size_t pass;
} rows[] = {
	/* RFC 5321 4.1.1.4: the end, and nothing behind it. */
	ROW(".\r\n", BODY_END, 3),
	ROW("a\r\n.\r\n", BODY_END, 6),
	ROW("a\r\n.\r\nQUIT\r\n", BODY_END, 6),
	ROW("\r\n.\r\n.\r\n", BODY_END, 5),
	ROW("a\r\r\n.\r\n", BODY_END, 7),
	ROW("a\n\r\n.\r\n", BODY_END, 7),
	ROW("a\0\r\n.\r\n", BODY_END, 7),
	ROW(X64 X64 "\r\n" X64 "\r\n.\r\n", BODY_END, 199),
	/* RFC 5321 4.5.2: dots that begin longer lines. */
	ROW("..\r\n.\r\n", BODY_END, 7),
	ROW("..\n", BODY_MORE, 3),
	ROW("\n.a\r\n", BODY_MORE, 5),
	ROW("\r.a\r\n", BODY_MORE, 5),
	ROW("\r\n\0.a\r\n", BODY_MORE, 7),
	ROW("a.\r\n", BODY_MORE, 4),
	ROW("a.\n", BODY_MORE, 3),
	ROW("a\0.\r\n", BODY_MORE, 5),
	ROW("\t.\r\n", BODY_MORE, 4),
	ROW(". \r\n", BODY_MORE, 4),
	/* Other bare CR, LF and NUL pass unchanged. */
	ROW("a\nb\rc\r\r\n\0d\n\n", BODY_MORE, 12),
	ROW("", BODY_MORE, 0),
	ROW("a\r\n", BODY_MORE, 3),
	ROW("a\r", BODY_MORE, 2),
	/* Held back until more is known. */
	ROW(".", BODY_MORE, 0),
	ROW("a\r\n.", BODY_MORE, 3),
	ROW("a\r\n.\r", BODY_MORE, 3),
	ROW("a\n.", BODY_MORE, 2),
	/* CVE-2023-51764 and its kin. */
	ROW("a\n.\n", BODY_SMUGGLED, 2),
	ROW("a\n.\r\n", BODY_SMUGGLED, 2),
	ROW("a\n.\r", BODY_SMUGGLED, 2),
	ROW("a\r\n.\n", BODY_SMUGGLED, 3),
	ROW("a\r.\r\n", BODY_SMUGGLED, 2),
	ROW("a\r.\r", BODY_SMUGGLED, 2),
	ROW("a\r.\n", BODY_SMUGGLED, 2),
	ROW("a\r\n.\r\r\n", BODY_SMUGGLED, 3),
	ROW("a\r\n.\ra", BODY_SMUGGLED, 3),
	ROW("a\n\r.\r\n", BODY_SMUGGLED, 3),
	ROW(".\n", BODY_SMUGGLED, 0),
	ROW(".\ra", BODY_SMUGGLED, 0),
	ROW("a\r\n\0.\r\n", BODY_SMUGGLED, 4),
	ROW("a\r\0\n.\r\n", BODY_SMUGGLED, 4),
	ROW("a\r\n.\0\r\n", BODY_SMUGGLED, 3),
	ROW("a\r\n.\0a\r\n", BODY_SMUGGLED, 3),
	ROW("a\r\n.\r\0\n", BODY_SMUGGLED, 3),
	ROW("\0.\r\n", BODY_SMUGGLED, 1),
	ROW("a\n\0\0\0.\n", BODY_SMUGGLED, 5),
	ROW("a\r\nb\n.\r\nMAIL FROM:<c@d.example>\r\n.\r\n", BODY_SMUGGLED, 5),
	ROW(X64 "\r\n" X64 "\n.\r\n", BODY_SMUGGLED, 131),
};

/* feed: shows the text `step` octets at a time, as a caller does: what was not passed stays in
 * front. */
static enum body_result
feed(const char *text, size_t len, size_t step, size_t *passed)
{
	enum body_result r = BODY_MORE;
	size_t seen = 0;
	struct body b;

	body_start(&b);
	*passed = 0;
	do {
		/* A copy of its own size, so that a look beyond it is seen. */
		size_t n, pass;
		char *view;

		seen = len - seen > step ? seen + step : len;
		n = seen - *passed;
		view = malloc(n + 1);
		assert_non_null(view);
		memcpy(view, text + *passed, n);
		r = body_scan(&b, view, n, &pass);
		free(view);
		assert_true(pass <= n);
		assert_true(r != BODY_MORE || n - pass <= BODY_HOLD_MAX);
		*passed += pass;
	} while (r == BODY_MORE && seen < len);
	return r;
}

static void
at_any_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= rows[i].len + 1; step++) {
			size_t passed;

			if (feed(rows[i].text, rows[i].len, step, &passed) != rows[i].result)
				fail_msg("row %zu, step %zu: not %d", i, step,
				    (int)rows[i].result);
			assert_int_equal(passed, rows[i].pass);
		}
	}
}

/* The blocks of the scan begin anywhere: a false end is found wherever it stands. */
static void
at_any_place(void **state)
{
	static const struct {
		const char *text;
		size_t pass;
	} ends[] = { { "\n.\r\n", 1 }, { "\r.\r\n", 1 }, { "\n\0.\n", 2 }, { "\r\n.\n", 2 } };
	char text[300];

	(void)state;
	for (size_t i = 0; i + 4 < sizeof(text); i++) {
		size_t passed, e = i / 2 % 4;

		memset(text, i % 2 == 0 ? 'x' : '.', sizeof(text));
		text[0] = 'x';
		memcpy(text + i, ends[e].text, 4);
		assert_int_equal(feed(text, sizeof(text), sizeof(text), &passed), BODY_SMUGGLED);
		assert_int_equal(passed, i + ends[e].pass);
		memcpy(text + i, "\n.yz", 4);
		assert_int_equal(feed(text, sizeof(text), sizeof(text), &passed), BODY_MORE);
		assert_int_equal(passed, sizeof(text));
	}
}

/* What follows a false end is swallowed to the true one, or to the end of what is there. */
static void
skip_to_the_true_end(void **state)
{
	static const struct {
		const char *text;
		size_t len, consumed;
		int end;
	} skips[] = {
		SKIP("a\n.\r\n.\r\nQUIT\r\n", 8, 1),
		SKIP("a\n.\nMAIL\r\n.\r\nQUIT\r\n", 13, 1),
		SKIP("a\r\n.\r\r\n.\r\nQUIT\r\n", 10, 1),
		SKIP("a\r\n.\r.\r\n.\r\nQUIT\r\n", 11, 1),
		SKIP("a\r\n.\0\r\n.\r\n", 10, 1),
		SKIP("a\r\n.\n.\r\n", 8, 0),
		SKIP("a\r\n.\n\r\n.\n\r\n\r\n..\r\n.\r", 19, 0),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
		for (size_t step = 1; step <= skips[i].len; step++) {
			const char *p = skips[i].text;
			size_t at, len = skips[i].len;
			struct body b;
			int end = 0;

			body_start(&b);
			assert_int_equal(body_scan(&b, p, len, &at), BODY_SMUGGLED);
			while (!end && at < len) {
				size_t n = len - at < step ? len - at : step;
				size_t used = body_skip(&b, p + at, n, &end);

				assert_true(end ? used <= n : used == n);
				at += used;
			}
			assert_int_equal(end, skips[i].end);
			assert_int_equal(at, skips[i].consumed);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_any_step),
		cmocka_unit_test(at_any_place),
		cmocka_unit_test(skip_to_the_true_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
