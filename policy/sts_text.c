/* sts_text.c - the lines of a policy text
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/sts_text.h"

#include <stdint.h>
#include <string.h>

#define FIELD_NAME_MAX 32	/* RFC 8461 3.2, sts-policy-ext-name */

static const char byte_order_mark[] = "\xef\xbb\xbf";

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
sts_line_next(const char *text, size_t len, size_t *at, struct sts_line *line)
{
	const char *p = text + *at, *newline;
	size_t left = len - *at;

	if (left == 0)
		return false;
	newline = memchr(p, '\n', left);
	line->number++;
	line->p = p;
	line->len = newline == NULL ? left : (size_t)(newline - p);
	*at += newline == NULL ? left : line->len + 1;
	if (newline != NULL && line->len > 0 && p[line->len - 1] == '\r')
		line->len--;
	while (line->len > 0 && blank(p[line->len - 1]))
		line->len--;
	line->blank = line->len == 0;
	return true;
}

/* Octets of the well-formed UTF-8 sequence at p (RFC 3629 section 4), 0 when there is none. */
static size_t
utf8_sequence(const unsigned char *p, size_t len)
{
	size_t more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
	uint32_t c = p[0] & (0x3fU >> more);

	if (p[0] < 0xc2 || p[0] > 0xf4 || len <= more)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) ||
	    (more == 3 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return more + 1;
}

const char *
sts_line_check(const struct sts_line *line)
{
	const unsigned char *p = (const unsigned char *)line->value;
	size_t len = line->value_len, octets;

	for (size_t i = 0; i < len; i += octets) {
		octets = 1;
		if (p[i] < 0x20 || p[i] == 0x7f)
			return "a control character";
		if (p[i] >= 0x80)
			octets = utf8_sequence(p + i, len - i);
		if (octets == 0)
			return "not UTF-8";
	}
	return len == 0 ? "a field without a value" : NULL;
}

void
sts_line_value(struct sts_line *line, size_t colon)
{
	const char *end = line->p + line->len;

	line->name = line->p;
	line->name_len = colon;
	line->value = line->p + colon + 1;
	while (line->value < end && blank(*line->value))
		line->value++;
	line->value_len = (size_t)(end - line->value);
}

const char *
sts_line_split(struct sts_line *line)
{
	const char *colon = memchr(line->p, ':', line->len);

	if (line->number == 1 && line->len >= 3 && memcmp(line->p, byte_order_mark, 3) == 0)
		return "a byte order mark before the first field";
	if (colon == NULL)
		return "not a field: no colon";
	sts_line_value(line, (size_t)(colon - line->p));
	if (line->name_len == 0 || line->name_len > FIELD_NAME_MAX ||
	    !letter_or_digit(line->p[0]))
		return "not a field name";
	for (size_t i = 1; i < line->name_len; i++) {
		char c = line->p[i];

		if (!letter_or_digit(c) && c != '_' && c != '-' && c != '.')
			return "not a field name";
	}
	return NULL;
}
