/* mx_test.c - MX sets and their addresses
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include "policy/mx.h"

struct fixture {
	struct testworld *t;
	struct mx *mx;
	unsigned answers;
};

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->mx = mx_new(&f->t->world);
	assert_non_null(f->mx);
}

static void
end(void *fixture)
{
	mx_free(((struct fixture *)fixture)->mx);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static void
on_set(void *arg, const struct mx_set *set)
{
	struct fixture *f = arg;

	assert_non_null(set);
	f->answers++;
}

static const struct mx_set *
look(struct fixture *f, const char *domain)
{
	struct mx_waiter w = { .done = on_set, .arg = f };
	const struct mx_set *set = mx_look(f->mx, domain);

	if (set != NULL)
		return set;
	mx_ask(f->mx, &w, domain);
	testworld_run(f->t, 500);
	return mx_look(f->mx, domain);
}

static void
hosts_and_addresses(void **state)
{
	struct fixture *f = *state;
	const struct mx_set *set;
	const struct require_host *h;
	struct in6_addr ip;
	size_t at = 0;
	unsigned queries;

	testworld_mx(f->t, "a.example", 20, "mx2.a.example", "192.0.2.2");
	testworld_mx(f->t, "a.example", 10, "mx1.a.example", "192.0.2.1");
	testworld_mx(f->t, "a.example", 10, "mx1.a.example", "2001:db8::1");
	set = look(f, "a.example");
	assert_int_equal(set->state, REQUIRE_MX_OK);
	assert_int_equal(set->hosts_len, 2);
	assert_true(address_parse_ip(&ip, "2001:db8::1", 11));
	h = mx_host_of(set, &ip, &at);
	assert_non_null(h);
	assert_string_equal(h->name, "mx1.a.example");
	assert_int_equal(h->preference, 10);
	assert_int_equal(h->addresses_len, 2);
	assert_null(mx_host_of(set, &ip, &at));
	queries = f->t->queries;
	assert_int_equal(queries, 5);
	look(f, "a.example");
	assert_int_equal(f->t->queries, queries);
	testworld_run(f->t, 301 * 1000);	/* the TTL is over */
	look(f, "a.example");
	assert_int_equal(f->t->queries, 2 * queries);
}

static void
errors_stay_with_their_host(void **state)	/* R80, R93 */
{
	struct fixture *f = *state;
	const struct mx_set *set;

	testworld_mx(f->t, "a.example", 10, "ok.a.example", "192.0.2.1");
	testworld_fault(f->t, "ok.a.example", ANSWER_AAAA, ANSWER_FAILED);
	testworld_mx(f->t, "a.example", 20, "failed.a.example", NULL);
	testworld_fault(f->t, "failed.a.example", ANSWER_A, ANSWER_FAILED);
	testworld_mx(f->t, "a.example", 30, "bogus.a.example", NULL);
	testworld_fault(f->t, "bogus.a.example", ANSWER_A, ANSWER_FAILED);
	testworld_fault(f->t, "bogus.a.example", ANSWER_AAAA, ANSWER_BOGUS);
	testworld_mx(f->t, "a.example", 40, "none.a.example", NULL);
	set = look(f, "a.example");
	assert_int_equal(set->hosts_len, 4);
	assert_int_equal(set->hosts[0].state, REQUIRE_ADDRESSES_OK);
	assert_int_equal(set->hosts[1].state, REQUIRE_ADDRESSES_FAILED);
	assert_int_equal(set->hosts[2].state, REQUIRE_ADDRESSES_BOGUS);
	assert_int_equal(set->hosts[3].state, REQUIRE_ADDRESSES_NONE);
}

static void
kinds_of_sets(void **state)	/* R149, RFC 7505, RFC 5321 5.1 */
{
	struct fixture *f = *state;
	const struct mx_set *set;

	testworld_add(f->t, "null.example", ANSWER_MX, "");
	assert_int_equal(look(f, "null.example")->state, REQUIRE_MX_NULL);
	testworld_add(f->t, "both.example", ANSWER_MX, "");
	testworld_mx(f->t, "both.example", 10, "mx.both.example", "192.0.2.1");
	set = look(f, "both.example");
	assert_int_equal(set->state, REQUIRE_MX_OK);
	assert_int_equal(set->hosts_len, 1);
	testworld_add(f->t, "implicit.example", ANSWER_A, "192.0.2.1");
	set = look(f, "implicit.example");
	assert_int_equal(set->state, REQUIRE_MX_IMPLICIT);
	assert_string_equal(set->hosts[0].name, "implicit.example");
	assert_true(set->exists);
	assert_false(look(f, "nobody.example")->exists);
	testworld_fault(f->t, "failed.example", ANSWER_MX, ANSWER_FAILED);
	assert_int_equal(look(f, "failed.example")->state, REQUIRE_MX_FAILED);
	testworld_fault(f->t, "bogus.example", ANSWER_MX, ANSWER_BOGUS);
	assert_int_equal(look(f, "bogus.example")->state, REQUIRE_MX_BOGUS);
	/* An error is asked again soon, and then it is no error any more. */
	testworld_remove(f->t, "failed.example");
	testworld_mx(f->t, "failed.example", 10, "mx.failed.example", "192.0.2.1");
	testworld_run(f->t, 10 * 1000);
	assert_int_equal(look(f, "failed.example")->state, REQUIRE_MX_OK);
}

static void
secure_is_secure_throughout(void **state)
{
	struct fixture *f = *state;
	const struct mx_set *set;

	testworld_mx(f->t, "a.example", 10, "mx.a.example", "192.0.2.1");
	testworld_mx(f->t, "a.example", 10, "mx.a.example", "2001:db8::1");
	for (size_t i = 0; i < f->t->zone_len; i++)
		f->t->zone[i].secure = true;
	set = look(f, "a.example");
	assert_true(set->secure && set->hosts_secure[0]);
	f->t->zone[1].secure = false;
	testworld_run(f->t, 301 * 1000);
	set = look(f, "a.example");
	assert_true(set->secure);
	assert_false(set->hosts_secure[0]);
}

static void
one_lookup_for_many(void **state)
{
	struct fixture *f = *state;
	struct mx_waiter w[50];

	testworld_mx(f->t, "a.example", 10, "mx.a.example", "192.0.2.1");
	for (size_t i = 0; i < 50; i++) {
		w[i] = (struct mx_waiter){ .done = on_set, .arg = f };
		mx_ask(f->mx, &w[i], "a.example");
	}
	mx_cancel(&w[0]);
	mx_cancel(&w[49]);
	testworld_run(f->t, 500);
	assert_int_equal(f->answers, 48);
	assert_int_equal(f->t->queries, 3);
}

static void
bounded(void **state)
{
	struct fixture *f = *state;
	char name[32];

	for (unsigned i = 0; i < MX_DOMAINS_MAX + 2000; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		mx_look(f->mx, name);
	}
	assert_null(mx_last(f->mx, "d1.example"));
	testworld_mx(f->t, "a.example", 10, "mx.a.example", "192.0.2.1");
	assert_int_equal(look(f, "a.example")->state, REQUIRE_MX_OK);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(hosts_and_addresses), T(errors_stay_with_their_host), T(kinds_of_sets),
		T(secure_is_secure_throughout), T(one_lookup_for_many), T(bounded)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
