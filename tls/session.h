/* session.h - the inside of struct stream, for the files of this folder that make one
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "tls/outlet.h"
#include "tls/stream.h"

struct attempt;		/* what originate.c keeps beside a client's session */

struct stream {
	SSL *ssl;
	const char *error;		/* static; "" while there is none */
	enum stream_result end;		/* sticky: STREAM_CUT or STREAM_FAILED, else STREAM_OK */
	bool finished;			/* the handshake */
	bool defers;			/* the handshake's last flight waits for the first write */
	bool last;			/* what is written waits for the close_notify */
	bool shut;			/* our close_notify was tried */
	struct outlet outlet;
	struct attempt *attempt;
	void (*on_finished)(struct stream *s);
	void (*on_free)(struct stream *s);
};

/* stream_new: a session over the connected socket fd; NULL when out of memory. SSL_get_app_data
 * gives the stream back inside OpenSSL's callbacks. The context must outlive it. */
struct stream *stream_new(SSL_CTX *ctx, int fd);

/* stream_context: what both sides' contexts have in common; library may be NULL, for OpenSSL's own.
 * Its application data are ours. NULL when out of memory. */
SSL_CTX *stream_context(OSSL_LIB_CTX *library, const SSL_METHOD *method, int min_version,
    int level);
void stream_context_free(SSL_CTX *ctx);		/* NULL is allowed */

#endif
