/* engine_test.c - questions of workers and administrators, answered in a scripted world
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testengine.h"

#include "policy/store_pages.h"

#define POLICY(mode, mx) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: 604800\n"

static struct config_rule domains[] = {
	{ .name = (char[]){ "clear.example" }, .level = LEVEL_NONE, .reason = (char[]){ "r" } },
	{ .name = (char[]){ "lapsed.example" }, .level = LEVEL_NONE, .reason = (char[]){ "r" },
	    .until = 1000 },
	{ .name = (char[]){ "named.example" }, .level = LEVEL_VERIFY, .reason = (char[]){ "r" } },
	{ .name = (char[]){ "tls.example" }, .level = LEVEL_ENCRYPT, .reason = (char[]){ "r" } }
};
static struct config_rule relays[] = {
	{ .name = (char[]){ "192.0.2.77" }, .level = LEVEL_ENCRYPT },
	{ .name = (char[]){ "relay.example" }, .level = LEVEL_SECURE },
	{ .name = (char[]){ "relay2.example" }, .level = LEVEL_AUTO }
};

static int
setup(void **state)
{
	struct testengine *f = testengine_fixture(state, domains, 4);

	testworld_mx(f->t, "a.example", 10, "mx.a.example", "192.0.2.1");
	testworld_publish(f->t, "a.example", "7", POLICY("enforce", "mx.a.example"));
	testengine_begin(f);
	return 0;
}

static void
enforced_then_warm(void **state)	/* R24, R28, R37 */
{
	struct testengine *f = *state;
	struct question q = testengine_question("a.example", "192.0.2.1");
	struct testengine_got g = testengine_ask(f, "a.example", "192.0.2.1");
	unsigned queries = f->t->queries;

	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_int_equal(g.q.source, SOURCE_FETCHED);
	assert_true(g.q.mapped && g.q.mx_allowed);
	assert_string_equal(g.mx_host, "mx.a.example");
	assert_string_equal(g.sni, "mx.a.example");
	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	assert_int_equal(g.count, 1);		/* inside the call */
	assert_int_equal(g.q.source, SOURCE_CACHE);
	assert_int_equal(f->t->queries, queries);
}

static void
foreign_mx_is_not_allowed(void **state)	/* R29, R31 */
{
	struct testengine *f = *state;
	struct testengine_got g;

	testworld_mx(f->t, "a.example", 5, "mx.evil.example", "198.51.100.66");
	g = testengine_ask(f, "a.example", "198.51.100.66");
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_true(g.q.mapped);
	assert_false(g.q.mx_allowed);
}

static void
unmapped_needs_an_allowed_name(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g = testengine_ask(f, "a.example", "203.0.113.99");

	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_false(g.q.mapped);
	assert_string_equal(g.host, "mx.a.example");
}

static void
rules_need_no_dns(void **state)
{
	struct testengine *f = *state;
	unsigned queries = f->t->queries;

	assert_int_equal(testengine_ask(f, "clear.example", "192.0.2.9").q.level, LEVEL_NONE);
	assert_int_equal(testengine_ask(f, "tls.example", "192.0.2.9").q.level, LEVEL_ENCRYPT);
	assert_int_equal(testengine_ask(f, "", "192.0.2.9").q.level, LEVEL_MAY);
	assert_int_equal(f->t->queries, queries);
	assert_int_equal(testengine_ask(f, "lapsed.example", "192.0.2.9").q.level, LEVEL_MAY);
	assert_true(f->t->queries > queries);
}

static void
rule_verify_takes_the_mx_name(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	testworld_mx(f->t, "named.example", 10, "mx.named.example", "192.0.2.3");
	g = testengine_ask(f, "named.example", "192.0.2.3");
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_int_equal(g.q.source, SOURCE_RULE);
	assert_string_equal(g.host, "mx.named.example");
	assert_int_equal(f->t->fetches, 0);
}

