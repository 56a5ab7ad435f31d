/* demand.c - a requirement that several hold at once
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/demand.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/judge.h"

struct demand *
demand_new(struct requirement *requirement)
{
	struct demand *d = malloc(sizeof(*d));

	if (d == NULL) {
		free(requirement);
		return NULL;
	}
	d->requirement = requirement;
	d->holders = 1;
	return d;
}

struct demand *
demand_hold(struct demand *d)
{
	d->holders++;
	return d;
}

void
demand_drop(struct demand *d)
{
	if (d == NULL)
		return;
	assert(d->holders > 0);
	if (--d->holders > 0)
		return;
	free((void *)(uintptr_t)d->requirement);
	free(d);
}

bool
demand_same_session(const struct requirement *a, const struct requirement *b)
{
	return strcmp(a->sni, b->sni) == 0 && tlsa_same(&a->tlsa, b->tlsa.digest);
}

bool
demand_same_terms(const struct requirement *a, const struct requirement *b)
{
	return demand_same_session(a, b) && judge_demands_tls(a) == judge_demands_tls(b);
}
