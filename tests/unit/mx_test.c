/* mx_test.c - MX sets, their addresses and TLSA records
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include "policy/mx.h"

struct fixture {
	struct testworld *t;
	struct mx *mx;
	unsigned answers;
};

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->mx = mx_new(&f->t->world, true);
	assert_non_null(f->mx);
}

static void
begin_without_dane(void *fixture)
{
	struct fixture *f = fixture;

	f->mx = mx_new(&f->t->world, false);
	assert_non_null(f->mx);
}

static void
end(void *fixture)
{
	mx_free(((struct fixture *)fixture)->mx);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };
static struct testworld_parts without_dane = { sizeof(struct fixture), begin_without_dane, end };

static void
on_set(void *arg, const struct mx_set *set)
{
	struct fixture *f = arg;

	assert_non_null(set);
	f->answers++;
}

static const struct mx_set *
look(struct fixture *f, const char *domain)
{
	struct mx_waiter w = { .done = on_set, .arg = f };
	const struct mx_set *set = mx_look(f->mx, domain);

	if (set != NULL)
		return set;
	mx_ask(f->mx, &w, domain);
	testworld_run(f->t, 500);
	return mx_look(f->mx, domain);
}

static void
hosts_and_addresses(void **state)
{
	struct fixture *f = *state;
	const struct mx_set *set;
	const struct require_host *h;
	struct in6_addr ip;
	size_t at = 0;
	unsigned queries;

	testworld_mx(f->t, "a.example", 20, "mx2.a.example", "192.0.2.2");
	testworld_mx(f->t, "a.example", 10, "mx1.a.example", "192.0.2.1");
	testworld_mx(f->t, "a.example", 10, "mx1.a.example", "2001:db8::1");
	set = look(f, "a.example");
	assert_int_equal(set->state, REQUIRE_MX_OK);
	assert_int_equal(set->hosts_len, 2);
	assert_true(address_parse_ip(&ip, "2001:db8::1", 11));
	h = mx_host_of(set, &ip, &at);
	assert_non_null(h);
	assert_string_equal(h->name, "mx1.a.example");
	assert_int_equal(h->preference, 10);
	assert_int_equal(h->addresses_len, 2);
	assert_null(mx_host_of(set, &ip, &at));
	queries = f->t->queries;
	assert_int_equal(queries, 5);
	look(f, "a.example");
	assert_int_equal(f->t->queries, queries);
	testworld_run(f->t, 301 * 1000);	/* the TTL is over */
	look(f, "a.example");
	assert_int_equal(f->t->queries, 2 * queries);
}

static void
errors_stay_with_their_host(void **state)	/* R80, R93 */
{
	struct fixture *f = *state;
	const struct mx_set *set;

	testworld_mx(f->t, "a.example", 10, "ok.a.example", "192.0.2.1");
	testworld_fault(f->t, "ok.a.example", ANSWER_AAAA, ANSWER_FAILED);
	testworld_mx(f->t, "a.example", 20, "failed.a.example", NULL);
	testworld_fault(f->t, "failed.a.example", ANSWER_A, ANSWER_FAILED);
	testworld_mx(f->t, "a.example", 30, "bogus.a.example", NULL);
	testworld_fault(f->t, "bogus.a.example", ANSWER_A, ANSWER_FAILED);
	testworld_fault(f->t, "bogus.a.example", ANSWER_AAAA, ANSWER_BOGUS);
	testworld_mx(f->t, "a.example", 40, "none.a.example", NULL);
	set = look(f, "a.example");
	assert_int_equal(set->hosts_len, 4);
	assert_int_equal(set->hosts[0].state, REQUIRE_ADDRESSES_OK);
	assert_int_equal(set->hosts[1].state, REQUIRE_ADDRESSES_FAILED);
	assert_int_equal(set->hosts[2].state, REQUIRE_ADDRESSES_BOGUS);
	assert_int_equal(set->hosts[3].state, REQUIRE_ADDRESSES_NONE);
}

