/* judge_test.c - verdicts and replies, case by case and over every combination
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/testjudge.h"

static const char *const mx_hosts[] = { "mx.a.example", "mx2.a.example" };
static const char *const one_name[] = { "mx.a.example" };
static const char *const second_name[] = { "www.hoster.example", "*.a.example" };
static const char *const wrong_names[] = { "*.hoster.example", "hoster.example" };

static struct requirement
demanding(enum level level)
{
	return (struct requirement){ .state = REQUIREMENT_READY, .level = level,
	    .floor = LEVEL_MAY, .policy_type = POLICY_NONE_FOUND, .source = SOURCE_NONE,
	    .sts_mode = STS_NONE, .stripping_refuse = true, .marks_count = true, .mapped = true,
	    .mx_allowed = true, .policy_domain = "", .policy_id = "", .mx_host = "mx.a.example",
	    .sni = "mx.a.example", .secure_domain = "", .reason = "", .hosts = mx_hosts };
}

static struct requirement
sts(enum sts_mode mode)
{
	struct requirement q = demanding(LEVEL_VERIFY);

	q.policy_type = POLICY_STS;
	q.source = SOURCE_CACHE;
	q.sts_mode = mode;
	q.policy_domain = "a.example";
	q.policy_id = "7";
	q.hosts_len = 1;
	return q;
}

static struct requirement
local(enum level level, enum policy_source source)
{
	struct requirement q = demanding(level);

	q.policy_type = POLICY_LOCAL;
	q.source = source;
	q.policy_domain = "a.example";
	q.marks_count = false;
	q.hosts_len = level == LEVEL_VERIFY;
	q.secure_domain = level == LEVEL_SECURE ? "a.example" : "";
	return q;
}

static struct proof
proven(const char *const *names, size_t len)
{
	return (struct proof){ .state = PROOF_TLS, .chain = CHAIN_TRUSTED, .version = "TLSv1.3",
	    .sni = "mx.a.example", .names = names, .names_len = len };
}

static const struct proof clear = { .state = PROOF_NO_TLS };
static const struct proof failed = { .state = PROOF_HANDSHAKE_FAILED, .sni = "mx.a.example",
    .detail = "wrong version number" };

/* What an enforcing policy makes of what a server proves (R28, R30, R31, R38). */
static void
test_certificates(void **state)
{
	static const struct {
		enum proof_chain chain;
		const char *version;
		const char *const *names;
		size_t len;
		enum result_type result;
		const char *code, *reason;
	} cases[] = {
		{ CHAIN_TRUSTED, "TLSv1.3", one_name, 1, RESULT_SUCCESS, "proven", "" },
		{ CHAIN_TRUSTED, "TLSv1.2", second_name, 2, RESULT_SUCCESS, "proven", "" },
		{ CHAIN_TRUSTED, "TLSv1.3", wrong_names, 1, RESULT_CERTIFICATE_HOST_MISMATCH,
		  "name-mismatch", "demands a certificate for mx.a.example, got *.hoster.example" },
		{ CHAIN_TRUSTED, "TLSv1.3", wrong_names, 2, RESULT_CERTIFICATE_HOST_MISMATCH,
		  "name-mismatch",
		  "demands a certificate for mx.a.example, got *.hoster.example and 1 more" },
		{ CHAIN_TRUSTED, "TLSv1.3", NULL, 0, RESULT_CERTIFICATE_HOST_MISMATCH,
		  "name-mismatch",
		  "demands a certificate for mx.a.example, got one without a host name" },
		{ CHAIN_EXPIRED, "TLSv1.3", one_name, 1, RESULT_CERTIFICATE_EXPIRED,
		  "chain-expired",
		  "demands a certificate for mx.a.example, got one out of date: DETAIL" },
		{ CHAIN_UNTRUSTED, "TLSv1.3", one_name, 1, RESULT_CERTIFICATE_NOT_TRUSTED,
		  "chain-untrusted",
		  "demands a certificate for mx.a.example, got one of no trusted CA: DETAIL" },
		{ CHAIN_INVALID, "TLSv1.3", one_name, 1, RESULT_VALIDATION_FAILURE,
		  "chain-invalid",
		  "demands a certificate for mx.a.example, got an invalid one: DETAIL" },
		{ CHAIN_NONE, "TLSv1.2", NULL, 0, RESULT_CERTIFICATE_NOT_TRUSTED,
		  "no-certificate", "demands a certificate for mx.a.example, got none" },
		/* The chain stands before the name. */
		{ CHAIN_UNTRUSTED, "TLSv1.3", wrong_names, 1, RESULT_CERTIFICATE_NOT_TRUSTED,
		  "chain-untrusted", NULL },
		{ CHAIN_EXPIRED, "TLSv1.3", wrong_names, 1, RESULT_CERTIFICATE_EXPIRED,
		  "chain-expired", NULL },
		{ CHAIN_TRUSTED, "TLSv1.1", one_name, 1, RESULT_VALIDATION_FAILURE, "tls-version",
		  "demands TLS 1.2 or newer, its server speaks TLSv1.1" },
		{ CHAIN_TRUSTED, "TLSv1", one_name, 1, RESULT_VALIDATION_FAILURE, "tls-version",
		  NULL },
		{ CHAIN_TRUSTED, "", one_name, 1, RESULT_VALIDATION_FAILURE, "tls-version", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct proof p = proven(cases[i].names, cases[i].len);
		bool pass = cases[i].result == RESULT_SUCCESS;
		struct requirement q = sts(STS_ENFORCE);
		struct verdict v;

		p.chain = cases[i].chain;
		snprintf(p.version, sizeof p.version, "%s", cases[i].version);
		snprintf(p.detail, sizeof p.detail, "%s",
		    cases[i].chain == CHAIN_TRUSTED ? "" : "DETAIL");
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, pass ? VERDICT_PASS : VERDICT_REFUSE, cases[i].result, cases[i].code,
		    pass ? "2.0.0" : "4.7.5");
		if (!pass && cases[i].reason != NULL)
			assert_string_equal(v.reason, cases[i].reason);
		assert_false(v.other_session || v.by_memory);

		/* Testing and monitor: the same finding, a report (R32). */
		v = verdict(sts(STS_TESTING), STARTTLS_OFFERED, p);
		expect(v, pass ? VERDICT_PASS : VERDICT_WOULD_REFUSE, cases[i].result,
		    cases[i].code, pass ? "2.0.0" : "4.7.5");
		q.monitor = true;
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, pass ? VERDICT_PASS : VERDICT_WOULD_REFUSE, cases[i].result,
		    cases[i].code, pass ? "2.0.0" : "4.7.5");
	}
}

