/* engine_dane_test.c - DANE from the first question to DNS to what a peer must prove
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testengine.h"

#define POLICY(mode, mx) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: 604800\n"
#define TLSA "_25._tcp.mx.a.example"
#define PEER "192.0.2.1"
#define REASON .reason = (char[]){ "r" }

static struct config_match match[] = { { .len = 32, .digest = { 0xab, 0xab } } };
static struct config_rule domains[] = {
	{ .name = (char[]){ "dane.example" }, .level = LEVEL_DANE, REASON },
	{ .name = (char[]){ "finger.example" }, .level = LEVEL_FINGERPRINT, REASON,
	    .match = match, .match_len = 1 },
	{ .name = (char[]){ "only.example" }, .level = LEVEL_DANE_ONLY, REASON },
	{ .name = (char[]){ "tls.example" }, .level = LEVEL_ENCRYPT, REASON }
};
static struct config_rule relays[] = {
	{ .name = (char[]){ "192.0.2.77" }, .level = LEVEL_FINGERPRINT, .match = match,
	    .match_len = 1 },
	{ .name = (char[]){ "relay.example" }, .level = LEVEL_DANE }
};

struct fixture {
	struct testengine e;
	unsigned alarms, notices;	/* of the canary */
	char detail[256];
};

static void
on_notice(void *arg, const struct engine_notice *n)
{
	struct fixture *f = arg;

	if (strcmp(n->action, "dane") != 0)
		return;
	assert_string_equal(n->event_type, "health");
	f->notices++;
	f->alarms += n->alarm;
	snprintf(f->detail, sizeof(f->detail), "%s", n->detail);
}

static void
on_stale(void *arg, const struct stale *what)
{
	struct fixture *f = arg;

	f->e.stale++;
	snprintf(f->e.stale_domain, sizeof(f->e.stale_domain), "%s", what->domain);
}

static const struct engine_events events = { .notice = on_notice, .stale = on_stale };

/* The root answers as a validating resolver has it answered. */
static void
root(struct testengine *f, enum answer_state state, bool secure)
{
	testworld_remove(f->t, "");
	if (state != ANSWER_OK)
		testworld_fault(f->t, "", ANSWER_NS, state);
	else
		testworld_add(f->t, "", ANSWER_NS, "a.root-servers.net")->secure = secure;
}

/* a.example, signed, with one record of usage 3. */
static int
setup(void **state)
{
	struct fixture *x = testworld_fixture(state, sizeof(*x));
	struct testengine *f = &x->e;

	testengine_configure(f, domains, sizeof(domains) / sizeof(domains[0]));
	f->config.policy.dane = true;
	f->events = &events;
	root(f, ANSWER_OK, true);
	testworld_mx(f->t, "a.example", 10, "mx.a.example", PEER);
	testworld_add(f->t, "mx.a.example", ANSWER_AAAA, "2001:db8::1");
	testworld_tlsa(f->t, TLSA, 3, 1, 1, 0xab, 32);
	testworld_sign(f->t);
	testengine_begin(f);
	return 0;
}

static void
restart(struct testengine *f)
{
	engine_free(f->engine);
	testengine_begin(f);
}

static void
dane_then_warm(void **state)	/* R84, R110; and no DNS question for what is known */
{
	struct testengine *f = *state;
	struct testengine_got g = testengine_ask(f, "a.example", PEER);
	unsigned asked = testworld_asked(f->t, NULL, ANSWER_TLSA), queries;

	assert_int_equal(g.q.level, LEVEL_DANE);
	assert_int_equal(g.q.policy_type, POLICY_TLSA);
	assert_string_equal(g.domain, "a.example");
	assert_string_equal(g.tlsa, "3 1 1 abab@mx.a.example");
	assert_string_equal(g.sni, "mx.a.example");
	assert_true(g.q.mapped && g.q.mx_secure);
	assert_string_equal(g.names, "a.example");	/* R104: next hop, the base goes without */
	assert_non_null(strstr(g.answers, "MX a.example: secure"));
	assert_non_null(strstr(g.answers, "TLSA " TLSA ": secure"));
	assert_int_equal(asked, 1);
	queries = f->t->queries;
	testengine_ask_now(f, "a.example", PEER, &g);
	assert_int_equal(g.count, 1);		/* inside the call */
	assert_int_equal(g.q.level, LEVEL_DANE);
	assert_int_equal(f->t->queries, queries);
}

