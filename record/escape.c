/* escape.c - text from the network made fit for a log file and a terminal
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A backslash stays as it is: people read the log, and quoted local parts hold backslashes. */
#include "record/escape.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PIECE_SIZE 16		/* one character or its escape: \u{10ffff} and a NUL */

/* The same octet in each of the eight. */
#define EIGHT(octet) (UINT64_C(0x0101010101010101) * (octet))

/* Whether one of eight octets is not plain. In each term the octet's high bit is set by what it
 * looks for: 8 bits, a control, a quote, a backslash, DEL. A carry or borrow into the next octet
 * comes only from one that is found itself. */
static bool
unplain(uint64_t w)
{
	return ((w | (w - EIGHT(0x20)) | ((w ^ EIGHT('"')) - EIGHT(1)) |
	    ((w ^ EIGHT('\\')) - EIGHT(1)) | (w + EIGHT(1))) & EIGHT(0x80)) != 0;
}

bool
escape_plain(char *out, const char *s, size_t len)
{
	uint64_t w = EIGHT('x');
	size_t i = 0;

	for (; i + sizeof w <= len; i += sizeof w) {
		memcpy(&w, s + i, sizeof w);
		if (unplain(w))
			return false;
		memcpy(out + i, &w, sizeof w);
	}
	for (; i < len; i++) {
		out[i] = s[i];
		w = w << 8 | (unsigned char)s[i];
	}
	return !unplain(w);
}

/* Octets of the character at s, 0 when it is not well-formed (RFC 3629 section 4: nothing overlong,
 * no surrogates, nothing above U+10FFFF). The NUL ends every look-ahead. */
static size_t
character(const unsigned char *s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	*code = s[0];
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	*code = s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3fu);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return len;
}

static bool
unfit(uint32_t code)
{
	return code < 0xa0 || code == 0xad || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
	    (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	    code == 0xfeff || code >= 0xe0000;
}

/* Writes what stands for the first character of s, returns how many octets of s that is. */
static size_t
piece(char out[PIECE_SIZE], const unsigned char *s, bool ascii)
{
	uint32_t code;
	size_t len = character(s, &code);

	if (s[0] >= 0x20 && s[0] < 0x7f) {
		out[0] = (char)s[0];
		out[1] = '\0';
		return 1;
	}
	if (ascii || s[0] < 0x80 || len == 0) {
		snprintf(out, PIECE_SIZE, "\\x%02x", (unsigned)s[0]);
		return 1;
	}
	if (unfit(code)) {
		snprintf(out, PIECE_SIZE, "\\u{%x}", (unsigned)code);
		return len;
	}
	memcpy(out, s, len);
	out[len] = '\0';
	return len;
}

static size_t
escape(char *out, size_t size, const char *s, bool ascii)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t len = strnlen(s, size), cut = 0;
	char one[PIECE_SIZE];

	assert(size >= 8);
	if (len < size && escape_plain(out, s, len)) {
		out[len] = '\0';
		return len;
	}
	len = 0;
	while (*at != '\0') {
		if (*at >= 0x20 && *at < 0x7f && len < size - 4) {
			out[len++] = (char)*at++;
			cut = len;
			continue;
		}
		size_t taken = piece(one, at, ascii), n = strlen(one);

		if (len + n > size - 1) {
			memcpy(out + cut, "...", 4);
			return cut + 3;
		}
		memcpy(out + len, one, n);
		len += n;
		at += taken;
		if (len + 3 <= size - 1)
			cut = len;
	}
	out[len] = '\0';
	return len;
}

size_t
escape_utf8(char *out, size_t size, const char *s)
{
	return escape(out, size, s, false);
}

size_t
escape_ascii(char *out, size_t size, const char *s)
{
	return escape(out, size, s, true);
}
