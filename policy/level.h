/* level.h - how much TLS is demanded of a host, by Postfix's names
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_LEVEL_H
#define POLICY_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

/* In rising order of demand up to LEVEL_SECURE; from LEVEL_VERIFY on all demand proof, of different
 * things. LEVEL_AUTO is no demand of its own: DANE, MTA-STS and memory decide. */
enum level {
	LEVEL_NONE,		/* clear text, TLS is not tried */
	LEVEL_MAY,		/* TLS if offered, unauthenticated */
	LEVEL_ENCRYPT,		/* TLS, unauthenticated */
	LEVEL_VERIFY,		/* TLS, trusted chain, the MX host's name */
	LEVEL_SECURE,		/* TLS, trusted chain, recipient domain or a label below it */
	LEVEL_DANE,		/* TLS, what TLSA records name; as a rule: where there are some */
	LEVEL_DANE_ONLY,	/* the same; without records that can be used nothing is sent */
	LEVEL_FINGERPRINT,	/* TLS, the certificate or the key that the rule names */
	LEVEL_AUTO
};

const char *level_name(enum level level);	/* "dane-only" */
bool level_by_tlsa(enum level level);		/* proof is a match in a TLSA set */
bool level_parse(enum level *out, const char *s, size_t len);

#endif