/* What the answers make of the MX host (R81, R85, R86, R92, R98). */
static void
states(void **state)
{
	static const struct {
		const char *tlsa;	/* "ok", "unusable", "none", "unsigned", "bogus", "failed" */
		bool address_secure;
		enum requirement_state state;
		enum level level;
		enum requirement_defer code;
		unsigned asked;		/* questions for TLSA */
	} rows[] = {
		{ "ok", true, REQUIREMENT_READY, LEVEL_DANE, DEFER_NOTHING, 1 },
		{ "unusable", true, REQUIREMENT_READY, LEVEL_ENCRYPT, DEFER_NOTHING, 1 },
		{ "none", true, REQUIREMENT_READY, LEVEL_MAY, DEFER_NOTHING, 1 },
		{ "unsigned", true, REQUIREMENT_READY, LEVEL_MAY, DEFER_NOTHING, 1 },
		{ "bogus", true, REQUIREMENT_DEFER, 0, DEFER_TLSA_UNDECIDED, 1 },
		{ "failed", true, REQUIREMENT_DEFER, 0, DEFER_TLSA_UNDECIDED, 1 },
		{ "ok", false, REQUIREMENT_READY, LEVEL_MAY, DEFER_NOTHING, 0 },
		{ "failed", false, REQUIREMENT_READY, LEVEL_MAY, DEFER_NOTHING, 0 }
	};
	struct testengine *f = *state;
	char domain[32], host[48], name[64];

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct testengine_got g;

		snprintf(domain, sizeof(domain), "d%u.example", i);
		snprintf(host, sizeof(host), "mx.%s", domain);
		snprintf(name, sizeof(name), "_25._tcp.%s", host);
		testworld_mx(f->t, domain, 10, host, "192.0.2.8");
		if (strcmp(rows[i].tlsa, "unusable") == 0)
			testworld_tlsa(f->t, name, 1, 1, 1, 0xab, 32);
		else if (rows[i].tlsa[0] == 'o' || rows[i].tlsa[0] == 'u')
			testworld_tlsa(f->t, name, 3, 1, 1, 0xab, 32);
		testworld_sign(f->t);
		f->t->zone[f->t->zone_len - 1].secure = strcmp(rows[i].tlsa, "unsigned") != 0;
		if (rows[i].tlsa[0] == 'b' || rows[i].tlsa[0] == 'f')
			testworld_fault(f->t, name, ANSWER_TLSA,
			    rows[i].tlsa[0] == 'b' ? ANSWER_BOGUS : ANSWER_FAILED);
		for (size_t k = 0; k < f->t->zone_len; k++)
			if (strcmp(f->t->zone[k].name, host) == 0)
				f->t->zone[k].secure = rows[i].address_secure;
		g = testengine_ask(f, domain, "192.0.2.8");
		assert_int_equal(g.q.state, rows[i].state);
		assert_int_equal(g.q.defer_code, rows[i].code);
		if (g.q.state == REQUIREMENT_READY)
			assert_int_equal(g.q.level, rows[i].level);
		assert_int_equal(g.q.tlsa_unusable, g.q.level == LEVEL_ENCRYPT);
		assert_int_equal(testworld_asked(f->t, name, ANSWER_TLSA), rows[i].asked);
	}
}

/* R79: whoever can keep the MX records from us must not be able to choose the host. */
static void
mx_errors(void **state)
{
	static const struct {
		enum answer_state state;
		enum requirement_defer code;
	} rows[] = {
		{ ANSWER_FAILED, DEFER_DNS_UNDECIDED }, { ANSWER_BOGUS, DEFER_DNSSEC_BOGUS }
	};
	struct testengine *f = *state;

	for (size_t i = 0; i < 2; i++) {
		struct testengine_got g;

		testworld_remove(f->t, "b.example");
		testworld_fault(f->t, "b.example", ANSWER_MX, rows[i].state);
		testworld_run(f->t, 60000);
		g = testengine_ask(f, "b.example", "192.0.2.8");
		assert_int_equal(g.q.state, REQUIREMENT_DEFER);
		assert_int_equal(g.q.defer_code, rows[i].code);
		testworld_remove(f->t, "tls.example");	/* a rule that asks for TLS alone stands */
		testworld_fault(f->t, "tls.example", ANSWER_MX, rows[i].state);
		g = testengine_ask(f, "tls.example", "192.0.2.8");
		assert_int_equal(g.q.level, LEVEL_ENCRYPT);
	}
}

