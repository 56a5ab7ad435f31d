/* require_dane_test.c - what TLSA records make of a requirement (RFC 7672 section 2.2)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testdane.h"

#define MX1 "mx1.a.example"
#define MX2 "mx2.a.example"
#define NONE REQUIRE_DANE_NONE
#define INSECURE REQUIRE_DANE_INSECURE
#define ERROR REQUIRE_DANE_ERROR
#define UNUSABLE REQUIRE_DANE_UNUSABLE
#define USABLE REQUIRE_DANE_USABLE

static struct sts_policy enforce, report, off, elsewhere;
static struct requirement_space space;
static char domain_name[] = "a.example", relay_name[] = "relay.isp.example", ticket[] = "ticket";

static int
setup(void **state)
{
	(void)state;
	enforce = testdane_policy("version: STSv1\nmode: enforce\nmx: *.a.example\nmax_age: 1");
	elsewhere = testdane_policy("version: STSv1\nmode: enforce\nmx: mx.b.test\nmax_age: 1");
	report = testdane_policy("version: STSv1\nmode: testing\nmx: *.a.example\nmax_age: 1");
	off = testdane_policy("version: STSv1\nmode: none\nmax_age: 1");
	return 0;
}

static struct requirement
ask(const struct require_input *in)
{
	static const uint8_t none[TLSA_DIGEST];
	struct requirement q;

	memset(&space, 0xa5, sizeof space);
	require(in, &space, &q);
	assert_int_equal(q.state == REQUIREMENT_DEFER, q.defer_code != DEFER_NOTHING);
	assert_int_equal(q.tlsa.len == 0, q.tlsa.bases_len == 0);
	assert_int_equal(q.tlsa.len == 0, memcmp(q.tlsa.digest, none, sizeof none) == 0);
	for (size_t i = 0; i < q.tlsa.len; i++)
		assert_true(q.tlsa.records[i].base < q.tlsa.bases_len);
	if (!level_by_tlsa(q.level))
		assert_true(q.tlsa.len == 0 && !q.both && !q.sts_mismatch);
	return q;
}

static const char *
bases_of(const struct requirement *q)
{
	static char text[1024];

	return testdane_list(text, q->tlsa.bases, q->tlsa.bases_len);
}

static const char *
names_of(const struct requirement *q)
{
	static char text[1024];

	return testdane_list(text, q->names, q->names_len);
}

static const char *
hosts_of(const struct requirement *q)
{
	static char text[1024];

	return testdane_list(text, q->hosts, q->hosts_len);
}

static void
test_one_host(void **state)
{
	struct require_host h = testdane_host(MX1, USABLE);
	struct require_input in = testdane_input(&h, 1);
	struct requirement q = ask(&in);

	(void)state;
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_int_equal(q.level, LEVEL_DANE);
	assert_int_equal(q.policy_type, POLICY_TLSA);
	assert_int_equal(q.source, SOURCE_NONE);
	assert_string_equal(q.policy_domain, "a.example");
	assert_string_equal(q.mx_host, MX1);
	assert_string_equal(q.sni, MX1);	/* R110 */
	assert_string_equal(bases_of(&q), MX1);
	assert_string_equal(names_of(&q), "a.example");
	assert_int_equal(q.tlsa.len, 2);
	assert_true(q.mapped && q.mx_secure && q.mx_allowed && q.marks_count && !q.tlsa_unusable);
	/* Off: as if there were none. */
	in.dane = false;
	q = ask(&in);
	assert_int_equal(q.level, LEVEL_MAY);
	assert_int_equal(q.policy_type, POLICY_NONE_FOUND);
}

