/* chain.h - how a certificate chain stands
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_CHAIN_H
#define TLS_CHAIN_H

#include <time.h>

#include <openssl/x509_vfy.h>

#include "tls/proof.h"

struct chain {
	enum proof_chain standing;
	const char *fault;	/* OpenSSL's words, static; "" when trusted */
	time_t until;		/* the first notAfter among the certificates of the chain built */
};

/* chain_verify: builds and checks the chain of a store context that is ready for it, going on past
 * faults, so that the standing does not depend on which of them OpenSSL happens to meet first.
 *
 * Of several faults the gravest counts: untrusted before invalid before expired. An expired
 * self-signed certificate is untrusted, an expired leaf of a known CA is expired. Within a kind the
 * first fault gives the words. */
void chain_verify(X509_STORE_CTX *ctx, struct chain *out);

/* chain_time: 0 when it cannot be read, which is long past. */
time_t chain_time(const ASN1_TIME *t);

#endif
