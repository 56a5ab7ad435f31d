/* sts_test.c - the life of cached policies, by the rules of RFC 8461
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/teststore.h"

#include "policy/sts.h"

#define DAY (86400ull * 1000)
#define ENFORCE(mx) "version: STSv1\nmode: enforce\nmx: " mx "\nmax_age: 604800\n"
#define TESTING(mx) "version: STSv1\nmode: testing\nmx: " mx "\nmax_age: 604800\n"

struct fixture {
	struct testworld *t;
	struct store *store;
	struct sts *sts;
	unsigned notices, alarms, failures;
	char last[64];
};

struct seen {
	unsigned count;
	struct sts_view view;
	enum sts_mode mode;
	char id[STS_ID_MAX + 1];
};

static void
on_notice(void *arg, const char *action, const char *domain, const char *detail, bool alarm)
{
	struct fixture *f = arg;

	(void)domain;
	(void)detail;
	f->notices++;
	f->alarms += alarm;
	f->failures += strcmp(action, "refresh-failed") == 0;
	snprintf(f->last, sizeof(f->last), "%s", action);
}

static const struct sts_events events = { .notice = on_notice };

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->store = teststore_open(f->t);
	f->sts = sts_new(&f->t->world, f->store, &events, f);
	assert_non_null(f->sts);
}

static void
end(void *fixture)
{
	struct fixture *f = fixture;

	sts_free(f->sts);
	store_close(f->store);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static void
on_view(void *arg, const struct sts_view *v)
{
	struct seen *s = arg;

	s->count++;
	s->view = *v;
	s->mode = v->policy != NULL ? v->policy->mode : STS_NONE;
	snprintf(s->id, sizeof(s->id), "%s", v->id);
}

/* Asks where that is needed and lets a second pass. */
static struct seen
ask(struct fixture *f, enum sts_need need)
{
	struct seen s = { 0 };
	struct sts_waiter w = { .done = on_view, .arg = &s };
	struct sts_view v;

	if (need == STS_NEED_ANSWER && sts_look(f->sts, "a.example", &v)) {
		on_view(&s, &v);
		return s;
	}
	sts_ask(f->sts, &w, "a.example", need);
	testworld_run(f->t, 1000);
	assert_int_equal(s.count, 1);
	return s;
}

static void
no_record_no_policy(void **state)	/* R2, R6 */
{
	struct fixture *f = *state;
	struct seen s = ask(f, STS_NEED_ANSWER);

	assert_int_equal(s.view.state, REQUIRE_STS_NONE);
	assert_int_equal(f->t->fetches, 0);
	ask(f, STS_NEED_ANSWER);
	assert_int_equal(f->t->queries, 1);	/* kept for the TTL of the denial */
}

static void
first_fetch_then_cache(void **state)	/* R10, R14, R24 */
{
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	s = ask(f, STS_NEED_ANSWER);
	assert_int_equal(s.view.state, REQUIRE_STS_ACTIVE);
	assert_int_equal(s.view.source, SOURCE_FETCHED);
	assert_string_equal(s.id, "7");
	assert_string_equal(f->last, "fetched");
	s = ask(f, STS_NEED_ANSWER);
	assert_int_equal(s.view.source, SOURCE_CACHE);
	assert_int_equal(f->t->fetches, 1);
	assert_int_equal(f->t->queries, 1);
}

static void
one_fetch_for_many(void **state)
{
	struct fixture *f = *state;
	struct seen s = { 0 };
	struct sts_waiter w[100];

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	for (size_t i = 0; i < 100; i++) {
		w[i] = (struct sts_waiter){ .done = on_view, .arg = &s };
		sts_ask(f->sts, &w[i], "a.example", STS_NEED_ANSWER);
	}
	sts_cancel(&w[50]);
	testworld_run(f->t, 1000);
	assert_int_equal(s.count, 99);
	assert_int_equal(f->t->fetches, 1);
	assert_int_equal(f->t->queries, 1);
}

