/* sts_policy_test.c - policy texts and MX patterns (R12 to R18, R28, R29, and what was settled)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/sts_policy.h"

#define V "version: STSv1\n"
#define E V "mode: enforce\n"
#define M E "max_age: 86400\n"
#define ALL M "mx: mx.example.com\n"
#define N32 "a2345678901234567890123456789012"

static void
test_valid(void **state)
{
	static const struct {
		const char *text;
		enum sts_mode mode;
		uint32_t max_age;
		size_t mx_len;
		unsigned warnings;
	} cases[] = {
		{ ALL, STS_ENFORCE, 86400, 1, 0 },
		{ "version: STSv1\r\nmode: testing\r\nmx: a.example\r\n"
		  "mx: *.b.example\r\nmax_age: 1",
		  STS_TESTING, 1, 2, 0 },
		{ "mx:a.example\nmax_age:0\nmode:enforce\nversion:STSv1", STS_ENFORCE, 0, 1, 0 },
		{ V "mode: none\nmax_age: 5", STS_NONE, 5, 0, 0 },
		{ V "mode: none\nmax_age: 5\nmx: a.example", STS_NONE, 5, 1, 0 },
		{ "version:  STSv1 \t\nmode:\tenforce\t\r\nmax_age: 86400 \nmx: a.b  \n",
		  STS_ENFORCE, 86400, 1, 0 },
		{ ALL N32 ": x\n", STS_ENFORCE, 86400, 1, 0 },
		{ ALL "a.b-c_d: some text: with \xc3\xbc, \xe2\x82\xac, \xf0\x9f\x93\xa7\n",
		  STS_ENFORCE, 86400, 1, 0 },
		{ ALL "Mode: junk\nMX: *\n", STS_ENFORCE, 86400, 1, 0 },	/* other fields */
		{ "\n" ALL, STS_ENFORCE, 86400, 1, STS_WARNING_BLANK_LINE },
		{ E "\r\n" "max_age: 86400\n \t\nmx: a.b\n\n\n", STS_ENFORCE, 86400, 1,
		  STS_WARNING_BLANK_LINE },
		{ E "max_age: 31557600\nmx: a.b\n", STS_ENFORCE, 31557600, 1, 0 },
		{ E "max_age: 31557601\nmx: a.b\n", STS_ENFORCE, 31557600, 1,
		  STS_WARNING_MAX_AGE_CAPPED },
		{ E "max_age: 9999999999\nmx: a.b\n", STS_ENFORCE, 31557600, 1,
		  STS_WARNING_MAX_AGE_CAPPED },
		{ E "max_age: 0000000007\nmx: a.b\n", STS_ENFORCE, 7, 1, 0 },
		{ ALL "mode: none\n", STS_ENFORCE, 86400, 1, STS_WARNING_REPEATED_FIELD },
		{ ALL "mode: junk\nmode:\nmax_age: -\nversion: \x01\n", STS_ENFORCE, 86400, 1,
		  STS_WARNING_REPEATED_FIELD },
		{ M "mx: a.example.\nmx: *.b.example.\n", STS_ENFORCE, 86400, 2,
		  STS_WARNING_TRAILING_DOT },
		{ M "mx: A.Example\nmx: xn--bcher-kva.example\nmx: *.com\nmx: localhost\n",
		  STS_ENFORCE, 86400, 4, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sts_policy_fault fault;
		struct sts_policy p;
		char buf[128];

		if (!sts_policy_parse(&p, &fault, cases[i].text, strlen(cases[i].text)))
			fail_msg("%s%s", cases[i].text,
			    sts_policy_fault_print(&fault, buf, sizeof buf));
		assert_int_equal(p.mode, cases[i].mode);
		assert_int_equal(p.max_age, cases[i].max_age);
		assert_int_equal(p.mx_len, cases[i].mx_len);
		assert_int_equal(p.warnings, cases[i].warnings);
	}
}

