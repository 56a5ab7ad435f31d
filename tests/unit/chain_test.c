/* chain_test.c - what a chain may cost: whoever sends it, or has the TLSA records, chooses its keys
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "tests/unit/testca.h"
#include "tls/chain.h"

#define CONSTRAINTS_SIZE 65536

/* A number of so many bits, odd. */
static BIGNUM *
number(int bits)
{
	BIGNUM *n = BN_new();

	TESTCA_NEED(n && BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
	return n;
}

static EVP_PKEY *
built_key(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	TESTCA_NEED(params && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A public key of numbers that mean nothing: nobody has the other half. */
static EVP_PKEY *
hollow_key(const char *type, const char *const names[], const int bits[], int len)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *numbers[4] = { NULL };
	EVP_PKEY *key;

	for (int i = 0; i < len; i++) {
		numbers[i] = number(bits[i]);
		TESTCA_NEED(OSSL_PARAM_BLD_push_BN(build, names[i], numbers[i]));
	}
	key = built_key(type, build);
	for (int i = 0; i < len; i++)
		BN_free(numbers[i]);
	return key;
}

static EVP_PKEY *
rsa_key(int modulus, int exponent)
{
	return hollow_key("RSA", (const char *const[]){ OSSL_PKEY_PARAM_RSA_N,
	    OSSL_PKEY_PARAM_RSA_E }, (const int[]){ modulus, exponent }, 2);
}

static void
check(const char *what, EVP_PKEY *key, bool expected)
{
	TESTCA_NEED(key != NULL);
	if (chain_bears_key(key) != expected)
		fail_msg("%s: %s", what, expected ? "not borne" : "borne");
	EVP_PKEY_free(key);
}

static void
rsa_keys(void **state)
{
	static const struct { int modulus, exponent; bool borne; } rows[] = {
		{ 2048, 17, true }, { 4096, 2, true }, { 8192, 32, true }, { 2048, 33, false },
		{ 3072, 3071, false }, { 8193, 17, false }, { 16384, 17, false },
		{ 100000, 17, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check("RSA", rsa_key(rows[i].modulus, rows[i].exponent), rows[i].borne);
}

static void
curves(void **state)
{
	static const struct { const char *name; bool borne; } rows[] = {
		{ "P-256", true }, { "P-384", true }, { "P-521", true },
		{ "brainpoolP512r1", true }, { "sect283r1", false }, { "sect571r1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(rows[i].name, EVP_EC_gen(rows[i].name), rows[i].borne);
	check("Ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), true);
	check("Ed448", EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), true);
}

/* P-256 with another generator: nobody has a faster way for it. */
static void
a_curve_without_a_name(void **state)
{
	static const char *const names[] = { OSSL_PKEY_PARAM_EC_P, OSSL_PKEY_PARAM_EC_A,
	    OSSL_PKEY_PARAM_EC_B, OSSL_PKEY_PARAM_EC_ORDER };
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *twice = EC_POINT_new(group);
	BIGNUM *n[4] = { BN_new(), BN_new(), BN_new(), BN_dup(EC_GROUP_get0_order(group)) };
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	unsigned char point[65];

	(void)state;
	TESTCA_NEED(EC_GROUP_get_curve(group, n[0], n[1], n[2], NULL) &&
	    EC_POINT_dbl(group, twice, EC_GROUP_get0_generator(group), NULL) &&
	    EC_POINT_point2oct(group, twice, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point,
	    NULL) == sizeof point);
	for (int i = 0; i < 4; i++)
		TESTCA_NEED(OSSL_PARAM_BLD_push_BN(build, names[i], n[i]));
	TESTCA_NEED(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_EC_FIELD_TYPE,
	    SN_X9_62_prime_field, 0));
	TESTCA_NEED(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_EC_GENERATOR, point,
	    sizeof point));
	TESTCA_NEED(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
	    sizeof point));
	check("explicit", built_key("EC", build), false);
	for (int i = 0; i < 4; i++)
		BN_free(n[i]);
	EC_POINT_free(twice);
	EC_GROUP_free(group);
}

static void
other_kinds(void **state)
{
	(void)state;
	check("DSA", hollow_key("DSA", (const char *const[]){ OSSL_PKEY_PARAM_FFC_P,
	    OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G, OSSL_PKEY_PARAM_PUB_KEY },
	    (const int[]){ 3072, 256, 3071, 3071 }, 4), false);
	check("X25519", EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), false);
}

/* --- chains ------------------------------------------------------------------------------- */

/* root, under which `ca` stands, under which the leaf: all trusted but for what `ca` costs. */
static void
verify(const struct testca_cert *root, const struct testca_cert *ca, const char *names,
    struct chain *out)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = ca, .dns = names });
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = sk_X509_new_null();

	TESTCA_NEED(sk_X509_push(sent, leaf.x509) && sk_X509_push(sent, ca->x509));
	TESTCA_NEED(X509_STORE_add_cert(store, root->x509));
	TESTCA_NEED(X509_STORE_CTX_init(ctx, store, leaf.x509, sent));
	chain_verify(ctx, out);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(sent);
	testca_free(&leaf);
}

