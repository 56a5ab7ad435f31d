/* originate_test.c - what is recorded of a server's certificate, and which handshakes fail
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testtrust.h"

#define HOST "mx.example.org"

static struct testtrust ca;

static int
setup(void **state)
{
	(void)state;
	testtrust_make(&ca);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testtrust_free(&ca);
	return 0;
}

/* R28, R30: each fault alone, and the honest chain beside them. */
static const struct leaf {
	const char *title;
	struct testca_spec spec;
	const struct testca_cert *sent;		/* the intermediate */
	enum proof_chain chain;
	bool named;
	const char *detail;
} leaves[] = {
	{ "honest", { .issuer = &ca.root, .dns = HOST }, NULL, CHAIN_TRUSTED, true, "" },
	{ "by an intermediate", { .issuer = &ca.middle, .dns = HOST }, &ca.middle, CHAIN_TRUSTED,
	    true, "" },
	{ "wildcard", { .issuer = &ca.root, .dns = "*.example.org" }, NULL, CHAIN_TRUSTED, true,
	    "" },
	{ "rsa", { .issuer = &ca.root, .dns = HOST, .rsa_bits = 2048 }, NULL, CHAIN_TRUSTED, true,
	    "" },
	{ "wrong name", { .issuer = &ca.root, .dns = "mx.example.com" }, NULL, CHAIN_TRUSTED, false,
	    "" },
	{ "common name only", { .issuer = &ca.root, .cn = HOST }, NULL, CHAIN_TRUSTED, false, "" },
	{ "partial wildcard", { .issuer = &ca.root, .dns = "m*.example.org" }, NULL, CHAIN_TRUSTED,
	    false, "" },
	{ "NUL in the name", { .issuer = &ca.root, .dns = HOST "!.evil.example" }, NULL,
	    CHAIN_TRUSTED, false, "" },
	{ "expired", { .issuer = &ca.root, .dns = HOST, .from_days = -9, .until_days = -1 }, NULL,
	    CHAIN_EXPIRED, true, "certificate has expired" },
	{ "not yet valid", { .issuer = &ca.root, .dns = HOST, .from_days = 1, .until_days = 9 },
	    NULL, CHAIN_EXPIRED, true, "certificate is not yet valid" },
	{ "intermediate expired", { .issuer = &ca.old_middle, .dns = HOST }, &ca.old_middle,
	    CHAIN_EXPIRED, true, "certificate has expired" },
	{ "missing intermediate", { .issuer = &ca.middle, .dns = HOST }, NULL, CHAIN_UNTRUSTED,
	    true, "unable to get local issuer certificate" },
	{ "unknown root", { .issuer = &ca.stranger, .dns = HOST }, &ca.stranger, CHAIN_UNTRUSTED,
	    true, "self-signed certificate in certificate chain" },
	{ "self-signed", { .dns = HOST }, NULL, CHAIN_UNTRUSTED, true, "self-signed certificate" },
	{ "self-signed and expired", { .dns = HOST, .from_days = -9, .until_days = -1 }, NULL,
	    CHAIN_UNTRUSTED, true, "self-signed certificate" },
	{ "for clients", { .issuer = &ca.root, .dns = HOST, .client_only = true }, NULL,
	    CHAIN_INVALID, true, "unsuitable certificate purpose" },
	{ "for clients and expired", { .issuer = &ca.root, .dns = HOST, .client_only = true,
	    .from_days = -9, .until_days = -1 }, NULL, CHAIN_INVALID, true,
	    "unsuitable certificate purpose" },
	{ "self-signed for clients", { .dns = HOST, .client_only = true }, NULL, CHAIN_UNTRUSTED,
	    true, "self-signed certificate" },
	{ "forged, by an expired intermediate", { .issuer = &ca.forger, .dns = HOST },
	    &ca.old_middle, CHAIN_INVALID, true, "certificate signature failure" },
	{ "weak key", { .issuer = &ca.root, .dns = HOST, .rsa_bits = 1024 }, NULL, CHAIN_INVALID,
	    true, "EE certificate key too weak" },
};

