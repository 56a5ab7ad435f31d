/* reply.h - a server's reply, read line by line (RFC 5321 4.2)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_REPLY_H
#define PROXY_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_LINE_MAX 2048	/* octets with CRLF: RFC 5321 says 512, honest servers go over it */
#define REPLY_LINES_MAX 128	/* an EHLO reply has some 20 */

enum reply_result {
	REPLY_DONE,		/* the reply is whole */
	REPLY_MORE,		/* more lines follow */
	REPLY_BAD_LINE,		/* bare CR or LF, NUL, too long */
	REPLY_BAD_CODE,		/* not 2-5,0-5,0-9 (4yz, 5yz: 0-9,0-9), or not followed by SP,
				 * "-" or CRLF */
	REPLY_MIXED_CODES,	/* lines of one reply with different codes */
	REPLY_TOO_MANY_LINES
};

/* What is known of the reply so far; start with all zero. After REPLY_DONE code and lines stay
 * readable, and the next call begins a new reply by itself. */
struct reply {
	int code;		/* 220 */
	unsigned lines;
	size_t scanned;		/* of the unfinished line */
	bool done;		/* the line before was a last one */
};

/* One line of it, pointing into the input. */
struct reply_line {
	int code;
	bool last;
	const char *text;	/* after code and separator, without CRLF */
	size_t text_len;
	size_t line_len;	/* with CRLF: what to consume */
};

/* reply_next: takes one line off p. REPLY_MORE with line->line_len 0: more octets are needed; with
 * line_len > 0: a line that is not the last. REPLY_DONE: the last line. */
enum reply_result reply_next(struct reply *r, const char *p, size_t len, struct reply_line *line);

const char *reply_result_text(enum reply_result r);

#endif
