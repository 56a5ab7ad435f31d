/* engine_hint_test.c - what DNS told a client, used by the engine, and what makes answers stale
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testengine.h"

#define TWO_MX(mode) "version: STSv1\nmode: " mode "\nmx: mx1.a.example\nmx: mx2.a.example\n" \
	"max_age: 604800\n"

static struct config_rule domains[] = {
	{ .name = (char[]){ "auto.example" }, .level = LEVEL_AUTO, .reason = (char[]){ "r" } },
	{ .name = (char[]){ "clear.example" }, .level = LEVEL_NONE, .reason = (char[]){ "r" },
	    .until = 1795270000 + 7 * 86400 },
	{ .name = (char[]){ "soon.example" }, .level = LEVEL_NONE, .reason = (char[]){ "r" },
	    .until = 1795270000 + 100 },
};
static struct config_rule relays[] = {
	{ .name = (char[]){ "relay.example" }, .level = LEVEL_SECURE,
	    .until = 1795270000 + 2 * 86400 },
};

static void
stale(void *arg, const struct stale *what)
{
	struct testengine *f = arg;

	f->stale++;
	f->stale_ip = what->ip;
	snprintf(f->stale_domain, sizeof(f->stale_domain), "%s", what->domain);
}

static const struct engine_events events = { .stale = stale };

static int
setup(void **state)
{
	struct testengine *f = testengine_fixture(state, domains, 2);

	f->events = &events;
	testworld_mx(f->t, "a.example", 10, "mx1.a.example", "192.0.2.1");
	testworld_mx(f->t, "a.example", 10, "mx2.a.example", "192.0.2.2");
	testworld_publish(f->t, "a.example", "7", TWO_MX("enforce"));
	testengine_begin(f);
	return 0;
}

static void
hint(struct testengine *f, const char *domain, const char *host, const char *ip, uint32_t ttl_s)
{
	struct hint h = { .domain = domain, .mx_host = host, .ttl_s = ttl_s };

	if (ip != NULL)
		h.peer.ip = testworld_ip(ip);
	engine_hint(f->engine, &h);
}

#define ELSEWHERE "203.0.113.5"	/* an address of the pool that our own resolver did not tell */

static void
a_hint_maps_where_our_lookup_does_not(void **state)	/* DESIGN, Which MX is this? */
{
	struct testengine *f = *state;
	struct testengine_got g = testengine_ask(f, "a.example", ELSEWHERE);

	assert_false(g.q.mapped);
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_int_equal(g.q.hosts_len, 2);
	hint(f, "a.example", "mx2.a.example", ELSEWHERE, 300);
	g = testengine_ask(f, "a.example", ELSEWHERE);
	assert_true(g.q.mapped && g.q.mx_allowed);
	assert_int_equal(g.q.level, LEVEL_VERIFY);	/* chosen, not weakened */
	assert_string_equal(g.mx_host, "mx2.a.example");
	assert_string_equal(g.sni, "mx2.a.example");
	assert_int_equal(g.q.hosts_len, 1);
	assert_string_equal(g.host, "mx2.a.example");
	testworld_run(f->t, 300 * 1000);
	assert_false(testengine_ask(f, "a.example", ELSEWHERE).q.mapped);
}

static void
a_hint_never_adds_a_host(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	hint(f, "a.example", "mx.evil.example", "198.51.100.66", 86400);
	g = testengine_ask(f, "a.example", "198.51.100.66");
	assert_false(g.q.mapped);
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_int_equal(g.q.hosts_len, 2);	/* those of the policy, as without it */
	assert_string_equal(g.host, "mx1.a.example");
	/* Nor is a hint for one domain one for another. */
	hint(f, "b.example", "mx2.a.example", "198.51.100.66", 86400);
	assert_false(testengine_ask(f, "a.example", "198.51.100.66").q.mapped);
}

