/* peek_test.c - what a server's flight proves, read between a real client and a real server
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/peekpair.h"
#include "tests/unit/testtrust.h"

#define HOST PEEKPAIR_HOST

static struct testtrust ca;
static SSL_CTX *client;

static int
setup(void **state)
{
	(void)state;
	testtrust_make(&ca);
	client = peekpair_client();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testtrust_free(&ca);
	SSL_CTX_free(client);
	return 0;
}

enum leaf_key { KEY_RSA, KEY_P256, KEY_P384, KEY_ED25519, KEY_PSS, KEY_RSA_1024, KEY_NONE };

static struct testca_cert
leaf_of(enum leaf_key kind)
{
	struct testca_cert c = testca_issue(&(struct testca_spec){ .issuer = &ca.root, .dns = HOST,
	    .rsa_bits = kind == KEY_RSA ? 2048 : kind == KEY_RSA_1024 ? 1024 : 0 });

	if (kind == KEY_P384)
		peekpair_rekey(&c, EVP_EC_gen("P-384"), &ca.root, EVP_sha256());
	else if (kind == KEY_ED25519)
		peekpair_rekey(&c, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), &ca.root,
		    EVP_sha256());
	else if (kind == KEY_PSS)
		peekpair_rekey(&c, testca_pss_key(), &ca.root, EVP_sha256());
	return c;
}

/* What the server allows, and what comes of it. Where proof is demanded, and where it is not. */
static const struct offer {
	const char *title;
	int version;
	const char *ciphers, *sigalgs, *groups, *dh;
	enum leaf_key key;
	const char *bad;		/* the fault, where there is no proof to be had */
	const char *strict, *other;	/* the fault of the proof; NULL: trusted */
} offers[] = {
	{ "ECDHE, RSA", 0x303, "ECDHE-RSA-AES128-GCM-SHA256", NULL, NULL, NULL, KEY_RSA, NULL,
	    NULL, NULL },
	{ "ECDHE, RSA, signed with PSS", 0x303, "ECDHE+AESGCM", "rsa_pss_rsae_sha256", NULL, NULL,
	    KEY_RSA, NULL, NULL, NULL },
	{ "ECDHE, RSA, signed with PKCS 1", 0x303, "ECDHE+AESGCM", "RSA+SHA512", NULL, NULL,
	    KEY_RSA, NULL, NULL, NULL },
	{ "ECDHE, ECDSA P-256", 0x303, "ECDHE+AESGCM", NULL, "P-256", NULL, KEY_P256, NULL, NULL,
	    NULL },
	{ "P-384", 0x303, "ECDHE+AESGCM", NULL, "P-384", NULL, KEY_P384, NULL, NULL, NULL },
	{ "P-521", 0x303, "ECDHE+AESGCM", NULL, "P-521", NULL, KEY_P256, NULL, NULL, NULL },
	{ "X25519", 0x303, "ECDHE+AESGCM", NULL, "X25519", NULL, KEY_P256, NULL, NULL, NULL },
	{ "X448", 0x303, "ECDHE+AESGCM", NULL, "X448", NULL, KEY_P256, NULL, NULL, NULL },
	{ "Ed25519", 0x303, "ECDHE+AESGCM", NULL, NULL, NULL, KEY_ED25519, NULL, NULL, NULL },
	{ "a key for PSS", 0x303, "ECDHE+AESGCM", NULL, NULL, NULL, KEY_PSS, NULL, NULL, NULL },
	{ "CHACHA20", 0x303, "ECDHE+CHACHA20", NULL, NULL, NULL, KEY_RSA, NULL, NULL, NULL },
	{ "CBC", 0x303, "ECDHE-RSA-AES128-SHA", NULL, NULL, NULL, KEY_RSA, NULL, NULL, NULL },
	{ "DHE of 2048 bits", 0x303, "DHE+AESGCM", NULL, NULL, "ffdhe2048", KEY_RSA, NULL, NULL,
	    NULL },
	{ "DHE of 1536 bits", 0x303, "DHE+AESGCM", NULL, NULL, "modp_1536", KEY_RSA, NULL,
	    "group-unfit", "group-unfit" },
	{ "RSA key transport", 0x303, "AES128-SHA", NULL, NULL, NULL, KEY_RSA, NULL, NULL, NULL },
	{ "RSA key transport, GCM", 0x303, "kRSA+AESGCM", NULL, NULL, NULL, KEY_RSA, NULL, NULL,
	    NULL },
	{ "signed with SHA-1", 0x303, "ECDHE+AESGCM", "RSA+SHA1", NULL, NULL, KEY_RSA, NULL,
	    "signature-weak", NULL },
	{ "TLS 1.1", 0x302, "ECDHE-RSA-AES128-SHA", NULL, NULL, NULL, KEY_RSA, NULL,
	    "version-too-low", NULL },
	{ "TLS 1.0", 0x301, "ECDHE-RSA-AES128-SHA", NULL, NULL, NULL, KEY_RSA, NULL,
	    "version-too-low", NULL },
	{ "TLS 1.0, ECDSA", 0x301, "ECDHE+AES", NULL, NULL, NULL, KEY_P256, NULL,
	    "version-too-low", NULL },
	{ "TLS 1.0, DHE", 0x301, "DHE+AES", NULL, NULL, "ffdhe2048", KEY_RSA, NULL,
	    "version-too-low", NULL },
	{ "TLS 1.0, RSA key transport", 0x301, "AES128-SHA", NULL, NULL, NULL, KEY_RSA, NULL,
	    "version-too-low", NULL },
	{ "a weak key", 0x303, "ECDHE+AESGCM", NULL, NULL, NULL, KEY_RSA_1024, NULL, "", "" },
	{ "anonymous", 0x303, "ADH", NULL, NULL, "ffdhe2048", KEY_NONE, "suite-unproven", NULL,
	    NULL },
	{ "anonymous, ECDHE", 0x303, "AECDH", NULL, NULL, NULL, KEY_NONE, "suite-unproven", NULL,
	    NULL },
	{ "PSK", 0x303, "PSK-AES128-CBC-SHA", NULL, NULL, NULL, KEY_NONE, "suite-unproven", NULL,
	    NULL },
	{ "PSK and RSA", 0x303, "RSA-PSK-AES128-CBC-SHA", NULL, NULL, NULL, KEY_RSA,
	    "suite-unproven", NULL, NULL },
	{ "PSK and ECDHE", 0x303, "ECDHE-PSK-AES128-CBC-SHA", NULL, NULL, NULL, KEY_NONE,
	    "suite-unproven", NULL, NULL },
	{ "no encryption", 0x303, "NULL-SHA256", NULL, NULL, NULL, KEY_RSA, "suite-unproven", NULL,
	    NULL },
};

