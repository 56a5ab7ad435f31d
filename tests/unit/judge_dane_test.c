/* judge_dane_test.c - verdicts under TLSA records and fingerprints, alone and beside MTA-STS
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testdane.h"
#include "tests/unit/testjudge.h"

#define MX "mx.a.example"
#define BASE2 "mx2.a.example"

static struct sts_policy enforce, report, elsewhere;
static const char *const bases[] = { MX, BASE2 };
static const char *const next_hop[] = { "a.example" };
static const char *const mx_hosts[] = { MX };
static const char *const mx_name[] = { MX }, *const base2_name[] = { BASE2 };
static const char *const wrong_names[] = { "*.hoster.example", "hoster.example" };
/* 3 1 1 and 2 1 1 of the first base, the same of the second. */
static struct tlsa records[4];
static unsigned long combinations;

static int
setup(void **state)
{
	(void)state;
	enforce = testdane_policy("version: STSv1\nmode: enforce\nmx: *.a.example\nmax_age: 1");
	elsewhere = testdane_policy("version: STSv1\nmode: enforce\nmx: mx.b.test\nmax_age: 1");
	report = testdane_policy("version: STSv1\nmode: testing\nmx: *.a.example\nmax_age: 1");
	for (size_t i = 0; i < 4; i++) {
		records[i] = testdane_records[i % 2];
		records[i].base = (uint8_t)(i / 2);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	print_message("%lu combinations\n", combinations);
	return 0;
}

static struct requirement
demanding(enum level level)
{
	struct requirement q = { .state = REQUIREMENT_READY, .level = level, .floor = LEVEL_MAY,
	    .policy_type = POLICY_TLSA, .source = SOURCE_NONE, .sts_mode = STS_NONE,
	    .stripping_refuse = true, .marks_count = true, .mapped = true, .mx_allowed = true,
	    .policy_domain = "a.example", .policy_id = "", .mx_host = MX, .sni = MX,
	    .secure_domain = "", .reason = "", .mx_secure = true, .names = next_hop,
	    .names_len = 1, .hosts = mx_hosts };

	if (level == LEVEL_DANE_ONLY || level == LEVEL_FINGERPRINT) {
		q.policy_type = POLICY_LOCAL;
		q.source = SOURCE_RULE;
	}
	if (level_by_tlsa(level)) {
		q.tlsa = (struct tlsa_set){ .len = 4, .records = records, .bases_len = 2,
		    .bases = bases };
		assert_true(tlsa_digest(&q.tlsa, q.tlsa.digest));
	}
	return q;
}

/* Records there are, but none that can be used. */
static struct requirement
unusable(void)
{
	struct requirement q = demanding(LEVEL_ENCRYPT);

	q.tlsa_unusable = true;
	return q;
}

/* What this server has proven under q's records: nothing of it by a CA. */
static struct proof
proven(const struct requirement *q, enum proof_dane dane, const char *const *names, size_t len)
{
	struct proof p = { .state = PROOF_TLS, .chain = CHAIN_UNTRUSTED, .version = "TLSv1.3",
	    .sni = MX, .names = names, .names_len = len, .dane = dane,
	    .dane_record = dane == PROOF_DANE_TA };

	memcpy(p.dane_digest, q->tlsa.digest, sizeof p.dane_digest);
	return p;
}

static const struct proof clear = { .state = PROOF_NO_TLS };
static const struct proof failed = { .state = PROOF_HANDSHAKE_FAILED, .sni = MX,
    .detail = "wrong version number" };

/* Each outcome of the records, with names that count and with others. */
static void
test_outcomes(void **state)
{
	static const struct {
		enum proof_dane dane;
		bool names;
		enum result_type result;
		const char *code, *reason;
	} cases[] = {
		{ PROOF_DANE_EE, true, RESULT_SUCCESS, "proven",
		  "got the certificate that its TLSA records name" },
		{ PROOF_DANE_EE, false, RESULT_SUCCESS, "proven", NULL },	/* R99, R103 */
		{ PROOF_DANE_TA, true, RESULT_SUCCESS, "proven",
		  "got a certificate of the CA that its TLSA records name" },
		{ PROOF_DANE_TA, false, RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch",
		  "demands a certificate for mx.a.example or 1 more of the CA that its TLSA "
		  "records name, got *.hoster.example and 1 more" },
		{ PROOF_DANE_EXPIRED, true, RESULT_CERTIFICATE_EXPIRED, "chain-expired",
		  "demands a certificate that its TLSA records match, got one out of date: "
		  "DETAIL" },
		{ PROOF_DANE_INVALID, true, RESULT_CERTIFICATE_NOT_TRUSTED, "chain-invalid",
		  "demands a certificate that its TLSA records match, got an invalid one: "
		  "DETAIL" },
		{ PROOF_DANE_UNMATCHED, true, RESULT_TLSA_INVALID, "tlsa-unmatched",
		  "demands a certificate that its TLSA records match, got mx.a.example: DETAIL" },
		{ PROOF_DANE_UNMATCHED, false, RESULT_TLSA_INVALID, "tlsa-unmatched",
		  "demands a certificate that its TLSA records match, got *.hoster.example and 1 "
		  "more: DETAIL" },
		/* Of this very set, and yet not asked: our own fault, closed. */
		{ PROOF_DANE_NOT_ASKED, true, RESULT_TLSA_INVALID, "tlsa-unmatched", NULL },
	};
	static const enum level levels[] = { LEVEL_DANE, LEVEL_DANE_ONLY };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		struct requirement q = demanding(levels[i % 2]);
		bool pass = cases[i / 2].result == RESULT_SUCCESS;
		struct proof p = proven(&q, cases[i / 2].dane,
		    cases[i / 2].names ? mx_name : wrong_names, cases[i / 2].names ? 1 : 2);
		const char *enhanced = pass ? "2.0.0" : "4.7.5";
		struct verdict v;

		snprintf(p.dane_detail, sizeof p.dane_detail, "%s", pass ? "" : "DETAIL");
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, pass ? VERDICT_PASS : VERDICT_REFUSE, cases[i / 2].result,
		    cases[i / 2].code, enhanced);
		if (cases[i / 2].reason != NULL)
			assert_string_equal(v.reason, cases[i / 2].reason);
		assert_false(v.other_session || v.by_memory);
		q.monitor = true;
		expect(verdict(q, STARTTLS_OFFERED, p), pass ? VERDICT_PASS : VERDICT_WOULD_REFUSE,
		    cases[i / 2].result, cases[i / 2].code, enhanced);
		/* What CAs say is not asked, be it good or bad. */
		for (int chain = CHAIN_TRUSTED; chain < CHAIN_NONE; chain++) {
			p.chain = (enum proof_chain)chain;
			assert_int_equal(verdict(q, STARTTLS_OFFERED, p).result_type,
			    cases[i / 2].result);
		}
		p.chain = CHAIN_NONE;
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, VERDICT_WOULD_REFUSE, RESULT_CERTIFICATE_NOT_TRUSTED, "no-certificate",
		    "4.7.5");
		assert_string_equal(v.reason,
		    "demands a certificate that its TLSA records match, got none");
	}
}

