/* host_test.c - the addresses of a host: what one family's answer does to the other's
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include "policy/host.h"

#define MX "mx.example"

struct fixture {
	struct testworld *t;
	struct host host;
	unsigned done;
};

static void
on_done(void *arg, struct host *h)
{
	struct fixture *f = arg;

	assert_ptr_equal(h, &f->host);
	f->done++;
}

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->host.done = on_done;
	f->host.arg = f;
}

static void
end(void *fixture)
{
	host_cancel(&((struct fixture *)fixture)->host);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static void
look(struct fixture *f, uint64_t ms)
{
	f->done = 0;
	host_lookup(&f->host, &f->t->world, MX);
	testworld_run(f->t, ms);
}

#define SECURE true
#define INSECURE false

static void
two_families(void **state)	/* R80, R93 */
{
	static const struct {
		const char *what;
		struct {
			enum answer_state state;
			bool secure;
		} a, aaaa;
		enum require_addresses state;
		bool secure;
	} rows[] = {
#define ROW(s_a, sec_a, s_aaaa, sec_aaaa, to, secure) { \
	#s_a " " #sec_a ", " #s_aaaa " " #sec_aaaa, { ANSWER_##s_a, sec_a }, \
	{ ANSWER_##s_aaaa, sec_aaaa }, REQUIRE_ADDRESSES_##to, secure }
		ROW(OK, SECURE, OK, SECURE, OK, SECURE),
		/* Whoever breaks one family does not switch DANE off. */
		ROW(OK, SECURE, BOGUS, INSECURE, OK, SECURE),
		ROW(OK, SECURE, FAILED, INSECURE, OK, SECURE),
		ROW(OK, SECURE, NODATA, INSECURE, OK, SECURE),
		ROW(OK, SECURE, NXDOMAIN, INSECURE, OK, SECURE),
		ROW(BOGUS, INSECURE, OK, SECURE, OK, SECURE),
		ROW(FAILED, INSECURE, OK, SECURE, OK, SECURE),
		ROW(OK, INSECURE, OK, SECURE, OK, SECURE),
		ROW(OK, SECURE, OK, INSECURE, OK, SECURE),
		/* Nor does a proof that there is no address switch it on. */
		ROW(OK, INSECURE, OK, INSECURE, OK, INSECURE),
		ROW(OK, INSECURE, NODATA, SECURE, OK, INSECURE),
		ROW(OK, INSECURE, BOGUS, INSECURE, OK, INSECURE),
		ROW(OK, INSECURE, FAILED, INSECURE, OK, INSECURE),
		ROW(NODATA, SECURE, NODATA, SECURE, NONE, INSECURE),
		ROW(NXDOMAIN, SECURE, NXDOMAIN, SECURE, NONE, INSECURE),
		ROW(FAILED, INSECURE, NODATA, SECURE, FAILED, INSECURE),
		ROW(NODATA, SECURE, FAILED, INSECURE, FAILED, INSECURE),
		ROW(BOGUS, INSECURE, NODATA, SECURE, BOGUS, INSECURE),
		ROW(FAILED, INSECURE, BOGUS, INSECURE, BOGUS, INSECURE),
		ROW(BOGUS, INSECURE, FAILED, INSECURE, BOGUS, INSECURE),
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct testworld_record *z;
		bool fault = rows[i].a.state >= ANSWER_FAILED ||
		    rows[i].aaaa.state >= ANSWER_FAILED;

		testworld_remove(f->t, MX);
		z = testworld_add(f->t, MX, ANSWER_A, "192.0.2.1");
		z->state = rows[i].a.state;
		z->secure = rows[i].a.secure;
		z = testworld_add(f->t, MX, ANSWER_AAAA, "2001:db8::1");
		z->state = rows[i].aaaa.state;
		z->secure = rows[i].aaaa.secure;
		look(f, 100);
		if (f->host.state != rows[i].state || f->host.secure != rows[i].secure)
			fail_msg("%s: %d, %d", rows[i].what, f->host.state, f->host.secure);
		assert_int_equal(f->done, 1);
		assert_false(f->host.aliased);
		assert_string_equal(f->host.expanded, "");
		assert_true((f->host.problem[0] == '\0') == (f->host.len > 0));
		/* An error is kept for a while, but not for as long as an answer. */
		assert_int_equal(f->host.ttl, fault ? HOST_FAULT_TTL_S : 300);
		assert_non_null(strstr(f->host.answers, "\nAAAA " MX ": "));
	}
}

/* R82: mx.example -> b.example -> c.example, each of the answer's parts insecure in turn. */
static void
chains(void **state)
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_CNAME, "b.example");
	testworld_add(f->t, "b.example", ANSWER_CNAME, "c.example")->ttl = 20;
	testworld_add(f->t, "c.example", ANSWER_A, "192.0.2.1");
	for (size_t insecure = 0; insecure <= f->t->zone_len; insecure++) {
		testworld_sign(f->t);
		if (insecure < f->t->zone_len)
			f->t->zone[insecure].secure = false;
		look(f, 100);
		assert_int_equal(f->host.state, REQUIRE_ADDRESSES_OK);
		assert_true(f->host.secure == (insecure == f->t->zone_len));
		assert_true(f->host.aliased);
		assert_string_equal(f->host.expanded, "c.example");
		assert_int_equal(f->host.ttl, 20);
	}
	for (size_t broken = 0; broken < f->t->zone_len; broken++) {
		testworld_sign(f->t);
		f->t->zone[broken].state = broken == 1 ? ANSWER_FAILED : ANSWER_BOGUS;
		look(f, 100);
		assert_int_equal(f->host.state, broken == 1 ? REQUIRE_ADDRESSES_FAILED :
		    REQUIRE_ADDRESSES_BOGUS);
		assert_false(f->host.secure || f->host.aliased);
		f->t->zone[broken].state = ANSWER_OK;
	}
}