static void
replace(struct testengine *f, uint8_t fill)
{
	testworld_remove(f->t, TLSA);
	testworld_tlsa(f->t, TLSA, 3, 1, 1, fill, 32)->secure = true;
}

/* A rollover: until its TTL the old set counts, then the new one. */
static void
new_records_after_the_ttl(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;

	testworld_remove(f->t, TLSA);
	testworld_tlsa(f->t, TLSA, 3, 1, 1, 0xab, 32)->ttl = 120;
	testworld_sign(f->t);
	assert_string_equal(testengine_ask(f, "a.example", PEER).tlsa, "3 1 1 abab@mx.a.example");
	replace(f, 0xcd);
	testworld_run(f->t, 25 * 1000);
	testengine_ask_now(f, "a.example", PEER, &g);
	assert_string_equal(g.tlsa, "3 1 1 abab@mx.a.example");
	assert_int_equal(testworld_asked(f->t, TLSA, ANSWER_TLSA), 1);
	testworld_run(f->t, 75 * 1000);
	assert_string_equal(testengine_ask(f, "a.example", PEER).tlsa, "3 1 1 cdcd@mx.a.example");
	/* Nor do records that were taken away live on. */
	testworld_remove(f->t, TLSA);
	testworld_run(f->t, 400 * 1000);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_MAY);
}

static struct testengine_got
recheck(struct testengine *f)
{
	struct question q = testengine_question("a.example", PEER);
	static struct testengine_got g;

	memset(&g, 0, sizeof(g));
	q.recheck = true;
	engine_ask(f->engine, &q, testengine_answer, &g);
	assert_int_equal(g.count, 0);
	testworld_run(f->t, 1000);
	assert_int_equal(g.count, 1);
	return g;
}

/* Before a refusal what is older than a minute is asked for again, with MTA-STS or without. */
static void
new_records_at_a_recheck(void **state)
{
	struct testengine *f = *state;

	for (int sts = 1; sts >= 0; sts--) {
		f->config.policy.mta_sts = sts;
		restart(f);
		replace(f, 0xab);
		testworld_run(f->t, 5000);
		assert_string_equal(testengine_ask(f, "a.example", PEER).tlsa,
		    "3 1 1 abab@mx.a.example");
		replace(f, 0xcd);
		assert_string_equal(recheck(f).tlsa, "3 1 1 abab@mx.a.example");
		testworld_run(f->t, 61 * 1000);
		assert_string_equal(recheck(f).tlsa, "3 1 1 cdcd@mx.a.example");
		/* An error is no way out of the demand. */
		testworld_remove(f->t, TLSA);
		testworld_fault(f->t, TLSA, ANSWER_TLSA, ANSWER_FAILED);
		testworld_run(f->t, 61 * 1000);
		assert_int_equal(recheck(f).q.defer_code, DEFER_TLSA_UNDECIDED);
	}
}

