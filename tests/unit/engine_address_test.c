/* engine_address_test.c - what a peer must prove end to end, to all the domains at its address
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testengine.h"

#define POLICY(mode, mx) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: 604800\n"
#define OFF "version: STSv1\nmode: none\nmax_age: 604800\n"
#define HOSTER "192.0.2.1"

static struct config_rule domains[] = {
	{ .name = (char[]){ "clear.example" }, .level = LEVEL_NONE, .reason = (char[]){ "r" } },
	{ .name = (char[]){ "dane.example" }, .level = LEVEL_DANE, .reason = (char[]){ "r" } },
	{ .name = (char[]){ "named.example" }, .level = LEVEL_VERIFY, .reason = (char[]){ "r" } },
	{ .name = (char[]){ "own.example" }, .level = LEVEL_SECURE, .reason = (char[]){ "r" } },
	{ .name = (char[]){ "soon.example" }, .level = LEVEL_NONE, .reason = (char[]){ "r" },
	    .until = 1795270000 + 100 },
	{ .name = (char[]){ "tls.example" }, .level = LEVEL_ENCRYPT, .reason = (char[]){ "r" } }
};
static struct config_rule relays[] = {
	{ .name = (char[]){ "192.0.2.77" }, .level = LEVEL_ENCRYPT },
	{ .name = (char[]){ "relay.example" }, .level = LEVEL_MAY },
	{ .name = (char[]){ "relay2.example" }, .level = LEVEL_AUTO }
};

static void
restart(struct testengine *f)
{
	testworld_run(f->t, 5000);	/* what was seen is written */
	engine_free(f->engine);
	testengine_begin(f);
}

static int
setup(void **state)
{
	struct testengine *f = testengine_fixture(state, domains, 6);

	f->config.inspect = true;
	testengine_begin(f);
	return 0;
}

static void
on_answer(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	struct testengine_got *g = arg;

	testengine_copy(g, id, q, recalled, fresh_ms);
	assert_int_equal(q->state == REQUIREMENT_DEFER, q->defer_code != DEFER_NOTHING);
	if (q->state == REQUIREMENT_DEFER)
		assert_true(q->reason[0] != '\0');
	else if (q->mx_allowed && q->level == LEVEL_VERIFY)
		assert_true(!q->mapped || strcmp(q->mx_host, g->hosts) <= 0);
}

static struct question
question(const char *domain, const char *ip)
{
	struct question q = testengine_question(domain, ip);

	q.end_to_end = domain[0] == '\0';
	return q;
}

/* A recipient of this domain, seen at this address. */
static void
rcpt(struct testengine *f, const char *domain, const char *ip)
{
	struct question q = question(domain, ip);
	struct testengine_got g = { 0 };

	engine_ask(f->engine, &q, on_answer, &g);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
}

static void
ask_now(struct testengine *f, const char *ip, struct testengine_got *g)
{
	struct question q = question("", ip);

	memset(g, 0, sizeof(*g));
	engine_ask(f->engine, &q, on_answer, g);
}

static struct testengine_got
ask(struct testengine *f, const char *ip)
{
	static struct testengine_got g;

	ask_now(f, ip, &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS);
	assert_int_equal(g.count, 1);
	return g;
}

static void
expect(struct testengine_got g, enum policy_type type, const char *domain, bool raised,
    const char *hosts)
{
	if (g.q.state != REQUIREMENT_READY)
		fail_msg("deferred: %s (%s)", g.reason, domain);
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_int_equal(g.q.policy_type, type);
	assert_string_equal(g.domain, domain);
	assert_int_equal(g.q.raised, raised);
	assert_string_equal(g.hosts, hosts);
	assert_true(g.q.mapped && g.q.mx_allowed);
}

static void
expect_unmapped(struct testengine_got g, const char *reason)
{
	assert_int_equal(g.q.state, REQUIREMENT_DEFER);
	assert_int_equal(g.q.defer_code, DEFER_UNMAPPED);
	assert_string_equal(g.reason, reason);
	assert_int_equal(g.evidence_len, 0);
}

/* At HOSTER under this name, with a policy of this text. */
static void
publish(struct testengine *f, const char *domain, const char *host, const char *policy)
{
	testworld_mx(f->t, domain, 10, host, NULL);
	testworld_remove(f->t, host);
	testworld_add(f->t, host, ANSWER_A, HOSTER);
	if (policy != NULL)
		testworld_publish(f->t, domain, "7", policy);
}

