/* fold_test.c - what several domains demand of one peer, as one requirement
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/fold.h"

static const char *const one[] = { "mx1.test" }, *const two[] = { "mx2.test" },
    *const both[] = { "mx1.test", "mx2.test" }, *const turned[] = { "mx2.test", "mx1.test" };

/* As require() makes it end to end. */
static struct requirement
demand(enum policy_type type, enum sts_mode mode, const char *const *hosts, size_t len)
{
	struct requirement q = {
		.state = REQUIREMENT_READY, .level = LEVEL_VERIFY, .floor = LEVEL_MAY,
		.policy_type = type, .sts_mode = mode, .mapped = true, .mx_allowed = true,
		.raised = type == POLICY_NONE_FOUND || (type == POLICY_STS && mode == STS_NONE),
		.policy_domain = "", .policy_id = "", .mx_host = hosts[0], .sni = hosts[0],
		.secure_domain = "", .reason = "", .hosts = hosts, .hosts_len = len
	};

	if (type == POLICY_STS && mode == STS_TESTING)
		q.floor = LEVEL_VERIFY;
	return q;
}

static struct requirement
nobody(const char *const *hosts, size_t len)
{
	return demand(POLICY_NONE_FOUND, STS_NONE, hosts, len);
}

static struct requirement
secure(const char *domain)
{
	struct requirement q = demand(POLICY_LOCAL, STS_NONE, one, 1);

	q.level = LEVEL_SECURE;
	q.secure_domain = domain;
	q.hosts_len = 0;
	return q;
}

static const char *const next_hop[] = { "mx1.test", "a.test" };

/* Of one host's records: what DANE demands, or a rule of these levels. */
static struct requirement
by_tlsa(enum level level, const struct tlsa_set *set)
{
	struct requirement q = demand(level == LEVEL_DANE ? POLICY_TLSA : POLICY_LOCAL, STS_NONE,
	    one, 1);

	q.level = level;
	q.tlsa = *set;
	q.hosts_len = 0;
	q.sni = set->bases[0];
	q.names = next_hop;
	q.names_len = 2;
	q.mx_secure = true;
	return q;
}

static const uint8_t octets[64];
static const struct tlsa records[] = { { .usage = TLSA_DANE_EE, .len = 32, .data = octets,
    .matching = TLSA_SHA256 }, { .usage = TLSA_DANE_TA, .len = 32, .data = octets } };

/* The first `len` of them, of the base given. */
static struct tlsa_set
set_of(const char *const *base, size_t len)
{
	struct tlsa_set s = { .len = len, .records = records, .bases_len = 1, .bases = base };

	assert_true(tlsa_digest(&s, s.digest));
	return s;
}

static const char *
names_of(const struct requirement *q)
{
	static char text[256];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < q->names_len; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, i == 0 ? "%s" : " %s",
		    q->names[i]);
	return text;
}

static const char *
hosts_of(const struct requirement *q)
{
	static char text[256];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < q->hosts_len; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, i == 0 ? "%s" : " %s",
		    q->hosts[i]);
	return text;
}

/* The stricter of two gives its words, whichever comes first, and the hosts are those of both. */
static void
test_strictest(void **state)
{
	const struct requirement rising[] = {
		nobody(both, 2), demand(POLICY_STS, STS_NONE, both, 2),
		demand(POLICY_LOCAL, STS_NONE, both, 2), demand(POLICY_STS, STS_TESTING, both, 2),
		demand(POLICY_STS, STS_ENFORCE, both, 2),
	};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < 5; k++) {
			size_t most = i > k ? i : k;
			struct requirement a = rising[i], b = rising[k], q;
			struct fold f;

			a.policy_domain = "a.test";
			b.policy_domain = "b.test";
			b.hosts = turned;
			fold_init(&f);
			fold_add(&f, "a.test", &a);
			fold_add(&f, "b.test", &b);
			assert_false(f.closed);
			fold_result(&f, false, &q);
			assert_int_equal(q.state, REQUIREMENT_READY);
			assert_int_equal(q.level, LEVEL_VERIFY);
			if (most > 1) {
				assert_int_equal(q.policy_type, rising[most].policy_type);
				assert_int_equal(q.sts_mode, rising[most].sts_mode);
				if (i != k)
					assert_string_equal(q.policy_domain,
					    most == i ? "a.test" : "b.test");
			}
			assert_int_equal(q.raised, rising[i].raised && rising[k].raised);
			assert_int_equal(q.floor, i == 3 || k == 3 ? LEVEL_VERIFY : LEVEL_MAY);
			/* The strictest's order. */
			assert_string_equal(hosts_of(&q), k > i && k > 1 ? "mx2.test mx1.test" :
			    "mx1.test mx2.test");
			assert_string_equal(q.mx_host, q.hosts[0]);
			assert_string_equal(q.sni, q.hosts[0]);
			fold_free(&f);
		}
	}
}