/* Both hosts at the peer's address, neither, or the first alone: whatever is known of the two. */
static const struct {
	enum require_dane first, second, together, alone;
} pairs[] = {
	{ NONE, NONE, NONE, NONE }, { NONE, INSECURE, NONE, NONE },
	{ NONE, ERROR, ERROR, NONE }, { NONE, UNUSABLE, UNUSABLE, NONE },
	{ NONE, USABLE, USABLE, NONE },
	{ INSECURE, NONE, NONE, NONE }, { INSECURE, INSECURE, NONE, NONE },
	{ INSECURE, ERROR, ERROR, NONE }, { INSECURE, UNUSABLE, UNUSABLE, NONE },
	{ INSECURE, USABLE, USABLE, NONE },
	{ ERROR, NONE, ERROR, ERROR }, { ERROR, INSECURE, ERROR, ERROR },
	{ ERROR, ERROR, ERROR, ERROR }, { ERROR, UNUSABLE, ERROR, ERROR },
	{ ERROR, USABLE, USABLE, ERROR },
	{ UNUSABLE, NONE, UNUSABLE, UNUSABLE }, { UNUSABLE, INSECURE, UNUSABLE, UNUSABLE },
	{ UNUSABLE, ERROR, ERROR, UNUSABLE }, { UNUSABLE, UNUSABLE, UNUSABLE, UNUSABLE },
	{ UNUSABLE, USABLE, USABLE, UNUSABLE },
	{ USABLE, NONE, USABLE, USABLE }, { USABLE, INSECURE, USABLE, USABLE },
	{ USABLE, ERROR, USABLE, USABLE }, { USABLE, UNUSABLE, USABLE, USABLE },
	{ USABLE, USABLE, USABLE, USABLE },
};

#define PAIRS (sizeof pairs / sizeof pairs[0])

static void
expect(const struct requirement *q, enum require_dane outcome, enum level none)
{
	assert_int_equal(q->tlsa_unusable, outcome == UNUSABLE);
	switch (outcome) {
	case NONE:
	case INSECURE:
		assert_int_equal(q->state, REQUIREMENT_READY);
		assert_int_equal(q->level, none);
		break;
	case ERROR:
		assert_int_equal(q->defer_code, DEFER_TLSA_UNDECIDED);
		break;
	case UNUSABLE:
		assert_int_equal(q->state, REQUIREMENT_READY);
		assert_int_equal(q->level, LEVEL_ENCRYPT);
		break;
	case USABLE:
		assert_int_equal(q->state, REQUIREMENT_READY);
		assert_int_equal(q->level, LEVEL_DANE);
		assert_true(q->tlsa.len > 0);
		break;
	}
}

/* R80, R81, R84-R86: one address under two names, nobody's address, one host's own. */
static void
test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAIRS; i++) {
		struct require_host hosts[] = { testdane_host(MX1, pairs[i].first),
		    testdane_host(MX2, pairs[i].second) };
		struct require_input in = testdane_input(hosts, 2);
		struct requirement q = ask(&in);

		assert_true(q.mapped);
		expect(&q, pairs[i].together, LEVEL_MAY);
		if (pairs[i].together != NONE)
			assert_int_equal(q.policy_type, POLICY_TLSA);
		hosts[0].addresses = hosts[1].addresses = &testdane_there;
		q = ask(&in);
		assert_false(q.mapped);
		expect(&q, pairs[i].together, LEVEL_MAY);
		hosts[0].addresses = &testdane_here;
		q = ask(&in);
		assert_true(q.mapped);
		expect(&q, pairs[i].alone, LEVEL_MAY);
		/* Nothing of it where the resolver is known not to validate. */
		in.dane = false;
		q = ask(&in);
		expect(&q, NONE, LEVEL_MAY);
	}
}

/* Which records count: those of the hosts in question that have some, best preference first. */
static void
test_whose_records(void **state)
{
	struct require_host hosts[] = { testdane_far("mx0.a.example", USABLE),
	    testdane_host(MX2, USABLE), testdane_host("mx3.a.example", NONE),
	    testdane_host(MX1, USABLE) };
	struct require_input in = testdane_input(hosts, 4);
	struct requirement q;

	(void)state;
	hosts[0].preference = 1;
	hosts[1].preference = 20;
	q = ask(&in);
	assert_string_equal(bases_of(&q), MX1 " " MX2);
	assert_string_equal(q.sni, MX1);
	assert_string_equal(q.mx_host, MX1);
	assert_int_equal(q.tlsa.len, 4);
	assert_string_equal(names_of(&q), MX1 " " MX2 " a.example");
	in.peer.s6_addr[15] = 77;
	q = ask(&in);
	assert_string_equal(bases_of(&q), "mx0.a.example " MX1 " " MX2);
	assert_string_equal(names_of(&q), "a.example");
	assert_string_equal(q.sni, "mx0.a.example");
	assert_string_equal(q.mx_host, "");
	/* Two aliases of one name: one record set. */
	in.peer = testdane_here;
	hosts[1].base = hosts[3].base = "real.b.test";
	q = ask(&in);
	assert_string_equal(bases_of(&q), "real.b.test");
	assert_int_equal(q.tlsa.len, 2);
	assert_string_equal(names_of(&q), MX1 " " MX2 " a.example");
}

