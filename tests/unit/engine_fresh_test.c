/* engine_fresh_test.c - for how long an answer may be remembered, and what ends it sooner
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every fact behind an answer ends it when it ends itself; every change is announced before anybody
 * is answered otherwise. */
#include "tests/unit/testengine.h"

#define POLICY(mode, mx, age) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: " age "\n"
#define PEER "192.0.2.1"
#define OWN "192.0.2.2"		/* plain.example alone has it */
#define ELSEWHERE "198.51.100.9"
#define RELAY "192.0.2.50"
#define NOW 1795270000		/* where the world's clock begins */
#define TLSA "_25._tcp.mx.dane.example"
#define STALE_MAX 64
#define MEMORY_S (MEMORY_DAYS * 86400)

static struct config_rule domains[] = {
	{ .name = (char[]){ "rule.example" }, .level = LEVEL_ENCRYPT, .reason = (char[]){ "r" },
	    .until = NOW + 100 }
};
static struct config_rule relays[] = {
	{ .name = (char[]){ RELAY }, .level = LEVEL_MAY, .until = NOW + 100 },
	{ .name = (char[]){ "relay.example" }, .level = LEVEL_AUTO }
};

struct fixture {
	struct testengine e;
	size_t len;			/* of what follows */
	struct {
		char domain[256];
		struct in6_addr ip;
	} stale[STALE_MAX];
};

static void
on_stale(void *arg, const struct stale *what)
{
	struct fixture *f = arg;

	if (f->len == STALE_MAX)
		return;
	snprintf(f->stale[f->len].domain, sizeof(f->stale[0].domain), "%s", what->domain);
	f->stale[f->len++].ip = what->ip;
}

static const struct engine_events events = { .stale = on_stale };

static void
restart(struct testengine *f)
{
	engine_free(f->engine);
	testengine_begin(f);
	testworld_run(f->t, 100);	/* the relays are known */
}

static void
set_ttl(struct testengine *f, const char *name, uint32_t ttl)
{
	for (size_t i = 0; i < f->t->zone_len; i++)
		if (strcmp(f->t->zone[i].name, name) == 0)
			f->t->zone[i].ttl = ttl;
}

/* Nothing ends within minutes but what a test makes end. */
static int
setup(void **state)
{
	struct fixture *x = testworld_fixture(state, sizeof(*x));
	struct testengine *f = &x->e;

	testengine_configure(f, domains, 1);
	f->config.relays = relays;
	f->config.relays_len = 2;
	f->config.policy.dane = f->config.inspect = true;
	f->events = &events;
	f->t->absent_ttl = 1800;
	testworld_add(f->t, "", ANSWER_NS, "a.root-servers.net");
	testworld_mx(f->t, "sts.example", 10, "mx.sts.example", PEER);
	testworld_publish(f->t, "sts.example", "7", POLICY("enforce", "*.sts.example", "604800"));
	testworld_mx(f->t, "plain.example", 10, "mx.plain.example", PEER);
	testworld_mx(f->t, "plain.example", 20, "mx2.plain.example", OWN);
	testworld_mx(f->t, "dane.example", 10, "mx.dane.example", PEER);
	testworld_tlsa(f->t, TLSA, 3, 1, 1, 0xab, 32);
	testworld_mx(f->t, "rule.example", 10, "mx.rule.example", PEER);
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.51");
	for (size_t i = 0; i < f->t->zone_len; i++)
		f->t->zone[i].ttl = 1800;
	testworld_sign(f->t);
	testengine_begin(f);
	testworld_run(f->t, 100);
	return 0;
}

static struct question
question(const char *domain, const char *ip)
{
	struct question q = testengine_question(domain, ip);

	q.end_to_end = domain[0] == '\0';
	return q;
}

/* What is known is answered within the call. */
static bool
known(struct testengine *f, const char *domain, const char *ip, struct testengine_got *g)
{
	struct question q = question(domain, ip);

	memset(g, 0, sizeof(*g));
	engine_ask(f->engine, &q, testengine_answer, g);
	if (g->count == 0)
		engine_cancel(f->engine, g);
	return g->count == 1;
}

static struct testengine_got
ask(struct testengine *f, const char *domain, const char *ip)
{
	static struct testengine_got g;
	struct question q = question(domain, ip);

	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	return g;
}

/* --- for how long ----------------------------------------------------------------------------- */

static void
mx_ttl(struct testengine *f)
{
	set_ttl(f, "plain.example", 9);
}

static void
address_ttl(struct testengine *f)
{
	set_ttl(f, "mx2.plain.example", 9);
}

