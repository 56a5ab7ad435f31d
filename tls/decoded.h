/* decoded.h - the certificates that servers send, decoded once
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Most servers send the same few intermediates, and mail goes to the same few servers; to decode a
 * certificate takes OpenSSL 3.0 longer than to verify its signature. Only that is saved: equal
 * octets give an equal certificate, and chains are built and verified with it as with any other. */
#ifndef TLS_DECODED_H
#define TLS_DECODED_H

#include <openssl/x509.h>

#include "tls/octets.h"

#define DECODED_ISSUERS_MAX 64		/* places, of 10 KiB or so; most of the CAs in use fit */
#define DECODED_LEAVES_MAX 256	/* servers' own, apart: so many would crowd out the CAs */
/* Octets; honest ones stay under 2 KiB. Decoded, 4 KiB of empty names take 214. */
#define DECODED_DER_MAX 4096

struct decoded;

struct decoded *decoded_new(void);		/* NULL when out of memory */
void decoded_free(struct decoded *i);		/* NULL is allowed */

/* decoded_issuer: one reference is the caller's. NULL when these octets are no certificate, with
 * nothing behind it, or when out of memory. */
X509 *decoded_issuer(struct decoded *i, const struct octets *der);

/* decoded_leaf: the same for a server's own. */
X509 *decoded_leaf(struct decoded *i, const struct octets *der);

/* decoded_share: of a chain that somebody else has decoded, leaf first: puts what is known already
 * into the place of its equals, which are freed; what is not is known from now on. So that many
 * sessions with a server have its chain in memory once. */
void decoded_share(struct decoded *i, STACK_OF(X509) *chain);

#endif
