/* gate_test.c - the SYN gate: unknown means proxy, and only fresh harmless answers mean direct
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nfq/gate.h"

/* --- what was learnt, made by hand ------------------------------------------------------------ */

struct learnt {
	const char *domains[LEARNT_DOMAINS_MAX];
	size_t len;
	bool more;
	bool named;		/* each address has one domain of its own name instead */
	char name[64];
};

size_t
learnt_domains(const struct learnt *l, const struct in6_addr *ip, double now_s,
    const char *out[LEARNT_DOMAINS_MAX], bool *more)
{
	(void)now_s;
	*more = l->more;
	if (l->named) {
		snprintf((char *)(uintptr_t)l->name, sizeof(l->name), "d%02x%02x%02x.example",
		    ip->s6_addr[13], ip->s6_addr[14], ip->s6_addr[15]);
		out[0] = l->name;
		return 1;
	}
	memcpy(out, l->domains, l->len * sizeof(out[0]));
	return l->len;
}

/* --- the policy process ----------------------------------------------------------------------- */

#define ASKED_MAX 30000

struct world {
	struct learnt learnt;
	struct gate *gate;
	struct in6_addr ip;
	uint32_t ids[ASKED_MAX];
	char last[64];
	size_t asked;
};

static struct world w;

static void
ask(void *arg, uint32_t id, const char *domain, const struct in6_addr *ip)
{
	assert_ptr_equal(arg, &w);
	assert_true(w.learnt.named || memcmp(ip, &w.ip, sizeof(*ip)) == 0);
	assert_true(w.asked < ASKED_MAX);
	w.ids[w.asked++] = id;
	snprintf(w.last, sizeof(w.last), "%s", domain);
}

static const struct gate_events events = { ask };

static int
begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.ip.s6_addr[15] = 1;
	w.gate = gate_new(&w.learnt, true, &events, &w);
	return w.gate == NULL;
}

static int
end(void **state)
{
	(void)state;
	gate_free(w.gate);
	return 0;
}

static const struct requirement nothing = { .state = REQUIREMENT_READY, .level = LEVEL_MAY,
	.floor = LEVEL_MAY, .stripping_refuse = true, .marks_count = true };
static const struct requirement something = { .state = REQUIREMENT_READY, .level = LEVEL_VERIFY,
	.floor = LEVEL_MAY, .policy_type = POLICY_STS };

static void
knows(const char *domain)
{
	w.learnt.domains[w.learnt.len++] = domain;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void
unknown_goes_through_the_proxy(void **state)
{
	(void)state;
	assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_PROXY);
	assert_int_equal(w.asked, 0);
	/* A mapping without an answer is unknown too; the answer is asked for, once. */
	knows("a.example");
	assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_PROXY);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);
	assert_int_equal(w.asked, 1);
	assert_string_equal(w.last, "a.example");
}

static void
harmless_goes_direct(void **state)
{
	(void)state;
	knows("a.example");
	gate_mapped(w.gate, "a.example", &w.ip, 1);
	assert_int_equal(w.asked, 1);
	gate_answer(w.gate, w.ids[0], &nothing, 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, 3), GATE_DIRECT);
	/* The same domain at another address is another question. */
	w.ip.s6_addr[15] = 2;
	assert_int_equal(gate_decide(w.gate, &w.ip, 3), GATE_PROXY);
	assert_int_equal(w.asked, 2);
}

static void
one_demand_is_enough(void **state)
{
	(void)state;
	knows("a.example");
	knows("b.example");
	gate_decide(w.gate, &w.ip, 1);
	assert_int_equal(w.asked, 2);
	gate_answer(w.gate, w.ids[0], &nothing, 1);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);	/* b unanswered */
	gate_answer(w.gate, w.ids[1], &something, 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, 3), GATE_PROXY);
	/* Asked again, b demands nothing any more. */
	gate_decide(w.gate, &w.ip, 2 + GATE_REASK_S);
	assert_int_equal(w.asked, 4);
	gate_answer(w.gate, w.ids[3], &nothing, 70);
	assert_int_equal(gate_decide(w.gate, &w.ip, 71), GATE_DIRECT);
	/* Others that nobody could keep may demand anything. */
	w.learnt.more = true;
	assert_int_equal(gate_decide(w.gate, &w.ip, 71), GATE_PROXY);
}