static void
tlsa_ttl(struct testengine *f)
{
	set_ttl(f, TLSA, 9);
}

static void
txt_ttl(struct testengine *f)
{
	set_ttl(f, "_mta-sts.sts.example", 9);
}

static void
short_policy(struct testengine *f)
{
	testworld_publish(f->t, "sts.example", NULL, POLICY("enforce", "*.sts.example", "100"));
}

static void
no_policy_host(struct testengine *f)
{
	testworld_break(f->t, "sts.example", RESULT_STS_POLICY_FETCH_ERROR);
}

static void
hinted(struct testengine *f)
{
	struct hint h = { .domain = "plain.example", .mx_host = "mx.plain.example",
		.ttl_s = 90, .peer.ip = testworld_ip("203.0.113.9") };

	engine_hint(f->engine, &h);
}

static void
seen(struct testengine *f)
{
	struct sighting s = { .peer.ip = testworld_ip(PEER), .mx_host = "mx.plain.example" };

	engine_sighting(f->engine, &s);
}

static void
tlsa_of_a_user(struct testengine *f)
{
	tlsa_ttl(f);
	ask(f, "dane.example", PEER);
}

static void
nothing_ends(struct testengine *f)
{
	(void)f;
}

static const struct fact {
	const char *name;
	void (*prepare)(struct testengine *f);
	const char *domain, *ip;	/* "": end to end */
	uint64_t wait_ms;		/* so much later there is less than ENGINE_FRESH_MS left */
	enum { TICKS, CLOCK, NEVER } by;	/* of the wall clock's last second nothing is used */
} facts[] = {
	{ "nothing", nothing_ends, "plain.example", PEER, 0, NEVER },
	{ "nothing, no domain", nothing_ends, "literal.invalid", "192.0.2.9", 0, NEVER },
	{ "MX set", mx_ttl, "plain.example", PEER, 0, TICKS },
	{ "address of another host", address_ttl, "plain.example", PEER, 0, TICKS },
	{ "TLSA", tlsa_ttl, "dane.example", PEER, 0, TICKS },
	{ "TXT", txt_ttl, "sts.example", PEER, 0, TICKS },
	{ "max_age", short_policy, "sts.example", PEER, 92000, CLOCK },
	{ "five minutes after a fetch that failed", no_policy_host, "sts.example", PEER, 292000,
	    TICKS },
	{ "rule", nothing_ends, "rule.example", PEER, 92000, CLOCK },
	{ "relay", nothing_ends, "any.example", RELAY, 92000, CLOCK },
	{ "hint", hinted, "plain.example", "203.0.113.9", 82000, TICKS },
	{ "STARTTLS memory", seen, "plain.example", PEER, (MEMORY_S - 6) * 1000ull, CLOCK },
	{ "TLSA, end to end", tlsa_of_a_user, "", PEER, 0, TICKS }
};

/* Waits as the row says, and asks until all is known. */
static struct testengine_got
warm(struct testengine *f, const struct fact *row)
{
	struct testengine_got g;

	row->prepare(f);
	ask(f, row->domain, row->ip);
	testworld_run(f->t, row->wait_ms);
	for (int i = 0; i < 5; i++)
		if (known(f, row->domain, row->ip, &g))
			return g;
		else
			ask(f, row->domain, row->ip);
	fail_msg("%s: not known", row->name);
	return g;
}

static void
fresh_while_all_of_it_holds(void **state)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct testengine *f;
		struct testengine_got g, then;
		uint32_t fresh;

		if (i > 0)
			setup(state);
		f = *state;
		g = warm(f, &facts[i]);
		fresh = g.fresh_ms;
		assert_int_equal(g.q.state, REQUIREMENT_READY);
		if (facts[i].by == NEVER) {
			assert_int_equal(fresh, ENGINE_FRESH_MS);
		} else {
			assert_in_range(fresh, 1, ENGINE_FRESH_MS - 1);
			testworld_run(f->t, fresh - 1);
			assert_true(known(f, facts[i].domain, facts[i].ip, &then));
			assert_int_equal(then.q.level, g.q.level);
			assert_int_equal(then.q.remembered, g.q.remembered);
			assert_string_equal(then.mx_host, g.mx_host);
			assert_in_range(then.fresh_ms, facts[i].by == TICKS,
			    facts[i].by == TICKS ? 1 : 1000);
			/* And no less than that: now it is another answer, or to be asked for. */
			testworld_run(f->t, facts[i].by == CLOCK ? 2001 : 1);
			assert_true(!known(f, facts[i].domain, facts[i].ip, &then) ||
			    then.q.level != g.q.level || then.q.remembered != g.q.remembered ||
			    strcmp(then.mx_host, g.mx_host) != 0 ||
			    strcmp(then.hosts, g.hosts) != 0);
		}
		if (i + 1 < sizeof(facts) / sizeof(facts[0]))
			testengine_teardown(state);
	}
}

