/* require_test.c - which MX host is this, and what decides (DESIGN 3)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/address.h"
#include "policy/require.h"

#define NOW 1795269739
#define PEER "203.0.113.9"
#define OTHER "203.0.113.10"

/* One world for all tests; each test changes what it is about. */
static struct sts_policy enforce, report, off;
static struct in6_addr addresses[2];	/* PEER, OTHER */

static char domain_name[] = "example.com", relay_name[] = "relay.isp.example",
    ticket[] = "ticket 4711";

static struct sts_policy
policy(const char *text)
{
	struct sts_policy_fault fault;
	struct sts_policy p;

	assert_true(sts_policy_parse(&p, &fault, text, strlen(text)));
	return p;
}

static int
setup(void **state)
{
	(void)state;
	enforce = policy("version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 1");
	report = policy("version: STSv1\nmode: testing\nmx: *.example.com\nmax_age: 1");
	off = policy("version: STSv1\nmode: none\nmax_age: 1");
	return !address_parse_ip(&addresses[0], PEER, strlen(PEER)) ||
	    !address_parse_ip(&addresses[1], OTHER, strlen(OTHER));
}

static struct require_host
at_peer(const char *name, uint16_t preference)
{
	return (struct require_host){ .name = name, .preference = preference,
	    .state = REQUIRE_ADDRESSES_OK, .addresses = addresses, .addresses_len = 1 };
}

static struct require_host
elsewhere(const char *name, uint16_t preference)
{
	return (struct require_host){ .name = name, .preference = preference,
	    .state = REQUIRE_ADDRESSES_OK, .addresses = addresses + 1, .addresses_len = 1 };
}

/* A domain that nothing is known of but its MX hosts. */
static struct require_input
input(const struct require_host *hosts, size_t len)
{
	struct require_input in = { .now = NOW, .domain = "example.com", .no_policy = LEVEL_MAY,
	    .stripping_refuse = true, .peer = addresses[0] };

	in.sts.id = "";
	in.mx.state = REQUIRE_MX_OK;
	in.mx.hosts = hosts;
	in.mx.hosts_len = len;
	return in;
}

static void
activate(struct require_input *in, const struct sts_policy *p)
{
	in->sts.state = REQUIRE_STS_ACTIVE;
	in->sts.policy = p;
	in->sts.id = "7";
	in->sts.source = SOURCE_CACHE;
	in->sts.fetched = NOW - 345600;
}

/* "host host" of the requirement. */
static const char *
hosts_of(const struct requirement *q)
{
	static char text[1024];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < q->hosts_len; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, i == 0 ? "%s" : " %s",
		    q->hosts[i]);
	return text;
}

static struct requirement
ask(const struct require_input *in)
{
	static struct requirement_space space;
	struct requirement q;

	require(in, &space, &q);
	assert_non_null(q.policy_domain);
	assert_non_null(q.policy_id);
	assert_non_null(q.mx_host);
	assert_non_null(q.sni);
	assert_non_null(q.secure_domain);
	assert_non_null(q.reason);
	assert_int_equal(q.state == REQUIREMENT_DEFER, q.defer_code != DEFER_NOTHING);
	if (q.state == REQUIREMENT_DEFER)
		assert_true(q.reason[0] != '\0');
	return q;
}