static void
our_own_lookup_wins(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	hint(f, "a.example", "mx2.a.example", "192.0.2.1", 86400);
	g = testengine_ask(f, "a.example", "192.0.2.1");
	assert_true(g.q.mapped);
	assert_string_equal(g.mx_host, "mx1.a.example");
	assert_int_equal(g.q.hosts_len, 1);
}

static void
a_hint_takes_no_demand_away(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	/* A host of the set that the policy does not allow: with the hint it is refused. */
	testworld_mx(f->t, "a.example", 20, "mx3.a.example", "192.0.2.3");
	hint(f, "a.example", "mx3.a.example", ELSEWHERE, 86400);
	g = testengine_ask(f, "a.example", ELSEWHERE);
	assert_true(g.q.mapped);
	assert_false(g.q.mx_allowed);
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	/* Nobody's word is taken for a host about which DNSSEC says that somebody lies. */
	testworld_mx(f->t, "b.example", 10, "mx.b.example", NULL);
	testworld_fault(f->t, "mx.b.example", ANSWER_A, ANSWER_BOGUS);
	hint(f, "b.example", "mx.b.example", ELSEWHERE, 86400);
	assert_false(testengine_ask(f, "b.example", ELSEWHERE).q.mapped);
	/* Where the host's addresses could not be had, the client's answer serves. */
	testworld_mx(f->t, "c.example", 10, "mx.c.example", NULL);
	testworld_fault(f->t, "mx.c.example", ANSWER_A, ANSWER_FAILED);
	hint(f, "c.example", "mx.c.example", ELSEWHERE, 86400);
	assert_string_equal(testengine_ask(f, "c.example", ELSEWHERE).mx_host, "mx.c.example");
	/* Without a policy it is a name for SNI. */
	testworld_mx(f->t, "d.example", 10, "mx.d.example", "192.0.2.9");
	hint(f, "d.example", "mx.d.example", ELSEWHERE, 86400);
	g = testengine_ask(f, "d.example", ELSEWHERE);
	assert_int_equal(g.q.level, LEVEL_MAY);
	assert_string_equal(g.sni, "mx.d.example");
	/* And none for a domain that has no MX set that we know. */
	testworld_fault(f->t, "e.example", ANSWER_MX, ANSWER_FAILED);
	hint(f, "e.example", "mx.e.example", ELSEWHERE, 86400);
	assert_false(testengine_ask(f, "e.example", ELSEWHERE).q.mapped);
}

static void
a_policy_is_fetched_ahead(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;
	unsigned queries;

	hint(f, "A.example.", "", NULL, 0);	/* as a client may write it */
	assert_int_equal(f->t->fetches, 0);
	testworld_run(f->t, 1000);
	assert_int_equal(f->t->fetches, 1);
	queries = f->t->queries;
	testengine_ask_now(f, "a.example", "192.0.2.1", &g);
	assert_int_equal(g.count, 1);		/* within the call: the client does not wait */
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	hint(f, "a.example", "", NULL, 0);	/* known by now */
	testworld_run(f->t, 1000);
	assert_int_equal(f->t->queries, queries);
	assert_int_equal(f->engine->ahead.len, 0);
}

static void
the_client_joins_what_is_under_way(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	hint(f, "a.example", "", NULL, 0);
	hint(f, "a.example", "", NULL, 0);
	assert_int_equal(f->engine->ahead.len, 1);
	testengine_ask_now(f, "a.example", "192.0.2.1", &g);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	assert_int_equal(f->t->fetches, 1);
}

static void
what_is_not_fetched_ahead(void **state)
{
	static const char *const names[] = { "clear.example", "example", "", "a b.example",
		"_dmarc.a.example", "192.0.2.1\n" };
	struct testengine *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		hint(f, names[i], "", NULL, 0);
	assert_int_equal(f->t->queries, 0);
	hint(f, "auto.example", "", NULL, 0);
	assert_true(f->t->queries > 0);
	engine_free(f->engine);
	f->config.policy.mta_sts = false;
	testengine_begin(f);
	f->t->queries = 0;
	hint(f, "a.example", "", NULL, 0);
	assert_int_equal(f->t->queries, 0);
}