static void
test_no_tls_where_demanded(void **state)
{
	static const struct {
		enum starttls starttls;
		const char *code, *reason;
		bool other_session;
	} cases[] = {
		{ STARTTLS_ABSENT, "starttls-absent",
		  "demands TLS, but its server does not offer STARTTLS", false },
		{ STARTTLS_MASKED, "starttls-masked",
		  "demands TLS, but its server has its offer of STARTTLS overwritten on the way",
		  false },
		{ STARTTLS_REFUSED, "starttls-refused",
		  "demands TLS, but its server offers STARTTLS and refuses it", false },
		{ STARTTLS_WRONG_CODE, "starttls-wrong-code",
		  "demands TLS, but its server answers STARTTLS with what no server sends", false },
		{ STARTTLS_INJECTED, "starttls-injected", "demands TLS, but its server has octets "
		  "injected behind its answer to STARTTLS", false },
		{ STARTTLS_NOT_TRIED, "starttls-not-tried",
		  "demands TLS, but its server was not asked for it in this session", true },
		{ STARTTLS_OFFERED, "starttls-not-tried",
		  "demands TLS, but its server was not asked for it in this session", true },
	};
	const struct requirement demands[] = { sts(STS_ENFORCE), demanding(LEVEL_ENCRYPT),
	    local(LEVEL_ENCRYPT, SOURCE_RULE), local(LEVEL_SECURE, SOURCE_RELAY) };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t k = 0; k < 4; k++) {
			struct verdict v = verdict(demands[k], cases[i].starttls, clear);

			expect(v, VERDICT_REFUSE, RESULT_STARTTLS_NOT_SUPPORTED, cases[i].code,
			    "4.7.10");
			assert_string_equal(v.reason, cases[i].reason);
			assert_int_equal(v.other_session, cases[i].other_session);
			assert_false(v.by_memory);
		}
	}
	for (size_t k = 0; k < 4; k++) {
		struct verdict v = verdict(demands[k], STARTTLS_OFFERED, failed);

		expect(v, VERDICT_REFUSE, RESULT_VALIDATION_FAILURE, "handshake-failed", "4.7.10");
		assert_string_equal(v.reason,
		    "demands TLS, but the handshake with its server failed: wrong version number");
	}
}

