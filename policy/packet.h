/* packet.h - a cursor over a DNS packet, with a sticky error (RFC 1035 section 4.1)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * After the first fault every further call yields 0, ""; test `bad` once at the end. */
#ifndef POLICY_PACKET_H
#define POLICY_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_NAME_SIZE 256	/* RFC 1035 2.3.4, and the NUL */

struct packet_cursor {
	const uint8_t *start, *p, *end;	/* start: of the packet, what pointers count from */
	bool bad;
};

struct packet_resource {
	char owner[PACKET_NAME_SIZE];
	uint16_t type, class, len;
	uint32_t ttl;
	struct packet_cursor data;	/* ends with the packet: names inside may point back */
};

uint8_t packet_get8(struct packet_cursor *c);
uint16_t packet_get16(struct packet_cursor *c);
uint32_t packet_get32(struct packet_cursor *c);
void packet_skip(struct packet_cursor *c, size_t len);

/* packet_get_name: lower case, dots between labels, "" for the root. Octets that no host name has
 * become '?', which matches nothing that is ever asked for. */
void packet_get_name(struct packet_cursor *c, char out[PACKET_NAME_SIZE]);

/* packet_get_resource: one record, its data not yet read. False when malformed. */
bool packet_get_resource(struct packet_cursor *c, struct packet_resource *r);

#endif