/* Forged answers can name any number of domains. */
static void
a_flood_is_bounded_in_rate(void **state)
{
	struct testengine *f = *state;
	char name[32];
	unsigned n = 0;

	for (unsigned second = 0; second < 10; second++)
		for (unsigned i = 0; i < 100; i++) {
			for (unsigned k = 0; k < 10; k++) {
				snprintf(name, sizeof(name), "d%u.example", n++);
				hint(f, name, "", NULL, 0);
			}
			testworld_run(f->t, 10);
		}
	/* TXT and MX each: a burst of 64, then 20 a second. */
	assert_in_range(f->t->queries / 2, 64 + 9 * 20, 64 + 10 * 20 + 1);
	assert_int_equal(f->engine->ahead.len, 0);
	/* What was left out costs nothing but the wait. */
	hint(f, "a.example", "", NULL, 0);
	assert_int_equal(testengine_ask(f, "a.example", "192.0.2.1").q.level, LEVEL_VERIFY);
}

static void
a_flood_is_bounded_at_once(void **state)
{
	struct testengine *f = *state;
	char name[32];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		testworld_publish(f->t, name, "1", TWO_MX("none"))->delay_ms = 60000;
	}
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		hint(f, name, "", NULL, 0);
		testworld_run(f->t, 100);
	}
	assert_int_equal(f->t->fetches, 64);
	assert_int_equal(f->engine->ahead.len, 64);
	testworld_run(f->t, 61000);		/* over, and room for others */
	assert_int_equal(f->engine->ahead.len, 0);
	hint(f, "d99.example", "", NULL, 0);
	testworld_run(f->t, 1000);
	assert_int_equal(f->t->fetches, 65);
	/* Freed in the middle of it. */
	assert_int_equal(f->engine->ahead.len, 1);
}

static unsigned
staled(struct testengine *f)
{
	unsigned n = f->stale;

	f->stale = 0;
	return n;
}

static void
policies_make_answers_stale(void **state)
{
	struct testengine *f = *state;

	testengine_ask(f, "b.example", "192.0.2.1");
	assert_int_equal(staled(f), 0);		/* an answer changes nothing */
	testengine_ask(f, "a.example", "192.0.2.1");
	assert_int_equal(staled(f), 1);		/* fetched */
	assert_string_equal(f->stale_domain, "a.example");
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&f->stale_ip));
	testengine_ask(f, "a.example", "192.0.2.1");
	assert_int_equal(staled(f), 0);
	testworld_publish(f->t, "a.example", "8", TWO_MX("none"));
	testworld_run(f->t, 2 * 86400 * 1000ull);
	assert_true(staled(f) > 0);		/* changed */
	testworld_run(f->t, 2 * 86400 * 1000ull);
	assert_int_equal(staled(f), 0);		/* refreshed, the same */
	assert_true(engine_policy_forget(f->engine, "a.example"));
	assert_true(staled(f) > 0);
}

static void
expiry_makes_answers_stale(void **state)
{
	struct testengine *f = *state;

	testengine_ask(f, "a.example", "192.0.2.1");
	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	testworld_run(f->t, 604000 * 1000ull);
	staled(f);
	testworld_run(f->t, 86400 * 1000ull);
	assert_true(staled(f) > 0);
}