/* R28 (1): without an allowed MX host nothing that the server proves helps. */
static void
test_mx_mismatch(void **state)
{
	struct requirement q = sts(STS_ENFORCE);
	struct verdict v;

	(void)state;
	q.mx_allowed = false;
	q.hosts_len = 0;
	q.mx_host = "mx.evil.test";
	v = verdict(q, STARTTLS_OFFERED, proven(one_name, 1));
	expect(v, VERDICT_REFUSE, RESULT_VALIDATION_FAILURE, "mx-mismatch", "4.7.0");
	assert_string_equal(v.reason, "does not name the MX host mx.evil.test in its policy");
	assert_false(v.other_session);
	v = verdict(q, STARTTLS_ABSENT, clear);
	expect(v, VERDICT_REFUSE, RESULT_VALIDATION_FAILURE, "mx-mismatch", "4.7.0");
	assert_true(judge_demands_tls(&q));
	q.mapped = false;
	q.mx_host = "";
	v = verdict(q, STARTTLS_OFFERED, proven(one_name, 1));
	assert_string_equal(v.reason, "names none of its MX hosts in its policy");
	q.sts_mode = STS_TESTING;
	v = verdict(q, STARTTLS_OFFERED, proven(one_name, 1));
	expect(v, VERDICT_WOULD_REFUSE, RESULT_VALIDATION_FAILURE, "mx-mismatch", "4.7.0");
	/* Allowed in words and no host given is our own fault: closed. */
	q = sts(STS_ENFORCE);
	q.hosts_len = 0;
	v = verdict(q, STARTTLS_OFFERED, proven(one_name, 1));
	expect(v, VERDICT_REFUSE, RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch", "4.7.5");
}

/* Not mapped: any of the allowed MX hosts will do. */
static void
test_several_hosts(void **state)
{
	static const char *const two[] = { "mx2.a.example" };
	struct requirement q = sts(STS_ENFORCE);
	struct verdict v;

	(void)state;
	q.mapped = false;
	q.mx_host = "";
	q.hosts_len = 2;
	expect(verdict(q, STARTTLS_OFFERED, proven(two, 1)), VERDICT_PASS, RESULT_SUCCESS, "proven",
	    "2.0.0");
	v = verdict(q, STARTTLS_OFFERED, proven(wrong_names, 1));
	assert_string_equal(v.reason,
	    "demands a certificate for mx.a.example or 1 more, got *.hoster.example");
}

static void
test_secure(void **state)
{
	static const char *const itself[] = { "a.example" }, *const wild[] = { "*.a.example" },
	    *const deep[] = { "b.c.a.example" }, *const above[] = { "example" };
	struct requirement q = local(LEVEL_SECURE, SOURCE_RULE);
	struct verdict v;

	(void)state;
	expect(verdict(q, STARTTLS_OFFERED, proven(itself, 1)), VERDICT_PASS, RESULT_SUCCESS,
	    "proven", "2.0.0");
	expect(verdict(q, STARTTLS_OFFERED, proven(one_name, 1)), VERDICT_PASS, RESULT_SUCCESS,
	    "proven", "2.0.0");
	expect(verdict(q, STARTTLS_OFFERED, proven(wild, 1)), VERDICT_PASS, RESULT_SUCCESS,
	    "proven", "2.0.0");
	expect(verdict(q, STARTTLS_OFFERED, proven(deep, 1)), VERDICT_REFUSE,
	    RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch", "4.7.5");
	v = verdict(q, STARTTLS_OFFERED, proven(above, 1));
	assert_string_equal(v.reason,
	    "demands a certificate for a.example or a name below, got example");
	q.secure_domain = "";
	expect(verdict(q, STARTTLS_OFFERED, proven(itself, 1)), VERDICT_REFUSE,
	    RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch", "4.7.5");
}

static void
test_encrypt(void **state)
{
	struct proof p = proven(wrong_names, 1);

	(void)state;
	p.chain = CHAIN_UNTRUSTED;
	snprintf(p.version, sizeof p.version, "TLSv1");
	expect(verdict(local(LEVEL_ENCRYPT, SOURCE_RULE), STARTTLS_OFFERED, p), VERDICT_PASS,
	    RESULT_SUCCESS, "tls-unauthenticated", "2.0.0");
	expect(verdict(demanding(LEVEL_MAY), STARTTLS_OFFERED, p), VERDICT_PASS, RESULT_SUCCESS,
	    "tls-unauthenticated", "2.0.0");
}

/* Settled: first contact without marks passes in clear text, and the reason code says so. */
static void
test_opportunistic(void **state)
{
	static const struct {
		enum starttls starttls;
		const char *code;
	} honest[] = {
		{ STARTTLS_ABSENT, "starttls-absent" }, { STARTTLS_REFUSED, "starttls-refused" },
		{ STARTTLS_NOT_TRIED, "starttls-not-tried" },
	}, marks[] = {
		{ STARTTLS_MASKED, "starttls-masked" },
		{ STARTTLS_WRONG_CODE, "starttls-wrong-code" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		expect(verdict(demanding(LEVEL_MAY), honest[i].starttls, clear), VERDICT_PASS,
		    RESULT_SUCCESS, honest[i].code, "2.0.0");
	expect(verdict(demanding(LEVEL_MAY), STARTTLS_OFFERED, failed), VERDICT_PASS,
	    RESULT_SUCCESS, "handshake-failed", "2.0.0");
	for (size_t i = 0; i < 2; i++) {
		struct requirement q = demanding(LEVEL_MAY);
		struct verdict v = verdict(q, marks[i].starttls, clear);

		expect(v, VERDICT_REFUSE, RESULT_STARTTLS_NOT_SUPPORTED, marks[i].code, "4.7.10");
		assert_true(v.by_memory);
		assert_string_equal(verdict_source(&q, &v), "memory");
		q.monitor = true;
		expect(verdict(q, marks[i].starttls, clear), VERDICT_WOULD_REFUSE,
		    RESULT_STARTTLS_NOT_SUPPORTED, marks[i].code, "4.7.10");
		q.monitor = false;
		q.stripping_refuse = false;
		expect(verdict(q, marks[i].starttls, clear), VERDICT_PASS, RESULT_SUCCESS,
		    marks[i].code, "2.0.0");
		/* A rule that allows clear text was written by somebody who knew. */
		expect(verdict(local(LEVEL_MAY, SOURCE_RULE), marks[i].starttls, clear),
		    VERDICT_PASS, RESULT_SUCCESS, marks[i].code, "2.0.0");
	}
}

static void
test_memory(void **state)
{
	static const struct {
		enum starttls starttls;
		const char *reason;
		bool other_session;
	} cases[] = {
		{ STARTTLS_ABSENT,
		  "has a server that offered STARTTLS in the last 30 days and does not now",
		  false },
		{ STARTTLS_REFUSED,
		  "has a server that offered STARTTLS in the last 30 days and refuses it now",
		  false },
		{ STARTTLS_NOT_TRIED,
		  "has a server known to offer STARTTLS, not asked for in this session", true },
	};
	struct requirement q = demanding(LEVEL_MAY);
	struct verdict v;

	(void)state;
	q.remembered = true;
	for (size_t i = 0; i < 3; i++) {
		v = verdict(q, cases[i].starttls, clear);
		expect(v, VERDICT_REFUSE, RESULT_STARTTLS_NOT_SUPPORTED, "starttls-remembered",
		    "4.7.10");
		assert_string_equal(v.reason, cases[i].reason);
		assert_int_equal(v.other_session, cases[i].other_session);
		assert_true(v.by_memory);
	}
	v = verdict(q, STARTTLS_OFFERED, failed);
	expect(v, VERDICT_REFUSE, RESULT_VALIDATION_FAILURE, "handshake-failed", "4.7.10");
	assert_true(v.by_memory);
	expect(verdict(q, STARTTLS_OFFERED, proven(NULL, 0)), VERDICT_PASS, RESULT_SUCCESS,
	    "tls-unauthenticated", "2.0.0");
	q.stripping_refuse = false;
	expect(verdict(q, STARTTLS_ABSENT, clear), VERDICT_PASS, RESULT_SUCCESS,
	    "starttls-remembered", "2.0.0");
	/* A policy in testing does not relax memory, nor does mode none. */
	q = sts(STS_TESTING);
	q.remembered = true;
	v = verdict(q, STARTTLS_ABSENT, clear);
	expect(v, VERDICT_REFUSE, RESULT_STARTTLS_NOT_SUPPORTED, "starttls-remembered", "4.7.10");
	assert_string_equal(verdict_source(&q, &v), "memory");
	assert_true(judge_demands_tls(&q));
	q.stripping_refuse = false;
	expect(verdict(q, STARTTLS_ABSENT, clear), VERDICT_WOULD_REFUSE,
	    RESULT_STARTTLS_NOT_SUPPORTED, "starttls-absent", "4.7.10");
	assert_false(judge_demands_tls(&q));
}

/* Behind an injection the connection is dead: no level and no setting makes it good. */
static void
test_injection(void **state)
{
	const struct requirement all[] = { demanding(LEVEL_MAY), demanding(LEVEL_ENCRYPT),
	    sts(STS_ENFORCE), sts(STS_TESTING), local(LEVEL_MAY, SOURCE_RULE) };

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct requirement q = all[i];

		q.stripping_refuse = false;
		expect(verdict(q, STARTTLS_INJECTED, clear), VERDICT_REFUSE,
		    RESULT_STARTTLS_NOT_SUPPORTED, "starttls-injected", "4.7.10");
		q.monitor = true;
		expect(verdict(q, STARTTLS_INJECTED, clear), VERDICT_WOULD_REFUSE,
		    RESULT_STARTTLS_NOT_SUPPORTED, "starttls-injected", "4.7.10");
	}
}

static void
test_floor(void **state)
{
	struct requirement q = sts(STS_TESTING);
	struct verdict v;

	(void)state;
	q.floor = LEVEL_ENCRYPT;
	v = verdict(q, STARTTLS_ABSENT, clear);
	expect(v, VERDICT_REFUSE, RESULT_STARTTLS_NOT_SUPPORTED, "starttls-absent", "4.7.10");
	assert_string_equal(verdict_source(&q, &v), "no policy");
	assert_true(judge_demands_tls(&q));
	v = verdict(q, STARTTLS_OFFERED, proven(wrong_names, 1));
	expect(v, VERDICT_WOULD_REFUSE, RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch", "4.7.5");
	assert_string_equal(verdict_source(&q, &v), "sts testing");
}

static void
test_deferrals(void **state)
{
	static const struct {
		enum requirement_defer defer;
		const char *code, *enhanced;
	} cases[] = {
		{ DEFER_POLICY_PENDING, "policy-pending", "4.7.0" },
		{ DEFER_DNS_UNDECIDED, "dns-undecided", "4.4.3" },
		{ DEFER_NULL_MX, "null-mx", "4.7.0" },
		{ DEFER_SERVICE_DOWN, "service-down", "4.7.0" },
		{ DEFER_UNMAPPED, "unmapped", "4.7.0" },
		{ DEFER_NOTHING, "deferred", "4.7.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct requirement q = { .state = REQUIREMENT_DEFER, .defer_code = cases[i].defer };
		struct verdict v = verdict(q, STARTTLS_OFFERED, proven(one_name, 1));

		expect(v, VERDICT_REFUSE, RESULT_VALIDATION_FAILURE, cases[i].code,
		    cases[i].enhanced);
		assert_true(v.reason[0] != '\0');
		assert_true(judge_demands_tls(&q));
		assert_false(judge_wants_tls(&q));
		/* monitor refuses nothing; the mail goes over TLS if it can. */
		q.monitor = true;
		v = verdict(q, STARTTLS_OFFERED, proven(one_name, 1));
		expect(v, VERDICT_WOULD_REFUSE, RESULT_VALIDATION_FAILURE, cases[i].code,
		    cases[i].enhanced);
		assert_false(judge_demands_tls(&q));
		assert_true(judge_wants_tls(&q));
		q.reason = "has a reason of its own";
		v = verdict(q, STARTTLS_OFFERED, clear);
		assert_string_equal(v.reason, "has a reason of its own");
	}
}

/* Another SNI may bring another certificate; the same will not. */
static void
test_other_session(void **state)
{
	struct requirement q = sts(STS_ENFORCE);
	struct proof p = proven(wrong_names, 1);

	(void)state;
	assert_false(verdict(q, STARTTLS_OFFERED, p).other_session);
	snprintf(p.sni, sizeof p.sni, "MX.A.example");
	assert_false(verdict(q, STARTTLS_OFFERED, p).other_session);
	snprintf(p.sni, sizeof p.sni, "mx.b.example");
	assert_true(verdict(q, STARTTLS_OFFERED, p).other_session);
	p.chain = CHAIN_UNTRUSTED;
	assert_true(verdict(q, STARTTLS_OFFERED, p).other_session);
	p.state = PROOF_HANDSHAKE_FAILED;
	assert_true(verdict(q, STARTTLS_OFFERED, p).other_session);
	p.sni[0] = '\0';
	assert_true(verdict(q, STARTTLS_OFFERED, p).other_session);
	q.sni = "";
	assert_false(verdict(q, STARTTLS_OFFERED, p).other_session);
	q = sts(STS_ENFORCE);
	assert_false(verdict(q, STARTTLS_OFFERED, proven(one_name, 1)).other_session);
}

static void
test_wants_and_demands(void **state)
{
	const struct {
		struct requirement q;
		bool wants, demands;
	} cases[] = {
		{ local(LEVEL_NONE, SOURCE_RULE), false, false },
		{ demanding(LEVEL_MAY), true, false },
		{ demanding(LEVEL_ENCRYPT), true, true },
		{ local(LEVEL_VERIFY, SOURCE_RULE), true, true },
		{ local(LEVEL_SECURE, SOURCE_RELAY), true, true },
		{ sts(STS_ENFORCE), true, true },
		{ sts(STS_TESTING), true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct requirement q = cases[i].q;

		assert_int_equal(judge_wants_tls(&q), cases[i].wants);
		assert_int_equal(judge_demands_tls(&q), cases[i].demands);
		q.monitor = true;
		assert_int_equal(judge_wants_tls(&q), cases[i].wants);
		assert_false(judge_demands_tls(&q));
	}
}

/* End to end: nobody demands it, but only what is proven passes, and is not called demanded. */
static void
test_raised(void **state)
{
	static const char *const versions[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	struct requirement q = demanding(LEVEL_VERIFY), real = q;
	struct verdict v;

	(void)state;
	q.raised = true;
	q.hosts_len = 1;
	real.hosts_len = 1;
	for (size_t i = 0; i < 4; i++) {
		struct proof p = proven(one_name, 1);

		/* R38 is a demand's; what tls.min-version allows was allowed before. */
		snprintf(p.version, sizeof p.version, "%s", versions[i]);
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, VERDICT_PASS, RESULT_SUCCESS, "proven", "2.0.0");
		assert_string_equal(v.reason, "demands no proof; its server has given it");
		assert_int_equal(verdict(real, STARTTLS_OFFERED, p).kind,
		    i < 2 ? VERDICT_REFUSE : VERDICT_PASS);
	}
	for (int monitor = 0; monitor < 2; monitor++) {
		enum verdict_kind kind = monitor ? VERDICT_WOULD_REFUSE : VERDICT_REFUSE;
		struct proof p = proven(one_name, 1);

		q.monitor = monitor;
		v = verdict(q, STARTTLS_OFFERED, proven(wrong_names, 1));
		expect(v, kind, RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch", "4.7.5");
		assert_string_equal(v.reason, "goes end to end only with a certificate for "
		    "mx.a.example, got *.hoster.example");
		p.chain = CHAIN_INVALID;
		snprintf(p.detail, sizeof p.detail, "no signature");
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, kind, RESULT_VALIDATION_FAILURE, "chain-invalid", "4.7.5");
		assert_string_equal(v.reason, "goes end to end only with a certificate for "
		    "mx.a.example, got an invalid one: no signature");
		v = verdict(q, STARTTLS_ABSENT, clear);
		expect(v, kind, RESULT_STARTTLS_NOT_SUPPORTED, "starttls-absent", "4.7.10");
	}
	q.monitor = false;
	assert_false(judge_demands_tls(&q));
	assert_true(judge_wants_tls(&q));
	q.floor = LEVEL_ENCRYPT;
	assert_true(judge_demands_tls(&q));
}

/* End to end testing is enforced, as its requirement's floor says. */
static void
test_testing_end_to_end(void **state)
{
	struct requirement q = sts(STS_TESTING);
	struct proof old = proven(one_name, 1);

	(void)state;
	q.floor = LEVEL_VERIFY;
	expect(verdict(q, STARTTLS_OFFERED, proven(one_name, 1)), VERDICT_PASS, RESULT_SUCCESS,
	    "proven", "2.0.0");
	expect(verdict(q, STARTTLS_OFFERED, proven(wrong_names, 1)), VERDICT_REFUSE,
	    RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch", "4.7.5");
	snprintf(old.version, sizeof old.version, "TLSv1.1");
	expect(verdict(q, STARTTLS_OFFERED, old), VERDICT_REFUSE, RESULT_VALIDATION_FAILURE,
	    "tls-version", "4.7.5");
	q.mx_allowed = false;
	expect(verdict(q, STARTTLS_OFFERED, proven(one_name, 1)), VERDICT_REFUSE,
	    RESULT_VALIDATION_FAILURE, "mx-mismatch", "4.7.0");
}

static struct verdict
mismatch(const struct requirement *q)
{
	return verdict(*q, STARTTLS_OFFERED, proven(wrong_names, 1));
}

static void
test_reply(void **state)
{
	struct requirement q = sts(STS_ENFORCE);
	char out[VERDICT_REPLY_MAX];
	struct verdict v;
	size_t len;

	(void)state;
	v = mismatch(&q);
	len = verdict_reply(out, sizeof out, "K7Q2-M4XD", "a.example", &q, &v);
	assert_string_equal(out, "451 4.7.5 postern K7Q2-M4XD: a.example demands a certificate for "
	    "mx.a.example, got *.hoster.example (certificate-host-mismatch, sts enforce); "
	    "not sent");
	assert_int_equal(len, strlen(out));

	q = local(LEVEL_VERIFY, SOURCE_RELAY);
	v = mismatch(&q);
	verdict_reply(out, sizeof out, "K7Q2-M4XD", "a.example", &q, &v);
	assert_non_null(strstr(out, "(certificate-host-mismatch, relay); not sent"));
	q.source = SOURCE_RULE;
	verdict_reply(out, sizeof out, "K7Q2-M4XD", "a.example", &q, &v);
	assert_non_null(strstr(out, "(certificate-host-mismatch, rule); not sent"));

	q = demanding(LEVEL_ENCRYPT);
	v = verdict(q, STARTTLS_ABSENT, clear);
	verdict_reply(out, sizeof out, "K7Q2-M4XD", "", &q, &v);
	assert_string_equal(out, "451 4.7.10 postern K7Q2-M4XD: this recipient demands TLS, but "
	    "its server does not offer STARTTLS (starttls-not-supported, no policy); not sent");

	q = demanding(LEVEL_MAY);
	v = verdict(q, STARTTLS_MASKED, clear);
	verdict_reply(out, sizeof out, "K7Q2-M4XD", "a.example", &q, &v);
	assert_non_null(strstr(out, "(starttls-not-supported, memory); not sent"));
}

/* Long and hostile texts: one line, printable, within the limit, and the tail is always there. */
static void
test_reply_is_bounded(void **state)
{
	char out[VERDICT_REPLY_MAX], name[254], nasty[254];
	const char *names[] = { nasty }, *hosts[] = { name };
	struct requirement q = sts(STS_ENFORCE);
	struct proof p = proven(names, 1);
	struct verdict v;
	size_t len;

	(void)state;
	memset(name, 'a', sizeof name - 1);
	memset(nasty, '\x1b', sizeof nasty - 1);
	name[253] = nasty[253] = '\0';
	memcpy(nasty, "x\r\n250 ok\xff", 10);
	q.hosts = hosts;
	v = verdict(q, STARTTLS_OFFERED, p);
	assert_non_null(strstr(v.reason, ", got x??250 ok???"));
	len = verdict_reply(out, sizeof out, "K7Q2-M4XD", name, &q, &v);
	assert_true(len <= VERDICT_REPLY_MAX - 2);
	assert_int_equal(len, strlen(out));
	assert_non_null(strstr(out, " (certificate-host-mismatch, sts enforce); not sent"));
	for (size_t i = 0; i < len; i++)
		assert_true(out[i] >= 0x20 && out[i] <= 0x7e);
	for (size_t size = 0; size < sizeof out; size++) {
		char small[VERDICT_REPLY_MAX + 1];

		memset(small, 0x7e, sizeof small);
		len = verdict_reply(small, size, "K7Q2-M4XD", name, &q, &v);
		assert_true(len < size || (size == 0 && len == 0));
		assert_int_equal(small[size], 0x7e);
	}
}

/* The invariants of THREATS, over every combination of what judge() can be asked. */
static void
check(const struct requirement *q, enum starttls starttls, const struct proof *p)
{
	bool tls = p->state == PROOF_TLS;
	bool named = proof_names_host(p, "mx.a.example");
	char reply[VERDICT_REPLY_MAX];
	enum level level = q->level;
	struct verdict v;

	judge(q, starttls, p, &v);
	assert_true(v.reason[0] != '\0' && v.reason_code[0] != '\0');
	if (q->raised && v.kind == VERDICT_PASS)
		assert_true(tls && p->chain == CHAIN_TRUSTED && named);
	if (q->raised)
		return;
	assert_int_equal(v.result_type == RESULT_SUCCESS, v.kind == VERDICT_PASS);
	assert_true(v.kind != VERDICT_PASS || !(v.other_session || v.by_memory));
	assert_true(verdict_reply(reply, sizeof reply, "K7Q2-M4XD", "a.example", q, &v) > 0);
	if (q->state == REQUIREMENT_DEFER) {
		assert_int_equal(v.kind, q->monitor ? VERDICT_WOULD_REFUSE : VERDICT_REFUSE);
		return;
	}
	if (q->monitor)
		assert_int_not_equal(v.kind, VERDICT_REFUSE);
	/* No clear text where TLS is demanded; no refusal of TLS where nothing is. */
	if (judge_demands_tls(q) && !tls)
		assert_int_equal(v.kind, VERDICT_REFUSE);
	if (level < LEVEL_ENCRYPT && tls)
		assert_int_equal(v.kind, VERDICT_PASS);
	if (level >= LEVEL_ENCRYPT && v.kind == VERDICT_PASS)
		assert_true(tls);
	if (level >= LEVEL_VERIFY && v.kind == VERDICT_PASS)
		assert_true(p->chain == CHAIN_TRUSTED && named && q->mx_allowed &&
		    strcmp(p->version, "TLSv1.1") > 0);
	if (level == LEVEL_VERIFY && tls && p->chain == CHAIN_TRUSTED && named && q->mx_allowed &&
	    strcmp(p->version, "TLSv1.1") > 0)
		assert_int_equal(v.kind, VERDICT_PASS);
}

static void
check_peers(const struct requirement *q)
{
	static const char *const versions[] = { "TLSv1.1", "TLSv1.2", "TLSv1.3" };

	for (enum starttls s = STARTTLS_NOT_TRIED; s <= STARTTLS_INJECTED; s++) {
		check(q, s, &clear);
		check(q, s, &failed);
		for (int chain = CHAIN_TRUSTED; chain <= CHAIN_NONE; chain++) {
			for (size_t i = 0; i < 6; i++) {
				struct proof p = proven(i % 2 ? one_name : wrong_names, 1);

				p.chain = (enum proof_chain)chain;
				snprintf(p.version, sizeof p.version, "%s", versions[i / 2]);
				check(q, s, &p);
			}
		}
	}
}

static void
test_every_combination(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 256; bits++) {
		for (enum level level = LEVEL_NONE; level <= LEVEL_SECURE; level++) {
			for (unsigned type = 0; type < 5; type++) {
				struct requirement q = type < 3 ? sts((enum sts_mode)type) :
				    type == 3 ? local(level, SOURCE_RULE) : demanding(level);

				q.level = level;
				q.hosts_len = 1;
				q.secure_domain = "a.example";
				q.monitor = bits & 1;
				q.stripping_refuse = bits & 2;
				q.remembered = bits & 4;
				q.marks_count = bits & 8;
				q.mapped = bits & 16;
				q.mx_allowed = bits & 32 || level != LEVEL_VERIFY;
				q.raised = bits & 128 && level == LEVEL_VERIFY && type > 1;
				q.state = bits & 64 ? REQUIREMENT_DEFER : REQUIREMENT_READY;
				check_peers(&q);
			}
		}
	}
}

static void
test_names(void **state)
{
	static const char *const results[] = { "success", "starttls-not-supported",
	    "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
	    "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required",
	    "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid" };
	static const char *const words[] = { "not-tried", "offered", "absent", "masked", "refused",
	    "refused", "injected" };

	(void)state;
	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
		assert_string_equal(result_type_name((enum result_type)i), results[i]);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		assert_string_equal(starttls_name((enum starttls)i), words[i]);
	assert_string_equal(verdict_kind_name(VERDICT_PASS), "pass");
	assert_string_equal(verdict_kind_name(VERDICT_REFUSE), "refuse");
	assert_string_equal(verdict_kind_name(VERDICT_WOULD_REFUSE), "would-refuse");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_no_tls_where_demanded),
		cmocka_unit_test(test_mx_mismatch),
		cmocka_unit_test(test_several_hosts),
		cmocka_unit_test(test_secure),
		cmocka_unit_test(test_encrypt),
		cmocka_unit_test(test_opportunistic),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_deferrals),
		cmocka_unit_test(test_other_session),
		cmocka_unit_test(test_wants_and_demands),
		cmocka_unit_test(test_raised),
		cmocka_unit_test(test_testing_end_to_end),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_reply_is_bounded),
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
