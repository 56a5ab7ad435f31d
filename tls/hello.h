/* hello.h - a ClientHello as it came, records and all
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "tls/client_hello.h"
#include "tls/handshake.h"
#include "tls/peek.h"

/* All zero at the beginning. */
struct hello {
	uint8_t *octets;		/* NULL until it is whole */
	size_t len;
	struct handshake message;
	struct client_hello client;	/* points into `message` */
	const char *fault;		/* a reason code, static; NULL while there is none */
};

/* hello_read: as peek_client. */
enum peek_hello hello_read(struct hello *h, const void *octets, size_t len, size_t *want);

/* hello_let_go: frees the octets; client's numbers and SNI stay, its pointers do not. */
void hello_let_go(struct hello *h);

#endif