static void
relay_stands_before_all(void **state)	/* R26 */
{
	struct testengine *f = *state;
	struct question q = testengine_question("clear.example", "192.0.2.50");
	struct testengine_got g = { 0 };

	engine_free(f->engine);
	f->config.relays = relays;
	f->config.relays_len = 3;
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.50");
	testworld_add(f->t, "relay2.example", ANSWER_A, "192.0.2.51");
	testworld_publish(f->t, "relay2.example", "1", POLICY("enforce", "relay2.example"));
	testengine_begin(f);
	/* The first question of all waits for the relays' addresses. */
	engine_ask(f->engine, &q, testengine_answer, &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.source, SOURCE_RELAY);
	assert_int_equal(g.q.level, LEVEL_SECURE);
	assert_int_equal(testengine_ask(f, "a.example", "192.0.2.77").q.level, LEVEL_ENCRYPT);
	g = testengine_ask(f, "clear.example", "192.0.2.51");
	assert_int_equal(g.q.policy_type, POLICY_STS);
	assert_string_equal(g.host, "relay2.example");
	assert_int_equal(testengine_ask(f, "a.example", "192.0.2.1").q.policy_type, POLICY_STS);
	/* The address moves; the old one is nobody's. */
	testworld_remove(f->t, "relay.example");
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.52");
	testworld_run(f->t, 400 * 1000);
	assert_int_equal(testengine_ask(f, "x.example", "192.0.2.52").q.source, SOURCE_RELAY);
	assert_int_not_equal(testengine_ask(f, "x.example", "192.0.2.50").q.source, SOURCE_RELAY);
	/* A failing lookup keeps it. */
	testworld_remove(f->t, "relay.example");
	testworld_fault(f->t, "relay.example", ANSWER_A, ANSWER_FAILED);
	testworld_run(f->t, 4000 * 1000);
	assert_int_equal(testengine_ask(f, "x.example", "192.0.2.52").q.source, SOURCE_RELAY);
}

static void
slow_policy_defers(void **state)	/* INTERFACE: 451 4.7.0 when policy.wait ends */
{
	struct testengine *f = *state;
	struct testengine_got g;

	testworld_host(f->t, "a.example")->delay_ms = 60000;
	g = testengine_ask(f, "a.example", "192.0.2.1");
	assert_int_equal(g.q.state, REQUIREMENT_DEFER);
	assert_int_equal(g.q.defer_code, DEFER_POLICY_PENDING);
	testworld_run(f->t, 40000);
	assert_int_equal(testengine_ask(f, "a.example", "192.0.2.1").q.level, LEVEL_VERIFY);
}

static void
failed_fetch_delivers(void **state)	/* R23 */
{
	struct testengine *f = *state;
	struct testengine_got g;

	testworld_break(f->t, "a.example", RESULT_STS_POLICY_FETCH_ERROR);
	g = testengine_ask(f, "a.example", "192.0.2.1");
	assert_int_equal(g.q.state, REQUIREMENT_READY);
	assert_int_equal(g.q.level, LEVEL_MAY);
}

static void
slow_recheck_uses_the_cache(void **state)	/* R24: a blocked port 443 costs seconds, not mail */
{
	struct testengine *f = *state;
	struct question q = testengine_question("a.example", "192.0.2.1");
	struct testengine_got g = { 0 };

	testengine_ask(f, "a.example", "192.0.2.1");
	testworld_publish(f->t, "a.example", "8", POLICY("none", "x"))->delay_ms = 60000;
	testworld_run(f->t, 3600 * 1000);
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, 6000);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	testworld_run(f->t, 70000);
}

static void
recheck_finds_the_new_policy(void **state)	/* R34 */
{
	struct testengine *f = *state;
	struct question q = testengine_question("a.example", "192.0.2.1");
	struct testengine_got g = { 0 };

	testengine_ask(f, "a.example", "192.0.2.1");
	testworld_publish(f->t, "a.example", "8", POLICY("testing", "mx.a.example"));
	q.recheck = true;
	engine_ask(f->engine, &q, testengine_answer, &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 1000);
	assert_int_equal(g.q.sts_mode, STS_TESTING);
}

