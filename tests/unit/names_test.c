/* names_test.c - which presented names stand for which host
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/names.h"

#define N(s) (s), sizeof(s) - 1

struct row {
	const char *presented;
	size_t len;
	const char *reference;
	bool match, below;
};

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static const struct row rows[] = {
	/* R132: label by label, case ignored */
	{ N("mx.example.org"), "mx.example.org", true, true },
	{ N("MX.Example.ORG"), "mx.eXample.org", true, true },
	{ N("mx.example.org"), "mx2.example.org", false, false },
	{ N("mx.example.org"), "example.org", false, true },
	{ N("example.org"), "mx.example.org", false, false },
	{ N("a.mx.example.org"), "example.org", false, false },
	{ N("notexample.org"), "example.org", false, false },
	{ N("xn--bcher-kva.example"), "XN--bcher-kva.example", true, true },
	{ N("b\xc3\xbc""cher.example"), "b\xc3\xbc""cher.example", false, false },
	{ N("localhost"), "localhost", true, true },
	/* R133: the wildcard, whole and left-most, for one label */
	{ N("*.example.org"), "mx.example.org", true, true },
	{ N("*.EXAMPLE.org"), "mx.example.org", true, true },
	{ N("*.example.org"), "xn--bcher-kva.example.org", true, true },
	{ N("*.example.org"), "example.org", false, true },
	{ N("*.example.org"), "a.mx.example.org", false, false },
	{ N("*.*.org"), "mx.example.org", false, false },
	{ N("mx.*.org"), "mx.example.org", false, false },
	{ N("m*.example.org"), "mx.example.org", false, false },
	{ N("*x.example.org"), "mx.example.org", false, false },
	{ N("**.example.org"), "mx.example.org", false, false },
	{ N("*.org"), "example.org", false, false },
	{ N("*.org"), "org", false, false },
	{ N("*"), "org", false, false },
	{ N("*."), "org", false, false },
	{ N("*.example.org"), "*.example.org", false, false },
	{ N("*.mx.example.org"), "example.org", false, false },
	/* NUL, dots, and other things that are no host name */
	{ N("mx.example.org\0.evil.example"), "mx.example.org", false, false },
	{ N("mx.example.org\0"), "mx.example.org", false, false },
	{ N("\0mx.example.org"), "mx.example.org", false, false },
	{ N("mx\0x.example.org"), "example.org", false, false },
	{ N("mx.example.org."), "mx.example.org", false, false },
	{ N("mx.example.org."), "mx.example.org.", false, false },
	{ N(".example.org"), ".example.org", false, false },
	{ N(".example.org"), "example.org", false, false },
	{ N("mx.example.org"), ".example.org", false, false },
	{ N("mx..example.org"), "mx..example.org", false, false },
	{ N("mx_1.example.org"), "mx_1.example.org", false, false },
	{ N("mx_1.example.org"), "example.org", false, false },
	{ N("-mx.example.org"), "-mx.example.org", false, false },
	{ N("mx-.example.org"), "example.org", false, false },
	{ N(" mx.example.org"), "mx.example.org", false, false },
	{ N(""), "", false, false },
	{ N(""), "example.org", false, false },
	{ N("."), ".", false, false },
	{ N(L63 ".example.org"), L63 ".example.org", true, true },
	{ N(L63 "x.example.org"), L63 "x.example.org", false, false },
	{ N(L63 "." L63 "." L63 "." L63), L63 "." L63 "." L63 "." L63, false, false },
	/* R134: an address is no DNS-ID */
	{ N("192.0.2.1"), "192.0.2.1", false, false },
	{ N("*.0.2.1"), "192.0.2.1", false, false },
	{ N("1.example"), "1.example", true, true },
};

static void
names_follow_rfc9525(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];

		if (names_match(r->presented, r->len, r->reference) != r->match ||
		    names_match_below(r->presented, r->len, r->reference) != r->below)
			fail_msg("row %zu: %s for %s", i, r->presented, r->reference);
	}
}