static void
test_invalid(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{ "", "empty" },
		{ "\n", "version: missing" },
		{ V, "mode: missing" },
		{ E, "max_age: missing" },
		{ M, "mx: missing" },
		{ V "mode: testing\nmax_age: 1\n", "mx: missing" },
		{ "mode: enforce\nmax_age: 1\nmx: a.b\n", "version: missing" },
		{ "version: STSv2\n" ALL, "line 1: version: not STSv1" },
		{ "version: stsv1\n", "line 1: version: not STSv1" },
		{ "version: STSv1 STSv1\n", "line 1: version: not STSv1" },
		{ V "max_age: 1\nmode: report\n", "line 3: mode: unknown value" },
		{ V "mode: Enforce\n", "line 2: mode: unknown value" },
		{ V "mode: enforced\n", "line 2: mode: unknown value" },
		{ V "mode: junk\nmode: enforce\n", "line 2: mode: unknown value" },
		{ V "mode:\n", "line 2: a field without a value" },
		{ E "max_age: 12345678901\n", "line 3: max_age: more than 10 digits" },
		{ E "max_age: 00000000001\n", "line 3: max_age: more than 10 digits" },
		{ E "max_age: -1\n", "line 3: max_age: not a number of seconds" },
		{ E "max_age: 1d\n", "line 3: max_age: not a number of seconds" },
		{ E "max_age: 1 2\n", "line 3: max_age: not a number of seconds" },
		{ E "max_age: 1.5\n", "line 3: max_age: not a number of seconds" },
		{ M "mx: *\n", "line 4: mx: a wildcard that is not the whole left-most label" },
		{ M "mx: *.*.a.b\n",
		  "line 4: mx: a wildcard that is not the whole left-most label" },
		{ M "mx: a.*.b\n", "line 4: mx: a wildcard that is not the whole left-most label" },
		{ M "mx: m*.a.b\n",
		  "line 4: mx: a wildcard that is not the whole left-most label" },
		{ M "mx: *a.b\n", "line 4: mx: a wildcard that is not the whole left-most label" },
		{ M "mx: *.\n", "line 4: mx: not a host name" },
		{ M "mx: .\n", "line 4: mx: not a host name" },
		{ M "mx: .a.b\n", "line 4: mx: not a host name" },
		{ M "mx: a..b\n", "line 4: mx: not a host name" },
		{ M "mx: a.b..\n", "line 4: mx: not a host name" },
		{ M "mx: a_b.c\n", "line 4: mx: not a host name" },
		{ M "mx: a.b c.d\n", "line 4: mx: not a host name" },
		{ M "mx: a.b,c.d\n", "line 4: mx: not a host name" },
		{ M "mx: 192.0.2.1\n", "line 4: mx: an IP address" },
		{ M "mx: *.0.2.1\n", "line 4: mx: an IP address" },
		{ M "mx: [192.0.2.1]\n", "line 4: mx: an IP address" },
		{ M "mx: 2001:db8::1\n", "line 4: mx: an IP address" },
		{ M "mx: b\xc3\xbc" "cher.example\n", "line 4: mx: not in A-labels" },
		{ M "mx: a.b\nmx: *\n",
		  "line 5: mx: a wildcard that is not the whole left-most label" },
		{ V "mode: none\nmax_age: 1\nmx: *\n",
		  "line 4: mx: a wildcard that is not the whole left-most label" },
		{ "\xef\xbb\xbf" ALL, "line 1: a byte order mark before the first field" },
		{ ALL "junk\n", "line 5: not a field: no colon" },
		{ ALL "# comment: x\n", "line 5: not a field name" },
		{ ALL " x: y\n", "line 5: not a field name" },
		{ ALL "x : y\n", "line 5: not a field name" },
		{ ALL ": y\n", "line 5: not a field name" },
		{ ALL N32 "3: x\n", "line 5: not a field name" },
		{ ALL "x:\n", "line 5: a field without a value" },
		{ ALL "x: \x01\n", "line 5: a control character" },
		{ ALL "x: a\tb\n", "line 5: a control character" },
		{ ALL "x: a\rb\n", "line 5: a control character" },
		{ "version: STSv1\rmode: enforce\r", "line 1: a control character" },
		{ ALL "x: \x7f\n", "line 5: a control character" },
		{ ALL "x: \xff\n", "line 5: not UTF-8" },
		{ ALL "x: \xc0\xaf\n", "line 5: not UTF-8" },
		{ ALL "x: \xc3", "line 5: not UTF-8" },
		{ ALL "x: \xe0\x80\xaf\n", "line 5: not UTF-8" },
		{ ALL "x: \xe0\x9f\xbf\n", "line 5: not UTF-8" },
		{ ALL "x: \xf0\x8f\xbf\xbf\n", "line 5: not UTF-8" },
		{ ALL "x: \xed\xa0\x80\n", "line 5: not UTF-8" },
		{ ALL "x: \xf4\x90\x80\x80\n", "line 5: not UTF-8" },
		{ "<html>\n", "line 1: not a field: no colon" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sts_policy_fault fault;
		struct sts_policy p;
		char buf[128];

		if (sts_policy_parse(&p, &fault, cases[i].text, strlen(cases[i].text)))
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(sts_policy_fault_print(&fault, buf, sizeof buf),
		    cases[i].fault);
	}
}

static void
test_nul_is_a_control(void **state)
{
	static const char text[] = ALL "x: a\0b\n", early[] = "ver\0sion: STSv1\n";
	struct sts_policy_fault fault;
	struct sts_policy p;

	(void)state;
	assert_false(sts_policy_parse(&p, &fault, text, sizeof text - 1));
	assert_string_equal(fault.what, "a control character");
	assert_false(sts_policy_parse(&p, &fault, early, sizeof early - 1));
	assert_string_equal(fault.what, "not a field name");
}