static void
mx_errors(void **state)	/* R79, R149: an error is no absence */
{
	static const struct {
		enum answer_state state;
		enum requirement_state expect;
		enum requirement_defer code;
	} rows[] = {
		{ ANSWER_FAILED, REQUIREMENT_READY, DEFER_NOTHING },
		{ ANSWER_BOGUS, REQUIREMENT_DEFER, DEFER_DNSSEC_BOGUS }
	};
	struct testengine *f = *state;
	struct testengine_got g;

	for (size_t i = 0; i < 2; i++) {
		testworld_remove(f->t, "b.example");
		testworld_fault(f->t, "b.example", ANSWER_MX, rows[i].state);
		testworld_run(f->t, 60000);
		g = testengine_ask(f, "b.example", "192.0.2.8");
		assert_int_equal(g.q.state, rows[i].expect);
		assert_int_equal(g.q.defer_code, rows[i].code);
	}
	/* With a policy in force nobody can say which hosts it allows. */
	testworld_publish(f->t, "b.example", "1", POLICY("enforce", "mx.b.example"));
	testworld_remove(f->t, "b.example");
	testworld_fault(f->t, "b.example", ANSWER_MX, ANSWER_FAILED);
	testworld_run(f->t, 60000);
	g = testengine_ask(f, "b.example", "192.0.2.8");
	assert_int_equal(g.q.defer_code, DEFER_DNS_UNDECIDED);
	testworld_add(f->t, "null.example", ANSWER_MX, "");
	g = testengine_ask(f, "null.example", "192.0.2.8");
	assert_int_equal(g.q.defer_code, DEFER_NULL_MX);
	testworld_add(f->t, "implicit.example", ANSWER_A, "192.0.2.8");
	g = testengine_ask(f, "implicit.example", "192.0.2.8");
	assert_string_equal(g.mx_host, "implicit.example");
}

static void
sights_are_remembered(void **state)
{
	struct testengine *f = *state;
	struct sighting s = { .mx_host = "mx.b.example" };

	testworld_mx(f->t, "b.example", 10, "mx.b.example", "192.0.2.8");
	assert_false(testengine_ask(f, "b.example", "192.0.2.8").q.remembered);
	s.peer = testengine_question("", "192.0.2.8").peer;
	engine_sighting(f->engine, &s);
	assert_true(testengine_ask(f, "b.example", "192.0.2.8").q.remembered);
	/* By the address, where the MX record was forged; another host of the same name is another. */
	testworld_remove(f->t, "mx.b.example");
	testworld_add(f->t, "mx.b.example", ANSWER_A, "198.51.100.1");
	testworld_run(f->t, 4000 * 1000);
	assert_false(testengine_ask(f, "b.example", "198.51.100.1").q.remembered);
	assert_true(testengine_ask(f, "c.example", "192.0.2.8").q.remembered);
	assert_false(testengine_ask(f, "c.example", "192.0.2.9").q.remembered);
	/* A rule stands before memory. */
	assert_false(testengine_ask(f, "clear.example", "192.0.2.8").q.remembered);
	testworld_run(f->t, 31ull * 86400 * 1000);
	assert_false(testengine_ask(f, "b.example", "192.0.2.8").q.remembered);
}

static void
cancelled_questions_are_silent(void **state)
{
	struct testengine *f = *state;
	struct question q = testengine_question("a.example", "192.0.2.1");
	struct testengine_got gone = { 0 }, stays = { 0 };

	engine_ask(f->engine, &q, testengine_answer, &gone);
	engine_ask(f->engine, &q, testengine_answer, &stays);
	engine_cancel(f->engine, &gone);
	testworld_run(f->t, 1000);
	assert_int_equal(gone.count, 0);
	assert_int_equal(stays.count, 1);
	assert_int_equal(f->t->fetches, 1);
}

static void
freeing_answers(void **state)
{
	struct testengine *f = *state;
	struct question q = testengine_question("a.example", "192.0.2.1");
	struct testengine_got g = { 0 };

	engine_ask(f->engine, &q, testengine_answer, &g);
	engine_free(f->engine);
	f->engine = NULL;
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.defer_code, DEFER_SERVICE_DOWN);
}

