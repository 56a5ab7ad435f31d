/* known_test.c - what a worker remembers of answers and of TLS sessions, and for how long
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "proxy/known.h"
#include "proxy/resumable.h"

static struct address
at(const char *ip)
{
	struct address a = { .port = 25 };

	assert_int_equal(inet_pton(AF_INET6, ip, &a.ip), 1);
	return a;
}

static struct question
question(const char *domain, const char *ip)
{
	return (struct question){ .peer = at(ip), .domain = domain };
}

static struct demand *
demand(const char *mx_host, enum level level)
{
	const struct requirement q = { .level = level, .policy_domain = "policy.example",
		.policy_id = "", .mx_host = mx_host, .sni = mx_host, .mapped = mx_host[0] != '\0',
		.secure_domain = "", .reason = "", .hosts = &mx_host, .hosts_len = 1 };
	struct demand *d = demand_new(requirement_copy(&q));

	assert_non_null(d);
	return d;
}

/* keep: with no holder but the memory. */
static void
keep(struct known *k, const struct question *q, struct demand *d, double now, double until)
{
	known_keep(k, q, d, 500, now, until);
	demand_drop(d);
}

static void
until_it_is_over(void **state)
{
	struct known *k = known_new();
	struct question q = question("a.example", "2001:db8::1");
	struct demand *d = demand("mx.a.example", LEVEL_VERIFY);

	(void)state;
	assert_null(known_find(k, &q, 100));
	known_keep(k, &q, d, 500, 100, 110);
	assert_int_equal(d->holders, 3);	/* ours, the answer's, the address's */
	assert_ptr_equal(known_find(k, &q, 100), d);
	assert_ptr_equal(known_find(k, &q, 109.9), d);
	assert_ptr_equal(known_at(k, &q.peer, 109.9), d);
	assert_null(known_find(k, &q, 110));
	assert_ptr_equal(known_at(k, &q.peer, 99.9 + KNOWN_TERMS_S), d);
	assert_null(known_at(k, &q.peer, 100 + KNOWN_TERMS_S));
	assert_int_equal(known_length(k), 0);
	assert_int_equal(d->holders, 1);
	demand_drop(d);
	known_free(k);
}

/* Another domain, address, port or kind of question is another question. */
static void
each_question_its_own(void **state)
{
	struct known *k = known_new();
	struct question q = question("a.example", "2001:db8::1"), other;

	(void)state;
	keep(k, &q, demand("mx.a.example", LEVEL_MAY), 0, 10);
	other = question("b.example", "2001:db8::1");
	assert_null(known_find(k, &other, 1));
	other = question("a.example", "2001:db8::2");
	assert_null(known_find(k, &other, 1));
	other = q;
	other.peer.port = 26;
	assert_null(known_find(k, &other, 1));
	other = q;
	other.recheck = true;
	assert_null(known_find(k, &other, 1));
	other = q;
	other.probe = true;
	assert_null(known_find(k, &other, 1));
	other = question("", "2001:db8::1");
	assert_null(known_find(k, &other, 1));
	other.end_to_end = true;
	assert_null(known_find(k, &other, 1));
	assert_non_null(known_find(k, &q, 1));
	known_free(k);
}

static void
not_remembered(void **state)
{
	static const char longest[] = "0123456789.0123456789.0123456789.0123456789.0123456789."
	    "0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.0123456789."
	    "0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.0123456789."
	    "0123456789.0123456789.012345678.example";
	struct known *k = known_new();
	struct question q = question("a.example", "2001:db8::1");
	struct question far = question(longest, "2001:db8::1");
	struct demand *d = demand("mx.a.example", LEVEL_MAY);
	struct requirement deferred = { .state = REQUIREMENT_DEFER, .policy_domain = "" };

	(void)state;
	known_keep(k, &q, d, KNOWN_OCTETS_MAX + 1, 0, 10);
	known_keep(k, &q, d, 500, 10, 10);
	known_keep(k, &far, d, 500, 0, 10);
	q.recheck = true;
	known_keep(k, &q, d, 500, 0, 10);
	q.recheck = false;
	q.probe = true;
	known_keep(k, &q, d, 500, 0, 10);
	q.probe = false;
	keep(k, &q, demand_new(requirement_copy(&deferred)), 0, 10);
	assert_int_equal(known_length(k), 0);
	assert_null(known_find(k, &far, 1));
	assert_int_equal(d->holders, 1);
	known_keep(k, &q, d, KNOWN_OCTETS_MAX, 0, 10);
	assert_non_null(known_find(k, &q, 1));
	known_forget(k, &q);
	assert_null(known_find(k, &q, 1));
	known_forget(k, &q);
	demand_drop(d);
	known_free(k);
}