/* Who forges what an insecure alias leads to may say that nothing is there: an alias still (R94).
 * Proven, it is no server (R93). */
static void
alias_without_addresses(void **state)
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_CNAME, "b.example")->secure = true;
	for (int i = 0; i < 4; i++) {
		f->t->secure = i % 2 == 1;
		if (i == 2)
			testworld_add(f->t, "b.example", ANSWER_TXT, "");	/* NODATA */
		look(f, 100);
		assert_int_equal(f->host.state, REQUIRE_ADDRESSES_NONE);
		assert_false(f->host.secure);
		assert_int_equal(f->host.aliased, i % 2 == 0);
		assert_string_equal(f->host.expanded, "");
	}
}

/* Both families have addresses: the alias is that of the secure answer, whichever is first. */
static void
whose_alias_counts(void **state)
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_A, "192.0.2.1")->secure = true;
	testworld_add(f->t, MX, ANSWER_CNAME, "b.example");
	testworld_add(f->t, "b.example", ANSWER_AAAA, "2001:db8::1");
	for (int i = 0; i < 2; i++) {
		f->t->zone[0].delay_ms = i == 0 ? 5 : 50;
		look(f, 100);
		assert_true(f->host.secure);
		assert_false(f->host.aliased);
	}
	f->t->zone[0].secure = false;
	f->t->zone[1].secure = f->t->zone[2].secure = true;
	for (int i = 0; i < 2; i++) {
		f->t->zone[0].delay_ms = i == 0 ? 5 : 50;
		look(f, 100);
		assert_true(f->host.secure && f->host.aliased);
		assert_string_equal(f->host.expanded, "b.example");
	}
}

static void
not_waited_for(void **state)
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_A, "192.0.2.1")->secure = true;
	testworld_add(f->t, MX, ANSWER_AAAA, "2001:db8::1")->delay_ms = 20000;
	look(f, 100);
	assert_int_equal(f->done, 0);
	host_expire(&f->host);
	assert_int_equal(f->done, 1);
	assert_int_equal(f->host.state, REQUIRE_ADDRESSES_OK);
	assert_true(f->host.secure);
	assert_int_equal(f->host.ttl, HOST_FAULT_TTL_S);
	assert_non_null(strstr(f->host.answers, "AAAA " MX ": failed, no answer in time"));
	host_expire(&f->host);
	testworld_run(f->t, 30000);
	assert_int_equal(f->done, 1);
	look(f, 100);
	host_suffice(&f->host);
	assert_int_equal(f->done, 1);
	assert_int_equal(f->host.state, REQUIRE_ADDRESSES_OK);
	f->t->zone[0].delay_ms = 20000;
	look(f, 100);
	host_suffice(&f->host);
	assert_int_equal(f->done, 0);
	host_expire(&f->host);
	assert_int_equal(f->host.state, REQUIRE_ADDRESSES_FAILED);
	assert_string_equal(f->host.problem, "no answer in time");
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_families), T(chains), T(whose_alias_counts), T(alias_without_addresses),
		T(not_waited_for)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
