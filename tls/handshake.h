/* handshake.h - handshake messages put together from records, however they were cut
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_HANDSHAKE_H
#define TLS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of all messages of one side's flight: a chain of twelve large certificates fits; honest flights
 * stay under 20 KiB. */
#define HANDSHAKE_OCTETS_MAX (128 * 1024)

enum handshake_type {
	HANDSHAKE_HELLO_REQUEST = 0, HANDSHAKE_CLIENT_HELLO = 1, HANDSHAKE_SERVER_HELLO = 2,
	HANDSHAKE_NEW_SESSION_TICKET = 4, HANDSHAKE_CERTIFICATE = 11,
	HANDSHAKE_SERVER_KEY_EXCHANGE = 12, HANDSHAKE_CERTIFICATE_REQUEST = 13,
	HANDSHAKE_SERVER_HELLO_DONE = 14, HANDSHAKE_CERTIFICATE_STATUS = 22
};

struct handshake {
	uint8_t *octets;	/* NULL until the first */
	size_t len, size, at;	/* at: the first octet not taken yet */
};

struct handshake_message {
	uint8_t type;
	const uint8_t *body;	/* valid until handshake_clear or the next handshake_add */
	size_t len;
};

enum handshake_result { HANDSHAKE_OK, HANDSHAKE_MORE, HANDSHAKE_TOO_LONG };

/* handshake_add: the fragment of one record. HANDSHAKE_TOO_LONG beyond HANDSHAKE_OCTETS_MAX, and
 * when out of memory. */
enum handshake_result handshake_add(struct handshake *h, const void *fragment, size_t len);

/* handshake_next: the next whole message. HANDSHAKE_TOO_LONG as soon as its length says so. */
enum handshake_result handshake_next(struct handshake *h, struct handshake_message *out);

/* handshake_unfinished: whether octets of a message that is not whole are waiting. */
bool handshake_unfinished(const struct handshake *h);
void handshake_clear(struct handshake *h);	/* frees; may be used again */

#endif