static void
check_leaf(const struct leaf *l, int version, bool proven)
{
	struct testca_cert cert = testca_issue(&l->spec);
	SSL_CTX *server = testca_server(&cert, l->sent);
	struct tlspair p;
	struct proof proof = { 0 };
	unsigned char digest[32];

	SSL_CTX_set_max_proto_version(server, version);
	assert_int_equal(tlspair_originate(&p, ca.trusting, server, HOST, "", proven), STREAM_OK);
	originate_proof(p.stream, &proof);
	assert_int_equal(proof.state, PROOF_TLS);
	assert_int_equal(proof.chain, l->chain);
	assert_string_equal(proof.detail, l->detail);
	assert_int_equal(proof_names_host(&proof, HOST), l->named);
	assert_string_equal(proof.sni, HOST);
	assert_string_equal(SSL_get_servername(p.peer, TLSEXT_NAMETYPE_host_name), HOST);
	assert_string_equal(proof.version, version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
	assert_string_equal(proof.cipher, SSL_get_cipher_name(p.peer));
	assert_false(proof.resumed);
	assert_int_equal(proof.chain_len, l->sent ? 2 : 1);
	assert_true(X509_digest(cert.x509, EVP_sha256(), digest, NULL));
	assert_memory_equal(proof.chain_sha256[0], digest, 32);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert.x509), proof.not_after), 0);
	proof_clear(&proof);
	tlspair_close(&p);
	tlspair_forget(ca.trusting, HOST, "");
	SSL_CTX_free(server);
	testca_free(&cert);
}

static void
every_chain_is_recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
		print_message("# %s\n", leaves[i].title);
		check_leaf(&leaves[i], TLS1_3_VERSION, true);
		check_leaf(&leaves[i], TLS1_2_VERSION, true);
		check_leaf(&leaves[i], TLS1_3_VERSION, false);
	}
}

/* A leaf that signed another certificate: no CA, so the chain is worth nothing. */
static void
a_leaf_may_not_issue(void **state)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .cn = "A Leaf", .dns = "evil.example" });
	struct testca_cert child = testca_issue(&(struct testca_spec){ .issuer = &leaf,
	    .dns = HOST });
	SSL_CTX *server = testca_server(&child, &leaf);
	struct tlspair p;
	struct proof proof = { 0 };

	(void)state;
	assert_int_equal(tlspair_originate(&p, ca.trusting, server, HOST, "", true), STREAM_OK);
	originate_proof(p.stream, &proof);
	assert_int_not_equal(proof.chain, CHAIN_TRUSTED);
	assert_int_not_equal(proof.chain, CHAIN_EXPIRED);
	proof_clear(&proof);
	tlspair_close(&p);
	SSL_CTX_free(server);
	testca_free(&leaf);
	testca_free(&child);
}

/* What the server allows, and what comes of it with and without demand of proof. */
static const struct offer {
	const char *title;
	int version;
	const char *ciphers, *sigalgs, *dh;
	int rsa_bits;
	bool no_certificate;
	enum stream_result proven;
	enum stream_result other;	/* with min_version TLS 1.0 */
	enum proof_chain chain;
} offers[] = {
	{ "TLS 1.3", TLS1_3_VERSION, NULL, NULL, NULL, 2048, false, STREAM_OK, STREAM_OK,
	    CHAIN_TRUSTED },
	{ "TLS 1.2", TLS1_2_VERSION, NULL, NULL, NULL, 2048, false, STREAM_OK, STREAM_OK,
	    CHAIN_TRUSTED },
	{ "RSA key transport", TLS1_2_VERSION, "AES128-SHA", NULL, NULL, 2048, false, STREAM_OK,
	    STREAM_OK, CHAIN_TRUSTED },
	{ "TLS 1.1", TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL, NULL, 2048, false, STREAM_FAILED,
	    STREAM_OK, CHAIN_INVALID },
	{ "TLS 1.0", TLS1_VERSION, "ALL:@SECLEVEL=0", NULL, NULL, 2048, false, STREAM_FAILED,
	    STREAM_OK, CHAIN_INVALID },
	{ "anonymous", TLS1_2_VERSION, "aNULL:@SECLEVEL=0", NULL, NULL, 2048, true, STREAM_FAILED,
	    STREAM_FAILED, CHAIN_NONE },
	{ "no encryption", TLS1_2_VERSION, "eNULL:@SECLEVEL=0", NULL, NULL, 2048, false,
	    STREAM_FAILED, STREAM_FAILED, CHAIN_NONE },
	{ "signed with SHA-1", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
	    "RSA+SHA1", NULL, 2048, false, STREAM_FAILED, STREAM_OK, CHAIN_INVALID },
	{ "weak DH", TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", NULL, "modp_1536",
	    2048, false, STREAM_FAILED, STREAM_OK, CHAIN_INVALID },
	{ "DH of 2048 bits", TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", NULL, "modp_2048", 2048,
	    false, STREAM_OK, STREAM_OK, CHAIN_TRUSTED },
	{ "weak certificate", TLS1_2_VERSION, NULL, NULL, NULL, 1024, false, STREAM_OK, STREAM_OK,
	    CHAIN_INVALID },
};