static void
kinds_of_sets(void **state)	/* R149, RFC 7505, RFC 5321 5.1 */
{
	struct fixture *f = *state;
	const struct mx_set *set;

	testworld_add(f->t, "null.example", ANSWER_MX, "");
	assert_int_equal(look(f, "null.example")->state, REQUIRE_MX_NULL);
	testworld_add(f->t, "both.example", ANSWER_MX, "");
	testworld_mx(f->t, "both.example", 10, "mx.both.example", "192.0.2.1");
	set = look(f, "both.example");
	assert_int_equal(set->state, REQUIRE_MX_OK);
	assert_int_equal(set->hosts_len, 1);
	testworld_add(f->t, "implicit.example", ANSWER_A, "192.0.2.1");
	set = look(f, "implicit.example");
	assert_int_equal(set->state, REQUIRE_MX_IMPLICIT);
	assert_string_equal(set->hosts[0].name, "implicit.example");
	assert_true(set->exists);
	assert_false(look(f, "nobody.example")->exists);
	testworld_fault(f->t, "failed.example", ANSWER_MX, ANSWER_FAILED);
	assert_int_equal(look(f, "failed.example")->state, REQUIRE_MX_FAILED);
	testworld_fault(f->t, "bogus.example", ANSWER_MX, ANSWER_BOGUS);
	assert_int_equal(look(f, "bogus.example")->state, REQUIRE_MX_BOGUS);
	/* An error is asked again soon, and then it is no error any more. */
	testworld_remove(f->t, "failed.example");
	testworld_mx(f->t, "failed.example", 10, "mx.failed.example", "192.0.2.1");
	testworld_run(f->t, 10 * 1000);
	assert_int_equal(look(f, "failed.example")->state, REQUIRE_MX_OK);
}

static void
secure_is_secure_throughout(void **state)
{
	struct fixture *f = *state;
	const struct mx_set *set;

	testworld_mx(f->t, "a.example", 10, "mx.a.example", "192.0.2.1");
	testworld_mx(f->t, "a.example", 10, "mx.a.example", "2001:db8::1");
	testworld_sign(f->t);
	set = look(f, "a.example");
	assert_true(set->secure && set->hosts[0].secure);
	f->t->zone[1].secure = f->t->zone[3].secure = false;
	testworld_run(f->t, 301 * 1000);
	set = look(f, "a.example");
	assert_true(set->secure);
	assert_false(set->hosts[0].secure);
	f->t->zone[0].secure = false;
	testworld_run(f->t, 301 * 1000);
	assert_false(look(f, "a.example")->secure);
}

#define DOMAIN "a.example"
#define MX1 "mx1." DOMAIN
#define MX2 "mx2." DOMAIN

/* Two MX hosts, each with an address in both families and a TLSA record of its own; all signed. */
static void
two_hosts(struct fixture *f)
{
	testworld_mx(f->t, DOMAIN, 10, MX1, "192.0.2.1");
	testworld_add(f->t, MX1, ANSWER_AAAA, "2001:db8::1");
	testworld_tlsa(f->t, "_25._tcp." MX1, 3, 1, 1, 1, 32);
	testworld_mx(f->t, DOMAIN, 20, MX2, "192.0.2.2");
	testworld_add(f->t, MX2, ANSWER_AAAA, "2001:db8::2");
	testworld_tlsa(f->t, "_25._tcp." MX2, 2, 0, 1, 2, 32);
	testworld_sign(f->t);
}

static void
packed(void **state)
{
	struct fixture *f = *state;
	const struct mx_set *set;

	two_hosts(f);
	set = look(f, DOMAIN);
	assert_true(set->secure);
	assert_string_equal(set->answers, "MX " DOMAIN ": secure, 2 records");
	assert_string_equal(set->expanded, "");
	assert_string_equal(set->problem, "");
	for (uint8_t i = 0; i < 2; i++) {
		const struct require_host *h = &set->hosts[i];
		const char *name = i == 0 ? MX1 : MX2;
		uint8_t data[32];

		memset(data, i + 1, sizeof(data));
		assert_string_equal(h->name, name);
		assert_int_equal(h->dane, REQUIRE_DANE_USABLE);
		assert_string_equal(h->base, name);
		assert_int_equal(h->addresses_len, 2);
		assert_int_equal(h->records_len, 1);
		assert_int_equal(h->records[0].usage, 3 - i);
		assert_int_equal(h->records[0].len, 32);
		assert_memory_equal(h->records[0].data, data, 32);
		assert_non_null(strstr(h->answers, "AAAA mx"));
		assert_non_null(strstr(h->answers, "\nTLSA _25._tcp.mx"));
	}
	/* Addresses come before TLSA questions (R92), and hosts do not wait for each other. */
	assert_int_equal(f->t->queries, 7);
	assert_int_equal(f->t->log[5].type, ANSWER_TLSA);
	assert_int_equal(f->t->log[6].type, ANSWER_TLSA);
}

