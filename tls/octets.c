/* octets.c - a cursor over what a peer sent: big-endian numbers and vectors (RFC 8446 section 3)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/octets.h"

#include <assert.h>

struct octets
octets_of(const void *p, size_t len)
{
	return (struct octets){ .p = p, .left = len };
}

/* number: `width` octets, the most significant first. */
static uint32_t
number(struct octets *o, size_t width)
{
	struct octets taken = octets_take(o, width);
	uint32_t value = 0;

	for (size_t i = 0; i < taken.left; i++)
		value = value << 8 | taken.p[i];
	return value;
}

uint8_t
octets_8(struct octets *o)
{
	return (uint8_t)number(o, 1);
}

uint16_t
octets_16(struct octets *o)
{
	return (uint16_t)number(o, 2);
}

uint32_t
octets_24(struct octets *o)
{
	return number(o, 3);
}

uint32_t
octets_32(struct octets *o)
{
	return number(o, 4);
}

struct octets
octets_take(struct octets *o, size_t len)
{
	struct octets taken;

	if (o->bad || len > o->left) {
		o->bad = true;
		o->left = 0;
		return (struct octets){ .p = o->p, .bad = true };
	}
	taken = octets_of(o->p, len);
	if (len > 0)
		o->p += len;
	o->left -= len;
	return taken;
}

struct octets
octets_vector(struct octets *o, unsigned length_octets)
{
	assert(length_octets >= 1 && length_octets <= 3);
	return octets_take(o, number(o, length_octets));
}

bool
octets_done(const struct octets *o)
{
	return !o->bad && o->left == 0;
}
