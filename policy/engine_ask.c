/* engine_ask.c - one question of a worker: what must this peer prove?
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is known already is answered inside the call. */
#include <stdlib.h>
#include <string.h>

#include "policy/engine_parts.h"
#include "policy/fresh.h"

struct engine_pending {
	struct engine *engine;
	struct lookup lookup;		/* its timer also bounds the wait for the relays */
	bool for_relays;
	uint32_t id;
	struct address peer;
	bool recheck, probe;
	engine_answer *answer;
	void *arg;
	struct engine_pending *next, *previous;
	char domain[ANSWER_NAME_SIZE];
};

static void proceed(struct engine *e, struct engine_pending *p);

struct reply {
	engine_answer *answer;
	void *arg;
	uint32_t id;
	bool probe;
};

static const struct recalled nothing;

/* Before the answer, which who asked may not wait for; it comes again, end to end. At a relay's
 * address mail is for everybody. */
static void
note_user(struct engine *e, const struct engine_subject *subject, const struct in6_addr *peer,
    bool probe)
{
	if (subject->relay == NULL && !probe)
		engine_saw(e, subject->domain, peer);
}

static void
answer(struct engine *e, const struct reply *to, const struct engine_subject *subject,
    const struct in6_addr *peer, const struct lookup_result *r)
{
	struct requirement_space space;
	struct requirement out;
	uint64_t fresh = engine_require(e, subject, peer, r, &space, &out);

	/* Of a mail it has to be heard who uses the address (note_user). */
	if (to->probe)
		fresh = 0;
	to->answer(to->arg, to->id, &out, &nothing,
	    (uint32_t)fresh_least(fresh, ENGINE_FRESH_MS));
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
	struct reply to = { p->answer, p->arg, p->id, p->probe };
	struct address peer = p->peer;
	char domain[ANSWER_NAME_SIZE];
	struct engine_subject s;

	memcpy(domain, p->domain, sizeof(domain));
	pending_free(e, p);
	engine_choose(e, domain, &peer.ip, false, &s);
	answer(e, &to, &s, &peer.ip, r);
}

static void
on_lookup(void *arg, const struct lookup_result *r)
{
	struct engine_pending *p = arg;
	struct engine *e = p->engine;
	struct engine_subject s;

	/* A relay's address or a rule's end may have come in between: that was another question. */
	engine_choose(e, p->domain, &p->peer.ip, false, &s);
	if (s.mx && (strcmp(s.domain, p->lookup.domain) != 0 ||
	    p->lookup.sources != engine_sources(e, &s)))
		proceed(e, p);
	else
		conclude(e, p, r);
}

static void
proceed(struct engine *e, struct engine_pending *p)
{
	struct lookup_result r;
	struct engine_subject s;

	p->for_relays = false;
	engine_choose(e, p->domain, &p->peer.ip, false, &s);
	note_user(e, &s, &p->peer.ip, p->probe);
	if (!s.mx || (!p->recheck && engine_look(e, &s, &r))) {
		engine_look(e, &s, &r);
		conclude(e, p, &r);
		return;
	}
	lookup_start(&p->lookup, engine_sources(e, &s), s.domain,
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
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed is out of the list */
		if (!p->for_relays) {
			p = p->next;
			continue;
		}
		e->world->timer_stop(e->world->arg, &p->lookup.timer);
		proceed(e, p);
		p = e->pending;
	}
	engine_address_relays(e);
}

/* The relays' addresses are still unknown: whose policy counts cannot be said. */
static void
on_relay_timeout(void *arg)
{
	struct engine_pending *p = arg;

	proceed(p->engine, p);
}

static struct engine_pending *
pend(struct engine *e, const struct question *q, engine_answer *fn, void *arg)
{
	struct engine_pending *p = calloc(1, sizeof(*p));
	size_t len = strlen(q->domain);

	if (p == NULL || len >= sizeof(p->domain))
		abort();	/* no memory: the parent starts a new policy process */
	p->engine = e;
	p->id = q->id;
	p->peer = q->peer;
	p->recheck = q->recheck;
	p->probe = q->probe;
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
engine_ask(struct engine *e, const struct question *q, engine_answer *fn, void *arg)
{
	struct reply to = { fn, arg, q->id, q->probe };
	/* A name that no DNS can carry has no policy. */
	const char *domain = strlen(q->domain) < ANSWER_NAME_SIZE ? q->domain : "";
	struct question asked = *q;
	struct lookup_result r;
	struct engine_subject s;

	if (q->end_to_end) {
		engine_address_ask(e, q, fn, arg);
		return;
	}
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
	engine_choose(e, domain, &q->peer.ip, false, &s);
	note_user(e, &s, &q->peer.ip, q->probe);
	if ((!q->recheck || !s.mx) && engine_look(e, &s, &r))
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
	engine_address_cancel(e, arg);
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
		struct reply to = { p->answer, p->arg, p->id, p->probe };

		pending_free(e, p);
		to.answer(to.arg, to.id, &down, &nothing, 0);
	}
	engine_address_stop(e, &down);
}