/* What goes wrong, at each kind of question: whom it concerns. */
static void
whose_error(void **state)	/* R79, R80, R81 */
{
	static const struct {
		enum answer_state state;
		const char *words;
	} errors[] = {
		{ ANSWER_BOGUS, "SERVFAIL, extended error 6" }, { ANSWER_FAILED, "SERVFAIL" },
		{ ANSWER_FAILED, "timeout" }, { ANSWER_FAILED, "truncated answer" }
	};
	static const struct {
		const char *name;
		enum answer_type type;
		bool set, first;	/* concerns all; the first host */
	} questions[] = {
		{ DOMAIN, ANSWER_MX, true, false },
		{ MX1, ANSWER_A, false, false }, { MX1, ANSWER_AAAA, false, false },
		{ MX1, ANSWER_CNAME, false, true }, { "_25._tcp." MX1, ANSWER_TLSA, false, true },
		{ "_25._tcp." MX1, ANSWER_CNAME, false, true }
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < 4 * sizeof(questions) / sizeof(questions[0]); i++) {
		const char *name = questions[i / 4].name;
		enum answer_type type = questions[i / 4].type;
		struct testworld_record *z;
		const struct mx_set *set;

		f->t->zone_len = 0;
		two_hosts(f);
		for (size_t k = 0; k < f->t->zone_len; k++)
			if (strcmp(f->t->zone[k].name, name) == 0 && (type == ANSWER_CNAME ||
			    f->t->zone[k].type == type))
				f->t->zone[k--] = f->t->zone[--f->t->zone_len];
		z = testworld_fault(f->t, name, type, errors[i % 4].state);
		z->problem = errors[i % 4].words;
		testworld_run(f->t, 3601 * 1000);
		set = look(f, DOMAIN);
		if (questions[i / 4].set) {
			assert_int_equal(set->state, errors[i % 4].state == ANSWER_BOGUS ?
			    REQUIRE_MX_BOGUS : REQUIRE_MX_FAILED);
			assert_string_equal(set->problem, errors[i % 4].words);
			assert_int_equal(set->hosts_len, 0);
			continue;
		}
		assert_int_equal(set->state, REQUIRE_MX_OK);
		for (size_t k = 0; k < 2; k++) {
			const struct require_host *h = &set->hosts[k];
			bool first = strcmp(h->name, MX1) == 0;
			bool hit = first && questions[i / 4].first;

			if (h->dane != (hit ? REQUIRE_DANE_ERROR : REQUIRE_DANE_USABLE))
				fail_msg("%s %u %s: %s %d", name, type, errors[i % 4].words,
				    h->name, h->dane);
			if (first)
				assert_non_null(strstr(h->answers, errors[i % 4].words));
			else
				assert_null(strstr(h->answers, errors[i % 4].words));
		}
	}
}

/* The alias asked for by itself fails, where the addresses behind it came. */
static void
alias_fails(void **state)	/* R83, R81 */
{
	struct fixture *f = *state;
	const struct mx_set *set;
	struct mx_waiter w = { .done = on_set, .arg = f };

	testworld_mx(f->t, DOMAIN, 10, MX1, NULL);
	testworld_add(f->t, MX1, ANSWER_CNAME, "b.example");
	testworld_add(f->t, "b.example", ANSWER_A, "192.0.2.1");
	testworld_sign(f->t);
	f->t->zone[2].secure = false;
	mx_ask(f->mx, &w, DOMAIN);
	testworld_run(f->t, 21);
	assert_int_equal(testworld_asked(f->t, MX1, ANSWER_CNAME), 1);
	testworld_remove(f->t, MX1);
	testworld_fault(f->t, MX1, ANSWER_CNAME, ANSWER_FAILED);
	testworld_run(f->t, 100);
	set = mx_look(f->mx, DOMAIN);
	assert_int_equal(set->hosts[0].state, REQUIRE_ADDRESSES_OK);
	assert_int_equal(set->hosts[0].dane, REQUIRE_DANE_ERROR);
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_TLSA), 0);
}

