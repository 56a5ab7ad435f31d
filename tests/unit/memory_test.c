/* memory_test.c - who offered STARTTLS lately
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/teststore.h"

#include "policy/memory.h"

#define DAY (86400ull * 1000)

struct fixture {
	struct testworld *t;
	struct store *store;
	struct memory *memory;
	struct in6_addr one, two;
};

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->one = testworld_ip("192.0.2.1");
	f->two = testworld_ip("2001:db8::2");
	f->store = teststore_open(f->t);
	f->memory = memory_new(&f->t->world, f->store);
	assert_non_null(f->memory);
}

static void
end(void *fixture)
{
	struct fixture *f = fixture;

	memory_free(f->memory);
	store_close(f->store);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static void
name_and_address(void **state)
{
	struct fixture *f = *state;
	const char *host;

	assert_false(memory_knows_address(f->memory, &f->one, &host));
	memory_saw(f->memory, "mx.a.example", &f->one);
	memory_saw(f->memory, "", &f->two);
	assert_true(memory_knows_address(f->memory, &f->one, &host));
	assert_string_equal(host, "mx.a.example");
	assert_true(memory_knows_address(f->memory, &f->two, &host));
	assert_string_equal(host, "");
}

static void
lapses_after_the_last_sight(void **state)
{
	struct fixture *f = *state;
	const char *host;

	memory_saw(f->memory, "mx.a.example", &f->one);
	testworld_run(f->t, 20 * DAY);
	memory_saw(f->memory, "mx.a.example", &f->one);
	testworld_run(f->t, 29 * DAY);
	assert_true(memory_knows_address(f->memory, &f->one, &host));
	testworld_run(f->t, 2 * DAY);
	assert_false(memory_knows_address(f->memory, &f->one, &host));
	assert_int_equal(memory_length(f->memory), 0);
}

static void
count_seen(void *arg, const struct store_seen *seen)
{
	*(int64_t *)arg = seen->last;
}

static int64_t
on_disk(struct fixture *f)
{
	int64_t last = 0;

	store_each_seen(f->store, count_seen, &last);
	return last;
}

static void
written_at_most_daily(void **state)
{
	struct fixture *f = *state;
	int64_t first;

	memory_saw(f->memory, "", &f->one);
	assert_int_equal(on_disk(f), 0);
	testworld_run(f->t, 1500);
	first = on_disk(f);
	assert_int_not_equal(first, 0);
	for (int i = 0; i < 20; i++) {
		testworld_run(f->t, DAY / 24);
		memory_saw(f->memory, "", &f->one);
	}
	assert_int_equal(on_disk(f), first);
	testworld_run(f->t, DAY / 4);
	memory_saw(f->memory, "", &f->one);
	testworld_run(f->t, 1500);
	assert_true(on_disk(f) > first);
}

static void
survives_a_restart(void **state)
{
	struct fixture *f = *state;
	const char *host;

	memory_saw(f->memory, "mx.a.example", &f->one);
	end(f);
	begin(f);
	assert_true(memory_knows_address(f->memory, &f->one, &host));
	assert_string_equal(host, "mx.a.example");
	end(f);
	f->t->now_ms += (int64_t)(31 * DAY);
	begin(f);
	assert_int_equal(memory_length(f->memory), 0);
	assert_int_equal(on_disk(f), 0);
}

static void
forgets_after_a_restart(void **state)
{
	struct fixture *f = *state;
	const char *host;

	memory_saw(f->memory, "mx.a.example", &f->one);
	memory_saw(f->memory, "mx.b.example", &f->two);
	end(f);
	begin(f);
	assert_true(memory_forget_host(f->memory, "mx.a.example"));
	assert_false(memory_forget_host(f->memory, "mx.a.example"));
	assert_false(memory_forget_host(f->memory, ""));
	end(f);
	begin(f);
	assert_false(memory_knows_address(f->memory, &f->one, &host));
	assert_true(memory_knows_address(f->memory, &f->two, &host));
	assert_string_equal(host, "mx.b.example");
}

static void
host_seen(void *arg, const struct store_seen *seen)
{
	snprintf(arg, 64, "%s", seen->host);
}

/* Of an address under many names not every change is a write; the last is there in the end. */
static void
renamed(void **state)
{
	struct fixture *f = *state;
	char host[64] = "", name[64] = "";

	memory_saw(f->memory, "", &f->one);
	testworld_run(f->t, 1500);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "mx%d.a.example", i);
		memory_saw(f->memory, name, &f->one);
		testworld_run(f->t, 1500);
		store_each_seen(f->store, host_seen, host);
		assert_string_equal(host, "");
	}
	testworld_run(f->t, DAY / 24);
	store_each_seen(f->store, host_seen, host);
	assert_string_equal(host, name);
	memory_saw(f->memory, "mx.b.example", &f->one);
	end(f);
	begin(f);
	assert_true(memory_forget_host(f->memory, "mx.b.example"));
}

/* A worker may be in other hands. */
static void
no_name_at_all(void **state)
{
	struct fixture *f = *state;
	char huge[2000];
	const char *host;

	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	memory_saw(f->memory, huge, &f->one);
	memory_saw(f->memory, "mx\r\n250 x", &f->two);
	assert_true(memory_knows_address(f->memory, &f->one, &host));
	assert_string_equal(host, "");
	assert_true(memory_knows_address(f->memory, &f->two, &host));
	assert_string_equal(host, "");
}

static void
forgets(void **state)
{
	struct fixture *f = *state;
	const char *host;

	memory_saw(f->memory, "mx.a.example", &f->one);
	memory_saw(f->memory, "mx.a.example", &f->two);
	assert_true(memory_forget_host(f->memory, "mx.a.example"));
	assert_false(memory_knows_address(f->memory, &f->one, &host));
	assert_false(memory_knows_address(f->memory, &f->two, &host));
	assert_false(memory_forget_host(f->memory, "mx.a.example"));
	testworld_run(f->t, 5000);
	assert_int_equal(on_disk(f), 0);
}

static void
clock_set_back(void **state)
{
	struct fixture *f = *state;
	const char *host;

	memory_saw(f->memory, "mx.a.example", &f->one);
	f->t->now_ms -= (int64_t)(3650 * DAY);
	assert_true(memory_knows_address(f->memory, &f->one, &host));
	testworld_run(f->t, 31 * DAY);
	assert_false(memory_knows_address(f->memory, &f->one, &host));
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(name_and_address), T(lapses_after_the_last_sight), T(written_at_most_daily),
		T(survives_a_restart), T(forgets), T(forgets_after_a_restart), T(renamed),
		T(no_name_at_all), T(clock_set_back)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
