/* issuers.h - the certificates that servers send, decoded once
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Most servers send the same few intermediates, and mail goes to the same few servers; to decode a
 * certificate takes OpenSSL 3.0 longer than to verify its signature. Only that is saved: equal
 * octets give an equal certificate, and chains are built and verified with it as with any other. */
#ifndef TLS_ISSUERS_H
#define TLS_ISSUERS_H

#include <openssl/x509.h>

#include "tls/octets.h"

#define ISSUERS_MAX 64		/* places, of 10 KiB or so; most of the CAs in use fit */
#define ISSUERS_LEAVES_MAX 256	/* servers' own, apart: so many would crowd out the CAs */
#define ISSUERS_DER_MAX 4096	/* octets; honest ones stay under 2 KiB */

struct issuers;

struct issuers *issuers_new(void);		/* NULL when out of memory */
void issuers_free(struct issuers *i);		/* NULL is allowed */

/* issuers_decode: one reference is the caller's. NULL when these octets are no certificate, with
 * nothing behind it, or when out of memory. */
X509 *issuers_decode(struct issuers *i, const struct octets *der);

/* issuers_decode_leaf: the same for a server's own. */
X509 *issuers_decode_leaf(struct issuers *i, const struct octets *der);

#endif
