/* sts_text.h - the lines of a policy text, by the ABNF of RFC 8461 section 3.2
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_STS_TEXT_H
#define POLICY_STS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct sts_line {
	unsigned number;	/* 1... */
	const char *p;		/* without its end: LF or CRLF, and blanks before it (R16) */
	size_t len;
	bool blank;
	const char *name, *value;	/* set by sts_line_split */
	size_t name_len, value_len;
};

/* sts_line_next: the next line from *at, which moves past it; false at the end. Start with *at and
 * line->number 0. */
bool sts_line_next(const char *text, size_t len, size_t *at, struct sts_line *line);

/* sts_line_split: takes "name: value" apart; the name is right (R18), the value may be anything.
 * Returns what is wrong, NULL when nothing is. */
const char *sts_line_split(struct sts_line *line);

/* sts_line_value: sets name and value of a line whose colon is known to be at p[colon]. */
void sts_line_value(struct sts_line *line, size_t colon);

/* sts_line_check: the same for the value: printable ASCII, spaces and UTF-8, not empty (R18). */
const char *sts_line_check(const struct sts_line *line);

#endif