static unsigned
psk_client(SSL *ssl, const char *hint, char *identity, unsigned identity_size,
    unsigned char *psk, unsigned psk_size)
{
	(void)ssl, (void)hint, (void)psk_size;
	snprintf(identity, identity_size, "mta");
	memset(psk, 7, 16);
	return 16;
}

static unsigned
psk_server(SSL *ssl, const char *identity, unsigned char *psk, unsigned psk_size)
{
	(void)ssl, (void)identity, (void)psk_size;
	memset(psk, 7, 16);
	return 16;
}

static SSL_CTX *
server_of(const struct offer *f, struct testca_cert *leaf)
{
	SSL_CTX *server;

	*leaf = leaf_of(f->key);
	server = testca_server(f->key == KEY_NONE ? NULL : leaf, NULL);
	SSL_CTX_set_max_proto_version(server, f->version);
	SSL_CTX_set_psk_server_callback(server, psk_server);
	assert_true(SSL_CTX_set_cipher_list(server, f->ciphers));
	SSL_CTX_set_security_level(server, 0);
	if (f->sigalgs)
		assert_true(SSL_CTX_set1_sigalgs_list(server, f->sigalgs));
	if (f->groups)
		assert_true(SSL_CTX_set1_groups_list(server, f->groups));
	if (f->dh)
		testca_dh(server, f->dh);
	return server;
}

