/* sts.c - the life of cached MTA-STS policies
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A job is one TXT lookup and, where that calls for it, one fetch. Everybody who asks meanwhile
 * waits for the same job; jobs go on when nobody waits any more, for what they find is kept. */
#include "policy/sts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/failing.h"
#include "policy/refresh.h"
#include "policy/sts_table.h"

#define DAY_S 86400
#define EXPIRED_KEEP_S (7 * DAY_S)	/* grace, for clocks that are set right */
#define ALARM_AFTER_S (DAY_S / 2)	/* refreshes fail since: several attempts */
#define ALARM_BEFORE_S (2 * DAY_S)	/* expiry is near: a weekend */

struct sts_job {
	struct sts *sts;
	struct sts_entry *entry;
	struct world_query query;
	struct world_fetch fetch;
	struct sts_waiter *waiters;
	enum sts_need need;		/* the strongest of those that wait */
	bool scheduled;			/* counts in the refresh's flight */
	enum sts_outcome outcome;
	char id[STS_ID_MAX + 1];	/* what the fetch is for */
	struct sts_job *next, **back;
};

struct sts {
	const struct world *world;
	struct store *store;
	const struct sts_events *events;
	void *arg;
	struct sts_table *table;
	struct refresh *refresh;
	struct failing *failing;
	struct sts_job *jobs;
};

static int64_t
now(const struct sts *s)
{
	return s->world->now(s->world->arg);
}

static uint64_t
ticks(const struct sts *s)
{
	return s->world->ticks(s->world->arg);
}

static void
view(const struct sts *s, const struct sts_entry *e, struct sts_view *out)
{
	sts_table_view(e, now(s), ticks(s), out);
}

static bool
needs_no_asking(const struct sts_entry *e, int64_t wall, uint64_t at)
{
	return e->asked_ever && at < e->ask_again && !sts_entry_wants_fetch(e, wall, at);
}

bool
sts_look(struct sts *s, const char *domain, struct sts_view *out)
{
	struct sts_entry *e = sts_table_find(s->table, domain);
	int64_t wall = now(s);
	uint64_t at = ticks(s);

	sts_table_view(e, wall, at, out);
	out->left_ms = sts_entry_left(e, wall, at);
	return needs_no_asking(e, wall, at);
}

bool
sts_known(struct sts *s, const char *domain)
{
	const struct sts_entry *e = sts_table_peek(s->table, domain);

	return e != NULL && (e->job != NULL || needs_no_asking(e, now(s), ticks(s)));
}

/* Hands the result to all who wait. The job is out of the entry already. */
static void
finish(struct sts_job *j)
{
	struct sts *s = j->sts;
	struct sts_entry *e = j->entry;
	struct sts_waiter *w;
	struct sts_view v;

	e->job = NULL;
	e->held++;
	view(s, e, &v);
	v.outcome = j->outcome;
	if (v.policy != NULL && j->outcome != STS_OUTCOME_NONE && j->outcome != STS_OUTCOME_FAILED)
		v.source = SOURCE_FETCHED;
	while ((w = j->waiters) != NULL) {
		sts_cancel(w);
		w->done(w->arg, &v);
	}
	e->held--;
	if ((*j->back = j->next) != NULL)
		j->next->back = j->back;
	if (j->scheduled)
		refresh_done(s->refresh);
	free(j);
}

static void
remove_policy(struct sts *s, struct sts_entry *e)
{
	sts_entry_forget(e);
	store_delete_policy(s->store, e->domain);
	refresh_drop(s->refresh, e->domain);
	failing_set(s->failing, e->domain, 0);
}

static void
plan(struct sts *s, struct sts_entry *e)
{
	e->refresh = now(s) + refresh_next(s->world, e->policy.max_age, e->failures);
	refresh_set(s->refresh, e->domain, e->refresh);
	failing_set(s->failing, e->domain, e->failing);
	sts_entry_save(e, s->store);
}

