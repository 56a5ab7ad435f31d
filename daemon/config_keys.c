/* config_keys.c - the table of all keys, and how the tree is held against it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every key has its line here: where it stands, what reads it, where it goes. The values in force
 * when a key is not written are in config.c. */
#include "daemon/config_keys.h"

#include <stdarg.h>
#include <string.h>

#include "daemon/nearest.h"

#define AT(field) offsetof(struct config, field)
#define LIMIT_MAX 1000000	/* two descriptors a session: beyond any kernel's table */
#define WAIT_MAX_S 240		/* RFC 5321 4.5.3.2.3: clients wait five minutes for RCPT's reply */
#define SETTLE_MAX_S 604800	/* no DNS answer is kept for longer (RFC 8767 section 4) */
#define SOCKET_PATH_MAX 107	/* sun_path and its NUL */
#define PATH_LEN_MAX 1023

static const struct config_choice switches[] = {
	{ "yes", 1, 0 }, { "no", 0, 0 }, { "true", 1, 1 }, { "false", 0, 1 },
	{ "on", 1, 1 }, { "off", 0, 1 }, { NULL, 0, 0 }
};
static const struct config_choice modes[] = {
	{ "enforce", MODE_ENFORCE, 0 }, { "monitor", MODE_MONITOR, 0 }, { NULL, 0, 0 }
};
static const struct config_choice paths[] = {
	{ "upgrade", 0, 0 }, { "inspect", 1, 0 }, { NULL, 0, 0 }
};
static const struct config_choice methods[] = {
	{ "redirect", METHOD_REDIRECT, 0 }, { "tproxy", METHOD_TPROXY, 0 },
	{ "none", METHOD_NONE, 0 }, { NULL, 0, 0 }
};
static const struct config_choice backends[] = {
	{ "iptables", BACKEND_IPTABLES, 0 }, { "nft", BACKEND_NFT, 0 },
	{ "nftables", BACKEND_NFT, 1 }, { NULL, 0, 0 }
};
static const struct config_choice sources[] = {
	{ "own", 0, 0 }, { "client", 1, 0 }, { NULL, 0, 0 }
};
static const struct config_choice when_down[] = {
	{ "closed", 0, 0 }, { "open", 1, 0 }, { NULL, 0, 0 }
};
static const struct config_choice scopes[] = {
	{ "all", 0, 0 }, { "required", 1, 0 }, { NULL, 0, 0 }
};
static const struct config_choice offers[] = {
	{ "offer", 1, 0 }, { "none", 0, 0 }, { NULL, 0, 0 }
};
static const struct config_choice trusts[] = {
	{ "auto", TRUST_AD_AUTO, 0 }, { "yes", TRUST_AD_YES, 0 }, { "no", TRUST_AD_NO, 0 },
	{ "true", TRUST_AD_YES, 1 }, { "false", TRUST_AD_NO, 1 },
	{ "on", TRUST_AD_YES, 1 }, { "off", TRUST_AD_NO, 1 }, { NULL, 0, 0 }
};
static const struct config_choice versions[] = {
	{ "1.0", 0x0301, 0 }, { "1.1", 0x0302, 0 }, { "1.2", 0x0303, 0 },
	{ "1.3", 0x0304, 0 }, { NULL, 0, 0 }
};
static const struct config_choice no_policy[] = {
	{ "may", LEVEL_MAY, 0 }, { "encrypt", LEVEL_ENCRYPT, 0 }, { NULL, 0, 0 }
};
static const struct config_choice strippings[] = {
	{ "refuse", 1, 0 }, { "log", 0, 0 }, { NULL, 0, 0 }
};
static const struct config_choice journals[] = {
	{ "auto", JOURNAL_AUTO, 0 }, { "yes", JOURNAL_YES, 0 }, { "no", JOURNAL_NO, 0 },
	{ "true", JOURNAL_YES, 1 }, { "false", JOURNAL_NO, 1 },
	{ "on", JOURNAL_YES, 1 }, { "off", JOURNAL_NO, 1 }, { NULL, 0, 0 }
};
static const struct config_choice recipients[] = {
	{ "domain", RECIPIENTS_DOMAIN, 0 }, { "full", RECIPIENTS_FULL, 0 },
	{ "none", RECIPIENTS_NONE, 0 }, { NULL, 0, 0 }
};

