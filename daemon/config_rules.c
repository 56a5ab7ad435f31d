/* config_rules.c - domains: and relays:, the administrator's own levels
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "daemon/config_keys.h"
#include "daemon/config_value.h"
#include "daemon/nearest.h"
#include "policy/domain.h"

#define REASON_MAX 200	/* octets: it has its place in one reply line of 510 */

/* While it is read a rule remembers where it stands, for what is found after sorting. */
struct draft {
	struct config_rule rule;
	size_t at;
};

struct drafting {
	struct reading *r;
	const struct config_key *key;
	const struct yaml *name;
	struct config_rule *rule;
	const struct yaml *match;	/* its value, where there is one */
	bool is_relay;
	bool level;			/* one that is known was given */
};

static void
take_level(struct drafting *d, const struct yaml *value)
{
	struct nearest n;
	int i;

	if (!level_parse(&d->rule->level, value->text, value->len)) {
		nearest_start(&n, value->text, value->len);
		for (i = LEVEL_NONE; i <= LEVEL_AUTO; i++)
			nearest_try(&n, level_name((enum level)i));
		if (n.best != NULL)
			key_error(d->r, d->key, value, "unknown level \"%.60s\"; did you mean "
			    "\"%s\"?", value->text, n.best);
		else
			key_error(d->r, d->key, value, "unknown level \"%.60s\"", value->text);
		return;
	}
	d->level = true;
}

static void
take_until(struct drafting *d, const struct yaml *value)
{
	if (!value_date(&d->rule->until, value->text, value->len))
		key_error(d->r, d->key, value, "\"%.60s\" is not a day such as 2026-12-31",
		    value->text);
	else if (d->r->host->now != NULL && d->rule->until <= d->r->host->now())
		report_warning(&d->r->report, value->at,
		    "the rule for %.253s has lapsed and does not count any more", d->name->text);
}

static void
take_reason(struct drafting *d, const struct yaml *value)
{
	if (value->len > REASON_MAX) {
		key_error(d->r, d->key, value, "the reason is longer than %d octets", REASON_MAX);
		return;
	}
	free(d->rule->reason);
	d->rule->reason = strdup(value->text);
	if (d->rule->reason == NULL)
		key_error(d->r, d->key, value, "out of memory");
}

static void
take_fingerprints(struct drafting *d, const struct yaml *value)
{
	d->match = value;
	take_match(d->r, d->key, value, d->rule);
}

