/* report_test.c - what `posternctl domain` says of a domain, held against what decides
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/report.h"

#define POLICY(mode) "version: STSv1\nmode: " mode "\nmx: mx1.a.example\nmax_age: 604800\n"

static const uint8_t digest[32] = { 0xab, 0xcd };
static const struct tlsa records[] = {
	{ TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256, 0, sizeof(digest), digest },
	{ TLSA_DANE_TA, TLSA_CERT, TLSA_SHA256, 0, sizeof(digest), digest }
};
static const struct in6_addr addresses[] = {
	{ .s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 } },
	{ .s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 2 } }
};

static struct require_host
host(unsigned n, enum require_dane dane)
{
	struct require_host h = { n == 0 ? "mx1.a.example" : "mx2.a.example", (uint16_t)(n * 10),
		REQUIRE_ADDRESSES_OK, &addresses[n], 1, true, dane, "", NULL, 0, "" };

	if (dane == REQUIRE_DANE_USABLE || dane == REQUIRE_DANE_UNUSABLE)
		h.base = h.name;
	if (dane == REQUIRE_DANE_USABLE) {
		h.records = records;
		h.records_len = 2;
	}
	return h;
}

/* The policy, in every state that it can be in; mx1 is allowed by it, mx2 is not. */
enum sts_case { NO_STS, PENDING, ENFORCE, TESTING, OFF, STATES };

static struct sts_view
sts_view(enum sts_case s)
{
	static const char *const texts[STATES] = { [ENFORCE] = POLICY("enforce"),
		[TESTING] = POLICY("testing"), [OFF] = POLICY("none") };
	static struct sts_policy policies[STATES];
	struct sts_view v = { .state = REQUIRE_STS_NONE, .id = "", .announced_id = "",
		.announced_detail = "", .detail = "" };
	struct sts_policy_fault fault;

	if (s == PENDING)
		v.state = REQUIRE_STS_PENDING;
	if (texts[s] == NULL)
		return v;
	assert_true(sts_policy_parse(&policies[s], &fault, texts[s], strlen(texts[s])));
	v.state = REQUIRE_STS_ACTIVE;
	v.policy = &policies[s];
	v.id = "7";
	v.source = SOURCE_CACHE;
	return v;
}

struct case_of {
	enum level level;		/* LEVEL_AUTO: no rule */
	bool dane, both, secure;	/* secure: the MX record set */
	enum sts_case sts;
	enum require_dane hosts[2];
	enum report_would would;
	const char *reason;		/* a part; "" */
};

static const struct case_of cases[] = {
#define U REQUIRE_DANE_USABLE
#define X REQUIRE_DANE_UNUSABLE
#define N REQUIRE_DANE_NONE
#define I REQUIRE_DANE_INSECURE
#define E REQUIRE_DANE_ERROR
	{ LEVEL_AUTO, 1, 0, 1, NO_STS, { U, U }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 0, 1, NO_STS, { X, X }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 0, 1, NO_STS, { N, I }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 0, 1, NO_STS, { E, E }, WOULD_DEFER, "TLSA records of the MX hosts" },
	{ LEVEL_AUTO, 1, 0, 1, NO_STS, { E, N }, WOULD_DELIVER, "" },	/* R81: others may */
	{ LEVEL_AUTO, 0, 0, 1, NO_STS, { E, E }, WOULD_DELIVER, "" },	/* no DANE here */
	/* STS never overrides DANE; where there is none it decides. */
	{ LEVEL_AUTO, 1, 0, 1, ENFORCE, { I, U }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 0, 1, ENFORCE, { E, U }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 0, 1, ENFORCE, { E, N }, WOULD_DEFER, "TLSA records" },
	{ LEVEL_AUTO, 1, 0, 1, ENFORCE, { E, X }, WOULD_DEFER, "TLSA records" },
	{ LEVEL_AUTO, 1, 0, 1, PENDING, { N, U }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 0, 1, PENDING, { N, X }, WOULD_DEFER, "still being fetched" },
	/* Both: the allowed host must have no doubt about its records either. */
	{ LEVEL_AUTO, 1, 1, 1, ENFORCE, { U, U }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 1, 1, ENFORCE, { E, U }, WOULD_DEFER, "TLSA records" },
	{ LEVEL_AUTO, 1, 1, 1, TESTING, { E, U }, WOULD_DELIVER, "" },
	{ LEVEL_AUTO, 1, 1, 1, PENDING, { U, U }, WOULD_DEFER, "still being fetched" },
	{ LEVEL_DANE, 1, 0, 1, ENFORCE, { E, I }, WOULD_DELIVER, "" },
	{ LEVEL_DANE, 1, 0, 1, NO_STS, { E, E }, WOULD_DEFER, "TLSA records" },
	{ LEVEL_DANE_ONLY, 1, 0, 1, NO_STS, { N, U }, WOULD_DELIVER, "" },
	{ LEVEL_DANE_ONLY, 1, 0, 0, NO_STS, { U, U }, WOULD_REFUSE, "not signed" },	/* R90 */
	{ LEVEL_DANE_ONLY, 1, 0, 1, NO_STS, { X, I }, WOULD_REFUSE, "which the rule demands" },
	{ LEVEL_DANE_ONLY, 0, 0, 1, NO_STS, { U, U }, WOULD_DELIVER, "" },
	{ LEVEL_DANE_ONLY, 1, 0, 1, NO_STS, { E, I }, WOULD_DEFER, "TLSA records" },
	{ LEVEL_FINGERPRINT, 1, 0, 0, ENFORCE, { E, E }, WOULD_DELIVER, "" },
	{ LEVEL_MAY, 1, 0, 0, ENFORCE, { E, E }, WOULD_DELIVER, "" },
#undef U
#undef X
#undef N
#undef I
#undef E
};

