/* wide.c - a character other than ASCII in an address
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/wide.h"

#include <stdbool.h>
#include <stdint.h>

/* utf8_read: the octets of the well-formed sequence at p (RFC 3629 4), 0 if there is none. */
static size_t
utf8_read(const char *p, size_t len, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)p[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	size_t i;

	if (n <= 1 || n > len) {
		*point = c;
		return n <= 1 ? n : 0;
	}
	*point = c & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		c = (unsigned char)p[i];
		if ((c & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (c & 0x3f);
	}
	if (*point < least[n] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return n;
}

/* Not ASCII, and yet taken for a control, an "@" or a "." by whoever normalises or maps first
 * (Unicode UTS 46, NFKC): the C1 controls, small and full-width commercial at, the other full
 * stops, line and paragraph separator. */
static bool
is_disguise(uint32_t point)
{
	switch (point) {
	case 0x2024: case 0x2028: case 0x2029: case 0x3002: case 0xfe52: case 0xfe6b:
	case 0xff0e: case 0xff20: case 0xff61: case 0xfeff:
		return true;
	default:
		return point >= 0x80 && point < 0xa0;
	}
}

size_t
wide_read(const char *p, size_t len)
{
	uint32_t point;
	size_t n = utf8_read(p, len, &point);

	return n > 1 && !is_disguise(point) ? n : 0;
}