static void
pending_while_fetching(void **state)
{
	struct fixture *f = *state;
	struct seen s = { 0 };
	struct sts_waiter w = { .done = on_view, .arg = &s };
	struct sts_view v;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"))->delay_ms = 60000;
	sts_ask(f->sts, &w, "a.example", STS_NEED_ANSWER);
	testworld_run(f->t, 20000);
	assert_false(sts_look(f->sts, "a.example", &v));
	assert_int_equal(v.state, REQUIRE_STS_PENDING);
	testworld_run(f->t, 50000);
	assert_int_equal(s.view.state, REQUIRE_STS_ACTIVE);
}

static void
failed_fetch_backs_off(void **state)	/* R21, R23 */
{
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", "");
	testworld_break(f->t, "a.example", RESULT_STS_WEBPKI_INVALID);
	s = ask(f, STS_NEED_ANSWER);
	assert_int_equal(s.view.state, REQUIRE_STS_UNDETERMINED);
	assert_int_equal(s.view.problem, RESULT_STS_WEBPKI_INVALID);
	testworld_run(f->t, 240 * 1000);
	ask(f, STS_NEED_ANSWER);
	ask(f, STS_NEED_RECHECK);
	assert_int_equal(f->t->fetches, 1);
	testworld_run(f->t, 60 * 1000);
	ask(f, STS_NEED_ANSWER);
	assert_int_equal(f->t->fetches, 2);
	/* Another id is another matter. */
	testworld_publish(f->t, "a.example", "8", ENFORCE("mx.a.example"));
	s = ask(f, STS_NEED_RECHECK);
	assert_int_equal(s.view.state, REQUIRE_STS_ACTIVE);
}

static void
the_last_fetch_alone_has_a_problem(void **state)
{
	struct fixture *f = *state;
	struct sts_view v;

	testworld_publish(f->t, "a.example", "7", "");
	testworld_break(f->t, "a.example", RESULT_STS_WEBPKI_INVALID);
	ask(f, STS_NEED_ANSWER);
	sts_look(f->sts, "a.example", &v);
	assert_int_equal(v.problem, RESULT_STS_WEBPKI_INVALID);
	assert_string_not_equal(v.detail, "");
	testworld_publish(f->t, "a.example", "8", "version: STSv1\nmode: enforced\n");
	ask(f, STS_NEED_FETCH);
	sts_look(f->sts, "a.example", &v);
	assert_int_equal(v.problem, RESULT_STS_POLICY_INVALID);
	assert_string_equal(v.detail, "line 2: mode: unknown value");
	testworld_publish(f->t, "a.example", "9", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_FETCH);
	sts_look(f->sts, "a.example", &v);
	assert_int_equal(v.problem, RESULT_SUCCESS);
	assert_string_equal(v.detail, "");
	/* What failed under an older id is no reason to wait now (R21). */
	testworld_publish(f->t, "a.example", "8", TESTING("mx.a.example"));
	testworld_run(f->t, 3700 * 1000);
	assert_int_equal(ask(f, STS_NEED_ANSWER).mode, STS_TESTING);
}

static void
malformed_backs_off(void **state)
{
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", "version: STSv1\nmode: enforced\n");
	s = ask(f, STS_NEED_ANSWER);
	assert_int_equal(s.view.problem, RESULT_STS_POLICY_INVALID);
	ask(f, STS_NEED_RECHECK);
	assert_int_equal(f->t->fetches, 1);
}