static void
set_up(const struct case_of *c, size_t first, size_t len, struct require_host hosts[2],
    struct mx_set *mx, struct lookup_result *r)
{
	for (size_t i = 0; i < 2; i++)
		hosts[i] = host((unsigned)i, c->hosts[i]);
	*mx = (struct mx_set){ .state = REQUIRE_MX_OK, .secure = c->secure, .expanded = "",
		.answers = "MX a.example: secure, 2 records", .exists = true,
		.hosts = hosts + first, .hosts_len = len, .problem = "" };
	*r = (struct lookup_result){ .sts = sts_view(c->sts), .mx = mx, .exists = true };
}

static void
verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct case_of *c = &cases[i];
		struct config_rule rule = { .name = (char[]){ "a.example" }, .level = c->level };
		struct report_terms terms = { c->level != LEVEL_AUTO ? &rule : NULL, c->dane,
			c->both };
		struct require_host hosts[2];
		struct lookup_result r;
		struct mx_set mx;
		const char *reason;

		set_up(c, 0, 2, hosts, &mx, &r);
		if (report_would(&r, &terms, &reason) != c->would ||
		    strstr(reason, c->reason) == NULL || (reason[0] == '\0') !=
		    (c->would == WOULD_DELIVER))
			fail_msg("case %zu: %s (%s)", i,
			    report_would_name(report_would(&r, &terms, &reason)), reason);
	}
}

/* What judge() would make of it, given a good certificate. */
static enum report_would
meant(const struct requirement *q)
{
	bool names = q->level == LEVEL_VERIFY || (q->level == LEVEL_DANE && q->both);

	if (q->state == REQUIREMENT_DEFER)
		return WOULD_DEFER;
	if (q->level == LEVEL_DANE_ONLY && q->tlsa.len == 0)
		return WOULD_REFUSE;
	return names && !q->mx_allowed && q->sts_mode != STS_TESTING ? WOULD_REFUSE :
	    WOULD_DELIVER;
}

/* One of the two hosts as the peer, before require() and in the report. */
static void
compare(const struct case_of *c, size_t n)
{
	struct config_match match = { 32, { 1 } };
	struct config_rule rule = { .name = (char[]){ "a.example" }, .level = c->level,
		.match = &match, .match_len = 1 };
	struct report_terms terms = { c->level != LEVEL_AUTO ? &rule : NULL, c->dane, c->both };
	struct require_host hosts[2];
	struct lookup_result r;
	struct mx_set mx;
	struct require_input in = { .now = 1000, .domain = "a.example", .peer = addresses[n],
		.rule = terms.rule, .no_policy = LEVEL_MAY, .dane = c->dane, .both = c->both };
	struct requirement_space space;
	struct requirement q;
	const char *reason;

	set_up(c, n, 1, hosts, &mx, &r);
	in.sts.state = r.sts.state;
	in.sts.policy = r.sts.policy;
	in.sts.id = r.sts.id;
	in.mx.state = mx.state;
	in.mx.secure = mx.secure;
	in.mx.hosts = mx.hosts;
	in.mx.hosts_len = mx.hosts_len;
	require(&in, &space, &q);
	if (report_host_would(&r, mx.hosts, &terms, &reason) != meant(&q) ||
	    report_would(&r, &terms, &reason) != meant(&q))
		fail_msg("level %s dane %d both %d secure %d sts %d host %zu is %d: require %s, "
		    "reported %s", level_name(c->level), c->dane, c->both, c->secure, (int)c->sts,
		    n, (int)c->hosts[n], report_would_name(meant(&q)),
		    report_would_name(report_would(&r, &terms, &reason)));
}