static void
nobody_is_known(void **state)
{
	struct testengine *f = *state;
	unsigned queries = f->t->queries;
	struct testengine_got g;

	ask_now(f, HOSTER, &g);
	assert_int_equal(g.count, 1);
	expect_unmapped(g, "no recipient domain is known to use this address");
	assert_false(g.q.monitor);
	assert_int_equal(f->t->queries, queries);
}

/* One domain, by what it says of itself. */
static void
one_domain(void **state)
{
	static const struct {
		const char *domain, *policy;
		enum policy_type type;
		const char *said_by, *hosts;
		bool raised;
		enum level floor;
	} cases[] = {
		{ "a.example", POLICY("enforce", "mx.hoster.example"), POLICY_STS, "a.example",
		  "mx.hoster.example", false, LEVEL_MAY },
		{ "a.example", POLICY("testing", "mx.hoster.example"), POLICY_STS, "a.example",
		  "mx.hoster.example", false, LEVEL_VERIFY },
		{ "a.example", OFF, POLICY_STS, "a.example",
		  "mx.hoster.example", true, LEVEL_MAY },
		{ "a.example", NULL, POLICY_NONE_FOUND, "", "mx.hoster.example", true, LEVEL_MAY },
		{ "clear.example", POLICY("enforce", "mx.hoster.example"), POLICY_LOCAL,
		  "clear.example", "mx.hoster.example", true, LEVEL_NONE },
		{ "tls.example", NULL, POLICY_LOCAL, "tls.example", "mx.hoster.example", true,
		  LEVEL_ENCRYPT },
		{ "named.example", NULL, POLICY_LOCAL, "named.example", "mx.hoster.example", false,
		  LEVEL_NONE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct testengine *f;
		struct testengine_got g;

		setup(state);
		f = *state;
		publish(f, cases[i].domain, "mx.hoster.example", cases[i].policy);
		rcpt(f, cases[i].domain, HOSTER);
		g = ask(f, HOSTER);
		expect(g, cases[i].type, cases[i].said_by, cases[i].raised, cases[i].hosts);
		assert_int_equal(g.q.floor, cases[i].floor);
		assert_string_equal(g.mx_host, "mx.hoster.example");
		/* What is known is answered inside the call. */
		ask_now(f, HOSTER, &g);
		assert_int_equal(g.count, 1);
		/* Elsewhere it is not known to be. */
		expect_unmapped(ask(f, "192.0.2.2"),
		    "no recipient domain is known to use this address");
		testengine_teardown(state);
	}
}

static void
rules_of_other_levels(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	publish(f, "own.example", "mx.hoster.example", NULL);
	rcpt(f, "own.example", HOSTER);
	g = ask(f, HOSTER);
	assert_int_equal(g.q.level, LEVEL_SECURE);
	assert_false(g.q.raised);
	publish(f, "a.example", "mx.hoster.example", NULL);
	rcpt(f, "a.example", HOSTER);
	assert_non_null(strstr(ask(f, HOSTER).reason, "demand different names"));
	publish(f, "dane.example", "mx.d.example", NULL);
	testworld_add(f->t, "mx.d.example", ANSWER_A, "192.0.2.2");
	rcpt(f, "dane.example", "192.0.2.2");
	expect(ask(f, "192.0.2.2"), POLICY_LOCAL, "dane.example", true, "mx.d.example");
}

static void
several_domains(void **state)
{
	struct testengine *f = *state;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	publish(f, "b.example", "mx.hoster.example", NULL);
	publish(f, "c.example", "mx.hoster.example", POLICY("testing", "*.hoster.example"));
	rcpt(f, "b.example", HOSTER);
	expect(ask(f, HOSTER), POLICY_NONE_FOUND, "", true, "mx.hoster.example");
	rcpt(f, "c.example", HOSTER);
	expect(ask(f, HOSTER), POLICY_STS, "c.example", false, "mx.hoster.example");
	/* One that enforces stands before all. */
	rcpt(f, "a.example", HOSTER);
	expect(ask(f, HOSTER), POLICY_STS, "a.example", false, "mx.hoster.example");
	assert_int_equal(ask(f, HOSTER).q.sts_mode, STS_ENFORCE);
	/* Of another's several names the one that satisfies all is left. */
	publish(f, "d.example", "mx2.hoster.example", NULL);
	testworld_mx(f->t, "d.example", 20, "mx.hoster.example", NULL);
	rcpt(f, "d.example", HOSTER);
	expect(ask(f, HOSTER), POLICY_STS, "a.example", false, "mx.hoster.example");
	/* And a name of its own leaves none. */
	publish(f, "e.example", "mx.e.example", NULL);
	rcpt(f, "e.example", HOSTER);
	assert_non_null(strstr(ask(f, HOSTER).reason, "demand different names of this address"));
	assert_int_equal(ask(f, HOSTER).q.defer_code, DEFER_UNMAPPED);
	/* Until it has moved, and that is forgotten. */
	testworld_remove(f->t, "mx.e.example");
	testworld_add(f->t, "mx.e.example", ANSWER_A, "192.0.2.9");
	testworld_run(f->t, 400 * 1000);
	assert_int_equal(ask(f, HOSTER).q.defer_code, DEFER_UNMAPPED);
	assert_true(engine_policy_forget(f->engine, "e.example"));
	expect(ask(f, HOSTER), POLICY_STS, "a.example", false, "mx.hoster.example");
}

/* R28, R31: a host that the policy does not allow is nobody's proof; judge() says so. */
static void
a_host_that_is_not_allowed(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	publish(f, "a.example", "mx.evil.example", POLICY("enforce", "mx.a.example"));
	publish(f, "b.example", "mx.evil.example", NULL);
	rcpt(f, "b.example", HOSTER);
	rcpt(f, "a.example", HOSTER);
	g = ask(f, HOSTER);
	assert_int_equal(g.q.state, REQUIREMENT_READY);
	assert_false(g.q.mx_allowed);
	assert_string_equal(g.mx_host, "mx.evil.example");
	assert_string_equal(g.hosts, "");
}

static void
errors_are_no_answers(void **state)
{
	struct testengine *f = *state;

	publish(f, "a.example", "mx.hoster.example", NULL);
	testworld_fault(f->t, "bogus.example", ANSWER_MX, ANSWER_BOGUS);
	testworld_fault(f->t, "failed.example", ANSWER_MX, ANSWER_FAILED);
	testworld_add(f->t, "null.example", ANSWER_MX, "");
	publish(f, "moved.example", "mx.hoster.example", NULL);
	rcpt(f, "a.example", HOSTER);
	expect(ask(f, HOSTER), POLICY_NONE_FOUND, "", true, "mx.hoster.example");
	rcpt(f, "bogus.example", HOSTER);
	expect_unmapped(ask(f, HOSTER),
	    "bogus.example has MX records that fail DNSSEC validation");
	engine_policy_forget(f->engine, "bogus.example");
	rcpt(f, "failed.example", HOSTER);
	expect_unmapped(ask(f, HOSTER),
	    "failed.example is not known to have an MX host at this address");
	engine_policy_forget(f->engine, "failed.example");
	rcpt(f, "null.example", HOSTER);
	expect_unmapped(ask(f, HOSTER), "null.example takes no mail (null MX, RFC 7505)");
	engine_policy_forget(f->engine, "null.example");
	rcpt(f, "moved.example", HOSTER);
	expect(ask(f, HOSTER), POLICY_NONE_FOUND, "", true, "mx.hoster.example");
	testworld_remove(f->t, "moved.example");
	testworld_mx(f->t, "moved.example", 10, "mx.moved.example", "192.0.2.9");
	testworld_run(f->t, 400 * 1000);
	expect_unmapped(ask(f, HOSTER),
	    "moved.example is not known to have an MX host at this address");
}

static void
hint(struct testengine *f, const char *domain, const char *host, const char *ip)
{
	struct hint h = { .domain = domain, .mx_host = host, .ttl_s = 300 };

	assert_true(address_parse_ip(&h.peer.ip, ip, strlen(ip)));
	engine_hint(f->engine, &h);
}

/* What DNS told a client: who uses the address, and which host it is; nothing was asked for yet. */
static void
learnt_from_hints(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	hint(f, "a.example", "mx.hoster.example", "203.0.113.5");
	ask_now(f, "203.0.113.5", &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	expect(g, POLICY_STS, "a.example", false, "mx.hoster.example");
	/* A domain alone says nothing of an address. */
	hint(f, "b.example", "", "203.0.113.6");
	assert_int_equal(ask(f, "203.0.113.6").q.defer_code, DEFER_UNMAPPED);
	/* A forged one takes the address its way to pass, never a demand. */
	publish(f, "c.example", "mx.c.example", NULL);
	hint(f, "c.example", "mx.evil.example", "203.0.113.5");
	expect_unmapped(ask(f, "203.0.113.5"),
	    "c.example is not known to have an MX host at this address");
}

/* A recipient seen at one address of a host: our own lookup says that the domain uses the others too,
 * and what it demands is demanded there from then on. */
static void
learnt_from_own_lookups(void **state)
{
	struct testengine *f = *state;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	testworld_add(f->t, "mx.hoster.example", ANSWER_A, "203.0.113.77");
	rcpt(f, "a.example", HOSTER);
	expect(ask(f, "203.0.113.77"), POLICY_STS, "a.example", false, "mx.hoster.example");
}

static void
nothing_is_learnt_without_inspect(void **state)
{
	struct testengine *f = *state;
	const struct proven session = { .lifetime_s = 300, .evidence = "e", .len = 1 };

	f->config.inspect = false;
	publish(f, "a.example", "mx.hoster.example", NULL);
	rcpt(f, "a.example", HOSTER);
	hint(f, "a.example", "mx.hoster.example", HOSTER);
	engine_proven(f->engine, &session);
	assert_int_equal(users_length(f->engine->users), 0);
	assert_int_equal(proven_length(f->engine->proven), 0);
	assert_int_equal(ask(f, HOSTER).q.defer_code, DEFER_UNMAPPED);
}

static void
nobody(void *arg, const char *domain)
{
	(void)arg, (void)domain;
}

static enum users_state
users_at(struct testengine *f, const char *ip)
{
	const struct question q = question("", ip);

	return users_of(f->engine->users, &q.peer.ip, nobody, NULL);
}

static void
at_relays(void **state)	/* R26 */
{
	struct testengine *f = *state;
	struct testengine_got g;

	engine_free(f->engine);
	f->config.relays = relays;
	f->config.relays_len = 3;
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.50");
	testworld_add(f->t, "relay2.example", ANSWER_A, "192.0.2.51");
	testworld_publish(f->t, "relay2.example", "1", POLICY("enforce", "relay2.example"));
	testengine_begin(f);
	/* The first question of all waits for the relays' addresses. */
	ask_now(f, "192.0.2.50", &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	expect(g, POLICY_LOCAL, "relay.example", true, "relay.example");
	assert_int_equal(g.q.source, SOURCE_RELAY);
	expect(ask(f, "192.0.2.51"), POLICY_STS, "relay2.example", false, "relay2.example");
	expect_unmapped(ask(f, "192.0.2.77"),
	    "192.0.2.77 is not known to have an MX host at this address");
	/* Everybody's mail goes there: whose recipients were seen says nothing. */
	publish(f, "a.example", "mx.hoster.example", NULL);
	rcpt(f, "a.example", "192.0.2.50");
	assert_int_equal(users_at(f, "192.0.2.50"), USERS_NONE);
	expect(ask(f, "192.0.2.50"), POLICY_LOCAL, "relay.example", true, "relay.example");
	/* Slow relays are nobody's to wait for longer. */
	engine_free(f->engine);
	f->t->dns_ms = 60000;
	testengine_begin(f);
	ask_now(f, "192.0.2.50", &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS);
	assert_int_equal(g.count, 1);
	expect_unmapped(g, "the addresses of the relays are not known yet");
	ask_now(f, "192.0.2.50", &g);
	engine_cancel(f->engine, &g);
	testworld_run(f->t, 3 * 60000);
	assert_int_equal(g.count, 0);
}

/* R34: the next question sees what the last did not. */
static void
a_policy_changes(void **state)
{
	struct testengine *f = *state;
	struct question q = question("a.example", HOSTER);
	struct testengine_got g = { 0 };

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	rcpt(f, "a.example", HOSTER);
	expect(ask(f, HOSTER), POLICY_STS, "a.example", false, "mx.hoster.example");
	testworld_publish(f->t, "a.example", "8", POLICY("enforce", "mx.other.example"));
	q.recheck = true;
	engine_ask(f->engine, &q, on_answer, &g);
	testworld_run(f->t, 1000);
	assert_false(ask(f, HOSTER).q.mx_allowed);
	/* A rule that ends makes way for it. */
	publish(f, "soon.example", "mx.s.example", POLICY("enforce", "mx.s.example"));
	testworld_remove(f->t, "mx.s.example");
	testworld_add(f->t, "mx.s.example", ANSWER_A, "192.0.2.3");
	rcpt(f, "soon.example", "192.0.2.3");
	expect(ask(f, "192.0.2.3"), POLICY_LOCAL, "soon.example", true, "mx.s.example");
	testworld_run(f->t, 100 * 1000);
	expect(ask(f, "192.0.2.3"), POLICY_STS, "soon.example", false, "mx.s.example");
}

static void
modes(void **state)
{
	struct testengine *f = *state;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	rcpt(f, "a.example", HOSTER);
	assert_false(ask(f, HOSTER).q.monitor);
	engine_set_mode(f->engine, MODE_MONITOR);
	assert_true(ask(f, HOSTER).q.monitor);
	expect(ask(f, HOSTER), POLICY_STS, "a.example", false, "mx.hoster.example");
	assert_true(ask(f, "192.0.2.2").q.monitor);
}

static void
users_outlive_a_restart(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	rcpt(f, "a.example", HOSTER);
	restart(f);
	ask_now(f, HOSTER, &g);
	assert_int_equal(g.count, 0);		/* its MX set has to be looked up again */
	testworld_run(f->t, 1000);
	expect(g, POLICY_STS, "a.example", false, "mx.hoster.example");
}

static void
a_slow_lookup(void **state)
{
	struct testengine *f = *state;
	struct question q = question("", HOSTER);
	struct testengine_got g, gone = { 0 };

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	publish(f, "b.example", "mx.hoster.example", NULL);
	hint(f, "a.example", "mx.hoster.example", HOSTER);
	hint(f, "b.example", "mx.hoster.example", HOSTER);
	testworld_host(f->t, "a.example")->delay_ms = 10000;
	ask_now(f, HOSTER, &g);
	engine_ask(f->engine, &q, on_answer, &gone);
	testworld_run(f->t, 9000);
	assert_int_equal(g.count, 0);		/* b.example alone is known by now */
	engine_cancel(f->engine, &gone);
	testworld_run(f->t, 2000);
	assert_int_equal(g.count, 1);
	assert_int_equal(gone.count, 0);
	expect(g, POLICY_STS, "a.example", false, "mx.hoster.example");
	assert_int_equal(f->t->fetches, 1);
}

static void
waiting_ends(void **state)	/* policy.wait */
{
	struct testengine *f = *state;
	struct testengine_got g;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	publish(f, "b.example", "mx.hoster.example", NULL);
	hint(f, "a.example", "mx.hoster.example", HOSTER);
	hint(f, "b.example", "mx.hoster.example", HOSTER);
	testworld_host(f->t, "a.example")->delay_ms = 60000;
	ask_now(f, HOSTER, &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS - 1);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 1);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.defer_code, DEFER_UNMAPPED);
	assert_non_null(strstr(g.reason, "a.example "));
	testworld_run(f->t, 60000);
	expect(ask(f, HOSTER), POLICY_STS, "a.example", false, "mx.hoster.example");
	/* A dead resolver. */
	f->t->dns_ms = 120000;
	testworld_run(f->t, 600 * 1000);
	ask_now(f, HOSTER, &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS);
	assert_int_equal(g.count, 1);
	assert_non_null(strstr(g.reason, "could not be looked up in time"));
	testworld_run(f->t, 300 * 1000);
}

/* What a question has looked up holds for it: the policy's record runs out, or the MX set, while the
 * other is awaited. */
static void
running_out_meanwhile(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	for (size_t i = 0; i < f->t->zone_len; i++)
		f->t->zone[i].ttl = 1;	/* kept for five seconds all the same */
	f->t->dns_ms = 50;
	rcpt(f, "a.example", HOSTER);
	for (unsigned i = 0; i < 1000; i++) {
		ask_now(f, HOSTER, &g);
		testworld_run(f->t, 211);
		assert_int_equal(g.count, 1);
		expect(g, POLICY_STS, "a.example", false, "mx.hoster.example");
	}
}

/* R24: a blocked port 443 costs seconds, not the whole wait. */
static void
a_slow_recheck(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	publish(f, "a.example", "mx.hoster.example", POLICY("enforce", "mx.hoster.example"));
	rcpt(f, "a.example", HOSTER);
	testworld_publish(f->t, "a.example", "8", OFF)->delay_ms = 60000;
	testworld_run(f->t, 3600 * 1000);
	ask_now(f, HOSTER, &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, LOOKUP_CACHED_MS + 100);
	assert_int_equal(g.count, 1);
	expect_unmapped(g, "a.example could not be looked up in time");
	testworld_run(f->t, 70000);
}

static void
freeing_answers(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	hint(f, "a.example", "mx.hoster.example", HOSTER);
	ask_now(f, HOSTER, &g);
	engine_free(f->engine);
	f->engine = NULL;
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.defer_code, DEFER_SERVICE_DOWN);
	assert_int_equal(g.evidence_len, 0);
}