/* The way of DANE with MTA-STS, and with policy.both. */
static void
beside_mta_sts(void **state)
{
	static const struct {
		const char *policy;
		bool both;
		enum level level;
		bool mx_allowed, mismatch;
	} rows[] = {
		{ POLICY("enforce", "mx.a.example"), false, LEVEL_DANE, true, false },
		{ POLICY("enforce", "mx.b.example"), false, LEVEL_DANE, true, true },
		{ POLICY("enforce", "mx.a.example"), true, LEVEL_DANE, true, false },
		{ POLICY("enforce", "mx.b.example"), true, LEVEL_DANE, false, false },
		{ POLICY("testing", "mx.b.example"), true, LEVEL_DANE, true, false }
	};
	struct testengine *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct testengine_got g;

		f->config.policy.both = rows[i].both;
		testworld_publish(f->t, "a.example", "1", rows[i].policy);
		engine_policy_forget(f->engine, "a.example");
		restart(f);
		testworld_run(f->t, 5000);
		g = testengine_ask(f, "a.example", PEER);
		assert_int_equal(g.q.policy_type, POLICY_TLSA);
		assert_int_equal(g.q.level, rows[i].level);
		assert_int_equal(g.q.mx_allowed, rows[i].mx_allowed);
		assert_int_equal(g.q.sts_mismatch, rows[i].mismatch);
		assert_int_equal(g.q.both, rows[i].both && i < 4);
		assert_string_equal(g.hosts, i == 2 ? "mx.a.example" : "");
	}
}

static void
rules(void **state)
{
	static const struct {
		const char *domain;
		bool tlsa, secure;
		enum level level;
		const char *records;
	} rows[] = {
		{ "dane.example", true, true, LEVEL_DANE, "3 1 1 abab@mx.dane.example" },
		{ "dane.example", true, false, LEVEL_DANE, "3 1 1 abab@mx.dane.example" },
		{ "dane.example", false, true, LEVEL_MAY, "" },
		{ "only.example", true, true, LEVEL_DANE_ONLY, "3 1 1 abab@mx.only.example" },
		{ "only.example", true, false, LEVEL_DANE_ONLY, "" },		/* R90 */
		{ "only.example", false, true, LEVEL_DANE_ONLY, "" },		/* R109 */
		{ "finger.example", false, false, LEVEL_FINGERPRINT,
		    "3 0 1 abab@mx.finger.example 3 1 1 abab@mx.finger.example" }
	};
	struct testengine *f = *state;
	char host[64], name[80];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct testengine_got g;

		snprintf(host, sizeof(host), "mx.%s", rows[i].domain);
		snprintf(name, sizeof(name), "_25._tcp.%s", host);
		testworld_remove(f->t, rows[i].domain);
		testworld_remove(f->t, host);
		testworld_remove(f->t, name);
		testworld_mx(f->t, rows[i].domain, 10, host, "192.0.2.3");
		testworld_publish(f->t, rows[i].domain, "1", POLICY("enforce", "mx.b.example"));
		if (rows[i].tlsa)
			testworld_tlsa(f->t, name, 3, 1, 1, 0xab, 32);
		testworld_sign(f->t);
		for (size_t k = 0; k < f->t->zone_len; k++)
			if (strcmp(f->t->zone[k].name, rows[i].domain) == 0)
				f->t->zone[k].secure = rows[i].secure;
		testworld_run(f->t, 400 * 1000);
		g = testengine_ask(f, rows[i].domain, "192.0.2.3");
		assert_int_equal(g.q.state, REQUIREMENT_READY);
		assert_int_equal(g.q.level, rows[i].level);
		assert_int_equal(g.q.policy_type, POLICY_LOCAL);
		assert_int_equal(g.q.source, SOURCE_RULE);
		assert_string_equal(g.tlsa, rows[i].records);
	}
	assert_int_equal(f->t->fetches, 0);	/* no MTA-STS where a rule says what counts */
}

static void
at_relays(void **state)
{
	struct testengine *f = *state;
	struct testengine_got g;
	unsigned queries;

	f->config.relays = relays;
	f->config.relays_len = 2;
	testworld_add(f->t, "relay.example", ANSWER_A, "192.0.2.50");
	testworld_tlsa(f->t, "_25._tcp.relay.example", 3, 1, 1, 0xcd, 32);
	testworld_sign(f->t);
	restart(f);
	g = testengine_ask(f, "a.example", "192.0.2.50");	/* R26: the relay's own records */
	assert_int_equal(g.q.level, LEVEL_DANE);
	assert_int_equal(g.q.source, SOURCE_RELAY);
	assert_string_equal(g.tlsa, "3 1 1 cdcd@relay.example");
	queries = f->t->queries;
	testengine_ask_now(f, "a.example", "192.0.2.77", &g);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.level, LEVEL_FINGERPRINT);
	assert_int_equal(g.q.tlsa.len, 2);
	assert_int_equal(f->t->queries, queries);
	/* An error at the relay is its own. */
	testworld_fault(f->t, "_25._tcp.relay.example", ANSWER_TLSA, ANSWER_BOGUS);
	testworld_run(f->t, 400 * 1000);
	g = testengine_ask(f, "a.example", "192.0.2.50");
	assert_int_equal(g.q.defer_code, DEFER_TLSA_UNDECIDED);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_DANE);
}

