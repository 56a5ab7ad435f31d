/* engine_report.c - what posternctl and the log want to know of the engine
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/engine_parts.h"
#include "policy/host.h"
#include "policy/report.h"

#define LONG_FAILING_S (12 * 3600)	/* refreshes: what status calls a problem */

/* A question of an administrator under way: a domain, a refresh, a host. */
struct engine_inquiry {
	struct engine *engine;
	struct lookup lookup;
	struct sts_waiter sts;
	struct host host;
	bool rechecked;
	void (*report)(void *arg, json_t *report);
	void (*addresses)(void *arg, const struct in6_addr *addresses, size_t len,
	    const char *problem);
	void *arg;
	struct engine_inquiry *next, *previous;
	char domain[ANSWER_NAME_SIZE];
};

static struct engine_inquiry *
inquire(struct engine *e, const char *domain, void *arg)
{
	struct engine_inquiry *i = calloc(1, sizeof(*i));

	if (i == NULL)
		abort();	/* the parent starts a new policy process */
	assert(strlen(domain) < sizeof(i->domain));
	i->engine = e;
	i->arg = arg;
	i->lookup.arg = i->sts.arg = i->host.arg = i;
	memcpy(i->domain, domain, strlen(domain) + 1);
	if ((i->next = e->inquiries) != NULL)
		i->next->previous = i;
	e->inquiries = i;
	return i;
}

static void
close_inquiry(struct engine *e, struct engine_inquiry *i)
{
	lookup_cancel(&i->lookup);
	sts_cancel(&i->sts);
	host_cancel(&i->host);
	if (e->inquiries == i)
		e->inquiries = i->next;
	else if (i->previous != NULL)
		i->previous->next = i->next;
	if (i->next != NULL)
		i->next->previous = i->previous;
	free(i);
}

static const struct config_rule *
rule_of(const struct engine *e, const char *domain)
{
	return config_rule_find(e->config->domains, e->config->domains_len, domain,
	    (time_t)e->world->now(e->world->arg));
}

/* Whether DANE counts here, and why not. */
static json_t *
dane_state(const struct engine *e)
{
	const char *detail;

	if (e->canary == NULL)
		return json_pack("{s:s,s:s}", "state", "off", "detail", "");
	detail = canary_detail(e->canary);
	return json_pack("{s:s,s:o}", "state", canary_state_name(canary_state(e->canary)),
	    "detail", report_text(detail, strlen(detail)));
}

static uint64_t
wait_ms(const struct engine *e)
{
	return (uint64_t)e->config->policy.wait_s * 1000;
}

static void
on_lookup(void *arg, const struct lookup_result *r)
{
	struct engine_inquiry *i = arg;
	struct engine *e = i->engine;
	const struct report_terms terms = { rule_of(e, i->domain), e->dane,
		e->config->policy.both };
	void (*report)(void *, json_t *) = i->report;
	void *to = i->arg;
	const char *reason;
	json_t *json;

	/* RFC 8461 5.1: nothing is refused before the id was read again. */
	if (report_would(r, &terms, &reason) == WOULD_REFUSE && !i->rechecked) {
		i->rechecked = true;
		lookup_start(&i->lookup, &e->sources, i->domain, STS_NEED_RECHECK, wait_ms(e));
		return;
	}
	json = report_domain(i->domain, r, &terms);
	json_object_set_new(json, "dane", dane_state(e));
	close_inquiry(e, i);
	report(to, json);
}

void
engine_domain(struct engine *e, const char *domain, void (*done)(void *arg, json_t *report),
    void *arg)
{
	struct engine_inquiry *i = inquire(e, domain, arg);

	i->report = done;
	i->lookup.done = on_lookup;
	lookup_start(&i->lookup, &e->sources, i->domain, STS_NEED_ANSWER, wait_ms(e));
}

static void
on_refreshed(void *arg, const struct sts_view *v)
{
	static const char *const words[] = { "none", "fetched", "unchanged", "changed", "failed" };
	struct engine_inquiry *i = arg;
	struct engine *e = i->engine;
	void (*report)(void *, json_t *) = i->report;
	void *to = i->arg;
	enum sts_outcome outcome = v->outcome;
	json_t *json;

	if (outcome == STS_OUTCOME_NONE && v->announced == STS_ANNOUNCED_UNDETERMINED)
		outcome = STS_OUTCOME_FAILED;
	json = json_pack("{s:s}", "outcome", words[outcome]);
	if (v->problem != RESULT_SUCCESS)
		json_object_set_new(json, "problem", report_problem(v->problem, v->detail));
	else if (outcome == STS_OUTCOME_FAILED)
		json_object_set_new(json, "problem", report_problem(RESULT_STS_POLICY_FETCH_ERROR,
		    "the TXT record could not be looked up"));
	close_inquiry(e, i);
	report(to, json);
}