static void
cached_stays_whatever_fails(void **state)	/* R7, R24, THREATS */
{
	static const enum answer_state faults[] = { ANSWER_NODATA, ANSWER_NXDOMAIN, ANSWER_FAILED,
	    ANSWER_BOGUS };
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	for (size_t i = 0; i < 4; i++) {
		testworld_remove(f->t, "_mta-sts.a.example");
		testworld_fault(f->t, "_mta-sts.a.example", ANSWER_TXT, faults[i]);
		testworld_run(f->t, 3600 * 1000);
		s = ask(f, STS_NEED_RECHECK);
		assert_int_equal(s.view.state, REQUIRE_STS_ACTIVE);
		assert_int_equal(s.mode, STS_ENFORCE);
	}
	/* The id flips while the policy host is blocked. */
	testworld_remove(f->t, "_mta-sts.a.example");
	testworld_add(f->t, "_mta-sts.a.example", ANSWER_TXT, "v=STSv1; id=8;");
	testworld_run(f->t, 3600 * 1000);
	s = ask(f, STS_NEED_ANSWER);
	assert_int_equal(s.view.state, REQUIRE_STS_ACTIVE);
	assert_string_equal(s.id, "7");
	/* And a policy host that serves rubbish. */
	testworld_publish(f->t, "a.example", "9", "<html>");
	testworld_run(f->t, 3600 * 1000);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
}

static void
new_id_replaces(void **state)	/* R4, R44 */
{
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_publish(f->t, "a.example", "3", TESTING("mx.a.example"));
	s = ask(f, STS_NEED_ANSWER);
	assert_string_equal(s.id, "7");		/* within the TTL of the TXT record */
	testworld_run(f->t, 300 * 1000);
	s = ask(f, STS_NEED_ANSWER);
	assert_string_equal(s.id, "3");
	assert_int_equal(s.mode, STS_TESTING);
	assert_string_equal(f->last, "changed");
}

static void
recheck_reads_again(void **state)	/* R34 */
{
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_publish(f->t, "a.example", "8", TESTING("mx.a.example"));
	s = ask(f, STS_NEED_RECHECK);
	assert_int_equal(s.mode, STS_TESTING);
	/* The same id: fetched again, but once in five minutes. */
	testworld_publish(f->t, "a.example", "8", ENFORCE("other.a.example"));
	s = ask(f, STS_NEED_RECHECK);
	assert_int_equal(s.mode, STS_TESTING);
	testworld_run(f->t, 300 * 1000);
	s = ask(f, STS_NEED_RECHECK);
	assert_int_equal(s.mode, STS_ENFORCE);
	assert_int_equal(f->t->fetches, 3);
}

static void
expires_by_max_age(void **state)	/* R14: from the last fetch */
{
	struct fixture *f = *state;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	testworld_run(f->t, 604700ull * 1000);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
	testworld_run(f->t, 200 * 1000);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_UNDETERMINED);
}

static void
zero_is_used_once(void **state)	/* Settled: max_age 0 */
{
	struct fixture *f = *state;

	testworld_publish(f->t, "a.example", "7",
	    "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 0\n");
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
	assert_int_equal(f->t->fetches, 2);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	testworld_run(f->t, 60 * 1000);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_UNDETERMINED);
	assert_int_equal(sts_policies(f->sts), 0);
}

static void
undetermined_is_asked_soon(void **state)
{
	struct fixture *f = *state;

	testworld_fault(f->t, "_mta-sts.a.example", ANSWER_TXT, ANSWER_FAILED);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_UNDETERMINED);
	testworld_remove(f->t, "_mta-sts.a.example");
	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	testworld_run(f->t, 10 * 1000);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
}

static void
survives_a_restart(void **state)
{
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	end(f);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	f->t->ticks = 100;		/* the machine was started anew */
	begin(f);
	s = ask(f, STS_NEED_ANSWER);
	assert_int_equal(s.view.state, REQUIRE_STS_ACTIVE);
	assert_int_equal(s.view.source, SOURCE_CACHE);
	assert_int_equal(sts_policies(f->sts), 1);
	assert_int_equal(f->t->fetches, 1);
}