static void
check_offer(const struct offer *f, bool proven)
{
	struct testca_cert cert = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST, .rsa_bits = f->rsa_bits });
	SSL_CTX *server = testca_server(f->no_certificate ? NULL : &cert, NULL);
	enum stream_result expected = proven ? f->proven : f->other;
	struct tlspair p;
	struct proof proof = { 0 };

	SSL_CTX_set_max_proto_version(server, f->version);
	if (f->dh)
		testca_dh(server, f->dh);
	if (f->ciphers)
		assert_true(SSL_CTX_set_cipher_list(server, f->ciphers));
	if (f->sigalgs)
		assert_true(SSL_CTX_set1_sigalgs_list(server, f->sigalgs));
	assert_int_equal(tlspair_originate(&p, ca.trusting_old, server, HOST, "", proven),
	    expected);
	originate_proof(p.stream, &proof);
	assert_int_equal(proof.state, expected == STREAM_OK ? PROOF_TLS : PROOF_HANDSHAKE_FAILED);
	assert_int_equal(proof.chain, expected == STREAM_OK ? f->chain : CHAIN_NONE);
	if (expected != STREAM_OK) {
		assert_int_not_equal(proof.detail[0], '\0');
		assert_string_equal(proof.detail, stream_error(p.stream));
		assert_int_equal(stream_handshake(p.stream), expected);
	}
	print_message("#   %s: %s %s %s\n", proven ? "proven" : "other", proof.version,
	    proof_chain_name(proof.chain), proof.detail);
	proof_clear(&proof);
	tlspair_close(&p);
	tlspair_forget(ca.trusting_old, HOST, "");
	SSL_CTX_free(server);
	testca_free(&cert);
}

/* R38, R111, and THREATS: old versions, anonymous suites, weak groups. */
static void
weak_sessions_prove_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
		print_message("# %s\n", offers[i].title);
		check_offer(&offers[i], true);
		check_offer(&offers[i], false);
	}
}

static void
min_version_holds_without_demand_too(void **state)
{
	struct testca_cert cert = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST });
	SSL_CTX *server = testca_server(&cert, NULL);
	struct tlspair p;

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_1_VERSION);
	assert_int_equal(tlspair_originate(&p, ca.trusting, server, "", "", false), STREAM_FAILED);
	tlspair_close(&p);
	assert_int_equal(tlspair_originate(&p, ca.trusting_old, server, "", "", false), STREAM_OK);
	assert_null(SSL_get_servername(p.peer, TLSEXT_NAMETYPE_host_name));
	tlspair_close(&p);
	SSL_CTX_free(server);
	testca_free(&cert);
}

