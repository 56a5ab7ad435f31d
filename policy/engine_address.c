/* engine_address.c - one question end to end: what must this peer prove to all who use its address?
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each domain known to use the address (or the relay whose it is) is asked for as one recipient's
 * would be, and what they demand is folded into one. What is known already is answered inside the
 * call; what is not is looked up first, within limits: the session can always go on as upgrade. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/engine_parts.h"
#include "policy/fold.h"

#if defined(__GNUC__) && !defined(__clang__)
/* What hangs at a question is out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* Of one question at once; an address of more domains that are not known yet becomes known over
 * several questions. */
#define LOOKUPS_MAX 32
#define LOOKUPS_ALL_MAX 16384	/* of all questions, half a KiB each */
#define HOSTS_MAX 2048	/* MX hosts of all the domains: hostile ones would hold up everybody else */
#define MEMO_MIN 64	/* domains and hosts; fewer are asked anew each time: it takes no 50 us */

struct engine_address {
	struct engine *engine;
	struct question question;
	engine_answer *answer;
	void *arg;
	uint64_t until;			/* ticks */
	struct world_timer relays;	/* bounds the wait for their addresses */
	bool for_relays;
	struct lookup *lookups;
	size_t left;			/* of them, under way */
	size_t lookups_len;
	struct engine_address *next, **back;
};

/* One pass over the domains. */
struct pass {
	struct engine *engine;
	const struct in6_addr *peer;
	const struct engine_address *asked;	/* its lookups have ended; NULL: none yet */
	struct fold fold;
	size_t domains, hosts;		/* seen so far */
	size_t unknown_len;		/* may be over LOOKUPS_MAX */
	struct {
		char domain[ANSWER_NAME_SIZE];
		const struct lookup_sources *sources;
	} unknown[LOOKUPS_MAX];
};

static const struct lookup *
looked_up(const struct engine_address *a, const char *domain)
{
	for (size_t i = 0; i < a->lookups_len; i++)
		if (strcmp(a->lookups[i].domain, domain) == 0)
			return &a->lookups[i];
	return NULL;
}

static bool
look(const struct pass *p, const struct engine_subject *s, struct lookup_result *r)
{
	const struct lookup *l;

	if (engine_look(p->engine, s, r))
		return true;
	l = p->asked == NULL ? NULL : looked_up(p->asked, s->domain);
	return l != NULL && l->sources == engine_sources(p->engine, s) && lookup_again(l, r);
}

static void
visit(void *arg, const char *domain)
{
	struct requirement_space space;
	struct pass *p = arg;
	struct engine_subject s;
	struct requirement out;
	struct lookup_result r;

	p->domains++;
	if (p->fold.closed)
		return;
	engine_choose(p->engine, domain, p->peer, true, &s);
	if (look(p, &s, &r)) {
		if ((p->hosts += r.mx->hosts_len) > HOSTS_MAX) {
			fold_undecided(&p->fold, "", "the domains that use this address have too "
			    "many MX hosts");
			return;
		}
		engine_require(p->engine, &s, p->peer, &r, &space, &out);
		fold_add(&p->fold, s.domain, &out);
		return;
	}
	if (p->unknown_len < LOOKUPS_MAX) {
		snprintf(p->unknown[p->unknown_len].domain,
		    sizeof(p->unknown[p->unknown_len].domain), "%s", s.domain);
		p->unknown[p->unknown_len].sources = engine_sources(p->engine, &s);
	}
	p->unknown_len++;
}

