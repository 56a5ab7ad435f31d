/* key_exchange.h - the ServerKeyExchange: parameters, and the signature that makes them a proof
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 5246 7.4.3, RFC 8422 5.4. A Certificate can be replayed by anybody; this signature covers
 * both randoms, so that only the holder of the key can have made it for this very handshake. */
#ifndef TLS_KEY_EXCHANGE_H
#define TLS_KEY_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "tls/client_hello.h"
#include "tls/server_hello.h"
#include "tls/suite.h"

enum key_exchange_result {
	KEY_EXCHANGE_OK,
	KEY_EXCHANGE_WEAK,		/* signed all right, with SHA-1 or MD5 (TLS < 1.2 always) */
	KEY_EXCHANGE_BAD,		/* malformed */
	KEY_EXCHANGE_GROUP,		/* curve explicit, unknown or not offered; DHE below 2048
					 * bits, or with numbers that keep no secret */
	KEY_EXCHANGE_ALGORITHM,		/* not offered, or not fit for the certificate's key */
	KEY_EXCHANGE_SIGNATURE		/* does not verify: this is not the holder of the key */
};

/* key_exchange_verify: the message's body, with the server's certificate. */
enum key_exchange_result key_exchange_verify(const void *body, size_t len, X509 *leaf,
    const struct suite *suite, const struct client_hello *client,
    const struct server_hello *server);
/* key_exchange_result_text: a reason code for the event; "" for KEY_EXCHANGE_OK. */
const char *key_exchange_result_text(enum key_exchange_result r);

/* key_exchange_transports: for SUITE_RSA, where no such message is sent: whether a secret can be
 * sealed to this certificate's key, so that whoever finishes the handshake holds it. */
bool key_exchange_transports(X509 *leaf);

#endif