/* Forged behind an alias that leads out of the signed zone: "no address". Its records still count,
 * and where the peer is nobody's it has to meet them. */
static void
forged_absence(void **state)	/* R94 */
{
	struct fixture *f = *state;
	const struct require_host *h;

	testworld_mx(f->t, DOMAIN, 10, MX1, NULL);
	testworld_add(f->t, MX1, ANSWER_CNAME, "b.example");
	testworld_tlsa(f->t, "_25._tcp." MX1, 3, 1, 1, 1, 32);
	testworld_sign(f->t);
	f->t->secure = false;
	h = look(f, DOMAIN)->hosts;
	assert_int_equal(h->state, REQUIRE_ADDRESSES_NONE);
	assert_int_equal(h->dane, REQUIRE_DANE_USABLE);
	assert_string_equal(h->base, MX1);
	assert_int_equal(h->records_len, 1);
}

static void
nothing_for_unsigned_hosts(void **state)	/* R92 */
{
	struct fixture *f = *state;
	const struct mx_set *set;

	two_hosts(f);
	for (size_t i = 0; i < f->t->zone_len; i++)
		if (strcmp(f->t->zone[i].name, MX1) == 0)
			f->t->zone[i].secure = false;
	set = look(f, DOMAIN);
	assert_int_equal(set->hosts[0].dane, REQUIRE_DANE_INSECURE);
	assert_int_equal(set->hosts[1].dane, REQUIRE_DANE_USABLE);
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_TLSA), 1);
	assert_int_equal(testworld_asked(f->t, "_25._tcp." MX1, ANSWER_TLSA), 0);
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_CNAME), 0);
}

static void
insecure_set_signed_host(void **state)	/* settled: DANE is the host's */
{
	struct fixture *f = *state;
	const struct mx_set *set;

	two_hosts(f);
	for (size_t i = 0; i < f->t->zone_len; i++)
		if (f->t->zone[i].type == ANSWER_MX)
			f->t->zone[i].secure = false;
	set = look(f, DOMAIN);
	assert_false(set->secure);
	assert_int_equal(set->hosts[0].dane, REQUIRE_DANE_USABLE);
}

static void
not_one_question_more(void **state)	/* policy.dane: no */
{
	struct fixture *f = *state;
	const struct mx_set *set;

	two_hosts(f);
	set = look(f, DOMAIN);
	assert_int_equal(f->t->queries, 5);
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_TLSA), 0);
	assert_true(set->hosts[0].secure);
	assert_int_equal(set->hosts[0].dane, REQUIRE_DANE_NONE);
	assert_int_equal(set->hosts[0].records_len, 0);
	assert_string_equal(set->hosts[0].base, "");
	testworld_mx(f->t, "b.example", 10, "mx.b.example", NULL);
	testworld_add(f->t, "mx.b.example", ANSWER_CNAME, "c.example");
	testworld_add(f->t, "c.example", ANSWER_A, "192.0.2.3");
	look(f, "b.example");
	assert_int_equal(testworld_asked(f->t, NULL, ANSWER_CNAME), 0);
}

static void
aliased_domain(void **state)	/* R104: the expanded next hop, where that is secure */
{
	struct fixture *f = *state;

	testworld_add(f->t, "www.example", ANSWER_CNAME, DOMAIN);
	two_hosts(f);
	assert_string_equal(look(f, "www.example")->expanded, DOMAIN);
	f->t->zone[0].secure = false;
	testworld_run(f->t, 301 * 1000);
	assert_string_equal(look(f, "www.example")->expanded, "");
	assert_string_equal(look(f, "www.example")->answers,
	    "MX www.example: insecure, 2 records, alias of " DOMAIN);
	/* Implicit MX, aliased (R105): the host is the domain, its base the expanded name. */
	testworld_add(f->t, "web.example", ANSWER_CNAME, "host.example")->secure = true;
	testworld_add(f->t, "host.example", ANSWER_A, "192.0.2.9")->secure = true;
	testworld_tlsa(f->t, "_25._tcp.host.example", 3, 1, 1, 3, 32)->secure = true;
	assert_int_equal(look(f, "web.example")->state, REQUIRE_MX_IMPLICIT);
	assert_string_equal(look(f, "web.example")->expanded, "host.example");
	assert_string_equal(look(f, "web.example")->hosts[0].name, "web.example");
	assert_string_equal(look(f, "web.example")->hosts[0].base, "host.example");
}