/* pass: with what is known now. The caller ends with fold_free. */
static void
pass(struct engine *e, const struct in6_addr *peer, const struct engine_address *a, struct pass *p)
{
	p->engine = e;
	p->peer = peer;
	p->asked = a;
	p->domains = p->hosts = p->unknown_len = 0;
	fold_init(&p->fold);
	if (relay_find(e->relay, peer) != NULL) {
		visit(p, "");
		return;
	}
	switch (users_of(e->users, peer, visit, p)) {
	case USERS_KNOWN:
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

/* reply: with what is remembered of the session, where that may matter. */
static void
reply(struct engine *e, const struct question *q, const struct requirement *requirement,
    engine_answer *answer, void *arg)
{
	struct recalled recalled;

	if (!q->resumes || requirement->state != REQUIREMENT_READY ||
	    !proven_recall(e->proven, q->session, &recalled))
		recalled = (struct recalled){ NULL, 0 };
	answer(arg, q->id, requirement, &recalled);
}

/* The result of a pass that left nothing unknown. */
static void
reply_pass(struct pass *p, const struct question *q, engine_answer *answer, void *arg)
{
	struct engine *e = p->engine;
	struct requirement out;

	fold_result(&p->fold, e->mode == MODE_MONITOR, &out);
	if (p->domains + p->hosts >= MEMO_MIN && p->unknown_len == 0)
		engine_memo_keep(e, &q->peer.ip, &out);
	reply(e, q, &out, answer, arg);
	fold_free(&p->fold);
}

/* From memory. The answer may make it forgotten. */
static void
reply_again(struct engine *e, const struct requirement *known, const struct question *q,
    engine_answer *answer, void *arg)
{
	struct requirement *copy = requirement_copy(known);

	if (copy == NULL)
		abort();	/* the parent starts a new policy process */
	reply(e, q, copy, answer, arg);
	free(copy);
}

/* settle: whether the pass decides the question; else its unknown domains are to be looked up. */
static bool
settle(struct pass *p)
{
	bool many = p->unknown_len > LOOKUPS_MAX;

	if (p->fold.closed || p->unknown_len == 0)
		return true;
	if (!many && p->engine->address_lookups + p->unknown_len <= LOOKUPS_ALL_MAX)
		return false;
	for (size_t i = 0; i < p->unknown_len && i < LOOKUPS_MAX; i++)
		engine_ahead(p->engine, p->unknown[i].domain,
		    p->unknown[i].sources != &p->engine->mx_alone);
	fold_undecided(&p->fold, "", many ? "too many of the domains that use this address have "
	    "yet to be looked up" : "too many sessions wait for lookups");
	return true;
}

static uint64_t
ticks(const struct engine_address *a)
{
	return a->engine->world->ticks(a->engine->world->arg);
}

static void
address_free(struct engine_address *a)
{
	struct engine *e = a->engine;

	for (size_t i = 0; i < a->lookups_len; i++)
		lookup_cancel(&a->lookups[i]);
	e->world->timer_stop(e->world->arg, &a->relays);
	if ((*a->back = a->next) != NULL)
		a->next->back = a->back;
	e->address_lookups -= a->lookups_len;
	free(a->lookups);
	free(a);
}

/* The answer may ask and cancel others: `a` has gone before it. */
static void
conclude(struct engine_address *a, struct pass *p)
{
	struct question q = a->question;
	engine_answer *answer = a->answer;
	void *arg = a->arg;

	address_free(a);
	reply_pass(p, &q, answer, arg);
}

/* What others who asked the same have had made by now. */
static bool
conclude_again(struct engine_address *a)
{
	struct engine *e = a->engine;
	struct question q = a->question;
	const struct requirement *known = engine_memo_find(e, &q.peer.ip);
	engine_answer *answer = a->answer;
	void *arg = a->arg;

	if (known == NULL)
		return false;
	address_free(a);
	reply_again(e, known, &q, answer, arg);
	return true;
}

static void go_on(struct engine_address *a, struct pass *p);

/* While these were looked up others may have run out, and are looked up in their turn. */
static void
on_lookup(void *arg, const struct lookup_result *r)
{
	struct engine_address *a = arg;
	struct pass p;

	(void)r;
	if (--a->left > 0 || conclude_again(a))
		return;
	pass(a->engine, &a->question.peer.ip, a, &p);
	for (size_t i = 0; !p.fold.closed && i < p.unknown_len && i < LOOKUPS_MAX; i++)
		if (looked_up(a, p.unknown[i].domain) != NULL || ticks(a) >= a->until)
			fold_undecided(&p.fold, p.unknown[i].domain,
			    "could not be looked up in time");
	go_on(a, &p);
}

static void
start_lookups(struct engine_address *a, const struct pass *p)
{
	uint64_t now = ticks(a);

	free(a->lookups);
	a->lookups = calloc(p->unknown_len, sizeof(*a->lookups));
	if (a->lookups == NULL)
		abort();	/* the parent starts a new policy process */
	a->engine->address_lookups += p->unknown_len - a->lookups_len;
	a->lookups_len = a->left = p->unknown_len;
	for (size_t i = 0; i < a->lookups_len; i++) {
		a->lookups[i].done = on_lookup;
		a->lookups[i].arg = a;
		lookup_start(&a->lookups[i], p->unknown[i].sources, p->unknown[i].domain,
		    STS_NEED_ANSWER, now < a->until ? a->until - now : 0);
	}
}

static void
go_on(struct engine_address *a, struct pass *p)
{
	if (settle(p)) {
		conclude(a, p);
	} else {
		start_lookups(a, p);
		fold_free(&p->fold);
	}
}

void
engine_address_relays(struct engine *e)
{
	struct engine_address *a = e->addresses;
	struct pass p;

	/* An answer may cancel others: begin anew after each. */
	while (a != NULL) {
		if (!a->for_relays) {
			a = a->next;
			continue;
		}
		e->world->timer_stop(e->world->arg, &a->relays);
		a->for_relays = false;
		if (!conclude_again(a)) {
			pass(e, &a->question.peer.ip, NULL, &p);
			go_on(a, &p);
		}
		a = e->addresses;
	}
}

/* Whether the address is a relay's cannot be said: not what its mail is to prove either. */
static void
on_relay_timeout(void *arg)
{
	struct engine_address *a = arg;
	struct pass p = { .engine = a->engine };

	fold_init(&p.fold);
	fold_undecided(&p.fold, "", "the addresses of the relays are not known yet");
	conclude(a, &p);
}

static struct engine_address *
pend(struct engine *e, const struct question *q, engine_answer *answer, void *arg)
{
	struct engine_address *a = calloc(1, sizeof(*a));

	if (a == NULL)
		abort();	/* the parent starts a new policy process */
	a->engine = e;
	a->question = *q;
	a->question.domain = "";
	a->answer = answer;
	a->arg = arg;
	a->until = e->world->ticks(e->world->arg) + (uint64_t)e->config->policy.wait_s * 1000;
	a->relays.fire = on_relay_timeout;
	a->relays.arg = a;
	if ((a->next = e->addresses) != NULL)
		a->next->back = &a->next;
	a->back = &e->addresses;
	e->addresses = a;
	return a;
}

void
engine_address_ask(struct engine *e, const struct question *q, engine_answer *answer, void *arg)
{
	const struct requirement *known;
	struct engine_address *a;
	struct pass p;

	if (!relay_settled(e->relay)) {
		a = pend(e, q, answer, arg);
		a->for_relays = true;
		e->world->timer_start(e->world->arg, &a->relays,
		    (uint64_t)e->config->policy.wait_s * 1000);
		return;
	}
	if ((known = engine_memo_find(e, &q->peer.ip)) != NULL) {
		reply_again(e, known, q, answer, arg);
		return;
	}
	pass(e, &q->peer.ip, NULL, &p);
	if (settle(&p)) {
		reply_pass(&p, q, answer, arg);
	} else {
		start_lookups(pend(e, q, answer, arg), &p);
		fold_free(&p.fold);
	}
}

void
engine_address_cancel(struct engine *e, const void *arg)
{
	struct engine_address *a, *next;

	for (a = e->addresses; a != NULL; a = next) {
		next = a->next;
		if (a->arg == arg)
			address_free(a);
	}
}

void
engine_address_stop(struct engine *e, const struct requirement *down)
{
	static const struct recalled nothing;
	struct engine_address *a;

	while ((a = e->addresses) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed is out of the list */
		engine_answer *answer = a->answer;
		uint32_t id = a->question.id;
		void *arg = a->arg;

		address_free(a);
		answer(arg, id, down, &nothing);
	}
}