static void
daily_and_alarmed(void **state)	/* R25, R43: whatever TXT says, and heard of before the end */
{
	struct fixture *f = *state;
	unsigned before;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_remove(f->t, "_mta-sts.a.example");
	testworld_run(f->t, 30 * DAY);
	assert_in_range(f->t->fetches, 27, 34);
	assert_int_equal(f->alarms, 0);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	testworld_run(f->t, 2 * DAY);
	assert_true(f->failures >= 4);
	assert_true(f->alarms >= 1);		/* five days before the end */
	testworld_publish(f->t, "a.example", NULL, ENFORCE("mx.a.example"));
	testworld_run(f->t, DAY);
	before = f->failures;
	testworld_run(f->t, 5 * DAY);
	assert_int_equal(f->failures, before);
	/* Gone for good: it expires, is kept for a week, and is dropped. */
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	testworld_run(f->t, 16 * DAY);
	assert_int_equal(sts_policies(f->sts), 0);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_NONE);
}

static void
none_ends_in_silence(void **state)	/* R33, R41 */
{
	struct fixture *f = *state;
	struct seen s;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_publish(f->t, "a.example", "8", "version: STSv1\nmode: none\nmax_age: 86400\n");
	s = ask(f, STS_NEED_RECHECK);
	assert_int_equal(s.view.state, REQUIRE_STS_ACTIVE);
	assert_int_equal(s.mode, STS_NONE);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	testworld_remove(f->t, "_mta-sts.a.example");
	testworld_run(f->t, 20 * DAY);
	assert_int_equal(f->alarms, 0);
	assert_int_equal(sts_policies(f->sts), 0);
}

static void
clock_set_back(void **state)
{
	struct fixture *f = *state;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	f->t->now_ms -= (int64_t)(3650 * DAY);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
	testworld_run(f->t, 6 * DAY);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
	/* Not immortal: the clock that never goes back ends it. */
	testworld_run(f->t, 2 * DAY);
	assert_int_not_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
}

static void
clock_set_ahead_and_right_again(void **state)
{
	struct fixture *f = *state;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	ask(f, STS_NEED_ANSWER);
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	f->t->now_ms += (int64_t)(8 * DAY);
	ask(f, STS_NEED_ANSWER);
	f->t->now_ms -= (int64_t)(8 * DAY);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_ACTIVE);
}

static void
forgotten(void **state)
{
	struct fixture *f = *state;

	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	assert_false(sts_forget(f->sts, "a.example"));
	ask(f, STS_NEED_ANSWER);
	assert_true(sts_forget(f->sts, "a.example"));
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	assert_int_equal(ask(f, STS_NEED_ANSWER).view.state, REQUIRE_STS_UNDETERMINED);
}

static void
refresh_on_demand(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, STS_NEED_FETCH).view.outcome, STS_OUTCOME_NONE);
	testworld_publish(f->t, "a.example", "7", ENFORCE("mx.a.example"));
	assert_int_equal(ask(f, STS_NEED_FETCH).view.outcome, STS_OUTCOME_FETCHED);
	assert_int_equal(ask(f, STS_NEED_FETCH).view.outcome, STS_OUTCOME_UNCHANGED);
	testworld_publish(f->t, "a.example", "7", TESTING("mx.a.example"));
	assert_int_equal(ask(f, STS_NEED_FETCH).view.outcome, STS_OUTCOME_CHANGED);
	testworld_break(f->t, "a.example", RESULT_STS_WEBPKI_INVALID);
	assert_int_equal(ask(f, STS_NEED_FETCH).view.outcome, STS_OUTCOME_FAILED);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_record_no_policy), T(first_fetch_then_cache), T(one_fetch_for_many),
		T(pending_while_fetching), T(failed_fetch_backs_off), T(malformed_backs_off),
		T(the_last_fetch_alone_has_a_problem),
		T(cached_stays_whatever_fails), T(new_id_replaces), T(recheck_reads_again),
		T(expires_by_max_age), T(zero_is_used_once), T(undetermined_is_asked_soon),
		T(survives_a_restart), T(daily_and_alarmed), T(none_ends_in_silence),
		T(clock_set_back), T(clock_set_ahead_and_right_again), T(forgotten),
		T(refresh_on_demand)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
