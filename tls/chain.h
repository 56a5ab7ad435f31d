/* chain.h - how a certificate chain stands
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_CHAIN_H
#define TLS_CHAIN_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509_vfy.h>

#include "tls/proof.h"

struct chain {
	enum proof_chain standing;
	const char *fault;	/* OpenSSL's words, static; "" when trusted */
	int error;		/* its number for the same; 0 when trusted */
	time_t until;		/* the first notAfter of the chain built; 0 unless trusted */
};

/* chain_verify: builds and checks the chain of a store context that is ready for it, going on past
 * faults, so that the standing does not depend on which of them OpenSSL happens to meet first. What
 * would take too long is invalid: keys of issuers that chain_bears_key does not bear, name
 * constraints in masses.
 *
 * Of several faults the gravest counts: untrusted before invalid before expired. An expired
 * self-signed certificate is untrusted, an expired leaf of a known CA is expired. Within a kind the
 * first fault gives the words. */
void chain_verify(X509_STORE_CTX *ctx, struct chain *out);

/* chain_bears_key: whether signatures are verified with that key: no DSA, RSA of at most 8192 bits
 * with a small exponent, EC over a named curve of at most 521 bits, EdDSA. */
bool chain_bears_key(const EVP_PKEY *key);

/* chain_standing: what OpenSSL's number for a fault makes of a chain. */
enum proof_chain chain_standing(int error);

/* chain_time: 0 when it cannot be read, which is long past. */
time_t chain_time(const ASN1_TIME *t);

#endif