/* For how many seconds, of those that are tried, the set is kept. */
static unsigned
kept(struct fixture *f)
{
	static const unsigned seconds[] = { 4, 9, 19, 29, 59, 299, 3599 };
	unsigned longest = 0;
	uint64_t found;

	testworld_run(f->t, 3601 * 1000);
	found = look(f, DOMAIN)->found;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		testworld_run(f->t, found + seconds[i] * 1000 - f->t->ticks);
		if (mx_look(f->mx, DOMAIN) != NULL)
			longest = seconds[i];
	}
	return longest;
}

static void
how_long(void **state)
{
	struct fixture *f = *state;
	struct testworld_record *tlsa;

	two_hosts(f);
	for (size_t i = 0; i < f->t->zone_len; i++)
		f->t->zone[i].ttl = 86400;
	assert_int_equal(kept(f), 3599);
	tlsa = &f->t->zone[3];
	assert_int_equal(tlsa->type, ANSWER_TLSA);
	tlsa->ttl = 300;
	assert_int_equal(kept(f), 299);
	/* That there is none: as long as the SOA says. */
	tlsa->state = ANSWER_NODATA;
	assert_int_equal(kept(f), 299);
	tlsa->ttl = 20;
	assert_int_equal(kept(f), 19);
	/* An error of one host: not for long, but not for each mail either. */
	tlsa->ttl = 86400;
	tlsa->state = ANSWER_FAILED;
	assert_int_equal(kept(f), 29);
	tlsa->state = ANSWER_BOGUS;
	assert_int_equal(kept(f), 29);
	tlsa->state = ANSWER_OK;
	f->t->zone[1].state = ANSWER_FAILED;
	assert_int_equal(kept(f), 29);
	/* Of the set itself: shorter still. */
	f->t->zone[1].state = ANSWER_OK;
	assert_int_equal(f->t->zone[4].type, ANSWER_MX);
	f->t->zone[0].state = f->t->zone[4].state = ANSWER_FAILED;
	assert_int_equal(kept(f), 9);
}

/* One host whose name servers are silent: the others' answers do not wait for it. */
static void
slow_host(void **state)	/* R80 */
{
	struct fixture *f = *state;
	struct mx_waiter w = { .done = on_set, .arg = f };
	const struct mx_set *set;

	two_hosts(f);
	f->t->zone[6].delay_ms = 60000;
	assert_int_equal(f->t->zone[6].type, ANSWER_AAAA);
	mx_ask(f->mx, &w, DOMAIN);
	testworld_run(f->t, 5 * 1000);
	assert_int_equal(f->answers, 0);
	testworld_run(f->t, 2 * 1000);
	assert_int_equal(f->answers, 1);
	/* A family that does not come leaves time for the TLSA question. */
	set = mx_look(f->mx, DOMAIN);
	assert_int_equal(set->hosts[0].dane, REQUIRE_DANE_USABLE);
	assert_int_equal(set->hosts[1].state, REQUIRE_ADDRESSES_OK);
	assert_int_equal(set->hosts[1].dane, REQUIRE_DANE_USABLE);
	assert_non_null(strstr(set->hosts[1].answers, "AAAA " MX2 ": failed, no answer in time"));
	/* Both families: that is waited for, and an error. */
	f->t->zone[5].delay_ms = 60000;
	assert_int_equal(f->t->zone[5].type, ANSWER_A);
	testworld_run(f->t, 31 * 1000);
	mx_ask(f->mx, &w, DOMAIN);
	testworld_run(f->t, 11 * 1000);
	assert_int_equal(f->answers, 1);
	testworld_run(f->t, 2 * 1000);
	assert_int_equal(f->answers, 2);
	set = mx_look(f->mx, DOMAIN);
	assert_int_equal(set->hosts[1].state, REQUIRE_ADDRESSES_FAILED);
	assert_int_equal(set->hosts[1].dane, REQUIRE_DANE_ERROR);
	/* The same of a TLSA question. */
	f->t->zone[5].delay_ms = 0;
	f->t->zone[6].delay_ms = 0;
	f->t->zone[3].delay_ms = 60000;
	testworld_run(f->t, 31 * 1000);
	mx_ask(f->mx, &w, DOMAIN);
	testworld_run(f->t, 13 * 1000);
	assert_int_equal(f->answers, 3);
	set = mx_look(f->mx, DOMAIN);
	assert_int_equal(set->hosts[0].dane, REQUIRE_DANE_ERROR);
	assert_int_equal(set->hosts[1].dane, REQUIRE_DANE_USABLE);
	testworld_run(f->t, 120 * 1000);
	assert_int_equal(f->answers, 3);
}

