/* domain.h - domain names as the policy compares them: A-labels, lower case, no trailing dot
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_DOMAIN_H
#define POLICY_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#define DOMAIN_SIZE 256		/* RFC 1035 2.3.4: 255 octets, and the NUL */

enum domain_result {
	DOMAIN_OK,
	DOMAIN_EMPTY,
	DOMAIN_TOO_LONG,	/* a label over 63 or a name over 253 octets */
	DOMAIN_BAD_LABEL,	/* empty label, other than letter-digit-hyphen, hyphen at an end */
	DOMAIN_BAD_IDN,		/* not UTF-8, or refused by IDNA2008 (libidn2) */
	DOMAIN_ONE_LABEL	/* fqdn was asked for and there is no dot inside */
};

/* domain_normalise: U-labels become A-labels (IDNA2008, non-transitional), letters lower case, one
 * trailing dot is dropped. Underscores are refused, as is a name of one label only where `fqdn` is
 * set. Takes any octets, never allocates for an all-ASCII name; out is "" after a refusal. */
enum domain_result domain_normalise(char out[DOMAIN_SIZE], const char *s, size_t len, bool fqdn);

const char *domain_result_text(enum domain_result r);	/* "label over 63 octets", ... */

#endif
