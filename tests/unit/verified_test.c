/* verified_test.c - a chain known from before proves what it did, for so long and to whom it did
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "tests/unit/testtlsa.h"
#include "tests/unit/testtrust.h"
#include "tls/evidence.h"
#include "tls/trust.h"
#include "tls/verified.h"

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

/* The clock may go on while a chain is looked at; what was made later than now is not known. */
static time_t
soon(void)
{
	return time(NULL) + 5;
}

/* What the memory gives for a chain as a handshake would show it; from `o` and the rest. */
static struct evidence *
collect(struct verified *v, struct originator *o, const struct testca_cert *leaf,
    const struct testca_cert *sent, const struct tlsa_set *tlsa, time_t now)
{
	const struct trust *trust = originator_trust(o);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct evidence *e;

	assert_true(ctx && chain && sk_X509_push(chain, leaf->x509));
	if (sent)
		assert_true(sk_X509_push(chain, sent->x509));
	assert_true(X509_STORE_CTX_init(ctx, trust_store(trust), leaf->x509, chain));
	assert_true(X509_STORE_CTX_set_default(ctx, "ssl_server"));
	e = verified_collect(v, ctx, trust_dane(trust), tlsa, now);
	assert_non_null(e);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(chain);
	return e;
}

/* The same evidence, and not only equal evidence, shows that nothing was looked at again. */
static bool
is_known(struct verified *v, struct originator *o, const struct testca_cert *leaf,
    const struct testca_cert *sent, const struct tlsa_set *tlsa, time_t now)
{
	struct evidence *first = collect(v, o, leaf, sent, tlsa, now);
	struct evidence *second = collect(v, o, leaf, sent, tlsa, now);
	bool same = first == second;

	evidence_release(first);
	evidence_release(second);
	return same;
}

static void
assert_chain(struct evidence *e, time_t now, enum proof_chain chain, enum proof_dane dane)
{
	struct proof p = { 0 };

	assert_true(evidence_fill(e, now, &p));
	assert_int_equal(p.chain, chain);
	assert_int_equal(p.dane, dane);
	proof_clear(&p);
}

/* By what a chain stands, and whether it is remembered. */
static const struct memorable {
	const char *title;
	struct testca_spec spec;
	const struct testca_cert *sent;
	int usage;			/* of a TLSA record; -1: no set. 3: the leaf, 2: what is sent */
	bool kept;
} memorable[] = {
	{ "a CA", { .issuer = &ca.root, .dns = HOST }, NULL, -1, true },
	{ "an intermediate", { .issuer = &ca.middle, .dns = HOST }, &ca.middle, -1, true },
	{ "a record for a stranger", { .issuer = &ca.stranger, .dns = HOST }, &ca.stranger, 2,
	    true },
	{ "a record for the leaf", { .dns = HOST }, NULL, 3, true },
	{ "a CA and a record", { .issuer = &ca.middle, .dns = HOST }, &ca.middle, 3, true },
	{ "nobody", { .issuer = &ca.stranger, .dns = HOST }, &ca.stranger, -1, false },
	{ "expired", { .issuer = &ca.root, .dns = HOST, .from_days = -9, .until_days = -1 }, NULL,
	    -1, false },
	{ "not yet valid", { .issuer = &ca.root, .dns = HOST, .from_days = 1, .until_days = 9 },
	    NULL, -1, false },
	{ "not yet valid, with a record", { .issuer = &ca.root, .dns = HOST, .from_days = 1,
	    .until_days = 9 }, NULL, 3, false },
	{ "for clients", { .issuer = &ca.root, .dns = HOST, .client_only = true }, NULL, -1,
	    false },
	{ "forged", { .issuer = &ca.forger, .dns = HOST }, &ca.old_middle, -1, false },
};

static void
what_stands_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof memorable / sizeof *memorable; i++) {
		const struct memorable *m = &memorable[i];
		struct testca_cert leaf = testca_issue(&m->spec);
		struct verified *v = verified_new();
		struct testtlsa t;

		print_message("# %s\n", m->title);
		testtlsa_open(&t, HOST);
		if (m->usage >= 0)
			testtlsa_add(&t, (uint8_t)m->usage, 1, 1,
			    m->usage == 3 ? leaf.x509 : m->sent->x509);
		assert_int_equal(is_known(v, ca.trusting, &leaf, m->sent,
		    m->usage < 0 ? NULL : &t.set, soon()), m->kept);
		assert_int_equal(verified_count(v), m->kept);
		verified_free(v);
		testtlsa_free(&t);
		testca_free(&leaf);
	}
}