/* R104: the base that matched, the names that count beside it, and no other base. */
static void
test_names(void **state)
{
	static const char *const a[] = { "a.example" }, *const c[] = { "www.test", "c.test" },
	    *const real[] = { "real.b.test" }, *const wild[] = { "*.a.example" },
	    *const below[] = { "x.a.example" };
	static const char *const three[] = { "real.b.test", "a.example", "c.test" };
	static const struct {
		size_t base;
		const char *const *presented;
		size_t presented_len, names_len;
		bool pass;
	} cases[] = {
		{ 0, mx_name, 1, 0, true }, { 0, base2_name, 1, 0, false },
		{ 1, mx_name, 1, 0, false }, { 1, base2_name, 1, 0, true },
		{ 0, wild, 1, 0, true }, { 0, a, 1, 0, false }, { 0, NULL, 0, 3, false },
		{ 0, real, 1, 1, true }, { 1, real, 1, 1, true }, { 0, a, 1, 1, false },
		{ 0, a, 1, 2, true }, { 0, c, 2, 2, false }, { 0, c, 2, 3, true },
		{ 0, below, 1, 3, false }, { 0, wrong_names, 2, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct requirement q = demanding(LEVEL_DANE);
		struct proof p = proven(&q, PROOF_DANE_TA, cases[i].presented,
		    cases[i].presented_len);

		p.dane_base = (uint8_t)cases[i].base;
		p.dane_record = (uint8_t)(2 * cases[i].base + 1);
		q.names = three;
		q.names_len = cases[i].names_len;
		assert_int_equal(verdict(q, STARTTLS_OFFERED, p).kind,
		    cases[i].pass ? VERDICT_PASS : VERDICT_REFUSE);
		/* Under usage 3 none of it counts. */
		p.dane = PROOF_DANE_EE;
		p.dane_record--;
		assert_int_equal(verdict(q, STARTTLS_OFFERED, p).kind, VERDICT_PASS);
	}
}

/* An outcome that these records cannot have given is none. */
static void
test_impossible_outcomes(void **state)
{
	static const struct {
		enum proof_dane dane;
		uint8_t base, record;
	} cases[] = {
		{ PROOF_DANE_EE, 0, 1 }, { PROOF_DANE_TA, 0, 0 }, { PROOF_DANE_EE, 1, 0 },
		{ PROOF_DANE_TA, 0, 3 }, { PROOF_DANE_EE, 2, 0 }, { PROOF_DANE_EE, 0, 4 },
		{ PROOF_DANE_TA, 255, 255 },
	};
	struct requirement q = demanding(LEVEL_DANE);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct proof p = proven(&q, cases[i].dane, mx_name, 1);

		p.dane_base = cases[i].base;
		p.dane_record = cases[i].record;
		expect(verdict(q, STARTTLS_OFFERED, p), VERDICT_REFUSE, RESULT_TLSA_INVALID,
		    "tlsa-unmatched", "4.7.5");
	}
}

