/* options.c - posternctl's command line
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/address.h"
#include "daemon/config.h"

#define CONFIRM_MAX_S 3600ul	/* who needs longer forgets that something waits */
#define SINCE_MAX 3650ul	/* days; older than any log */

const char options_usage[] =
    "usage: posternctl [-c FILE] VERB [--json]\n"
    "  status                          how the daemon fares\n"
    "  metrics                         its figures in the text format of Prometheus\n"
    "  check-config [FILE]             every error of the configuration\n"
    "  domain NAME                     what postern would demand of this domain's hosts, and why\n"
    "  probe MX[:PORT] --domain NAME   a real handshake, step by step\n"
    "  decisions [--follow] [--refused] [--domain N] [--since 1h] [--id ID]\n"
    "  explain ID                      one decision with its evidence, and what to do\n"
    "  policy list | show NAME | refresh NAME | forget NAME\n"
    "  policy acknowledge              that a broken store was set aside is known\n"
    "  mode [monitor|enforce]          until the next reload\n"
    "  reload                          read the configuration again\n"
    "  rules show                      the firewall commands for this configuration\n"
    "  rules install [--confirm 120s]  load them; undone after that time unless confirmed\n"
    "  rules confirm | remove | verify\n"
    "  doctor                          what this host lacks, and what to do about it\n"
    "See posternctl(8).\n";

/* What a verb takes beside --json. */
enum argument { NOTHING, FILE_OR_NOTHING, DOMAIN, HOST, ID, MODE_OR_NOTHING, ANYTHING };

static const struct verb_row {
	const char *word, *second;
	enum verb verb;
	enum argument argument;
} rows[] = {
	{ "status",		NULL,		VERB_STATUS,		NOTHING },
	{ "metrics",		NULL,		VERB_METRICS,		NOTHING },
	{ "check-config",	NULL,		VERB_CHECK_CONFIG,	FILE_OR_NOTHING },
	{ "domain",		NULL,		VERB_DOMAIN,		DOMAIN },
	{ "probe",		NULL,		VERB_PROBE,		HOST },
	{ "decisions",		NULL,		VERB_DECISIONS,		NOTHING },
	{ "explain",		NULL,		VERB_EXPLAIN,		ID },
	{ "policy",		"list",		VERB_POLICY_LIST,	NOTHING },
	{ "policy",		"show",		VERB_POLICY_SHOW,	DOMAIN },
	{ "policy",		"refresh",	VERB_POLICY_REFRESH,	DOMAIN },
	{ "policy",		"forget",	VERB_POLICY_FORGET,	DOMAIN },
	{ "policy",		"acknowledge",	VERB_POLICY_ACKNOWLEDGE, NOTHING },
	{ "mode",		NULL,		VERB_MODE,		MODE_OR_NOTHING },
	{ "reload",		NULL,		VERB_RELOAD,		NOTHING },
	{ "rules",		"show",		VERB_RULES_SHOW,	NOTHING },
	{ "rules",		"install",	VERB_RULES_INSTALL,	NOTHING },
	{ "rules",		"confirm",	VERB_RULES_CONFIRM,	NOTHING },
	{ "rules",		"remove",	VERB_RULES_REMOVE,	NOTHING },
	{ "rules",		"verify",	VERB_RULES_VERIFY,	NOTHING },
	{ "doctor",		NULL,		VERB_DOCTOR,		NOTHING },
	{ "override",		NULL,		VERB_LATER,		ANYTHING },
	{ "whatif",		NULL,		VERB_LATER,		ANYTHING },
};

struct parser {
	struct options *out;
	const struct verb_row *row;
	int argc, at;
	char *const *argv;
	const char *word;		/* the positional argument */
	bool words;			/* after "--": no options any more */
	char *error;
	size_t error_size;
};

/* Who asks for JSON gets it, also where what stands before --json is wrong. */
static bool
fail(struct parser *p, const char *what, const char *which)
{
	int i;

	for (i = 1; i < p->argc && strcmp(p->argv[i], "--") != 0; i++)
		p->out->json = p->out->json || strcmp(p->argv[i], "--json") == 0;
	snprintf(p->error, p->error_size, "%s%s%.100s", what, which[0] == '\0' ? "" : ": ", which);
	return false;
}

