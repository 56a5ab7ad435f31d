/* decoded_test.c - certificates decoded once: the same for the same octets, and for no others
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/decoded.h"

static struct octets
der_of(const struct testca_cert *c)
{
	unsigned char *der = NULL;
	int len = i2d_X509(c->x509, &der);

	assert_true(len > 0);
	return octets_of(der, (size_t)len);
}

static void
equal_octets_are_decoded_once(void **state)
{
	struct testca_cert root = testca_root("A Root"), twin = testca_root("A Root");
	struct octets a = der_of(&root), copy = der_of(&root), b = der_of(&twin);
	struct decoded *i = decoded_new();
	X509 *first = decoded_issuer(i, &a), *again = decoded_issuer(i, &copy),
	    *other = decoded_issuer(i, &b), *own = decoded_leaf(i, &a),
	    *own_again = decoded_leaf(i, &copy);

	(void)state;
	assert_ptr_equal(again, first);
	assert_ptr_not_equal(other, first);
	assert_ptr_not_equal(own, first);	/* kept apart */
	assert_ptr_equal(own_again, own);
	assert_int_equal(X509_cmp(first, root.x509), 0);
	assert_int_equal(X509_cmp(own, root.x509), 0);
	assert_int_equal(X509_cmp(other, twin.x509), 0);
	decoded_free(i);	/* what was given away stays */
	assert_int_equal(X509_cmp(again, root.x509), 0);
	X509_free(first);
	X509_free(again);
	X509_free(other);
	X509_free(own);
	X509_free(own_again);
	OPENSSL_free((void *)(uintptr_t)a.p);
	OPENSSL_free((void *)(uintptr_t)copy.p);
	OPENSSL_free((void *)(uintptr_t)b.p);
	testca_free(&root);
	testca_free(&twin);
}

/* One changed octet anywhere is another certificate, or none; a place holds one at a time. */
static void
other_octets_are_not_taken_for_them(void **state)
{
	struct testca_cert root = testca_root("A Root");
	struct octets a = der_of(&root);
	struct decoded *i = decoded_new();
	X509 *first = decoded_issuer(i, &a), *last;
	uint8_t *octets = malloc(a.left + 1);

	(void)state;
	for (size_t at = 0; at < a.left; at++) {
		struct octets changed = octets_of(octets, a.left);
		X509 *cert;

		memcpy(octets, a.p, a.left);
		octets[at] ^= 1;
		cert = decoded_issuer(i, &changed);
		assert_true(cert != first);
		X509_free(cert);
	}
	for (size_t len = 0; len <= a.left + 1; len++) {
		struct octets cut = octets_of(octets, len);
		X509 *cert;

		memcpy(octets, a.p, a.left);
		octets[a.left] = 0;
		cert = decoded_issuer(i, &cut);
		assert_int_equal(cert != NULL, len == a.left);
		X509_free(cert);
	}
	last = decoded_issuer(i, &a);
	assert_int_equal(X509_cmp(last, root.x509), 0);
	X509_free(first);
	X509_free(last);
	free(octets);
	OPENSSL_free((void *)(uintptr_t)a.p);
	decoded_free(i);
	testca_free(&root);
}

/* What is too large is decoded, and not kept. */
static void
large_ones_are_not_kept(void **state)
{
	static char many[6000];
	struct testca_cert large;
	struct decoded *i = decoded_new();
	struct octets der;
	X509 *a, *b;
	size_t len = 0;

	(void)state;
	while (len < 4500)
		len += (size_t)sprintf(many + len, "host-%zu.example,", len);
	strcpy(many + len, "mx.example");
	large = testca_issue(&(struct testca_spec){ .dns = many, .ca = true });
	der = der_of(&large);
	assert_true(der.left > DECODED_DER_MAX);
	a = decoded_issuer(i, &der);
	b = decoded_issuer(i, &der);
	assert_true(a && b && a != b);
	X509_free(a);
	X509_free(b);
	OPENSSL_free((void *)(uintptr_t)der.p);
	decoded_free(i);
	testca_free(&large);
}

/* Chains decoded by others: equal certificates become one, and whoever held the old ones keeps
 * them; leaf and issuers are kept apart here too. */
static void
chains_are_shared(void **state)
{
	struct testca_cert root = testca_root("A Root"),
	    leaf = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = "mx.example" });
	struct octets octets[2] = { der_of(&leaf), der_of(&root) };
	struct decoded *i = decoded_new();
	STACK_OF(X509) *chains[3];
	X509 *own[3];

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		chains[n] = sk_X509_new_null();
		for (size_t k = 0; k < 2; k++) {
			const unsigned char *p = octets[k].p;

			sk_X509_push(chains[n], d2i_X509(NULL, &p, (long)octets[k].left));
		}
		own[n] = sk_X509_value(chains[n], 0);
		assert_true(X509_up_ref(own[n]));
		if (n == 2)	/* its place has been taken by another since */
			decoded_free(i), i = decoded_new();
		decoded_share(i, chains[n]);
		assert_int_equal(sk_X509_num(chains[n]), 2);
		assert_int_equal(X509_cmp(sk_X509_value(chains[n], 0), leaf.x509), 0);
		assert_int_equal(X509_cmp(sk_X509_value(chains[n], 1), root.x509), 0);
	}
	for (int k = 0; k < 2; k++) {
		assert_ptr_equal(sk_X509_value(chains[1], k), sk_X509_value(chains[0], k));
		assert_ptr_not_equal(sk_X509_value(chains[2], k), sk_X509_value(chains[0], k));
	}
	for (size_t n = 0; n < 3; n++) {
		assert_int_equal(X509_cmp(own[n], leaf.x509), 0);
		X509_free(own[n]);
		sk_X509_pop_free(chains[n], X509_free);
	}
	decoded_share(i, NULL);
	decoded_free(i);
	for (size_t k = 0; k < 2; k++)
		OPENSSL_free((void *)(uintptr_t)octets[k].p);
	testca_free(&root);
	testca_free(&leaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_octets_are_decoded_once),
		cmocka_unit_test(other_octets_are_not_taken_for_them),
		cmocka_unit_test(large_ones_are_not_kept),
		cmocka_unit_test(chains_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
