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
#include "policy/engine_pass.h"
#include "policy/fresh.h"

#if defined(__GNUC__) && !defined(__clang__)
/* What hangs at a question is out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define LOOKUPS_ALL_MAX 16384	/* of all questions, half a KiB each */
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

/* reply: with what is remembered of the session, where that may matter. */
static void
reply(struct engine *e, const struct question *q, const struct requirement *requirement,
    uint64_t fresh_ms, engine_answer *answer, void *arg)
{
	struct recalled recalled;
	uint64_t fresh = fresh_least(fresh_ms, ENGINE_FRESH_MS);

	if (!q->resumes || requirement->state != REQUIREMENT_READY ||
	    !proven_recall(e->proven, q->session, &recalled))
		recalled = (struct recalled){ NULL, 0 };
	/* Whatever changes of a relay is announced to everybody. */
	if (requirement->state != REQUIREMENT_READY || q->probe || (fresh > 0 &&
	    relay_find(e->relay, &q->peer.ip) == NULL && !engine_told(e, &q->peer.ip, fresh)))
		fresh = 0;
	answer(arg, q->id, requirement, &recalled, (uint32_t)fresh);
}

/* The result of a pass that left nothing unknown. */
static void
reply_pass(struct engine_pass *p, const struct question *q, engine_answer *answer, void *arg)
{
	struct engine *e = p->engine;
	struct requirement out;
	/* What nobody can satisfy was found before all were asked, in an order that changes. */
	uint64_t fresh = p->fold.closed ? 0 : p->fresh_ms;

	fold_result(&p->fold, e->mode == MODE_MONITOR, &out);
	if (p->domains + p->hosts >= MEMO_MIN && p->unknown_len == 0)
		engine_memo_keep(e, &q->peer.ip, &out, fresh);
	reply(e, q, &out, fresh, answer, arg);
	fold_free(&p->fold);
}

/* From memory. The answer may make it forgotten. */
static void
reply_again(struct engine *e, const struct requirement *known, uint64_t fresh_ms,
    const struct question *q, engine_answer *answer, void *arg)
{
	struct requirement *copy = requirement_copy(known);

	if (copy == NULL)
		abort();	/* the parent starts a new policy process */
	reply(e, q, copy, fresh_ms, answer, arg);
	free(copy);
}

/* settle: whether the pass decides the question; else its unknown domains are to be looked up. */
static bool
settle(struct engine_pass *p)
{
	bool many = p->unknown_len > ENGINE_PASS_UNKNOWN_MAX;

	if (p->fold.closed || p->unknown_len == 0)
		return true;
	if (!many && p->engine->address_lookups + p->unknown_len <= LOOKUPS_ALL_MAX)
		return false;
	for (size_t i = 0; i < p->unknown_len && i < ENGINE_PASS_UNKNOWN_MAX; i++)
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
conclude(struct engine_address *a, struct engine_pass *p)
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
	uint64_t fresh = 0;
	const struct requirement *known = engine_memo_find(e, &q.peer.ip, &fresh);
	engine_answer *answer = a->answer;
	void *arg = a->arg;

	if (known == NULL)
		return false;
	address_free(a);
	reply_again(e, known, fresh, &q, answer, arg);
	return true;
}

static void go_on(struct engine_address *a, struct engine_pass *p);

/* While these were looked up others may have run out, and are looked up in their turn. */
static void
on_lookup(void *arg, const struct lookup_result *r)
{
	struct engine_address *a = arg;
	struct engine_pass p;

	(void)r;
	if (--a->left > 0 || conclude_again(a))
		return;
	engine_pass(a->engine, &a->question.peer.ip, a->lookups, a->lookups_len, &p);
	for (size_t i = 0; !p.fold.closed && i < p.unknown_len && i < ENGINE_PASS_UNKNOWN_MAX; i++)
		if (engine_pass_lookup(&p, p.unknown[i].domain) != NULL || ticks(a) >= a->until)
			fold_undecided(&p.fold, p.unknown[i].domain,
			    "could not be looked up in time");
	go_on(a, &p);
}

static void
start_lookups(struct engine_address *a, const struct engine_pass *p)
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
go_on(struct engine_address *a, struct engine_pass *p)
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
	struct engine_pass p;

	/* An answer may cancel others: begin anew after each. */
	while (a != NULL) {
		if (!a->for_relays) {
			a = a->next;
			continue;
		}
		e->world->timer_stop(e->world->arg, &a->relays);
		a->for_relays = false;
		if (!conclude_again(a)) {
			engine_pass(e, &a->question.peer.ip, NULL, 0, &p);
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
	struct engine_pass p = { .engine = a->engine };

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
	uint64_t fresh = 0;
	struct engine_pass p;

	if (!relay_settled(e->relay)) {
		a = pend(e, q, answer, arg);
		a->for_relays = true;
		e->world->timer_start(e->world->arg, &a->relays,
		    (uint64_t)e->config->policy.wait_s * 1000);
		return;
	}
	if ((known = engine_memo_find(e, &q->peer.ip, &fresh)) != NULL) {
		reply_again(e, known, fresh, q, answer, arg);
		return;
	}
	engine_pass(e, &q->peer.ip, NULL, 0, &p);
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
		answer(arg, id, down, &nothing, 0);
	}
}
