/* show_dane_test.c - DANE for a human: of a domain's hosts, of the resolver, of a decision
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/advice.h"
#include "ctl/host_terms.h"
#include "ctl/show.h"

#define HASH "0000000000000000000000000000000000000000000000000000000000000abc"

/* Printed, and harmless for a terminal whatever it holds. */
static char *
shown(void (*show)(FILE *out, const json_t *value), json_t *value)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(value);
	show(out, value);
	fclose(out);
	for (i = 0; i < size; i++)
		assert_true(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f));
	return text;
}

static char *
shown_text(void (*show)(FILE *out, const json_t *value), const char *json)
{
	json_error_t error;
	json_t *value = json_loads(json, 0, &error);
	char *text;

	if (value == NULL)
		fail_msg("%s at %d: %s", error.text, error.position, json);
	text = shown(show, value);
	json_decref(value);
	return text;
}

static void
holds(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("not there: %s\nin:\n%s", line, text);
}

/* Which host, which record, would it deliver: on one screen. */
static void
a_domain_at_a_glance(void **state)
{
	static const char json[] =
	    "{\"domain\":\"signed.example\",\"would\":\"deliver\",\"both\":false,\"sts\":"
	    "{\"state\":\"none\"},\"dane\":{\"state\":\"available\",\"detail\":\"\"},\"dns\":"
	    "[\"MX signed.example: secure, 2 records\"],\"override\":null,\"mx\":["
	    "{\"host\":\"mx1.signed.example\",\"preference\":10,\"secure\":true,\"addresses\":"
	    "[\"203.0.113.9\"],\"would\":\"deliver\",\"dane\":{\"state\":\"usable\",\"base\":"
	    "\"real.signed.example\","
	    "\"records\":[\"3 1 1 " HASH "\",\"2 0 1 " HASH "\"]},\"dns\":[\"A "
	    "mx1.signed.example: secure, 1 record\",\"TLSA _25._tcp.real.signed.example: secure, "
	    "2 records\"]},"
	    "{\"host\":\"mx2.signed.example\",\"preference\":20,\"secure\":false,\"addresses\":"
	    "[\"203.0.113.10\"],\"would\":\"defer\",\"reason\":\"its TLSA records could not be "
	    "looked up\\u001b\",\"dane\":{\"state\":\"error\"},\"dns\":[\"TLSA "
	    "_25._tcp.mx2.signed.example: bogus, SERVFAIL, extended error 7: \\u001b[31m\"]}]}";
	char *text = shown_text(show_domain, json);

	(void)state;
	holds(text, "signed.example: would deliver\n");
	holds(text, "DANE\n  here           in force\n");
	holds(text, "DNS\n  - MX signed.example: secure, 2 records\n");
	holds(text, "        would       deliver, if it offers TLS and its certificate matches one "
	    "of its TLSA records\n");
	holds(text, "        DANE        usable records: TLS is demanded,");
	holds(text, "        TLSA base   real.signed.example\n");
	holds(text, "        record      3 1 1 " HASH " (the server's own key, SHA-256)\n");
	holds(text, "        record      2 0 1 " HASH " (the certificate of a CA of its own "
	    "choice, SHA-256)\n");
	holds(text, "        DNS         A mx1.signed.example: secure, 1 record\n"
	    "                    TLSA _25._tcp.real.signed.example: secure, 2 records\n");
	holds(text, "        would       DEFER: its TLSA records could not be looked up\\x1b\n"
	    "        DANE        ERROR");
	holds(text, "extended error 7: \\x1b[31m\n");
	/* Each below its own host. */
	assert_true(strstr(text, "mx1.signed.example ") < strstr(text, "real.signed.example\n"));
	assert_true(strstr(text, "2 records\n  20 ") != NULL);
	free(text);
}

