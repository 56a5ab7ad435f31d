/* resumed_test.c - a resumed session proves what the full handshake proved, and no more
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tests/unit/testtlsa.h"
#include "tests/unit/tlspair.h"

#define HOST "mx.example.org"

static struct testca_cert root, leaf;

static int
setup(void **state)
{
	(void)state;
	root = testca_root("Test Root");
	leaf = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = HOST });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&root);
	testca_free(&leaf);
	return 0;
}

/* One session from handshake to close_notify; its proof is the caller's. */
static void
session_under(struct originator *o, SSL_CTX *server, const char *sni, const char *key, bool proven,
    const struct tlsa_set *tlsa, struct proof *proof)
{
	struct tlspair p;

	assert_int_equal(tlspair_originate_tlsa(&p, o, server, sni, key, proven, tlsa), STREAM_OK);
	assert_int_equal(tlspair_settle(&p), STREAM_WANT_READ);
	originate_proof(p.stream, proof);
	assert_int_equal(proof->state, PROOF_TLS);
	assert_int_equal(proof->resumed, SSL_session_reused(p.peer));
	tlspair_close(&p);
}

static void
session(struct originator *o, SSL_CTX *server, const char *sni, const char *key, bool proven,
    struct proof *proof)
{
	session_under(o, server, sni, key, proven, NULL, proof);
}

static bool
resumes(struct originator *o, SSL_CTX *server, const char *sni, const char *key)
{
	struct proof proof = { 0 };
	bool resumed;

	session(o, server, sni, key, true, &proof);
	resumed = proof.resumed;
	assert_int_equal(proof.chain, CHAIN_TRUSTED);
	proof_clear(&proof);
	return resumed;
}

static void
check_identity(int version, uint64_t options)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct proof first = { 0 }, second = { 0 };

	SSL_CTX_set_max_proto_version(server, version);
	SSL_CTX_set_options(server, options);
	session(o, server, HOST, "a", true, &first);
	assert_false(first.resumed);
	for (int i = 0; i < 5; i++) {
		session(o, server, HOST, "a", true, &second);
		assert_true(second.resumed);
		assert_int_equal(second.chain, CHAIN_TRUSTED);
		assert_int_equal(second.not_after, first.not_after);
		assert_int_equal(second.chain_len, 1);
		assert_memory_equal(second.chain_sha256, first.chain_sha256, 32);
		assert_string_equal(second.subject, first.subject);
		assert_string_equal(second.issuer, first.issuer);
		assert_string_equal(second.sni, HOST);
		assert_true(proof_names_host(&second, HOST));
		assert_false(proof_names_host(&second, "mx.example.com"));
	}
	proof_clear(&first);
	proof_clear(&second);
	SSL_CTX_free(server);
	originator_free(o);
}

static void
a_resumed_session_keeps_its_proof(void **state)
{
	(void)state;
	check_identity(TLS1_3_VERSION, 0);
	check_identity(TLS1_2_VERSION, 0);
	check_identity(TLS1_2_VERSION, SSL_OP_NO_TICKET);	/* session ids */
}

/* A session belongs to one address and one SNI. */
static void
slots_are_apart(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);

	(void)state;
	assert_false(resumes(o, server, HOST, "a"));
	assert_false(resumes(o, server, HOST, "b"));
	assert_false(resumes(o, server, "", "a"));
	assert_false(resumes(o, server, HOST "a", ""));
	assert_false(resumes(o, server, "mx.example.com", "a"));
	assert_true(resumes(o, server, HOST, "a"));
	assert_true(resumes(o, server, HOST, "b"));
	tlspair_forget(o, HOST, "a");
	assert_false(resumes(o, server, HOST, "a"));
	assert_true(resumes(o, server, HOST, "b"));
	SSL_CTX_free(server);
	originator_free(o);
}

/* Whether a session under this set is resumed; what stands by its record stands then too. */
static bool
resumes_under(struct originator *o, SSL_CTX *server, const struct tlsa_set *tlsa,
    enum proof_dane dane)
{
	struct proof proof = { 0 };
	bool resumed;

