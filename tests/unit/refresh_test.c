/* refresh_test.c - when cached policies are fetched again
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include <malloc.h>

#include "policy/refresh.h"

struct fixture {
	struct testworld *t;
	struct refresh *r;
	unsigned ran, wrong;
	int64_t last_due;
	int64_t due[5000];
};

static void
on_run(void *arg, const char *domain)
{
	struct fixture *f = arg;
	int64_t due = f->due[atoi(domain)];

	f->ran++;
	f->wrong += due < f->last_due || testworld_now(f->t) < due;
	f->last_due = due;
}

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->r = refresh_new(&f->t->world, on_run, f);
	assert_non_null(f->r);
}

static void
end(void *fixture)
{
	refresh_free(((struct fixture *)fixture)->r);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static void
set(struct fixture *f, unsigned i, int64_t in)
{
	char name[32];

	snprintf(name, sizeof(name), "%u.example", i);
	f->due[i] = testworld_now(f->t) + in;
	refresh_set(f->r, name, f->due[i]);
}

static void
in_order_of_due(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 5000; i++)
		set(f, i, testworld_random(f->t, 86400));
	for (unsigned i = 0; i < 5000; i += 3)
		set(f, i, testworld_random(f->t, 86400));	/* moved */
	for (unsigned i = 0; i < 5000; i += 5) {
		char name[32];

		snprintf(name, sizeof(name), "%u.example", i);
		refresh_drop(f->r, name);
	}
	assert_int_equal(refresh_length(f->r), 4000);
	for (unsigned done = 0, i = 0; i < 90000 && done < 4000; i++) {
		testworld_run(f->t, 1000);
		for (; done < f->ran; done++)
			refresh_done(f->r);
	}
	assert_int_equal(f->ran, 4000);
	assert_int_equal(f->wrong, 0);
}

static void
bounded_flight(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 100; i++)
		set(f, i, -100);
	testworld_run(f->t, 10000);
	assert_int_equal(f->ran, REFRESH_FLIGHT_MAX);
	refresh_done(f->r);
	testworld_run(f->t, 10000);
	assert_int_equal(f->ran, REFRESH_FLIGHT_MAX + 1);
}

static void
clock_jumps_are_noticed(void **state)
{
	struct fixture *f = *state;

	set(f, 1, 20 * 86400);
	f->t->now_ms += 30ll * 86400 * 1000;
	testworld_run(f->t, 3700 * 1000);
	assert_int_equal(f->ran, 1);
}

/* filled: octets of memory that so many policies take in a table of their own. */
static size_t
filled(struct fixture *f, unsigned count)
{
	struct mallinfo2 before, after;

	refresh_free(f->r);
	before = mallinfo2();
	begin(f);
	for (unsigned i = 0; i < count; i++)
		set(f, i, 86400);
	after = mallinfo2();
	return (after.uordblks - before.uordblks) + (after.hblkhd - before.hblkhd);
}

/* It is all that a policy takes in memory that nobody asks about. How soon the hash table doubles
 * its buckets is luck of its key, so the least of some is taken. (With the sanitizers' malloc
 * nothing is counted.) */
static void
a_policy_takes_little_memory(void **state)
{
	size_t least = SIZE_MAX;

	for (int i = 0; i < 20; i++) {
		size_t taken = filled(*state, 4096);

		if (taken < least)
			least = taken;
	}
	assert_in_range(least, 0, 4096 * 128);
}

static void
plans(void **state)	/* R21, R25, R43 */
{
	static const struct {
		uint32_t max_age;
		unsigned failures;
		int64_t from, to;
	} rows[] = {
		{ 604800, 0, 77000, 95100 }, { 86400, 0, 38000, 47600 }, { 60, 0, 270, 331 },
		{ 31557600, 0, 77000, 95100 }, { 604800, 1, 300, 376 }, { 604800, 2, 600, 751 },
		{ 604800, 5, 4800, 6001 }, { 604800, 50, 21600, 27001 }
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int k = 0; k < 100; k++)
			assert_in_range(refresh_next(&f->t->world, rows[i].max_age,
			    rows[i].failures), rows[i].from, rows[i].to);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(in_order_of_due), T(bounded_flight), T(clock_jumps_are_noticed),
		T(a_policy_takes_little_memory), T(plans)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