/* Who answers at the peer's address, and what *.example.com makes of it (R28, R31, R37). */
static void
test_mapping(void **state)
{
	struct require_host good = at_peer("mx1.example.com", 10),
	    evil = at_peer("mx.evil.test", 5), second = at_peer("mx2.example.com", 20),
	    far = elsewhere("mx3.example.com", 1),
	    far_evil = elsewhere("mx2.evil.test", 0), failed = good, bogus = good;
	const struct {
		struct require_host hosts[4];
		size_t len;
		bool mapped, allowed;
		const char *mx_host, *sni, *names;
	} cases[] = {
		{ { good }, 1, true, true, "mx1.example.com", "mx1.example.com",
		  "mx1.example.com" },
		{ { far, good }, 2, true, true, "mx1.example.com", "mx1.example.com",
		  "mx1.example.com" },
		/* Several names for one address: the allowed ones, best preference first. */
		{ { second, evil, good }, 3, true, true, "mx1.example.com", "mx1.example.com",
		  "mx1.example.com mx2.example.com" },
		/* Mapped, and the policy does not name it: no other host helps. */
		{ { evil, far }, 2, true, false, "mx.evil.test", "mx.evil.test", "" },
		/* Not mapped: any allowed MX host, best preference first. */
		{ { far_evil, elsewhere("mx9.example.com", 9), far }, 3, false, true, "",
		  "mx3.example.com", "mx3.example.com mx9.example.com" },
		{ { far_evil }, 1, false, false, "", "", "" },
		/* Addresses that are not known map nothing, and concern that host alone. */
		{ { failed, far }, 2, false, true, "", "mx3.example.com",
		  "mx3.example.com mx1.example.com" },
		{ { bogus }, 1, false, true, "", "mx1.example.com", "mx1.example.com" },
		{ { failed, second }, 2, true, true, "mx2.example.com", "mx2.example.com",
		  "mx2.example.com" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_host hosts[4];
		struct require_input in = input(hosts, cases[i].len);
		struct requirement q;

		memcpy(hosts, cases[i].hosts, sizeof hosts);
		if (i == 6 || i == 8)
			hosts[0].state = REQUIRE_ADDRESSES_FAILED;
		if (i == 7)
			hosts[0].state = REQUIRE_ADDRESSES_BOGUS;
		activate(&in, &enforce);
		q = ask(&in);
		assert_int_equal(q.state, REQUIREMENT_READY);
		assert_int_equal(q.level, LEVEL_VERIFY);
		assert_int_equal(q.policy_type, POLICY_STS);
		assert_int_equal(q.source, SOURCE_CACHE);
		assert_int_equal(q.sts_mode, STS_ENFORCE);
		assert_string_equal(q.policy_id, "7");
		assert_string_equal(q.policy_domain, "example.com");
		assert_int_equal(q.age_s, 345600);
		assert_int_equal(q.mapped, cases[i].mapped);
		assert_int_equal(q.mx_allowed, cases[i].allowed);
		assert_string_equal(q.mx_host, cases[i].mx_host);
		assert_string_equal(q.sni, cases[i].sni);
		assert_string_equal(hosts_of(&q), cases[i].names);
		assert_true(q.marks_count);
	}
}

static void
test_many_hosts(void **state)
{
	struct require_host hosts[100];
	struct require_input in = input(hosts, 100);
	struct requirement q;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		hosts[i] = elsewhere(i == 70 ? "best.example.com" : "mx.example.com",
		    (uint16_t)(i == 70 ? 1 : 200 - i));
	activate(&in, &enforce);
	q = ask(&in);
	assert_int_equal(q.hosts_len, REQUIREMENT_HOSTS_MAX);
	assert_string_equal(q.hosts[0], "best.example.com");
	assert_string_equal(q.sni, "best.example.com");
}

/* Settled: the domain itself is the MX host, and patterns are matched against it. */
static void
test_implicit_mx(void **state)
{
	struct sts_policy itself =
	    policy("version: STSv1\nmode: enforce\nmx: example.com\nmax_age: 1");
	struct require_host host = at_peer("example.com", 0);
	struct require_input in = input(&host, 1);
	struct requirement q;

	(void)state;
	in.mx.state = REQUIRE_MX_IMPLICIT;
	activate(&in, &itself);
	q = ask(&in);
	assert_true(q.mapped && q.mx_allowed);
	assert_string_equal(hosts_of(&q), "example.com");
	activate(&in, &enforce);
	q = ask(&in);
	assert_true(q.mapped);
	assert_false(q.mx_allowed);
}

/* STS state by MX state: what is demanded, deferred or let go. */
static void
test_states(void **state)
{
	static const struct {
		enum require_mx mx;
		enum require_sts sts;
		enum sts_mode mode;
		enum requirement_defer defer;
		enum level level;
	} cases[] = {
		{ REQUIRE_MX_OK, REQUIRE_STS_NONE, 0, DEFER_NOTHING, LEVEL_MAY },
		/* R23 */
		{ REQUIRE_MX_OK, REQUIRE_STS_UNDETERMINED, 0, DEFER_NOTHING, LEVEL_MAY },
		{ REQUIRE_MX_OK, REQUIRE_STS_PENDING, 0, DEFER_POLICY_PENDING, LEVEL_MAY },
		{ REQUIRE_MX_OK, REQUIRE_STS_ACTIVE, STS_ENFORCE, DEFER_NOTHING, LEVEL_VERIFY },
		{ REQUIRE_MX_OK, REQUIRE_STS_ACTIVE, STS_TESTING, DEFER_NOTHING, LEVEL_VERIFY },
		{ REQUIRE_MX_OK, REQUIRE_STS_ACTIVE, STS_NONE, DEFER_NOTHING, LEVEL_MAY }, /* R33 */
		{ REQUIRE_MX_FAILED, REQUIRE_STS_NONE, 0, DEFER_NOTHING, LEVEL_MAY },
		{ REQUIRE_MX_FAILED, REQUIRE_STS_ACTIVE, STS_ENFORCE, DEFER_DNS_UNDECIDED,
		  LEVEL_MAY },
		{ REQUIRE_MX_FAILED, REQUIRE_STS_ACTIVE, STS_TESTING, DEFER_NOTHING, LEVEL_MAY },
		{ REQUIRE_MX_FAILED, REQUIRE_STS_ACTIVE, STS_NONE, DEFER_NOTHING, LEVEL_MAY },
		{ REQUIRE_MX_FAILED, REQUIRE_STS_PENDING, 0, DEFER_POLICY_PENDING, LEVEL_MAY },
		{ REQUIRE_MX_BOGUS, REQUIRE_STS_NONE, 0, DEFER_DNSSEC_BOGUS, LEVEL_MAY },
		{ REQUIRE_MX_BOGUS, REQUIRE_STS_ACTIVE, STS_TESTING, DEFER_DNSSEC_BOGUS,
		  LEVEL_MAY },
		{ REQUIRE_MX_NULL, REQUIRE_STS_NONE, 0, DEFER_NULL_MX, LEVEL_MAY },	/* R149 */
		{ REQUIRE_MX_NULL, REQUIRE_STS_ACTIVE, STS_ENFORCE, DEFER_NULL_MX, LEVEL_MAY },
	};
	struct require_host host = at_peer("mx1.example.com", 10);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_input in = input(&host, cases[i].mx == REQUIRE_MX_OK);
		struct requirement q;

		if (cases[i].sts == REQUIRE_STS_ACTIVE)
			activate(&in, cases[i].mode == STS_ENFORCE ? &enforce :
			    cases[i].mode == STS_TESTING ? &report : &off);
		in.sts.state = cases[i].sts;
		in.mx.state = cases[i].mx;
		q = ask(&in);
		if (q.defer_code != cases[i].defer || q.level != cases[i].level)
			fail_msg("case %zu: defer %d level %s", i, (int)q.defer_code,
			    level_name(q.level));
		assert_int_equal(q.mapped, cases[i].mx == REQUIRE_MX_OK);
		if (cases[i].sts != REQUIRE_STS_ACTIVE)
			assert_int_equal(q.policy_type, POLICY_NONE_FOUND);
		assert_true(q.mx_allowed);
	}
}