static enum stream_result
handshake_with_chain(int extra, const char *dns, char detail[96], size_t *names)
{
	struct testca_cert cert = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = dns });
	SSL_CTX *server = testca_server(&cert, NULL);
	struct tlspair p;
	struct proof proof = { 0 };
	enum stream_result r;

	SSL_CTX_set_max_cert_list(server, 1 << 20);
	for (int i = 0; i < extra; i++)
		assert_true(SSL_CTX_add1_chain_cert(server, ca.middle.x509));
	r = tlspair_originate(&p, ca.trusting, server, HOST, "", true);
	originate_proof(p.stream, &proof);
	snprintf(detail, 96, "%s", proof.detail);
	*names = proof.names_len;
	proof_clear(&proof);
	tlspair_close(&p);
	tlspair_forget(ca.trusting, HOST, "");
	SSL_CTX_free(server);
	testca_free(&cert);
	return r;
}

static void
giant_chains_fail(void **state)
{
	static char many[8000 * 16];
	char detail[96];
	size_t names, len = 0;

	(void)state;
	assert_int_equal(handshake_with_chain(11, HOST, detail, &names), STREAM_OK);
	assert_string_equal(detail, "");
	assert_int_equal(handshake_with_chain(12, HOST, detail, &names), STREAM_FAILED);
	assert_string_equal(detail, "certificate chain too long");
	for (int i = 0; i < 300; i++)
		len += (size_t)sprintf(many + len, "a%d.example,", i);
	strcpy(many + len, HOST);
	assert_int_equal(handshake_with_chain(0, many, detail, &names), STREAM_OK);
	assert_int_equal(names, PROOF_NAMES_MAX);
	for (int i = 300; i < 8000; i++)
		len += (size_t)sprintf(many + len, "a%d.example,", i);
	strcpy(many + len, HOST);
	assert_int_equal(handshake_with_chain(0, many, detail, &names), STREAM_FAILED);
	assert_string_equal(detail, "excessive message size");
}

static void
a_subject_is_one_printable_line(void **state)
{
	struct testca_cert cert = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .cn = "b\xc3\xbc\n\x1b[2J", .dns = HOST });
	SSL_CTX *server = testca_server(&cert, NULL);
	struct tlspair p;
	struct proof proof = { 0 };

	(void)state;
	assert_int_equal(tlspair_originate(&p, ca.trusting, server, HOST, "", true), STREAM_OK);
	originate_proof(p.stream, &proof);
	assert_string_equal(proof.subject, "CN=b\\C3\\BC\\0A\\1B[2J");
	assert_string_equal(proof.issuer, "CN=Test Root");
	proof_clear(&proof);
	tlspair_close(&p);
	SSL_CTX_free(server);
	testca_free(&cert);
}

static void
a_ca_file_must_hold_certificates(void **state)
{
	char path[] = "/tmp/postern-test-ca-XXXXXX", error[256] = "";
	int fd = mkstemp(path);
	struct originator *o;

	(void)state;
	assert_null(originator_new("/nonexistent/ca.pem", TLS1_2_VERSION, error, sizeof error));
	assert_string_equal(error, "/nonexistent/ca.pem: No such file or directory");
	assert_null(originator_new(path, TLS1_2_VERSION, error, sizeof error));
	assert_non_null(strstr(error, path));
	assert_int_equal(write(fd, "not PEM\n", 8), 8);
	assert_null(originator_new(path, TLS1_2_VERSION, error, sizeof error));
	assert_non_null(strstr(error, "no usable CA certificates"));
	close(fd);
	unlink(path);
	strcpy(path, "/tmp/postern-test-ca-XXXXXX");
	testca_write(path, &ca.root, false);
	o = originator_new(path, TLS1_2_VERSION, error, sizeof error);
	assert_non_null(o);
	assert_int_equal(originator_ca_count(o), 1);
	originator_free(o);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chain_is_recorded),
		cmocka_unit_test(a_leaf_may_not_issue),
		cmocka_unit_test(weak_sessions_prove_nothing),
		cmocka_unit_test(min_version_holds_without_demand_too),
		cmocka_unit_test(giant_chains_fail),
		cmocka_unit_test(a_subject_is_one_printable_line),
		cmocka_unit_test(a_ca_file_must_hold_certificates),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
