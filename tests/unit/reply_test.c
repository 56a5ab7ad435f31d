/* reply_test.c - a server's replies, honest and otherwise (RFC 5321 4.2)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/reply.h"

#define ROW(text, result, code, lines) { text, sizeof(text) - 1, result, code, lines }

static const struct {
	const char *text;
	size_t len;
	enum reply_result result;
	int code;
	unsigned lines;
} rows[] = {
	ROW("220 mx.example ESMTP\r\n", REPLY_DONE, 220, 1),
	ROW("250\r\n", REPLY_DONE, 250, 1),		/* 4.2: the text may be missing */
	ROW("250 \r\n", REPLY_DONE, 250, 1),
	ROW("250-a\r\n250-b\r\n250 c\r\n", REPLY_DONE, 250, 3),
	ROW("250-\r\n250\r\n", REPLY_DONE, 250, 2),
	ROW("354 go on\r\n", REPLY_DONE, 354, 1),
	ROW("559 \xe2\x82\xac\r\n", REPLY_DONE, 559, 1),
	ROW("571 5.7.1 no\r\n", REPLY_DONE, 571, 1),	/* 4.2.1: the first digit tells */
	ROW("499 no\r\n", REPLY_DONE, 499, 1),
	ROW("250-a\r\n", REPLY_MORE, 250, 1),
	ROW("250-a\r\n250", REPLY_MORE, 250, 1),
	ROW("22", REPLY_MORE, 0, 0),
	ROW("", REPLY_MORE, 0, 0),
	ROW("220 a\n", REPLY_BAD_LINE, 0, 0),
	ROW("220 a\rb\r\n", REPLY_BAD_LINE, 0, 0),
	ROW("220 a\0b\r\n", REPLY_BAD_LINE, 0, 0),
	ROW("\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("25\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("120 soon\r\n", REPLY_BAD_CODE, 0, 0),	/* 4.2.1: SMTP has no 1yz */
	ROW("600 x\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("260 x\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("364 x\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("25x x\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("2500 x\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("250\tx\r\n", REPLY_BAD_CODE, 0, 0),
	ROW(" 250 x\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("HTTP/1.1 400 Bad Request\r\n", REPLY_BAD_CODE, 0, 0),
	ROW("250-a\r\n220 b\r\n", REPLY_MIXED_CODES, 250, 1),
	ROW("250-a\r\n550-b\r\n550 c\r\n", REPLY_MIXED_CODES, 250, 1),
};

/* feed: takes lines off as they come, `step` more octets in view each time; the last result. */
static enum reply_result
feed(struct reply *r, const char *p, size_t len, size_t step)
{
	enum reply_result result = REPLY_MORE;
	size_t at = 0, seen = 0;

	while (result == REPLY_MORE) {
		struct reply_line line;

		result = reply_next(r, p + at, seen - at, &line);
		if (result == REPLY_DONE || line.line_len > 0) {
			assert_true(line.line_len > 0 && at + line.line_len <= seen);
			assert_true(line.text >= p + at);
			assert_true(line.text + line.text_len + 2 == p + at + line.line_len);
			assert_int_equal(line.last, result == REPLY_DONE);
			at += line.line_len;
			continue;
		}
		if (seen == len)
			break;
		seen = len - seen > step ? seen + step : len;
	}
	return result;
}

static void
at_any_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= rows[i].len + 1; step++) {
			struct reply r = { 0 };

			assert_int_equal(feed(&r, rows[i].text, rows[i].len, step), rows[i].result);
			assert_int_equal(r.code, rows[i].code);
			assert_int_equal(r.lines, rows[i].lines);
		}
	}
}

static void
text_of_a_line(void **state)
{
	const char text[] = "250-SIZE 1000\r\n250 HELP\r\n";
	struct reply r = { 0 };
	struct reply_line line;

	(void)state;
	assert_int_equal(reply_next(&r, text, sizeof(text) - 1, &line), REPLY_MORE);
	assert_int_equal(line.text_len, 9);
	assert_memory_equal(line.text, "SIZE 1000", 9);
	assert_int_equal(reply_next(&r, text + 15, sizeof(text) - 16, &line), REPLY_DONE);
	assert_memory_equal(line.text, "HELP", 4);
}

/* Two replies behind each other are two: the second begins anew, whatever its code. */
static void
next_reply_begins_by_itself(void **state)
{
	const char text[] = "250-a\r\n250 b\r\n354 c\r\n";
	struct reply r = { 0 };
	struct reply_line line;

	(void)state;
	assert_int_equal(reply_next(&r, text, sizeof(text) - 1, &line), REPLY_MORE);
	assert_int_equal(reply_next(&r, text + 7, sizeof(text) - 8, &line), REPLY_DONE);
	assert_int_equal(r.lines, 2);
	assert_int_equal(reply_next(&r, text + 14, sizeof(text) - 15, &line), REPLY_DONE);
	assert_int_equal(r.code, 354);
	assert_int_equal(r.lines, 1);
}

static void
lines_have_a_limit(void **state)
{
	struct reply r = { 0 };
	struct reply_line line;

	(void)state;
	for (int i = 0; i < REPLY_LINES_MAX; i++)
		assert_int_equal(reply_next(&r, "250-x\r\n", 7, &line), REPLY_MORE);
	assert_int_equal(reply_next(&r, "250 x\r\n", 7, &line), REPLY_TOO_MANY_LINES);
}

static void
a_line_has_a_limit(void **state)
{
	char text[REPLY_LINE_MAX + 1];
	struct reply r = { 0 };
	struct reply_line line;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "250 ", 4);
	memcpy(text + REPLY_LINE_MAX - 2, "\r\n", 2);
	assert_int_equal(reply_next(&r, text, REPLY_LINE_MAX, &line), REPLY_DONE);
	memset(text + REPLY_LINE_MAX - 2, 'x', 2);
	assert_int_equal(reply_next(&r, text, REPLY_LINE_MAX - 1, &line), REPLY_MORE);
	assert_int_equal(reply_next(&r, text, REPLY_LINE_MAX, &line), REPLY_BAD_LINE);
}

static void
every_result_has_words(void **state)
{
	(void)state;
	for (int r = REPLY_DONE; r <= REPLY_TOO_MANY_LINES; r++)
		assert_string_not_equal(reply_result_text((enum reply_result)r), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_any_step),
		cmocka_unit_test(text_of_a_line),
		cmocka_unit_test(next_reply_begins_by_itself),
		cmocka_unit_test(lines_have_a_limit),
		cmocka_unit_test(a_line_has_a_limit),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