/* Many domains of one hoster, so that the zone holds them: their MX host has the address. */
static void
many(struct testengine *f, size_t first, size_t len)
{
	char domain[64];

	for (size_t i = first; i < first + len; i++) {
		snprintf(domain, sizeof(domain), "d%zu.example", i);
		publish(f, domain, "mx.hoster.example", NULL);
		hint(f, domain, "mx.hoster.example", HOSTER);
	}
}

/* What is not known is looked up 32 at a time; the session does not wait for more. */
static void
more_than_can_be_looked_up(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;
	int times = 0;

	many(f, 0, 32);
	ask_now(f, HOSTER, &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 1000);
	expect(g, POLICY_NONE_FOUND, "", true, "mx.hoster.example");
	many(f, 100, 80);
	do {
		ask_now(f, HOSTER, &g);
		if (g.count == 0)
			break;
		expect_unmapped(g,
		    "too many of the domains that use this address have yet to be looked up");
		testworld_run(f->t, 1000);
	} while (++times < 10);
	assert_in_range(times, 2, 4);
	testworld_run(f->t, 1000);
	expect(g, POLICY_NONE_FOUND, "", true, "mx.hoster.example");
}

static void
crowded(void **state)
{
	struct testengine *f = *state;
	char domain[64];

	for (size_t i = 0; i <= USERS_DOMAINS_MAX; i++) {
		snprintf(domain, sizeof(domain), "d%zu.example", i);
		hint(f, domain, "mx.hoster.example", HOSTER);
	}
	expect_unmapped(ask(f, HOSTER),
	    "more recipient domains use this address than can be asked after");
}