static void
check_proof(struct peekpair *p, const char *fault, bool strict)
{
	struct proof proof = { 0 };

	assert_true(peek_prove(p->peek, strict, NULL, &proof));
	print_message("#   %s: %s %s %s %s\n", strict ? "strict" : "other", proof.version,
	    proof.cipher, proof_chain_name(proof.chain), proof.detail);
	assert_int_equal(proof.state, PROOF_TLS);
	assert_int_equal(proof.chain, fault ? CHAIN_INVALID : CHAIN_TRUSTED);
	assert_string_equal(peek_fault(p->peek), fault ? fault : "");
	assert_int_equal(proof.detail[0] != '\0', fault != NULL);
	assert_true(proof_names_host(&proof, HOST));
	assert_string_equal(proof.sni, HOST);
	assert_false(proof.resumed);
	proof_clear(&proof);
	peekpair_release(p);
	assert_true(peekpair_finish(p));
	assert_string_equal(peekpair_say(p, false, "EHLO a\r\n") == PEEK_BROKEN ? "broken" : "",
	    "");
	peekpair_say(p, true, "250 b\r\n");
	assert_int_equal(peekpair_say(p, false, "MAIL FROM:<>\r\n"), PEEK_SETTLED);
}

static void
check_offer(const struct offer *f, bool strict)
{
	struct testca_cert leaf;
	SSL_CTX *server = server_of(f, &leaf);
	struct peekpair *p = peekpair_open(ca.trusting_old, client, server, NULL);

	assert_string_equal(peek_sni(p->peek), HOST);
	assert_false(peek_offers_tls13(p->peek));
	assert_true(p->flight.len > 7);
	assert_int_equal(peekpair_see(p), f->bad ? PEEK_BAD : PEEK_FULL);
	if (f->bad)
		assert_string_equal(peek_fault(p->peek), f->bad);
	else
		check_proof(p, strict ? f->strict : f->other, strict);
	peekpair_close(p);
	SSL_CTX_free(server);
	testca_free(&leaf);
}

/* R38, THREATS "old versions, anonymous and PSK suites, weak groups". */
static void
every_key_exchange_is_understood(void **state)
{
	(void)state;
	SSL_CTX_set_psk_client_callback(client, psk_client);
	for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
		print_message("# %s\n", offers[i].title);
		check_offer(&offers[i], true);
		check_offer(&offers[i], false);
	}
	SSL_CTX_set_psk_client_callback(client, NULL);
}

/* tls.min-version holds without demand of proof too; above TLS 1.2 nothing in flight is enough. */
static void
the_lowest_version_counts(void **state)
{
	static const struct { int least, version; bool strict, trusted; } rows[] = {
		{ 0x301, 0x301, false, true }, { 0x301, 0x301, true, false },
		{ 0x302, 0x301, false, false }, { 0x302, 0x302, false, true },
		{ 0x303, 0x302, false, false }, { 0x303, 0x303, true, true },
		{ 0x304, 0x303, true, false }, { 0x304, 0x303, false, false },
	};
	struct testca_cert leaf = leaf_of(KEY_RSA);
	SSL_CTX *server = testca_server(&leaf, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct originator *o = tlspair_originator(&ca.root, rows[i].least);
		struct proof proof = { 0 };
		struct peekpair *p;

		SSL_CTX_set_max_proto_version(server, rows[i].version);
		p = peekpair_open(o, client, server, NULL);
		assert_int_equal(peekpair_see(p), PEEK_FULL);
		assert_true(peek_prove(p->peek, rows[i].strict, NULL, &proof));
		assert_int_equal(proof.chain == CHAIN_TRUSTED, rows[i].trusted);
		proof_clear(&proof);
		peekpair_close(p);
		originator_free(o);
	}
	SSL_CTX_free(server);
	testca_free(&leaf);
}