static void
test_fingerprint(void **state)
{
	struct requirement q = demanding(LEVEL_FINGERPRINT);
	struct verdict v;

	(void)state;
	v = verdict(q, STARTTLS_OFFERED, proven(&q, PROOF_DANE_EE, wrong_names, 2));
	expect(v, VERDICT_PASS, RESULT_SUCCESS, "proven", "2.0.0");
	assert_string_equal(v.reason, "got the certificate whose fingerprint its rule names");
	v = verdict(q, STARTTLS_OFFERED, proven(&q, PROOF_DANE_UNMATCHED, mx_name, 1));
	expect(v, VERDICT_REFUSE, RESULT_CERTIFICATE_NOT_TRUSTED, "fingerprint-unmatched", "4.7.5");
	assert_string_equal(v.reason, "demands a certificate with a fingerprint of its rule, got "
	    "mx.a.example: no match");
	assert_string_equal(verdict_source(&q, &v), "rule");
	q.source = SOURCE_RELAY;
	assert_string_equal(verdict_source(&q, &v), "relay");
}

/* A session held against other records, or against none, says nothing; another one may. */
static void
test_other_set(void **state)
{
	(void)state;
	for (enum level level = LEVEL_DANE; level <= LEVEL_FINGERPRINT; level++) {
		struct requirement q = demanding(level);
		struct proof p = proven(&q, PROOF_DANE_EE, mx_name, 1);
		struct verdict v;

		p.chain = CHAIN_TRUSTED;
		p.dane_digest[31] ^= 1;
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, VERDICT_REFUSE, RESULT_TLSA_INVALID, "tlsa-other-set", "4.7.5");
		assert_true(v.other_session);
		memset(p.dane_digest, 0, sizeof p.dane_digest);
		assert_true(verdict(q, STARTTLS_OFFERED, p).other_session);
		p.dane = PROOF_DANE_NOT_ASKED;
		v = verdict(q, STARTTLS_OFFERED, p);
		expect(v, VERDICT_REFUSE, RESULT_TLSA_INVALID, "tlsa-other-set", "4.7.5");
		assert_true(v.other_session);
		/* Under another SNI another certificate may come. */
		p = proven(&q, PROOF_DANE_UNMATCHED, wrong_names, 2);
		assert_false(verdict(q, STARTTLS_OFFERED, p).other_session);
		snprintf(p.sni, sizeof p.sni, "mx.b.test");
		assert_true(verdict(q, STARTTLS_OFFERED, p).other_session);
	}
}

/* R38 */
static void
test_tls_version(void **state)
{
	static const char *const versions[] = { "TLSv1", "TLSv1.1", "", "TLSv1.2", "TLSv1.3" };

	(void)state;
	for (enum level level = LEVEL_DANE; level <= LEVEL_FINGERPRINT; level++) {
		for (size_t i = 0; i < 5; i++) {
			struct requirement q = demanding(level);
			struct proof p = proven(&q, PROOF_DANE_EE, mx_name, 1);

			snprintf(p.version, sizeof p.version, "%s", versions[i]);
			if (i < 3)
				expect(verdict(q, STARTTLS_OFFERED, p), VERDICT_REFUSE,
				    RESULT_VALIDATION_FAILURE, "tls-version", "4.7.5");
			else
				assert_int_equal(verdict(q, STARTTLS_OFFERED, p).kind,
				    VERDICT_PASS);
		}
	}
}