/* Each domain of 50 hosts: to be compared, all with all. */
static void
too_many_hosts(void **state)
{
	struct testengine *f = *state;
	char name[64];

	for (size_t k = 0; k < 50; k++) {
		snprintf(name, sizeof(name), "mx%zu.hoster.example", k);
		testworld_mx(f->t, "d0.example", 10, name, HOSTER);
	}
	assert_int_equal(f->t->zone_len, 100);	/* MX and A in turn */
	rcpt(f, "d0.example", HOSTER);
	assert_int_equal(ask(f, HOSTER).q.hosts_len, 50);
	for (size_t i = 1; i < 45; i++) {
		snprintf(name, sizeof(name), "d%zu.example", i);
		for (size_t k = 0; k < 50; k++)
			snprintf(f->t->zone[2 * k].name, sizeof(name), "%s", name);
		rcpt(f, name, HOSTER);
	}
	expect_unmapped(ask(f, HOSTER), "the domains that use this address have too many MX hosts");
}

static void
a_session_is_recalled(void **state)
{
	struct testengine *f = *state;
	struct question q = question("", HOSTER);
	struct proven session = { .session = { 1, 2, 3 }, .lifetime_s = 300,
		.evidence = "chain and name", .len = 14 };
	struct testengine_got g = { 0 };

	publish(f, "a.example", "mx.hoster.example", NULL);
	rcpt(f, "a.example", HOSTER);
	engine_proven(f->engine, &session);
	assert_int_equal(proven_length(f->engine->proven), 1);
	q.resumes = true;
	memcpy(q.session, session.session, sizeof(q.session));
	engine_ask(f->engine, &q, on_answer, &g);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.evidence_len, 14);
	assert_memory_equal(g.evidence, "chain and name", 14);
	/* Nobody asked; another one; nowhere to pass; out of time. */
	assert_int_equal(ask(f, HOSTER).evidence_len, 0);
	q.session[31] ^= 1;
	engine_ask(f->engine, &q, on_answer, &g);
	assert_int_equal(g.evidence_len, 0);
	q.session[31] ^= 1;
	q.peer.ip.s6_addr[15] ^= 1;
	engine_ask(f->engine, &q, on_answer, &g);
	assert_int_equal(g.count, 3);
	assert_int_equal(g.q.state, REQUIREMENT_DEFER);
	assert_int_equal(g.evidence_len, 0);
	q.peer.ip.s6_addr[15] ^= 1;
	restart(f);
	engine_ask(f->engine, &q, on_answer, &g);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 4);
	assert_int_equal(g.evidence_len, 14);
	testworld_run(f->t, 300 * 1000);
	engine_ask(f->engine, &q, on_answer, &g);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 5);
	assert_int_equal(g.evidence_len, 0);
}

