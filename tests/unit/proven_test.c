/* proven_test.c - proven TLS sessions: kept, recalled, over, swept; full, and a clock set back
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/teststore.h"

#include "policy/proven.h"

#define HOUR (3600ull * 1000)
#define DAY (24 * HOUR)
#define USUAL 400	/* octets of evidence */

struct fixture {
	struct testworld *t;
	struct store *store;
	struct proven_sessions *proven;
};

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->store = teststore_open(f->t);
	f->proven = proven_new(&f->t->world, f->store);
	assert_non_null(f->proven);
}

static void
end(void *fixture)
{
	struct fixture *f = fixture;

	proven_free(f->proven);
	store_close(f->store);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

/* Names are hashes: evenly spread. */
static void
name_of(uint8_t name[MESSAGE_NAME], uint32_t i)
{
	uint32_t v = i * 2654435761u;

	memset(name, 0, MESSAGE_NAME);
	for (int k = 0; k < 4; k++) {
		name[k] = (uint8_t)(v >> (24 - 8 * k));
		name[28 + k] = (uint8_t)(i >> (24 - 8 * k));
	}
}

static unsigned char filler[MESSAGE_EVIDENCE_MAX + 1];

static void
keep_octets(struct fixture *f, uint32_t i, uint32_t lifetime_s, size_t len)
{
	struct proven p = { .lifetime_s = lifetime_s, .evidence = filler, .len = len };

	name_of(p.session, i);
	memcpy(filler, &i, sizeof(i));
	proven_keep(f->proven, &p);
}

static void
keep(struct fixture *f, uint32_t i, uint32_t lifetime_s)
{
	keep_octets(f, i, lifetime_s, USUAL);
}

static bool
recalled(struct fixture *f, uint32_t i)
{
	uint8_t name[MESSAGE_NAME];
	struct recalled r = { name, 7 };
	bool known;

	name_of(name, i);
	known = proven_recall(f->proven, name, &r);
	if (known)
		assert_memory_equal(r.evidence, &i, sizeof(i));
	else
		assert_true(r.evidence == NULL && r.len == 0);
	return known;
}

static unsigned
recalled_of(struct fixture *f, uint32_t from, uint32_t to)
{
	unsigned n = 0;

	for (uint32_t i = from; i < to; i++)
		n += recalled(f, i);
	return n;
}

static size_t
on_disk(struct fixture *f)
{
	size_t octets;

	return store_sessions_size(f->store, &octets);
}

static void
kept_and_recalled(void **state)
{
	struct fixture *f = *state;

	assert_false(recalled(f, 1));
	keep(f, 1, 300);
	assert_true(recalled(f, 1));		/* at once */
	assert_int_equal(on_disk(f), 0);
	assert_int_equal(proven_length(f->proven), 1);
	testworld_run(f->t, 1500);
	assert_int_equal(on_disk(f), 1);
	assert_true(recalled(f, 1));
	assert_false(recalled(f, 2));
	assert_int_equal(proven_length(f->proven), 1);
	keep(f, 2, 300);
	end(f);
	begin(f);
	assert_true(recalled(f, 1) && recalled(f, 2));
	assert_int_equal(proven_length(f->proven), 2);
}

/* Two questions in one turn of the loop, and the session replaced meanwhile. */
static void
valid_for_the_turn(void **state)
{
	struct fixture *f = *state;
	uint8_t one[MESSAGE_NAME], two[MESSAGE_NAME];
	struct recalled a, b;
	uint32_t which;

	name_of(one, 1);
	name_of(two, 2);
	keep(f, 1, 300);
	testworld_run(f->t, 1500);
	keep(f, 2, 300);
	assert_true(proven_recall(f->proven, one, &a) && proven_recall(f->proven, two, &b));
	keep_octets(f, 2, 300, 40);
	keep_octets(f, 1, 300, 40);
	assert_int_equal(a.len, USUAL);
	assert_int_equal(b.len, USUAL);
	memcpy(&which, a.evidence, sizeof(which));
	assert_int_equal(which, 1);
	memcpy(&which, b.evidence, sizeof(which));
	assert_int_equal(which, 2);
	assert_true(proven_recall(f->proven, one, &a));
	assert_int_equal(a.len, 40);
}

static void
over_at_its_end(void **state)
{
	static const struct {
		uint32_t lifetime_s;
		uint64_t lives_ms;
	} rows[] = {
		{ 1, 1000 }, { 300, 300000 }, { PROVEN_LIFETIME_MAX_S, DAY },
		{ PROVEN_LIFETIME_MAX_S + 1, DAY }, { UINT32_MAX, DAY },
	};
	struct fixture *f = *state;

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		keep(f, i, rows[i].lifetime_s);
		if (rows[i].lives_ms > 5000) {
			testworld_run(f->t, 2000);
			assert_int_equal(on_disk(f) > 0, 1);
			testworld_run(f->t, rows[i].lives_ms - 3000);
		}
		assert_true(recalled(f, i));
		testworld_run(f->t, 1000);
		assert_false(recalled(f, i));
	}
}

