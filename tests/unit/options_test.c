/* options_test.c - posternctl's command line
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/options.h"
#include "daemon/config.h"

#define WORDS 12

/* Parses "posternctl" and the words of line. */
static bool
parse(struct options *o, const char *line, char *error, size_t size)
{
	static char text[512];
	char *argv[WORDS + 1] = { "posternctl" }, *rest = text, *word;
	int argc = 1;

	snprintf(text, sizeof(text), "%s", line);
	while ((word = strsep(&rest, " ")) != NULL && argc < WORDS)
		if (word[0] != '\0')
			argv[argc++] = word;
	return options_parse(o, argc, argv, error, size);
}

static void
accepted(void **state)
{
	static const struct {
		const char *line;
		enum verb verb;
		const char *name, *domain, *id;
		unsigned port;
		unsigned long since_s;
		bool json, follow, refused;
	} rows[] = {
		{ "status", VERB_STATUS, "", "", "", 25, 0, false, false, false },
		{ "metrics", VERB_METRICS, "", "", "", 25, 0, false, false, false },
		{ "status --json", VERB_STATUS, "", "", "", 25, 0, true, false, false },
		{ "--json status", VERB_STATUS, "", "", "", 25, 0, true, false, false },
		{ "domain A.Example. --json", VERB_DOMAIN, "a.example", "", "", 25, 0, true, false,
		    false },
		{ "domain b\xc3\xbc" "cher.example", VERB_DOMAIN, "xn--bcher-kva.example", "", "",
		    25, 0, false, false, false },
		{ "probe mx.a.example --domain a.example", VERB_PROBE, "mx.a.example", "a.example",
		    "", 25, 0, false, false, false },
		{ "probe --domain a.example mx.a.example:2525", VERB_PROBE, "mx.a.example",
		    "a.example", "", 2525, 0, false, false, false },
		{ "probe [2001:db8::1]:2525 --domain a.example", VERB_PROBE, "2001:db8::1",
		    "a.example", "", 2525, 0, false, false, false },
		{ "probe 192.0.2.1 --domain a.example", VERB_PROBE, "192.0.2.1", "a.example", "",
		    25, 0, false, false, false },
		{ "decisions", VERB_DECISIONS, "", "", "", 25, 0, false, false, false },
		{ "decisions --follow --refused --since 15m --domain a.example --id k7q2m4xd",
		    VERB_DECISIONS, "", "a.example", "K7Q2-M4XD", 25, 900, false, true, true },
		{ "explain K7Q2-M4XD", VERB_EXPLAIN, "", "", "K7Q2-M4XD", 25, 0, false, false,
		    false },
		{ "policy list", VERB_POLICY_LIST, "", "", "", 25, 0, false, false, false },
		{ "policy show a.example", VERB_POLICY_SHOW, "a.example", "", "", 25, 0, false,
		    false, false },
		{ "policy refresh a.example", VERB_POLICY_REFRESH, "a.example", "", "", 25, 0,
		    false, false, false },
		{ "policy forget mx.a.example", VERB_POLICY_FORGET, "mx.a.example", "", "", 25, 0,
		    false, false, false },
		{ "policy acknowledge", VERB_POLICY_ACKNOWLEDGE, "", "", "", 25, 0, false, false,
		    false },
		{ "mode", VERB_MODE, "", "", "", 25, 0, false, false, false },
		{ "mode monitor", VERB_MODE, "", "", "", 25, 0, false, false, false },
		{ "reload", VERB_RELOAD, "", "", "", 25, 0, false, false, false },
		{ "rules show", VERB_RULES_SHOW, "", "", "", 25, 0, false, false, false },
		{ "check-config", VERB_CHECK_CONFIG, "", "", "", 25, 0, false, false, false },
		{ "check-config /tmp/x.yaml", VERB_CHECK_CONFIG, "", "", "", 25, 0, false, false,
		    false },
		{ "check-config -- --json", VERB_CHECK_CONFIG, "", "", "", 25, 0, false, false,
		    false },
		{ "--json -- domain a.example", VERB_DOMAIN, "a.example", "", "", 25, 0, true,
		    false, false },
		{ "rules confirm", VERB_RULES_CONFIRM, "", "", "", 25, 0, false, false, false },
		{ "rules remove --json", VERB_RULES_REMOVE, "", "", "", 25, 0, true, false, false },
		{ "rules verify", VERB_RULES_VERIFY, "", "", "", 25, 0, false, false, false },
		{ "doctor --json", VERB_DOCTOR, "", "", "", 25, 0, true, false, false },
		{ "override add a.example level=may", VERB_LATER, "", "", "", 25, 0, false, false,
		    false },
		{ "whatif --since 7d --json", VERB_LATER, "", "", "", 25, 0, true, false, false },
		{ "rules install --confirm 120s", VERB_RULES_INSTALL, "", "", "", 25, 0, false,
		    false, false },
		{ "--help", VERB_HELP, "", "", "", 25, 0, false, false, false },
		{ "domain --help", VERB_HELP, "", "", "", 25, 0, false, false, false },
		{ "--version", VERB_VERSION, "", "", "", 25, 0, false, false, false },
	};
	struct options o;
	char error[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].line);
		assert_true(parse(&o, rows[i].line, error, sizeof(error)));
		assert_int_equal(o.verb, rows[i].verb);
		assert_string_equal(o.name, rows[i].name);
		assert_string_equal(o.domain, rows[i].domain);
		assert_string_equal(o.id, rows[i].id);
		assert_int_equal(o.port, rows[i].port);
		assert_int_equal(o.since_s, rows[i].since_s);
		assert_int_equal(o.json, rows[i].json);
		assert_int_equal(o.follow, rows[i].follow);
		assert_int_equal(o.refused, rows[i].refused);
		assert_string_equal(o.config, CONFIG_PATH);
	}
	assert_true(parse(&o, "-c /x.yaml mode enforce", error, sizeof(error)));
	assert_string_equal(o.config, "/x.yaml");
	assert_string_equal(o.mode, "enforce");
	assert_int_equal(o.confirm_s, 0);
	assert_true(parse(&o, "rules install --confirm 2m --json", error, sizeof(error)));
	assert_int_equal(o.confirm_s, 120);
	assert_true(parse(&o, "rules install", error, sizeof(error)));
	assert_int_equal(o.confirm_s, 0);
	assert_true(parse(&o, "check-config /y.yaml", error, sizeof(error)));
	assert_string_equal(o.file, "/y.yaml");
}