/* --- what many domains demand is kept, and not a moment too long ------------------------------ */

static bool
kept(struct testengine *f)
{
	struct question q = question("", HOSTER);
	uint64_t fresh;

	return engine_memo_find(f->engine, &q.peer.ip, &fresh) != NULL;
}

/* Enough of them, in two helpings. */
static void
teach(struct testengine *f)
{
	many(f, 0, 32);
	ask(f, HOSTER);
	many(f, 32, 16);
}

static void
keep(struct testengine *f)
{
	struct testengine_got g;

	for (int i = 0; i < 3 && !kept(f); i++) {
		ask_now(f, HOSTER, &g);
		testworld_run(f->t, 1000);
		assert_int_equal(g.count, 1);
	}
	assert_true(kept(f));
	ask_now(f, HOSTER, &g);
	expect(g, POLICY_NONE_FOUND, "", true, "mx.hoster.example");
}

static void
sight(struct testengine *f, const char *ip)
{
	struct sighting s = { .mx_host = "mx.hoster.example", .peer = question("", ip).peer };

	engine_sighting(f->engine, &s);
}

static void
memo_ends_with_time(void **state)
{
	struct testengine *f = *state;

	teach(f);
	keep(f);
	testworld_run(f->t, 8900);
	assert_true(kept(f));
	testworld_run(f->t, 200);
	assert_false(kept(f));
	keep(f);
	assert_true(kept(f));
}

