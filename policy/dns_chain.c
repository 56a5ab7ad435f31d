/* dns_chain.c - a chain of aliases that comes in several answers
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/dns_chain.h"

bool
dns_chain_goes_on(struct dns_chain *c, const struct answer *a)
{
	if (!a->dangling || c->asked == ANSWER_ALIASES_MAX)
		return false;
	c->asked++;
	c->links += a->links;
	c->insecure = c->insecure || !a->secure;
	if (a->ttl < c->ttl)
		c->ttl = a->ttl;
	return true;
}

void
dns_chain_end(const struct dns_chain *c, struct answer *a)
{
	if (c->links + a->links > ANSWER_ALIASES_MAX)
		answer_fail(a, "the chain of aliases is too long");
	if (a->state == ANSWER_FAILED || a->state == ANSWER_BOGUS)
		return;
	a->secure = a->secure && !c->insecure;
	a->links += c->links;
	if (c->ttl < a->ttl)
		a->ttl = c->ttl;
}