/* R85, R98, R102: records that cannot be used demand TLS as well, and no setting relaxes it. */
static void
test_no_tls(void **state)
{
	static const char *const codes[] = { "starttls-not-tried", "starttls-not-tried",
	    "starttls-absent", "starttls-masked", "starttls-refused", "starttls-wrong-code",
	    "starttls-injected" };
	const struct requirement demands[] = { demanding(LEVEL_DANE), demanding(LEVEL_DANE_ONLY),
	    demanding(LEVEL_FINGERPRINT), unusable() };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct requirement q = demands[i];

		for (unsigned bits = 0; bits < 8; bits++) {
			enum verdict_kind kind = bits & 1 ? VERDICT_WOULD_REFUSE : VERDICT_REFUSE;

			q.monitor = bits & 1;
			q.stripping_refuse = bits & 2;
			q.remembered = bits & 4;
			for (enum starttls s = STARTTLS_NOT_TRIED; s <= STARTTLS_INJECTED; s++) {
				struct verdict v = verdict(q, s, clear);

				expect(v, kind, RESULT_STARTTLS_NOT_SUPPORTED, codes[s], "4.7.10");
				assert_false(v.by_memory);
				assert_string_equal(verdict_source(&q, &v),
				    i == 0 || i == 3 ? "dane" : "rule");
			}
			expect(verdict(q, STARTTLS_OFFERED, failed), kind,
			    RESULT_VALIDATION_FAILURE, "handshake-failed", "4.7.10");
			assert_int_equal(judge_demands_tls(&q), !q.monitor);
			assert_true(judge_wants_tls(&q));
		}
	}
}

static void
test_unusable(void **state)
{
	struct requirement q = unusable();
	struct proof p = { .state = PROOF_TLS, .chain = CHAIN_UNTRUSTED, .version = "TLSv1" };
	struct verdict v = verdict(q, STARTTLS_OFFERED, p);

	(void)state;
	expect(v, VERDICT_PASS, RESULT_SUCCESS, "tlsa-unusable", "2.0.0");
	assert_string_equal(v.reason,
	    "has TLSA records of which none can be used; sent over TLS, unauthenticated");
	q.tlsa_unusable = false;
	v = verdict(q, STARTTLS_OFFERED, p);
	expect(v, VERDICT_PASS, RESULT_SUCCESS, "tls-unauthenticated", "2.0.0");
	/* End to end the name is proven nonetheless. */
	q = unusable();
	q.raised = true;
	q.floor = q.level;
	q.level = LEVEL_VERIFY;
	q.hosts_len = 1;
	assert_true(judge_demands_tls(&q));
	assert_int_equal(verdict(q, STARTTLS_OFFERED, p).kind, VERDICT_REFUSE);
	p.chain = CHAIN_TRUSTED;
	p.names = mx_name;
	p.names_len = 1;
	expect(verdict(q, STARTTLS_OFFERED, p), VERDICT_PASS, RESULT_SUCCESS, "proven", "2.0.0");
}

