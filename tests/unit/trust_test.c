/* trust_test.c - the CA bundle: what is loaded, and when two bundles are the same
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/originate.h"
#include "tls/trust.h"

static struct testca_cert roots[3];

static int
setup(void **state)
{
	(void)state;
	roots[0] = testca_root("One");
	roots[1] = testca_root("Two");
	roots[2] = testca_root("Two");	/* another key under the same name */
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		testca_free(&roots[i]);
	return 0;
}

/* A bundle of the roots whose digits are in `which`; '+' in front of one trusts it for servers. */
static void
write_bundle(char *path, const char *which)
{
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	assert_non_null(f);
	fprintf(f, "# text between certificates is allowed\n");
	for (; *which; which++) {
		bool marked = *which == '+';
		X509 *copy = X509_dup(roots[(marked ? *++which : *which) - '0'].x509);

		assert_non_null(copy);
		if (marked)
			assert_true(X509_add1_trust_object(copy, OBJ_nid2obj(NID_server_auth)));
		assert_true(marked ? PEM_write_X509_AUX(f, copy) : PEM_write_X509(f, copy));
		X509_free(copy);
	}
	assert_int_equal(fclose(f), 0);
}

static struct trust *
load(const char *which)
{
	char path[] = "/tmp/postern-test-trust-XXXXXX", error[256] = "";
	struct trust *t;

	write_bundle(path, which);
	t = trust_load(path, error, sizeof error);
	unlink(path);
	assert_string_equal(error, "");
	assert_non_null(t);
	return t;
}

static void
certificates_are_counted_once(void **state)
{
	static const struct { const char *which; size_t count; } bundles[] = {
		{ "0", 1 }, { "01", 2 }, { "012", 3 }, { "00", 1 }, { "0120", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
		struct trust *t = load(bundles[i].which);

		assert_int_equal(trust_count(t), bundles[i].count);
		assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(trust_store(t))),
		    bundles[i].count);
		trust_free(t);
	}
}

static void
the_digest_is_that_of_the_set(void **state)
{
	static const struct { const char *a, *b; bool same; } pairs[] = {
		{ "0", "0", true }, { "01", "10", true }, { "012", "210", true },
		{ "012", "120", true }, { "01", "0110", true },
		{ "0", "1", false }, { "0", "01", false }, { "1", "01", false },
		{ "01", "02", false },
		{ "012", "01", false }, { "0", "+0", false }, { "+01", "1+0", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct trust *a = load(pairs[i].a), *b = load(pairs[i].b);

		if (pairs[i].same != !memcmp(trust_digest(a), trust_digest(b), TRUST_DIGEST))
			fail_msg("%s, %s", pairs[i].a, pairs[i].b);
		trust_free(a);
		trust_free(b);
	}
}

/* The format is kept in the store: it must not change without notice. */
static void
the_digest_of_one_is_known(void **state)
{
	uint8_t inner[TRUST_DIGEST], outer[TRUST_DIGEST];
	struct trust *t = load("0");

	(void)state;
	assert_true(X509_digest(roots[0].x509, EVP_sha256(), inner, NULL));
	assert_true(EVP_Digest(inner, sizeof inner, outer, NULL, EVP_sha256(), NULL));
	assert_memory_equal(trust_digest(t), outer, TRUST_DIGEST);
	trust_free(t);
}

static void
failures_name_the_file(void **state)
{
	char path[] = "/tmp/postern-test-trust-XXXXXX", error[256] = "", start[64];

	(void)state;
	assert_null(trust_load("/nonexistent/ca.pem", error, sizeof error));
	assert_string_equal(error, "/nonexistent/ca.pem: No such file or directory");
	write_bundle(path, "");
	assert_null(trust_load(path, error, sizeof error));
	snprintf(start, sizeof start, "%s: no usable CA certificates: ", path);
	assert_memory_equal(error, start, strlen(start));
	assert_true(strlen(error) > strlen(start));
	assert_null(originator_new(path, TLS1_2_VERSION, error, sizeof error));
	assert_memory_equal(error, start, strlen(start));
	unlink(path);
	trust_free(NULL);
}

static void
an_originator_says_what_it_was_made_of(void **state)
{
	char path[] = "/tmp/postern-test-trust-XXXXXX", error[256] = "";
	struct trust *t = load("12");
	struct originator *o;

	(void)state;
	write_bundle(path, "21");
	o = originator_new(path, TLS1_1_VERSION, error, sizeof error);
	unlink(path);
	assert_non_null(o);
	assert_int_equal(originator_ca_count(o), 2);
	assert_int_equal(originator_min_version(o), TLS1_1_VERSION);
	assert_memory_equal(trust_digest(originator_trust(o)), trust_digest(t), TRUST_DIGEST);
	originator_free(o);
	trust_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_counted_once),
		cmocka_unit_test(the_digest_is_that_of_the_set),
		cmocka_unit_test(the_digest_of_one_is_known),
		cmocka_unit_test(failures_name_the_file),
		cmocka_unit_test(an_originator_says_what_it_was_made_of),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