/* Another set of records, none, the same again: each has its own proof. */
static void
a_set_of_records_counts_for_itself(void **state)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &ca.stranger,
	    .dns = HOST });
	struct verified *v = verified_new();
	struct testtlsa right, wrong;
	struct evidence *e, *again;
	time_t now = soon();

	(void)state;
	testtlsa_open(&right, HOST);
	testtlsa_add(&right, 3, 1, 1, leaf.x509);
	testtlsa_open(&wrong, HOST);
	testtlsa_add(&wrong, 3, 1, 1, ca.root.x509);
	e = collect(v, ca.trusting, &leaf, NULL, &right.set, now);
	assert_chain(e, now, CHAIN_UNTRUSTED, PROOF_DANE_EE);
	again = collect(v, ca.trusting, &leaf, NULL, &wrong.set, now);
	assert_chain(again, now, CHAIN_UNTRUSTED, PROOF_DANE_UNMATCHED);
	evidence_release(again);
	again = collect(v, ca.trusting, &leaf, NULL, NULL, now);
	assert_chain(again, now, CHAIN_UNTRUSTED, PROOF_DANE_NOT_ASKED);
	evidence_release(again);
	assert_int_equal(verified_count(v), 1);
	again = collect(v, ca.trusting, &leaf, NULL, &right.set, now);
	assert_ptr_equal(again, e);
	evidence_release(again);
	evidence_release(e);
	verified_free(v);
	testtlsa_free(&right);
	testtlsa_free(&wrong);
	testca_free(&leaf);
}

/* An octet more or less in what was sent is another chain. */
static void
another_chain_is_another(void **state)
{
	struct testca_spec spec = { .issuer = &ca.middle, .dns = HOST };
	struct testca_cert leaf = testca_issue(&spec), twin = testca_issue(&spec);
	struct verified *v = verified_new();
	time_t now = soon();
	struct evidence *e = collect(v, ca.trusting, &leaf, &ca.middle, NULL, now), *other;

	(void)state;
	other = collect(v, ca.trusting, &twin, &ca.middle, NULL, now);
	assert_ptr_not_equal(e, other);
	evidence_release(other);
	other = collect(v, ca.trusting, &leaf, &ca.root, NULL, now);
	assert_chain(other, now, CHAIN_UNTRUSTED, PROOF_DANE_NOT_ASKED);
	evidence_release(other);
	other = collect(v, ca.trusting, &leaf, NULL, NULL, now);
	assert_chain(other, now, CHAIN_UNTRUSTED, PROOF_DANE_NOT_ASKED);
	evidence_release(other);
	assert_int_equal(verified_count(v), 2);
	evidence_release(e);
	verified_free(v);
	testca_free(&leaf);
	testca_free(&twin);
}

static void
it_ages(void **state)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST });
	struct testca_cert brief = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST, .until_seconds = 600 });
	struct verified *v = verified_new();
	time_t now = time(NULL);

	(void)state;
	assert_true(is_known(v, ca.trusting, &leaf, NULL, NULL, now + VERIFIED_AGE_MAX - 9));
	assert_false(is_known(v, ca.trusting, &leaf, NULL, NULL, now + VERIFIED_AGE_MAX + 9));
	assert_false(is_known(v, ca.trusting, &leaf, NULL, NULL, now - 60));	/* set back */
	assert_true(is_known(v, ca.trusting, &leaf, NULL, NULL, now + 9));
	assert_true(is_known(v, ca.trusting, &brief, NULL, NULL, now + 500));
	assert_false(is_known(v, ca.trusting, &brief, NULL, NULL, now + 700));
	verified_free(v);
	testca_free(&leaf);
	testca_free(&brief);
}