/* R109: what demands records and has none is refused whatever the session shows. */
static void
test_without_records(void **state)
{
	static const struct {
		bool unusable, mx_secure;
		enum result_type result;
		const char *code, *reason;
	} cases[] = {
		{ false, true, RESULT_DANE_REQUIRED, "dane-required",
		  "demands DANE, but its MX host has no signed TLSA records" },
		{ false, false, RESULT_DANE_REQUIRED, "dane-required",
		  "demands DANE, but its MX records are not signed" },
		{ true, true, RESULT_TLSA_INVALID, "tlsa-unusable",
		  "demands DANE, but none of its TLSA records can be used" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct requirement q = demanding(LEVEL_DANE_ONLY);

		q.tlsa = (struct tlsa_set){ .len = 0 };
		q.tlsa_unusable = cases[i].unusable;
		q.mx_secure = cases[i].mx_secure;
		for (enum starttls s = STARTTLS_NOT_TRIED; s <= STARTTLS_INJECTED; s++) {
			for (int dane = PROOF_DANE_NOT_ASKED; dane <= PROOF_DANE_UNMATCHED;
			    dane++) {
				struct proof p = proven(&q, (enum proof_dane)dane, mx_name, 1);
				struct verdict v;

				p.chain = CHAIN_TRUSTED;
				v = verdict(q, s, p);
				expect(v, VERDICT_REFUSE, cases[i].result, cases[i].code, "4.7.0");
				assert_string_equal(v.reason, cases[i].reason);
				assert_false(v.other_session);
			}
			assert_int_equal(verdict(q, s, clear).result_type, cases[i].result);
			assert_int_equal(verdict(q, s, failed).result_type, cases[i].result);
		}
		/* Nor do the others pass that should never have come so far. */
		q.level = LEVEL_DANE;
		expect(verdict(q, STARTTLS_OFFERED, proven(&q, PROOF_DANE_EE, mx_name, 1)),
		    VERDICT_REFUSE, cases[i].result, cases[i].code, "4.7.0");
		q.level = LEVEL_FINGERPRINT;
		expect(verdict(q, STARTTLS_OFFERED, proven(&q, PROOF_DANE_EE, mx_name, 1)),
		    VERDICT_REFUSE, cases[i].result, cases[i].code, "4.7.0");
	}
}

static void
test_deferrals(void **state)
{
	static const struct {
		enum requirement_defer defer;
		const char *code, *reason;
	} cases[] = {
		{ DEFER_DNSSEC_BOGUS, "dnssec-bogus",
		  "has MX records that fail DNSSEC validation" },
		{ DEFER_TLSA_UNDECIDED, "tlsa-undecided",
		  "has an MX host whose TLSA records could not be looked up" },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct requirement q = demanding(LEVEL_DANE);
		struct verdict v;

		q.state = REQUIREMENT_DEFER;
		q.defer_code = cases[i / 2].defer;
		q.monitor = i % 2;
		v = verdict(q, STARTTLS_OFFERED, proven(&q, PROOF_DANE_EE, mx_name, 1));
		expect(v, q.monitor ? VERDICT_WOULD_REFUSE : VERDICT_REFUSE, RESULT_DNSSEC_INVALID,
		    cases[i / 2].code, "4.4.3");
		assert_string_equal(v.reason, cases[i / 2].reason);
		assert_int_equal(judge_demands_tls(&q), !q.monitor);
	}
}

/* What is said of a pass that is less than it looks (R91; settled), and of policy.both. */
static void
test_words(void **state)
{
	struct requirement q = demanding(LEVEL_DANE);
	struct proof p = proven(&q, PROOF_DANE_EE, wrong_names, 2);

	(void)state;
	q.mx_secure = false;
	assert_string_equal(verdict(q, STARTTLS_OFFERED, p).reason, "got the certificate that its "
	    "TLSA records name (those of the MX host: its MX records are not signed)");
	q.mx_secure = true;
	q.sts_mismatch = true;
	assert_string_equal(verdict(q, STARTTLS_OFFERED, p).reason, "got the certificate that its "
	    "TLSA records name; its MTA-STS policy does not name this MX host");
	q.sts_mismatch = false;
	q.both = true;
	q.hosts_len = 1;
	p.chain = CHAIN_TRUSTED;
	p.names = mx_name;
	assert_string_equal(verdict(q, STARTTLS_OFFERED, p).reason, "got the certificate that its "
	    "TLSA records name, and that its MTA-STS policy demands");
}

static void
test_both(void **state)
{
	struct requirement q = demanding(LEVEL_DANE);
	struct proof p;
	struct verdict v;

	(void)state;
	q.both = true;
	q.hosts_len = 1;
	p = proven(&q, PROOF_DANE_EE, wrong_names, 2);
	v = verdict(q, STARTTLS_OFFERED, p);
	expect(v, VERDICT_REFUSE, RESULT_CERTIFICATE_NOT_TRUSTED, "chain-untrusted", "4.7.5");
	assert_string_equal(verdict_source(&q, &v), "dane and sts");
	p.chain = CHAIN_TRUSTED;
	v = verdict(q, STARTTLS_OFFERED, p);
	expect(v, VERDICT_REFUSE, RESULT_CERTIFICATE_HOST_MISMATCH, "name-mismatch", "4.7.5");
	assert_string_equal(v.reason,
	    "demands a certificate for mx.a.example, got *.hoster.example and 1 more");
	p = proven(&q, PROOF_DANE_UNMATCHED, mx_name, 1);
	p.chain = CHAIN_TRUSTED;
	expect(verdict(q, STARTTLS_OFFERED, p), VERDICT_REFUSE, RESULT_TLSA_INVALID,
	    "tlsa-unmatched", "4.7.5");
	p = proven(&q, PROOF_DANE_EE, mx_name, 1);
	p.chain = CHAIN_TRUSTED;
	expect(verdict(q, STARTTLS_OFFERED, p), VERDICT_PASS, RESULT_SUCCESS, "proven", "2.0.0");
	/* The next hop is a name of DANE's, not of MTA-STS. */
	p = proven(&q, PROOF_DANE_TA, next_hop, 1);
	p.chain = CHAIN_TRUSTED;
	expect(verdict(q, STARTTLS_OFFERED, p), VERDICT_REFUSE, RESULT_CERTIFICATE_HOST_MISMATCH,
	    "name-mismatch", "4.7.5");
	/* What the policy allows counts for both alone. */
	q.mx_allowed = q.both = false;
	q.hosts_len = 0;
	expect(verdict(q, STARTTLS_OFFERED, proven(&q, PROOF_DANE_EE, mx_name, 1)), VERDICT_PASS,
	    RESULT_SUCCESS, "proven", "2.0.0");
	q.both = true;
	p = proven(&q, PROOF_DANE_EE, mx_name, 1);
	p.chain = CHAIN_TRUSTED;
	v = verdict(q, STARTTLS_OFFERED, p);
	expect(v, VERDICT_REFUSE, RESULT_VALIDATION_FAILURE, "mx-mismatch", "4.7.0");
	assert_string_equal(verdict_source(&q, &v), "dane and sts");
}

enum half { PASS, FAIL, ABSENT };

/* What the server shows: a chain that matches the records or not, for CAs and by name or not. */
static struct proof
server(const struct requirement *q, enum half dane, enum half sts)
{
	struct proof p = proven(q, dane == PASS ? PROOF_DANE_EE : PROOF_DANE_UNMATCHED, mx_name, 1);

	p.chain = sts == PASS ? CHAIN_TRUSTED : CHAIN_UNTRUSTED;
	if (q->tlsa.len == 0)
		p.dane = PROOF_DANE_NOT_ASKED;
	return p;
}

/* "refuse tlsa-unmatched dane" */
static const char *
words(const struct requirement *q, const struct verdict *v)
{
	static char text[128];

	snprintf(text, sizeof text, "%s %s, %s", verdict_kind_name(v->kind), v->reason_code,
	    verdict_source(q, v));
	return text;
}

static const char *
decide(const struct require_input *in, enum half dane, enum half sts)
{
	static struct requirement_space space;
	static struct requirement q;
	static struct verdict v;
	struct proof p;

	require(in, &space, &q);
	p = server(&q, dane, sts);
	judge(&q, STARTTLS_OFFERED, &p, &v);
	combinations++;
	return words(&q, &v);
}

/* From what DNS says to the verdict: DANE passes, fails, is absent; MTA-STS the same. */
static void
test_nine(void **state)
{
	static const struct {
		enum half dane, sts;
		const char *alone, *both, *testing;
	} cases[] = {
		{ PASS, PASS, "pass proven, dane", "pass proven, dane and sts",
		  "pass proven, dane" },
		{ PASS, FAIL, "pass proven, dane", "refuse chain-untrusted, dane and sts",
		  "pass proven, dane" },
		{ PASS, ABSENT, "pass proven, dane", "pass proven, dane", NULL },
		{ FAIL, PASS, "refuse tlsa-unmatched, dane", "refuse tlsa-unmatched, dane and sts",
		  "refuse tlsa-unmatched, dane" },
		{ FAIL, FAIL, "refuse tlsa-unmatched, dane", "refuse tlsa-unmatched, dane and sts",
		  "refuse tlsa-unmatched, dane" },
		{ FAIL, ABSENT, "refuse tlsa-unmatched, dane", "refuse tlsa-unmatched, dane",
		  NULL },
		{ ABSENT, PASS, "pass proven, sts enforce", "pass proven, sts enforce",
		  "pass proven, sts testing" },
		{ ABSENT, FAIL, "refuse chain-untrusted, sts enforce",
		  "refuse chain-untrusted, sts enforce",
		  "would-refuse chain-untrusted, sts testing" },
		{ ABSENT, ABSENT, "pass tls-unauthenticated, no policy",
		  "pass tls-unauthenticated, no policy", NULL },
	};

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		struct require_host h = testdane_host(MX, cases[i].dane == ABSENT ?
		    REQUIRE_DANE_NONE : REQUIRE_DANE_USABLE);
		struct require_input in = testdane_input(&h, 1);
		char would[64];

		for (unsigned bits = 0; bits < 8; bits++) {
			const char *want = bits & 2 ? cases[i].testing :
			    bits & 1 ? cases[i].both : cases[i].alone;

			in.both = bits & 1;
			in.monitor = bits & 4;
			if (want == NULL)
				continue;	/* testing without a policy */
			if (cases[i].sts != ABSENT)
				testdane_sts(&in, bits & 2 ? &report : &enforce);
			if (in.monitor && strncmp(want, "refuse", 6) == 0) {
				snprintf(would, sizeof would, "would-%s", want);
				want = would;
			}
			assert_string_equal(decide(&in, cases[i].dane, cases[i].sts), want);
		}
	}
}

