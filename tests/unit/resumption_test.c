/* resumption_test.c - the table of remembered sessions: bounded, fair, and not for ever
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/resumption.h"

#define HOST "mx.example.org"

static struct testca_cert leaf;
static const uint8_t none[TLSA_DIGEST];	/* without TLSA records */

static int
setup(void **state)
{
	(void)state;
	leaf = testca_issue(&(struct testca_spec){ .dns = HOST });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&leaf);
	return 0;
}

static struct evidence *
evidence(time_t *now)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct evidence *e;

	assert_true(sk_X509_push(sent, leaf.x509) > 0);
	assert_true(X509_STORE_CTX_init(ctx, store, leaf.x509, sent));
	e = evidence_collect(ctx, NULL, NULL);
	assert_non_null(e);
	*now = evidence_made(e);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(sent);
	return e;
}

static SSL_SESSION *
tls12_session(long got, size_t id)
{
	SSL_SESSION *s = SSL_SESSION_new();

	assert_true(SSL_SESSION_set_protocol_version(s, TLS1_2_VERSION));
	assert_true(SSL_SESSION_set1_id(s, (const unsigned char *)&id, sizeof id));
	SSL_SESSION_set_time(s, got);
	SSL_SESSION_set_timeout(s, 1000000);
	return s;
}

/* More slots than the table has places: it forgets, and nothing leaks. */
static void
the_table_is_bounded(void **state)
{
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG];
	time_t now;
	struct evidence *e = evidence(&now), *held;
	size_t kept = 0;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		assert_true(resumption_tag(r, tag, HOST, &i, sizeof i, none));
		assert_true(resumption_keep(r, tag, tls12_session(now, i), e));
	}
	for (size_t i = 0; i < 20000; i++) {
		SSL_SESSION *s;

		assert_true(resumption_tag(r, tag, HOST, &i, sizeof i, none));
		s = resumption_take(r, tag, now, &held);
		if (!s)
			continue;
		kept++;
		evidence_release(held);
		SSL_SESSION_free(s);
	}
	assert_in_range(kept, 3900, 4096);
	evidence_release(e);
	resumption_free(r);
}

/* One peer's tickets do not push out its neighbours': of the slot's own, the oldest goes. */
static void
a_slot_has_few_places(void **state)
{
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG], near[RESUMPTION_TAG];
	time_t now;
	struct evidence *e = evidence(&now), *held;
	SSL_SESSION *neighbour;

	(void)state;
	assert_true(resumption_tag(r, tag, HOST, "a", 1, none));
	for (int i = 0; i == 0 || memcmp(tag, near, 2) != 0; i++)	/* of the same set */
		assert_true(resumption_tag(r, near, HOST, &i, sizeof i, none));
	assert_true(resumption_keep(r, near, tls12_session(now, 1), e));
	for (size_t i = 0; i < 200; i++) {
		SSL_SESSION *s = tls12_session(now, i), *newest;

		assert_true(resumption_keep(r, tag, s, e));
		newest = resumption_take(r, tag, now, &held);
		assert_ptr_equal(newest, s);
		evidence_release(held);
		SSL_SESSION_free(newest);
	}
	resumption_forget(r, tag);
	assert_null(resumption_take(r, tag, now, &held));
	neighbour = resumption_take(r, near, now, &held);
	assert_non_null(neighbour);
	evidence_release(held);
	SSL_SESSION_free(neighbour);
	evidence_release(e);
	resumption_free(r);
}

/* After a day the chain is verified afresh; a clock set back makes nothing valid. */
static void
a_session_ages(void **state)
{
	static const struct { long later; bool taken; } at[] = {
		{ 0, true }, { 86399, true }, { -1, false }, { 0, false },
	};
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG], other[RESUMPTION_TAG];
	time_t now;
	struct evidence *e = evidence(&now), *held;

	(void)state;
	assert_true(resumption_tag(r, tag, HOST, "a", 1, none));
	assert_true(resumption_keep(r, tag, tls12_session(now, 1), e));
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		SSL_SESSION *s = resumption_take(r, tag, now + at[i].later, &held);

		assert_int_equal(s != NULL, at[i].taken);
		if (s)
			evidence_release(held);
		SSL_SESSION_free(s);
	}
	assert_true(resumption_keep(r, tag, tls12_session(now, 1), e));
	assert_null(resumption_take(r, tag, now + 86400, &held));
	assert_false(resumption_tag(r, other, HOST, HOST HOST HOST HOST HOST, 65, none));
	evidence_release(e);
	resumption_free(r);
}

/* As many sessions at once as a slot has places: each gets a ticket of its own. */
static void
a_ticket_is_given_out_once(void **state)
{
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG];
	SSL_SESSION *taken[64];
	time_t now;
	struct evidence *e = evidence(&now), *held;

	(void)state;
	assert_true(resumption_tag(r, tag, HOST, "a", 1, none));
	for (size_t i = 0; i < 70; i++) {
		SSL_SESSION *s = tls12_session(now, i);

		assert_true(SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION));
		assert_true(resumption_keep(r, tag, s, e));
	}
	for (size_t i = 0; i < 64; i++) {
		taken[i] = resumption_take(r, tag, now, &held);
		assert_non_null(taken[i]);
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(taken[k], taken[i]);
		evidence_release(held);
	}
	assert_null(resumption_take(r, tag, now, &held));
	for (size_t i = 0; i < 64; i++)
		SSL_SESSION_free(taken[i]);
	evidence_release(e);
	resumption_free(r);
}

/* Sessions under another TLSA set, or none, are others. */
static void
a_tag_is_of_everything(void **state)
{
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG], other[RESUMPTION_TAG];
	uint8_t digest[TLSA_DIGEST] = { 1 };

	(void)state;
	assert_true(resumption_tag(r, tag, HOST, "a", 1, digest));
	assert_true(resumption_tag(r, other, HOST, "a", 1, digest));
	assert_memory_equal(tag, other, RESUMPTION_TAG);
	assert_true(resumption_tag(r, other, HOST, "a", 1, none));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	digest[TLSA_DIGEST - 1]++;
	assert_true(resumption_tag(r, other, HOST, "a", 1, digest));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	digest[TLSA_DIGEST - 1]--;
	assert_true(resumption_tag(r, other, HOST, "b", 1, digest));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	assert_true(resumption_tag(r, other, HOST "a", "", 0, digest));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	resumption_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(a_slot_has_few_places),
		cmocka_unit_test(a_session_ages),
		cmocka_unit_test(a_ticket_is_given_out_once),
		cmocka_unit_test(a_tag_is_of_everything),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