/* A fetch failed: what is cached stays (R24), and somebody hears of it (R25, R36, R43). */
static void
failed(struct sts *s, struct sts_entry *e)
{
	const char *detail = e->failure != NULL ? e->failure->detail : "";
	int64_t left;
	bool alarm;

	if (!e->cached || !e->kept) {
		s->events->notice(s->arg, "fetch-failed", e->domain, detail, false);
		return;
	}
	left = e->policy.max_age - sts_entry_age(e, now(s), ticks(s));
	if (e->failing == 0 || e->failing > now(s))
		e->failing = now(s);
	e->failures++;
	/* R41: one that says none is on its way out; it may end in silence. */
	alarm = e->policy.mode != STS_NONE && (now(s) - e->failing >= ALARM_AFTER_S ||
	    left < ALARM_BEFORE_S || left < e->policy.max_age / 2);
	s->events->notice(s->arg, left > 0 ? "refresh-failed" : "expired", e->domain, detail,
	    alarm);
	if (left <= -EXPIRED_KEEP_S)
		remove_policy(s, e);
	else
		plan(s, e);
}

static void
succeeded(struct sts *s, struct sts_entry *e, enum sts_outcome outcome)
{
	static const char *const modes[] = { "enforce", "testing", "none" };
	char line[256];
	int n = snprintf(line, sizeof(line), "id %s, mode %s, max_age %u, %zu mx", e->id,
	    modes[e->policy.mode], e->policy.max_age, e->policy.mx_len);

	for (unsigned i = 0; i < STS_WARNINGS && n > 0 && (size_t)n < sizeof(line); i++)
		if (e->policy.warnings & 1u << i)
			n += snprintf(line + n, sizeof(line) - (size_t)n, "; forgiven: %s",
			    sts_warning_text((enum sts_warning)(1u << i)));
	if (outcome != STS_OUTCOME_UNCHANGED)
		s->events->notice(s->arg, outcome == STS_OUTCOME_CHANGED ? "changed" : "fetched",
		    e->domain, line, false);
	if (e->kept)
		plan(s, e);
	else {
		store_delete_policy(s->store, e->domain);
		refresh_drop(s->refresh, e->domain);
		failing_set(s->failing, e->domain, 0);
	}
}

static void
on_fetched(void *arg, const struct world_fetched *f)
{
	struct sts_job *j = arg;
	struct sts *s = j->sts;
	struct sts_entry *e = j->entry;
	bool had = sts_entry_in_force(e, now(s), ticks(s)), same = false, good;

	e->fetching = false;
	if (f->result == RESULT_SUCCESS) {
		same = had && strcmp(e->id, j->id) == 0 && e->policy.text_len == f->len &&
		    memcmp(e->policy.text, f->body, f->len) == 0;
		good = sts_entry_install(e, j->id, f->body, f->len, now(s), ticks(s));
	} else {
		sts_entry_fail(e, j->id, f->result, f->detail, ticks(s));
		good = false;
	}
	j->outcome = !good ? STS_OUTCOME_FAILED : same ? STS_OUTCOME_UNCHANGED :
	    had ? STS_OUTCOME_CHANGED : STS_OUTCOME_FETCHED;
	if (good)
		succeeded(s, e, j->outcome);
	else
		failed(s, e);
	finish(j);
}

/* Whether the TXT answer calls for a fetch, under what the askers need. */
static bool
calls_for_fetch(const struct sts_job *j)
{
	const struct sts *s = j->sts;
	const struct sts_entry *e = j->entry;

	if (sts_entry_wants_fetch(e, now(s), ticks(s)))
		return true;
	switch (j->need) {
	case STS_NEED_ANSWER:
		return false;
	case STS_NEED_RECHECK:
		return e->announced == STS_ANNOUNCED_YES && !sts_entry_tried_lately(e, ticks(s));
	case STS_NEED_FETCH:
		break;
	}
	/* R43: whatever the TXT record says. Expired and not announced any more: let it go. */
	return e->announced == STS_ANNOUNCED_YES ||
	    (e->cached && e->announced != STS_ANNOUNCED_NO) ||
	    sts_entry_in_force(e, now(s), ticks(s));
}

static void
on_txt(void *arg, const struct answer *a)
{
	struct sts_job *j = arg;
	struct sts *s = j->sts;
	struct sts_entry *e = j->entry;
	bool known = needs_no_asking(e, now(s), ticks(s));

	sts_entry_announce(e, a, ticks(s));
	if (!calls_for_fetch(j)) {
		if (j->scheduled && e->cached)
			remove_policy(s, e);
		finish(j);
		return;
	}
	snprintf(j->id, sizeof(j->id), "%s",
	    e->announced == STS_ANNOUNCED_YES ? e->announced_id : e->id);
	e->fetching = true;
	if (known && s->events->begun != NULL && (sts_entry_wants_fetch(e, now(s), ticks(s)) ||
	    !sts_entry_in_force(e, now(s), ticks(s))))
		s->events->begun(s->arg, e->domain);
	s->world->fetch(s->world->arg, &j->fetch, e->domain);
}

