/* engine_ask.c - one question of a worker: what must this peer prove?
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is known already is answered inside the call. */
#include <stdlib.h>
#include <string.h>

#include "policy/engine_parts.h"

struct engine_pending {
	struct engine *engine;
	struct lookup lookup;		/* its timer also bounds the wait for the relays */
	bool for_relays;
	uint32_t id;
	struct address peer;
	bool recheck;
	void (*answer)(void *arg, uint32_t id, const struct requirement *q);
	void *arg;
	struct engine_pending *next, *previous;
	char domain[ANSWER_NAME_SIZE];
};

static void proceed(struct engine *e, struct engine_pending *p);

/* Whose policy counts, and what says so before any DNS. */
struct subject {
	const char *domain;
	const struct config_rule *relay, *rule;
	bool sts, mx;		/* what has to be looked up */
};

static void
choose(const struct engine *e, const char *domain, const struct in6_addr *peer,
    struct subject *out)
{
	time_t now = (time_t)e->world->now(e->world->arg);
	enum level level = LEVEL_AUTO;

	*out = (struct subject){ .domain = domain, .relay = relay_find(e->relay, peer) };
	if (out->relay != NULL) {
		out->domain = out->relay->name;		/* R26 */
		level = out->relay->level;
		out->mx = out->sts = level == LEVEL_AUTO;
		return;
	}
	if (domain[0] == '\0')
		return;
	out->rule = config_rule_find(e->config->domains, e->config->domains_len, domain, now);
	if (out->rule != NULL)
		level = out->rule->level;
	out->sts = level == LEVEL_AUTO;
	/* VERIFY demands the host's name; SECURE has to send a name (SNI) that the host knows. */
	out->mx = level == LEVEL_AUTO || level == LEVEL_VERIFY || level == LEVEL_SECURE;
}

struct reply {
	void (*answer)(void *arg, uint32_t id, const struct requirement *q);
	void *arg;
	uint32_t id;
};

static void
answer(const struct engine *e, const struct reply *to, const struct subject *subject,
    const struct in6_addr *peer, const struct lookup_result *r)
{
	const char *hosts[REQUIREMENT_HOSTS_MAX], *hinted[HINTS_HOSTS_MAX];
	struct requirement out;
	struct require_input in = {
		.now = (time_t)e->world->now(e->world->arg), .domain = subject->domain,
		.peer = *peer, .relay = subject->relay, .rule = subject->rule,
		.no_policy = e->config->policy.no_policy,
		.stripping_refuse = e->config->policy.stripping_refuse,
		.monitor = e->mode == MODE_MONITOR
	};

	in.sts.state = r->sts.state;
	in.sts.policy = r->sts.policy;
	in.sts.id = r->sts.id;
	in.sts.source = r->sts.source;
	in.sts.fetched = (time_t)r->sts.fetched;
	in.mx.state = r->mx->state;
	in.mx.hosts = r->mx->hosts;
	in.mx.hosts_len = r->mx->hosts_len;
	in.mx.hinted = hinted;
	in.mx.hinted_len = hints_find(e->hints, subject->domain, peer, hinted);
	/* By address alone: of a pool under one name, one honest host may lack STARTTLS. */
	in.remembered = memory_knows_address(e->memory, peer, &in.remembered_host);
	require(&in, hosts, &out);
	to->answer(to->arg, to->id, &out);
}

static const struct mx_set not_asked = { .state = REQUIRE_MX_FAILED, .exists = true,
	.problem = "" };

static const struct lookup_sources *
sources_for(const struct engine *e, const struct subject *s)
{
	return s->sts ? &e->sources : &e->mx_alone;
}

static bool
look(const struct engine *e, const struct subject *s, struct lookup_result *r)
{
	if (s->mx)
		return lookup_now(sources_for(e, s), s->domain, r);
	memset(r, 0, sizeof(*r));
	r->sts.state = REQUIRE_STS_NONE;
	r->mx = &not_asked;
	return true;
}

static void
pending_free(struct engine *e, struct engine_pending *p)
{
	if (e->pending == p)
		e->pending = p->next;
	else if (p->previous != NULL)
		p->previous->next = p->next;
	if (p->next != NULL)
		p->next->previous = p->previous;
	lookup_cancel(&p->lookup);
	e->world->timer_stop(e->world->arg, &p->lookup.timer);
	free(p);
}

static void
conclude(struct engine *e, struct engine_pending *p, const struct lookup_result *r)
{
	struct reply to = { p->answer, p->arg, p->id };
	struct address peer = p->peer;
	char domain[ANSWER_NAME_SIZE];
	struct subject s;

	memcpy(domain, p->domain, sizeof(domain));
	pending_free(e, p);
	choose(e, domain, &peer.ip, &s);
	answer(e, &to, &s, &peer.ip, r);
}