	session_under(o, server, HOST, "a", true, tlsa, &proof);
	resumed = proof.resumed;
	assert_int_equal(proof.chain, CHAIN_UNTRUSTED);
	assert_int_equal(proof.dane, dane);
	assert_true(tlsa_same(tlsa, proof.dane_digest));
	proof_clear(&proof);
	return resumed;
}

static void
check_sets(int version, uint64_t options)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	struct testca_cert loose = testca_issue(&(struct testca_spec){ .dns = HOST });
	SSL_CTX *server = testca_server(&loose, NULL);
	struct testtlsa old, both, next;

	SSL_CTX_set_max_proto_version(server, version);
	SSL_CTX_set_options(server, options);
	testtlsa_open(&old, HOST);
	testtlsa_open(&both, HOST);
	testtlsa_open(&next, HOST);
	testtlsa_add(&old, 3, 1, 1, loose.x509);
	testtlsa_add(&both, 3, 1, 1, loose.x509);
	testtlsa_add(&both, 3, 1, 1, leaf.x509);
	testtlsa_add(&next, 3, 1, 1, leaf.x509);
	assert_false(resumes_under(o, server, NULL, PROOF_DANE_NOT_ASKED));
	assert_false(resumes_under(o, server, &old.set, PROOF_DANE_EE));
	assert_true(resumes_under(o, server, &old.set, PROOF_DANE_EE));
	assert_false(resumes_under(o, server, &both.set, PROOF_DANE_EE));
	assert_true(resumes_under(o, server, &both.set, PROOF_DANE_EE));
	assert_false(resumes_under(o, server, &next.set, PROOF_DANE_UNMATCHED));
	assert_true(resumes_under(o, server, &next.set, PROOF_DANE_UNMATCHED));
	assert_true(resumes_under(o, server, &old.set, PROOF_DANE_EE));
	assert_true(resumes_under(o, server, NULL, PROOF_DANE_NOT_ASKED));
	originate_forget(o, HOST, "a", 1, old.set.digest);
	assert_false(resumes_under(o, server, &old.set, PROOF_DANE_EE));
	assert_true(resumes_under(o, server, &both.set, PROOF_DANE_EE));
	testtlsa_free(&old);
	testtlsa_free(&both);
	testtlsa_free(&next);
	SSL_CTX_free(server);
	testca_free(&loose);
	originator_free(o);
}

/* No proof is carried to a TLSA set that has changed: nothing is even offered under another one. */
static void
another_set_is_another_slot(void **state)
{
	(void)state;
	check_sets(TLS1_3_VERSION, 0);
	check_sets(TLS1_2_VERSION, 0);
	check_sets(TLS1_2_VERSION, SSL_OP_NO_TICKET);
}

/* The caller's set may be gone before the certificate comes. */
static void
the_set_is_copied(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct proof proof = { 0 };
	struct testtlsa t;
	struct tlspair p;

	(void)state;
	testtlsa_open(&t, HOST);
	testtlsa_add(&t, 3, 1, 1, leaf.x509);
	tlspair_sockets(p.fd);
	tlspair_peer(&p, server, true);
	p.stream = originate(o, p.fd[0], HOST, "a", 1, true, &t.set);
	testtlsa_free(&t);
	memset(&t, 0xee, sizeof t);
	assert_int_equal(tlspair_handshake(&p), STREAM_OK);
	originate_proof(p.stream, &proof);
	assert_int_equal(proof.dane, PROOF_DANE_EE);
	proof_clear(&proof);
	tlspair_close(&p);
	SSL_CTX_free(server);
	originator_free(o);
}

/* RFC 8446 C.4: a ticket shown twice would link two sessions. One ticket in the slot serves one of
 * two sessions at once. */
