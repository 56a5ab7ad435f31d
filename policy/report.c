/* report.c - what is known of a domain, as the JSON of INTERFACE.md
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/level.h"

json_t *
report_time(int64_t t)
{
	char text[32] = "";
	time_t at = (time_t)t;
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

json_t *
report_text(const char *s, size_t len)
{
	char *copy = malloc(len + 1);
	json_t *text;

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, len);
	for (size_t i = 0; i < len; i++)
		if ((s[i] < 0x20 || s[i] > 0x7e) && s[i] != '\n' && s[i] != '\r')
			copy[i] = '?';
	text = json_stringn(copy, len);
	free(copy);
	return text;
}

json_t *
report_problem(enum result_type result, const char *detail)
{
	json_t *o = json_object();

	json_object_set_new(o, "result_type", json_string(result_type_name(result)));
	json_object_set_new(o, "detail", report_text(detail, strlen(detail)));
	return o;
}

json_t *
report_rule(const struct config_rule *rule)
{
	json_t *o;

	if (rule == NULL)
		return json_null();
	o = json_pack("{s:s,s:s}", "level", level_name(rule->level), "reason",
	    rule->reason != NULL ? rule->reason : "");
	if (rule->until != 0)
		json_object_set_new(o, "until", report_time(rule->until));
	return o;
}

static const char *
sts_state(const struct sts_view *v)
{
	switch (v->state) {
	case REQUIRE_STS_ACTIVE:
		return "active";
	case REQUIRE_STS_NONE:
		return "none";
	case REQUIRE_STS_PENDING:
		return "undetermined";
	case REQUIRE_STS_UNDETERMINED:
		break;
	}
	/* Announced, but the fetch failed: on as if there were none (R23); "problem" says why. */
	return v->announced == STS_ANNOUNCED_YES ? "none" : "undetermined";
}

static json_t *
sts_problem(const struct sts_view *v)
{
	if (v->problem != RESULT_SUCCESS)
		return report_problem(v->problem, v->detail);
	if (v->announced_detail[0] != '\0')
		return report_problem(RESULT_STS_POLICY_INVALID, v->announced_detail);
	return NULL;
}

json_t *
report_sts(const struct sts_view *v)
{
	static const char *const modes[] = { "enforce", "testing", "none" };
	json_t *o = json_pack("{s:s}", "state", sts_state(v)), *mx = json_array(), *problem;
	const char *pattern;
	size_t at = 0, len;

	if (v->policy != NULL) {
		while (sts_policy_next(v->policy, &at, &pattern, &len))
			json_array_append_new(mx, report_text(pattern, len));
		json_object_set_new(o, "id", json_string(v->id));
		json_object_set_new(o, "mode", json_string(modes[v->policy->mode]));
		json_object_set_new(o, "max_age", json_integer(v->policy->max_age));
		json_object_set(o, "mx", mx);
		json_object_set_new(o, "source",
		    json_string(v->source == SOURCE_FETCHED ? "fetched" : "cache"));
		json_object_set_new(o, "expires", report_time(v->fetched + v->policy->max_age));
	}
	json_decref(mx);
	if ((problem = sts_problem(v)) != NULL)
		json_object_set_new(o, "problem", problem);
	return o;
}

static json_t *
one_host(const struct lookup_result *r, size_t i)
{
	const struct require_host *h = &r->mx->hosts[i];
	json_t *addresses = json_array(), *o;
	char text[ADDRESS_TEXT_SIZE];

	for (size_t k = 0; k < h->addresses_len; k++)
		json_array_append_new(addresses,
		    json_string(address_print_ip(&h->addresses[k], text)));
	o = json_pack("{s:o,s:i,s:b,s:o}", "host", report_text(h->name, strlen(h->name)),
	    "preference", (int)h->preference, "secure",
	    (int)(r->mx->secure && r->mx->hosts_secure[i]), "addresses", addresses);
	if (r->sts.policy != NULL && r->sts.policy->mode != STS_NONE)
		json_object_set_new(o, "sts_match",
		    json_boolean(sts_policy_match(r->sts.policy, h->name)));
	json_object_set_new(o, "dane", json_pack("{s:s}", "state", "none"));
	return o;
}