unsigned long
options_since(const char *text)
{
	static const struct {
		char unit;
		unsigned long seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	unsigned long n = 0;
	size_t i;

	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (unsigned long)(*text - '0');
		if (n > SINCE_MAX * 86400)
			return 0;
	}
	if (text[0] == '\0' || text[1] != '\0')
		return 0;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (text[0] == units[i].unit && n <= SINCE_MAX * 86400 / units[i].seconds)
			return n * units[i].seconds;
	return 0;
}

bool
options_id(char out[OPTIONS_ID_SIZE], const char *text)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	size_t n = 0;

	for (; *text != '\0'; text++) {
		char ch = (char)toupper((unsigned char)*text);

		if (ch == '-' && n == 5)
			continue;	/* our own stands there already */
		if (ch == 'O')
			ch = '0';
		if (ch == 'I' || ch == 'L')
			ch = '1';
		if (n == OPTIONS_ID_SIZE - 1 || strchr(alphabet, ch) == NULL)
			return false;
		out[n++] = ch;
		if (n == 4)
			out[n++] = '-';
	}
	out[n] = '\0';
	return n == OPTIONS_ID_SIZE - 1;
}

static bool
take_domain(struct parser *p, char out[DOMAIN_SIZE], const char *text, size_t len)
{
	enum domain_result result = domain_normalise(out, text, len, true);

	if (result == DOMAIN_OK)
		return true;
	return fail(p, "not a domain name", domain_result_text(result));
}

/* "mx.a.example", "mx.a.example:2525", "192.0.2.1", "[2001:db8::1]:25" */
static bool
take_host(struct parser *p, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = strlen(text);
	struct address literal;
	char *end;
	unsigned long port;

	if (address_parse(&literal, text, len, 25)) {
		char ip[ADDRESS_TEXT_SIZE];

		snprintf(p->out->name, DOMAIN_SIZE, "%s", address_print_ip(&literal.ip, ip));
		p->out->port = literal.port;
		return true;
	}
	if (colon != NULL) {
		port = isdigit((unsigned char)colon[1]) ? strtoul(colon + 1, &end, 10) : 0;
		if (port < 1 || port > 65535 || *end != '\0')
			return fail(p, "not a port", colon + 1);
		p->out->port = (uint16_t)port;
		len = (size_t)(colon - text);
	}
	return take_domain(p, p->out->name, text, len);
}

static const char *
value_of(struct parser *p, const char *option)
{
	if (p->at + 1 < p->argc)
		return p->argv[++p->at];
	fail(p, "this option needs a value", option);
	return NULL;
}

static bool
take_confirm(struct parser *p, const char *value)
{
	if (value == NULL)
		return false;
	p->out->confirm_s = options_since(value);
	return (p->out->confirm_s > 0 && p->out->confirm_s <= CONFIRM_MAX_S) ||
	    fail(p, "not a time like 120s or 5m, an hour at most", value);
}

/* The options of `decisions`, `probe` and `rules install`. */
static bool
take_verb_option(struct parser *p, const char *option)
{
	bool decisions = p->row->verb == VERB_DECISIONS;
	const char *value;

	if (p->row->verb == VERB_RULES_INSTALL && strcmp(option, "--confirm") == 0)
		return take_confirm(p, value_of(p, option));
	if (decisions && strcmp(option, "--follow") == 0)
		return p->out->follow = true;
	if (decisions && strcmp(option, "--refused") == 0)
		return p->out->refused = true;
	if ((decisions || p->row->verb == VERB_PROBE) && strcmp(option, "--domain") == 0) {
		value = value_of(p, option);
		return value != NULL && take_domain(p, p->out->domain, value, strlen(value));
	}
	if (decisions && strcmp(option, "--since") == 0) {
		value = value_of(p, option);
		if (value == NULL)
			return false;
		p->out->since_s = options_since(value);
		return p->out->since_s > 0 ||
		    fail(p, "not a time like 90s, 15m, 1h or 7d", value);
	}
	if (decisions && strcmp(option, "--id") == 0) {
		value = value_of(p, option);
		if (value == NULL)
			return false;
		return options_id(p->out->id, value) || fail(p, "not a decision id", value);
	}
	return fail(p, "this verb has no such option", option);
}