static void
a_tls13_ticket_is_used_once(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct tlspair a, b;

	(void)state;
	SSL_CTX_set_num_tickets(server, 1);
	assert_false(resumes(o, server, HOST, "a"));
	tlspair_sockets(a.fd);
	tlspair_peer(&a, server, true);
	a.stream = originate(o, a.fd[0], HOST, "a", 1, true, NULL);
	assert_int_equal(tlspair_originate(&b, o, server, HOST, "a", true), STREAM_OK);
	assert_int_equal(tlspair_handshake(&a), STREAM_OK);
	assert_true(SSL_session_reused(a.peer));
	assert_false(SSL_session_reused(b.peer));
	tlspair_close(&a);
	tlspair_close(&b);
	SSL_CTX_free(server);
	originator_free(o);
}

/* A server that lost its ticket keys falls back to a full handshake, with a proof of its own. */
static void
a_refused_ticket_means_a_new_proof(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	struct testca_cert other = testca_issue(&(struct testca_spec){ .dns = HOST });
	SSL_CTX *server = testca_server(&leaf, NULL), *changed = testca_server(&other, NULL);
	struct proof proof = { 0 };

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX_set_max_proto_version(server, version);
		tlspair_forget(o, HOST, "a");
		assert_false(resumes(o, server, HOST, "a"));
		session(o, changed, HOST, "a", true, &proof);
		assert_false(proof.resumed);
		assert_int_equal(proof.chain, CHAIN_UNTRUSTED);
	}
	proof_clear(&proof);
	SSL_CTX_free(server);
	SSL_CTX_free(changed);
	testca_free(&other);
	originator_free(o);
}

/* To leave without close_notify is no fault of the session; clear text in it, or an end without
 * close_notify of the peer's, is. */
static void
only_a_fault_spoils_the_session(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct tlspair p;
	char buf[8];
	size_t n;

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tlspair_originate(&p, o, server, HOST, "a", true), STREAM_OK);
		assert_int_equal(SSL_session_reused(p.peer), i > 0);
		stream_free(p.stream);
		p.stream = NULL;
		tlspair_close(&p);
	}
	for (int fault = 0; fault < 2; fault++) {
		assert_int_equal(tlspair_originate(&p, o, server, HOST, "a", true), STREAM_OK);
		if (fault)
			assert_int_equal(write(p.fd[1], "250 2.0.0 ok\r\n", 14), 14);
		else
			shutdown(p.fd[1], SHUT_WR);
		assert_int_equal(stream_read(p.stream, buf, 8, &n),
		    fault ? STREAM_FAILED : STREAM_CUT);
		tlspair_close(&p);
		assert_false(resumes(o, server, HOST, "a"));
		assert_true(resumes(o, server, HOST, "a"));
	}
	SSL_CTX_free(server);
	originator_free(o);
}

/* The session offered may be what the server chokes on: after a failure, none is offered. */
static void
a_failed_handshake_forgets(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct tlspair p;

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	assert_false(resumes(o, server, HOST, "a"));
	tlspair_sockets(p.fd);
	p.peer = NULL;
	p.stream = originate(o, p.fd[0], HOST, "a", 1, true, NULL);
	assert_int_equal(stream_handshake(p.stream), STREAM_WANT_READ);
	assert_int_equal(write(p.fd[1], "\x15\x03\x03\0\2\2\x28", 7), 7);
	assert_int_equal(stream_handshake(p.stream), STREAM_FAILED);
	tlspair_close(&p);
	assert_false(resumes(o, server, HOST, "a"));
	assert_true(resumes(o, server, HOST, "a"));
	SSL_CTX_free(server);
	originator_free(o);
}

/* R30: not expired, at the time of this session, not of that one; the same under usage 2. What
 * usage 3 names has no dates (R99). */