/* R28, R29. */
static void
test_match(void **state)
{
	static const char text[] = M "mx: mx1.example.com\nmx: *.example.net\n"
	    "mx: *.Sub.Example.ORG.\nmx: UPPER.example.com.\nmx2: mx2.example.com\nmx: *.com\n";
	static const struct {
		const char *host;
		bool match;
	} cases[] = {
		{ "mx1.example.com", true }, { "MX1.Example.Com", true },
		{ "mx2.example.com", false }, { "mx1.example.co", false },
		{ "xmx1.example.com", false }, { "a.mx1.example.com", false },
		{ "mail.example.net", true }, { "MAIL.EXAMPLE.NET", true },
		{ "example.net", false }, { "a.b.example.net", false }, { ".example.net", false },
		{ "mailexample.net", false }, { "a.sub.example.org", true },
		{ "sub.example.org", false }, { "a.example.org", false },
		{ "upper.example.com", true }, { "example.com", true }, { "com", false },
		{ "", false }, { ".", false }, { "a.", false }, { "mail.example.ne", false },
		{ "a.sub.example.org.", false }, { "mx1.example.com.", false },
		{ "evil.example.net.attacker.test", false },
	};
	struct sts_policy_fault fault;
	struct sts_policy p;

	(void)state;
	assert_true(sts_policy_parse(&p, &fault, text, sizeof text - 1));
	assert_int_equal(p.mx_len, 5);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (sts_policy_match(&p, cases[i].host) != cases[i].match)
			fail_msg("%s", cases[i].host);
	}
}

static void
test_many_names_at_once(void **state)
{
	static const char text[] = M "mx: a.test\nmx: *.b.test\n";
	const char *hosts[REQUIREMENT_HOSTS_MAX];
	struct sts_policy_fault fault;
	struct sts_policy p;

	(void)state;
	assert_true(sts_policy_parse(&p, &fault, text, sizeof text - 1));
	for (size_t i = 0; i < REQUIREMENT_HOSTS_MAX; i++)
		hosts[i] = i == 63 ? "x.b.test" : i % 2 ? "b.test" : "a.test";
	assert_true(sts_policy_matches(&p, hosts, 64) == 0xd555555555555555);
	assert_true(sts_policy_matches(&p, hosts, 2) == 1);
	assert_true(sts_policy_matches(&p, NULL, 0) == 0);
}

static void
test_patterns_in_order(void **state)
{
	static const char text[] = "mx: a.example.\n" E "mx:*.B.example  \r\nmax_age: 1\nmx: c";
	static const char *const want[] = { "a.example", "*.B.example", "c" };
	struct sts_policy_fault fault;
	struct sts_policy p;
	const char *pattern;
	size_t at = 0, len;

	(void)state;
	assert_true(sts_policy_parse(&p, &fault, text, sizeof text - 1));
	for (size_t i = 0; i < 3; i++) {
		assert_true(sts_policy_next(&p, &at, &pattern, &len));
		assert_int_equal(len, strlen(want[i]));
		assert_memory_equal(pattern, want[i], len);
	}
	assert_false(sts_policy_next(&p, &at, &pattern, &len));
}

/* R22: 64 KB is fine, however many patterns; one octet more is not. */
static void
test_largest(void **state)
{
	char *text = malloc(STS_POLICY_TEXT_MAX + 1);
	struct sts_policy_fault fault;
	size_t len = strlen(M);
	struct sts_policy p;

	(void)state;
	assert_non_null(text);
	memcpy(text, M, len);
	while (len + 7 <= STS_POLICY_TEXT_MAX) {
		memcpy(text + len, "mx:a.b\n", 7);
		len += 7;
	}
	memset(text + len, '\n', STS_POLICY_TEXT_MAX + 1 - len);
	assert_true(sts_policy_parse(&p, &fault, text, STS_POLICY_TEXT_MAX));
	assert_int_equal(p.mx_len, (STS_POLICY_TEXT_MAX - strlen(M)) / 7);
	assert_true(sts_policy_match(&p, "a.b"));
	assert_false(sts_policy_match(&p, "a.c"));
	assert_false(sts_policy_parse(&p, &fault, text, STS_POLICY_TEXT_MAX + 1));
	assert_string_equal(fault.what, "longer than 64 KB");
	free(text);
}

static void
test_warning_texts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STS_WARNINGS; i++)
		assert_true(strlen(sts_warning_text((enum sts_warning)(1u << i))) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_nul_is_a_control),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_many_names_at_once),
		cmocka_unit_test(test_patterns_in_order),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_warning_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
