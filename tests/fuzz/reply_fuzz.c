/* reply_fuzz.c - replies whole and octet by octet are the same, and nothing odd is taken for one
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static void
line_check(const struct reply *r, const struct reply_line *line, const char *p, size_t len)
{
	must(line->line_len >= 5 && line->line_len <= len && line->line_len <= REPLY_LINE_MAX);
	must(memcmp(p + line->line_len - 2, "\r\n", 2) == 0);
	must(memchr(p, '\n', line->line_len) == p + line->line_len - 1);
	must(memchr(p, '\r', line->line_len) == p + line->line_len - 2);
	must(memchr(p, '\0', line->line_len) == NULL);
	must(line->code == r->code && line->code >= 200 && line->code <= 599);
	must((p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0' == line->code);
	must(line->text >= p + 3 && line->text + line->text_len == p + line->line_len - 2);
	must(r->lines > 0 && r->lines <= REPLY_LINES_MAX && r->scanned == 0);
}

/* read_all: replies until one is bad or the input ends, `step` octets more in view each time.
 * *at is where it stopped; a checksum of what was read comes with the last result. */
static enum reply_result
read_all(const char *p, size_t len, size_t step, size_t *at, uint64_t *sum)
{
	struct reply r = { 0 };
	size_t seen = 0;

	*at = 0;
	*sum = 0;
	for (;;) {
		struct reply_line line;
		enum reply_result result = reply_next(&r, p + *at, seen - *at, &line);

		if (result == REPLY_DONE || (result == REPLY_MORE && line.line_len > 0)) {
			line_check(&r, &line, p + *at, seen - *at);
			must(line.last == (result == REPLY_DONE));
			*sum = *sum * 31 + (uint64_t)line.code * 2 + line.last;
			*at += line.line_len;
			continue;
		}
		must(line.line_len == 0);
		if (result != REPLY_MORE || seen == len)
			return result;
		must(r.scanned <= seen - *at && r.scanned + 1 >= seen - *at);
		seen = len - seen < step ? len : seen + step;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	size_t at, at_one, at_seven;
	uint64_t sum, sum_one, sum_seven;
	enum reply_result whole = read_all(p, size, size + 1, &at, &sum);

	must(read_all(p, size, 1, &at_one, &sum_one) == whole);
	must(read_all(p, size, 7, &at_seven, &sum_seven) == whole);
	must(at == at_one && at == at_seven && sum == sum_one && sum == sum_seven);
	return 0;
}