/* R28, R30: the faults of originate_test.c; whatever a session of our own would have shown. */
static const struct leaf {
	const char *title;
	struct testca_spec spec;
	const struct testca_cert *sent;
} leaves[] = {
	{ "honest", { .issuer = &ca.root, .dns = HOST }, NULL },
	{ "by an intermediate", { .issuer = &ca.middle, .dns = HOST, .cn = "mx" }, &ca.middle },
	{ "several names", { .issuer = &ca.root, .dns = "a.example," HOST ",*.example.net" },
	    NULL },
	{ "wildcard", { .issuer = &ca.root, .dns = "*.example.org" }, NULL },
	{ "rsa", { .issuer = &ca.root, .dns = HOST, .rsa_bits = 2048 }, NULL },
	{ "wrong name", { .issuer = &ca.root, .dns = "mx.example.com" }, NULL },
	{ "common name only", { .issuer = &ca.root, .cn = HOST }, NULL },
	{ "partial wildcard", { .issuer = &ca.root, .dns = "m*.example.org" }, NULL },
	{ "NUL in the name", { .issuer = &ca.root, .dns = HOST "!.evil.example" }, NULL },
	{ "a strange subject", { .issuer = &ca.root, .dns = HOST, .cn = "b\xc3\xbc\n\x1b[2J" },
	    NULL },
	{ "expired", { .issuer = &ca.root, .dns = HOST, .from_days = -9, .until_days = -1 }, NULL },
	{ "not yet valid", { .issuer = &ca.root, .dns = HOST, .from_days = 1, .until_days = 9 },
	    NULL },
	{ "intermediate expired", { .issuer = &ca.old_middle, .dns = HOST }, &ca.old_middle },
	{ "missing intermediate", { .issuer = &ca.middle, .dns = HOST }, NULL },
	{ "unknown root", { .issuer = &ca.stranger, .dns = HOST }, &ca.stranger },
	{ "self-signed", { .dns = HOST }, NULL },
	{ "self-signed and expired", { .dns = HOST, .from_days = -9, .until_days = -1 }, NULL },
	{ "for clients", { .issuer = &ca.root, .dns = HOST, .client_only = true }, NULL },
	{ "for clients and expired", { .issuer = &ca.root, .dns = HOST, .client_only = true,
	    .from_days = -9, .until_days = -1 }, NULL },
	{ "self-signed for clients", { .dns = HOST, .client_only = true }, NULL },
	{ "forged, by an expired intermediate", { .issuer = &ca.forger, .dns = HOST },
	    &ca.old_middle },
	{ "a CA", { .issuer = &ca.root, .dns = HOST, .ca = true, .rsa_bits = 2048 }, NULL },
	{ "weak key", { .issuer = &ca.root, .dns = HOST, .rsa_bits = 1024 }, NULL },
	{ "signed with SHA-1", { .issuer = &ca.root, .dns = HOST, .cn = "sha1" }, NULL },
	{ "shows what is not its issuer", { .issuer = &ca.root, .dns = HOST }, &ca.stranger },
};

static void
assert_same_proof(const struct proof *a, const struct proof *b)
{
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->chain, b->chain);
	assert_string_equal(a->detail, b->detail);
	assert_string_equal(a->version, b->version);
	assert_string_equal(a->cipher, b->cipher);
	assert_string_equal(a->sni, b->sni);
	assert_int_equal(a->resumed, b->resumed);
	assert_int_equal(a->not_after, b->not_after);
	assert_int_equal(a->names_len, b->names_len);
	for (size_t i = 0; i < a->names_len; i++)
		assert_string_equal(a->names[i], b->names[i]);
	assert_int_equal(a->chain_len, b->chain_len);
	assert_memory_equal(a->chain_sha256, b->chain_sha256, sizeof a->chain_sha256);
	assert_string_equal(a->subject, b->subject);
	assert_string_equal(a->issuer, b->issuer);
}

static void
check_leaf(const struct leaf *l, const char *ciphers, bool proven)
{
	struct testca_cert cert = testca_issue(&l->spec);
	struct tlspair t;
	struct proof ours = { 0 }, seen = { 0 };
	SSL_CTX *server;
	struct peekpair *p;

	if (l->spec.cn && strcmp(l->spec.cn, "sha1") == 0)
		peekpair_rekey(&cert, EVP_EC_gen("P-256"), &ca.root, EVP_sha1());
	server = testca_server(&cert, l->sent);
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	assert_true(SSL_CTX_set_cipher_list(server, ciphers));
	SSL_CTX_set_security_level(server, 0);
	assert_int_equal(tlspair_originate(&t, ca.trusting, server, HOST, "", proven), STREAM_OK);
	originate_proof(t.stream, &ours);
	tlspair_close(&t);
	tlspair_forget(ca.trusting, HOST, "");
	p = peekpair_open(ca.trusting, client, server, NULL);
	assert_int_equal(peekpair_see(p), PEEK_FULL);
	assert_true(peek_prove(p->peek, proven, NULL, &seen));
	assert_string_equal(peek_fault(p->peek), "");
	print_message("# %s: %s %s %s\n", l->title, seen.cipher, proof_chain_name(seen.chain),
	    seen.detail);
	assert_same_proof(&seen, &ours);
	proof_clear(&ours);
	proof_clear(&seen);
	peekpair_close(p);
	SSL_CTX_free(server);
	testca_free(&cert);
}

