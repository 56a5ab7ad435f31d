/* level.h - how much TLS is demanded of a host, by Postfix's names
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_LEVEL_H
#define POLICY_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

/* In rising order of demand up to LEVEL_SECURE. LEVEL_AUTO is no demand of its own: DANE, MTA-STS
 * and memory decide. */
enum level {
	LEVEL_NONE,		/* clear text, TLS is not tried */
	LEVEL_MAY,		/* TLS if offered, unauthenticated */
	LEVEL_ENCRYPT,		/* TLS, unauthenticated */
	LEVEL_VERIFY,		/* TLS, trusted chain, the MX host's name */
	LEVEL_SECURE,		/* TLS, trusted chain, the recipient domain or one label below it */
	LEVEL_DANE,
	LEVEL_DANE_ONLY,
	LEVEL_FINGERPRINT,
	LEVEL_AUTO
};

const char *level_name(enum level level);	/* "dane-only" */
bool level_parse(enum level *out, const char *s, size_t len);

#endif
