/* dane.h - a chain held against TLSA records, by OpenSSL (RFC 7671, RFC 7672 section 3)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For sessions of our own and for those seen in flight alike. Names are not held against anybody:
 * which names count depends on the recipient domain, so judge() does it, with the DNS-IDs of the
 * proof. */
#ifndef TLS_DANE_H
#define TLS_DANE_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509_vfy.h>

#include "tls/proof.h"
#include "tls/tlsa.h"

/* What holds a chain against records; one for each trust. */
struct dane_checker;

struct dane_checker *dane_checker_new(void);	/* NULL when out of memory */
void dane_checker_free(struct dane_checker *c);	/* NULL is allowed */

struct dane {
	enum proof_dane standing;
	uint8_t digest[TLSA_DIGEST];	/* of the set */
	uint8_t base, record, depth;	/* of what matched, indexes into the set; else 0 */
	const char *fault;		/* static; "" where it stands */
	int error;			/* OpenSSL's number for it; 0 where it stands */
	time_t until;			/* PROOF_DANE_TA: the first notAfter of the chain built */
};

/* dane_verify: `sent` is the chain as sent, its first the leaf. Base by base, until one is
 * proven; with usage 2 one whose own name the leaf carries is preferred. Of several faults a chain
 * that matches but does not stand says more than none. False when out of memory. A set without
 * records, or NULL, is PROOF_DANE_NOT_ASKED. */
bool dane_verify(struct dane_checker *c, X509 *leaf, STACK_OF(X509) *sent,
    const struct tlsa_set *set, struct dane *out);

#endif
