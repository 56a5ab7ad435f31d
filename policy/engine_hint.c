/* engine_hint.c - what a client's DNS said, used before and beside the client's own question
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers can be forged by anybody on the wire, so what is fetched ahead is bounded twice. What is
 * left out costs the client the wait that it would have had without us. */
#include <stdlib.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/engine_parts.h"

/* Under way at once: each may hold a connection for the minute that a fetch may take. */
#define AHEAD_MAX 64
/* Begun a second, after a burst of AHEAD_MAX: only in its first minutes does a gateway meet more
 * new domains, and a flood makes us knock at no more doors than a browser does. */
#define AHEAD_PER_S 20
#define AHEAD_PACE_MS (1000 / AHEAD_PER_S)

struct engine_ahead {
	struct engine *engine;
	struct sts_waiter sts;
	struct mx_waiter mx;
	struct engine_ahead *next, **back;
};

static void
ahead_free(struct engine *e, struct engine_ahead *a)
{
	sts_cancel(&a->sts);
	mx_cancel(&a->mx);
	if ((*a->back = a->next) != NULL)
		a->next->back = a->back;
	e->ahead.len--;
	free(a);
}

static void
done_if_all(struct engine_ahead *a)
{
	if (a->sts.back == NULL && a->mx.back == NULL)
		ahead_free(a->engine, a);
}

static void
on_sts(void *arg, const struct sts_view *v)
{
	(void)v;
	done_if_all(arg);
}

static void
on_mx(void *arg, const struct mx_set *set)
{
	(void)set;
	done_if_all(arg);
}

/* Whether one more may begin now; if so it is counted. */
static bool
may_begin(struct engine *e)
{
	uint64_t now = e->world->ticks(e->world->arg);

	if (e->ahead.full_at < now)
		e->ahead.full_at = now;
	if (e->ahead.len >= AHEAD_MAX ||
	    e->ahead.full_at - now > (uint64_t)AHEAD_PACE_MS * (AHEAD_MAX - 1))
		return false;
	e->ahead.full_at += AHEAD_PACE_MS;
	return true;
}

/* The same TXT lookup, fetch and MX lookup that a first question would start. */
void
engine_ahead(struct engine *e, const char *domain, bool sts)
{
	bool mx = !mx_known(e->mx, domain);
	struct engine_ahead *a;

	sts = sts && e->sts != NULL && !sts_known(e->sts, domain);
	if ((!sts && !mx) || !may_begin(e) || (a = calloc(1, sizeof(*a))) == NULL)
		return;
	a->engine = e;
	a->sts.done = on_sts;
	a->mx.done = on_mx;
	a->sts.arg = a->mx.arg = a;
	if ((a->next = e->ahead.first) != NULL)
		a->next->back = &a->next;
	a->back = &e->ahead.first;
	e->ahead.first = a;
	e->ahead.len++;
	if (sts)
		sts_ask(e->sts, &a->sts, domain, STS_NEED_ANSWER);
	if (mx)
		mx_ask(e->mx, &a->mx, domain);
}

/* A rule that says all that there is to say needs no lookup, one of DANE no policy. */
static void
ahead_of_client(struct engine *e, const char *domain)
{
	const struct config_rule *rule = config_rule_find(e->config->domains,
	    e->config->domains_len, domain, (time_t)e->world->now(e->world->arg));
	enum level level = rule != NULL ? rule->level : LEVEL_AUTO;

	if (level == LEVEL_AUTO && (e->sts != NULL || e->canary != NULL))
		engine_ahead(e, domain, true);
	else if (level == LEVEL_DANE || level == LEVEL_DANE_ONLY)
		engine_ahead(e, domain, false);
}

/* Whether the same was said before, and counts still. */
static bool
told(const struct engine *e, const char *domain, const struct in6_addr *ip, const char *host)
{
	const char *hosts[HINTS_HOSTS_MAX];
	size_t len = hints_find(e->hints, domain, ip, hosts);

	for (size_t i = 0; i < len; i++)
		if (strcmp(hosts[i], host) == 0)
			return true;
	return false;
}

/* Where no MX set is known no answer was given that the host's name could change: a flood of
 * made-up domains is nobody's concern. */
static void
changed(struct engine *e, const char *domain, const struct in6_addr *ip)
{
	engine_memo_drop(e, "", ip);
	if (mx_known(e->mx, domain))
		engine_stale_of(e, domain);
}

void
engine_hint(struct engine *e, const struct hint *h)
{
	char domain[DOMAIN_SIZE];

	/* A name of one label is what a resolver's search list tries, nobody's mail domain. */
	if (domain_normalise(domain, h->domain, strlen(h->domain), true) != DOMAIN_OK)
		return;
	if (h->mx_host[0] == '\0') {
		ahead_of_client(e, domain);
	} else if (strlen(h->mx_host) < DOMAIN_SIZE) {
		if (!told(e, domain, &h->peer.ip, h->mx_host))
			changed(e, domain, &h->peer.ip);
		hints_add(e->hints, domain, &h->peer.ip, h->mx_host, h->ttl_s);
		engine_saw(e, domain, &h->peer.ip);
	}
}

void
engine_hint_stop(struct engine *e)
{
	struct engine_ahead *a, *next;

	for (a = e->ahead.first; a != NULL; a = next) {
		next = a->next;
		ahead_free(e, a);
	}
}