static void
memo_ends_with_what_it_was_made_of(void **state)
{
	struct testengine *f = *state;
	struct question q = question("d7.example", HOSTER);
	struct testengine_got g = { 0 };

	teach(f);
	keep(f);
	/* What concerns others does not concern it. */
	rcpt(f, "x.example", "192.0.2.8");
	keep(f);
	hint(f, "d7.example", "mx.hoster.example", HOSTER);
	sight(f, "192.0.2.8");
	testworld_publish(f->t, "x.example", "1", POLICY("enforce", "mx.x.example"));
	assert_true(kept(f));
	/* The STARTTLS memory of the address. */
	sight(f, HOSTER);
	assert_false(kept(f));
	keep(f);
	assert_true(f->engine->memos[0].requirement->remembered);
	/* The mode. */
	engine_set_mode(f->engine, MODE_MONITOR);
	assert_false(kept(f));
	engine_set_mode(f->engine, MODE_ENFORCE);
	keep(f);
	/* One more domain, a hint, one domain less. */
	hint(f, "e.example", "mx.hoster.example", HOSTER);
	assert_false(kept(f));
	engine_policy_forget(f->engine, "e.example");
	keep(f);
	hint(f, "d7.example", "mx2.hoster.example", HOSTER);
	assert_false(kept(f));
	keep(f);
	assert_true(engine_policy_forget(f->engine, "d9.example"));
	assert_false(kept(f));
	keep(f);
	engine_policy_forget(f->engine, "d10.example");
	assert_false(kept(f));		/* without any memory of STARTTLS too */
	keep(f);
	rcpt(f, "e2.example", HOSTER);
	assert_false(kept(f));
	engine_policy_forget(f->engine, "e2.example");
	keep(f);
	/* A policy of one of them. */
	testworld_publish(f->t, "d7.example", "1", POLICY("enforce", "mx.hoster.example"));
	q.recheck = true;
	engine_ask(f->engine, &q, on_answer, &g);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	assert_false(kept(f));
	ask_now(f, HOSTER, &g);
	expect(g, POLICY_STS, "d7.example", false, "mx.hoster.example");
	assert_true(kept(f));
}