static bool
take_word(struct parser *p)
{
	const char *word = p->word;

	switch (p->row->argument) {
	case NOTHING:
		return word == NULL || fail(p, "too much", word);
	case FILE_OR_NOTHING:
		p->out->file = word;
		return true;
	case DOMAIN:
		if (word == NULL)
			return fail(p, "this verb needs a domain name", "");
		return take_domain(p, p->out->name, word, strlen(word));
	case HOST:
		if (word == NULL || p->out->domain[0] == '\0')
			return fail(p, "this verb needs MX[:PORT] and --domain NAME", "");
		return take_host(p, word);
	case ID:
		if (word == NULL)
			return fail(p, "this verb needs a decision id", "");
		return options_id(p->out->id, word) || fail(p, "not a decision id", word);
	case MODE_OR_NOTHING:
		p->out->mode = word;
		return word == NULL || strcmp(word, "monitor") == 0 ||
		    strcmp(word, "enforce") == 0 || fail(p, "the mode is monitor or enforce", word);
	case ANYTHING:
		return true;
	}
	return false;
}

/* "rules" alone, or with a word that is none of its own. */
static bool
fail_second(struct parser *p, const char *word)
{
	char text[120] = "this verb needs one word more, of", *at = text + strlen(text);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(word, rows[i].word) == 0)
			at += snprintf(at, (size_t)(text + sizeof(text) - at), " %.12s",
			    rows[i].second);
	return fail(p, text, word);
}

/* The verb, of one word or two. */
static bool
take_verb(struct parser *p)
{
	const char *word = p->argv[p->at], *second = p->at + 1 < p->argc ? p->argv[p->at + 1] : "";
	bool known = false;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && p->row == NULL; i++) {
		if (strcmp(word, rows[i].word) != 0)
			continue;
		known = true;
		if (rows[i].second == NULL || strcmp(second, rows[i].second) == 0)
			p->row = &rows[i];
	}
	if (p->row == NULL)
		return known ? fail_second(p, word) : fail(p, "no such verb", word);
	if (p->row->second != NULL)
		p->at++;
	p->out->verb = p->row->verb;
	p->out->verb_text = word;
	return true;
}

static bool
take_argument(struct parser *p)
{
	const char *arg = p->argv[p->at];

	if (!p->words && strcmp(arg, "--json") == 0)
		return p->out->json = true;
	if (p->row->argument == ANYTHING)
		return true;
	if (!p->words && arg[0] == '-' && arg[1] != '\0')
		return take_verb_option(p, arg);
	if (p->word != NULL)
		return fail(p, "too much", arg);
	p->word = arg;
	return true;
}

/* What may stand before the verb. */
static bool
take_global(struct parser *p)
{
	const char *arg = p->argv[p->at];

	if (strcmp(arg, "-c") == 0) {
		p->out->config = value_of(p, arg);
		return p->out->config != NULL;
	}
	if (strcmp(arg, "--json") == 0)
		return p->out->json = true;
	return fail(p, "no such option", arg);
}

/* One argument; *asked when it was for help or the version, which end everything. */
static bool
take(struct parser *p, bool *asked)
{
	const char *arg = p->argv[p->at];

	if (!p->words && strcmp(arg, "--") == 0)
		return p->words = true;
	if (!p->words && (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)) {
		p->out->verb = VERB_HELP;
		return *asked = true;
	}
	if (!p->words && p->row == NULL && strcmp(arg, "--version") == 0) {
		p->out->verb = VERB_VERSION;
		return *asked = true;
	}
	if (p->row != NULL)
		return take_argument(p);
	return !p->words && arg[0] == '-' ? take_global(p) : take_verb(p);
}

bool
options_parse(struct options *out, int argc, char *const *argv, char *error, size_t size)
{
	bool asked = false;
	struct parser p = { .out = out, .argc = argc, .at = 1, .argv = argv, .error = error,
		.error_size = size };

	*out = (struct options){ .config = CONFIG_PATH, .port = 25, .verb = VERB_HELP };
	for (; p.at < argc; p.at++)
		if (!take(&p, &asked) || asked)
			return asked;
	if (p.row == NULL)
		return fail(&p, "a verb is missing", "");
	return take_word(&p);
}