/* DNS turns its lists around: the same answers are the same set, another record is another. */
static void
test_digest(void **state)
{
	const struct tlsa turned[] = { testdane_records[1], testdane_records[0] };
	struct require_host hosts[] = { testdane_host(MX1, USABLE), testdane_host(MX2, USABLE) };
	const struct require_host back[] = { hosts[1], hosts[0] };
	struct require_input in = testdane_input(hosts, 2);
	uint8_t was[TLSA_DIGEST];
	struct requirement q = ask(&in);

	(void)state;
	memcpy(was, q.tlsa.digest, sizeof was);
	in.mx.hosts = back;
	q = ask(&in);
	assert_true(tlsa_same(&q.tlsa, was));
	in.mx.hosts = hosts;
	hosts[0].records = turned;
	q = ask(&in);
	assert_true(tlsa_same(&q.tlsa, was));
	hosts[0].records_len = 1;
	q = ask(&in);
	assert_false(tlsa_same(&q.tlsa, was));
}

/* R104, R105: the four names of usage 2, and what an unsigned MX set leaves of them (R91). */
static void
test_names(void **state)
{
	static const struct {
		enum require_mx mx;
		bool mx_secure, mapped;
		const char *host, *base, *expanded, *names;
	} cases[] = {
		{ REQUIRE_MX_OK, true, true, MX1, MX1, "", "a.example" },
		{ REQUIRE_MX_OK, true, true, MX1, "real.b.test", "", MX1 " a.example" },
		{ REQUIRE_MX_OK, true, true, MX1, "real.b.test", "c.test",
		  MX1 " a.example c.test" },
		{ REQUIRE_MX_OK, true, true, "a.example", "a.example", "c.test", "c.test" },
		{ REQUIRE_MX_OK, true, false, MX1, "real.b.test", "c.test", "a.example c.test" },
		{ REQUIRE_MX_OK, false, true, MX1, MX1, "c.test", "" },
		{ REQUIRE_MX_OK, false, true, MX1, "real.b.test", "c.test", MX1 },
		{ REQUIRE_MX_OK, false, false, MX1, "real.b.test", "c.test", "" },
		{ REQUIRE_MX_IMPLICIT, true, true, "a.example", "c.test", "c.test", "a.example" },
		{ REQUIRE_MX_IMPLICIT, true, true, "a.example", "a.example", "", "" },
		{ REQUIRE_MX_IMPLICIT, false, true, "a.example", "c.test", "c.test", "a.example" },
		{ REQUIRE_MX_IMPLICIT, false, false, "a.example", "c.test", "", "a.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_host h = cases[i].mapped ? testdane_host(cases[i].host, USABLE) :
		    testdane_far(cases[i].host, USABLE);
		struct require_input in = testdane_input(&h, 1);
		struct requirement q;

		h.base = cases[i].base;
		in.mx.state = cases[i].mx;
		in.mx.secure = cases[i].mx_secure;
		in.mx.expanded = cases[i].expanded;
		q = ask(&in);
		assert_int_equal(q.level, LEVEL_DANE);	/* R90: to the host DANE applies */
		assert_int_equal(q.mx_secure, cases[i].mx_secure);
		assert_string_equal(bases_of(&q), cases[i].base);
		assert_string_equal(q.sni, cases[i].base);
		if (strcmp(names_of(&q), cases[i].names) != 0)
			fail_msg("case %zu: \"%s\"", i, names_of(&q));
	}
}

/* DNS learnt from the wire chooses among records, and never leads away from them. */
static void
test_hints(void **state)
{
	static const struct {
		enum require_dane hinted, other, outcome;
	} cases[] = {
		{ NONE, USABLE, USABLE }, { INSECURE, USABLE, USABLE },
		{ UNUSABLE, USABLE, USABLE }, { ERROR, USABLE, USABLE },
		{ USABLE, USABLE, USABLE }, { USABLE, NONE, USABLE },
		{ NONE, UNUSABLE, UNUSABLE }, { NONE, ERROR, ERROR },
		{ UNUSABLE, ERROR, ERROR }, { NONE, NONE, NONE },
	};
	static const char *const hinted[] = { MX2 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_host hosts[] = { testdane_far(MX1, cases[i].other),
		    testdane_far(MX2, cases[i].hinted) };
		struct require_input in = testdane_input(hosts, 2);
		struct requirement q;

		hosts[0].answers = "TLSA of the other";
		hosts[1].answers = "TLSA of the hinted";
		in.mx.hinted = hinted;
		in.mx.hinted_len = 1;
		q = ask(&in);
		assert_true(q.mapped);
		assert_string_equal(q.mx_host, MX2);
		expect(&q, cases[i].outcome, LEVEL_MAY);
		if (cases[i].outcome == USABLE)
			assert_string_equal(bases_of(&q), cases[i].hinted == USABLE ? MX2 : MX1);
		assert_int_equal(q.answers_len, 2);
	}
}

/* What is beyond the bounds is left out, and what is left of nothing is still a demand. */
static void
test_bounds(void **state)
{
	static uint8_t big[16000];
	struct tlsa many[TLSA_RECORDS_MAX + 8];
	struct require_host hosts[TLSA_BASES_MAX + 4];
	char names[TLSA_BASES_MAX + 4][16];
	struct require_input in = testdane_input(hosts, TLSA_BASES_MAX + 4);
	struct requirement q;

	(void)state;
	for (size_t i = 0; i < TLSA_BASES_MAX + 4; i++) {
		snprintf(names[i], sizeof names[i], "mx%02zu.a.example", i);
		hosts[i] = testdane_host(names[i], USABLE);
	}
	q = ask(&in);
	assert_int_equal(q.tlsa.bases_len, TLSA_BASES_MAX);
	assert_int_equal(q.tlsa.len, 2 * TLSA_BASES_MAX);
	/* Room for the next hop is kept. */
	assert_int_equal(q.names_len, REQUIREMENT_NAMES_MAX - 1);
	assert_string_equal(q.names[REQUIREMENT_NAMES_MAX - 2], "a.example");

	for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
		many[i] = testdane_records[0];
	hosts[0].records = many;
	hosts[0].records_len = sizeof many / sizeof many[0];
	q = ask(&in);
	assert_int_equal(q.tlsa.len, TLSA_RECORDS_MAX);
	assert_int_equal(q.tlsa.bases_len, 1);

	in.mx.hosts_len = 2;
	hosts[0].records_len = 2;
	many[0].data = many[1].data = big;
	many[0].len = many[1].len = sizeof big;
	many[0].matching = many[1].matching = TLSA_FULL;
	q = ask(&in);
	assert_int_equal(q.tlsa.len, 3);	/* the second big one has no room */
	many[0].len = 30000;
	hosts[0].records_len = 1;
	q = ask(&in);
	assert_string_equal(bases_of(&q), names[1]);
	in.mx.hosts_len = 1;
	q = ask(&in);
	assert_int_equal(q.level, LEVEL_DANE);
	assert_int_equal(q.tlsa.len, 0);
}

/* DANE before MTA-STS (R1): what each leaves of the other, without and with policy.both. */
static void
test_beside_sts(void **state)
{
	static const struct {
		enum require_dane dane;
		const struct sts_policy *policy;	/* NULL: sts as it says */
		enum require_sts sts;
		bool both;
		enum requirement_defer defer;
		enum policy_type type;
		enum level level;
		bool demands_both, mismatch, allowed;
		const char *hosts;
	} cases[] = {
		{ USABLE, &enforce, REQUIRE_STS_ACTIVE, false, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_DANE, false, false, true, "" },
		{ USABLE, &elsewhere, REQUIRE_STS_ACTIVE, false, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_DANE, false, true, true, "" },
		{ USABLE, &report, REQUIRE_STS_ACTIVE, false, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_DANE, false, false, true, "" },
		{ USABLE, &off, REQUIRE_STS_ACTIVE, false, DEFER_NOTHING, POLICY_TLSA, LEVEL_DANE,
		  false, false, true, "" },
		{ USABLE, NULL, REQUIRE_STS_PENDING, false, DEFER_NOTHING, POLICY_TLSA, LEVEL_DANE,
		  false, false, true, "" },
		{ USABLE, &enforce, REQUIRE_STS_ACTIVE, true, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_DANE, true, false, true, MX1 },
		{ USABLE, &elsewhere, REQUIRE_STS_ACTIVE, true, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_DANE, true, false, false, "" },
		{ USABLE, &report, REQUIRE_STS_ACTIVE, true, DEFER_NOTHING, POLICY_TLSA, LEVEL_DANE,
		  false, false, true, "" },
		{ USABLE, NULL, REQUIRE_STS_NONE, true, DEFER_NOTHING, POLICY_TLSA, LEVEL_DANE,
		  false, false, true, "" },
		{ USABLE, NULL, REQUIRE_STS_UNDETERMINED, true, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_DANE, false, false, true, "" },
		{ USABLE, NULL, REQUIRE_STS_PENDING, true, DEFER_POLICY_PENDING,
		  POLICY_NONE_FOUND, LEVEL_MAY, false, false, true, "" },
		/* More than TLS is asked for by the policy alone, while it is enforced. */
		{ UNUSABLE, &enforce, REQUIRE_STS_ACTIVE, false, DEFER_NOTHING, POLICY_STS,
		  LEVEL_VERIFY, false, false, true, MX1 },
		{ UNUSABLE, &elsewhere, REQUIRE_STS_ACTIVE, false, DEFER_NOTHING, POLICY_STS,
		  LEVEL_VERIFY, false, false, false, "" },
		{ UNUSABLE, &report, REQUIRE_STS_ACTIVE, false, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_ENCRYPT, false, false, true, "" },
		{ UNUSABLE, &off, REQUIRE_STS_ACTIVE, true, DEFER_NOTHING, POLICY_TLSA,
		  LEVEL_ENCRYPT, false, false, true, "" },
		{ UNUSABLE, NULL, REQUIRE_STS_PENDING, false, DEFER_POLICY_PENDING,
		  POLICY_NONE_FOUND, LEVEL_MAY, false, false, true, "" },
		{ ERROR, &enforce, REQUIRE_STS_ACTIVE, false, DEFER_TLSA_UNDECIDED, POLICY_TLSA,
		  LEVEL_MAY, false, false, true, "" },
		{ ERROR, NULL, REQUIRE_STS_PENDING, true, DEFER_TLSA_UNDECIDED, POLICY_TLSA,
		  LEVEL_MAY, false, false, true, "" },
		{ NONE, &enforce, REQUIRE_STS_ACTIVE, true, DEFER_NOTHING, POLICY_STS, LEVEL_VERIFY,
		  false, false, true, MX1 },
		{ INSECURE, &report, REQUIRE_STS_ACTIVE, true, DEFER_NOTHING, POLICY_STS,
		  LEVEL_VERIFY, false, false, true, MX1 },
		{ NONE, NULL, REQUIRE_STS_PENDING, true, DEFER_POLICY_PENDING, POLICY_NONE_FOUND,
		  LEVEL_MAY, false, false, true, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_host h = testdane_host(MX1, cases[i].dane);
		struct require_input in = testdane_input(&h, 1);
		struct requirement q;

		if (cases[i].policy != NULL)
			testdane_sts(&in, cases[i].policy);
		in.sts.state = cases[i].sts;
		in.both = cases[i].both;
		q = ask(&in);
		if (q.defer_code != cases[i].defer || q.level != cases[i].level ||
		    q.policy_type != cases[i].type)
			fail_msg("case %zu: defer %d level %s %s", i, (int)q.defer_code,
			    level_name(q.level), policy_type_name(q.policy_type));
		assert_int_equal(q.both, cases[i].demands_both);
		assert_int_equal(q.sts_mismatch, cases[i].mismatch);
		assert_int_equal(q.mx_allowed, cases[i].allowed);
		assert_string_equal(hosts_of(&q), cases[i].hosts);
		if (q.policy_type == POLICY_TLSA)
			assert_string_equal(q.policy_id, "");
	}
}

static void
test_mx_states(void **state)
{
	static const struct {
		enum require_mx mx;
		bool dane;
		enum requirement_defer defer;
	} cases[] = {
		{ REQUIRE_MX_FAILED, true, DEFER_DNS_UNDECIDED },	/* R79 */
		{ REQUIRE_MX_FAILED, false, DEFER_NOTHING },
		{ REQUIRE_MX_BOGUS, true, DEFER_DNSSEC_BOGUS },
		{ REQUIRE_MX_BOGUS, false, DEFER_DNSSEC_BOGUS },
		{ REQUIRE_MX_NULL, true, DEFER_NULL_MX },
		{ REQUIRE_MX_NULL, false, DEFER_NULL_MX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_input in = testdane_input(NULL, 0);
		struct requirement q;

		in.mx.state = cases[i].mx;
		in.dane = cases[i].dane;
		in.mx.answers = "MX a.example: what was said";
		in.monitor = true;
		q = ask(&in);
		assert_int_equal(q.defer_code, cases[i].defer);
		assert_true(q.monitor);
		if (cases[i].mx != REQUIRE_MX_NULL)
			assert_string_equal(q.answers[0], "MX a.example: what was said");
		/* A policy in testing is a report, and no reason to deliver. */
		testdane_sts(&in, &report);
		assert_int_equal(ask(&in).defer_code, cases[i].defer);
	}
}

/* What DNS said of the MX set and of the hosts in question, within bounds. */
static void
test_answers(void **state)
{
	static char long_line[3000];
	struct require_host hosts[REQUIREMENT_ANSWERS_MAX + 6];
	struct require_input in = testdane_input(hosts, 2);
	struct requirement q;

	(void)state;
	hosts[0] = testdane_host(MX1, NONE);
	hosts[1] = testdane_far(MX2, NONE);
	hosts[0].answers = "A mx1";
	hosts[1].answers = "A mx2";
	in.mx.answers = "MX a";
	q = ask(&in);
	assert_int_equal(q.answers_len, 2);
	assert_string_equal(q.answers[0], "MX a");
	assert_string_equal(q.answers[1], "A mx1");
	in.mx.answers = NULL;
	in.peer.s6_addr[15] = 77;
	q = ask(&in);
	assert_int_equal(q.answers_len, 2);
	assert_string_equal(q.answers[1], "A mx2");

	memset(long_line, 'x', sizeof long_line - 1);
	for (size_t i = 0; i < REQUIREMENT_ANSWERS_MAX + 6; i++) {
		hosts[i] = testdane_host(MX1, NONE);
		hosts[i].answers = i < 4 ? long_line : "A";
	}
	in.mx.hosts_len = REQUIREMENT_ANSWERS_MAX + 6;
	q = ask(&in);
	assert_int_equal(q.answers_len, REQUIREMENT_ANSWERS_MAX);
	assert_string_equal(q.answers[1], long_line);
	assert_string_equal(q.answers[2], "A");
}

static struct config_rule
rule(char *name, enum level level)
{
	static struct config_match matches[] = { { .len = 32, .digest = { 1 } },
	    { .len = 64, .digest = { 2 } }, { .len = 32, .digest = { 3 } } };

	return (struct config_rule){ .name = name, .level = level, .reason = ticket,
	    .match = matches, .match_len = 3 };
}

/* DANE alone, whatever the policy says; dane-only with less than usable records of a signed MX set
 * cannot be met (R90, R109). For domains and for relays alike. */
static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAIRS; i++) {
		for (unsigned bits = 0; bits < 8; bits++) {
			bool only = bits & 1, signed_mx = bits & 2, at_relay = bits & 4;
			struct require_host hosts[] = { testdane_host(MX1, pairs[i].first),
			    testdane_host(MX2, pairs[i].second) };
			struct require_input in = testdane_input(hosts, 2);
			struct config_rule r = rule(at_relay ? relay_name : domain_name,
			    only ? LEVEL_DANE_ONLY : LEVEL_DANE);
			struct requirement q;

			*(at_relay ? &in.relay : &in.rule) = &r;
			in.domain = r.name;
			in.mx.secure = signed_mx;
			in.remembered = true;
			in.both = true;
			testdane_sts(&in, &enforce);
			q = ask(&in);
			assert_int_equal(q.policy_type, POLICY_LOCAL);
			assert_int_equal(q.source, at_relay ? SOURCE_RELAY : SOURCE_RULE);
			assert_string_equal(q.policy_domain, r.name);
			assert_int_equal(q.mx_secure, signed_mx);
			assert_true(q.mapped && !q.both && !q.sts_mismatch);
			if (!only || pairs[i].together == ERROR) {
				expect(&q, pairs[i].together, LEVEL_MAY);
				/* Nobody has allowed it to lose its STARTTLS. */
				assert_int_equal(q.remembered && q.marks_count,
				    pairs[i].together == NONE);
				continue;
			}
			assert_int_equal(q.state, REQUIREMENT_READY);
			assert_int_equal(q.level, LEVEL_DANE_ONLY);
			assert_int_equal(q.tlsa.len > 0, signed_mx && pairs[i].together == USABLE);
			assert_int_equal(q.tlsa_unusable, pairs[i].together == UNUSABLE);
		}
	}
}

static void
test_rules_and_dns(void **state)
{
	struct config_rule r = rule(domain_name, LEVEL_DANE), relay = rule(relay_name, LEVEL_DANE);
	struct require_host h = testdane_host(MX1, USABLE), far = testdane_far(MX1, USABLE);
	struct require_input in = testdane_input(&h, 1);
	struct requirement q;

	(void)state;
	for (r.level = LEVEL_DANE; r.level <= LEVEL_DANE_ONLY; r.level++) {
		in.rule = &r;
		in.mx.state = REQUIRE_MX_FAILED;
		assert_int_equal(ask(&in).defer_code, DEFER_DNS_UNDECIDED);
		in.mx.state = REQUIRE_MX_BOGUS;
		assert_int_equal(ask(&in).defer_code, DEFER_DNSSEC_BOGUS);
		in.mx.state = REQUIRE_MX_OK;
	}
	/* Of a relay only its own MX set counts. */
	in.rule = NULL;
	in.relay = &relay;
	assert_int_equal(ask(&in).defer_code, DEFER_DNS_UNDECIDED);
	in.domain = relay_name;
	assert_int_equal(ask(&in).level, LEVEL_DANE);
	in.mx.state = REQUIRE_MX_BOGUS;
	assert_int_equal(ask(&in).defer_code, DEFER_DNSSEC_BOGUS);
	in.mx.state = REQUIRE_MX_NULL;
	assert_int_equal(ask(&in).defer_code, DEFER_NULL_MX);
	in.mx.state = REQUIRE_MX_OK;
	in.mx.hosts = &far;
	q = ask(&in);
	assert_int_equal(q.level, LEVEL_DANE);
	assert_string_equal(bases_of(&q), MX1);
	assert_false(q.mapped);
	/* On auto: as a domain. */
	relay.level = LEVEL_AUTO;
	q = ask(&in);
	assert_int_equal(q.level, LEVEL_DANE);
	assert_int_equal(q.policy_type, POLICY_TLSA);
	assert_string_equal(names_of(&q), relay_name);
}

static void
assert_matches(const struct requirement *q, const char *base)
{
	assert_int_equal(q->state, REQUIREMENT_READY);
	assert_int_equal(q->level, LEVEL_FINGERPRINT);
	assert_int_equal(q->policy_type, POLICY_LOCAL);
	assert_int_equal(q->tlsa.len, 6);
	/* Of two digests one would not count beside the other within one base. */
	assert_int_equal(q->tlsa.bases_len, 2);
	assert_string_equal(q->tlsa.bases[0], base);
	assert_string_equal(q->tlsa.bases[1], base);
	for (size_t i = 0; i < 6; i++) {
		const struct tlsa *t = &q->tlsa.records[i];
		const char *why;

		assert_int_equal(t->usage, TLSA_DANE_EE);
		assert_int_equal(t->matching, t->base == 0 ? TLSA_SHA256 : TLSA_SHA512);
		assert_true(tlsa_usable(t, &why));
	}
	assert_true(q->names_len == 0 && q->hosts_len == 0);
}

static void
test_fingerprints(void **state)
{
	struct config_rule r = rule(domain_name, LEVEL_FINGERPRINT);
	struct require_host hosts[] = { testdane_far("mx0.a.example", ERROR),
	    testdane_host(MX1, USABLE) };
	struct require_input in = testdane_input(hosts, 2);
	struct requirement q;

	(void)state;
	in.rule = &r;
	in.both = true;
	testdane_sts(&in, &elsewhere);
	hosts[0].preference = 1;
	q = ask(&in);
	assert_matches(&q, MX1);
	assert_string_equal(q.sni, MX1);
	in.peer.s6_addr[15] = 77;	/* as verify: the best host's name */
	q = ask(&in);
	assert_matches(&q, "mx0.a.example");
	assert_string_equal(q.sni, "mx0.a.example");
	in.mx.state = REQUIRE_MX_FAILED;	/* the fingerprint is proof enough */
	q = ask(&in);
	assert_matches(&q, "a.example");
	/* At a relay nothing has to be asked. */
	r.name = relay_name;
	in.rule = NULL;
	in.relay = &r;
	q = ask(&in);
	assert_matches(&q, relay_name);
	assert_string_equal(q.sni, relay_name);
	assert_int_equal(q.source, SOURCE_RELAY);
	r.match_len = 1;
	q = ask(&in);
	assert_int_equal(q.tlsa.bases_len, 1);
	assert_int_equal(q.tlsa.len, 2);
	assert_memory_equal(q.tlsa.records[0].data, r.match[0].digest, 32);
	assert_int_not_equal(q.tlsa.records[0].selector, q.tlsa.records[1].selector);
}

/* What TLSA records or fingerprints name is proof: nothing is raised; TLS alone is. */
static void
test_end_to_end(void **state)
{
	static const enum level levels[] = { LEVEL_AUTO, LEVEL_DANE, LEVEL_DANE_ONLY,
	    LEVEL_FINGERPRINT };
	static const enum require_dane states[] = { NONE, INSECURE, ERROR, UNUSABLE, USABLE };

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		enum require_dane dane = states[i % 5];
		struct require_host h = testdane_host(MX1, dane);
		struct require_input in = testdane_input(&h, 1);
		struct config_rule r = rule(domain_name, levels[i / 5]);
		struct requirement plain, q;

		in.rule = &r;
		testdane_sts(&in, &off);
		plain = ask(&in);
		in.end_to_end = true;
		q = ask(&in);
		assert_int_equal(q.state, plain.state);
		assert_int_equal(q.policy_type, plain.policy_type);
		assert_int_equal(q.source, plain.source);
		assert_int_equal(q.raised, plain.state == REQUIREMENT_READY &&
		    plain.level < LEVEL_VERIFY);
		if (q.raised) {
			assert_int_equal(q.floor, dane == UNUSABLE ? LEVEL_ENCRYPT : LEVEL_MAY);
			assert_int_equal(q.level, LEVEL_VERIFY);
			assert_string_equal(hosts_of(&q), MX1);
		} else {
			assert_int_equal(q.level, plain.level);
			assert_true(tlsa_same(&q.tlsa, plain.tlsa.digest));
		}
		/* Not mapped: nobody to prove, whatever the records are. */
		h.addresses = &testdane_there;
		q = ask(&in);
		assert_int_equal(q.defer_code, plain.state == REQUIREMENT_DEFER ?
		    plain.defer_code : DEFER_UNMAPPED);
	}
}