static void
a_proof_is_the_one_of_our_own_sessions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
		check_leaf(&leaves[i], "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
		    true);
		check_leaf(&leaves[i], "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384", false);
		if (leaves[i].spec.rsa_bits)
			check_leaf(&leaves[i], "AES256-SHA256", true);
	}
}

/* Twelve certificates and no more, as on our own sessions. */
static void
a_chain_has_an_end(void **state)
{
	struct testca_cert leaf = leaf_of(KEY_P256);

	(void)state;
	for (int extra = 11; extra <= 12; extra++) {
		SSL_CTX *server = testca_server(&leaf, NULL);
		struct proof proof = { 0 };
		struct peekpair *p;

		for (int i = 0; i < extra; i++)
			assert_true(SSL_CTX_add1_chain_cert(server, ca.middle.x509));
		p = peekpair_open(ca.trusting, client, server, NULL);
		assert_int_equal(peekpair_see(p), extra == 11 ? PEEK_FULL : PEEK_BAD);
		if (extra == 11) {
			assert_true(peek_prove(p->peek, true, NULL, &proof));
			assert_int_equal(proof.chain, CHAIN_TRUSTED);
			assert_int_equal(proof.chain_len, 12);
		} else {
			assert_string_equal(peek_fault(p->peek), "certificates-unusable");
		}
		proof_clear(&proof);
		peekpair_close(p);
		SSL_CTX_free(server);
	}
	testca_free(&leaf);
}

/* --- what somebody in between has changed --------------------------------------------- */

/* `base` with one message replaced by that of another flight, all in one record. */
static void
graft(const struct tape *base, const struct tape *other, uint8_t type, struct tape *out)
{
	static uint8_t all[sizeof base->octets];
	size_t at, len, put, put_len, n = 0;
	static struct tape one;

	tape_cut(base, &one, 16384);
	at = tape_message(&one, type, &len);
	put = tape_message(other, type, &put_len);
	assert_true(at > 0 && put > 0);
	memcpy(all, one.octets + 5, at - 5);
	n = at - 5;
	memcpy(all + n, other->octets + put, put_len);
	n += put_len;
	memcpy(all + n, one.octets + at + len, one.len - at - len);
	n += one.len - at - len;
	out->len = 0;
	tape_record(out, 22, 0x303, all, n);
}

/* What another flight proves as the answer to p's ClientHello: "", or the first fault. */
static const char *
verdict_on(struct peekpair *p, const struct tape *flight, enum proof_chain *chain)
{
	struct peek *peek = peek_new(ca.trusting);
	struct proof proof = { 0 };
	const char *fault;
	size_t want;

	*chain = CHAIN_NONE;
	assert_int_equal(peek_client(peek, p->hello.octets, p->hello.len, &want),
	    PEEK_HELLO_WHOLE);
	if (peek_server(peek, flight->octets, flight->len) == PEEK_FULL) {
		assert_true(peek_prove(peek, true, NULL, &proof));
		*chain = proof.chain;
	}
	fault = peek_fault(peek);	/* static */
	proof_clear(&proof);
	peek_free(peek);
	return fault;
}

