/* packet.h - IPv4, IPv6, UDP and TCP headers of one packet, read and never trusted
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_PACKET_H
#define NFQ_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

struct packet {
	struct address src, dst;
	uint8_t protocol;		/* IPPROTO_TCP or IPPROTO_UDP */
	/* TCP */
	uint32_t seq;
	bool syn, ack, fin, rst;
	const unsigned char *payload;	/* behind the transport header */
	size_t len;
	bool cut;			/* the packet is longer than what was copied */
};

enum packet_result {
	PACKET_OK,
	PACKET_OTHER,			/* neither TCP nor UDP, or a fragment but the first */
	PACKET_BAD			/* lengths that contradict each other, headers not copied
					 * whole, addresses that have no place on the wire */
};

/* packet_read: from the IP header on (RFC 791, RFC 8200 with its extension headers, RFC 768, RFC
 * 9293). Pure; *out points into the bytes. */
enum packet_result packet_read(const void *p, size_t len, struct packet *out);

#endif
