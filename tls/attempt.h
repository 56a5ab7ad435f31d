/* attempt.h - what is kept beside a TLS session towards a server, until it has proven what it can
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_ATTEMPT_H
#define TLS_ATTEMPT_H

#include <stdbool.h>

#include "tls/originate_inside.h"
#include "tls/session.h"

#define ATTEMPT_SNI_MAX 255	/* RFC 1035 2.3.4 */

struct attempt {
	struct originator *originator;
	struct evidence *evidence;	/* of this handshake, or of the one it resumed */
	struct evidence *offered;	/* of the session offered, until the server has chosen */
	bool weighed;			/* the evidence, against the strength of this session */
	struct tlsa_set *tlsa;		/* a copy, until there is evidence; NULL for none */
	X509 *leaf;			/* as OpenSSL decoded it, until the handshake is over */
	unsigned char tag[RESUMPTION_TAG];
	bool has_tag;
	char sni[ATTEMPT_SNI_MAX + 1];
};

/* attempt_new: `tlsa` (NULL: none) is copied. NULL when out of memory. */
struct attempt *attempt_new(struct originator *o, const char *sni, const struct tlsa_set *tlsa);
void attempt_free(struct attempt *a);		/* NULL is allowed */

/* attempt_take_chain: OpenSSL's cert_verify callback. Never refuses a chain for what it is; only
 * what is too long to be looked at fails here. */
int attempt_take_chain(X509_STORE_CTX *ctx, void *unused);

/* attempt_take_session: OpenSSL's new_session callback. TLS <= 1.2: inside the handshake. TLS 1.3:
 * whenever a ticket is read. */
int attempt_take_session(SSL *ssl, SSL_SESSION *session);

/* attempt_settle, attempt_discard: the stream's on_finished and on_free. */
void attempt_settle(struct stream *s);
void attempt_discard(struct stream *s);

#endif