static void
each_record_has_words(void **state)
{
	static const struct {
		const char *record, *words;
	} rows[] = {
		{ "3 1 1 ab", " (the server's own key, SHA-256)\n" },
		{ "3 0 2 ab", " (the server's own certificate, SHA-512)\n" },
		{ "3 0 0 ab..", " (the server's own certificate, in full)\n" },
		{ "3 1 0 ab..", " (the server's own key, in full)\n" },
		{ "2 1 1 ab", " (the key of a CA of its own choice, SHA-256)\n" },
		{ "2 1 0 ab", " (the key of a CA of its own choice, in full)\n" },
		{ "2 0 0 ab", " (the certificate of a CA of its own choice, in full)\n" },
		{ "1 1 1 ab", " (usages 0 and 1 are not for SMTP)\n" },
		{ "0 0 1 ab", " (usages 0 and 1 are not for SMTP)\n" },
		{ "3 2 1 ab", "3 2 1 ab\n" },
		{ "31 1 1 ab", "31 1 1 ab\n" },
		{ "10 1 1 ab", "10 1 1 ab\n" },
		{ "", "record      \n" },
		{ "3 1 1 \x1b[2J", "3 1 1 \\x1b[2J (the server's own key, SHA-256)\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *report = json_pack("{s:[{s:s,s:[s],s:{s:s,s:[s]}}]}", "mx", "host", "mx",
		    "addresses", "::1", "dane", "state", "usable", "records", rows[i].record);
		char *text = shown(show_domain, report);

		holds(text, rows[i].words);
		free(text);
		json_decref(report);
	}
}

/* NULL members are left out. */
static json_t *
report_of(const char *rule, const char *sts_mode, const char *dane_here, const char *dane,
    bool both)
{
	json_t *report = json_pack("{s:o,s:[{s:s,s:s,s:{s:s}}],s:{s:s},s:b,s:{s:s}}", "override",
	    rule == NULL ? json_null() : json_pack("{s:s}", "level", rule), "mx", "host",
	    "mx.a.example", "would", "deliver", "dane", "state", dane, "dane", "state", dane_here,
	    "both", (int)both, "sts", "state", sts_mode != NULL ? "active" : "none");

	if (sts_mode != NULL)
		json_object_set_new(json_object_get(report, "sts"), "mode",
		    json_string(sts_mode));
	return report;
}

#define ENCRYPT ", if it offers TLS"
#define MATCH ENCRYPT " and its certificate matches one of its TLSA records"
#define MAY "; TLS if it is offered"
#define STS ENCRYPT " and a trusted certificate for its name (MTA-STS)"

/* As policy/require.c decides: the rule, DANE, MTA-STS, nothing. */
static void
what_decides(void **state)
{
	static const struct {
		const char *rule, *sts, *here, *dane;
		bool both;
		const char *terms;
	} rows[] = {
		/* nothing known */
		{ NULL, NULL, "available", "none", 0, MAY },
		{ NULL, NULL, "available", "insecure", 0, MAY },
		{ NULL, NULL, "off", "none", 0, MAY },
		/* DANE, also while its resolver is not known to be lost */
		{ NULL, NULL, "available", "usable", 0, MATCH },
		{ NULL, NULL, "broken", "usable", 0, MATCH },
		{ NULL, NULL, "unknown", "usable", 0, MATCH },
		{ NULL, NULL, "available", "unusable", 0, ENCRYPT },
		/* not in force */
		{ NULL, NULL, "unavailable", "usable", 0, MAY },
		{ NULL, NULL, "unavailable", "unusable", 0, MAY },
		{ NULL, "enforce", "unavailable", "usable", 0, STS },
		{ NULL, NULL, "off", "usable", 0, MAY },
		/* beside MTA-STS: it never overrides DANE, and decides where DANE does not */
		{ NULL, "enforce", "available", "none", 0, STS },
		{ NULL, "enforce", "available", "insecure", 0, STS },
		{ NULL, "enforce", "available", "usable", 0, MATCH },
		{ NULL, "enforce", "available", "unusable", 0, STS },
		{ NULL, "testing", "available", "none", 0, MAY },
		{ NULL, "testing", "available", "unusable", 0, ENCRYPT },
		{ NULL, "none", "available", "usable", 0, MATCH },
		/* policy.both */
		{ NULL, "enforce", "available", "usable", 1,
		    MATCH ", and is a trusted one for its name (policy.both)" },
		{ NULL, "testing", "available", "usable", 1, MATCH },
		{ NULL, NULL, "available", "usable", 1, MATCH },
		{ NULL, "enforce", "available", "none", 1, STS },
		/* the administrator's rule stands before all */
		{ "none", "enforce", "available", "usable", 0, ", in clear text (rule)" },
		{ "may", NULL, "available", "error", 0, MAY " (rule)" },
		{ "encrypt", NULL, "available", "usable", 0, ENCRYPT " (rule)" },
		{ "verify", NULL, "available", "usable", 0,
		    ENCRYPT " and a trusted certificate for its name (rule)" },
		{ "secure", NULL, "available", "usable", 0,
		    ENCRYPT " and a trusted certificate for the domain (rule)" },
		{ "fingerprint", "enforce", "off", "none", 0,
		    ENCRYPT " and a certificate or key with a fingerprint of the rule" },
		{ "auto", NULL, "available", "usable", 0, MATCH },
		/* dane and dane-only: no MTA-STS */
		{ "dane", "enforce", "available", "usable", 1, MATCH },
		{ "dane", "enforce", "available", "unusable", 0, ENCRYPT },
		{ "dane", "enforce", "available", "none", 0, MAY },
		{ "dane", "enforce", "available", "insecure", 0, MAY },
		{ "dane-only", "enforce", "available", "usable", 1, MATCH },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *report = report_of(rows[i].rule, rows[i].sts, rows[i].here, rows[i].dane,
		    rows[i].both);
		char line[200], *text;

		print_message("row %zu\n", i);
		assert_string_equal(host_terms(report, json_array_get(json_object_get(report, "mx"),
		    0)), rows[i].terms);
		snprintf(line, sizeof(line), "        would       deliver%s\n", rows[i].terms);
		text = shown(show_domain, report);
		holds(text, line);
		free(text);
		json_decref(report);
	}
}

