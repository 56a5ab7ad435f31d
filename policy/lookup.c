/* lookup.c - all that a question about a domain needs, at once
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/lookup.h"

#include <stdio.h>
#include <string.h>

#include "policy/fresh.h"

#define MX_FRESH_MS (60 * 1000)	/* before a refusal an older MX set is asked for again */

static const struct mx_set no_answer = {
	.state = REQUIRE_MX_FAILED, .expanded = "", .answers = "", .exists = true,
	.problem = "no answer in time"
};

static const struct sts_view not_wanted = {
	.state = REQUIRE_STS_NONE, .id = "", .announced_id = "", .announced_detail = "",
	.detail = ""
};

bool
lookup_now(const struct lookup_sources *s, const char *domain, struct lookup_result *out)
{
	bool known = true;

	out->sts = not_wanted;
	if (s->sts != NULL)
		known = sts_look(s->sts, domain, &out->sts);
	out->mx = mx_look(s->mx, domain);
	out->exists = out->mx == NULL || out->mx->exists;
	out->fresh_ms = 0;
	if (!known || out->mx == NULL)
		return false;
	out->fresh_ms = fresh_ticks(out->mx->until, s->world->ticks(s->world->arg));
	if (s->sts != NULL)
		out->fresh_ms = fresh_least(out->fresh_ms, out->sts.left_ms);
	return true;
}

/* What a lookup has found may have run out by its end. */
static uint64_t
fresh(const struct lookup *l)
{
	struct lookup_result r;

	return lookup_now(l->sources, l->domain, &r) ? r.fresh_ms : 0;
}

static void
finish(struct lookup *l)
{
	const struct lookup_sources *s = l->sources;
	struct lookup_result r = { .fresh_ms = fresh(l) };

	/* An answer that has run out while the other was awaited still is the answer. */
	r.mx = l->mx.back == NULL ? mx_last(s->mx, l->domain) : mx_look(s->mx, l->domain);
	l->late = l->mx.back != NULL || l->sts.back != NULL;
	lookup_cancel(l);
	r.sts = not_wanted;
	if (s->sts != NULL)
		sts_look(s->sts, l->domain, &r.sts);
	r.sts.outcome = l->outcome;
	if (l->fetched && r.sts.state == REQUIRE_STS_ACTIVE)
		r.sts.source = SOURCE_FETCHED;
	if (r.sts.source == SOURCE_FETCHED)
		r.fresh_ms = 0;		/* who asks next hears that it is cached */
	if (r.mx == NULL)
		r.mx = &no_answer;
	r.exists = r.mx->exists;
	l->done(l->arg, &r);
}

static void
finish_if_all(struct lookup *l)
{
	if (l->sts.back == NULL && l->mx.back == NULL)
		finish(l);
}

static void
on_sts(void *arg, const struct sts_view *v)
{
	struct lookup *l = arg;

	l->fetched = v->source == SOURCE_FETCHED;
	l->outcome = v->outcome;
	finish_if_all(l);
}

static void
on_mx(void *arg, const struct mx_set *set)
{
	(void)set;
	finish_if_all(arg);
}

static void
on_timer(void *arg)
{
	struct lookup *l = arg;
	uint64_t left = l->wait_ms;

	l->wait_ms = 0;
	if (left > 0 && l->mx.back != NULL)
		l->sources->world->timer_start(l->sources->world->arg, &l->timer, left);
	else
		finish(l);
}

void
lookup_start(struct lookup *l, const struct lookup_sources *s, const char *domain,
    enum sts_need need, uint64_t wait_ms)
{
	const struct mx_set *set = mx_look(s->mx, domain);
	struct sts_view v = not_wanted;
	uint64_t first = wait_ms;

	l->sources = s;
	l->fetched = false;
	l->outcome = STS_OUTCOME_NONE;
	l->sts.done = on_sts;
	l->mx.done = on_mx;
	l->timer.fire = on_timer;
	l->sts.arg = l->mx.arg = l->timer.arg = l;
	snprintf(l->domain, sizeof(l->domain), "%s", domain);
	if (s->sts != NULL && (!sts_look(s->sts, domain, &v) || need > STS_NEED_ANSWER))
		sts_ask(s->sts, &l->sts, domain, need);
	if (set == NULL || (need > STS_NEED_ANSWER &&
	    s->world->ticks(s->world->arg) - set->found > MX_FRESH_MS))
		mx_ask(s->mx, &l->mx, domain);
	if (v.state == REQUIRE_STS_ACTIVE && need == STS_NEED_ANSWER && first > LOOKUP_CACHED_MS)
		first = LOOKUP_CACHED_MS;
	if (l->sts.back == NULL && l->mx.back == NULL)
		first = 0;	/* all is known; `done` still comes from the loop */
	l->wait_ms = wait_ms - first;
	s->world->timer_start(s->world->arg, &l->timer, first);
}

bool
lookup_again(const struct lookup *l, struct lookup_result *out)
{
	const struct lookup_sources *s = l->sources;

	if (l->late)
		return false;
	out->sts = not_wanted;
	if (s->sts != NULL && !sts_look(s->sts, l->domain, &out->sts) &&
	    out->sts.announced == STS_ANNOUNCED_UNKNOWN)
		return false;	/* forgotten meanwhile */
	out->mx = mx_last(s->mx, l->domain);
	out->exists = out->mx == NULL || out->mx->exists;
	out->fresh_ms = fresh(l);
	return out->mx != NULL;
}

void
lookup_cancel(struct lookup *l)
{
	sts_cancel(&l->sts);
	mx_cancel(&l->mx);
	if (l->sources != NULL)
		l->sources->world->timer_stop(l->sources->world->arg, &l->timer);
}