static void
test_nothing_known(void **state)
{
	struct require_host host = at_peer("mx1.example.com", 10);
	struct require_input in = input(&host, 1);
	struct requirement q = ask(&in);

	(void)state;
	assert_string_equal(q.sni, "mx1.example.com");
	assert_string_equal(q.mx_host, "mx1.example.com");
	assert_true(q.mapped && q.stripping_refuse && q.marks_count && !q.monitor && !q.remembered);
	assert_string_equal(q.policy_domain, "");
	assert_int_equal(q.source, SOURCE_NONE);

	/* Unmapped and nothing demanded: no guess at a name, unless memory has one. */
	host = elsewhere("mx1.example.com", 10);
	q = ask(&in);
	assert_string_equal(q.sni, "");
	in.remembered = true;
	in.remembered_host = "old.example.com";
	q = ask(&in);
	assert_string_equal(q.sni, "old.example.com");
	assert_string_equal(q.mx_host, "");
	assert_true(q.remembered && !q.mapped);

	in.no_policy = LEVEL_ENCRYPT;
	in.monitor = true;
	in.stripping_refuse = false;
	q = ask(&in);
	assert_int_equal(q.level, LEVEL_ENCRYPT);
	assert_true(q.monitor && !q.stripping_refuse);
}

/* Settled: no domain or an address literal has no policy; nor do stray inputs give it one. */
static void
test_no_domain(void **state)
{
	struct require_host host = at_peer("mx1.example.com", 10);
	struct require_input in = input(&host, 1);
	struct requirement q;

	(void)state;
	in.domain = "";
	in.mx.state = REQUIRE_MX_NULL;
	activate(&in, &enforce);
	in.remembered = true;
	q = ask(&in);
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_int_equal(q.level, LEVEL_MAY);
	assert_false(q.mapped);
	assert_true(q.remembered);
}