/* Whoever shows one chain after the other: the newest are there, and no more than fit. */
static void
it_is_bounded(void **state)
{
	struct testca_spec spec = { .issuer = &ca.root, .dns = HOST };
	struct testca_cert vast;
	static char names[9000];
	struct verified *v = verified_new();

	(void)state;
	for (size_t i = 0; i < VERIFIED_MAX + VERIFIED_MAX / 2; i++) {
		struct testca_cert leaf = testca_issue(&spec);

		assert_true(is_known(v, ca.trusting, &leaf, NULL, NULL, soon()));
		assert_true(verified_count(v) <= VERIFIED_MAX);
		testca_free(&leaf);
	}
	assert_true(verified_count(v) > VERIFIED_MAX / 2);
	for (size_t at = 0; at + 40 < sizeof names; )
		at += (size_t)sprintf(names + at, "%sn%zu.rather-long-name.example",
		    at ? "," : "", at);
	vast = testca_issue(&(struct testca_spec){ .issuer = &ca.root, .dns = names });
	assert_false(is_known(v, ca.trusting, &vast, NULL, NULL, soon()));
	verified_free(v);
	testca_free(&vast);
}

/* A session of ours to a server; what it proved. */
static void
visit(struct originator *o, SSL_CTX *server, bool proven, const struct tlsa_set *tlsa,
    struct proof *out)
{
	static int number;
	struct tlspair p;
	char key[16];

	snprintf(key, sizeof key, "%d", number++);	/* so that none is resumed */
	assert_int_equal(tlspair_originate_tlsa(&p, o, server, HOST, key, proven, tlsa),
	    STREAM_OK);
	originate_proof(p.stream, out);
	assert_false(out->resumed);
	tlspair_close(&p);
}

/* Two workers with two bundles: what one knows is nothing to the other. */
static void
another_bundle_starts_empty(void **state)
{
	struct originator *other = tlspair_originator(&ca.stranger, TLS1_2_VERSION);
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST });
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct originator *ours = tlspair_originator(&ca.root, TLS1_2_VERSION);
	struct proof p = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		visit(ours, server, true, NULL, &p);
		assert_int_equal(p.chain, CHAIN_TRUSTED);
		assert_int_equal(verified_count(originator_verified(ours)), 1);
		visit(other, server, true, NULL, &p);
		assert_int_equal(p.chain, CHAIN_UNTRUSTED);
		assert_int_equal(verified_count(originator_verified(other)), 0);
	}
	proof_clear(&p);
	originator_free(ours);
	originator_free(other);
	SSL_CTX_free(server);
	testca_free(&leaf);
}

/* The public half of one key with the private one of another: fit to be shown beside a certificate
 * by somebody who has but the certificate. */
static EVP_PKEY *
false_key(const EVP_PKEY *public, const EVP_PKEY *private)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *params = OSSL_PARAM_BLD_new();
	unsigned char point[128];
	BIGNUM *number = NULL;
	EVP_PKEY *key = NULL;
	OSSL_PARAM *list;
	size_t len;

	assert_true(EVP_PKEY_get_octet_string_param(public, OSSL_PKEY_PARAM_PUB_KEY, point,
	    sizeof point, &len));
	assert_true(EVP_PKEY_get_bn_param(private, OSSL_PKEY_PARAM_PRIV_KEY, &number));
	assert_true(OSSL_PARAM_BLD_push_utf8_string(params, OSSL_PKEY_PARAM_GROUP_NAME, "P-256",
	    0));
	assert_true(OSSL_PARAM_BLD_push_octet_string(params, OSSL_PKEY_PARAM_PUB_KEY, point, len));
	assert_true(OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_PRIV_KEY, number));
	list = OSSL_PARAM_BLD_to_param(params);
	assert_true(EVP_PKEY_fromdata_init(ctx) > 0 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, list) > 0);
	OSSL_PARAM_free(list);
	OSSL_PARAM_BLD_free(params);
	BN_free(number);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A known chain is no known peer: who has the certificates and not the key gets nowhere. */