static void
a_chain_with_a_costly_key_is_invalid(void **state)
{
	struct testca_cert root = testca_root("Root");
	static const char *const curves_of[] = { "P-384", "sect283r1" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct testca_cert ca = testca_issue(&(struct testca_spec){ .issuer = &root,
		    .cn = "CA", .ca = true, .curve = curves_of[i] });
		struct chain chain;

		verify(&root, &ca, "mx.example.org", &chain);
		assert_int_equal(chain.standing, i == 0 ? CHAIN_TRUSTED : CHAIN_INVALID);
		assert_string_equal(chain.fault, i == 0 ? "" :
		    "an issuer's key that is too costly to verify with");
		testca_free(&ca);
	}
	testca_free(&root);
}

/* "permitted;DNS:example.org" and so many more, or as many names. */
static char *
masses(const char *first, const char *each, size_t len)
{
	char *text = malloc(CONSTRAINTS_SIZE);
	size_t at = strlen(first);

	TESTCA_NEED(text && at + len * strlen(each) < CONSTRAINTS_SIZE);
	memcpy(text, first, at + 1);
	for (size_t i = 0; i < len; i++, at += strlen(each))
		memcpy(text + at, each, strlen(each) + 1);
	return text;
}

static void
names_and_constraints_in_masses_are_invalid(void **state)
{
	static const struct { size_t names, constraints; enum proof_chain standing; } rows[] = {
		{ 100, 100, CHAIN_TRUSTED }, { 2500, 4, CHAIN_TRUSTED }, { 2, 2000, CHAIN_TRUSTED },
		{ 900, 900, CHAIN_INVALID },
	};
	struct testca_cert root = testca_root("Root");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *constraints = masses("critical,permitted;DNS:example.org",
		    ",excluded;DNS:x.example", rows[i].constraints);
		char *names = masses("mx.example.org", ",mx.example.org", rows[i].names);
		struct testca_cert ca = testca_issue(&(struct testca_spec){ .issuer = &root,
		    .cn = "CA", .ca = true, .name_constraints = constraints });
		struct chain chain;

		verify(&root, &ca, names, &chain);
		assert_int_equal(chain.standing, rows[i].standing);
		assert_string_equal(chain.fault, rows[i].standing == CHAIN_TRUSTED ? "" :
		    "name constraints that are too costly to verify");
		testca_free(&ca);
		free(constraints);
		free(names);
	}
	testca_free(&root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsa_keys),
		cmocka_unit_test(curves),
		cmocka_unit_test(a_curve_without_a_name),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(a_chain_with_a_costly_key_is_invalid),
		cmocka_unit_test(names_and_constraints_in_masses_are_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