/* In testing the policy's demand is a report, that of policy.no-policy is not. */
static void
test_floor(void **state)
{
	struct require_host host = at_peer("mx1.example.com", 10);
	struct require_input in = input(&host, 1);
	struct requirement q;

	(void)state;
	activate(&in, &report);
	in.remembered = true;
	q = ask(&in);
	assert_int_equal(q.floor, LEVEL_MAY);
	assert_true(q.remembered);
	in.no_policy = LEVEL_ENCRYPT;
	q = ask(&in);
	assert_int_equal(q.level, LEVEL_VERIFY);
	assert_int_equal(q.floor, LEVEL_ENCRYPT);
}

static struct config_rule
rule(char *name, enum level level, time_t until)
{
	return (struct config_rule){ .name = name, .level = level, .reason = ticket,
	    .until = until };
}

static void
test_rules(void **state)
{
	struct require_host mapped[] = { elsewhere("mx0.example.com", 1),
	    at_peer("mx.evil.test", 5) };
	struct require_host unmapped[] = { elsewhere("b.example.com", 2),
	    elsewhere("a.test", 1) };
	const struct {
		enum level level;
		bool mapped;
		const char *sni, *secure, *names;
	} cases[] = {
		{ LEVEL_NONE, true, "mx.evil.test", "", "" },
		{ LEVEL_MAY, true, "mx.evil.test", "", "" },
		{ LEVEL_ENCRYPT, true, "mx.evil.test", "", "" },
		{ LEVEL_ENCRYPT, false, "", "", "" },
		{ LEVEL_VERIFY, true, "mx.evil.test", "", "mx.evil.test" },
		{ LEVEL_VERIFY, false, "a.test", "", "a.test b.example.com" },
		{ LEVEL_SECURE, true, "mx.evil.test", "example.com", "" },
		{ LEVEL_SECURE, false, "a.test", "example.com", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_input in = input(cases[i].mapped ? mapped : unmapped, 2);
		struct config_rule r = rule(domain_name, cases[i].level, NOW + 1);
		struct requirement q;

		in.rule = &r;
		in.remembered = true;
		in.remembered_host = "old.example.com";
		activate(&in, &enforce);	/* behind the rule, not heeded */
		q = ask(&in);
		assert_int_equal(q.state, REQUIREMENT_READY);
		assert_int_equal(q.level, cases[i].level);
		assert_int_equal(q.policy_type, POLICY_LOCAL);
		assert_int_equal(q.source, SOURCE_RULE);
		assert_string_equal(q.policy_domain, "example.com");
		assert_string_equal(q.reason, "ticket 4711");
		assert_string_equal(q.sni, cases[i].sni);
		assert_string_equal(q.secure_domain, cases[i].secure);
		assert_string_equal(hosts_of(&q), cases[i].names);
		assert_true(q.mx_allowed && !q.remembered && !q.marks_count);
		assert_int_equal(q.floor, LEVEL_NONE);
	}
}

static void
test_rules_that_do_not_decide(void **state)
{
	struct require_host host = at_peer("mx1.example.com", 10);
	struct config_rule lapsed = rule(domain_name, LEVEL_NONE, NOW),
	    automatic = rule(domain_name, LEVEL_AUTO, 0);
	struct require_input in = input(&host, 1);

	(void)state;
	activate(&in, &enforce);
	in.rule = &lapsed;
	assert_int_equal(ask(&in).policy_type, POLICY_STS);
	in.rule = &automatic;
	assert_int_equal(ask(&in).policy_type, POLICY_STS);
	lapsed.until = 0;
	in.rule = &lapsed;
	assert_int_equal(ask(&in).policy_type, POLICY_LOCAL);
}

static void
test_rules_and_dns(void **state)
{
	struct config_rule r = rule(domain_name, LEVEL_VERIFY, 0);
	struct require_input in = input(NULL, 0);
	struct requirement q;

	(void)state;
	in.rule = &r;
	in.mx.state = REQUIRE_MX_FAILED;
	assert_int_equal(ask(&in).defer_code, DEFER_DNS_UNDECIDED);
	r.level = LEVEL_SECURE;		/* needs no MX host's name */
	q = ask(&in);
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_string_equal(q.secure_domain, "example.com");
	r.level = LEVEL_ENCRYPT;
	assert_int_equal(ask(&in).state, REQUIREMENT_READY);
	/* Below VERIFY it does not matter who the MX hosts are, with DANE neither. */
	in.dane = true;
	for (r.level = LEVEL_NONE; r.level <= LEVEL_ENCRYPT; r.level++) {
		in.mx.state = REQUIRE_MX_FAILED;
		assert_int_equal(ask(&in).state, REQUIREMENT_READY);
		in.mx.state = REQUIRE_MX_BOGUS;
		assert_int_equal(ask(&in).state, REQUIREMENT_READY);
		in.mx.state = REQUIRE_MX_NULL;
		assert_int_equal(ask(&in).defer_code, DEFER_NULL_MX);
	}
	in.mx.state = REQUIRE_MX_BOGUS;
	for (r.level = LEVEL_VERIFY; r.level <= LEVEL_FINGERPRINT; r.level++)
		assert_int_equal(ask(&in).defer_code, DEFER_DNSSEC_BOGUS);
}

/* R26: the relay's level decides, recipient domains do not. */
static void
test_relays(void **state)
{
	struct config_rule relay = rule(relay_name, LEVEL_SECURE, 0),
	    none = rule(domain_name, LEVEL_NONE, 0);
	struct require_input in = input(NULL, 0);
	struct requirement q;

	(void)state;
	relay.reason = NULL;
	in.relay = &relay;
	in.rule = &none;
	in.remembered = true;
	in.mx.state = REQUIRE_MX_NULL;
	activate(&in, &enforce);
	q = ask(&in);
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_int_equal(q.level, LEVEL_SECURE);
	assert_int_equal(q.policy_type, POLICY_LOCAL);
	assert_int_equal(q.source, SOURCE_RELAY);
	assert_string_equal(q.policy_domain, relay_name);
	assert_string_equal(q.secure_domain, relay_name);
	assert_string_equal(q.sni, relay_name);
	assert_string_equal(q.mx_host, relay_name);
	assert_string_equal(hosts_of(&q), "");
	assert_true(q.mapped && q.mx_allowed && !q.remembered && !q.marks_count);

	relay.level = LEVEL_VERIFY;
	q = ask(&in);
	assert_string_equal(hosts_of(&q), relay_name);
	assert_string_equal(q.secure_domain, "");
	relay.level = LEVEL_MAY;
	assert_int_equal(ask(&in).level, LEVEL_MAY);
}

static void
test_relay_on_auto(void **state)
{
	struct config_rule relay = rule(relay_name, LEVEL_AUTO, 0);
	struct require_host host = at_peer("mx1.example.com", 0);
	struct require_input in = input(&host, 1);
	struct requirement q;

	(void)state;
	in.relay = &relay;
	activate(&in, &enforce);
	q = ask(&in);			/* a recipient's policy: not heeded */
	assert_int_equal(q.level, LEVEL_MAY);
	assert_int_equal(q.policy_type, POLICY_NONE_FOUND);
	in.domain = relay_name;		/* its own: heeded */
	q = ask(&in);
	assert_int_equal(q.policy_type, POLICY_STS);
	assert_string_equal(q.policy_domain, relay_name);
}

static void
test_age(void **state)
{
	static const struct {
		time_t fetched;
		uint32_t age;
	} cases[] = {
		{ NOW, 0 }, { NOW - 1, 1 }, { NOW + 1000, 0 },
		{ NOW - (time_t)UINT32_MAX, UINT32_MAX },
		{ -((time_t)1 << 40), UINT32_MAX },
	};
	struct require_host host = at_peer("mx1.example.com", 0);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct require_input in = input(&host, 1);

		activate(&in, &enforce);
		in.sts.fetched = cases[i].fetched;
		assert_int_equal(ask(&in).age_s, cases[i].age);
	}
}