/* Whether and why not is the engine's word. */
static void
what_becomes_of_it(void **state)
{
	static const struct {
		const char *would, *reason, *line;
	} rows[] = {
		{ "deliver", "", "would       deliver, if it offers TLS and" },
		{ "refuse", "the MX records are not signed, which the rule demands",
		    "would       REFUSE: the MX records are not signed, which the rule demands\n" },
		{ "defer", "its TLSA records could not be looked up",
		    "would       DEFER: its TLSA records could not be looked up\n" },
		{ "unknown", "it has no address", "would       not be tried: it has no address\n" },
		{ "\x1b", "\x1b[2J", "would       not be tried: \\x1b[2J\n" },
		{ "", "", "would       not be tried\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *report = report_of(NULL, NULL, "available", "usable", false);
		json_t *mx = json_array_get(json_object_get(report, "mx"), 0);
		char *text;

		json_object_set_new(mx, "would", json_string(rows[i].would));
		json_object_set_new(mx, "reason", json_string(rows[i].reason));
		text = shown(show_domain, report);
		holds(text, rows[i].line);
		free(text);
		json_decref(report);
	}
}

static void
states_of_a_host(void **state)
{
	static const struct {
		const char *state, *words;
	} rows[] = {
		{ "usable", "DANE        usable records: TLS is demanded, and a certificate" },
		{ "unusable", "DANE        records, but none that SMTP can use (see DNS below): "
		    "TLS is demanded, unauthenticated\n" },
		{ "none", "DANE        no TLSA records\n" },
		{ "insecure", "DANE        not signed (DNSSEC), so there is nothing to go by\n" },
		{ "error", "DANE        ERROR: an answer is bogus or there is none" },
		{ "\x1b]0;x", "DANE        \\x1b]0;x\n" },
		{ "", "DANE        -\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *report = report_of(NULL, NULL, "available", rows[i].state, false);
		char *text = shown(show_domain, report);

		holds(text, rows[i].words);
		free(text);
		json_decref(report);
	}
}

/* The same words in `domain` and `status`; a lost resolver comes with the next step. */
static void
states_of_the_resolver(void **state)
{
	static const struct {
		const char *json, *line;
	} rows[] = {
		{ "{\"state\":\"available\",\"detail\":\"\"}", "in force\n" },
		{ "{\"state\":\"available\",\"detail\":\"x\\u001by\"}", "in force: x\\x1by\n" },
		{ "{\"state\":\"unavailable\",\"detail\":\"it does not validate\"}",
		    "NOT IN FORCE: it does not validate; next: posternctl doctor\n" },
		{ "{\"state\":\"broken\",\"detail\":\"timeout\"}",
		    "in force, but the resolver fails: timeout; next: posternctl doctor\n" },
		{ "{\"state\":\"unknown\"}", "in force, the resolver not yet checked\n" },
		{ "{\"state\":\"off\"}", "off (policy.dane: no)\n" },
		{ "{\"state\":\"new\\u0007\"}", "new\\x07\n" },
		{ "{}", "not known\n" }, { "7", "not known\n" }, { "[]", "not known\n" },
	};
	char json[200], line[120], *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(json, sizeof(json), "{\"dane\":%s}", rows[i].json);
		text = shown_text(show_status, json);
		snprintf(line, sizeof(line), "\nDANE             %s", rows[i].line);
		holds(text, line);
		free(text);
		text = shown_text(show_domain, json);
		snprintf(line, sizeof(line), "DANE\n  here           %s", rows[i].line);
		holds(text, line);
		free(text);
	}
	/* Once: the engine's own is not shown again. */
	text = shown_text(show_status, "{\"dane\":{\"state\":\"off\"},\"engine\":{\"policies\":3,"
	    "\"dane\":{\"state\":\"off\",\"detail\":\"twice\"}}}");
	assert_null(strstr(text, "twice"));
	holds(text, "policies         3\n");
	free(text);
}

static void
a_proof_in_words(void **state)
{
	static const struct {
		const char *dane, *line;
	} rows[] = {
		{ "{\"state\":\"ee\",\"record\":\"3 1 1 ab\",\"base\":\"mx.a.example\","
		    "\"depth\":0}",
		    "  proof          ee: a record names the server's own certificate or key: "
		    "neither names nor dates count\n"
		    "  matched by     3 1 1 ab (the server's own key, SHA-256)\n"
		    "  TLSA base      mx.a.example\n  met at         the leaf\n" },
		{ "{\"state\":\"ta\",\"record\":\"2 0 1 ab\",\"depth\":1}",
		    "  met at         certificate 2 of the chain\n" },
		{ "{\"state\":\"ta\",\"record\":\"2 1 0 ab..\",\"depth\":1}",
		    "  met at         certificate 2 of the chain, or what signed it\n" },
		{ "{\"state\":\"ta\",\"record\":\"2 1 0 ab..\",\"depth\":0}",
		    "  met at         a trust anchor not sent, which signed the leaf\n" },
		{ "{\"state\":\"ta\",\"depth\":2}",
		    "  met at         certificate 3 of the chain\n" },
		{ "{\"state\":\"ta\",\"depth\":3}", "  met at         a trust anchor not sent\n" },
		{ "{\"state\":\"ta\",\"depth\":-1}", "  met at         a trust anchor not sent\n" },
		{ "{\"state\":\"expired\",\"detail\":\"CA out of date\"}",
		    "out of date\n  detail         CA out of date\n" },
		{ "{\"state\":\"invalid\",\"detail\":\"\\u001b\"}",
		    "is not valid\n  detail         \\x1b\n" },
		{ "{\"state\":\"unmatched\",\"detail\":\"no record\"}",
		    "  proof          unmatched: NO record matches what the server showed\n"
		    "  detail         no record\n" },
		{ "{\"state\":\"new\\u001b\"}", "  proof          new\\x1b\n" },
		{ "{\"state\":7,\"record\":\"\\u001b\",\"base\":[],\"depth\":\"\\u001b\"}",
		    "  matched by     \\x1b\n  TLSA base      -\n" },
	};
	char json[600], *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(json, sizeof(json), "{\"policy\":{\"policy_type\":\"tlsa\"},\"tls\":"
		    "{\"version\":\"TLSv1.3\",\"chain_sha256\":[\"a\",\"b\",\"c\"],\"dane\":%s},"
		    "\"dns\":[\"TLSA _25._tcp.x: secure, 1 record\",\"A x: bogus \\u001b\"]}",
		    rows[i].dane);
		text = shown_text(show_explain, json);
		holds(text, "\nDANE\n  proof ");
		holds(text, rows[i].line);
		holds(text, "\nDNS answers\n  - TLSA _25._tcp.x: secure, 1 record\n  - A x: bogus "
		    "\\x1b\n");
		holds(text, "\nTLS\n  version        TLSv1.3\n");
		assert_null(strstr(text, "  dane "));	/* told once */
		free(text);
	}
	text = shown_text(show_explain, "{\"policy\":{\"policy_type\":\"local\"},\"tls\":{\"dane\":"
	    "{\"state\":\"ee\"}}}");
	holds(text, "\nTLSA records, or the rule's fingerprints\n  proof ");
	free(text);
	/* Held against none: not a word. What is no object stays in sight. */
	text = shown_text(show_explain, "{\"tls\":{\"version\":\"TLSv1.3\"}}");
	assert_null(strstr(text, "DANE"));
	assert_null(strstr(text, "DNS answers"));
	free(text);
	text = shown_text(show_explain, "{\"tls\":{\"dane\":\"odd\"}}");
	holds(text, "  dane           odd\n");
	free(text);
}