static void
never_of_what_is_undecided(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;
	struct question q;

	testworld_add(f->t, "null.example", ANSWER_MX, "");
	testworld_fault(f->t, "bogus.example", ANSWER_MX, ANSWER_BOGUS);
	testworld_mx(f->t, "slow.example", 10, "mx.slow.example", PEER);
	testworld_publish(f->t, "slow.example", "1", POLICY("enforce", "*.slow.example",
	    "86400"))->delay_ms = 30000;
	for (int again = 0; again < 2; again++) {
		assert_int_equal(ask(f, "null.example", PEER).fresh_ms, 0);
		assert_int_equal(ask(f, "bogus.example", PEER).fresh_ms, 0);
		assert_int_equal(ask(f, "", "192.0.2.99").fresh_ms, 0);	/* nobody's address */
	}
	q = question("slow.example", PEER);
	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS + 100);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.defer_code, DEFER_POLICY_PENDING);
	assert_int_equal(g.fresh_ms, 0);
	/* A restart. */
	q = question("new.example", PEER);
	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	engine_free(f->engine);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.fresh_ms, 0);
	testengine_begin(f);
}

static void
never_of_this_one_answer(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g = ask(f, "sts.example", PEER);
	struct question q = question("sts.example", PEER);
	struct sighting s = { .peer.ip = testworld_ip("203.0.113.9"), .mx_host = "a.example" };

	assert_int_equal(g.q.source, SOURCE_FETCHED);	/* the next one is from the cache */
	assert_int_equal(g.fresh_ms, 0);
	assert_true(known(f, "sts.example", PEER, &g));
	assert_int_equal(g.fresh_ms, ENGINE_FRESH_MS);
	/* An administrator's question says nothing of who uses the address: a mail's has to. */
	q.probe = true;
	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	assert_int_equal(g.fresh_ms, 0);
	/* The SNI is the name that the address was seen under last. */
	engine_sighting(f->engine, &s);
	ask(f, "plain.example", "203.0.113.9");
	assert_true(known(f, "plain.example", "203.0.113.9", &g));
	assert_string_equal(g.sni, "a.example");
	assert_int_equal(g.fresh_ms, 0);
	/* Before it is known where the relays are. */
	testworld_fault(f->t, "relay.example", ANSWER_A, ANSWER_FAILED)->delay_ms = 60000;
	engine_free(f->engine);
	testengine_begin(f);
	q = question("any.example", "192.0.2.9");
	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS + 1000);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.state, REQUIREMENT_READY);
	assert_int_equal(g.fresh_ms, 0);
}

/* --- what is announced ------------------------------------------------------------------------ */

static bool
announced(const struct fixture *f, const char *domain, const char *ip)
{
	struct in6_addr want = ip[0] != '\0' ? testworld_ip(ip) : in6addr_any;

	for (size_t i = 0; i < f->len; i++)
		if (strcmp(f->stale[i].domain, domain) == 0 &&
		    memcmp(&f->stale[i].ip, &want, sizeof(want)) == 0)
			return true;
	return false;
}

static void
recheck(struct testengine *f, const char *domain)
{
	static struct testengine_got g;
	struct question q = question(domain, PEER);

	q.recheck = true;
	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, 1000);
}

static void
policy_begins(struct testengine *f)
{
	testworld_publish(f->t, "plain.example", "1", POLICY("enforce", "*.plain.example",
	    "86400"))->delay_ms = 9000;
	recheck(f, "plain.example");
}

static void
policy_changes(struct testengine *f)
{
	testworld_publish(f->t, "sts.example", "8", POLICY("none", "*.sts.example", "86400"));
	recheck(f, "sts.example");
}

static void
same_policy(struct testengine *f)
{
	testworld_publish(f->t, "sts.example", "7", POLICY("enforce", "*.sts.example", "604800"));
	testworld_run(f->t, 400 * 1000);
	recheck(f, "sts.example");
}

static void
forgotten(struct testengine *f)
{
	engine_policy_forget(f->engine, "plain.example");
}

static void
mode(struct testengine *f)
{
	engine_set_mode(f->engine, MODE_MONITOR);
}

static void
no_validation(struct testengine *f)
{
	testworld_remove(f->t, "");
	testworld_add(f->t, "", ANSWER_NS, "a.root-servers.net");
	testworld_run(f->t, CANARY_EVERY_MS);
}