/* What end to end makes of a domain's demand: less than the proof of the mapped hosts' names is
 * raised to it, testing is enforced, and where the peer is not mapped nobody can say. */
static void
test_end_to_end(void **state)
{
	static const enum level defers = LEVEL_NONE;
	const struct {
		enum require_sts sts;
		const struct sts_policy *policy;
		enum level rule;	/* AUTO: none */
		enum level level, floor;
		bool raised;
		const char *names, *secure;
	} cases[] = {
		{ REQUIRE_STS_NONE, NULL, LEVEL_AUTO, LEVEL_VERIFY, LEVEL_MAY, true,
		  "mx1.example.com mx.other.test", "" },
		{ REQUIRE_STS_UNDETERMINED, NULL, LEVEL_AUTO, LEVEL_VERIFY, LEVEL_MAY, true,
		  "mx1.example.com mx.other.test", "" },
		{ REQUIRE_STS_ACTIVE, &off, LEVEL_AUTO, LEVEL_VERIFY, LEVEL_MAY, true,
		  "mx1.example.com mx.other.test", "" },
		{ REQUIRE_STS_ACTIVE, &enforce, LEVEL_AUTO, LEVEL_VERIFY, LEVEL_MAY, false,
		  "mx1.example.com", "" },
		/* R32: its report is worth more than a session that nobody looks into. */
		{ REQUIRE_STS_ACTIVE, &report, LEVEL_AUTO, LEVEL_VERIFY, LEVEL_VERIFY, false,
		  "mx1.example.com", "" },
		{ REQUIRE_STS_PENDING, NULL, LEVEL_AUTO, defers, LEVEL_MAY, false, "", "" },
		{ REQUIRE_STS_NONE, NULL, LEVEL_NONE, LEVEL_VERIFY, LEVEL_NONE, true,
		  "mx1.example.com mx.other.test", "" },
		{ REQUIRE_STS_NONE, NULL, LEVEL_MAY, LEVEL_VERIFY, LEVEL_MAY, true,
		  "mx1.example.com mx.other.test", "" },
		{ REQUIRE_STS_NONE, NULL, LEVEL_ENCRYPT, LEVEL_VERIFY, LEVEL_ENCRYPT, true,
		  "mx1.example.com mx.other.test", "" },
		{ REQUIRE_STS_NONE, NULL, LEVEL_VERIFY, LEVEL_VERIFY, LEVEL_NONE, false,
		  "mx1.example.com mx.other.test", "" },
		{ REQUIRE_STS_NONE, NULL, LEVEL_SECURE, LEVEL_SECURE, LEVEL_NONE, false, "",
		  "example.com" },
	};
	struct require_host hosts[] = { at_peer("mx.other.test", 20),
	    at_peer("mx1.example.com", 10), elsewhere("mx3.example.com", 1) };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct config_rule r = rule(domain_name, cases[i].rule, 0);
		struct require_input in = input(hosts, 3);
		struct requirement plain, q;

		if (cases[i].policy != NULL)
			activate(&in, cases[i].policy);
		in.sts.state = cases[i].sts;
		in.rule = &r;
		plain = ask(&in);
		in.end_to_end = true;
		q = ask(&in);
		/* Who says so is not changed. */
		assert_int_equal(q.state, plain.state);
		assert_int_equal(q.defer_code, plain.defer_code);
		assert_int_equal(q.policy_type, plain.policy_type);
		assert_int_equal(q.source, plain.source);
		assert_int_equal(q.sts_mode, plain.sts_mode);
		assert_string_equal(q.policy_domain, plain.policy_domain);
		assert_int_equal(q.raised, cases[i].raised);
		assert_true(q.mapped && q.mx_allowed && !plain.raised);
		if (cases[i].level == defers) {
			assert_int_equal(q.state, REQUIREMENT_DEFER);
		} else {
			assert_int_equal(q.state, REQUIREMENT_READY);
			assert_int_equal(q.level, cases[i].level);
			assert_int_equal(q.floor, cases[i].floor);
			assert_string_equal(hosts_of(&q), cases[i].names);
			assert_string_equal(q.secure_domain, cases[i].secure);
			assert_string_equal(q.mx_host, "mx1.example.com");
		}
		/* The same domain with nobody at the address: no MX host, nobody to prove. */
		in.peer = addresses[1];
		in.mx.hosts_len = 2;
		q = ask(&in);
		assert_int_equal(q.state, REQUIREMENT_DEFER);
		assert_int_equal(q.defer_code, plain.state == REQUIREMENT_DEFER ?
		    plain.defer_code : DEFER_UNMAPPED);
		assert_false(q.raised);
	}
}

