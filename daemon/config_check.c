/* config_check.c - what one key of the configuration asks of another
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Said at the key that asks. Nobody must take himself for guarded by a key that does nothing. */
#include <string.h>

#include "daemon/config_keys.h"

#define SMTP_PORT 25
#define TLS_1_2 0x0303

/* What was written for this key, or NULL. */
static const struct yaml *
value_of(const struct yaml *map, const char *name)
{
	const struct yaml *key;

	if (map != NULL && map->kind == YAML_MAP)
		for (key = map->first; key != NULL; key = key->next)
			if (strcmp(key->text, name) == 0)
				return key->value;
	return NULL;
}

static void
check_intercept(struct reading *r, const struct yaml *root)
{
	const struct config *c = r->config;
	const bool none = c->intercept.method == METHOD_NONE;
	const struct {
		bool given, lacks;
		const char *key, *text;
	} rows[] = {
		/* The original destination could not be told from the listener. */
		{ c->intercept.listen.port == SMTP_PORT, c->intercept.method == METHOD_TPROXY,
		    "listen", "method: tproxy needs a port other than 25" },
		{ c->intercept.source_client, c->intercept.method != METHOD_TPROXY, "source",
		    "client needs method: tproxy" },
		{ c->intercept.local, none, "local", "yes needs rules of postern's own, and "
		    "method: none has none" },
		{ c->intercept.open, none, "when-down", "open needs rules of postern's own, and "
		    "method: none has none" },
		{ c->intercept.required, none, "scope", "required needs rules of postern's own, "
		    "and method: none has none" },
		{ c->intercept.open, !none && !c->intercept.watch, "when-down", "open needs the "
		    "nfq process (watch: yes)" },
		{ c->intercept.required, !none && !c->intercept.watch, "scope", "required needs "
		    "the nfq process (watch: yes)" },
	};
	const struct yaml *section = value_of(root, "intercept"), *value;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value = value_of(section, rows[i].key);
		if (rows[i].given && rows[i].lacks && value != NULL)
			report_error(&r->report, value->at, "intercept.%s: %s", rows[i].key,
			    rows[i].text);
	}
	value = value_of(section, "watch");
	if (none && c->intercept.watch && value != NULL)
		report_warning(&r->report, value->at, "intercept.watch: without rules of postern's "
		    "own (method: none) there is nothing to watch");
}

static void
check_path(struct reading *r, const struct yaml *root)
{
	const struct yaml *value = value_of(root, "path");
	const struct config *c = r->config;

	if (!c->inspect || value == NULL)
		return;
	if (!c->client.tls_offer)
		report_error(&r->report, value->at, "path: inspect: what cannot be proven in "
		    "flight ends at postern, which needs client.tls: offer");
	if (c->tls.min_version > TLS_1_2)
		report_warning(&r->report, value->at, "path: inspect: nothing newer than TLS 1.2 "
		    "can be proven in flight, so with this tls.min-version all TLS ends at "
		    "postern");
}

static void
check_policy(struct reading *r, const struct yaml *root)
{
	const struct yaml *value = value_of(value_of(root, "policy"), "both");
	const struct config *c = r->config;

	if (!c->policy.both || value == NULL || (c->policy.dane && c->policy.mta_sts))
		return;
	report_error(&r->report, value->at, "policy.both: yes demands what DANE and what MTA-STS "
	    "ask for together; it needs %s", !c->policy.dane && !c->policy.mta_sts ?
	    "policy.dane: yes and policy.mta-sts: yes" : c->policy.dane ? "policy.mta-sts: yes" :
	    "policy.dane: yes");
}

/* A rule that asks for DANE where there is none: at its level. */
static void
check_rule(struct reading *r, const char *section, const struct yaml *name, const struct yaml *no)
{
	const struct yaml *value = value_of(name->value, "level");
	enum level level;
	struct in6_addr ip;

	if (value == NULL || value->kind != YAML_SCALAR ||
	    !level_parse(&level, value->text, value->len) ||
	    (level != LEVEL_DANE && level != LEVEL_DANE_ONLY))
		return;
	if (!r->config->policy.dane && no != NULL)
		report_error(&r->report, value->at, "%s: level %s needs policy.dane: yes; line %u "
		    "says no", section, value->text, no->line);
	if (address_parse_ip(&ip, name->text, name->len))	/* R88 */
		report_error(&r->report, value->at, "%s: level %s needs a name: an address has no "
		    "TLSA records; fingerprint is the level for one that has none", section,
		    value->text);
}

static void
check_rules(struct reading *r, const struct yaml *root)
{
	static const char *const sections[] = { "domains", "relays" };
	const struct yaml *no = value_of(value_of(root, "policy"), "dane"), *rules, *name;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		rules = value_of(root, sections[i]);
		if (rules == NULL || rules->kind != YAML_MAP)
			continue;
		for (name = rules->first; name != NULL; name = name->next)
			check_rule(r, sections[i], name, no);
	}
}

void
config_check(struct reading *r, const struct yaml *root)
{
	check_intercept(r, root);
	check_path(r, root);
	check_policy(r, root);
	check_rules(r, root);
}
