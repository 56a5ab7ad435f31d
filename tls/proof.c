/* proof.c - what a peer has proven about itself in one TLS handshake
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/proof.h"

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