void
engine_policy_refresh(struct engine *e, const char *domain, void (*done)(void *arg,
    json_t *result), void *arg)
{
	struct engine_inquiry *i;

	if (e->sts == NULL) {
		done(arg, json_pack("{s:s}", "outcome", "none"));
		return;
	}
	i = inquire(e, domain, arg);
	i->report = done;
	i->sts.done = on_refreshed;
	sts_ask(e->sts, &i->sts, i->domain, STS_NEED_FETCH);
}

static void
on_host(void *arg, struct host *h)
{
	struct engine_inquiry *i = arg;
	struct engine *e = i->engine;
	void (*addresses)(void *, const struct in6_addr *, size_t, const char *) = i->addresses;
	void *to = i->arg;
	struct host found = *h;

	close_inquiry(e, i);
	addresses(to, found.addresses, found.len, found.problem);
}

void
engine_resolve_host(struct engine *e, const char *host, void (*done)(void *arg,
    const struct in6_addr *addresses, size_t len, const char *problem), void *arg)
{
	struct in6_addr literal;
	struct engine_inquiry *i;

	if (address_parse_ip(&literal, host, strlen(host))) {
		done(arg, &literal, 1, "");
		return;
	}
	if (strlen(host) >= ANSWER_NAME_SIZE) {
		done(arg, NULL, 0, "too long a name");
		return;
	}
	i = inquire(e, host, arg);
	i->addresses = done;
	i->host.done = on_host;
	host_lookup(&i->host, e->world, i->domain);
}

void
engine_report_stop(struct engine *e)
{
	struct engine_inquiry *i;

	while ((i = e->inquiries) != NULL) {
		void (*report)(void *, json_t *) = i->report;
		void (*addresses)(void *, const struct in6_addr *, size_t, const char *) =
		    i->addresses;
		void *to = i->arg;

		close_inquiry(e, i);
		if (report != NULL)
			report(to, NULL);
		else
			addresses(to, NULL, 0, "the policy service is restarting");
	}
}

struct listing {
	json_t *list;
	int64_t now;
};

static void
list_one(void *arg, const char *domain, const struct store_policy *p)
{
	static const char *const modes[] = { "enforce", "testing", "none" };
	struct listing *l = arg;
	struct sts_policy policy;
	struct sts_policy_fault fault;
	json_t *o;

	if (!sts_policy_parse(&policy, &fault, p->text, p->text_len))
		return;
	o = json_pack("{s:s,s:s,s:s,s:o,s:o}", "domain", domain, "mode", modes[policy.mode], "id",
	    p->id, "fetched", report_time(p->fetched), "expires",
	    report_time(p->fetched + policy.max_age));
	if (p->failing != 0)
		json_object_set_new(o, "problem", json_string("refresh fails"));
	else if (p->fetched + policy.max_age <= l->now)
		json_object_set_new(o, "problem", json_string("expired"));
	json_array_append_new(l->list, o);
}

json_t *
engine_policy_list(struct engine *e)
{
	struct listing l = { json_array(), e->world->now(e->world->arg) };
	char line[96];

	if (!store_first_policies(e->store, ENGINE_LIST_MAX, list_one, &l))
		return l.list;
	snprintf(line, sizeof(line), "the list ends after %d of %zu policies", ENGINE_LIST_MAX,
	    e->sts != NULL ? sts_policies(e->sts) : 0);
	json_array_append_new(l.list, json_pack("{s:s}", "problem", line));
	return l.list;
}

json_t *
engine_policy_show(struct engine *e, const char *domain)
{
	struct sts_view v;
	json_t *o;

	if (e->sts == NULL)
		return NULL;
	sts_look(e->sts, domain, &v);
	if (v.policy == NULL)
		return NULL;
	o = report_sts(&v);
	json_object_set_new(o, "domain", json_string(domain));
	json_object_set_new(o, "fetched", report_time(v.fetched));
	json_object_set_new(o, "next_refresh", report_time(v.refresh));
	if (v.failing != 0)
		json_object_set_new(o, "refresh_failing_since", report_time(v.failing));
	json_object_set_new(o, "text", report_text(v.policy->text, v.policy->text_len));
	return o;
}