static json_t *
status(struct testengine *f, const char *dane, bool healthy)
{
	json_t *o = engine_status(f->engine), *d = json_object_get(o, "dane");

	assert_string_equal(json_string_value(json_object_get(d, "state")), dane);
	assert_non_null(json_string_value(json_object_get(d, "detail")));
	assert_int_equal(json_is_true(json_object_get(o, "healthy")), healthy);
	assert_int_equal(json_array_size(json_object_get(o, "problems")), !healthy);
	return o;
}

static void
expect_status(struct testengine *f, const char *dane, bool healthy)
{
	json_decref(status(f, dane, healthy));
}

/* Lost: one alarm, degraded, and what was proven by DANE is not demanded any more; back: healthy. */
static void
a_lost_resolver_is_told(void **state)
{
	struct fixture *x = *state;
	struct testengine *f = &x->e;
	struct testengine_got g;
	json_t *o;

	f->config.policy.mta_sts = false;
	restart(f);
	expect_status(f, "unknown", true);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_DANE);
	expect_status(f, "available", true);
	assert_int_equal(x->notices, 1);
	assert_int_equal(x->alarms + f->stale, 0);
	assert_int_equal(strncmp(x->detail, "available: ", 11), 0);
	root(f, ANSWER_OK, false);
	testworld_run(f->t, 4 * 60 * 1000);
	assert_int_equal(x->notices, 2);
	assert_int_equal(x->alarms, 1);
	assert_int_equal(strncmp(x->detail, "unavailable: ", 13), 0);
	assert_int_equal(f->stale, 1);
	assert_string_equal(f->stale_domain, "");
	o = status(f, "unavailable", false);
	assert_non_null(strstr(json_string_value(json_array_get(json_object_get(o, "problems"), 0)),
	    "DANE is lost"));
	json_decref(o);
	/* With what is in memory too. */
	testengine_ask_now(f, "a.example", PEER, &g);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.q.level, LEVEL_MAY);
	root(f, ANSWER_OK, true);
	testworld_run(f->t, 61 * 1000);
	expect_status(f, "available", true);
	assert_int_equal(x->alarms, 1);
	assert_int_equal(f->stale, 2);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_DANE);
	/* The next loss is another one. */
	root(f, ANSWER_OK, false);
	testworld_run(f->t, 61 * 1000);
	assert_int_equal(x->alarms, 2);
}

/* A resolver that fails is an error, and an error is no absence: DANE stays in force. */
static void
a_failing_resolver_switches_nothing_off(void **state)
{
	struct fixture *x = *state;
	struct testengine *f = &x->e;
	json_t *o;

	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_DANE);
	root(f, ANSWER_FAILED, false);
	testworld_run(f->t, 61 * 1000);
	o = status(f, "broken", false);
	assert_non_null(strstr(json_string_value(json_array_get(json_object_get(o, "problems"), 0)),
	    "DANE is undecided"));
	json_decref(o);
	assert_int_equal(x->alarms, 1);
	assert_int_equal(f->stale, 0);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_DANE);
	root(f, ANSWER_OK, true);
	testworld_run(f->t, 61 * 1000);
	expect_status(f, "available", true);
	assert_int_equal(x->alarms, 1);
}

static void
sign(struct testengine *f, bool secure)
{
	root(f, ANSWER_OK, secure);
	testworld_sign(f->t);
	for (size_t i = 0; !secure && i < f->t->zone_len; i++)
		f->t->zone[i].secure = false;
}