static void
relay_moves(struct testengine *f)
{
	testworld_remove(f->t, "relay.example");
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.52");
	testworld_run(f->t, 3601 * 1000);
}

static void
relays_policy(struct testengine *f)
{
	testworld_publish(f->t, "relay.example", "1", POLICY("enforce", "*.example", "86400"));
	ask(f, "any.example", "192.0.2.51");
}

static void
rule_ends(struct testengine *f)
{
	testworld_run(f->t, 101 * 1000);
}

static void
other_mx(struct testengine *f)
{
	testworld_mx(f->t, "plain.example", 5, "mx0.plain.example", "192.0.2.3");
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
one_mx_for_another(struct testengine *f)
{
	testworld_remove(f->t, "plain.example");
	testworld_mx(f->t, "plain.example", 10, "mx.plain.example", NULL);
	testworld_mx(f->t, "plain.example", 20, "mx3.plain.example", OWN);
	testworld_sign(f->t);
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
other_preference(struct testengine *f)
{
	testworld_remove(f->t, "plain.example");
	testworld_mx(f->t, "plain.example", 10, "mx.plain.example", NULL);
	testworld_mx(f->t, "plain.example", 5, "mx2.plain.example", NULL);
	testworld_sign(f->t);
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
other_address(struct testengine *f)
{
	testworld_remove(f->t, "mx2.plain.example");
	testworld_add(f->t, "mx2.plain.example", ANSWER_A, "192.0.2.7");
	testworld_sign(f->t);
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
one_address_less(struct testengine *f)
{
	testworld_remove(f->t, "mx2.plain.example");
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
unsigned_now(struct testengine *f)
{
	testworld_remove(f->t, "mx2.plain.example");
	testworld_add(f->t, "mx2.plain.example", ANSWER_A, OWN);
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
other_tlsa(struct testengine *f)
{
	testworld_remove(f->t, TLSA);
	testworld_tlsa(f->t, TLSA, 3, 1, 1, 0xcd, 32)->secure = true;
	testworld_run(f->t, 61 * 1000);
	recheck(f, "dane.example");
}

static void
tlsa_fails(struct testengine *f)
{
	testworld_fault(f->t, "_25._tcp.mx2.plain.example", ANSWER_TLSA, ANSWER_FAILED);
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
no_tlsa(struct testengine *f)
{
	testworld_remove(f->t, TLSA);
	testworld_run(f->t, 61 * 1000);
	recheck(f, "dane.example");
}

/* In another order, for another time. */
static void
turned_round(struct testengine *f)
{
	testworld_remove(f->t, "plain.example");
	testworld_mx(f->t, "plain.example", 20, "mx2.plain.example", NULL);
	testworld_mx(f->t, "plain.example", 10, "mx.plain.example", NULL);
	testworld_sign(f->t);
	testworld_run(f->t, 61 * 1000);
	recheck(f, "plain.example");
}

static void
new_hint(struct testengine *f)
{
	hinted(f);
}

static void
old_hint(struct testengine *f)
{
	hinted(f);
	((struct fixture *)f)->len = 0;
	hinted(f);
}

static void
useless_hint(struct testengine *f)
{
	struct hint h = { .domain = "unheard.example", .mx_host = "mx.plain.example",
		.ttl_s = 90, .peer.ip = testworld_ip("203.0.113.9") };

	engine_hint(f->engine, &h);
}

static void
seen_again(struct testengine *f)
{
	seen(f);
	((struct fixture *)f)->len = 0;
	seen(f);
}

static void
end_to_end(struct testengine *f)
{
	ask(f, "plain.example", OWN);
	((struct fixture *)f)->len = 0;
	assert_int_equal(ask(f, "", OWN).fresh_ms, ENGINE_FRESH_MS);
}

static void
another_user(struct testengine *f)
{
	end_to_end(f);
	ask(f, "sts.example", OWN);
}

static void
users_mx(struct testengine *f)
{
	testworld_run(f->t, 61 * 1000);
	end_to_end(f);
	testworld_mx(f->t, "plain.example", 5, "mx0.plain.example", "192.0.2.3");
	recheck(f, "plain.example");
}

static void
not_a_users_mx(struct testengine *f)
{
	testworld_run(f->t, 61 * 1000);
	ask(f, "plain.example", PEER);
	testworld_mx(f->t, "sts.example", 5, "mx0.sts.example", "192.0.2.3");
	ask(f, "sts.example", "192.0.2.3");
	assert_int_equal(ask(f, "", OWN).fresh_ms, ENGINE_FRESH_MS);
	((struct fixture *)f)->len = 0;
	testworld_mx(f->t, "sts.example", 7, "mx1.sts.example", "192.0.2.3");
	testworld_run(f->t, 61 * 1000);
	recheck(f, "sts.example");
}

#define EVERYTHING "", ""
#define NOTHING NULL, NULL

static const struct change {
	const char *name;
	void (*make)(struct testengine *f);
	const char *domain, *ip;	/* said so, or NOTHING */
} changes[] = {
	{ "a policy where there was none", policy_begins, "plain.example", "" },
	{ "another policy", policy_changes, "sts.example", "" },
	{ "the same policy", same_policy, NOTHING },
	{ "forgotten", forgotten, EVERYTHING },
	{ "mode", mode, EVERYTHING },
	{ "a resolver that validates no more", no_validation, EVERYTHING },
	{ "a relay's address", relay_moves, EVERYTHING },
	{ "a relay's policy", relays_policy, EVERYTHING },
	{ "a rule's end", rule_ends, EVERYTHING },
	{ "another MX host", other_mx, "plain.example", "" },
	{ "one MX host for another", one_mx_for_another, "plain.example", "" },
	{ "other preferences", other_preference, "plain.example", "" },
	{ "another address of a host", other_address, "plain.example", "" },
	{ "none any more", one_address_less, "plain.example", "" },
	{ "an address that is not secure", unsigned_now, "plain.example", "" },
	{ "another TLSA record", other_tlsa, "dane.example", "" },
	{ "TLSA records that cannot be looked up", tlsa_fails, "plain.example", "" },
	{ "no TLSA record", no_tlsa, "dane.example", "" },
	{ "the same MX set", turned_round, NOTHING },
	{ "a hint", new_hint, "plain.example", "" },
	{ "the same hint", old_hint, NOTHING },
	{ "a hint on a domain that nobody has asked for", useless_hint, NOTHING },
	{ "a first sighting", seen, "", PEER },
	{ "a second one", seen_again, NOTHING },
	{ "nothing, end to end", end_to_end, NOTHING },
	{ "another domain that uses the address", another_user, "", OWN },
	{ "the MX set of a domain that uses the address", users_mx, "", OWN }
};

static void
changes_are_announced(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		struct fixture *x;

		if (i > 0)
			setup(state);
		x = *state;
		if (c->make != rule_ends) {
			x->e.config.domains_len = 0;
			x->e.config.relays = relays + 1;
			x->e.config.relays_len = 1;
		}
		restart(&x->e);
		ask(&x->e, "plain.example", ELSEWHERE);
		ask(&x->e, "sts.example", ELSEWHERE);
		ask(&x->e, "dane.example", ELSEWHERE);
		x->len = 0;
		c->make(&x->e);
		if (c->domain == NULL && x->len > 0)
			fail_msg("%s: said of \"%s\"", c->name, x->stale[0].domain);
		if (c->domain != NULL && !announced(x, c->domain, c->ip))
			fail_msg("%s: not said, %zu others were", c->name, x->len);
		if (i + 1 < sizeof(changes) / sizeof(changes[0]))
			testengine_teardown(state);
	}
}

/* Who is told of an address is told of what was asked of it end to end: of no other. */
static void
end_to_end_by_address_alone(void **state)
{
	struct fixture *x = *state;

	not_a_users_mx(&x->e);
	assert_true(announced(x, "sts.example", ""));
	assert_false(announced(x, "", OWN));
}

/* More addresses than can be looked after: those beyond are asked for each time. */
static void
too_many_addresses(void **state)
{
	struct testengine *f = *state;
	struct in6_addr ip = testworld_ip("2001:db8::");
	unsigned told = 0;

	for (unsigned i = 0; i < ENGINE_TOLD_MAX + 10; i++) {
		ip.s6_addr[14] = (uint8_t)(i >> 8);
		ip.s6_addr[15] = (uint8_t)i;
		told += engine_told(f->engine, &ip, 5000);
		assert_int_equal(engine_told(f->engine, &ip, 3000), i < ENGINE_TOLD_MAX);
	}
	assert_int_equal(told, ENGINE_TOLD_MAX);
	testworld_run(f->t, 5000);
	assert_true(engine_told(f->engine, &ip, 5000));
	engine_stale(f->engine);
	assert_int_equal(f->engine->told_len, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, testengine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(fresh_while_all_of_it_holds), T(never_of_what_is_undecided),
		T(never_of_this_one_answer), T(changes_are_announced),
		T(end_to_end_by_address_alone), T(too_many_addresses)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