static const struct part {
	const char *name;
	void (*take)(struct drafting *d, const struct yaml *value);
	bool many;	/* may be more than a single value */
} parts[] = {
	{ "level", take_level, false }, { "until", take_until, false },
	{ "reason", take_reason, false }, { "match", take_fingerprints, true },
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void
take_part(struct drafting *d, const struct yaml *key, unsigned lines[PARTS])
{
	struct nearest n;
	size_t i;

	nearest_start(&n, key->text, key->len);
	for (i = 0; i < PARTS && strcmp(parts[i].name, key->text) != 0; i++)
		nearest_try(&n, parts[i].name);
	if (i == PARTS && n.best != NULL)
		key_error(d->r, d->key, key, "unknown key \"%.60s\"; did you mean \"%s\"?",
		    key->text, n.best);
	else if (i == PARTS)
		key_error(d->r, d->key, key, "unknown key \"%.60s\"", key->text);
	else if (lines[i] != 0)
		key_error(d->r, d->key, key, "\"%s\" is already on line %u", key->text, lines[i]);
	else if (key->value == NULL)
		return;
	else if (key->value->kind != YAML_SCALAR && !parts[i].many)
		key_error(d->r, d->key, key->value, "a single value is needed here, this is %s",
		    yaml_kind_name(key->value->kind));
	else if (key->value->kind == YAML_SCALAR && key->value->len == 0)
		key_error(d->r, d->key, key->value, "%s needs a value", key->text);
	else
		parts[i].take(d, key->value);
	if (i < PARTS)
		lines[i] = key->line;
}

static void
take_parts(struct drafting *d, const struct yaml *value)
{
	unsigned lines[PARTS] = { 0 };
	const struct yaml *key;

	for (key = value->first; key != NULL; key = key->next)
		take_part(d, key, lines);
	if (lines[0] == 0)
		key_error(d->r, d->key, d->name, "%.253s needs a level", d->name->text);
	if (!d->is_relay && lines[2] == 0)
		key_error(d->r, d->key, d->name, "%.253s needs a reason", d->name->text);
	if (!d->is_relay && lines[1] == 0)
		report_warning(&d->r->report, d->name->at,
		    "the rule for %.253s has no end; write until: YYYY-MM-DD", d->name->text);
	if (!d->level)
		return;
	if (d->rule->level == LEVEL_FINGERPRINT && lines[3] == 0)
		key_error(d->r, d->key, d->name, "%.253s needs match: the SHA-256 or SHA-512, in "
		    "hexadecimal, of its certificate or public key", d->name->text);
	if (d->rule->level != LEVEL_FINGERPRINT && d->match != NULL)
		key_error(d->r, d->key, d->match, "match counts with level fingerprint alone; this "
		    "rule's level is %s", level_name(d->rule->level));
}

/* One rule. False when there is nothing of it to keep. */
static bool
take_rule(struct reading *r, const struct config_key *key, const struct yaml *name,
    struct config_rule *rule)
{
	struct drafting d = { .r = r, .key = key, .name = name, .rule = rule,
	    .is_relay = key->offset == 0 };
	enum domain_result result;
	char text[DOMAIN_SIZE];
	struct in6_addr literal;

	rule->level = LEVEL_AUTO;
	rule->line = name->line;
	if (name->value == NULL || name->value->kind != YAML_MAP)
		key_error(r, key, name, "a rule is written %.100s: { level: ...%s }", name->text,
		    d.is_relay ? "" : ", until: ..., reason: ...");
	else
		take_parts(&d, name->value);
	if (!d.is_relay && address_parse_ip(&literal, name->text, name->len))
		key_error(r, key, name, "%.100s is an address: no mail's domain is one",
		    name->text);
	result = domain_normalise(text, name->text, name->len, false);
	if (result != DOMAIN_OK) {
		key_error(r, key, name, "\"%.100s\" is not a domain: %s", name->text,
		    domain_result_text(result));
		return false;
	}
	rule->name = strdup(text);
	if (rule->name == NULL)
		key_error(r, key, name, "out of memory");
	return rule->name != NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct draft *x = a, *y = b;
	int order = strcmp(x->rule.name, y->rule.name);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* Sorted, without duplicates, into a list that is long enough. */
static void
keep_rules(struct reading *r, const struct config_key *key, struct draft *drafts, size_t len,
    struct config_rule *rules)
{
	struct yaml place = { 0 };
	size_t i;

	if (len > 0)
		qsort(drafts, len, sizeof(*drafts), by_name);
	for (i = 0; i < len; i++) {
		rules[i] = drafts[i].rule;
		place.at = drafts[i].at;
		if (i > 0 && strcmp(rules[i - 1].name, rules[i].name) == 0)
			key_error(r, key, &place, "%.253s is already on line %u", rules[i].name,
			    rules[i - 1].line);
	}
}

void
take_rules(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	const bool relays = key->offset == 0;
	struct config_rule *rules;
	const struct yaml *name;
	struct draft *drafts;
	size_t len = 1;		/* room for one at least */

	if (value->kind == YAML_SCALAR && value->len == 0)
		return;		/* all rules are commented out */
	if (value->kind != YAML_MAP) {
		key_error(r, key, value, "names and their rules are needed here, this is %s",
		    yaml_kind_name(value->kind));
		return;
	}
	for (name = value->first; name != NULL; name = name->next)
		len++;
	rules = calloc(len, sizeof(*rules));
	drafts = calloc(len, sizeof(*drafts));
	if (relays)
		r->config->relays = rules;
	else
		r->config->domains = rules;
	if (drafts == NULL || rules == NULL) {
		report_error(&r->report, REPORT_NOWHERE, "out of memory");
		free(drafts);
		return;
	}
	len = 0;
	for (name = value->first; name != NULL; name = name->next) {
		memset(&drafts[len], 0, sizeof(drafts[len]));
		drafts[len].at = name->at;
		if (take_rule(r, key, name, &drafts[len].rule))
			len++;
		else
			rule_clear(&drafts[len].rule);
	}
	keep_rules(r, key, drafts, len, rules);
	*(relays ? &r->config->relays_len : &r->config->domains_len) = len;
	free(drafts);
}

void
rule_clear(struct config_rule *rule)
{
	free(rule->name);
	free(rule->reason);
	free(rule->match);
}