static void
on_lookup(void *arg, const struct lookup_result *r)
{
	struct engine_pending *p = arg;
	struct engine *e = p->engine;
	struct subject s;

	/* A relay's address or a rule's end may have come in between: that was another question. */
	choose(e, p->domain, &p->peer.ip, &s);
	if (s.mx && (strcmp(s.domain, p->lookup.domain) != 0 ||
	    p->lookup.sources != sources_for(e, &s)))
		proceed(e, p);
	else
		conclude(e, p, r);
}

static void
proceed(struct engine *e, struct engine_pending *p)
{
	struct lookup_result r;
	struct subject s;

	p->for_relays = false;
	choose(e, p->domain, &p->peer.ip, &s);
	if (!s.mx || (!p->recheck && look(e, &s, &r))) {
		look(e, &s, &r);
		conclude(e, p, &r);
		return;
	}
	lookup_start(&p->lookup, sources_for(e, &s), s.domain,
	    p->recheck ? STS_NEED_RECHECK : STS_NEED_ANSWER,
	    (uint64_t)e->config->policy.wait_s * 1000);
}

void
engine_ask_relays(void *engine)
{
	struct engine *e = engine;
	struct engine_pending *p = e->pending;

	/* An answer may cancel others: begin anew after each. */
	while (p != NULL) {
		if (!p->for_relays) {
			p = p->next;
			continue;
		}
		e->world->timer_stop(e->world->arg, &p->lookup.timer);
		proceed(e, p);
		p = e->pending;
	}
}

/* The relays' addresses are still unknown: whose policy counts cannot be said. */
static void
on_relay_timeout(void *arg)
{
	struct engine_pending *p = arg;

	proceed(p->engine, p);
}

static struct engine_pending *
pend(struct engine *e, const struct question *q,
    void (*fn)(void *arg, uint32_t id, const struct requirement *q), void *arg)
{
	struct engine_pending *p = calloc(1, sizeof(*p));
	size_t len = strlen(q->domain);

	if (p == NULL || len >= sizeof(p->domain))
		abort();	/* no memory: the parent starts a new policy process */
	p->engine = e;
	p->id = q->id;
	p->peer = q->peer;
	p->recheck = q->recheck;
	p->answer = fn;
	p->arg = arg;
	p->lookup.done = on_lookup;
	p->lookup.arg = p;
	memcpy(p->domain, q->domain, len + 1);
	if ((p->next = e->pending) != NULL)
		p->next->previous = p;
	e->pending = p;
	return p;
}

void
engine_ask(struct engine *e, const struct question *q,
    void (*fn)(void *arg, uint32_t id, const struct requirement *q), void *arg)
{
	struct reply to = { fn, arg, q->id };
	/* A name that no DNS can carry has no policy. */
	const char *domain = strlen(q->domain) < ANSWER_NAME_SIZE ? q->domain : "";
	struct question asked = *q;
	struct lookup_result r;
	struct subject s;

	asked.domain = domain;
	if (!relay_settled(e->relay)) {
		struct engine_pending *p = pend(e, &asked, fn, arg);

		p->for_relays = true;
		p->lookup.timer.fire = on_relay_timeout;
		p->lookup.timer.arg = p;
		e->world->timer_start(e->world->arg, &p->lookup.timer,
		    (uint64_t)e->config->policy.wait_s * 1000);
		return;
	}
	choose(e, domain, &q->peer.ip, &s);
	if ((!q->recheck || !s.mx) && look(e, &s, &r))
		answer(e, &to, &s, &q->peer.ip, &r);
	else
		proceed(e, pend(e, &asked, fn, arg));
}

void
engine_cancel(struct engine *e, const void *arg)
{
	struct engine_pending *p, *next;

	for (p = e->pending; p != NULL; p = next) {
		next = p->next;
		if (p->arg == arg)
			pending_free(e, p);
	}
}

void
engine_ask_stop(struct engine *e)
{
	static const struct requirement down = {
		.state = REQUIREMENT_DEFER, .defer_code = DEFER_SERVICE_DOWN,
		.level = LEVEL_VERIFY, .policy_domain = "", .policy_id = "", .mx_host = "",
		.sni = "", .secure_domain = "", .reason = "the policy service is restarting"
	};
	struct engine_pending *p;

	while ((p = e->pending) != NULL) {
		struct reply to = { p->answer, p->arg, p->id };

		pending_free(e, p);
		to.answer(to.arg, to.id, &down);
	}
}
