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
	f->hosts_len = f->names_len = 0;
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
		if (q->raised)
			return 1;	/* TLS alone: none of the records can be used */
		return q->both ? 4 : 3;
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

/* The copy, but for its lists of names, is what will be answered. */
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
	f->names_len = copy->names_len;
	for (size_t i = 0; i < copy->names_len; i++)
		f->names[i] = copy->names[i];
}

/* Keeps those of ours, in their order, that are among the others. */
static size_t
narrow(const char **ours, size_t ours_len, const char *const *others, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < ours_len; i++)
		if (among(ours[i], i, others, len))
			ours[kept++] = ours[i];
	return kept;
}

/* Whether the names in `hosts` are a demand. */
static bool
needs_host(const struct requirement *q)
{
	return q->level == LEVEL_VERIFY || (level_by_tlsa(q->level) && q->both);
}

/* No more names stay than the other has, too. Hosts count where both demand one; who alone does so
 * (policy.both) is the strictest. */
static void
restrict_to(struct fold *f, const struct requirement *other, const char *const *hosts,
    size_t hosts_len, const char *const *names, size_t names_len)
{
	if (needs_host(other))
		f->hosts_len = narrow(f->hosts, f->hosts_len, hosts, hosts_len);
	f->names_len = narrow(f->names, f->names_len, names, names_len);
}

/* take_beside: q instead of what there is, with no more than was left of that. */
static void
take_beside(struct fold *f, const char *domain, const struct requirement *q)
{
	struct requirement *was = f->strictest;
	const char *hosts[REQUIREMENT_HOSTS_MAX], *names[REQUIREMENT_NAMES_MAX];
	size_t hosts_len = f->hosts_len, names_len = f->names_len;

	memcpy(hosts, f->hosts, hosts_len * sizeof(hosts[0]));
	memcpy(names, f->names, names_len * sizeof(names[0]));
	f->strictest = NULL;
	take(f, domain, q);
	restrict_to(f, was, hosts, hosts_len, names, names_len);
	free(was);
}

/* merge: q beside what there is. */
static void
merge(struct fold *f, const char *domain, const struct requirement *q)
{
	bool raised = f->strictest->raised && q->raised;
	bool mx_secure = f->strictest->mx_secure && q->mx_secure;
	bool mismatch = f->strictest->sts_mismatch || q->sts_mismatch;
	enum level floor = f->strictest->floor > q->floor ? f->strictest->floor : q->floor;

	if (rank(q) > rank(f->strictest))
		take_beside(f, domain, q);
	else
		restrict_to(f, q, q->hosts, q->hosts_len, q->names, q->names_len);
	f->strictest->raised = raised;
	f->strictest->mx_secure = mx_secure;
	f->strictest->sts_mismatch = mismatch;
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

/* No proof satisfies a policy that does not allow this MX host, nor records that there are not. */
static bool
hopeless(const struct requirement *q)
{
	return (needs_host(q) && !q->mx_allowed) ||
	    (level_by_tlsa(q->level) && q->tlsa.len == 0);
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
	assert(q->level >= LEVEL_VERIFY && q->level < LEVEL_AUTO);
	f->closed = hopeless(q);
	if (f->strictest == NULL || f->closed) {
		take(f, domain, q);
		return;
	}
	if (q->level != f->strictest->level ||
	    strcmp(q->secure_domain, f->strictest->secure_domain) != 0 ||
	    !tlsa_same(&f->strictest->tlsa, q->tlsa.digest)) {
		conflict(f, domain);
		return;
	}
	merge(f, domain, q);
	if (needs_host(f->strictest) && f->hosts_len == 0)
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
	out->names = f->names;
	out->names_len = f->names_len;
	/* Where TLSA records count the SNI is theirs (R110). */
	if (out->level == LEVEL_VERIFY && f->hosts_len > 0)
		out->mx_host = out->sni = f->hosts[0];
}