/* Each change and the questions that it makes the worker ask again. */
static void
stale(void **state)
{
	static const struct {
		const char *domain, *ip;
		bool a1, a2, b1, end_to_end;	/* still known */
		bool terms2;	/* of a2's address, which stay longer */
	} rows[] = {
		{ "a.example", "::", false, false, true, false, true },
		{ "b.example", "::", true, true, false, false, true },
		{ "c.example", "::", true, true, true, false, true },
		{ "mx.a.example", "::", false, false, true, false, false },
		{ "mx.b.example", "::", true, true, false, false, true },
		{ "policy.example", "::", false, false, false, false, false },
		{ "", "2001:db8::1", false, true, false, false, true },
		{ "", "2001:db8::2", true, false, true, true, false },
		{ "", "2001:db8::3", true, true, true, true, true },
		{ "b.example", "2001:db8::2", true, false, false, false, false },
		{ "", "::", false, false, false, false, false },
	};
	const struct question a1 = question("a.example", "2001:db8::1");
	const struct question a2 = question("a.example", "2001:db8::2");
	const struct question b1 = question("b.example", "2001:db8::1");
	struct question all = question("", "2001:db8::1");

	(void)state;
	all.end_to_end = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct known *k = known_new();
		const struct stale s = { .domain = rows[i].domain, .ip = at(rows[i].ip).ip };

		keep(k, &a1, demand("mx.a.example", LEVEL_MAY), 0, 10);
		keep(k, &a2, demand("mx.a.example", LEVEL_MAY), 0, 10);
		keep(k, &b1, demand("mx.b.example", LEVEL_MAY), 0, 10);
		keep(k, &all, demand("mx.a.example", LEVEL_VERIFY), 0, 10);
		known_drop(k, &s);
		assert_int_equal(known_find(k, &a1, 1) != NULL, rows[i].a1);
		assert_int_equal(known_find(k, &a2, 1) != NULL, rows[i].a2);
		assert_int_equal(known_find(k, &b1, 1) != NULL, rows[i].b1);
		assert_int_equal(known_find(k, &all, 1) != NULL, rows[i].end_to_end);
		assert_int_equal(known_at(k, &a2.peer, 20) != NULL, rows[i].terms2);
		known_free(k);
	}
}

/* A session keeps what it holds, whatever becomes of the memory. */
static void
held(void **state)
{
	struct known *k = known_new();
	const struct question q = question("a.example", "2001:db8::1");

	(void)state;
	keep(k, &q, demand("mx.a.example", LEVEL_MAY), 0, 10);
	struct demand *d = demand_hold(known_find(k, &q, 1));
	keep(k, &q, demand("mx.b.example", LEVEL_MAY), 1, 11);
	assert_string_equal(d->requirement->mx_host, "mx.a.example");
	assert_int_equal(d->holders, 1);
	assert_string_equal(known_find(k, &q, 1)->requirement->mx_host, "mx.b.example");
	known_clear(k);
	assert_string_equal(d->requirement->mx_host, "mx.a.example");
	demand_drop(d);
	demand_drop(NULL);
	known_free(k);
}

/* The address's terms: those that all agree on, of hosts that it is known to be, where TLS is
 * wanted at all. */
static void
terms(void **state)
{
	struct known *k = known_new();
	const struct question a = question("a.example", "2001:db8::1");
	const struct question b = question("b.example", "2001:db8::1");
	const struct question c = question("c.example", "2001:db8::1");
	struct question all = question("", "2001:db8::1");

	(void)state;
	all.end_to_end = true;
	keep(k, &all, demand("mx.a.example", LEVEL_VERIFY), 0, 10);
	keep(k, &a, demand("", LEVEL_VERIFY), 0, 10);
	keep(k, &b, demand("mx.a.example", LEVEL_NONE), 0, 10);
	assert_null(known_at(k, &a.peer, 1));
	keep(k, &a, demand("mx.a.example", LEVEL_MAY), 0, 10);
	keep(k, &b, demand("mx.a.example", LEVEL_MAY), 1, 11);
	assert_ptr_equal(known_at(k, &a.peer, 1), known_find(k, &b, 1));
	/* another name; and after it the first again: it is uncertain until the other is over */
	keep(k, &c, demand("mx.c.example", LEVEL_MAY), 2, 12);
	assert_null(known_at(k, &a.peer, 2));
	assert_null(known_at(k, &a.peer, 0.9 + KNOWN_TERMS_S));
	assert_string_equal(known_at(k, &a.peer, 1 + KNOWN_TERMS_S)->requirement->mx_host,
	    "mx.c.example");
	/* the same name, another strictness: the stricter one, as long as either is asked for */
	keep(k, &a, demand("mx.c.example", LEVEL_VERIFY), 3, 13);
	assert_int_equal(known_at(k, &a.peer, 1 + KNOWN_TERMS_S)->requirement->level, LEVEL_VERIFY);
	keep(k, &b, demand("mx.c.example", LEVEL_MAY), 4, 14);
	assert_int_equal(known_at(k, &a.peer, 3.5 + KNOWN_TERMS_S)->requirement->level, LEVEL_VERIFY);
	assert_null(known_at(k, &a.peer, 4 + KNOWN_TERMS_S));
	known_free(k);
}

