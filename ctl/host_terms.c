/* host_terms.c - what an MX host must offer and prove for mail of a domain to go to it, in words
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In the order of policy/require.c: the rule, DANE, MTA-STS, nothing known. What memory demands
 * beyond that, and policy.no-policy, is not in a report. */
#include "ctl/host_terms.h"

#include <stdbool.h>
#include <string.h>

#include "ctl/terminal.h"

#define MATCH ", if it offers TLS and its certificate matches one of its TLSA records"
#define ENCRYPT ", if it offers TLS"
#define MAY "; TLS if it is offered"

static bool
is(const json_t *object, const char *key, const char *value)
{
	return strcmp(terminal_member(object, key), value) == 0;
}

/* The resolver is known not to validate, or policy.dane is off. */
static bool
not_in_force(const json_t *report)
{
	const json_t *dane = json_object_get(report, "dane");

	return is(dane, "state", "unavailable") || is(dane, "state", "off");
}

static const char *
by_dane_rule(const json_t *dane)
{
	return is(dane, "state", "usable") ? MATCH : is(dane, "state", "unusable") ? ENCRYPT : MAY;
}

/* NULL: the rule leaves it to what the domain publishes. */
static const char *
by_rule(const json_t *report, const json_t *mx)
{
	static const struct {
		const char *level, *text;
	} rows[] = {
		{ "none", ", in clear text (rule)" },
		{ "may", MAY " (rule)" },
		{ "encrypt", ENCRYPT " (rule)" },
		{ "verify", ENCRYPT " and a trusted certificate for its name (rule)" },
		{ "secure", ENCRYPT " and a trusted certificate for the domain (rule)" },
		{ "fingerprint", ENCRYPT " and a certificate or key with a fingerprint of the "
		    "rule" },
	};
	const json_t *rule = json_object_get(report, "override");
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is(rule, "level", rows[i].level))
			return rows[i].text;
	return is(rule, "level", "dane") || is(rule, "level", "dane-only") ?
	    by_dane_rule(json_object_get(mx, "dane")) : NULL;
}

/* NULL: DANE demands nothing of this host, or less than MTA-STS. */
static const char *
by_dane(const json_t *report, const json_t *dane, bool enforced)
{
	if (not_in_force(report))
		return NULL;
	if (is(dane, "state", "unusable") && !enforced)
		return ENCRYPT;
	if (!is(dane, "state", "usable"))
		return NULL;
	return enforced && json_is_true(json_object_get(report, "both")) ?
	    MATCH ", and is a trusted one for its name (policy.both)" : MATCH;
}

const char *
host_terms(const json_t *report, const json_t *mx)
{
	const json_t *sts = json_object_get(report, "sts");
	bool enforced = is(sts, "state", "active") && is(sts, "mode", "enforce");
	const char *text = by_rule(report, mx);

	if (text == NULL)
		text = by_dane(report, json_object_get(mx, "dane"), enforced);
	if (text != NULL)
		return text;
	return enforced ? ENCRYPT " and a trusted certificate for its name (MTA-STS)" : MAY;
}
