/* dns_chain.h - a chain of aliases that comes in several answers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For dns.c alone. Resolvers follow aliases by themselves; some leave it to whoever asks. */
#ifndef POLICY_DNS_CHAIN_H
#define POLICY_DNS_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/answer.h"

struct dns_chain {
	unsigned asked;		/* answers so far */
	unsigned links;		/* in all of them */
	bool insecure;		/* one of them is */
	uint32_t ttl;		/* the smallest; to begin with UINT32_MAX */
};

/* dns_chain_goes_on: true when the answer is an alias whose end has to be asked for. */
bool dns_chain_goes_on(struct dns_chain *c, const struct answer *a);

/* dns_chain_end: what the links before say of the last answer (R82): one that is insecure makes all
 * of it so, and too long a chain is a failure. */
void dns_chain_end(const struct dns_chain *c, struct answer *a);

#endif
