/* suite.h - what a cipher suite of TLS <= 1.2 means for a proof
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_SUITE_H
#define TLS_SUITE_H

#include <stdbool.h>
#include <stdint.h>

enum suite_exchange {
	SUITE_RSA,		/* key transport: who can finish has the certificate's key */
	SUITE_DHE, SUITE_ECDHE,
	SUITE_UNPROVEN		/* anonymous, PSK, SRP, static DH, DSS, null or unknown: no proof */
};
enum suite_key { SUITE_KEY_RSA, SUITE_KEY_ECDSA };	/* ECDSA: EdDSA too (RFC 8422 5.10) */

struct suite {
	enum suite_exchange exchange;
	enum suite_key key;	/* of the certificate */
	bool strong;		/* 112 bits at least */
	const char *name;	/* OpenSSL's, static; "" when unknown */
};

void suite_find(uint16_t id, struct suite *out);

#endif