static void
what_demands(void **state)
{
	static const struct {
		struct requirement q;
		bool demands;
	} rows[] = {
		{ { .state = REQUIREMENT_READY, .level = LEVEL_MAY, .floor = LEVEL_MAY }, false },
		{ { .state = REQUIREMENT_READY, .level = LEVEL_NONE, .floor = LEVEL_NONE,
		    .policy_type = POLICY_LOCAL }, false },
		{ { .state = REQUIREMENT_READY, .level = LEVEL_MAY, .floor = LEVEL_MAY,
		    .marks_count = true, .stripping_refuse = true, .mapped = true }, false },
		{ { .state = REQUIREMENT_DEFER, .defer_code = DEFER_POLICY_PENDING }, true },
		{ { .state = REQUIREMENT_READY, .level = LEVEL_ENCRYPT }, true },
		{ { .state = REQUIREMENT_READY, .level = LEVEL_VERIFY, .sts_mode = STS_TESTING },
		    true },
		{ { .state = REQUIREMENT_READY, .level = LEVEL_SECURE }, true },
		{ { .state = REQUIREMENT_READY, .level = LEVEL_MAY, .floor = LEVEL_ENCRYPT },
		    true },
		{ { .state = REQUIREMENT_READY, .level = LEVEL_MAY, .remembered = true }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(gate_demands(&rows[i].q), rows[i].demands);
}

static void
answers_age(void **state)
{
	(void)state;
	knows("a.example");
	gate_decide(w.gate, &w.ip, 0);
	gate_answer(w.gate, w.ids[0], &nothing, 0);
	assert_int_equal(gate_decide(w.gate, &w.ip, GATE_REASK_S - 1), GATE_DIRECT);
	assert_int_equal(w.asked, 1);
	/* In use it is asked for again, and counts until it is too old. */
	assert_int_equal(gate_decide(w.gate, &w.ip, GATE_REASK_S), GATE_DIRECT);
	assert_int_equal(w.asked, 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, GATE_FRESH_S), GATE_DIRECT);
	assert_int_equal(gate_decide(w.gate, &w.ip, GATE_FRESH_S + 1), GATE_PROXY);
	/* Of the questions that nobody answered the newest counts. */
	assert_int_equal(w.asked, 3);
	gate_answer(w.gate, w.ids[1], &nothing, GATE_FRESH_S + 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, GATE_FRESH_S + 2), GATE_PROXY);
	gate_answer(w.gate, w.ids[2], &nothing, GATE_FRESH_S + 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, GATE_FRESH_S + 2), GATE_DIRECT);
}

static const struct stale everything = { .domain = "" };

static void
a_change_ends_all_answers(void **state)
{
	(void)state;
	knows("a.example");
	gate_decide(w.gate, &w.ip, 0);
	gate_answer(w.gate, w.ids[0], &nothing, 0);
	assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_DIRECT);
	gate_stale(w.gate, &everything);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);
	assert_int_equal(w.asked, 2);
	gate_answer(w.gate, w.ids[0], &nothing, 2);	/* again: nobody waits for it */
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);
	gate_answer(w.gate, w.ids[1], &nothing, 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_DIRECT);
}

/* A change of one domain, or at one address, leaves the others' answers. */
static void
a_change_ends_the_answers_that_it_concerns(void **state)
{
	const struct stale other = { .domain = "b.example" }, domain = { .domain = "a.example" };
	struct stale here = { .domain = "", .ip = w.ip }, elsewhere = here;

	(void)state;
	elsewhere.ip.s6_addr[15] ^= 2;
	knows("a.example");
	gate_decide(w.gate, &w.ip, 0);
	gate_answer(w.gate, w.ids[0], &nothing, 0);
	gate_stale(w.gate, &other);
	gate_stale(w.gate, &elsewhere);
	assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_DIRECT);
	gate_stale(w.gate, &domain);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);
	gate_answer(w.gate, w.ids[1], &nothing, 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_DIRECT);
	gate_stale(w.gate, &here);
	assert_int_equal(gate_decide(w.gate, &w.ip, 3), GATE_PROXY);
	gate_stale(w.gate, &here);		/* while the answer is on its way */
	gate_answer(w.gate, w.ids[2], &nothing, 3);
	assert_int_equal(gate_decide(w.gate, &w.ip, 3), GATE_PROXY);
	assert_int_equal(w.asked, 4);
}

