/* fold.c - what several domains demand of one peer, as one requirement
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/fold.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fold_init(struct fold *f)
{
	f->strictest = NULL;
	f->hosts_len = 0;
	f->closed = f->undecided = false;
	f->domain[0] = f->reason[0] = '\0';
}

void
fold_free(struct fold *f)
{
	free(f->strictest);
}

void
fold_undecided(struct fold *f, const char *subject, const char *reason)
{
	snprintf(f->reason, sizeof(f->reason), "%s%s%s", subject, subject[0] != '\0' ? " " : "",
	    reason);
	for (char *p = f->reason; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	f->closed = f->undecided = true;
}

/* Whose words stand in the record: who demands most. */
static unsigned
rank(const struct requirement *q)
{
	switch (q->policy_type) {
	case POLICY_STS:
		return q->sts_mode == STS_ENFORCE ? 3 : q->sts_mode == STS_TESTING ? 2 : 0;
	case POLICY_TLSA:
	case POLICY_LOCAL:
		return 1;
	case POLICY_NONE_FOUND:
		break;
	}
	return 0;
}

/* Looked for first where it stands itself: most often both have the same list. */
static bool
among(const char *name, size_t at, const char *const *hosts, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(hosts[(at + i) % len], name) == 0)
			return true;
	return false;
}

/* The copy, but for its hosts, is what will be answered. */
static void
take(struct fold *f, const char *domain, const struct requirement *q)
{
	struct requirement *copy = requirement_copy(q);

	if (copy == NULL)
		abort();	/* the parent starts a new policy process */
	free(f->strictest);
	f->strictest = copy;
	snprintf(f->domain, sizeof(f->domain), "%s", domain);
	f->hosts_len = copy->hosts_len;
	for (size_t i = 0; i < copy->hosts_len; i++)
		f->hosts[i] = copy->hosts[i];
}

/* Keeps those of our own hosts, in their order, that are among the others. */
static void
narrow(struct fold *f, const char *const *others, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->hosts_len; i++)
		if (among(f->hosts[i], i, others, len))
			f->hosts[kept++] = f->hosts[i];
	f->hosts_len = kept;
}

/* merge: q beside what there is. */
static void
merge(struct fold *f, const char *domain, const struct requirement *q)
{
	bool raised = f->strictest->raised && q->raised;
	enum level floor = f->strictest->floor > q->floor ? f->strictest->floor : q->floor;

	if (rank(q) > rank(f->strictest)) {
		struct requirement *was = f->strictest;
		const char *others[REQUIREMENT_HOSTS_MAX];
		size_t len = f->hosts_len;

		memcpy(others, f->hosts, len * sizeof(others[0]));
		f->strictest = NULL;
		take(f, domain, q);
		narrow(f, others, len);
		free(was);
	} else {
		narrow(f, q->hosts, q->hosts_len);
	}
	f->strictest->raised = raised;
	f->strictest->floor = floor;
}

static void
conflict(struct fold *f, const char *domain)
{
	char words[FOLD_NAME_SIZE + 64];

	snprintf(words, sizeof(words), "and %.255s demand different names of this address",
	    f->domain);
	fold_undecided(f, domain, words);
}

void
fold_add(struct fold *f, const char *domain, const struct requirement *q)
{
	if (f->closed)
		return;
	if (q->state == REQUIREMENT_DEFER) {
		fold_undecided(f, domain, q->reason);
		return;
	}
	assert(q->level == LEVEL_VERIFY || q->level == LEVEL_SECURE);
	/* No proof satisfies a policy that does not allow this MX host. */
	f->closed = q->level == LEVEL_VERIFY && !q->mx_allowed;
	if (f->strictest == NULL || f->closed) {
		take(f, domain, q);
		return;
	}
	if (q->level != f->strictest->level ||
	    strcmp(q->secure_domain, f->strictest->secure_domain) != 0) {
		conflict(f, domain);
		return;
	}
	merge(f, domain, q);
	if (q->level == LEVEL_VERIFY && f->hosts_len == 0)
		conflict(f, domain);
}

void
fold_result(const struct fold *f, bool monitor, struct requirement *out)
{
	if (f->undecided) {
		*out = (struct requirement){
			.state = REQUIREMENT_DEFER, .defer_code = DEFER_UNMAPPED,
			.level = LEVEL_VERIFY, .monitor = monitor, .policy_domain = "",
			.policy_id = "", .mx_host = "", .sni = "", .secure_domain = "",
			.reason = f->reason
		};
		return;
	}
	*out = *f->strictest;
	out->hosts = f->hosts;
	out->hosts_len = f->hosts_len;
	if (f->hosts_len > 0)
		out->mx_host = out->sni = f->hosts[0];
}
