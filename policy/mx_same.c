/* mx_same.c - whether two lookups of a domain's MX set have found the same
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS gives records in any order. Compared is what a requirement can be made of. */
#include <string.h>

#include "policy/mx.h"

/* Where the other has it too it most often stands at the same place. */
static bool
among(const struct in6_addr *ip, size_t at, const struct in6_addr *all, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (memcmp(&all[(at + i) % len], ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

static bool
within(const struct require_host *a, const struct require_host *b)
{
	for (size_t i = 0; i < a->addresses_len; i++)
		if (!among(&a->addresses[i], i, b->addresses, b->addresses_len))
			return false;
	return true;
}

static bool
same_host(const struct require_host *a, const struct require_host *b)
{
	if (a->preference != b->preference || a->state != b->state || a->secure != b->secure ||
	    a->dane != b->dane || strcmp(a->base, b->base) != 0 ||
	    a->records_len != b->records_len)
		return false;
	for (size_t i = 0; i < a->records_len; i++)
		if (tlsa_compare(&a->records[i], &b->records[i]) != 0)
			return false;
	return within(a, b) && within(b, a);
}

static const struct require_host *
find(const struct mx_set *set, const char *name, size_t at)
{
	for (size_t i = 0; i < set->hosts_len; i++) {
		const struct require_host *h = &set->hosts[(at + i) % set->hosts_len];

		if (strcmp(h->name, name) == 0)
			return h;
	}
	return NULL;
}

bool
mx_same(const struct mx_set *a, const struct mx_set *b)
{
	if (a->state != b->state || a->secure != b->secure || a->hosts_len != b->hosts_len ||
	    strcmp(a->expanded, b->expanded) != 0)
		return false;
	/* No name stands in a set twice. */
	for (size_t i = 0; i < a->hosts_len; i++) {
		const struct require_host *other = find(b, a->hosts[i].name, i);

		if (other == NULL || !same_host(&a->hosts[i], other))
			return false;
	}
	return true;
}