/* The policy names another MX host: DANE passes and it is logged; both demand both (settled). */
static void
test_mx_mismatch(void **state)
{
	struct require_host h = testdane_host(MX, REQUIRE_DANE_USABLE);
	struct require_input in = testdane_input(&h, 1);

	(void)state;
	testdane_sts(&in, &elsewhere);
	assert_string_equal(decide(&in, PASS, PASS), "pass proven, dane");
	assert_string_equal(decide(&in, FAIL, PASS), "refuse tlsa-unmatched, dane");
	in.both = true;
	assert_string_equal(decide(&in, PASS, PASS), "refuse mx-mismatch, dane and sts");
	assert_string_equal(decide(&in, FAIL, PASS), "refuse mx-mismatch, dane and sts");
}

/* What may pass, said once more and otherwise than in the code (R1, R31, R81, R84, R85). */
static bool
may_pass(const struct require_input *in, enum require_dane dane, const struct proof *p,
    bool allowed)
{
	bool tls = p->state == PROOF_TLS, modern = strcmp(p->version, "TLSv1.1") > 0;
	bool named = p->names == mx_name, ca = p->chain == CHAIN_TRUSTED && named && allowed;
	bool matches = p->dane == PROOF_DANE_EE || (p->dane == PROOF_DANE_TA && named);
	bool enforced = in->sts.policy != &report && in->sts.state == REQUIRE_STS_ACTIVE;

	if (!in->dane)
		dane = REQUIRE_DANE_NONE;
	switch (dane) {
	case REQUIRE_DANE_ERROR:
		return false;
	case REQUIRE_DANE_USABLE:
		if (in->both && in->sts.state == REQUIRE_STS_PENDING)
			return false;
		return tls && modern && matches && (!in->both || !enforced || ca);
	case REQUIRE_DANE_UNUSABLE:
		if (!tls)
			return false;
		break;
	case REQUIRE_DANE_NONE:
	case REQUIRE_DANE_INSECURE:
		break;
	}
	if (in->sts.state == REQUIRE_STS_PENDING)
		return false;
	return !enforced || (tls && modern && ca);
}

