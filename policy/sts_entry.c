/* sts_entry.c - what is known of one domain's MTA-STS
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/sts_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/fresh.h"

/* How long a TXT answer counts. Resolvers keep it too: the bounds only say how often they are
 * asked, and for how long a change may go unnoticed that no refusal leads to. */
#define ASK_MIN_MS (5 * 1000)
#define ASK_MAX_MS (3600 * 1000)
#define ASK_FAILED_MS (10 * 1000)	/* undetermined: again soon */
#define ONCE_MS (30 * 1000)	/* max_age 0: for those who wait for this fetch */

struct sts_entry *
sts_entry_new(const char *domain)
{
	size_t size = strlen(domain) + 1;
	struct sts_entry *e = calloc(1, sizeof(*e) + size);

	if (e == NULL)
		abort();	/* the parent starts a new policy process */
	memcpy(e->domain, domain, size);
	e->announced_detail = "";
	return e;
}

void
sts_entry_free(struct sts_entry *e)
{
	free(e->text);
	free(e->failure);
	free(e);
}

static bool
set_policy(struct sts_entry *e, const char *text, size_t len, struct sts_policy_fault *fault)
{
	struct sts_policy policy;
	char *own = malloc(len + 1);

	if (own == NULL)
		abort();
	memcpy(own, text, len);
	own[len] = '\0';
	if (!sts_policy_parse(&policy, fault, own, len)) {
		free(own);
		return false;
	}
	free(e->text);
	e->text = own;
	e->policy = policy;
	e->cached = true;
	e->kept = policy.max_age > 0;
	return true;
}

bool
sts_entry_load(struct sts_entry *e, const struct store_policy *p, uint64_t ticks)
{
	struct sts_policy_fault fault;

	if (strlen(p->id) > STS_ID_MAX || !set_policy(e, p->text, p->text_len, &fault))
		return false;
	snprintf(e->id, sizeof(e->id), "%s", p->id);
	e->fetched = p->fetched;
	e->refresh = p->refresh;
	e->failing = p->failing;
	e->failures = p->failing != 0;
	e->loaded = ticks;
	return true;
}

bool
sts_entry_install(struct sts_entry *e, const char *id, const char *text, size_t len, int64_t now,
    uint64_t ticks)
{
	struct sts_policy_fault fault;
	char line[160];

	if (!set_policy(e, text, len, &fault)) {
		sts_entry_fail(e, id, RESULT_STS_POLICY_INVALID,
		    sts_policy_fault_print(&fault, line, sizeof(line)), ticks);
		return false;
	}
	if (id != e->id)
		snprintf(e->id, sizeof(e->id), "%s", id);
	e->fetched = now;
	e->loaded = e->tried = ticks;
	e->tried_ever = true;
	e->failing = 0;
	e->failures = 0;
	free(e->failure);
	e->failure = NULL;
	return true;
}

void
sts_entry_forget(struct sts_entry *e)
{
	free(e->text);
	e->text = NULL;
	e->cached = e->kept = false;
	e->id[0] = '\0';
	e->failing = 0;
	e->failures = 0;
}

bool
sts_entry_save(const struct sts_entry *e, struct store *store)
{
	struct store_policy p = { e->id, e->fetched, e->refresh, e->failing, e->policy.text,
	    e->policy.text_len };

	return store_put_policy(store, e->domain, &p);
}

int64_t
sts_entry_age(const struct sts_entry *e, int64_t now, uint64_t ticks)
{
	return now >= e->fetched ? now - e->fetched : (int64_t)((ticks - e->loaded) / 1000);
}

bool
sts_entry_in_force(const struct sts_entry *e, int64_t now, uint64_t ticks)
{
	if (!e->kept)
		return e->cached && ticks - e->loaded < ONCE_MS;
	return e->cached && sts_entry_age(e, now, ticks) < e->policy.max_age;
}

uint64_t
sts_entry_left(const struct sts_entry *e, int64_t now, uint64_t ticks)
{
	uint64_t left = e->asked_ever ? fresh_ticks(e->ask_again, ticks) : 0;

	if (left == 0 || sts_entry_wants_fetch(e, now, ticks))
		return 0;
	if (sts_entry_in_force(e, now, ticks))
		left = fresh_least(left, e->kept ?
		    fresh_clock(e->policy.max_age, sts_entry_age(e, now, ticks)) :
		    fresh_ticks(e->loaded + ONCE_MS, ticks));
	if (sts_entry_tried_lately(e, ticks))		/* then it may be tried again */
		left = fresh_least(left, fresh_ticks(e->tried + STS_BACKOFF_MS, ticks));
	return left;
}

void
sts_entry_announce(struct sts_entry *e, const struct answer *a, uint64_t ticks)
{
	struct sts_txt txt[ANSWER_RECORDS_MAX];
	struct sts_record record;
	uint64_t keep = (uint64_t)a->ttl * 1000;

	e->asked_ever = true;
	e->announced_detail = "";
	switch (a->state) {
	case ANSWER_OK:
		for (size_t i = 0; i < a->records_len; i++)
			txt[i] = (struct sts_txt){ a->records[i].text, a->records[i].len };
		sts_record_choose(txt, a->records_len, &record);
		e->announced_detail = a->cut ? "too many TXT records" : record.detail;
		e->announced = record.result == STS_RECORD_ONE && !a->cut ? STS_ANNOUNCED_YES :
		    STS_ANNOUNCED_NO;
		snprintf(e->announced_id, sizeof(e->announced_id), "%s",
		    e->announced == STS_ANNOUNCED_YES ? record.id : "");
		break;
	case ANSWER_NODATA:
	case ANSWER_NXDOMAIN:
		e->announced = STS_ANNOUNCED_NO;
		e->announced_id[0] = '\0';
		break;
	case ANSWER_FAILED:
	case ANSWER_BOGUS:
		e->announced = STS_ANNOUNCED_UNDETERMINED;
		e->announced_id[0] = '\0';
		e->ask_again = ticks + ASK_FAILED_MS;
		return;
	}
	if (keep < ASK_MIN_MS)
		keep = ASK_MIN_MS;
	e->ask_again = ticks + (keep < ASK_MAX_MS ? keep : ASK_MAX_MS);
}

bool
sts_entry_tried_lately(const struct sts_entry *e, uint64_t ticks)
{
	return e->tried_ever && ticks - e->tried < STS_BACKOFF_MS;
}

bool
sts_entry_wants_fetch(const struct sts_entry *e, int64_t now, uint64_t ticks)
{
	if (e->announced != STS_ANNOUNCED_YES)
		return false;
	if (e->kept && sts_entry_in_force(e, now, ticks) && strcmp(e->id, e->announced_id) == 0)
		return false;
	return e->failure == NULL || strcmp(e->failure->id, e->announced_id) != 0 ||
	    !sts_entry_tried_lately(e, ticks);
}

void
sts_entry_fail(struct sts_entry *e, const char *id, enum result_type result, const char *detail,
    uint64_t ticks)
{
	size_t size = strlen(detail) + 1;
	struct sts_failure *f = malloc(sizeof(*f) + size);

	if (f == NULL)
		abort();	/* the parent starts a new policy process */
	f->result = result;
	snprintf(f->id, sizeof(f->id), "%s", id);
	memcpy(f->detail, detail, size);
	free(e->failure);
	e->failure = f;
	e->tried = ticks;
	e->tried_ever = true;
}