static void
on_report(void *arg, json_t *report)
{
	*(json_t **)arg = report;
}

static const char *
would(struct testengine *f, const char *domain, json_t **report)
{
	static char word[16];
	json_t *got = NULL;

	engine_domain(f->engine, domain, on_report, &got);
	testworld_run(f->t, 25000);
	assert_non_null(got);
	snprintf(word, sizeof(word), "%s", json_string_value(json_object_get(got, "would")));
	if (report != NULL)
		*report = got;
	else
		json_decref(got);
	return word;
}

static void
domain_report(void **state)
{
	struct testengine *f = *state;
	json_t *r, *sts, *mx;

	assert_string_equal(would(f, "a.example", &r), "deliver");
	sts = json_object_get(r, "sts");
	assert_string_equal(json_string_value(json_object_get(sts, "state")), "active");
	assert_string_equal(json_string_value(json_object_get(sts, "source")), "fetched");
	assert_string_equal(json_string_value(json_object_get(sts, "mode")), "enforce");
	assert_null(json_object_get(sts, "problem"));
	mx = json_array_get(json_object_get(r, "mx"), 0);
	assert_string_equal(json_string_value(json_object_get(mx, "host")), "mx.a.example");
	assert_true(json_is_true(json_object_get(mx, "sts_match")));
	assert_true(json_is_false(json_object_get(mx, "secure")));
	assert_true(json_is_null(json_object_get(r, "override")));
	json_decref(r);
	assert_string_equal(would(f, "a.example", &r), "deliver");
	sts = json_object_get(r, "sts");
	assert_string_equal(json_string_value(json_object_get(sts, "source")), "cache");
	json_decref(r);
}

static void
domain_verdicts(void **state)
{
	struct testengine *f = *state;
	json_t *r;

	testworld_mx(f->t, "bad.example", 10, "mx.other.example", "192.0.2.4");
	testworld_publish(f->t, "bad.example", "7", POLICY("enforce", "mx.bad.example"));
	assert_string_equal(would(f, "bad.example", NULL), "refuse");
	/* Within the five minutes a new id is found by the re-check. */
	testworld_publish(f->t, "bad.example", "8", POLICY("enforce", "*.other.example"));
	assert_string_equal(would(f, "bad.example", NULL), "deliver");
	testworld_fault(f->t, "sick.example", ANSWER_MX, ANSWER_BOGUS);
	assert_string_equal(would(f, "sick.example", NULL), "defer");
	testworld_fault(f->t, "failed.example", ANSWER_MX, ANSWER_FAILED);
	assert_string_equal(would(f, "failed.example", NULL), "defer");
	assert_string_equal(would(f, "nobody.example", &r), "unknown");
	assert_true(json_is_false(json_object_get(r, "exists")));
	json_decref(r);
	testworld_mx(f->t, "broken.example", 10, "mx.broken.example", "192.0.2.5");
	testworld_publish(f->t, "broken.example", "1", "version: STSv1\nmode: x\n");
	assert_string_equal(would(f, "broken.example", &r), "deliver");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    json_object_get(r, "sts"), "problem"), "result_type")), "sts-policy-invalid");
	json_decref(r);
	testworld_mx(f->t, "dim.example", 10, "mx.dim.example", "192.0.2.6");
	testworld_fault(f->t, "_mta-sts.dim.example", ANSWER_TXT, ANSWER_FAILED);
	assert_string_equal(would(f, "dim.example", &r), "deliver");
	assert_string_equal(json_string_value(json_object_get(json_object_get(r, "sts"), "state")),
	    "undetermined");
	json_decref(r);
	testworld_mx(f->t, "clear.example", 10, "mx.clear.example", "192.0.2.7");
	assert_string_equal(would(f, "clear.example", &r), "deliver");
	assert_string_equal(json_string_value(json_object_get(json_object_get(r, "override"),
	    "level")), "none");
	json_decref(r);
}