static void
given_up(void **state)	/* at every moment of a lookup: nothing is left behind */
{
	struct fixture *f = *state;

	two_hosts(f);
	for (uint64_t ms = 0; ms <= 50; ms += 5) {
		struct mx_waiter w = { .done = on_set, .arg = f };

		mx_ask(f->mx, &w, DOMAIN);
		testworld_run(f->t, ms);
		mx_cancel(&w);
		mx_free(f->mx);
		assert_int_equal(f->t->requests_len, 0);
		assert_null(f->t->timers);
		f->mx = mx_new(&f->t->world, true);
	}
}

static void
many_hosts(void **state)
{
	struct fixture *f = *state;
	const struct mx_set *set;
	char host[32], tlsa[48];

	for (unsigned i = 0; i < ANSWER_RECORDS_MAX; i++) {
		snprintf(host, sizeof(host), "mx%u." DOMAIN, i);
		snprintf(tlsa, sizeof(tlsa), "_25._tcp.%s", host);
		testworld_mx(f->t, DOMAIN, 10, host, "192.0.2.1");
		testworld_tlsa(f->t, tlsa, 3, 1, 1, (uint8_t)i, 32);
	}
	testworld_sign(f->t);
	set = look(f, DOMAIN);
	assert_int_equal(set->hosts_len, ANSWER_RECORDS_MAX);
	assert_int_equal(f->t->queries, 1 + 3 * ANSWER_RECORDS_MAX);
	for (uint8_t i = 0; i < ANSWER_RECORDS_MAX; i++)
		assert_int_equal(set->hosts[i].records[0].data[31], i);
}

static void
one_lookup_for_many(void **state)
{
	struct fixture *f = *state;
	struct mx_waiter w[50];

	testworld_mx(f->t, "a.example", 10, "mx.a.example", "192.0.2.1");
	for (size_t i = 0; i < 50; i++) {
		w[i] = (struct mx_waiter){ .done = on_set, .arg = f };
		mx_ask(f->mx, &w[i], "a.example");
	}
	mx_cancel(&w[0]);
	mx_cancel(&w[49]);
	testworld_run(f->t, 500);
	assert_int_equal(f->answers, 48);
	assert_int_equal(f->t->queries, 3);
}

static void
bounded(void **state)
{
	struct fixture *f = *state;
	char name[32];

	for (unsigned i = 0; i < MX_DOMAINS_MAX + 2000; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		mx_look(f->mx, name);
	}
	assert_null(mx_last(f->mx, "d1.example"));
	testworld_mx(f->t, "a.example", 10, "mx.a.example", "192.0.2.1");
	assert_int_equal(look(f, "a.example")->state, REQUIRE_MX_OK);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(hosts_and_addresses), T(errors_stay_with_their_host), T(kinds_of_sets),
		T(secure_is_secure_throughout), T(one_lookup_for_many), T(bounded), T(packed),
		T(whose_error), T(alias_fails), T(forged_absence), T(nothing_for_unsigned_hosts),
		T(insecure_set_signed_host), TESTWORLD_TEST(not_one_question_more, without_dane),
		T(aliased_domain), T(how_long), T(slow_host), T(given_up), T(many_hosts)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