#define RULE_HINT "a rule below domains:"

/* Cause, evidence, next step for every reason of the verdicts by DANE. */
static void
advised(void **state)
{
	static const struct {
		const char *code, *type, *cause, *step;
		bool exception;
	} rows[] = {
		{ "tlsa-unmatched", "tlsa", "renewed with a new key", "another network", 1 },
		{ "tlsa-unmatched", "local", "renewed with a new key", "posternctl domain", 1 },
		{ "tlsa-other-set", "tlsa", "changed in between", "tries again by itself", 0 },
		{ "tlsa-undecided", "tlsa", "failed or\n  is bogus", "delv NAME TYPE", 0 },
		{ "tlsa-undecided", "no-policy-found", "held back", "posternctl doctor", 0 },
		{ "dnssec-bogus", "no-policy-found", "does not validate", "delv NAME TYPE", 0 },
		{ "dane-required", "local", "dane-only", "Level dane demands it only", 0 },
		{ "tlsa-unusable", "tlsa", "none that SMTP can use", "3 1 1", 0 },
		{ "tlsa-unusable", "local", "Your rule demands DANE", "instead of dane-only", 0 },
		{ "fingerprint-unmatched", "local", "none of the fingerprints", "match:", 0 },
		{ "proven", "tlsa", "TLSA records name", "Nothing to do", 0 },
		{ "name-mismatch", "tlsa", "usage 2", "publish usage 3", 1 },
		{ "chain-expired", "tlsa", "out of date", "timedatectl", 1 },
		{ "chain-invalid", "tlsa", "does not stand", "postmaster", 1 },
		{ "no-certificate", "tlsa", "no certificate", "postmaster", 1 },
		{ "starttls-absent", "tlsa", "promise TLS", "Probe it", 1 },
	};
	static const struct {
		const char *code, *type;
	} others[] = {
		{ "proven", "sts" }, { "name-mismatch", "sts" }, { "chain-expired", "local" },
		{ "starttls-absent", "sts" }, { "starttls-masked", "tlsa" },
		{ "starttls-refused", "tlsa" }, { "mx-mismatch", "tlsa" }, { "", "tlsa" },
		{ "dns-undecided", "no-policy-found" },
	};
	json_t *d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		d = json_pack("{s:{s:s},s:{s:s}}", "decision", "reason_code", rows[i].code,
		    "policy", "policy_type", rows[i].type);
		print_message("%s %s\n", rows[i].code, rows[i].type);
		holds(advice_for(d), rows[i].cause);
		holds(advice_for(d), rows[i].step);
		assert_string_equal(advice_for(d), advice_dane(d));
		assert_int_equal(strstr(advice_for(d), RULE_HINT) != NULL, rows[i].exception);
		assert_int_equal(advice_for(d)[strlen(advice_for(d)) - 1], '\n');
		json_decref(d);
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		d = json_pack("{s:{s:s},s:{s:s}}", "decision", "reason_code", others[i].code,
		    "policy", "policy_type", others[i].type);
		print_message("%s %s\n", others[i].code, others[i].type);
		assert_string_equal(advice_dane(d), "");
		json_decref(d);
	}
	assert_string_equal(advice_dane(NULL), "");
}

/* path: inspect: a code of its own for each reason that DANE ends a client's TLS for. */
static void
advised_in_flight(void **state)
{
	static const char *const codes[] = { "tlsa-unmatched", "fingerprint-unmatched",
		"tlsa-other-set", "dane-required", "tlsa-unusable" };
	json_t *event = json_pack("{s:{s:s}}", "inspect", "outcome", "ended-here");
	const char *unknown = advice_inspect(event);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		json_object_set_new(json_object_get(event, "inspect"), "reason_code",
		    json_string(codes[i]));
		assert_string_not_equal(advice_inspect(event), unknown);
	}
	json_decref(event);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_at_a_glance),
		cmocka_unit_test(each_record_has_words),
		cmocka_unit_test(what_decides),
		cmocka_unit_test(what_becomes_of_it),
		cmocka_unit_test(states_of_a_host),
		cmocka_unit_test(states_of_the_resolver),
		cmocka_unit_test(a_proof_in_words),
		cmocka_unit_test(advised),
		cmocka_unit_test(advised_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