static void
policy_verbs(void **state)
{
	struct testengine *f = *state;
	json_t *r;

	assert_null(engine_policy_show(f->engine, "a.example"));
	testengine_ask(f, "a.example", "192.0.2.1");
	r = engine_policy_show(f->engine, "a.example");
	assert_non_null(json_object_get(r, "text"));
	json_decref(r);
	r = engine_policy_list(f->engine);
	assert_int_equal(json_array_size(r), 1);
	json_decref(r);
	r = engine_evidence(f->engine, "a.example");
	assert_non_null(json_object_get(r, "policy_text"));
	assert_non_null(json_object_get(r, "mx"));
	json_decref(r);
	r = engine_status(f->engine);
	assert_true(json_is_true(json_object_get(r, "healthy")));
	json_decref(r);
	assert_true(engine_policy_forget(f->engine, "a.example"));
	assert_false(engine_policy_forget(f->engine, "a.example"));
	assert_null(engine_policy_show(f->engine, "a.example"));
}

/* So many policies, in one commit. */
static void
fill(const struct testengine *f, unsigned len)
{
	static const char text[] = "version: STSv1\nmode: none\nmax_age: 604800\n";
	struct store_policy p = { "7", f->t->now_ms / 1000 - 60, f->t->now_ms / 1000 + 3600, 0,
	    text, sizeof(text) - 1 };
	unsigned char value[256];
	size_t size = store_encode(value, sizeof(value), &p);
	struct store_file *file = calloc(1, sizeof(*file));
	struct store_change *c = calloc(len, sizeof(*c));
	char (*name)[16] = calloc(len, sizeof(*name));

	assert_true(file != NULL && c != NULL && name != NULL && size > 0);
	for (unsigned i = 0; i < len; i++) {
		int n = snprintf(name[i], sizeof(name[i]), "d%u.example", i);

		c[i] = (struct store_change){ STORE_POLICIES, { (size_t)n, name[i] },
			{ size, value } };
	}
	assert_true(store_file_name(file, f->t->dir));
	assert_int_equal(store_file_open(file), 0);
	assert_int_equal(store_pages_write(file, c, len), 0);
	store_file_close(file);
	free(name);
	free(c);
	free(file);
}

/* However many there are, the loop is not kept from its questions for long. */
static void
long_lists_are_cut(void **state)
{
	struct testengine *f = *state;
	json_t *list, *last;

	engine_free(f->engine);
	fill(f, ENGINE_LIST_MAX + 1);
	testengine_begin(f);
	list = engine_policy_list(f->engine);
	assert_int_equal(json_array_size(list), ENGINE_LIST_MAX + 1);
	last = json_array_get(list, ENGINE_LIST_MAX);
	assert_null(json_object_get(last, "domain"));
	assert_string_equal(json_string_value(json_object_get(last, "problem")),
	    "the list ends after 10000 of 10001 policies");
	json_decref(list);
	assert_true(engine_policy_forget(f->engine, "d5000.example"));
	list = engine_policy_list(f->engine);
	assert_int_equal(json_array_size(list), ENGINE_LIST_MAX);
	last = json_array_get(list, ENGINE_LIST_MAX - 1);
	assert_non_null(json_object_get(last, "domain"));
	json_decref(list);
}

static const char *
problem(json_t *status)
{
	const char *text = json_string_value(json_array_get(json_object_get(status, "problems"),
	    0));

	return text != NULL ? text : "";
}

static json_int_t
failures(struct testengine *f)
{
	json_t *status = engine_status(f->engine);
	json_int_t n = json_integer_value(json_object_get(status, "refresh_failures"));

	assert_true(json_is_true(json_object_get(status, "healthy")) == (n == 0));
	json_decref(status);
	return n;
}