json_t *
report_mx(const struct lookup_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->mx->hosts_len; i++) {
		size_t at = json_array_size(list);

		/* In order of preference, however DNS dealt them (R35). */
		while (at > 0 && json_integer_value(json_object_get(json_array_get(list, at - 1),
		    "preference")) > r->mx->hosts[i].preference)
			at--;
		json_array_insert_new(list, at, one_host(r, i));
	}
	return list;
}

/* Whether some host has addresses, and whether that is not known of any. */
static void
count_hosts(const struct mx_set *mx, bool *reachable, bool *unknown)
{
	*reachable = *unknown = false;
	for (size_t i = 0; i < mx->hosts_len; i++) {
		*reachable |= mx->hosts[i].state == REQUIRE_ADDRESSES_OK;
		*unknown |= mx->hosts[i].state == REQUIRE_ADDRESSES_FAILED ||
		    mx->hosts[i].state == REQUIRE_ADDRESSES_BOGUS;
	}
}

static bool
some_allowed(const struct lookup_result *r)
{
	for (size_t i = 0; i < r->mx->hosts_len; i++)
		if (sts_policy_match(r->sts.policy, r->mx->hosts[i].name))
			return true;
	return false;
}

static enum report_would
would_by_mx(const struct mx_set *mx, const char **reason)
{
	bool reachable, unknown;

	switch (mx->state) {
	case REQUIRE_MX_NULL:
		*reason = "the domain takes no mail (null MX)";
		return WOULD_REFUSE;
	case REQUIRE_MX_BOGUS:
		*reason = "the MX records fail DNSSEC validation";
		return WOULD_DEFER;
	case REQUIRE_MX_FAILED:
		*reason = "the MX records could not be looked up";
		return WOULD_DEFER;
	case REQUIRE_MX_OK:
	case REQUIRE_MX_IMPLICIT:
		break;
	}
	count_hosts(mx, &reachable, &unknown);
	if (reachable)
		return WOULD_DELIVER;
	*reason = !mx->exists ? "no such domain" : unknown ?
	    "the addresses of the MX hosts could not be looked up" : "no MX host has an address";
	return mx->exists && unknown ? WOULD_DEFER : WOULD_UNKNOWN;
}

enum report_would
report_would(const struct lookup_result *r, const struct config_rule *rule, const char **reason)
{
	enum report_would would;

	*reason = "";
	if (rule != NULL && rule->level != LEVEL_AUTO && rule->level <= LEVEL_ENCRYPT &&
	    r->mx->state != REQUIRE_MX_NULL)
		return WOULD_DELIVER;
	if (rule != NULL && rule->level > LEVEL_SECURE && rule->level != LEVEL_AUTO) {
		*reason = "the rule's level cannot be carried out by this version";
		return WOULD_DEFER;
	}
	would = would_by_mx(r->mx, reason);
	if (would != WOULD_DELIVER || (rule != NULL && rule->level != LEVEL_AUTO))
		return would;
	if (r->sts.state == REQUIRE_STS_PENDING) {
		*reason = "the policy is still being fetched";
		return WOULD_DEFER;
	}
	if (r->sts.policy == NULL || r->sts.policy->mode != STS_ENFORCE || some_allowed(r))
		return WOULD_DELIVER;
	*reason = "no MX host is allowed by the policy";
	return WOULD_REFUSE;
}

json_t *
report_domain(const char *domain, const struct lookup_result *r, const struct config_rule *rule)
{
	static const char *const words[] = { "deliver", "refuse", "defer", "unknown" };
	const char *reason;
	enum report_would would = report_would(r, rule, &reason);
	json_t *o = json_pack("{s:s,s:s,s:o,s:o,s:o}", "domain", domain, "would", words[would],
	    "sts", report_sts(&r->sts), "mx", report_mx(r), "override", report_rule(rule));

	if (reason[0] != '\0')
		json_object_set_new(o, "reason", json_string(reason));
	if (!r->exists)
		json_object_set_new(o, "exists", json_false());
	return o;
}