/* Every combination: who asks beforehand is told what a session comes to. */
static void
as_decided(void **state)
{
	unsigned compared = 0;

	(void)state;
	for (int level = LEVEL_NONE; level <= LEVEL_AUTO; level++)
		for (int dane = REQUIRE_DANE_NONE; dane <= REQUIRE_DANE_USABLE; dane++)
			for (int sts = NO_STS; sts < STATES; sts++)
				for (unsigned bits = 0; bits < 16; bits++, compared++) {
					struct case_of c = { (enum level)level, bits & 1,
						(bits & 2) != 0, (bits & 4) != 0, (enum sts_case)sts,
						{ (enum require_dane)dane,
						(enum require_dane)dane }, WOULD_DELIVER, "" };

					compare(&c, bits >> 3);
				}
	assert_int_equal(compared, 9 * 5 * 5 * 16);
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

/* INTERFACE: mx[].secure, mx[].dane; and every answer of DNS. */
static void
as_json(void **state)
{
	static const struct {
		enum require_dane dane;
		const char *name;
		size_t records;
		bool base;
	} rows[] = {
		{ REQUIRE_DANE_USABLE, "usable", 2, true },
		{ REQUIRE_DANE_UNUSABLE, "unusable", 0, true },
		{ REQUIRE_DANE_NONE, "none", 0, false },
		{ REQUIRE_DANE_INSECURE, "insecure", 0, false },
		{ REQUIRE_DANE_ERROR, "error", 0, false }
	};
	struct report_terms terms = { NULL, true, false };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct case_of c = { .secure = i != 1, .hosts = { rows[i].dane, rows[i].dane } };
		struct require_host hosts[2];
		struct lookup_result r;
		struct mx_set mx;
		json_t *o, *one, *dane;

		set_up(&c, 0, 2, hosts, &mx, &r);
		hosts[0].answers = "A mx1.a.example: secure, 1 record\nTLSA x: bogus, \xff\x1b[2J";
		hosts[1].secure = false;
		o = report_domain("a.example", &r, &terms);
		assert_int_equal(json_array_size(json_object_get(o, "dns")), 1);
		one = json_array_get(json_object_get(o, "mx"), 0);
		assert_string_equal(text(one, "host"), "mx1.a.example");
		assert_int_equal(json_is_true(json_object_get(one, "secure")), c.secure);
		dane = json_object_get(one, "dane");
		assert_string_equal(text(dane, "state"), rows[i].name);
		assert_string_equal(text(dane, "base"), rows[i].base ? "mx1.a.example" : "-");
		assert_int_equal(json_array_size(json_object_get(dane, "records")),
		    rows[i].records);
		if (rows[i].records > 0)
			assert_int_equal(strncmp(json_string_value(json_array_get(
			    json_object_get(dane, "records"), 0)), "3 1 1 abcd00", 12), 0);
		dane = json_object_get(one, "dns");
		assert_int_equal(json_array_size(dane), 2);
		assert_string_equal(json_string_value(json_array_get(dane, 0)),
		    "A mx1.a.example: secure, 1 record");
		assert_string_equal(json_string_value(json_array_get(dane, 1)),
		    "TLSA x: bogus, ??[2J");
		assert_string_equal(text(one, "would"), i == 4 ? "defer" : "deliver");
		one = json_array_get(json_object_get(o, "mx"), 1);
		assert_false(json_is_true(json_object_get(one, "secure")));
		assert_int_equal(json_array_size(json_object_get(one, "dns")), 0);
		assert_string_equal(text(o, "would"), i == 4 ? "defer" : "deliver");
		json_decref(o);
	}
}

static void
lines(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = { { NULL, 0 }, { "", 0 }, { "a", 1 }, { "a\n", 1 }, { "a\nb", 2 },
		{ "a\n\nb", 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *list = report_lines(rows[i].text);

		assert_int_equal(json_array_size(list), rows[i].len);
		json_decref(list);
	}
}

static void
a_rule_shows_its_fingerprints(void **state)
{
	struct config_match match[2] = { { 32, { 0xab } }, { 64, { 0xcd } } };
	struct config_rule rule = { .name = (char[]){ "a.example" }, .level = LEVEL_FINGERPRINT,
		.match = match, .match_len = 2 };
	json_t *o = report_rule(&rule), *list = json_object_get(o, "match");

	(void)state;
	assert_string_equal(text(o, "level"), "fingerprint");
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(strlen(json_string_value(json_array_get(list, 0))), 64);
	assert_int_equal(strlen(json_string_value(json_array_get(list, 1))), 128);
	assert_int_equal(strncmp(json_string_value(json_array_get(list, 1)), "cd00", 4), 0);
	json_decref(o);
	rule.match_len = 0;
	o = report_rule(&rule);
	assert_null(json_object_get(o, "match"));
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts), cmocka_unit_test(as_decided),
		cmocka_unit_test(as_json), cmocka_unit_test(lines),
		cmocka_unit_test(a_rule_shows_its_fingerprints)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