/* DESIGN 6: a Certificate proves nothing by itself, it can be replayed. */
static void
a_replayed_certificate_proves_nothing(void **state)
{
	static const char *const ciphers[] = { "ECDHE+AESGCM", "DHE+AESGCM", "ECDHE-RSA-AES128-SHA",
	    "ECDHE-RSA-AES128-SHA" };
	static const int versions[] = { 0x303, 0x303, 0x303, 0x302 };
	struct testca_cert leaf = leaf_of(KEY_RSA), evil = testca_issue(&(struct testca_spec){
	    .issuer = &ca.root, .dns = "evil.example" });
	static struct tape grafted;
	enum proof_chain chain;

	(void)state;
	peekpair_rekey(&evil, EVP_RSA_gen(2048), &ca.root, EVP_sha256());
	for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
		SSL_CTX *honest = testca_server(&leaf, NULL), *other = testca_server(&evil, NULL);
		struct peekpair *a, *b, *c;

		SSL_CTX_set_max_proto_version(honest, versions[i]);
		SSL_CTX_set_max_proto_version(other, versions[i]);
		assert_true(SSL_CTX_set_cipher_list(honest, ciphers[i]));
		assert_true(SSL_CTX_set_cipher_list(other, ciphers[i]));
		SSL_CTX_set_security_level(honest, 0);
		SSL_CTX_set_security_level(other, 0);
		SSL_CTX_set_dh_auto(honest, 1);
		SSL_CTX_set_dh_auto(other, 1);
		a = peekpair_open(ca.trusting, client, honest, NULL);
		b = peekpair_open(ca.trusting, client, honest, NULL);
		c = peekpair_open(ca.trusting, client, other, NULL);
		verdict_on(a, &a->flight, &chain);
		assert_int_equal(chain == CHAIN_TRUSTED, versions[i] == 0x303);
		/* the whole flight, said to another client */
		assert_string_equal(verdict_on(b, &a->flight, &chain), "signature-invalid");
		assert_int_equal(chain, CHAIN_INVALID);
		/* the certificate alone, before the attacker's own key exchange */
		if (versions[i] == 0x303) {
			graft(&c->flight, &a->flight, 11, &grafted);
			assert_string_equal(verdict_on(c, &grafted, &chain), "signature-invalid");
			assert_int_equal(chain, CHAIN_INVALID);
			/* the key exchange of another session with the same server */
			graft(&b->flight, &a->flight, 12, &grafted);
			assert_string_equal(verdict_on(b, &grafted, &chain), "signature-invalid");
			/* and the same, put together again, stands */
			graft(&b->flight, &b->flight, 12, &grafted);
			assert_string_equal(verdict_on(b, &grafted, &chain), "");
			assert_int_equal(chain, CHAIN_TRUSTED);
		}
		peekpair_close(a);
		peekpair_close(b);
		peekpair_close(c);
		SSL_CTX_free(honest);
		SSL_CTX_free(other);
	}
	testca_free(&leaf);
	testca_free(&evil);
}

/* A key that cannot decrypt cannot be the one of a key transport. */
static void
the_key_must_fit_the_exchange(void **state)
{
	static struct tape grafted;
	struct testca_cert rsa = leaf_of(KEY_RSA), ec = leaf_of(KEY_P256), pss = leaf_of(KEY_PSS);
	SSL_CTX *transport = testca_server(&rsa, NULL), *other = testca_server(&ec, NULL),
	    *third = testca_server(&pss, NULL);
	struct peekpair *a, *b, *c;
	enum proof_chain chain;

	(void)state;
	assert_true(SSL_CTX_set_cipher_list(transport, "AES128-SHA"));
	a = peekpair_open(ca.trusting, client, transport, NULL);
	b = peekpair_open(ca.trusting, client, other, NULL);
	c = peekpair_open(ca.trusting, client, third, NULL);
	graft(&a->flight, &b->flight, 11, &grafted);
	assert_string_equal(verdict_on(a, &grafted, &chain), "key-unfit");
	assert_int_equal(chain, CHAIN_INVALID);
	graft(&a->flight, &c->flight, 11, &grafted);
	assert_string_equal(verdict_on(a, &grafted, &chain), "key-unfit");
	graft(&b->flight, &c->flight, 11, &grafted);
	assert_string_equal(verdict_on(b, &grafted, &chain), "signature-unfit");
	assert_int_equal(chain, CHAIN_INVALID);
	assert_string_equal(verdict_on(c, &c->flight, &chain), "");
	peekpair_close(a);
	peekpair_close(b);
	peekpair_close(c);
	SSL_CTX_free(transport);
	SSL_CTX_free(other);
	SSL_CTX_free(third);
	testca_free(&rsa);
	testca_free(&ec);
	testca_free(&pss);
}

/* Octet `at` of the ServerHello's message made `value`. */
static const char *
with_octet(struct peekpair *p, size_t at, uint8_t value, enum proof_chain *chain)
{
	static struct tape changed;
	size_t len, hello = tape_message(&p->flight, 2, &len);

	changed = p->flight;
	changed.octets[hello + at] = value;
	return verdict_on(p, &changed, chain);
}

/* The second suite offered, and the one chosen, made this one; for this once. */
static const char *
with_suite(struct peekpair *p, uint8_t high, uint8_t low, enum proof_chain *chain)
{
	static struct tape hello, flight;
	uint8_t *offered = p->hello.octets + 5 + 4 + 2 + 32 + 1 + 2 + 2;
	const char *fault;
	size_t len, at = tape_message(&p->flight, 2, &len) + 4 + 2 + 32 + 1;

	assert_int_equal(offered[-2], 0xc0);
	hello = p->hello;
	flight = p->flight;
	p->flight.octets[at] = offered[0] = high;
	p->flight.octets[at + 1] = offered[1] = low;
	fault = verdict_on(p, &p->flight, chain);
	p->hello = hello;
	p->flight = flight;
	return fault;
}