/* What was looked up without validation does not outlive its return, whatever the TTL. */
static void
validation_is_back(void **state)
{
	struct testengine *f = *state;

	f->config.policy.mta_sts = false;
	sign(f, false);
	for (size_t i = 0; i < f->t->zone_len; i++)
		f->t->zone[i].ttl = 86400;
	restart(f);
	testworld_run(f->t, 1000);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_MAY);
	sign(f, true);
	testworld_run(f->t, 61 * 1000);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_DANE);
}

/* It never did: said once, and no news. */
static void
a_resolver_that_does_not_validate(void **state)
{
	struct fixture *x = *state;
	struct testengine *f = &x->e;

	root(f, ANSWER_OK, false);
	restart(f);
	testworld_run(f->t, 10 * 60 * 1000);
	assert_int_equal(x->alarms, 1);
	assert_int_equal(x->notices, 1);
	expect_status(f, "unavailable", true);
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_MAY);
}

/* policy.dane: no. Not one question is asked for its sake. */
static void
switched_off(void **state)
{
	struct testengine *f = *state;

	f->config.policy.dane = false;
	restart(f);
	f->t->queries = 0;
	assert_int_equal(testengine_ask(f, "a.example", PEER).q.level, LEVEL_MAY);
	testworld_run(f->t, 10 * 60 * 1000);
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_TLSA), 0);
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_NS), 0);
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_CNAME), 0);
	expect_status(f, "off", true);
}

static void
on_report(void *arg, json_t *report)
{
	*(json_t **)arg = report;
}

static json_t *
report_of(struct testengine *f, const char *domain)
{
	json_t *got = NULL;

	engine_domain(f->engine, domain, on_report, &got);
	testworld_run(f->t, 25000);
	assert_non_null(got);
	return got;
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

/* Whether some line of the array has both words. */
static bool
said(const json_t *lines, const char *one, const char *other)
{
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const char *line = json_string_value(json_array_get(lines, i));

		if (strstr(line, one) != NULL && strstr(line, other) != NULL)
			return true;
	}
	return false;
}

/* INTERFACE, `posternctl domain NAME --json`; and what stands behind a decision. */
static void
reports(void **state)
{
	struct testengine *f = *state;
	json_t *o = report_of(f, "a.example"), *mx, *dane;

	assert_string_equal(text(o, "would"), "deliver");
	assert_string_equal(text(json_object_get(o, "dane"), "state"), "available");
	assert_true(said(json_object_get(o, "dns"), "MX a.example", "secure"));
	mx = json_array_get(json_object_get(o, "mx"), 0);
	assert_true(json_is_true(json_object_get(mx, "secure")));
	dane = json_object_get(mx, "dane");
	assert_string_equal(text(dane, "state"), "usable");
	assert_string_equal(text(dane, "base"), "mx.a.example");
	assert_int_equal(strncmp(json_string_value(json_array_get(json_object_get(dane, "records"),
	    0)), "3 1 1 abab", 10), 0);
	assert_true(said(json_object_get(mx, "dns"), "A mx.a.example", "secure"));
	assert_true(said(json_object_get(mx, "dns"), "TLSA " TLSA, "secure"));
	json_decref(o);
	o = engine_evidence(f->engine, "a.example");
	assert_true(said(json_object_get(o, "dns"), "MX a.example", "secure"));
	assert_true(said(json_object_get(json_array_get(json_object_get(o, "mx"), 0), "dns"),
	    "TLSA " TLSA, "secure"));
	json_decref(o);
}

static void
would(void **state)
{
	struct testengine *f = *state;
	json_t *o;

	testworld_remove(f->t, TLSA);
	testworld_fault(f->t, TLSA, ANSWER_TLSA, ANSWER_BOGUS);
	o = report_of(f, "a.example");
	assert_string_equal(text(o, "would"), "defer");
	assert_string_equal(text(o, "reason"), "the TLSA records of the MX hosts could not be "
	    "looked up");
	json_decref(o);
	testworld_mx(f->t, "only.example", 10, "mx.only.example", "192.0.2.3");
	testworld_sign(f->t);
	o = report_of(f, "only.example");
	assert_string_equal(text(o, "would"), "refuse");
	assert_string_equal(text(json_object_get(o, "override"), "level"), "dane-only");
	json_decref(o);
	/* Before it is said the set is asked for again, where it is older than a minute. */
	testworld_tlsa(f->t, "_25._tcp.mx.only.example", 2, 0, 1, 0xab, 32)->secure = true;
	testworld_run(f->t, 40 * 1000);
	o = report_of(f, "only.example");
	assert_string_equal(text(o, "would"), "deliver");
	json_decref(o);
}