/* The bound holds, and what is asked for stays. */
static void
bounded(void **state)
{
	struct known *k = known_new();
	const struct question kept = question("kept.example", "2001:db8::1");
	char domain[64];

	(void)state;
	keep(k, &kept, demand("", LEVEL_MAY), 0, 10);
	for (int i = 0; i < 5 * KNOWN_MAX; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		const struct question q = question(domain, "2001:db8::2");
		keep(k, &q, demand("", LEVEL_MAY), 0, 10);
		assert_true(known_length(k) <= KNOWN_MAX);
		assert_non_null(known_find(k, &kept, 1));
	}
	assert_int_equal(known_length(k), KNOWN_MAX);
	known_free(k);
}

static struct proven
session(unsigned name, const void *evidence, size_t len, uint32_t lifetime_s)
{
	struct proven p = { .lifetime_s = lifetime_s, .evidence = evidence, .len = len };

	memcpy(p.session, &name, sizeof(name));
	return p;
}

static void
sessions(void **state)
{
	struct resumable *r = resumable_new();
	struct proven one = session(1, "evidence", 8, 7200), two = session(2, "short", 5, 10);
	struct proven none = session(3, "", 0, 10), over = session(4, "over", 4, 0);
	struct recalled out;

	(void)state;
	resumable_keep(r, &one, 0);
	resumable_keep(r, &two, 0);
	resumable_keep(r, &none, 0);
	resumable_keep(r, &over, 0);
	assert_int_equal(resumable_length(r), 2);
	assert_true(resumable_find(r, one.session, 0, &out));
	assert_int_equal(out.len, 8);
	assert_memory_equal(out.evidence, "evidence", 8);
	assert_true(resumable_find(r, two.session, 9, &out));
	assert_false(resumable_find(r, two.session, 10, &out));
	assert_true(resumable_find(r, one.session, RESUMABLE_S - 1, &out));
	assert_false(resumable_find(r, one.session, RESUMABLE_S, &out));
	assert_false(resumable_find(r, none.session, 0, &out));
	assert_int_equal(resumable_length(r), 0);
	/* the newer of two counts */
	resumable_keep(r, &one, 0);
	one.evidence = "another";
	one.len = 7;
	resumable_keep(r, &one, 0);
	assert_true(resumable_find(r, one.session, 1, &out));
	assert_memory_equal(out.evidence, "another", 7);
	resumable_clear(r);
	assert_false(resumable_find(r, one.session, 1, &out));
	resumable_free(r);
}

static void
sessions_bounded(void **state)
{
	static unsigned char evidence[MESSAGE_EVIDENCE_MAX];
	struct resumable *r = resumable_new();
	struct proven p, kept = session(~0u, "kept", 4, 60);
	struct recalled out;

	(void)state;
	resumable_keep(r, &kept, 0);
	for (unsigned i = 0; i < 3 * RESUMABLE_MAX; i++) {
		assert_true(resumable_find(r, kept.session, 1, &out));
		p = session(i, evidence, 64, 60);
		resumable_keep(r, &p, 0);
		assert_true(resumable_length(r) <= RESUMABLE_MAX);
	}
	assert_int_equal(resumable_length(r), RESUMABLE_MAX);
	for (unsigned i = 0; i < RESUMABLE_MAX; i++) {
		p = session(i, evidence, sizeof(evidence), 60);
		resumable_keep(r, &p, 0);
		assert_true(resumable_find(r, kept.session, 1, &out));
	}
	assert_in_range(resumable_length(r), 1, RESUMABLE_OCTETS_MAX / sizeof(evidence) + 1);
	resumable_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(until_it_is_over),
		cmocka_unit_test(each_question_its_own),
		cmocka_unit_test(not_remembered),
		cmocka_unit_test(stale),
		cmocka_unit_test(held),
		cmocka_unit_test(terms),
		cmocka_unit_test(bounded),
		cmocka_unit_test(sessions),
		cmocka_unit_test(sessions_bounded),
	};

	return cmocka_run_group_tests_name("known", tests, NULL, NULL);
}
