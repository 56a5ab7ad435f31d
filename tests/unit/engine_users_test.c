/* engine_users_test.c - what the engine learns of who uses an address, from whom, and what it forgets
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testengine.h"

#define POLICY "version: STSv1\nmode: enforce\nmx: mx.strict.example\nmax_age: 604800\n"
#define HOSTER "192.0.2.1"
#define ELSEWHERE "203.0.113.9"

static int
setup(void **state)
{
	struct testengine *f = testengine_fixture(state, NULL, 0);

	f->config.inspect = true;
	/* Nobody demands anything but this one, whose own lookups never say HOSTER. */
	testworld_mx(f->t, "other.example", 10, "mx.hoster.example", HOSTER);
	testworld_mx(f->t, "strict.example", 10, "mx.strict.example", ELSEWHERE);
	testworld_publish(f->t, "strict.example", "1", POLICY);
	testengine_begin(f);
	return 0;
}

static void
with_relay(struct testengine *f, int64_t until)
{
	static char name[] = "relay.example";
	static struct config_rule relay = { .name = name, .level = LEVEL_MAY };

	relay.until = until;
	f->config.relays = &relay;
	f->config.relays_len = 1;
}

static struct testengine_got
end_to_end(struct testengine *f, const char *ip)
{
	struct question q = testengine_question("", ip);
	static struct testengine_got g;

	memset(&g, 0, sizeof(g));
	q.end_to_end = true;
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS);
	assert_int_equal(g.count, 1);
	return g;
}

/* Whether a session to this address would pass with the proof of another's MX host. */
static bool
passes_unseen(struct testengine *f, const char *ip)
{
	struct testengine_got g = end_to_end(f, ip);

	return g.q.state == REQUIREMENT_READY && g.q.raised;
}

/* A client that hangs up before the policy was fetched: it comes again, and end to end then. */
static void
a_recipient_that_was_not_answered(void **state)
{
	struct testengine *f = *state;
	struct question q = testengine_question("strict.example", HOSTER);
	struct testengine_got g = { 0 };

	testengine_ask(f, "other.example", HOSTER);
	assert_true(passes_unseen(f, HOSTER));
	engine_ask(f->engine, &q, testengine_answer, &g);
	engine_cancel(f->engine, &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 60000);
	assert_false(passes_unseen(f, HOSTER));
}

/* The same, where it has waited for the relays' addresses before. */
static void
a_recipient_of_the_first_second(void **state)
{
	struct testengine *f = *state;
	struct question q = testengine_question("strict.example", HOSTER);
	struct testengine_got g = { 0 };

	engine_free(f->engine);
	with_relay(f, 0);
	testworld_host(f->t, "strict.example")->delay_ms = 10000;
	testengine_begin(f);
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, 5000);
	engine_cancel(f->engine, &g);
	assert_int_equal(g.count, 0);
	testengine_ask(f, "other.example", HOSTER);
	assert_false(passes_unseen(f, HOSTER));
}

/* An administrator may probe any address for any domain. */
static void
a_probe_is_no_mail(void **state)
{
	struct testengine *f = *state;
	struct question q = testengine_question("strict.example", HOSTER);
	struct testengine_got g = { 0 };

	testengine_ask(f, "other.example", HOSTER);
	q.probe = true;
	engine_ask(f->engine, &q, testengine_answer, &g);	/* looked up first, then known */
	testworld_run(f->t, 60000);
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, 60000);
	assert_int_equal(g.count, 2);
	assert_int_equal(g.q.policy_type, POLICY_STS);
	assert_true(passes_unseen(f, HOSTER));
	assert_string_equal(end_to_end(f, ELSEWHERE).domain, "strict.example");
}

/* Its policy is fetched anew then, and demanded; what only others have said is forgotten. */
static void
a_forgotten_domain(void **state)
{
	struct testengine *f = *state;

	testworld_mx(f->t, "other.example", 20, "mx.strict.example", NULL);
	testengine_ask(f, "other.example", ELSEWHERE);
	testengine_ask(f, "strict.example", ELSEWHERE);
	testengine_ask(f, "strict.example", "192.0.2.200");
	assert_string_equal(end_to_end(f, ELSEWHERE).domain, "strict.example");
	assert_true(engine_policy_forget(f->engine, "strict.example"));
	assert_string_equal(end_to_end(f, ELSEWHERE).domain, "strict.example");
	assert_non_null(strstr(end_to_end(f, "192.0.2.200").reason, "no recipient domain"));
	assert_true(engine_policy_forget(f->engine, "strict.example"));
	assert_false(engine_policy_forget(f->engine, "strict.example"));
	/* Before its MX set is known again too. */
	testworld_run(f->t, 5000);
	engine_free(f->engine);
	testengine_begin(f);
	assert_true(engine_policy_forget(f->engine, "strict.example"));
	testworld_run(f->t, 1000);
	assert_string_equal(end_to_end(f, ELSEWHERE).domain, "strict.example");
}

/* Of all questions together so many domains are looked up at once. */
static void
lookups_at_once(void **state)
{
	enum { MOST = 16384 };
	struct testengine *f = *state;
	struct hint h = { .domain = "other.example", .mx_host = "mx.hoster.example", .ttl_s = 300 };

	h.peer.ip = testworld_ip(HOSTER);
	engine_hint(f->engine, &h);
	f->engine->address_lookups = MOST;
	assert_string_equal(end_to_end(f, HOSTER).reason, "too many sessions wait for lookups");
	testworld_run(f->t, 3600 * 1000);
	f->engine->address_lookups = MOST - 1;
	assert_true(passes_unseen(f, HOSTER));
	assert_int_equal(f->engine->address_lookups, MOST - 1);
}

/* A relay whose time is over is an address like any other: recipients' domains count there. */
static void
a_relay_that_has_lapsed(void **state)
{
	struct testengine *f = *state;
	int64_t until = testworld_now(f->t) + 100;

	engine_free(f->engine);
	with_relay(f, until);
	testworld_add(f->t, "relay.example", ANSWER_A, ELSEWHERE);
	testengine_begin(f);
	assert_int_equal(testengine_ask(f, "strict.example", ELSEWHERE).q.source, SOURCE_RELAY);
	assert_string_equal(end_to_end(f, ELSEWHERE).hosts, "relay.example");
	testworld_run(f->t, (uint64_t)(until * 1000 - f->t->now_ms));
	assert_int_equal(testengine_ask(f, "strict.example", ELSEWHERE).q.policy_type, POLICY_STS);
	assert_string_equal(end_to_end(f, ELSEWHERE).domain, "strict.example");
}

/* Of one MX set so many addresses are noted as large senders have, and no thousands. */
static void
of_one_set_so_many_addresses(void **state)
{
	struct testengine *f = *state;
	char host[64], ip[32];

	for (int i = 0; i < 100; i++) {
		snprintf(host, sizeof(host), "mx%d.large.example", i % 10);
		snprintf(ip, sizeof(ip), "198.51.100.%d", i + 1);
		if (i < 10)
			testworld_mx(f->t, "large.example", 10, host, ip);
		else
			testworld_add(f->t, host, ANSWER_A, ip);
	}
	testengine_ask(f, "large.example", "198.51.100.1");
	assert_int_equal(users_length(f->engine->users), 64);
	assert_true(passes_unseen(f, "198.51.100.1"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, testengine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_recipient_that_was_not_answered), T(a_recipient_of_the_first_second),
		T(a_relay_that_has_lapsed), T(of_one_set_so_many_addresses), T(a_probe_is_no_mail),
		T(a_forgotten_domain), T(lookups_at_once)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