static void
check(const struct require_input *in, enum require_dane dane, bool allowed,
    const struct proof *shown)
{
	static struct requirement_space space;
	struct proof p = *shown;
	char reply[VERDICT_REPLY_MAX];
	struct requirement q;
	struct verdict v;
	size_t len;

	require(in, &space, &q);
	memcpy(p.dane_digest, q.tlsa.digest, sizeof p.dane_digest);
	if (q.tlsa.len == 0)
		p.dane = PROOF_DANE_NOT_ASKED;
	judge(&q, p.state == PROOF_NO_TLS ? STARTTLS_ABSENT : STARTTLS_OFFERED, &p, &v);
	combinations++;
	if (in->monitor)
		assert_int_not_equal(v.kind, VERDICT_REFUSE);
	if (may_pass(in, dane, shown, allowed) != (v.kind == VERDICT_PASS) &&
	    !(v.kind == VERDICT_WOULD_REFUSE && q.sts_mode == STS_TESTING &&
	    q.policy_type == POLICY_STS))
		fail_msg("dane %d sts %d both %d: %s", (int)dane, (int)in->sts.state, in->both,
		    words(&q, &v));
	len = verdict_reply(reply, sizeof reply, "K7Q2-M4XD", "a.example", &q, &v);
	assert_true(len > 0 && len <= VERDICT_REPLY_MAX - 2);
	for (size_t i = 0; i < len; i++)
		assert_true(reply[i] >= 0x20 && reply[i] <= 0x7e);
}

