/* canary_test.c - the resolver validates, does not, fails, and comes back
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include "policy/canary.h"

struct fixture {
	struct testworld *t;
	struct canary *canary;
	unsigned changes, alarms;
	enum canary_state state;
	char detail[ANSWER_PROBLEM_SIZE];
};

static void
on_change(void *arg, enum canary_state state, const char *detail, bool alarm)
{
	struct fixture *f = arg;

	assert_int_not_equal(state, f->state);
	assert_true(detail[0] != '\0');
	assert_int_equal(canary_state(f->canary), state);
	assert_string_equal(canary_detail(f->canary), detail);
	f->state = state;
	f->changes++;
	f->alarms += alarm;
}

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	testworld_add(f->t, "", ANSWER_NS, "a.root-servers.example")->secure = true;
	f->canary = canary_new(&f->t->world, on_change, f);
	assert_non_null(f->canary);
	assert_int_equal(canary_state(f->canary), CANARY_UNKNOWN);
	assert_false(canary_lost(f->canary));
	assert_int_equal(f->changes, 0);
}

static void
end(void *fixture)
{
	canary_free(((struct fixture *)fixture)->canary);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

/* What the resolver says from now on: A available, U unavailable, B broken. */
static void
make(struct fixture *f, char state)
{
	struct testworld_record *z = &f->t->zone[0];

	z->state = state == 'B' ? ANSWER_FAILED : ANSWER_OK;
	z->secure = state == 'A';
}

static void
every_transition(void **state)
{
	/* Each letter a minute; below it whether an alarm is raised. */
	static const struct {
		const char *states, *alarms;
	} rows[] = {
		{ "AAA", "   " },
		{ "AUUUA", " !   " },		/* lost: once */
		{ "ABBBA", " !   " },
		{ "AUBUA", " !   " },		/* the same loss */
		{ "ABUBA", " !!  " },		/* in force till then, and now DANE is off */
		{ "AUAUA", " ! ! " },		/* a loss each */
		{ "ABABUA", " ! !! " },
		{ "UUA", "!  " },		/* never there */
		{ "BBA", "!  " },
		{ "BUA", "!! " },
		{ "UBUAU", "!   !" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool was = false;

		canary_free(f->canary);
		f->state = CANARY_UNKNOWN;
		f->canary = canary_new(&f->t->world, on_change, f);
		for (size_t k = 0; rows[i].states[k] != '\0'; k++) {
			char now = rows[i].states[k];
			enum canary_state to = now == 'A' ? CANARY_AVAILABLE :
			    now == 'U' ? CANARY_UNAVAILABLE : CANARY_BROKEN;
			bool change = to != f->state;

			f->changes = f->alarms = 0;
			make(f, now);
			testworld_run(f->t, k == 0 ? 100 : CANARY_EVERY_MS);
			assert_int_equal(canary_state(f->canary), to);
			assert_int_equal(f->changes, change);
			if (f->alarms != (rows[i].alarms[k] == '!'))
				fail_msg("%s, %zu: %u alarms", rows[i].states, k, f->alarms);
			was |= now == 'A';
			assert_true(canary_lost(f->canary) == (was && now != 'A'));
		}
	}
}

static void
what_answers_mean(void **state)
{
	static const struct {
		enum answer_state state;
		bool secure;
		enum canary_state to;
	} rows[] = {
		{ ANSWER_OK, true, CANARY_AVAILABLE }, { ANSWER_OK, false, CANARY_UNAVAILABLE },
		{ ANSWER_NODATA, false, CANARY_UNAVAILABLE },
		{ ANSWER_NXDOMAIN, false, CANARY_UNAVAILABLE },
		/* It validates, and yet has no root: an error, no absence of DANE. */
		{ ANSWER_NODATA, true, CANARY_BROKEN }, { ANSWER_NXDOMAIN, true, CANARY_BROKEN },
		{ ANSWER_FAILED, false, CANARY_BROKEN }, { ANSWER_BOGUS, false, CANARY_BROKEN }
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->t->zone[0].state = rows[i].state;
		f->t->zone[0].secure = rows[i].secure;
		testworld_run(f->t, CANARY_EVERY_MS);
		assert_int_equal(canary_state(f->canary), rows[i].to);
	}
	assert_string_equal(canary_detail(f->canary), "SERVFAIL");
}

static void
every_minute(void **state)
{
	struct fixture *f = *state;

	testworld_run(f->t, 100);
	assert_int_equal(f->t->queries, 1);		/* at once */
	assert_int_equal(testworld_asked(f->t, "", ANSWER_NS), 1);
	testworld_run(f->t, 10 * CANARY_EVERY_MS);
	assert_int_equal(f->t->queries, 11);
	/* While an answer is awaited no further question is asked. */
	f->t->zone[0].delay_ms = 5 * CANARY_EVERY_MS;
	testworld_run(f->t, CANARY_EVERY_MS);
	assert_int_equal(f->t->queries, 12);
	testworld_run(f->t, 4 * CANARY_EVERY_MS);
	assert_int_equal(f->t->queries, 12);
	assert_int_equal(f->state, CANARY_AVAILABLE);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(canary_state_name(CANARY_UNKNOWN), "unknown");
	assert_string_equal(canary_state_name(CANARY_AVAILABLE), "available");
	assert_string_equal(canary_state_name(CANARY_UNAVAILABLE), "unavailable");
	assert_string_equal(canary_state_name(CANARY_BROKEN), "broken");
	canary_free(NULL);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_transition), T(what_answers_mean), T(every_minute), T(names)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