static const struct config_key keys[] = {
	{ "", "mode", take_choice, AT(mode), modes, STORE_NUMBER, 0, 0 },
	{ "", "path", take_choice, AT(inspect), paths, STORE_BOOL, 0, 0 },
	{ "", "user", take_user, AT(user), NULL, STORE_NOTHING, 0, 0 },
	{ "", "workers", take_workers, AT(workers), NULL, STORE_NOTHING, 1, CONFIG_WORKERS_MAX },
	{ "", "state-dir", take_path, AT(state_dir), NULL, STORE_NOTHING, 0, PATH_LEN_MAX },
	{ "", "control", take_path, AT(control), NULL, STORE_NOTHING, 0, SOCKET_PATH_MAX },
	{ "intercept", "method", take_choice, AT(intercept.method), methods, STORE_NUMBER, 0, 0 },
	{ "intercept", "backend", take_choice, AT(intercept.backend), backends, STORE_NUMBER,
	    0, 0 },
	{ "intercept", "listen", take_listen, AT(intercept.listen), NULL, STORE_NOTHING, 0, 0 },
	{ "intercept", "from", take_from, 0, NULL, STORE_NOTHING, 0, 0 },
	{ "intercept", "interface", take_interface, AT(intercept.interface), NULL, STORE_NOTHING,
	    0, 0 },
	{ "intercept", "local", take_choice, AT(intercept.local), switches, STORE_BOOL, 0, 0 },
	{ "intercept", "source", take_choice, AT(intercept.source_client), sources, STORE_BOOL,
	    0, 0 },
	{ "intercept", "when-down", take_choice, AT(intercept.open), when_down, STORE_BOOL, 0, 0 },
	{ "intercept", "scope", take_choice, AT(intercept.required), scopes, STORE_BOOL, 0, 0 },
	{ "intercept", "settle", take_duration, AT(intercept.settle_s), NULL, STORE_NOTHING, 0,
	    SETTLE_MAX_S },
	{ "intercept", "watch", take_choice, AT(intercept.watch), switches, STORE_BOOL, 0, 0 },
	{ "client", "tls", take_choice, AT(client.tls_offer), offers, STORE_BOOL, 0, 0 },
	{ "resolver", "servers", take_servers, 0, NULL, STORE_NOTHING, 0, 0 },
	{ "resolver", "trust-ad", take_choice, AT(resolver.trust_ad), trusts, STORE_NUMBER, 0, 0 },
	{ "tls", "ca-file", take_ca_file, AT(tls.ca_file), NULL, STORE_NOTHING, 0, PATH_LEN_MAX },
	{ "tls", "min-version", take_choice, AT(tls.min_version), versions, STORE_NUMBER, 0, 0 },
	{ "policy", "mta-sts", take_choice, AT(policy.mta_sts), switches, STORE_BOOL, 0, 0 },
	{ "policy", "dane", take_choice, AT(policy.dane), switches, STORE_BOOL, 0, 0 },
	{ "policy", "both", take_choice, AT(policy.both), switches, STORE_BOOL, 0, 0 },
	{ "policy", "no-policy", take_choice, AT(policy.no_policy), no_policy, STORE_NUMBER, 0, 0 },
	{ "policy", "stripping", take_choice, AT(policy.stripping_refuse), strippings, STORE_BOOL,
	    0, 0 },
	{ "policy", "wait", take_duration, AT(policy.wait_s), NULL, STORE_NOTHING, 1, WAIT_MAX_S },
	{ "limits", "sessions", take_number, AT(limits.sessions), NULL, STORE_NOTHING, 1,
	    LIMIT_MAX },
	{ "limits", "sessions-per-client", take_number, AT(limits.sessions_per_client), NULL,
	    STORE_NOTHING, 1, LIMIT_MAX },
	{ "log", "file", take_path, AT(log.file), NULL, STORE_NOTHING, 0, PATH_LEN_MAX },
	{ "log", "journal", take_choice, AT(log.journal), journals, STORE_NUMBER, 0, 0 },
	{ "log", "recipients", take_choice, AT(log.recipients), recipients, STORE_NUMBER, 0, 0 },
	{ "", "relays", take_rules, 0, NULL, STORE_NOTHING, 0, 0 },
	{ "", "domains", take_rules, 1, NULL, STORE_NOTHING, 0, 0 },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* Sections are the keys' own; each is at least one run in the table. */
static bool
is_section(const char *name)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (keys[i].section[0] != '\0' && strcmp(keys[i].section, name) == 0)
			return true;
	return false;
}