/* End to end all who use an address have one proof: of the same records one will do. */
static void
end_to_end(void **state)
{
	struct fixture *x = *state;
	struct testengine *f = &x->e;
	struct question q = { .id = TESTENGINE_ID, .domain = "", .end_to_end = true,
		.peer = { testworld_ip(PEER), 25 } };
	struct testengine_got g = { 0 };
	char domain[32];

	f->config.inspect = true;
	restart(f);
	for (unsigned i = 0; i < 70; i++) {	/* enough to be remembered as one */
		snprintf(domain, sizeof(domain), "d%u.example", i);
		testworld_mx(f->t, domain, 10, "mx.a.example", NULL);
		testworld_sign(f->t);
		testengine_ask_now(f, domain, PEER, &g);
		testworld_run(f->t, 100);
		assert_int_equal(g.q.level, LEVEL_DANE);
	}
	for (int i = 0; i < 2; i++) {
		memset(&g, 0, sizeof(g));
		engine_ask(f->engine, &q, testengine_answer, &g);
		testworld_run(f->t, 1000);
		assert_int_equal(g.count, 1);
		assert_int_equal(g.q.state, REQUIREMENT_READY);
		assert_int_equal(g.q.level, LEVEL_DANE);
		assert_false(g.q.raised);
		assert_string_equal(g.tlsa, "3 1 1 abab@mx.a.example");
	}
	/* Without DANE nobody demands anything, and nothing passes unproven. */
	root(f, ANSWER_OK, false);
	for (int i = 0; i < 61 && f->stale == 0; i++)
		testworld_run(f->t, 1000);
	memset(&g, 0, sizeof(g));
	engine_ask(f->engine, &q, testengine_answer, &g);
	testworld_run(f->t, 1000);
	assert_int_equal(g.q.level, LEVEL_VERIFY);
	assert_true(g.q.raised);
	assert_string_equal(g.hosts, "mx.a.example");
}

/* What a client asks DNS for, before its mail: TLSA records too, with MTA-STS or without. */
static void
hints(void **state)
{
	static const struct {
		bool sts, dane;
		const char *domain;
		unsigned mx, txt;
	} rows[] = {
		{ true, true, "a.example", 1, 1 }, { false, true, "a.example", 1, 0 },
		{ true, false, "a.example", 1, 1 }, { false, false, "a.example", 0, 0 },
		{ true, true, "dane.example", 1, 0 }, { true, true, "tls.example", 0, 0 }
	};
	struct testengine *f = *state;
	char txt[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hint h = { .domain = rows[i].domain, .mx_host = "" };

		f->config.policy.mta_sts = rows[i].sts;
		f->config.policy.dane = rows[i].dane;
		restart(f);
		testworld_run(f->t, 1000);
		f->t->queries = 0;
		engine_hint(f->engine, &h);
		testworld_run(f->t, 1000);
		snprintf(txt, sizeof(txt), "_mta-sts.%s", rows[i].domain);
		assert_int_equal(testworld_asked(f->t, rows[i].domain, ANSWER_MX), rows[i].mx);
		assert_int_equal(testworld_asked(f->t, txt, ANSWER_TXT), rows[i].txt);
		assert_int_equal(testworld_asked(f->t, TLSA, ANSWER_TLSA),
		    rows[i].dane && rows[i].domain[0] == 'a');
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, testengine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(dane_then_warm), T(states), T(mx_errors), T(new_records_after_the_ttl),
		T(new_records_at_a_recheck), T(beside_mta_sts), T(rules), T(at_relays),
		T(a_lost_resolver_is_told), T(a_failing_resolver_switches_nothing_off),
		T(validation_is_back), T(a_resolver_that_does_not_validate), T(switched_off), T(reports), T(would),
		T(end_to_end), T(hints)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
