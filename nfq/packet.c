/* packet.c - IPv4, IPv6, UDP and TCP headers of one packet, read and never trusted
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `left` is what was copied of `whole`, what the IP header says there is; never more than that. A
 * transport header that was not copied whole makes the packet bad. */
#include "nfq/packet.h"

#include <string.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define TCP_HEADER 20

/* RFC 8200 4.1 has seven at most of those that are known; more are not honest. */
#define EXTENSIONS_MAX 8

enum {
	TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10
};

struct rest {
	const unsigned char *p;
	size_t left, whole;
	bool partial;		/* the first fragment: the transport's own length is of more */
};

static unsigned
get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool
advance(struct rest *r, size_t len)
{
	if (len > r->left)
		return false;
	r->p += len;
	r->left -= len;
	r->whole -= len;
	return true;
}

/* What is behind the whole of the packet is padding of the link. */
static bool
bound(struct rest *r, size_t whole)
{
	r->whole = whole;
	if (r->left > whole)
		r->left = whole;
	return true;
}

static void
payload(struct packet *out, const struct rest *r)
{
	out->payload = r->p;
	out->len = r->left;
	out->cut = r->left < r->whole || r->partial;
}

static enum packet_result
read_udp(struct rest r, struct packet *out)
{
	size_t len;

	if (r.left < UDP_HEADER)
		return PACKET_BAD;
	out->src.port = (uint16_t)get16(r.p);
	out->dst.port = (uint16_t)get16(r.p + 2);
	len = get16(r.p + 4);
	if (len < UDP_HEADER || (len > r.whole && !r.partial))
		return PACKET_BAD;
	if (len <= r.whole) {
		bound(&r, len);
		r.partial = false;
	}
	if (!advance(&r, UDP_HEADER))
		return PACKET_BAD;
	payload(out, &r);
	return PACKET_OK;
}

static enum packet_result
read_tcp(struct rest r, struct packet *out)
{
	size_t header;
	uint8_t flags;

	if (r.left < TCP_HEADER)
		return PACKET_BAD;
	out->src.port = (uint16_t)get16(r.p);
	out->dst.port = (uint16_t)get16(r.p + 2);
	out->seq = (uint32_t)get16(r.p + 4) << 16 | get16(r.p + 6);
	header = (size_t)(r.p[12] >> 4) * 4;
	flags = r.p[13];
	out->fin = flags & TCP_FIN;
	out->syn = flags & TCP_SYN;
	out->rst = flags & TCP_RST;
	out->ack = flags & TCP_ACK;
	if (header < TCP_HEADER || !advance(&r, header))
		return PACKET_BAD;
	payload(out, &r);
	return PACKET_OK;
}

static enum packet_result
read_transport(const struct rest *r, uint8_t protocol, struct packet *out)
{
	out->protocol = protocol;
	if (protocol == IPPROTO_UDP)
		return read_udp(*r, out);
	if (protocol == IPPROTO_TCP)
		return read_tcp(*r, out);
	return PACKET_OTHER;
}

/* RFC 791 3.1. */
static enum packet_result
read_ipv4(struct rest r, struct packet *out)
{
	size_t header, total;
	unsigned fragment;
	uint8_t protocol;

	if (r.left < IPV4_HEADER)
		return PACKET_BAD;
	header = (size_t)(r.p[0] & 0x0f) * 4;
	total = get16(r.p + 2);
	fragment = get16(r.p + 6);
	protocol = r.p[9];
	out->src.ip.s6_addr[10] = out->src.ip.s6_addr[11] = 0xff;
	memcpy(out->src.ip.s6_addr + 12, r.p + 12, 4);
	out->dst.ip.s6_addr[10] = out->dst.ip.s6_addr[11] = 0xff;
	memcpy(out->dst.ip.s6_addr + 12, r.p + 16, 4);
	if (header < IPV4_HEADER || total < header || !bound(&r, total) || !advance(&r, header))
		return PACKET_BAD;
	if ((fragment & 0x1fff) != 0)
		return PACKET_OTHER;
	r.partial = fragment & 0x2000;
	return read_transport(&r, protocol, out);
}

/* A v4-mapped address has no place on the wire; here it would pass for IPv4. */
static bool
mapped(const struct address *a)
{
	return IN6_IS_ADDR_V4MAPPED(&a->ip);
}

/* RFC 8200 section 3 and 4; RFC 4302 2.2 for AH. */
static enum packet_result
read_ipv6(struct rest r, struct packet *out)
{
	uint8_t next;

	if (r.left < IPV6_HEADER)
		return PACKET_BAD;
	next = r.p[6];
	memcpy(out->src.ip.s6_addr, r.p + 8, 16);
	memcpy(out->dst.ip.s6_addr, r.p + 24, 16);
	if (mapped(&out->src) || mapped(&out->dst) || !bound(&r, IPV6_HEADER + get16(r.p + 4)) ||
	    !advance(&r, IPV6_HEADER))
		return PACKET_BAD;
	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		size_t len;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			return read_transport(&r, next, out);
		if (r.left < 8)
			return PACKET_BAD;
		len = ((size_t)r.p[1] + 1) * 8;
		if (next == IPPROTO_AH)
			len = ((size_t)r.p[1] + 2) * 4;
		if (next == IPPROTO_FRAGMENT) {
			len = 8;
			if ((get16(r.p + 2) & 0xfff8) != 0)
				return PACKET_OTHER;
			r.partial = get16(r.p + 2) & 1;
		}
		next = r.p[0];
		if (!advance(&r, len))
			return PACKET_BAD;
	}
	return PACKET_OTHER;
}

enum packet_result
packet_read(const void *p, size_t len, struct packet *out)
{
	struct rest r = { .p = p, .left = len, .whole = len };

	memset(out, 0, sizeof(*out));
	if (len == 0)
		return PACKET_BAD;
	switch (r.p[0] >> 4) {
	case 4:
		return read_ipv4(r, out);
	case 6:
		return read_ipv6(r, out);
	}
	return PACKET_BAD;
}
