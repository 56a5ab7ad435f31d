/* reply.c - a server's reply, read line by line (RFC 5321 4.2)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/reply.h"

#include <string.h>

#include "proxy/line.h"

#define CODE_LEN 3

/* code_read: the reply code at p, 0 where there is none (RFC 5321 4.2: %x32-35 %x30-35 %x30-39).
 * Servers refuse with 571 and the like; the first digit tells all that matters (4.2.1). */
static int
code_read(const char *p, size_t len)
{
	if (len < CODE_LEN || p[0] < '2' || p[0] > '5' || p[2] < '0' || p[2] > '9')
		return 0;
	if (p[1] < '0' || p[1] > (p[0] >= '4' ? '9' : '5'))
		return 0;
	return (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
}

/* line_read: takes apart one line of len octets, CRLF not counted; false where code or separator
 * are wrong. A code alone is a last line (RFC 5321 4.2: the text may be missing). */
static bool
line_read(const char *p, size_t len, struct reply_line *line)
{
	line->code = code_read(p, len);
	if (line->code == 0)
		return false;
	line->last = true;
	line->text = p + CODE_LEN;
	line->text_len = len - CODE_LEN;
	if (line->text_len == 0)
		return true;
	if (p[CODE_LEN] != ' ' && p[CODE_LEN] != '-')
		return false;
	line->last = p[CODE_LEN] == ' ';
	line->text++;
	line->text_len--;
	return true;
}

enum reply_result
reply_next(struct reply *r, const char *p, size_t len, struct reply_line *line)
{
	size_t line_len = 0;
	enum line_result scan;

	memset(line, 0, sizeof(*line));
	scan = line_scan(p, len, REPLY_LINE_MAX, &r->scanned, &line_len);
	if (scan == LINE_MORE)
		return REPLY_MORE;
	if (scan != LINE_OK)
		return REPLY_BAD_LINE;
	if (r->done) {
		r->done = false;
		r->code = 0;
		r->lines = 0;
	}
	if (!line_read(p, line_len - 2, line))
		return REPLY_BAD_CODE;
	if (r->lines > 0 && line->code != r->code)
		return REPLY_MIXED_CODES;
	if (r->lines >= REPLY_LINES_MAX)
		return REPLY_TOO_MANY_LINES;
	line->line_len = line_len;
	r->code = line->code;
	r->lines++;
	r->done = line->last;
	return line->last ? REPLY_DONE : REPLY_MORE;
}

const char *
reply_result_text(enum reply_result r)
{
	switch (r) {
	case REPLY_DONE:
		return "a whole reply";
	case REPLY_MORE:
		return "an unfinished reply";
	case REPLY_BAD_LINE:
		return "a bare CR or LF, a NUL, or a line too long";
	case REPLY_BAD_CODE:
		return "no valid reply code";
	case REPLY_MIXED_CODES:
		return "different codes in one reply";
	case REPLY_TOO_MANY_LINES:
		return "too many lines in one reply";
	}
	return "unknown";
}
