/* dane_memory_test.c - a chain held against TLSA records, while memory runs out at any one place
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testtlsa.h"
#include "tls/evidence.h"

#define PLACES_MAX 400

/* How many allocations of OpenSSL's still work; below zero: all. */
static long left = -1;

static bool
fails(void)
{
	return left >= 0 && left-- == 0;
}

static void *
get(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(size);
}

static void *
resize(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(p, size);
}

static void
let_go(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static struct testca_cert ca, leaf, stranger;

/* The standing with the allocation of that number failing; NOT_ASKED: it was said to be one. */
static enum proof_dane
collect(struct dane_checker *checker, const struct tlsa_set *set, long failing)
{
	enum proof_dane standing = PROOF_DANE_NOT_ASKED;
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct proof proof = { 0 };
	struct evidence *e;

	TESTCA_NEED(sk_X509_push(sent, leaf.x509) && sk_X509_push(sent, ca.x509));
	TESTCA_NEED(X509_STORE_add_cert(store, ca.x509));
	TESTCA_NEED(X509_STORE_CTX_init(ctx, store, leaf.x509, sent));
	left = failing;
	e = evidence_collect(ctx, checker, set);
	left = -1;
	if (e && evidence_fill(e, time(NULL), &proof))
		standing = proof.dane;
	proof_clear(&proof);
	evidence_release(e);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(sent);
	return standing;
}

/* What is right may be missed then; what is wrong never stands. */
static void
nothing_stands_for_lack_of_memory(void **state)
{
	struct dane_checker *checker = dane_checker_new();

	(void)state;
	for (int right = 0; right < 2; right++)
		for (uint8_t matching = 0; matching < 2; matching++) {
			struct testtlsa t;

			testtlsa_open(&t, "mx.example.org");
			testtlsa_add(&t, 3, 1, 1, stranger.x509);
			testtlsa_base(&t, "mx2.example.org");
			testtlsa_add(&t, 2, matching == 0 ? 0 : 1, matching,
			    right ? ca.x509 : stranger.x509);
			for (long i = 0; i < PLACES_MAX; i++) {
				enum proof_dane standing = collect(checker, &t.set, i);

				assert_true(standing != PROOF_DANE_EE &&
				    (right || standing != PROOF_DANE_TA));
			}
			assert_int_equal(collect(checker, &t.set, -1), right ? PROOF_DANE_TA :
			    PROOF_DANE_UNMATCHED);
			testtlsa_free(&t);
		}
	dane_checker_free(checker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_stands_for_lack_of_memory),
	};
	int failed;

	TESTCA_NEED(CRYPTO_set_mem_functions(get, resize, let_go) == 1);
	ca = testca_root("CA");
	stranger = testca_root("Stranger");
	leaf = testca_issue(&(struct testca_spec){ .issuer = &ca, .dns = "mx.example.org" });
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	testca_free(&ca);
	testca_free(&stranger);
	testca_free(&leaf);
	return failed;
}