static void
test_end_to_end_and_dns(void **state)
{
	static const struct {
		enum require_mx mx;
		enum requirement_defer defer;
	} cases[] = {
		{ REQUIRE_MX_FAILED, DEFER_UNMAPPED }, { REQUIRE_MX_BOGUS, DEFER_DNSSEC_BOGUS },
		{ REQUIRE_MX_NULL, DEFER_NULL_MX },
	};
	struct require_host evil = at_peer("mx.evil.test", 1), host = at_peer("example.com", 0);
	const char *hinted[] = { "mx3.example.com" };
	struct require_host far = elsewhere("mx3.example.com", 1);
	const struct require_host both[] = { far, at_peer("mx4.example.com", 2) };
	struct require_input in = input(NULL, 0);
	struct requirement q;

	(void)state;
	in.end_to_end = true;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		in.mx.state = cases[i].mx;
		assert_int_equal(ask(&in).defer_code, cases[i].defer);
	}
	/* In testing too, where the other path lets it go. */
	activate(&in, &report);
	in.mx.state = REQUIRE_MX_FAILED;
	assert_int_equal(ask(&in).defer_code, DEFER_UNMAPPED);
	in = input(&host, 1);
	in.mx.state = REQUIRE_MX_IMPLICIT;
	in.end_to_end = true;
	assert_string_equal(hosts_of((q = ask(&in), &q)), "example.com");
	/* A host that the policy does not allow: as it is, so that nothing passes. */
	in = input(&evil, 1);
	in.end_to_end = true;
	activate(&in, &enforce);
	q = ask(&in);
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_false(q.mx_allowed);
	/* Mapped by what a client was told. */
	in = input(&far, 1);
	in.end_to_end = true;
	assert_int_equal(ask(&in).defer_code, DEFER_UNMAPPED);
	in.mx.hinted = hinted;
	in.mx.hinted_len = 1;
	q = ask(&in);
	assert_true(q.raised && q.mapped);
	assert_string_equal(hosts_of(&q), "mx3.example.com");
	/* Our own lookup comes before what a client was told. */
	in = input(both, 2);
	in.end_to_end = true;
	in.mx.hinted = hinted;
	in.mx.hinted_len = 1;
	q = ask(&in);
	assert_string_equal(hosts_of(&q), "mx4.example.com");
	/* Nobody's domain. */
	in.domain = "";
	assert_int_equal(ask(&in).defer_code, DEFER_UNMAPPED);
}