static void
memory_makes_answers_stale(void **state)
{
	struct testengine *f = *state;
	struct sighting s = { .peer.ip = testworld_ip("192.0.2.8"), .mx_host = "mx.b.example" };

	engine_free(f->engine);
	f->config.domains_len = 0;	/* no rule that ends meanwhile */
	testengine_begin(f);
	engine_sighting(f->engine, &s);
	assert_int_equal(staled(f), 1);
	assert_string_equal(f->stale_domain, "");
	assert_memory_equal(&f->stale_ip, &s.peer.ip, 16);
	for (int i = 0; i < 10; i++)
		engine_sighting(f->engine, &s);
	s.mx_host = "mx.c.example";		/* another name is no other demand */
	engine_sighting(f->engine, &s);
	testworld_run(f->t, 86400 * 1000ull);
	assert_int_equal(staled(f), 0);
	testworld_run(f->t, 30 * 86400 * 1000ull);
	assert_int_equal(staled(f), 1);		/* lapsed */
	assert_memory_equal(&f->stale_ip, &s.peer.ip, 16);
	engine_sighting(f->engine, &s);
	staled(f);
	assert_true(engine_policy_forget(f->engine, "mx.c.example"));
	assert_true(staled(f) > 0);
}

static void
the_mode_makes_answers_stale(void **state)
{
	struct testengine *f = *state;

	engine_set_mode(f->engine, MODE_ENFORCE);
	assert_int_equal(staled(f), 0);
	engine_set_mode(f->engine, MODE_MONITOR);
	assert_int_equal(staled(f), 1);
	engine_set_mode(f->engine, MODE_ENFORCE);
	assert_int_equal(staled(f), 1);
}

static void
relays_make_answers_stale(void **state)
{
	struct testengine *f = *state;

	engine_free(f->engine);
	f->config.relays = relays;
	f->config.relays_len = 1;
	f->config.domains_len = 0;
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.50");
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.51");
	testengine_begin(f);
	testworld_run(f->t, 1000);
	assert_int_equal(staled(f), 1);		/* known for the first time */
	testworld_run(f->t, 3600 * 1000);
	assert_int_equal(staled(f), 0);
	/* The same, turned round. */
	testworld_remove(f->t, "relay.example");
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.51");
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.50");
	testworld_run(f->t, 3600 * 1000);
	assert_int_equal(staled(f), 0);
	testworld_remove(f->t, "relay.example");
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.51");
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.52");
	testworld_run(f->t, 3600 * 1000);
	assert_int_equal(staled(f), 1);
	/* Its rule ends, once. */
	testworld_run(f->t, 3 * 86400 * 1000ull);
	assert_int_equal(staled(f), 1);
}

static void
the_end_of_a_rule_makes_answers_stale(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	engine_free(f->engine);
	f->config.domains_len = 3;
	testengine_begin(f);
	g = testengine_ask(f, "soon.example", "192.0.2.1");	/* 25 s */
	assert_int_equal(g.q.level, LEVEL_NONE);
	testworld_run(f->t, 74999);
	assert_int_equal(staled(f), 0);
	testworld_run(f->t, 1001);
	assert_int_equal(staled(f), 1);
	assert_int_equal(testengine_ask(f, "soon.example", "192.0.2.1").q.level, LEVEL_MAY);
	testworld_run(f->t, 6 * 86400 * 1000ull);
	assert_int_equal(staled(f), 0);
	testworld_run(f->t, 2 * 86400 * 1000ull);
	assert_int_equal(staled(f), 1);
	/* A clock set ahead is looked at before long. */
	engine_free(f->engine);
	f->t->now_ms -= 6 * 86400 * 1000ll;
	testengine_begin(f);
	f->t->now_ms += 6 * 86400 * 1000ll;
	testworld_run(f->t, 301 * 1000);
	assert_int_equal(staled(f), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, testengine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hint_maps_where_our_lookup_does_not), T(a_hint_never_adds_a_host),
		T(our_own_lookup_wins), T(a_hint_takes_no_demand_away),
		T(a_policy_is_fetched_ahead), T(the_client_joins_what_is_under_way),
		T(what_is_not_fetched_ahead), T(a_flood_is_bounded_in_rate),
		T(a_flood_is_bounded_at_once), T(policies_make_answers_stale),
		T(expiry_makes_answers_stale), T(memory_makes_answers_stale),
		T(the_mode_makes_answers_stale), T(relays_make_answers_stale),
		T(the_end_of_a_rule_makes_answers_stale)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