static void
a_changed_server_hello_is_noticed(void **state)
{
	struct testca_cert leaf = leaf_of(KEY_RSA);
	SSL_CTX *server = testca_server(&leaf, NULL), *narrow = peekpair_client();
	struct peekpair *p;
	enum proof_chain chain;
	size_t suite = 4 + 2 + 32 + 1;	/* no session id */

	(void)state;
	SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
	assert_true(SSL_CTX_set_cipher_list(narrow, "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA"));
	p = peekpair_open(ca.trusting, narrow, server, NULL);
	assert_string_equal(with_octet(p, 0, 2, &chain), "");
	assert_int_equal(chain, CHAIN_TRUSTED);
	assert_string_equal(with_octet(p, 4 + 2, p->flight.octets[5 + 6] ^ 1, &chain),
	    "signature-invalid");
	assert_int_equal(chain, CHAIN_INVALID);
	assert_string_equal(with_octet(p, 4 + 1, 4, &chain), "version-not-offered");
	assert_string_equal(with_octet(p, 4 + 1, 2, &chain), "record-version");
	assert_string_equal(with_octet(p, suite, 0x13, &chain), "suite-not-offered");
	assert_string_equal(with_octet(p, suite + 1, 0x30, &chain), "suite-not-offered");
	assert_string_equal(with_octet(p, suite + 2, 1, &chain), "compression-chosen");
	assert_string_equal(with_octet(p, suite + 3, 0xff, &chain), "hello-malformed");
	assert_int_equal(chain, CHAIN_NONE);
	/* suites that no OpenSSL of today has; what is signed does not name the suite */
	assert_string_equal(with_suite(p, 0xc0, 0x12, &chain), "suite-weak");	/* 3DES */
	assert_int_equal(chain, CHAIN_INVALID);
	assert_string_equal(with_suite(p, 0xc0, 0x11, &chain), "suite-weak");	/* RC4 */
	assert_string_equal(with_suite(p, 0xc0, 0x13, &chain), "");
	assert_int_equal(chain, CHAIN_TRUSTED);
	assert_string_equal(with_suite(p, 0xc0, 0x10, &chain), "suite-unproven");	/* NULL */
	assert_string_equal(with_suite(p, 0xc0, 0x1d, &chain), "suite-unproven");	/* SRP */
	assert_string_equal(with_suite(p, 0xc0, 0x1e, &chain), "suite-unproven");
	assert_string_equal(with_suite(p, 0x00, 0x32, &chain), "suite-unproven");	/* DSS */
	assert_string_equal(with_suite(p, 0x00, 0x31, &chain), "suite-unproven");	/* static */
	assert_string_equal(with_suite(p, 0x00, 0x03, &chain), "suite-unproven");	/* export */
	assert_int_equal(chain, CHAIN_NONE);
	peekpair_close(p);
	SSL_CTX_free(narrow);
	SSL_CTX_free(server);
	testca_free(&leaf);
}

/* RFC 5746: a server that does not know it may be in the middle of a session with somebody else,
 * who has spoken before (CVE-2009-3555). Sessions of our own do not come about then. */
static void
an_unsafe_renegotiation_is_no_proof(void **state)
{
	static const uint8_t extension[] = { 0xff, 1, 0, 1, 0 };
	struct testca_cert leaf = leaf_of(KEY_P256);
	SSL_CTX *server = testca_server(&leaf, NULL);
	struct peekpair *p = peekpair_open(ca.trusting, client, server, NULL);
	static struct tape without;
	uint8_t *hello = without.octets + 5, *block = hello + 4 + 2 + 32 + 1 + 2 + 1, *at;
	enum proof_chain chain;

	(void)state;
	without = p->flight;
	at = memmem(block, 200, extension, sizeof extension);
	assert_non_null(at);
	assert_true(block[0] == 0 && hello[-2] == 0 && hello[2] == 0);
	memmove(at, at + 5, without.len - (size_t)(at - without.octets) - 5);
	without.len -= 5;
	hello[-1] = (uint8_t)(hello[-1] - 5);
	hello[3] = (uint8_t)(hello[3] - 5);
	block[1] = (uint8_t)(block[1] - 5);
	assert_string_equal(verdict_on(p, &p->flight, &chain), "");
	assert_string_equal(verdict_on(p, &without, &chain), "renegotiation-unsafe");
	assert_int_equal(chain, CHAIN_INVALID);
	p->flight = without;
	assert_int_equal(peekpair_see(p), PEEK_FULL);
	{
		struct proof proof = { 0 };

		assert_true(peek_prove(p->peek, false, NULL, &proof));
		assert_int_equal(proof.chain, CHAIN_TRUSTED);
		proof_clear(&proof);
	}
	peekpair_close(p);
	SSL_CTX_free(server);
	testca_free(&leaf);
}