static void
memo_ends_with_an_mx_set(void **state)
{
	struct testengine *f = *state;
	uint64_t start = f->t->ticks;
	struct testengine_got g;

	teach(f);
	keep(f);
	testworld_run(f->t, start + 54 * 1000 - f->t->ticks);
	keep(f);
	testworld_remove(f->t, "d7.example");
	testworld_mx(f->t, "d7.example", 10, "mx.moved.example", "192.0.2.9");
	testworld_run(f->t, start + 61 * 1000 - f->t->ticks);
	assert_true(kept(f));
	rcpt(f, "d7.example", HOSTER);	/* its set has run out after a minute */
	assert_false(kept(f));
	ask_now(f, HOSTER, &g);
	expect_unmapped(g, "d7.example is not known to have an MX host at this address");
}

static void
memo_ends_with_a_rule(void **state)
{
	const int64_t soon = domains[4].until;
	struct testengine *f = *state;
	struct testengine_got g = { 0 };

	teach(f);
	publish(f, "soon.example", "mx.hoster.example",
	    POLICY("enforce", "mx.hoster.example"));
	hint(f, "soon.example", "mx.hoster.example", HOSTER);
	ask(f, HOSTER);
	rcpt(f, "soon.example", HOSTER);
	while (f->t->now_ms < (soon - 1) * 1000)
		testworld_run(f->t, 1000);
	engine_memo_drop(f->engine, "", NULL);
	for (int i = 0; i < 4 && !kept(f); i++) {
		ask_now(f, HOSTER, &g);
		testworld_run(f->t, 200);
	}
	assert_string_equal(g.domain, "soon.example");
	assert_true(kept(f) && f->t->now_ms < soon * 1000);
	testworld_run(f->t, 1000);
	assert_false(kept(f));
	assert_int_equal(ask(f, HOSTER).q.policy_type, POLICY_STS);
}

