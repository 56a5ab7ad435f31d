/* hints_test.c - addresses of MX hosts by hearsay: their life, and their number
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include "policy/hints.h"

struct fixture {
	struct testworld *t;
	struct hints *hints;
};

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->hints = hints_new(&f->t->world);
	assert_non_null(f->hints);
}

static void
end(void *fixture)
{
	hints_free(((struct fixture *)fixture)->hints);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static struct in6_addr
address(uint32_t n)
{
	struct in6_addr ip = { .s6_addr = { 0x20, 1, 0xd, 0xb8 } };

	memcpy(ip.s6_addr + 12, &n, sizeof(n));
	return ip;
}

static void
add(struct fixture *f, const char *domain, uint32_t n, const char *host, uint32_t ttl_s)
{
	struct in6_addr ip = address(n);

	hints_add(f->hints, domain, &ip, host, ttl_s);
}

/* The names in their order, or "". */
static const char *
find(struct fixture *f, const char *domain, uint32_t n)
{
	const char *hosts[HINTS_HOSTS_MAX];
	struct in6_addr ip = address(n);
	size_t len = hints_find(f->hints, domain, &ip, hosts);
	static char all[512];

	all[0] = '\0';
	for (size_t i = 0; i < len; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
		    hosts[i]);
	return all;
}

static void
by_domain_and_address(void **state)
{
	struct fixture *f = *state;

	add(f, "a.example", 1, "mx1", 300);
	add(f, "a.example", 2, "mx2", 300);
	add(f, "b.example", 1, "mx3", 300);
	assert_string_equal(find(f, "a.example", 1), "mx1");
	assert_string_equal(find(f, "a.example", 2), "mx2");
	assert_string_equal(find(f, "b.example", 1), "mx3");
	assert_string_equal(find(f, "b.example", 2), "");
	assert_string_equal(find(f, "c.example", 1), "");
	assert_int_equal(hints_length(f->hints), 3);
}

static void
lives_for_its_ttl(void **state)
{
	static const struct {
		uint32_t ttl_s, lives_s;
	} rows[] = {
		{ 300, 300 }, { 0, HINTS_TTL_MIN_S }, { 86400, 86400 }, { UINT32_MAX, 86400 }
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		add(f, "a.example", 1, "mx1", rows[i].ttl_s);
		testworld_run(f->t, rows[i].lives_s * 1000ull - 1);
		assert_string_equal(find(f, "a.example", 1), "mx1");
		testworld_run(f->t, 1);
		assert_string_equal(find(f, "a.example", 1), "");
	}
	assert_int_equal(hints_length(f->hints), 1);
}

static void
several_names_of_one_address(void **state)
{
	struct fixture *f = *state;

	add(f, "a.example", 1, "mx1", 100);
	add(f, "a.example", 1, "mx2", 200);
	add(f, "a.example", 1, "mx1", 300);	/* said again: lives on, is not there twice */
	testworld_run(f->t, 150 * 1000);
	assert_string_equal(find(f, "a.example", 1), "mx1 mx2");
	add(f, "a.example", 1, "mx3", 300);
	add(f, "a.example", 1, "mx4", 300);
	add(f, "a.example", 1, "mx5", 300);	/* the one that ends first gives way */
	assert_string_equal(find(f, "a.example", 1), "mx1 mx5 mx3 mx4");
}

static void
long_domains_have_none(void **state)
{
	struct fixture *f = *state;
	char domain[254];

	memset(domain, 'a', sizeof(domain));
	domain[253] = '\0';
	add(f, domain, 1, "mx1", 300);
	assert_int_equal(hints_length(f->hints), 0);
	assert_string_equal(find(f, domain, 1), "");
	domain[HINTS_DOMAIN_MAX] = '\0';
	add(f, domain, 1, "mx1", 300);
	assert_string_equal(find(f, domain, 1), "mx1");
}

static void
a_flood_is_bounded(void **state)
{
	struct fixture *f = *state;

	add(f, "used.example", 0, "mx", 86400);
	add(f, "idle.example", 0, "mx", 86400);
	for (uint32_t i = 0; i < 2 * HINTS_MAX; i++) {
		add(f, "flood.example", i, "mx", 86400);
		if (i % 1000 == 0)
			assert_string_equal(find(f, "used.example", 0), "mx");
	}
	assert_int_equal(hints_length(f->hints), HINTS_MAX);
	assert_string_equal(find(f, "used.example", 0), "mx");
	assert_string_equal(find(f, "idle.example", 0), "");	/* the oldest give way */
	assert_string_equal(find(f, "flood.example", 1), "");
	assert_string_equal(find(f, "flood.example", 2 * HINTS_MAX - 1), "mx");
}

/* Two names: the first that ends. */
static void
how_long(void **state)
{
	struct fixture *f = *state;
	struct in6_addr ip = address(1);

	add(f, "a.example", 1, "mx1", 100);
	add(f, "a.example", 1, "mx2", 200);
	assert_int_equal(hints_left(f->hints, "a.example", &ip), 100000);
	testworld_run(f->t, 99999);
	assert_int_equal(hints_left(f->hints, "a.example", &ip), 1);
	testworld_run(f->t, 1);
	assert_int_equal(hints_left(f->hints, "a.example", &ip), 100000);
}

static void
on_lost(void *arg, const char *domain)
{
	snprintf(arg, 64, "%s", domain);
}

static void
says_what_is_lost(void **state)
{
	struct fixture *f = *state;
	char lost[64] = "";

	hints_watch(f->hints, on_lost, lost);
	add(f, "used.example", 0, "mx", 86400);
	find(f, "used.example", 0);
	add(f, "idle.example", 0, "mx", 86400);
	for (uint32_t i = 0; i < HINTS_MAX - 2; i++)
		add(f, "flood.example", i, "mx", 86400);
	assert_string_equal(lost, "");
	for (uint32_t i = 0; i < HINTS_MAX; i++)
		add(f, "other.example", i, "mx", 86400);
	assert_string_equal(find(f, "idle.example", 0), "");
	for (uint32_t i = 0; lost[0] == '\0' && i < HINTS_MAX; i++)
		add(f, "third.example", i, "mx", 86400);
	assert_string_equal(lost, "used.example");
	assert_string_equal(find(f, "used.example", 0), "");
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(by_domain_and_address), T(lives_for_its_ttl), T(several_names_of_one_address),
		T(long_domains_have_none), T(a_flood_is_bounded),
		T(how_long), T(says_what_is_lost)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
