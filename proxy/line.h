/* line.h - one line of the dialogue: CRLF ends it, nothing else does (RFC 5321 2.3.8)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_LINE_H
#define PROXY_LINE_H

#include <stddef.h>

enum line_result {
	LINE_OK,
	LINE_MORE,		/* no CRLF yet */
	LINE_BARE_CR, LINE_BARE_LF, LINE_NUL,
	LINE_TOO_LONG		/* no CRLF within max octets */
};

/* line_scan: looks for the first line in p. On LINE_OK *line_len counts its octets including CRLF.
 * `max` includes CRLF. *scanned (in and out, start with 0) remembers what was seen of an unfinished
 * line, so that one octet at a time costs no more than all at once. */
enum line_result line_scan(const char *p, size_t len, size_t max, size_t *scanned,
    size_t *line_len);

const char *line_result_text(enum line_result r);

#endif