static void
the_key_is_asked_for_each_time(void **state)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST }), thief = testca_issue(&(struct testca_spec){ .dns = HOST });
	struct testca_cert stolen = { leaf.x509, false_key(leaf.key, thief.key) };
	SSL_CTX *server = testca_server(&leaf, NULL), *impostor = testca_server(&stolen, NULL);
	struct originator *o = tlspair_originator(&ca.root, TLS1_2_VERSION);
	struct proof p = { 0 };
	struct tlspair pair;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX_set_max_proto_version(server, version);
		SSL_CTX_set_max_proto_version(impostor, version);
		visit(o, server, true, NULL, &p);
		assert_int_equal(p.chain, CHAIN_TRUSTED);
		assert_int_equal(verified_count(originator_verified(o)), 1);
		assert_int_equal(tlspair_originate(&pair, o, impostor, HOST, "thief", true),
		    STREAM_FAILED);
		originate_proof(pair.stream, &p);
		assert_int_equal(p.state, PROOF_HANDSHAKE_FAILED);
		tlspair_close(&pair);
	}
	proof_clear(&p);
	originator_free(o);
	SSL_CTX_free(server);
	SSL_CTX_free(impostor);
	EVP_PKEY_free(stolen.key);
	testca_free(&leaf);
	testca_free(&thief);
}

/* R38: a session too weak to count takes nothing from the one that does, and gives it nothing. */
static void
a_weak_session_weakens_itself_alone(void **state)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST, .rsa_bits = 2048 });
	SSL_CTX *weak = testca_server(&leaf, NULL), *strong = testca_server(&leaf, NULL);
	struct originator *o = tlspair_originator(&ca.root, TLS1_VERSION);
	struct testtlsa t;
	struct proof p = { 0 };

	(void)state;
	SSL_CTX_set_max_proto_version(weak, TLS1_1_VERSION);
	testtlsa_open(&t, HOST);
	testtlsa_add(&t, 3, 1, 1, leaf.x509);
	for (int i = 0; i < 3; i++) {
		visit(o, weak, false, &t.set, &p);
		assert_int_equal(p.chain, CHAIN_INVALID);
		assert_int_equal(p.dane, PROOF_DANE_INVALID);
		assert_string_equal(p.detail, "TLS version below 1.2");
		visit(o, strong, false, &t.set, &p);
		assert_int_equal(p.chain, CHAIN_TRUSTED);
		assert_int_equal(p.dane, PROOF_DANE_EE);
		visit(o, strong, true, &t.set, &p);
		assert_int_equal(p.chain, CHAIN_TRUSTED);
		assert_int_equal(verified_count(originator_verified(o)), 1);
	}
	proof_clear(&p);
	originator_free(o);
	testtlsa_free(&t);
	SSL_CTX_free(weak);
	SSL_CTX_free(strong);
	testca_free(&leaf);
}

/* The session that a weak one leaves behind is as weak, though the chain was known before. */
static void
a_weak_session_stays_weak_when_resumed(void **state)
{
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .issuer = &ca.root,
	    .dns = HOST, .rsa_bits = 2048 });
	SSL_CTX *weak = testca_server(&leaf, NULL), *strong = testca_server(&leaf, NULL);
	struct originator *o = tlspair_originator(&ca.root, TLS1_VERSION);
	struct proof p = { 0 };
	struct tlspair pair;

	(void)state;
	SSL_CTX_set_max_proto_version(weak, TLS1_1_VERSION);
	visit(o, strong, true, NULL, &p);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tlspair_originate(&pair, o, weak, HOST, "k", false), STREAM_OK);
		originate_proof(pair.stream, &p);
		assert_int_equal(p.resumed, i);
		assert_int_equal(p.chain, CHAIN_INVALID);
		tlspair_close(&pair);
	}
	proof_clear(&p);
	originator_free(o);
	SSL_CTX_free(weak);
	SSL_CTX_free(strong);
	testca_free(&leaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_is_kept),
		cmocka_unit_test(a_set_of_records_counts_for_itself),
		cmocka_unit_test(another_chain_is_another),
		cmocka_unit_test(it_ages),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(another_bundle_starts_empty),
		cmocka_unit_test(the_key_is_asked_for_each_time),
		cmocka_unit_test(a_weak_session_weakens_itself_alone),
		cmocka_unit_test(a_weak_session_stays_weak_when_resumed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