static void
refused(void **state)
{
	static const char *const rows[] = {
		"", "dance", "-x status", "-c", "-c /x.yaml", "status more", "status --follow",
		"domain", "domain a.example b.example", "domain a..example", "domain localhost",
		"domain a_b.example", "domain --since 1h a.example", "probe mx.a.example",
		"probe --domain a.example", "probe mx.a.example:0 --domain a.example",
		"probe mx.a.example:65536 --domain a.example",
		"probe mx.a.example: --domain a.example",
		"probe mx.a.example:25x --domain a.example", "probe mx.a.example --domain",
		"decisions --since", "decisions --since 1", "decisions --since h",
		"decisions --since 0s", "decisions --since -1h", "decisions --since 1hh",
		"decisions --since 99999999999999999999d", "decisions --id K7Q2", "decisions extra",
		"decisions --id U7Q2-M4XD", "explain", "explain K7Q2-M4XD0", "policy", "policy eat",
		"policy show", "policy acknowledge a.example", "policy list a.example",
		"mode perhaps", "rules", "rules dance", "rules install now",
		"rules install --confirm", "rules install --confirm 0s",
		"rules install --confirm 120", "rules install --confirm 61m",
		"rules install --confirm -5s", "rules remove --confirm 5s", "rules show all",
		"rules verify --since 1h", "doctor me",
		"reload now", "explain K7Q2-M4XD K7Q2-M4XE",
	};
	struct options o;
	char error[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i]);
		error[0] = '\0';
		assert_false(parse(&o, rows[i], error, sizeof(error)));
		assert_string_not_equal(error, "");
		assert_false(o.json);
	}
	/* What went wrong is JSON too, wherever that was asked for. */
	assert_false(parse(&o, "rules --json", error, sizeof(error)));
	assert_true(o.json);
	assert_string_equal(error, "this verb needs one word more, of show install confirm remove "
	    "verify: rules");
	assert_false(parse(&o, "decisions --since 7x --json", error, sizeof(error)));
	assert_true(o.json);
	assert_false(parse(&o, "domain -- a..example --json", error, sizeof(error)));
	assert_false(o.json);
}

static void
ids(void **state)
{
	static const struct {
		const char *text, *id;
	} rows[] = {
		{ "K7Q2-M4XD", "K7Q2-M4XD" }, { "k7q2m4xd", "K7Q2-M4XD" },
		{ "oOiL-0000", "0011-0000" }, { "", NULL }, { "-", NULL }, { "K7Q2", NULL },
		{ "K7Q2-M4XDA", NULL }, { "K7-Q2M4XD", NULL }, { "K7Q2 M4XD", NULL },
		{ "UUUU-0000", NULL },
	};
	char id[OPTIONS_ID_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(options_id(id, rows[i].text), rows[i].id != NULL);
		if (rows[i].id != NULL)
			assert_string_equal(id, rows[i].id);
	}
}

static void
times(void **state)
{
	(void)state;
	assert_int_equal(options_since("90s"), 90);
	assert_int_equal(options_since("15m"), 900);
	assert_int_equal(options_since("1h"), 3600);
	assert_int_equal(options_since("7d"), 604800);
	assert_int_equal(options_since("1w"), 0);
	assert_int_equal(options_since("315360001s"), 0);
	assert_int_equal(options_since("3651d"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
		cmocka_unit_test(ids),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
