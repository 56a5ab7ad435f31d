/* report.c - what is known of a domain, as the JSON of INTERFACE.md
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/report.h"

#include <stdio.h>
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

/* The fingerprints of a rule, as they may be written. */
static json_t *
rule_match(const struct config_rule *rule)
{
	json_t *list = json_array();
	char text[2 * sizeof(rule->match->digest) + 1];

	for (size_t i = 0; i < rule->match_len; i++) {
		for (size_t k = 0; k < rule->match[i].len; k++)
			snprintf(text + 2 * k, 3, "%02x", rule->match[i].digest[k]);
		json_array_append_new(list, json_string(text));
	}
	return list;
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
	if (rule->match_len > 0)
		json_object_set_new(o, "match", rule_match(rule));
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

json_t *
report_lines(const char *lines)
{
	json_t *list = json_array();
	const char *end;

	for (; lines != NULL && *lines != '\0'; lines = *end == '\n' ? end + 1 : end) {
		end = strchrnul(lines, '\n');
		json_array_append_new(list, report_text(lines, (size_t)(end - lines)));
	}
	return list;
}

static const char *
dane_state(enum require_dane d)
{
	switch (d) {
	case REQUIRE_DANE_NONE:
		return "none";
	case REQUIRE_DANE_INSECURE:
		return "insecure";
	case REQUIRE_DANE_ERROR:
		return "error";
	case REQUIRE_DANE_UNUSABLE:
		return "unusable";
	case REQUIRE_DANE_USABLE:
		return "usable";
	}
	return "";
}

static json_t *
host_dane(const struct require_host *h)
{
	json_t *o = json_pack("{s:s}", "state", dane_state(h->dane)), *records;
	char text[TLSA_TEXT_SIZE];

	if (h->base != NULL && h->base[0] != '\0')
		json_object_set_new(o, "base", report_text(h->base, strlen(h->base)));
	if (h->records_len == 0)
		return o;
	records = json_array();
	for (size_t i = 0; i < h->records_len; i++)
		json_array_append_new(records, json_string(tlsa_text(&h->records[i], text)));
	json_object_set_new(o, "records", records);
	return o;
}

static json_t *
one_host(const struct lookup_result *r, const struct require_host *h,
    const struct report_terms *terms)
{
	json_t *addresses = json_array(), *o;
	char text[ADDRESS_TEXT_SIZE];
	const char *reason;

	for (size_t k = 0; k < h->addresses_len; k++)
		json_array_append_new(addresses,
		    json_string(address_print_ip(&h->addresses[k], text)));
	o = json_pack("{s:o,s:i,s:b,s:o}", "host", report_text(h->name, strlen(h->name)),
	    "preference", (int)h->preference, "secure", (int)(r->mx->secure && h->secure),
	    "addresses", addresses);
	if (r->sts.policy != NULL && r->sts.policy->mode != STS_NONE)
		json_object_set_new(o, "sts_match",
		    json_boolean(sts_policy_match(r->sts.policy, h->name)));
	json_object_set_new(o, "dane", host_dane(h));
	json_object_set_new(o, "dns", report_lines(h->answers));
	if (terms == NULL)
		return o;
	json_object_set_new(o, "would",
	    json_string(report_would_name(report_host_would(r, h, terms, &reason))));
	if (reason[0] != '\0')
		json_object_set_new(o, "reason", json_string(reason));
	return o;
}

json_t *
report_mx(const struct lookup_result *r, const struct report_terms *terms)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->mx->hosts_len; i++) {
		size_t at = json_array_size(list);

		/* In order of preference, however DNS dealt them (R35). */
		while (at > 0 && json_integer_value(json_object_get(json_array_get(list, at - 1),
		    "preference")) > r->mx->hosts[i].preference)
			at--;
		json_array_insert_new(list, at, one_host(r, &r->mx->hosts[i], terms));
	}
	return list;
}

json_t *
report_domain(const char *domain, const struct lookup_result *r, const struct report_terms *terms)
{
	const char *reason;
	enum report_would would = report_would(r, terms, &reason);
	json_t *o = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "domain", domain, "would",
	    report_would_name(would), "sts", report_sts(&r->sts), "mx", report_mx(r, terms),
	    "dns", report_lines(r->mx->answers), "override", report_rule(terms->rule));

	if (reason[0] != '\0')
		json_object_set_new(o, "reason", json_string(reason));
	if (!r->exists)
		json_object_set_new(o, "exists", json_false());
	return o;
}