/* RFC 8446 4.1.3: TLS 1.3, and the HelloRetryRequest that begins it. */
static void
tls13_cannot_be_read(void **state)
{
	struct testca_cert leaf = leaf_of(KEY_P256);
	SSL_CTX *server = testca_server(&leaf, NULL), *modern = peekpair_client();

	(void)state;
	SSL_CTX_set_max_proto_version(modern, TLS1_3_VERSION);
	for (int retry = 0; retry < 2; retry++) {
		struct peekpair *p;

		if (retry)
			assert_true(SSL_CTX_set1_groups_list(server, "P-384"));
		p = peekpair_open(ca.trusting, modern, server, NULL);
		assert_true(peek_offers_tls13(p->peek));
		assert_int_equal(peekpair_see(p), PEEK_BAD);
		assert_string_equal(peek_fault(p->peek), "tls13-chosen");
		peekpair_close(p);
	}
	SSL_CTX_free(modern);
	SSL_CTX_free(server);
	testca_free(&leaf);
}

/* Each octet of a flight with one bit changed: nothing falls over, and no changed certificate, key
 * exchange or random is believed. */
static void
check_flips(enum leaf_key key, const char *ciphers)
{
	struct testca_cert leaf = leaf_of(key);
	SSL_CTX *server;
	struct peekpair *p;
	static struct tape changed;
	enum proof_chain chain;
	size_t hello, hello_len, done, done_len, believed = 0;

	/* by the intermediate: a root that is sent along matters to nobody */
	X509_set_issuer_name(leaf.x509, X509_get_subject_name(ca.middle.x509));
	assert_true(X509_sign(leaf.x509, ca.middle.key, EVP_sha256()) > 0);
	server = testca_server(&leaf, &ca.middle);
	assert_true(SSL_CTX_set_cipher_list(server, ciphers));
	p = peekpair_open(ca.trusting, client, server, NULL);
	hello = tape_message(&p->flight, 2, &hello_len);
	done = tape_message(&p->flight, 14, &done_len);
	for (size_t at = 0; at < p->flight.len; at++) {
		bool covered = (at >= hello + 6 && at < hello + 6 + 32) ||
		    (at >= hello + hello_len + 5 && at < done - 5);

		changed = p->flight;
		changed.octets[at] ^= (uint8_t)(1U << at % 8);
		verdict_on(p, &changed, &chain);
		if (covered && at < done)
			assert_int_not_equal(chain, CHAIN_TRUSTED);
		believed += chain == CHAIN_TRUSTED;
	}
	print_message("# %s: %zu octets, %zu of them changed without effect on the proof\n",
	    ciphers, p->flight.len, believed);
	assert_in_range(believed, 0, 80);	/* the ServerHello's session id, say */
	peekpair_close(p);
	SSL_CTX_free(server);
	testca_free(&leaf);
}

static void
no_changed_bit_is_believed(void **state)
{
	(void)state;
	check_flips(KEY_P256, "ECDHE+AESGCM");
	check_flips(KEY_RSA, "ECDHE+AESGCM");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_exchange_is_understood),
		cmocka_unit_test(the_lowest_version_counts),
		cmocka_unit_test(a_proof_is_the_one_of_our_own_sessions),
		cmocka_unit_test(a_chain_has_an_end),
		cmocka_unit_test(a_replayed_certificate_proves_nothing),
		cmocka_unit_test(the_key_must_fit_the_exchange),
		cmocka_unit_test(a_changed_server_hello_is_noticed),
		cmocka_unit_test(an_unsafe_renegotiation_is_no_proof),
		cmocka_unit_test(tls13_cannot_be_read),
		cmocka_unit_test(no_changed_bit_is_believed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