/* An answer that was on its way during a change may be from before it. */
static void
an_answer_across_a_change_does_not_count(void **state)
{
	(void)state;
	knows("a.example");
	gate_decide(w.gate, &w.ip, 0);
	gate_stale(w.gate, &everything);
	gate_answer(w.gate, w.ids[0], &nothing, 1);
	assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_PROXY);
	assert_int_equal(w.asked, 2);
	gate_stale(w.gate, &everything);
	gate_decide(w.gate, &w.ip, 1);
	assert_int_equal(w.asked, 3);
	gate_answer(w.gate, w.ids[1], &nothing, 1);
	assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_PROXY);
	gate_answer(w.gate, w.ids[2], &nothing, 1);
	assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_DIRECT);
}

static void
scope_all_brings_everything_to_the_proxy(void **state)
{
	struct gate *all = gate_new(&w.learnt, false, &events, &w);

	(void)state;
	knows("a.example");
	gate_mapped(all, "a.example", &w.ip, 0);
	assert_int_equal(gate_decide(all, &w.ip, 0), GATE_PROXY);
	assert_int_equal(w.asked, 0);
	gate_free(all);
}

static void
address(unsigned i)
{
	w.ip.s6_addr[13] = (uint8_t)(i >> 16);
	w.ip.s6_addr[14] = (uint8_t)(i >> 8);
	w.ip.s6_addr[15] = (uint8_t)i;
}

/* 10,000 destinations, every other one with a demand: none is taken for another. */
static void
many_destinations(void **state)
{
	const unsigned n = 10000;

	(void)state;
	w.learnt.named = true;
	for (unsigned i = 0; i < n; i++) {
		address(i);
		assert_int_equal(gate_decide(w.gate, &w.ip, 1), GATE_PROXY);
	}
	assert_int_equal(w.asked, n);
	for (unsigned i = 0; i < n; i++)
		gate_answer(w.gate, w.ids[i], i % 2 == 0 ? &nothing : &something, 2);
	for (unsigned i = 0; i < n; i++) {
		address(i);
		assert_int_equal(gate_decide(w.gate, &w.ip, 3),
		    i % 2 == 0 ? GATE_DIRECT : GATE_PROXY);
	}
	assert_int_equal(w.asked, n);
}

/* A flood of names takes places away, and what lost its place is unknown again, never direct. */
static void
a_flood_forgets(void **state)
{
	char name[32];
	size_t before;

	(void)state;
	knows("a.example");
	gate_decide(w.gate, &w.ip, 0);
	gate_answer(w.gate, w.ids[0], &nothing, 0);
	assert_int_equal(gate_decide(w.gate, &w.ip, 0), GATE_DIRECT);
	for (unsigned i = 0; i < 8 * GATE_MAX; i++) {
		snprintf(name, sizeof(name), "flood%u.example", i);
		w.asked = 1;
		gate_mapped(w.gate, name, &w.ip, 1);
	}
	before = w.asked;
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);
	assert_int_equal(w.asked, before + 1);
	/* The first question's id is worth nothing to the one that has the place now. */
	gate_answer(w.gate, w.ids[0], &nothing, 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);
	/* Ids that were never given are nobody's. */
	for (uint32_t id = 0; id < 2 * GATE_MAX; id++)
		gate_answer(w.gate, id, &nothing, 2);
	assert_int_equal(gate_decide(w.gate, &w.ip, 2), GATE_PROXY);
}

int
main(void)
{
#define GATE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		GATE_TEST(unknown_goes_through_the_proxy),
		GATE_TEST(harmless_goes_direct),
		GATE_TEST(one_demand_is_enough),
		GATE_TEST(what_demands),
		GATE_TEST(answers_age),
		GATE_TEST(a_change_ends_all_answers),
		GATE_TEST(an_answer_across_a_change_does_not_count),
		GATE_TEST(a_change_ends_the_answers_that_it_concerns),
		GATE_TEST(scope_all_brings_everything_to_the_proxy),
		GATE_TEST(many_destinations),
		GATE_TEST(a_flood_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