static void
test_end_to_end_at_relays(void **state)
{
	static char literal[] = "203.0.113.9";
	struct config_rule relay = rule(relay_name, LEVEL_FINGERPRINT);
	struct require_host h = testdane_host(MX1, USABLE);
	struct require_input in = testdane_input(&h, 1);

	(void)state;
	in.relay = &relay;
	in.domain = relay_name;
	in.end_to_end = true;
	assert_int_equal(ask(&in).level, LEVEL_FINGERPRINT);
	relay.level = LEVEL_DANE;
	assert_int_equal(ask(&in).level, LEVEL_DANE);
	h.dane = INSECURE;
	assert_true(ask(&in).raised);
	relay.level = LEVEL_DANE_ONLY;
	assert_int_equal(ask(&in).level, LEVEL_DANE_ONLY);
	/* An address has no name to prove, but may have a certificate. */
	relay.name = literal;
	relay.level = LEVEL_FINGERPRINT;
	assert_int_equal(ask(&in).state, REQUIREMENT_READY);
	relay.level = LEVEL_VERIFY;
	assert_int_equal(ask(&in).defer_code, DEFER_UNMAPPED);
}

/* R88: no domain, an address literal, or a relay that is an address: a resolver that does not work
 * is no reason to keep its mail. */
static void
test_no_domain(void **state)
{
	static char address[] = "192.0.2.25";
	struct require_host h = testdane_host(MX1, USABLE);
	struct require_input in = testdane_input(&h, 1);
	struct config_rule relay = rule(address, LEVEL_AUTO);
	struct requirement q;

	(void)state;
	in.domain = "";
	assert_int_equal(ask(&in).level, LEVEL_MAY);
	in.domain = address;
	in.relay = &relay;
	in.mx.state = REQUIRE_MX_FAILED;
	q = ask(&in);
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_int_equal(q.level, LEVEL_MAY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_host),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_whose_records),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_beside_sts),
		cmocka_unit_test(test_mx_states),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_rules_and_dns),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_end_to_end),
		cmocka_unit_test(test_end_to_end_at_relays),
		cmocka_unit_test(test_no_domain),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
