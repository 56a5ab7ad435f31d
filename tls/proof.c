/* proof.c - what a peer has proven about itself in one TLS handshake
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/names.h"

void
proof_clear(struct proof *p)
{
	free(p->block);
	memset(p, 0, sizeof *p);
	p->state = PROOF_NO_TLS;
	p->chain = CHAIN_NONE;
}

void
proof_dane_missing(struct proof *p, const struct tlsa_set *tlsa, const char *why)
{
	if (!tlsa || tlsa->len == 0)
		return;
	p->dane = PROOF_DANE_UNMATCHED;
	memcpy(p->dane_digest, tlsa->digest, sizeof p->dane_digest);
	snprintf(p->dane_detail, sizeof p->dane_detail, "%s", why);
}

bool
proof_names_host(const struct proof *p, const char *host)
{
	for (size_t i = 0; i < p->names_len; i++)
		if (names_match(p->names[i], strlen(p->names[i]), host))
			return true;
	return false;
}

bool
proof_names_below(const struct proof *p, const char *domain)
{
	for (size_t i = 0; i < p->names_len; i++)
		if (names_match_below(p->names[i], strlen(p->names[i]), domain))
			return true;
	return false;
}

const char *
proof_chain_name(enum proof_chain c)
{
	switch (c) {
	case CHAIN_TRUSTED:
		return "trusted";
	case CHAIN_EXPIRED:
		return "expired";
	case CHAIN_UNTRUSTED:
		return "untrusted";
	case CHAIN_INVALID:
		return "invalid";
	case CHAIN_NONE:
		return "none";
	}
	return "unknown";
}

const char *
proof_dane_name(enum proof_dane d)
{
	switch (d) {
	case PROOF_DANE_NOT_ASKED:
		return "not-asked";
	case PROOF_DANE_EE:
		return "ee";
	case PROOF_DANE_TA:
		return "ta";
	case PROOF_DANE_EXPIRED:
		return "expired";
	case PROOF_DANE_INVALID:
		return "invalid";
	case PROOF_DANE_UNMATCHED:
		return "unmatched";
	}
	return "unknown";
}