static struct sts_job *
work(struct sts *s, struct sts_entry *e, enum sts_need need)
{
	struct sts_job *j = e->job;
	char name[ANSWER_NAME_SIZE + 16];

	if (j == NULL) {
		if ((j = calloc(1, sizeof(*j))) == NULL)
			abort();	/* the parent starts a new policy process */
		j->sts = s;
		j->entry = e;
		j->query.done = on_txt;
		j->fetch.done = on_fetched;
		j->query.arg = j->fetch.arg = j;
		if ((j->next = s->jobs) != NULL)
			j->next->back = &j->next;
		j->back = &s->jobs;
		s->jobs = e->job = j;
		snprintf(name, sizeof(name), "_mta-sts.%s", e->domain);
		/* Cut to what DNS can carry: a domain so long announces nothing. */
		name[ANSWER_NAME_SIZE - 1] = '\0';
		s->world->query(s->world->arg, &j->query, name, ANSWER_TXT);
	}
	if (need > j->need)
		j->need = need;
	return j;
}

void
sts_ask(struct sts *s, struct sts_waiter *w, const char *domain, enum sts_need need)
{
	struct sts_job *j = work(s, sts_table_find(s->table, domain), need);

	assert(w->back == NULL);
	if ((w->next = j->waiters) != NULL)
		w->next->back = &w->next;
	w->back = &j->waiters;
	j->waiters = w;
}

void
sts_cancel(struct sts_waiter *w)
{
	if (w->back == NULL)
		return;
	if ((*w->back = w->next) != NULL)
		w->next->back = w->back;
	w->back = NULL;
}

static void
run_refresh(void *arg, const char *domain)
{
	struct sts *s = arg;
	struct sts_entry *e = sts_table_find(s->table, domain);

	if (e->cached && (e->job == NULL || !e->job->scheduled))
		work(s, e, STS_NEED_FETCH)->scheduled = true;
	else
		refresh_done(s->refresh);
}

bool
sts_forget(struct sts *s, const char *domain)
{
	struct sts_entry *e = sts_table_find(s->table, domain);
	bool had = e->cached;

	if (had)
		s->events->notice(s->arg, "forgotten", domain, "by an administrator", false);
	remove_policy(s, e);
	e->asked_ever = e->tried_ever = false;
	e->announced = STS_ANNOUNCED_UNKNOWN;
	return had;
}

size_t
sts_policies(const struct sts *s)
{
	return refresh_length(s->refresh);
}

size_t
sts_failing(const struct sts *s, int64_t seconds)
{
	return failing_count(s->failing, now(s) - seconds);
}

static void
schedule(void *arg, const char *domain, const struct store_policy *p)
{
	struct sts *s = arg;
	int64_t latest = now(s) + DAY_S + DAY_S / 10;

	/* Planned by a clock that stood ahead. */
	refresh_set(s->refresh, domain, p->refresh < latest ? p->refresh : latest);
	failing_set(s->failing, domain, p->failing);
}

struct sts *
sts_new(const struct world *world, struct store *store, const struct sts_events *events, void *arg)
{
	struct sts *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->world = world;
	s->store = store;
	s->events = events;
	s->arg = arg;
	s->table = sts_table_new(world, store, events, arg);
	s->refresh = refresh_new(world, run_refresh, s);
	s->failing = failing_new();
	if (s->table == NULL || s->refresh == NULL || s->failing == NULL) {
		sts_free(s);
		return NULL;
	}
	store_each_policy(store, schedule, s);
	return s;
}

void
sts_free(struct sts *s)
{
	struct sts_job *j;

	if (s == NULL)
		return;
	while ((j = s->jobs) != NULL) {
		s->jobs = j->next;
		s->world->query_cancel(s->world->arg, &j->query);
		s->world->fetch_cancel(s->world->arg, &j->fetch);
		free(j);
	}
	sts_table_free(s->table);
	refresh_free(s->refresh);
	failing_free(s->failing);
	free(s);
}