static void
check_servers(const struct require_input *in, enum require_dane dane, bool allowed)
{
	static const char *const versions[] = { "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	static const struct requirement any;

	check(in, dane, allowed, &clear);
	check(in, dane, allowed, &failed);
	for (int outcome = PROOF_DANE_EE; outcome <= PROOF_DANE_UNMATCHED; outcome++) {
		for (int chain = CHAIN_TRUSTED; chain < CHAIN_NONE; chain++) {
			for (size_t i = 0; i < 6; i++) {
				struct proof p = proven(&any, (enum proof_dane)outcome,
				    i % 2 ? mx_name : wrong_names, 1);

				p.chain = (enum proof_chain)chain;
				snprintf(p.version, sizeof p.version, "%s", versions[i / 2]);
				check(in, dane, allowed, &p);
			}
		}
	}
}

/* Every state of the records, of the policy and of the server, through require() and judge(). */
static void
test_every_combination(void **state)
{
	const struct sts_policy *const policies[] = { NULL, NULL, NULL, &enforce, &elsewhere,
	    &report };

	(void)state;
	for (int dane = REQUIRE_DANE_NONE; dane <= REQUIRE_DANE_USABLE; dane++) {
		for (size_t sts = 0; sts < 6; sts++) {
			for (unsigned bits = 0; bits < 64; bits++) {
				struct require_host h = testdane_host(MX, (enum require_dane)dane);
				struct require_input in = testdane_input(&h, 1);

				if (policies[sts] != NULL)
					testdane_sts(&in, policies[sts]);
				else
					in.sts.state = (enum require_sts)sts;
				in.both = bits & 1;
				in.monitor = bits & 2;
				in.dane = bits & 4;
				in.mx.secure = bits & 8;
				in.stripping_refuse = bits & 16;
				if (bits & 32)
					h.addresses = &testdane_there;	/* not mapped */
				check_servers(&in, (enum require_dane)dane,
				    policies[sts] != &elsewhere);
			}
		}
	}
}

static void
test_reply(void **state)
{
	struct requirement q = demanding(LEVEL_DANE);
	char out[VERDICT_REPLY_MAX], name[254], nasty[254];
	const char *names[] = { nasty }, *long_bases[] = { name, name };
	struct proof p = proven(&q, PROOF_DANE_UNMATCHED, mx_name, 1);
	struct verdict v = verdict(q, STARTTLS_OFFERED, p);

	(void)state;
	verdict_reply(out, sizeof out, "K7Q2-M4XD", "a.example", &q, &v);
	assert_string_equal(out, "451 4.7.5 postern K7Q2-M4XD: a.example demands a certificate "
	    "that its TLSA records match, got mx.a.example: no match (tlsa-invalid, dane); "
	    "not sent");
	memset(name, 'a', sizeof name - 1);
	memset(nasty, '\xff', sizeof nasty - 1);
	name[253] = nasty[253] = '\0';
	memcpy(nasty, "x\r\n250 ok\x1b", 10);
	q.tlsa.bases = long_bases;
	for (int outcome = PROOF_DANE_EE; outcome <= PROOF_DANE_UNMATCHED; outcome++) {
		size_t len;

		p = proven(&q, (enum proof_dane)outcome, names, 1);
		memset(p.dane_detail, '\n', sizeof p.dane_detail - 1);
		v = verdict(q, STARTTLS_OFFERED, p);
		len = verdict_reply(out, sizeof out, "K7Q2-M4XD", name, &q, &v);
		assert_true(len <= VERDICT_REPLY_MAX - 2);
		assert_non_null(strstr(out, ", dane); not sent"));
		for (size_t i = 0; i < len; i++)
			assert_true(out[i] >= 0x20 && out[i] <= 0x7e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_impossible_outcomes),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_other_set),
		cmocka_unit_test(test_tls_version),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_without_records),
		cmocka_unit_test(test_deferrals),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_nine),
		cmocka_unit_test(test_mx_mismatch),
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_reply),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