static void
test_names_of_all(void **state)
{
	static const struct {
		const char *const *hosts[3];
		size_t len[3];
		const char *names;	/* "": no one name for all */
	} cases[] = {
		{ { one, one, one }, { 1, 1, 1 }, "mx1.test" },
		{ { both, two, turned }, { 2, 1, 2 }, "mx2.test" },
		{ { both, turned, both }, { 2, 2, 2 }, "mx1.test mx2.test" },
		{ { one, two, both }, { 1, 1, 2 }, "" },
		{ { both, one, two }, { 2, 1, 1 }, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct requirement q;
		struct fold f;

		fold_init(&f);
		for (size_t k = 0; k < 3; k++) {
			q = nobody(cases[i].hosts[k], cases[i].len[k]);
			fold_add(&f, "a.test", &q);
		}
		fold_result(&f, false, &q);
		assert_string_equal(hosts_of(&q), cases[i].names);
		assert_int_equal(q.state,
		    cases[i].names[0] != '\0' ? REQUIREMENT_READY : REQUIREMENT_DEFER);
		fold_free(&f);
	}
}

/* A stricter one that comes later has no more hosts than were left. */
static void
test_names_of_a_stricter_one(void **state)
{
	struct requirement a = nobody(one, 1), b = demand(POLICY_STS, STS_ENFORCE, turned, 2), q;
	struct fold f;

	(void)state;
	fold_init(&f);
	fold_add(&f, "a.test", &a);
	fold_add(&f, "b.test", &b);
	fold_result(&f, false, &q);
	assert_int_equal(q.policy_type, POLICY_STS);
	assert_string_equal(hosts_of(&q), "mx1.test");
	assert_string_equal(q.mx_host, "mx1.test");
	fold_free(&f);
}

static void
expect_undecided(struct fold *f, bool monitor, const char *reason)
{
	struct requirement q, more = nobody(one, 1);

	assert_true(f->closed);
	fold_add(f, "late.test", &more);	/* makes nothing good */
	fold_result(f, monitor, &q);
	assert_int_equal(q.state, REQUIREMENT_DEFER);
	assert_int_equal(q.defer_code, DEFER_UNMAPPED);
	assert_int_equal(q.monitor, monitor);
	assert_string_equal(q.reason, reason);
	assert_string_equal(q.mx_host, "");
	assert_int_equal(q.hosts_len, 0);
	fold_free(f);
	fold_init(f);
}

/* One, then the other: no name is good for both. */
static void
expect_different(struct fold *f, const char *first, const struct requirement *a,
    const char *second, const struct requirement *b)
{
	char reason[128];

	fold_add(f, first, a);
	fold_add(f, second, b);
	snprintf(reason, sizeof(reason), "%s and %s demand different names of this address",
	    second, first);
	expect_undecided(f, false, reason);
}

static void
test_undecided(void **state)
{
	struct requirement ready = nobody(one, 1), other = nobody(two, 1), bad = {
		.state = REQUIREMENT_DEFER, .defer_code = DEFER_DNS_UNDECIDED, .reason = "cannot" };
	struct requirement a = secure("a.test"), b = secure("b.test"), of_none = secure("");
	struct fold f;

	(void)state;
	fold_init(&f);
	fold_add(&f, "a.test", &bad);
	expect_undecided(&f, false, "a.test cannot");
	fold_add(&f, "a.test", &ready);
	fold_add(&f, "b.test", &bad);
	expect_undecided(&f, true, "b.test cannot");
	expect_different(&f, "a.test", &ready, "b.test", &other);
	fold_undecided(&f, "", "nobody\x1b knows");
	expect_undecided(&f, false, "nobody? knows");
	/* A proof below the domain, and no other demand beside it. */
	fold_add(&f, "a.test", &a);
	fold_add(&f, "a.test", &a);
	assert_false(f.closed);
	fold_add(&f, "b.test", &ready);
	expect_undecided(&f, false,
	    "b.test and a.test demand different names of this address");
	expect_different(&f, "b.test", &ready, "a.test", &a);
	expect_different(&f, "a.test", &of_none, "b.test", &ready);
	expect_different(&f, "b.test", &ready, "a.test", &of_none);
	expect_different(&f, "a.test", &a, "b.test", &b);
	fold_free(&f);
}

static void
test_secure_alone(void **state)
{
	struct requirement q = secure("a.test");
	struct fold f;

	(void)state;
	fold_init(&f);
	fold_add(&f, "a.test", &q);
	fold_result(&f, false, &q);
	assert_int_equal(q.level, LEVEL_SECURE);
	assert_string_equal(q.secure_domain, "a.test");
	assert_string_equal(q.mx_host, "mx1.test");
	fold_free(&f);
}

/* A host that one's policy does not allow passes for nobody: that requirement says it. */
static void
test_not_allowed(void **state)
{
	struct requirement evil = demand(POLICY_STS, STS_ENFORCE, one, 1), good = nobody(one, 1), q;
	struct fold f;

	(void)state;
	evil.mx_allowed = false;
	evil.hosts_len = 0;
	evil.policy_domain = "b.test";
	fold_init(&f);
	fold_add(&f, "a.test", &good);
	fold_add(&f, "b.test", &evil);
	assert_true(f.closed);
	fold_add(&f, "a.test", &good);
	fold_result(&f, false, &q);
	assert_int_equal(q.state, REQUIREMENT_READY);
	assert_false(q.mx_allowed);
	assert_int_equal(q.hosts_len, 0);
	assert_string_equal(q.policy_domain, "b.test");
	assert_string_equal(q.mx_host, "mx1.test");
	fold_free(&f);
}

/* Two of one: folded, with `b` first where `swapped`. */
static struct requirement
folded(struct fold *f, const struct requirement *a, const struct requirement *b, bool swapped)
{
	struct requirement q;

	fold_init(f);
	fold_add(f, swapped ? "b.test" : "a.test", swapped ? b : a);
	fold_add(f, swapped ? "a.test" : "b.test", swapped ? a : b);
	fold_result(f, false, &q);
	return q;
}

/* One host's records that both domains lead to: one proof, the names that are good for both. */
static void
test_same_records(void **state)
{
	static const char *const base[] = { "real.test" };
	static const char *const other[] = { "b.test", "mx1.test" };
	const struct tlsa_set set = set_of(base, 2);

	(void)state;
	for (unsigned turns = 0; turns < 2; turns++) {
		for (enum level level = LEVEL_DANE; level <= LEVEL_FINGERPRINT; level++) {
			struct requirement a = by_tlsa(level, &set), b = a, q;
			struct fold f;

			b.names = other;
			b.mx_secure = false;
			b.sts_mismatch = true;
			q = folded(&f, &a, &b, turns == 1);
			assert_int_equal(q.state, REQUIREMENT_READY);
			assert_int_equal(q.level, level);
			assert_true(tlsa_same(&q.tlsa, set.digest));
			assert_string_equal(names_of(&q), "mx1.test");
			assert_string_equal(q.sni, "real.test");
			assert_string_equal(q.mx_host, "mx1.test");
			assert_true(!q.mx_secure && q.sts_mismatch && !q.both && !q.raised);
			fold_free(&f);
			/* No name in common: the bases still are. */
			b.names_len = 1;
			q = folded(&f, &a, &b, turns == 1);
			assert_int_equal(q.state, REQUIREMENT_READY);
			assert_int_equal(q.names_len, 0);
			fold_free(&f);
		}
	}
}

static void
test_other_records(void **state)
{
	const struct tlsa_set sets[] = { set_of(one, 2), set_of(one, 1), set_of(two, 2) };
	struct requirement secured = secure("a.test"), all[8], named = nobody(one, 1);
	struct fold f;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		all[i] = by_tlsa(LEVEL_DANE, &sets[i]);
	all[3] = by_tlsa(LEVEL_DANE_ONLY, &sets[0]);
	all[4] = by_tlsa(LEVEL_FINGERPRINT, &sets[0]);
	all[5] = named;
	all[6] = demand(POLICY_STS, STS_ENFORCE, one, 1);
	all[7] = secured;
	fold_init(&f);
	for (size_t i = 0; i < 8; i++)
		for (size_t k = 0; k < 8; k++)
			if (i != k && !(i + k == 11 && (i == 5 || i == 6)))
				expect_different(&f, "a.test", &all[i], "b.test", &all[k]);
	fold_free(&f);
}

/* policy.both: who demands names as well is the strictest; of two only common names are left. */
static void
test_both(void **state)
{
	const struct tlsa_set set = set_of(one, 2);
	struct requirement plain = by_tlsa(LEVEL_DANE, &set), twice = plain, other = plain, q;
	struct fold f;

	(void)state;
	twice.both = other.both = true;
	twice.hosts = both;
	twice.hosts_len = 2;
	other.hosts = two;
	for (unsigned turns = 0; turns < 2; turns++) {
		q = folded(&f, &plain, &twice, turns == 1);
		assert_int_equal(q.state, REQUIREMENT_READY);
		assert_true(q.both && q.mx_allowed);
		assert_string_equal(hosts_of(&q), "mx1.test mx2.test");
		assert_string_equal(q.sni, "mx1.test");
		fold_free(&f);
		other.hosts_len = 1;
		q = folded(&f, &twice, &other, turns == 1);
		assert_true(q.both);
		assert_string_equal(hosts_of(&q), "mx2.test");
		assert_string_equal(q.sni, "mx1.test");		/* the records', not the name's */
		fold_free(&f);
		other.hosts = one;
		twice.hosts = two;
		twice.hosts_len = 1;
		q = folded(&f, &twice, &other, turns == 1);
		assert_int_equal(q.defer_code, DEFER_UNMAPPED);
		fold_free(&f);
		/* Not allowed by the policy of one: nothing is good for it. */
		other.mx_allowed = false;
		other.hosts_len = 0;
		q = folded(&f, &plain, &other, turns == 1);
		assert_true(f.closed && q.both && !q.mx_allowed);
		fold_free(&f);
		other.mx_allowed = true;
		other.hosts = two;
		twice.hosts = both;
		twice.hosts_len = 2;
	}
}

/* Records that are demanded and are not there: that requirement says it. */
static void
test_without_records(void **state)
{
	const struct tlsa_set set = set_of(one, 2);
	struct requirement good = by_tlsa(LEVEL_DANE_ONLY, &set), none = good, q;
	struct fold f;

	(void)state;
	none.tlsa = (struct tlsa_set){ .len = 0 };
	for (unsigned turns = 0; turns < 2; turns++) {
		q = folded(&f, &good, &none, turns == 1);
		assert_true(f.closed);
		assert_int_equal(q.state, REQUIREMENT_READY);
		assert_int_equal(q.level, LEVEL_DANE_ONLY);
		assert_int_equal(q.tlsa.len, 0);
		fold_free(&f);
	}
}

/* TLS alone, raised: the words are a stricter one's, and the floor stays. */
static void
test_unusable_records(void **state)
{
	struct requirement a = demand(POLICY_TLSA, STS_NONE, one, 1),
	    b = demand(POLICY_STS, STS_ENFORCE, one, 1), q;
	struct fold f;

	(void)state;
	a.raised = a.tlsa_unusable = true;
	a.floor = LEVEL_ENCRYPT;
	for (unsigned turns = 0; turns < 2; turns++) {
		q = folded(&f, &a, &b, turns == 1);
		assert_int_equal(q.policy_type, POLICY_STS);
		assert_int_equal(q.floor, LEVEL_ENCRYPT);
		assert_false(q.raised);
		fold_free(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strictest),
		cmocka_unit_test(test_names_of_all),
		cmocka_unit_test(test_names_of_a_stricter_one),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_secure_alone),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_same_records),
		cmocka_unit_test(test_other_records),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_without_records),
		cmocka_unit_test(test_unusable_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