/* What our own lookup names stays, or the domain's mail would go by the proof of others there: with
 * its policy forgotten it would be asked after no more. False: nothing was forgotten. */
static bool
forget_user(struct engine *e, const char *domain, const struct mx_set *mx)
{
	size_t before = users_length(e->users);

	if (!users_forget(e->users, domain))
		return false;
	engine_saw_set(e, domain, mx);
	if (mx == NULL && e->config->inspect)	/* says it later */
		engine_ahead(e, domain, false);
	return users_length(e->users) < before;
}

bool
engine_policy_forget(struct engine *e, const char *domain)
{
	const struct mx_set *mx = mx_last(e->mx, domain);
	bool known = e->sts != NULL && sts_forget(e->sts, domain);

	known |= memory_forget_host(e->memory, domain);
	known |= forget_user(e, domain, mx);
	engine_stale(e);
	for (size_t i = 0; mx != NULL && i < mx->hosts_len; i++) {
		known |= memory_forget_host(e->memory, mx->hosts[i].name);
		for (size_t k = 0; k < mx->hosts[i].addresses_len; k++)
			known |= memory_forget_address(e->memory, &mx->hosts[i].addresses[k]);
	}
	return known;
}

json_t *
engine_evidence(struct engine *e, const char *domain)
{
	struct lookup_result r;
	json_t *o;

	if (domain[0] == '\0' || strlen(domain) >= ANSWER_NAME_SIZE)
		return NULL;
	lookup_now(&e->sources, domain, &r);
	o = json_pack("{s:o}", "sts", report_sts(&r.sts));
	if (r.sts.announced_id[0] != '\0')
		json_object_set_new(o, "txt_id", json_string(r.sts.announced_id));
	if (r.sts.policy != NULL)
		json_object_set_new(o, "policy_text",
		    report_text(r.sts.policy->text, r.sts.policy->text_len));
	json_object_set_new(o, "dane", dane_state(e));
	if (r.mx == NULL && (r.mx = mx_last(e->mx, domain)) == NULL)
		return o;
	json_object_set_new(o, "dns", report_lines(r.mx->answers));
	json_object_set_new(o, "mx", report_mx(&r, NULL));
	if (r.mx->problem[0] != '\0')
		json_object_set_new(o, "mx_problem", report_text(r.mx->problem,
		    strlen(r.mx->problem)));
	return o;
}

static void
complain(json_t *problems, const char *format, size_t n, const char *a, const char *b)
{
	char line[512];

	snprintf(line, sizeof(line), "%s%zu%s%s%s%s", format, n, a[0] ? ": " : "", a,
	    b[0] ? ": " : "", b);
	json_array_append_new(problems, report_text(line, strlen(line)));
}

/* It was there, and is not now. */
static void
complain_dane(const struct engine *e, json_t *problems)
{
	char line[512];

	snprintf(line, sizeof(line), "DANE is %s: %s (next: posternctl doctor)", e->dane ?
	    "undecided, signed domains may have to wait" :
	    "lost, signed domains are treated as unsigned ones", canary_detail(e->canary));
	json_array_append_new(problems, report_text(line, strlen(line)));
}

json_t *
engine_status(struct engine *e)
{
	size_t failing = e->sts != NULL ? sts_failing(e->sts, LONG_FAILING_S) : 0;
	json_t *problems = json_array();
	const char *relay, *why = relay_problem(e->relay, &relay);

	if (store_degraded(e->store))
		json_array_append_new(problems, json_string("a broken store was set aside, its "
		    "policies are lost (next: posternctl policy acknowledge)"));
	if (store_problem(e->store)[0] != '\0')
		json_array_append_new(problems, json_string(store_problem(e->store)));
	if (failing > 0)
		complain(problems, "policies that cannot be refreshed for half a day: ", failing,
		    "", "");
	if (e->canary != NULL && canary_lost(e->canary))
		complain_dane(e, problems);
	if (why != NULL)
		complain(problems, "relays without an address: ", 1, relay, why);
	return json_pack("{s:b,s:o,s:o,s:I,s:I,s:I,s:I,s:I}", "healthy",
	    (int)(json_array_size(problems) == 0), "problems", problems, "dane", dane_state(e),
	    "policies",
	    (json_int_t)(e->sts != NULL ? sts_policies(e->sts) : 0), "refresh_failures",
	    (json_int_t)failing, "remembered_hosts", (json_int_t)memory_length(e->memory),
	    "mapped_domains", (json_int_t)users_length(e->users), "proven_sessions",
	    (json_int_t)proven_length(e->proven));
}
