/* line.c - one line of the dialogue: CRLF ends it, nothing else does
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/line.h"

/* fault_at: what is wrong with the octet p[i], LINE_OK if nothing. A CR that is the last octet seen
 * is LINE_MORE: its LF may still come. */
static enum line_result
fault_at(const char *p, size_t len, size_t i)
{
	switch (p[i]) {
	case '\0':
		return LINE_NUL;
	case '\n':
		return i > 0 && p[i - 1] == '\r' ? LINE_OK : LINE_BARE_LF;
	case '\r':
		if (i + 1 == len)
			return LINE_MORE;
		return p[i + 1] == '\n' ? LINE_OK : LINE_BARE_CR;
	default:
		return LINE_OK;
	}
}

enum line_result
line_scan(const char *p, size_t len, size_t max, size_t *scanned, size_t *line_len)
{
	size_t seen = len < max ? len : max;
	size_t i;

	for (i = *scanned; i < seen; i++) {
		enum line_result fault;

		if ((unsigned char)p[i] > '\r')
			continue;
		fault = fault_at(p, len, i);
		if (fault == LINE_MORE)
			break;
		if (fault != LINE_OK)
			return fault;
		if (p[i] == '\n') {
			*scanned = 0;
			*line_len = i + 1;
			return LINE_OK;
		}
	}
	*scanned = i;
	return len >= max ? LINE_TOO_LONG : LINE_MORE;
}

const char *
line_result_text(enum line_result r)
{
	switch (r) {
	case LINE_OK:
		return "a whole line";
	case LINE_MORE:
		return "an unfinished line";
	case LINE_BARE_CR:
		return "a CR without LF";
	case LINE_BARE_LF:
		return "an LF without CR";
	case LINE_NUL:
		return "a NUL octet";
	case LINE_TOO_LONG:
		return "a line too long";
	}
	return "unknown";
}