/* Counted after half a day, across a restart too, until a refresh succeeds or it is forgotten. */
static void
failing_refreshes_are_counted(void **state)
{
	struct testengine *f = *state;

	testengine_ask(f, "a.example", "192.0.2.1");
	testworld_break(f->t, "a.example", RESULT_STS_WEBPKI_INVALID);
	testworld_run(f->t, 30 * 3600 * 1000);		/* the daily refresh has failed */
	assert_int_equal(failures(f), 0);
	testworld_run(f->t, 10 * 3600 * 1000);
	assert_int_equal(failures(f), 1);
	engine_free(f->engine);
	testengine_begin(f);
	assert_int_equal(failures(f), 1);
	testworld_publish(f->t, "a.example", "7", POLICY("enforce", "*.hoster.example"));
	testworld_run(f->t, 7 * 3600 * 1000);
	assert_int_equal(failures(f), 0);
	testworld_break(f->t, "a.example", RESULT_STS_WEBPKI_INVALID);
	testworld_run(f->t, 60 * 3600 * 1000);
	assert_int_equal(failures(f), 1);
	assert_true(engine_policy_forget(f->engine, "a.example"));
	assert_int_equal(failures(f), 0);
}

static void
lost_store_is_acknowledged(void **state)
{
	struct testengine *f = *state;
	char error[256];
	json_t *r;

	assert_int_equal(engine_acknowledge(f->engine), ENGINE_NOTHING_TO_ACKNOWLEDGE);
	engine_free(f->engine);
	f->engine = engine_new_in(&f->t->world, &f->config, true, NULL, NULL, error,
	    sizeof(error));
	assert_non_null(f->engine);
	r = engine_status(f->engine);
	assert_false(json_is_true(json_object_get(r, "healthy")));
	assert_non_null(strstr(problem(r), "posternctl policy acknowledge"));
	json_decref(r);
	assert_int_equal(engine_acknowledge(f->engine), ENGINE_ACKNOWLEDGED);
	assert_int_equal(engine_acknowledge(f->engine), ENGINE_NOTHING_TO_ACKNOWLEDGE);
	r = engine_status(f->engine);
	assert_true(json_is_true(json_object_get(r, "healthy")));
	json_decref(r);
}

static void
monitor_is_told(void **state)
{
	struct testengine *f = *state;

	assert_false(testengine_ask(f, "a.example", "192.0.2.1").q.monitor);
	engine_set_mode(f->engine, MODE_MONITOR);
	assert_true(testengine_ask(f, "a.example", "192.0.2.1").q.monitor);
}

static void
without_mta_sts(void **state)
{
	struct testengine *f = *state;

	engine_free(f->engine);
	f->config.policy.mta_sts = false;
	testengine_begin(f);
	assert_int_equal(testengine_ask(f, "a.example", "192.0.2.1").q.level, LEVEL_MAY);
	assert_int_equal(f->t->fetches, 0);
}

static void
on_host(void *arg, const struct in6_addr *addresses, size_t len, const char *problem)
{
	(void)addresses;
	snprintf(arg, 32, "%zu %s", len, problem);
}

static void
resolves_hosts(void **state)
{
	struct testengine *f = *state;
	char got[32] = "";

	engine_resolve_host(f->engine, "mx.a.example", on_host, got);
	testworld_run(f->t, 100);
	assert_string_equal(got, "1 ");
	engine_resolve_host(f->engine, "nobody.example", on_host, got);
	testworld_run(f->t, 100);
	assert_string_equal(got, "0 nxdomain");
	engine_resolve_host(f->engine, "192.0.2.1", on_host, got);
	assert_string_equal(got, "1 ");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, testengine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(enforced_then_warm), T(foreign_mx_is_not_allowed),
		T(unmapped_needs_an_allowed_name), T(rules_need_no_dns),
		T(rule_verify_takes_the_mx_name), T(relay_stands_before_all),
		T(slow_policy_defers), T(failed_fetch_delivers), T(slow_recheck_uses_the_cache),
		T(recheck_finds_the_new_policy), T(mx_errors), T(sights_are_remembered),
		T(cancelled_questions_are_silent), T(freeing_answers), T(domain_report),
		T(domain_verdicts), T(policy_verbs), T(long_lists_are_cut),
		T(failing_refreshes_are_counted), T(lost_store_is_acknowledged),
		T(monitor_is_told), T(without_mta_sts), T(resolves_hosts)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
