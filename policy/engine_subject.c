/* engine_subject.c - whose policy counts for a domain at an address, and what it demands
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same for a question of one recipient and for each of the domains behind one about an
 * address. */
#include <string.h>

#include "policy/engine_parts.h"
#include "policy/fresh.h"

void
engine_choose(const struct engine *e, const char *domain, const struct in6_addr *peer,
    bool end_to_end, struct engine_subject *out)
{
	time_t now = (time_t)e->world->now(e->world->arg);
	enum level level = LEVEL_AUTO;

	*out = (struct engine_subject){ .domain = domain, .relay = relay_find(e->relay, peer),
	    .end_to_end = end_to_end };
	if (out->relay != NULL) {
		out->domain = out->relay->name;		/* R26 */
		level = out->relay->level;
		out->sts = level == LEVEL_AUTO;
		out->mx = level == LEVEL_AUTO || level == LEVEL_DANE || level == LEVEL_DANE_ONLY;
		return;
	}
	if (domain[0] == '\0')
		return;
	out->rule = config_rule_find(e->config->domains, e->config->domains_len, domain, now);
	if (out->rule != NULL)
		level = out->rule->level;
	out->sts = level == LEVEL_AUTO;
	/* VERIFY, and whatever goes end to end, needs the host's name, DANE its TLSA records;
	 * SECURE and FINGERPRINT have to send a name (SNI) that the host knows. */
	out->mx = end_to_end || level >= LEVEL_VERIFY;
}

const struct lookup_sources *
engine_sources(const struct engine *e, const struct engine_subject *s)
{
	return s->sts ? &e->sources : &e->mx_alone;
}

bool
engine_look(const struct engine *e, const struct engine_subject *s, struct lookup_result *r)
{
	static const struct mx_set not_asked = { .state = REQUIRE_MX_FAILED, .exists = true,
		.problem = "" };

	if (s->mx)
		return lookup_now(engine_sources(e, s), s->domain, r);
	memset(r, 0, sizeof(*r));
	r->sts.state = REQUIRE_STS_NONE;
	r->mx = &not_asked;
	r->fresh_ms = FRESH_ALWAYS;
	return true;
}

/* What it was made of, each as long as it holds. */
static uint64_t
fresh(const struct engine *e, const struct engine_subject *s, const struct require_input *in,
    const struct lookup_result *r, const struct requirement *out)
{
	uint64_t least = r->fresh_ms;

	/* The host's last name is then what stands for the SNI: it may change with each mail that
	 * others send there, and of that nobody is told. */
	if (out->remembered && !out->mapped && out->level < LEVEL_VERIFY)
		return 0;
	if (out->state != REQUIREMENT_READY || !relay_settled(e->relay))
		return 0;
	if (s->relay != NULL && s->relay->until != 0)
		least = fresh_least(least, fresh_clock(s->relay->until, in->now));
	if (s->rule != NULL && s->rule->until != 0)
		least = fresh_least(least, fresh_clock(s->rule->until, in->now));
	if (in->mx.hinted_len > 0)
		least = fresh_least(least, hints_left(e->hints, s->domain, &in->peer));
	if (in->remembered)
		least = fresh_least(least, memory_left(e->memory, &in->peer));
	return least;
}

uint64_t
engine_require(const struct engine *e, const struct engine_subject *s,
    const struct in6_addr *peer, const struct lookup_result *r,
    struct requirement_space *space, struct requirement *out)
{
	const char *hinted[HINTS_HOSTS_MAX];
	struct require_input in = {
		.now = (time_t)e->world->now(e->world->arg), .domain = s->domain,
		.peer = *peer, .relay = s->relay, .rule = s->rule,
		.no_policy = e->config->policy.no_policy,
		.stripping_refuse = e->config->policy.stripping_refuse,
		.monitor = e->mode == MODE_MONITOR, .end_to_end = s->end_to_end,
		.dane = e->dane, .both = e->config->policy.both
	};

	in.sts.state = r->sts.state;
	in.sts.policy = r->sts.policy;
	in.sts.id = r->sts.id;
	in.sts.source = r->sts.source;
	in.sts.fetched = (time_t)r->sts.fetched;
	in.mx.state = r->mx->state;
	in.mx.secure = r->mx->secure;
	in.mx.expanded = r->mx->expanded;
	in.mx.answers = r->mx->answers;
	in.mx.hosts = r->mx->hosts;
	in.mx.hosts_len = r->mx->hosts_len;
	in.mx.hinted = hinted;
	in.mx.hinted_len = hints_find(e->hints, s->domain, peer, hinted);
	/* By address alone: of a pool under one name, one honest host may lack STARTTLS. */
	in.remembered = memory_knows_address(e->memory, peer, &in.remembered_host);
	require(&in, space, out);
	return fresh(e, s, &in, r, out);
}
