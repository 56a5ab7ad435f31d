/* packet.c - a cursor over a DNS packet
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compression pointers must point before the place where they stand, each further back than the
 * last, so every name ends. */
#include "policy/packet.h"

#define POINTERS_MAX 127	/* in one name: one a label, of which no name has more. A chain of
				 * thousands, walked for each record, would cost seconds */

uint8_t
packet_get8(struct packet_cursor *c)
{
	if (c->bad || c->p == c->end) {
		c->bad = true;
		return 0;
	}
	return *c->p++;
}

uint16_t
packet_get16(struct packet_cursor *c)
{
	unsigned high = packet_get8(c);

	return (uint16_t)(high << 8 | packet_get8(c));
}

uint32_t
packet_get32(struct packet_cursor *c)
{
	uint32_t high = packet_get16(c);

	return high << 16 | packet_get16(c);
}

void
packet_skip(struct packet_cursor *c, size_t len)
{
	if (c->bad || (size_t)(c->end - c->p) < len)
		c->bad = true;
	else
		c->p += len;
}

static char
host_octet(uint8_t o)
{
	if (o >= 'A' && o <= 'Z')
		return (char)(o - 'A' + 'a');
	if ((o >= 'a' && o <= 'z') || (o >= '0' && o <= '9') || o == '-' || o == '_' || o == '*')
		return (char)o;
	return '?';
}

/* RFC 1035 4.1.4. */
void
packet_get_name(struct packet_cursor *c, char out[PACKET_NAME_SIZE])
{
	struct packet_cursor at = *c;
	const uint8_t *lowest = c->p;
	size_t n = 0;
	unsigned pointers = 0;

	out[0] = '\0';
	for (;;) {
		uint8_t len = packet_get8(&at);

		if (at.bad || (len > 63 && len < 0xc0))
			break;
		if (len >= 0xc0) {
			size_t to = (size_t)(len & 0x3f) << 8 | packet_get8(&at);

			if (pointers++ == 0)
				c->p = at.p;
			if (at.bad || to >= (size_t)(lowest - at.start) || pointers > POINTERS_MAX)
				break;
			at.p = lowest = at.start + to;
			continue;
		}
		if (len == 0) {
			if (pointers == 0)
				c->p = at.p;
			out[n > 0 ? n - 1 : 0] = '\0';
			return;
		}
		/* 253 characters is what fits into 255 octets. */
		if (n + len > 253 || (size_t)(at.end - at.p) < len)
			break;
		for (; len > 0; len--)
			out[n++] = host_octet(packet_get8(&at));
		out[n++] = '.';
	}
	out[0] = '\0';
	c->bad = true;
}

bool
packet_get_resource(struct packet_cursor *c, struct packet_resource *r)
{
	packet_get_name(c, r->owner);
	r->type = packet_get16(c);
	r->class = packet_get16(c);
	r->ttl = packet_get32(c);
	r->len = packet_get16(c);
	r->data = *c;
	packet_skip(c, r->len);
	if (r->ttl & 0x80000000u)	/* RFC 2181 section 8 */
		r->ttl = 0;
	return !c->bad;
}