void *
key_field(const struct reading *r, const struct config_key *key)
{
	return (char *)r->config + key->offset;
}

void
key_error(struct reading *r, const struct config_key *key, const struct yaml *value,
    const char *format, ...)
{
	char text[384];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report_error(&r->report, value->at, "%s%s%s: %s", key->section,
	    key->section[0] != '\0' ? "." : "", key->name, text);
}

/* A right word in the wrong section, else one misspelt within its section. */
static void
unknown_key(struct reading *r, const char *section, const struct yaml *key)
{
	struct nearest n;
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, key->text) == 0) {
			report_error(&r->report, key->at,
			    "unknown key \"%.60s\" here; did you mean \"%s%s%s\"?", key->text,
			    keys[i].section, keys[i].section[0] != '\0' ? "." : "", keys[i].name);
			return;
		}
	nearest_start(&n, key->text, key->len);
	for (i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].section, section) == 0)
			nearest_try(&n, keys[i].name);
		else if (section[0] == '\0')
			nearest_try(&n, keys[i].section);
	}
	if (n.best != NULL)
		report_error(&r->report, key->at, "unknown key \"%.60s\"; did you mean \"%s\"?",
		    key->text, n.best);
	else
		report_error(&r->report, key->at, "unknown key \"%.60s\"", key->text);
}

static const struct config_key *
find_key(const char *section, const struct yaml *key, size_t *index)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, key->text) == 0) {
			*index = i;
			return &keys[i];
		}
	return NULL;
}

/* The lines where sections and keys were first written, 0 for not yet. */
struct seen {
	unsigned key[KEYS], section[KEYS];
};

static bool
first_time(struct reading *r, unsigned *line, const struct yaml *key)
{
	if (*line != 0) {
		report_error(&r->report, key->at, "\"%s\" is already on line %u", key->text, *line);
		return false;
	}
	*line = key->line;
	return true;
}

static void
take_key(struct reading *r, const char *section, const struct yaml *key, struct seen *seen)
{
	const struct config_key *known;
	size_t index;

	known = find_key(section, key, &index);
	if (known == NULL)
		unknown_key(r, section, key);
	else if (first_time(r, &seen->key[index], key) && key->value != NULL)
		known->take(r, known, key->value);
}

static void
take_section(struct reading *r, const struct yaml *section, struct seen *seen)
{
	const struct yaml *value = section->value, *key;
	size_t i = 0;

	while (strcmp(keys[i].section, section->text) != 0)
		i++;
	if (!first_time(r, &seen->section[i], section) || value == NULL)
		return;
	if (value->kind == YAML_SCALAR && value->len == 0)
		return;		/* all its keys are commented out */
	if (value->kind != YAML_MAP) {
		report_error(&r->report, value->at, "%s: keys of its own are needed here, this "
		    "is %s", section->text, yaml_kind_name(value->kind));
		return;
	}
	for (key = value->first; key != NULL; key = key->next)
		take_key(r, section->text, key, seen);
}

void
keys_take(struct reading *r, const struct yaml *root)
{
	struct seen seen = { { 0 }, { 0 } };
	const struct yaml *key;

	if (root->kind != YAML_MAP) {
		report_error(&r->report, root->at, "keys and values are needed here, this is %s",
		    yaml_kind_name(root->kind));
		return;
	}
	for (key = root->first; key != NULL; key = key->next) {
		if (is_section(key->text))
			take_section(r, key, &seen);
		else
			take_key(r, "", key, &seen);
	}
}