static void
not_kept(void **state)
{
	struct fixture *f = *state;

	keep(f, 1, 0);
	keep_octets(f, 2, 300, 0);
	keep_octets(f, 3, 300, MESSAGE_EVIDENCE_MAX + 1);
	keep_octets(f, 4, 300, SIZE_MAX);
	assert_int_equal(proven_length(f->proven), 0);
	keep_octets(f, 5, 300, MESSAGE_EVIDENCE_MAX);
	testworld_run(f->t, 1500);
	assert_int_equal(recalled_of(f, 1, 5), 0);
	assert_true(recalled(f, 5));
}

static void
swept_within_the_hour(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 3000; i++)
		keep(f, i, i % 3 == 0 ? 60 : PROVEN_LIFETIME_MAX_S);
	testworld_run(f->t, 1500);
	assert_int_equal(on_disk(f), 3000);
	testworld_run(f->t, HOUR + 60000);
	assert_int_equal(on_disk(f), 2000);
	assert_true(recalled(f, 1));
	testworld_run(f->t, DAY + 60000);
	assert_int_equal(on_disk(f), 0);
}

static void
clock_set_back(void **state)
{
	struct fixture *f = *state;

	keep(f, 1, PROVEN_LIFETIME_MAX_S);
	testworld_run(f->t, 10 * HOUR);
	f->t->now_ms -= (int64_t)(9 * HOUR);
	testworld_run(f->t, 14 * HOUR - 60000);
	assert_true(recalled(f, 1));
	testworld_run(f->t, 61000);
	assert_false(recalled(f, 1));
}

/* Who keeps the time across a restart is the clock: in its future nothing can have been kept. */
static void
clock_set_back_at_a_restart(void **state)
{
	struct fixture *f = *state;

	keep(f, 1, PROVEN_LIFETIME_MAX_S);
	end(f);
	f->t->now_ms -= (int64_t)(HOUR);
	begin(f);
	assert_false(recalled(f, 1));
	testworld_run(f->t, 10000);
	assert_int_equal(on_disk(f), 0);
	keep(f, 2, 60);
	assert_true(recalled(f, 2));
}

static void
clock_set_forth(void **state)
{
	struct fixture *f = *state;

	keep(f, 1, PROVEN_LIFETIME_MAX_S);
	f->t->now_ms += (int64_t)(DAY + HOUR);
	assert_false(recalled(f, 1));
	f->t->now_ms -= (int64_t)(DAY + HOUR);	/* it was wrong */
	keep(f, 2, 60);
	assert_true(recalled(f, 2));
	testworld_run(f->t, 61000);
	assert_false(recalled(f, 2));
}

static void
full(void **state)
{
	struct fixture *f = *state;
	unsigned short_lived, long_lived;

	for (uint32_t i = 0; i < PROVEN_MAX; i++) {
		keep_octets(f, i, i % 2 == 0 ? 7200 : 80000, 4);
		if (i % 4000 == 3999)
			testworld_run(f->t, 1500);
	}
	assert_int_equal(on_disk(f), PROVEN_MAX);
	for (uint32_t i = 0; i < 10000; i++) {
		keep_octets(f, PROVEN_MAX + i, 7200, 4);
		if (i % 4000 == 3999)
			testworld_run(f->t, 1500);
	}
	testworld_run(f->t, 1500);
	assert_in_range(on_disk(f), PROVEN_MAX - 1024, PROVEN_MAX);
	/* New ones are there, and of the old those that end first went. */
	assert_in_range(recalled_of(f, PROVEN_MAX, PROVEN_MAX + 10000), 9000, 10000);
	long_lived = short_lived = 0;
	for (uint32_t i = 0; i < PROVEN_MAX; i++)
		*(i % 2 == 0 ? &short_lived : &long_lived) += recalled(f, i);
	assert_true(long_lived > PROVEN_MAX / 2 - 500 && short_lived < PROVEN_MAX / 2 - 8000);
}

/* A captured worker says it has proven a great deal. */
static void
flooded(void **state)
{
	struct fixture *f = *state;
	size_t octets;

	for (uint32_t i = 0; i < 20000; i++)
		keep_octets(f, i, UINT32_MAX, MESSAGE_EVIDENCE_MAX);
	assert_in_range(proven_length(f->proven), 500, 4096);	/* within a second */
	for (uint32_t i = 20000; i < 80000; i++) {
		keep_octets(f, i, UINT32_MAX, MESSAGE_EVIDENCE_MAX);
		if (i % 1000 == 0)
			testworld_run(f->t, 1500);
	}
	testworld_run(f->t, 1500);
	store_sessions_size(f->store, &octets);
	assert_in_range(octets, PROVEN_OCTETS_MAX / 2, PROVEN_OCTETS_MAX + (8u << 20));
	keep(f, 100000, 60);
	testworld_run(f->t, 1500);
	assert_true(recalled(f, 100000));
	assert_string_equal(store_problem(f->store), "");
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(kept_and_recalled), T(valid_for_the_turn), T(over_at_its_end), T(not_kept),
		T(swept_within_the_hour), T(clock_set_back), T(clock_set_back_at_a_restart),
		T(clock_set_forth), T(full), T(flooded)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
