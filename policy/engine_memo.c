/* engine_memo.c - what all who use an address demand, kept while many would have to be asked again
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Half a thousand domains at one address cost half a millisecond. What they demand together is
 * kept until anything it was made of changes: a policy, a rule, a relay, the mode, the address's
 * STARTTLS memory, the MX set of one of its domains, the domains, a client's hint; and not for
 * long, because time alone changes things too. */
#include <stdlib.h>
#include <string.h>

#include "policy/engine_parts.h"
#include "policy/fresh.h"

#define KEEP_MS (10 * 1000)

static bool
live(const struct engine *e, const struct engine_memo *m)
{
	return m->requirement != NULL && e->world->ticks(e->world->arg) - m->made < KEEP_MS;
}

static void
drop(struct engine_memo *m)
{
	free(m->requirement);
	m->requirement = NULL;
}

static struct engine_memo *
find(struct engine *e, const struct in6_addr *ip)
{
	for (size_t i = 0; i < ENGINE_MEMOS_MAX; i++)
		if (e->memos[i].requirement != NULL && address_same_ip(&e->memos[i].ip, ip))
			return &e->memos[i];
	return NULL;
}

const struct requirement *
engine_memo_find(struct engine *e, const struct in6_addr *ip, uint64_t *fresh_ms)
{
	const struct engine_memo *m = find(e, ip);

	if (m == NULL || !live(e, m))
		return NULL;
	*fresh_ms = fresh_ticks(m->until, e->world->ticks(e->world->arg));
	return m->requirement;
}

/* The address's own place, a free one, else the oldest. */
void
engine_memo_keep(struct engine *e, const struct in6_addr *ip, const struct requirement *q,
    uint64_t fresh_ms)
{
	struct engine_memo *m = find(e, ip);

	for (size_t i = 0; m == NULL && i < ENGINE_MEMOS_MAX; i++)
		if (e->memos[i].requirement == NULL)
			m = &e->memos[i];
	if (m == NULL) {
		m = &e->memos[0];
		for (size_t i = 1; i < ENGINE_MEMOS_MAX; i++)
			if (e->memos[i].made < m->made)
				m = &e->memos[i];
	}
	drop(m);
	m->requirement = requirement_copy(q);
	m->ip = *ip;
	m->made = e->world->ticks(e->world->arg);
	m->until = m->made + fresh_least(fresh_ms, KEEP_MS);
}

struct search {
	const char *domain;
	bool found;
};

static void
compare(void *arg, const char *domain)
{
	struct search *s = arg;

	s->found = s->found || strcmp(domain, s->domain) == 0;
}

static bool
uses(struct engine *e, const struct in6_addr *ip, const char *domain)
{
	struct search s = { .domain = domain };

	return users_of(e->users, ip, compare, &s) == USERS_KNOWN && s.found;
}

void
engine_memo_drop(struct engine *e, const char *domain, const struct in6_addr *ip)
{
	for (size_t i = 0; i < ENGINE_MEMOS_MAX; i++) {
		struct engine_memo *m = &e->memos[i];

		if (m->requirement == NULL || (ip != NULL && !address_same_ip(&m->ip, ip)))
			continue;
		if (domain[0] == '\0' || !live(e, m) || uses(e, &m->ip, domain))
			drop(m);
	}
}

void
engine_memo_saw(struct engine *e, const char *domain, const struct in6_addr *ip)
{
	struct engine_memo *m = find(e, ip);

	if (m != NULL && !uses(e, ip, domain))
		drop(m);
}
