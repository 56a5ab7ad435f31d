/* engine_pass.c - what all who use an address demand, with what is known now
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/engine_pass.h"

#include <stdio.h>
#include <string.h>

#include "policy/fresh.h"

#define HOSTS_MAX 2048	/* MX hosts of all the domains: hostile ones would hold up everybody else */

const struct lookup *
engine_pass_lookup(const struct engine_pass *p, const char *domain)
{
	for (size_t i = 0; i < p->lookups_len; i++)
		if (strcmp(p->lookups[i].domain, domain) == 0)
			return &p->lookups[i];
	return NULL;
}

static bool
look(const struct engine_pass *p, const struct engine_subject *s, struct lookup_result *r)
{
	const struct lookup *l;

	if (engine_look(p->engine, s, r))
		return true;
	l = engine_pass_lookup(p, s->domain);
	return l != NULL && l->sources == engine_sources(p->engine, s) && lookup_again(l, r);
}

static void
note_unknown(struct engine_pass *p, const struct engine_subject *s)
{
	size_t at = p->unknown_len++;

	if (at >= ENGINE_PASS_UNKNOWN_MAX)
		return;
	snprintf(p->unknown[at].domain, sizeof(p->unknown[at].domain), "%s", s->domain);
	p->unknown[at].sources = engine_sources(p->engine, s);
}

static void
visit(void *arg, const char *domain)
{
	struct requirement_space space;
	struct engine_pass *p = arg;
	struct engine_subject s;
	struct requirement out;
	struct lookup_result r;
	uint64_t fresh;

	p->domains++;
	if (p->fold.closed)
		return;
	engine_choose(p->engine, domain, p->peer, true, &s);
	if (!look(p, &s, &r)) {
		note_unknown(p, &s);
		return;
	}
	if ((p->hosts += r.mx->hosts_len) > HOSTS_MAX) {
		fold_undecided(&p->fold, "", "the domains that use this address have too many MX "
		    "hosts");
		return;
	}
	fresh = engine_require(p->engine, &s, p->peer, &r, &space, &out);
	p->fresh_ms = fresh_least(p->fresh_ms, fresh);
	fold_add(&p->fold, s.domain, &out);
}

void
engine_pass(struct engine *e, const struct in6_addr *peer, const struct lookup *lookups,
    size_t lookups_len, struct engine_pass *p)
{
	p->engine = e;
	p->peer = peer;
	p->lookups = lookups;
	p->lookups_len = lookups_len;
	p->domains = p->hosts = p->unknown_len = 0;
	p->fresh_ms = FRESH_ALWAYS;
	fold_init(&p->fold);
	if (relay_find(e->relay, peer) != NULL) {
		visit(p, "");
		return;
	}
	switch (users_of(e->users, peer, visit, p)) {
	case USERS_KNOWN:
		p->fresh_ms = fresh_least(p->fresh_ms, users_left(e->users, peer));
		break;
	case USERS_NONE:
		fold_undecided(&p->fold, "",
		    "no recipient domain is known to use this address");
		break;
	case USERS_CROWDED:
		fold_undecided(&p->fold, "",
		    "more recipient domains use this address than can be asked after");
		break;
	}
}