#define MARK 4711

static void
mark(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	struct testengine *f = arg;

	(void)id, (void)q, (void)recalled, (void)fresh_ms;
	f->engine->memos[0].requirement->age_s = MARK;
}

/* Of many who wait for the same lookup the first has the answer made. */
static void
made_once_for_all_who_wait(void **state)
{
	struct testengine *f = *state;
	struct question q = question("", HOSTER);
	struct testengine_got g = { 0 };

	teach(f);
	keep(f);
	many(f, 60, 1);
	assert_false(kept(f));
	/* Who asks last is answered first. */
	engine_ask(f->engine, &q, on_answer, &g);
	engine_ask(f->engine, &q, mark, f);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.age_s, MARK);
}

static void
memos_are_few(void **state)
{
	struct testengine *f = *state;
	struct requirement q = { .state = REQUIREMENT_READY, .level = LEVEL_VERIFY };
	struct in6_addr ip = question("", HOSTER).peer.ip;
	uint64_t fresh = 0;

	for (unsigned i = 0; i < 3 * ENGINE_MEMOS_MAX; i++) {
		ip.s6_addr[14] = (uint8_t)i;
		q.age_s = i;
		engine_memo_keep(f->engine, &ip, &q, 1);
		engine_memo_keep(f->engine, &ip, &q, 5000 + i);
		testworld_run(f->t, 10);
	}
	for (unsigned i = 0; i < 3 * ENGINE_MEMOS_MAX; i++) {
		const struct requirement *found;

		ip.s6_addr[14] = (uint8_t)i;
		found = engine_memo_find(f->engine, &ip, &fresh);
		assert_int_equal(found != NULL, i >= 2 * ENGINE_MEMOS_MAX);
		if (found != NULL) {
			assert_int_equal(found->age_s, i);
			assert_int_equal(fresh, 5000 + i - 10 * (3 * ENGINE_MEMOS_MAX - i));
		}
	}
	engine_memo_drop(f->engine, "", &ip);
	assert_null(engine_memo_find(f->engine, &ip, &fresh));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, testengine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nobody_is_known), cmocka_unit_test(one_domain), T(rules_of_other_levels),
		T(several_domains), T(a_host_that_is_not_allowed), T(learnt_from_own_lookups),
		T(errors_are_no_answers), T(learnt_from_hints),
		T(nothing_is_learnt_without_inspect), T(at_relays), T(a_policy_changes), T(modes),
		T(users_outlive_a_restart), T(a_slow_lookup), T(waiting_ends),
		T(running_out_meanwhile), T(a_slow_recheck),
		T(freeing_answers), T(more_than_can_be_looked_up), T(crowded), T(too_many_hosts),
		T(a_session_is_recalled), T(memo_ends_with_time),
		T(memo_ends_with_what_it_was_made_of), T(memo_ends_with_an_mx_set),
		T(memo_ends_with_a_rule), T(made_once_for_all_who_wait),
		T(memos_are_few)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