static void
expiry_is_checked_again(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_2_VERSION);
	struct testca_cert brief = testca_issue(&(struct testca_spec){ .issuer = &root,
	    .dns = HOST, .from_days = -1, .until_seconds = 2 });
	SSL_CTX *server = testca_server(&brief, NULL);
	struct proof proof = { 0 };
	struct testtlsa ta, ee;

	(void)state;
	testtlsa_open(&ta, HOST);
	testtlsa_open(&ee, HOST);
	testtlsa_add(&ta, 2, 1, 0, root.x509);
	testtlsa_add(&ee, 3, 1, 1, brief.x509);
	session_under(o, server, HOST, "a", true, &ee.set, &proof);
	assert_int_equal(proof.dane, PROOF_DANE_EE);
	session_under(o, server, HOST, "a", true, &ta.set, &proof);
	assert_int_equal(proof.dane, PROOF_DANE_TA);
	assert_false(resumes(o, server, HOST, "a"));
	assert_true(resumes(o, server, HOST, "a"));
	session(o, server, HOST, "a", true, &proof);
	while (time(NULL) <= proof.not_after)
		usleep(100000);
	session(o, server, HOST, "a", true, &proof);
	assert_true(proof.resumed);
	assert_int_equal(proof.chain, CHAIN_EXPIRED);
	assert_string_equal(proof.detail, "certificate has expired");
	session_under(o, server, HOST, "a", true, &ta.set, &proof);
	assert_true(proof.resumed);
	assert_int_equal(proof.dane, PROOF_DANE_EXPIRED);
	assert_string_equal(proof.dane_detail, "certificate has expired");
	session_under(o, server, HOST, "a", true, &ee.set, &proof);
	assert_true(proof.resumed);
	assert_int_equal(proof.dane, PROOF_DANE_EE);
	proof_clear(&proof);
	testtlsa_free(&ta);
	testtlsa_free(&ee);
	SSL_CTX_free(server);
	testca_free(&brief);
	originator_free(o);
}

/* A session made where no proof was demanded is resumed where it is: it must not gain by that. */
static void
a_weak_session_stays_weak(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_VERSION);
	struct testca_cert rsa = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = HOST,
	    .rsa_bits = 2048 });
	SSL_CTX *server = testca_server(&rsa, NULL);
	struct proof proof = { 0 };

	(void)state;
	assert_true(SSL_CTX_set1_sigalgs_list(server, "RSA+SHA1"));
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	session(o, server, HOST, "a", false, &proof);
	assert_int_equal(proof.chain, CHAIN_INVALID);
	session(o, server, HOST, "a", true, &proof);
	assert_true(proof.resumed);
	assert_int_equal(proof.chain, CHAIN_INVALID);
	proof_clear(&proof);
	SSL_CTX_free(server);
	testca_free(&rsa);
	originator_free(o);
}

/* A session of TLS 1.0 is not offered where TLS 1.2 is demanded. */
static void
an_old_version_is_not_resumed_upwards(void **state)
{
	struct originator *o = tlspair_originator(&root, TLS1_VERSION);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct proof proof = { 0 };

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_VERSION);
	session(o, server, HOST, "a", false, &proof);
	session(o, server, HOST, "a", false, &proof);
	assert_true(proof.resumed);
	SSL_CTX_set_max_proto_version(server, TLS1_3_VERSION);
	session(o, server, HOST, "a", true, &proof);
	assert_false(proof.resumed);
	assert_int_equal(proof.chain, CHAIN_TRUSTED);
	proof_clear(&proof);
	SSL_CTX_free(server);
	originator_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resumed_session_keeps_its_proof),
		cmocka_unit_test(slots_are_apart),
		cmocka_unit_test(another_set_is_another_slot),
		cmocka_unit_test(the_set_is_copied),
		cmocka_unit_test(a_tls13_ticket_is_used_once),
		cmocka_unit_test(a_refused_ticket_means_a_new_proof),
		cmocka_unit_test(only_a_fault_spoils_the_session),
		cmocka_unit_test(a_failed_handshake_forgets),
		cmocka_unit_test(expiry_is_checked_again),
		cmocka_unit_test(a_weak_session_stays_weak),
		cmocka_unit_test(an_old_version_is_not_resumed_upwards),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