static void
test_end_to_end_at_relays(void **state)
{
	static const struct {
		enum level level;
		bool raised;
	} cases[] = {
		{ LEVEL_NONE, true }, { LEVEL_MAY, true }, { LEVEL_ENCRYPT, true },
		{ LEVEL_VERIFY, false }, { LEVEL_SECURE, false },
	};
	static char literal[] = "203.0.113.9", literal6[] = "2001:db8::9";
	struct require_host host = at_peer("mx1.example.com", 0),
	    far = elsewhere("mx1.example.com", 0);
	struct config_rule relay = rule(relay_name, LEVEL_AUTO, 0);
	struct require_input in = input(NULL, 0);
	struct requirement q;

	(void)state;
	in.relay = &relay;
	in.end_to_end = true;
	in.domain = relay_name;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		relay.name = relay_name;
		relay.level = cases[i].level;
		q = ask(&in);
		assert_int_equal(q.state, REQUIREMENT_READY);
		assert_int_equal(q.level, cases[i].raised ? LEVEL_VERIFY : cases[i].level);
		assert_int_equal(q.raised, cases[i].raised);
		assert_int_equal(q.source, SOURCE_RELAY);
		assert_string_equal(hosts_of(&q), cases[i].level == LEVEL_SECURE ? "" : relay_name);
		if (cases[i].raised)
			assert_int_equal(q.floor, cases[i].level);
		/* An address cannot prove a name. */
		relay.name = i % 2 ? literal : literal6;
		assert_int_equal(ask(&in).defer_code, DEFER_UNMAPPED);
	}
	relay.name = relay_name;
	/* On auto: its MX host where that has the address, else itself; an enforced policy's demand
	 * is the MX host's alone. */
	relay.level = LEVEL_AUTO;
	in.mx.hosts = &host;
	in.mx.hosts_len = 1;
	q = ask(&in);
	assert_true(q.raised);
	assert_string_equal(hosts_of(&q), "mx1.example.com");
	in.mx.hosts = &far;
	q = ask(&in);
	assert_true(q.raised && q.mapped);
	assert_string_equal(hosts_of(&q), relay_name);
	assert_string_equal(q.mx_host, relay_name);
	activate(&in, &enforce);
	assert_int_equal(ask(&in).defer_code, DEFER_UNMAPPED);
	in.mx.hosts = &host;
	q = ask(&in);
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_false(q.raised);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_many_hosts),
		cmocka_unit_test(test_implicit_mx),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_no_domain),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_rules_that_do_not_decide),
		cmocka_unit_test(test_rules_and_dns),
		cmocka_unit_test(test_relays),
		cmocka_unit_test(test_relay_on_auto),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_end_to_end),
		cmocka_unit_test(test_end_to_end_and_dns),
		cmocka_unit_test(test_end_to_end_at_relays),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