/* R130, R19: only DNS-IDs count. */
static void
common_names_never_count(void **state)
{
	static const struct {
		const char *cn, *dns;
		bool match;
	} certs[] = {
		{ "mx.example.org", NULL, false },
		{ "mx.example.org", "other.example.org", false },
		{ "other.example.org", "mx.example.org", true },
		{ NULL, "a.example,*.example.org", true },
		{ NULL, "mx.example.org!.evil.example", false },
		{ NULL, "a!b.example,mx.example.org", true },
		{ NULL, "m*.example.org", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof certs / sizeof *certs; i++) {
		struct testca_cert c = testca_issue(&(struct testca_spec){
		    .cn = certs[i].cn, .dns = certs[i].dns });

		if (names_certificate(c.x509, "mx.example.org") != certs[i].match)
			fail_msg("certificate %zu", i);
		testca_free(&c);
	}
}

/* Two extensions of the same kind are forbidden by RFC 5280 4.2; neither counts. */
static void
a_second_san_spoils_both(void **state)
{
	struct testca_cert c = testca_issue(&(struct testca_spec){ .dns = "mx.example.org" });

	(void)state;
	assert_true(names_certificate(c.x509, "mx.example.org"));
	testca_names(c.x509, "mx.example.org");
	assert_false(names_certificate(c.x509, "mx.example.org"));
	testca_free(&c);
}

/* The client of a policy fetch: what names_require makes of a handshake. */
static bool
fetch_accepts(const struct testca_cert *trusted, const struct testca_cert *leaf, const char *host,
    long *fault)
{
	SSL_CTX *client = SSL_CTX_new(TLS_client_method()), *server = testca_server(leaf, NULL);
	SSL *c, *s;
	BIO *a, *b;
	bool ok = false;

	SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
	assert_true(X509_STORE_add_cert(SSL_CTX_get_cert_store(client), trusted->x509));
	assert_true(names_require(client, host));
	c = SSL_new(client);
	s = SSL_new(server);
	assert_true(BIO_new_bio_pair(&a, 0, &b, 0));
	SSL_set_bio(c, a, a);
	SSL_set_bio(s, b, b);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	for (int i = 0; i < 10 && !ok; i++) {
		ok = SSL_do_handshake(c) == 1;
		SSL_do_handshake(s);
	}
	*fault = SSL_get_verify_result(c);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	ERR_clear_error();
	return ok;
}

/* R19: chain and name both, whatever else the owner of the context asked for. */
static void
a_policy_host_must_prove_its_name(void **state)
{
	struct testca_cert ca = testca_root("Test CA"), stranger = testca_root("Strange CA");
	struct testca_cert good = testca_issue(&(struct testca_spec){ .issuer = &ca,
	    .dns = "mta-sts.example.org" });
	struct testca_cert cn_only = testca_issue(&(struct testca_spec){ .issuer = &ca,
	    .cn = "mta-sts.example.org" });
	struct testca_cert old = testca_issue(&(struct testca_spec){ .issuer = &ca,
	    .dns = "mta-sts.example.org", .from_days = -30, .until_days = -1 });
	long fault;

	(void)state;
	assert_true(fetch_accepts(&ca, &good, "mta-sts.example.org", &fault));
	assert_int_equal(fault, X509_V_OK);
	assert_false(fetch_accepts(&ca, &good, "mta-sts.example.com", &fault));
	assert_int_equal(fault, X509_V_ERR_HOSTNAME_MISMATCH);
	assert_false(fetch_accepts(&ca, &cn_only, "mta-sts.example.org", &fault));
	assert_int_equal(fault, X509_V_ERR_HOSTNAME_MISMATCH);
	assert_false(fetch_accepts(&stranger, &good, "mta-sts.example.org", &fault));
	assert_int_equal(fault, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_false(fetch_accepts(&ca, &old, "mta-sts.example.org", &fault));
	assert_int_equal(fault, X509_V_ERR_CERT_HAS_EXPIRED);
	testca_free(&ca);
	testca_free(&stranger);
	testca_free(&good);
	testca_free(&cn_only);
	testca_free(&old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_rfc9525),
		cmocka_unit_test(common_names_never_count),
		cmocka_unit_test(a_second_san_spoils_both),
		cmocka_unit_test(a_policy_host_must_prove_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
