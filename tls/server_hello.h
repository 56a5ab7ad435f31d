/* server_hello.h - what a server has chosen, and its certificates as sent (RFC 5246 7.4.1.3, 7.4.2)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure. Pointers point into the message. */
#ifndef TLS_SERVER_HELLO_H
#define TLS_SERVER_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/client_hello.h"
#include "tls/octets.h"

#define SERVER_HELLO_CERTIFICATES_MAX 12	/* PROOF_CHAIN_MAX */

struct server_hello {
	uint16_t version;
	const uint8_t *random;		/* 32 octets */
	struct octets session_id;
	uint16_t suite;
	bool ticket;			/* will send a NewSessionTicket */
	bool status;			/* may send a CertificateStatus (RFC 6066 section 8) */
	bool renegotiation;		/* safe: it knows RFC 5746 */
	bool retry;			/* HelloRetryRequest (RFC 8446 4.1.3) */
	bool tls13;			/* supported_versions is there: TLS 1.3 */
};

/* Why an answer cannot be followed; the words are for the event. */
enum server_hello_result {
	SERVER_HELLO_OK,
	SERVER_HELLO_BAD,		/* malformed */
	SERVER_HELLO_TLS13,		/* or a HelloRetryRequest: nothing can be seen in flight */
	SERVER_HELLO_VERSION,		/* higher than offered, or below TLS 1.0 */
	SERVER_HELLO_DOWNGRADE,		/* marked (RFC 8446 4.1.3): somebody made it lower */
	SERVER_HELLO_SUITE,		/* not offered by the client */
	SERVER_HELLO_COMPRESSION,
	SERVER_HELLO_EXTENSION		/* not offered, sent twice, or one that changes what a
					 * certificate means (raw keys, cached info) */
};

/* server_hello_parse: the body, held against what the client offered. */
enum server_hello_result server_hello_parse(const void *body, size_t len,
    const struct client_hello *offered, struct server_hello *out);
/* server_hello_result_text: a reason code, "tls13-chosen"; "" for SERVER_HELLO_OK. */
const char *server_hello_result_text(enum server_hello_result r);

/* server_certificates: the certificates of a Certificate message, leaf first; false when malformed,
 * empty or more than SERVER_HELLO_CERTIFICATES_MAX. */
bool server_certificates(const void *body, size_t len,
    struct octets out[SERVER_HELLO_CERTIFICATES_MAX], size_t *count);

/* server_ticket: a NewSessionTicket of TLS <= 1.2 (RFC 5077 3.3); *lifetime_s 0: not said. An empty
 * ticket is none: the server has changed its mind. */
bool server_ticket(const void *body, size_t len, uint32_t *lifetime_s, struct octets *ticket);

#endif
