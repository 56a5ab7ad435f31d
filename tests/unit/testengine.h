/* testengine.h - an engine in a scripted world, its questions, and copies of what it answers
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_TESTENGINE_H
#define TESTS_UNIT_TESTENGINE_H

#include "tests/unit/testworld.h"

#include "policy/engine_parts.h"

#define TESTENGINE_ID 42		/* of every question */
#define TESTENGINE_WAIT_MS 20000	/* policy.wait */

struct testengine {
	struct testworld *t;
	struct config config;
	struct engine *engine;
	const struct engine_events *events;	/* NULL: nobody listens */
	unsigned stale;		/* for a test that does: how often, and of what the last time */
	struct in6_addr stale_ip;
	char stale_domain[256];
};

/* An answer, its words copied. */
struct testengine_got {
	unsigned count;
	struct requirement q;
	char domain[256], mx_host[256], sni[256], reason[640];
	char host[256], hosts[1024];	/* the first, and all with blanks between them */
	char names[1024];		/* of usage 2, alike */
	char tlsa[1024];		/* records, "3 1 1 ab..@BASE", alike; digits cut to four */
	char answers[4096];		/* lines */
	char evidence[64];
	size_t evidence_len;
	uint32_t fresh_ms;
};

/* Opens the engine on what the world's folder holds; events have f for arg. */
static inline void
testengine_begin(struct testengine *f)
{
	char error[256];

	f->engine = engine_new_in(&f->t->world, &f->config, false, f->events, f, error,
	    sizeof(error));
	assert_non_null(f->engine);
}

/* The configuration: these rules, and MTA-STS alone (DANE: engine_dane_test.c). */
static inline void
testengine_configure(struct testengine *f, struct config_rule *domains, size_t len)
{
	f->config = (struct config){ .mode = MODE_ENFORCE, .state_dir = f->t->dir,
		.domains = domains, .domains_len = len };
	f->config.policy.mta_sts = true;
	f->config.policy.no_policy = LEVEL_MAY;
	f->config.policy.stripping_refuse = true;
	f->config.policy.wait_s = TESTENGINE_WAIT_MS / 1000;
}

/* A world and a configuration with these rules; no engine yet: testengine_begin. */
static inline struct testengine *
testengine_fixture(void **state, struct config_rule *domains, size_t len)
{
	struct testengine *f = testworld_fixture(state, sizeof(*f));

	testengine_configure(f, domains, len);
	return f;
}

static inline int
testengine_teardown(void **state)
{
	struct testengine *f = *state;

	engine_free(f->engine);
	return testworld_fixture_free(state);
}

static inline struct question
testengine_question(const char *domain, const char *ip)
{
	return (struct question){ .id = TESTENGINE_ID, .domain = domain,
		.peer = { testworld_ip(ip), 25 } };
}

static inline void
testengine_join(char *out, size_t size, const char *const *names, size_t len, char between)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			out[at++] = between;
		at += (size_t)snprintf(out + at, size - at, "%s", names[i]);
		assert_true(at + 1 < size);
	}
}

static inline void
testengine_tlsa(char *out, size_t size, const struct tlsa_set *set)
{
	char text[TLSA_TEXT_SIZE];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < set->len; i++) {
		assert_true(set->records[i].base < set->bases_len);
		at += (size_t)snprintf(out + at, size - at, "%s%.10s@%s", i == 0 ? "" : " ",
		    tlsa_text(&set->records[i], text), set->bases[set->records[i].base]);
		assert_true(at + 1 < size);
	}
}

static inline void
testengine_copy(struct testengine_got *g, uint32_t id, const struct requirement *q,
    const struct recalled *recalled, uint32_t fresh_ms)
{
	assert_int_equal(id, TESTENGINE_ID);
	g->count++;
	g->q = *q;
	snprintf(g->domain, sizeof(g->domain), "%s", q->policy_domain);
	snprintf(g->mx_host, sizeof(g->mx_host), "%s", q->mx_host);
	snprintf(g->sni, sizeof(g->sni), "%s", q->sni);
	snprintf(g->reason, sizeof(g->reason), "%s", q->reason);
	snprintf(g->host, sizeof(g->host), "%s", q->hosts_len > 0 ? q->hosts[0] : "");
	testengine_join(g->hosts, sizeof(g->hosts), q->hosts, q->hosts_len, ' ');
	testengine_join(g->names, sizeof(g->names), q->names, q->names_len, ' ');
	testengine_join(g->answers, sizeof(g->answers), q->answers, q->answers_len, '\n');
	testengine_tlsa(g->tlsa, sizeof(g->tlsa), &q->tlsa);
	assert_true(recalled->len <= sizeof(g->evidence));
	g->evidence_len = recalled->len;
	g->fresh_ms = fresh_ms;
	if (recalled->len > 0)
		memcpy(g->evidence, recalled->evidence, recalled->len);
}

/* An engine_answer; arg is a testengine_got. Of a session that ends here nothing is recalled. */
static inline void
testengine_answer(void *arg, uint32_t id, const struct requirement *q,
    const struct recalled *recalled, uint32_t fresh_ms)
{
	assert_int_equal(recalled->len, 0);
	testengine_copy(arg, id, q, recalled, fresh_ms);
}

/* Asks; what is known already is in *g after the call. */
static inline void
testengine_ask_now(struct testengine *f, const char *domain, const char *ip,
    struct testengine_got *g)
{
	struct question q = testengine_question(domain, ip);

	memset(g, 0, sizeof(*g));
	engine_ask(f->engine, &q, testengine_answer, g);
}

/* Asks, and lets policy.wait and more pass. */
static inline struct testengine_got
testengine_ask(struct testengine *f, const char *domain, const char *ip)
{
	static struct testengine_got g;

	testengine_ask_now(f, domain, ip, &g);
	testworld_run(f->t, TESTENGINE_WAIT_MS + 5000);
	assert_int_equal(g.count, 1);
	return g;
}

#endif
