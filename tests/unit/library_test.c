/* library_test.c - a smaller library offers and accepts what the whole one does
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/provider.h>

#include "tests/unit/testca.h"
#include "tls/library.h"

#define HOST "mx.example.org"

static int
count(OSSL_PROVIDER *p, void *names)
{
	char *out = names;

	strcat(strcat(out, OSSL_PROVIDER_get0_name(p)), " ");
	return 1;
}

/* Debian 12's: a library that is not made would be found by nobody but the bench. */
static void
there_is_one(void **state)
{
	char names[256] = "";

	(void)state;
	if (OpenSSL_version_num() >= 0x30200000UL) {
		assert_null(library_context());
		return;
	}
	assert_non_null(library_context());
	assert_ptr_equal(library_context(), library_context());
	OSSL_PROVIDER_do_all(library_context(), count, names);
	assert_string_equal(names, "postern ");
	names[0] = '\0';
	OSSL_PROVIDER_do_all(NULL, count, names);	/* OpenSSL's own is as it was */
	assert_string_equal(names, "default ");
}

/* What a client says in its ClientHello. */
struct offer {
	unsigned char octets[4][512];
	size_t len[4];
};

static void
note(struct offer *o, size_t i, const unsigned char *p, size_t len)
{
	assert_in_range(len, 1, sizeof o->octets[i]);
	memcpy(o->octets[i], p, len);
	o->len[i] = len;
}

static int
note_hello(SSL *ssl, int *alert, void *arg)
{
	static const unsigned extensions[] = { 10, 11, 13 };	/* groups, forms, signatures */
	struct offer *o = arg;
	const unsigned char *p;
	size_t len = SSL_client_hello_get0_ciphers(ssl, &p);

	(void)alert;
	note(o, 0, p, len);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(SSL_client_hello_get0_ext(ssl, extensions[i], &p, &len), 1);
		note(o, i + 1, p, len);
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* A client and a server in memory, until both are done or one fails. */
static bool
shake(SSL_CTX *client, SSL_CTX *server, SSL **c, SSL **s)
{
	BIO *near = NULL, *far = NULL;
	int left = 0, right = 0;

	*c = SSL_new(client);
	*s = SSL_new(server);
	assert_true(*c && *s);
	TESTCA_NEED(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
	SSL_set_bio(*c, near, near);
	SSL_set_bio(*s, far, far);
	SSL_set_connect_state(*c);
	SSL_set_accept_state(*s);
	for (int i = 0; i < 50 && (left != 1 || right != 1); i++) {
		left = SSL_do_handshake(*c);
		right = SSL_do_handshake(*s);
	}
	ERR_clear_error();
	return left == 1 && right == 1;
}

static SSL_CTX *
client_of(OSSL_LIB_CTX *library, const char *ciphers, int level)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, TLS_client_method());

	assert_non_null(ctx);
	SSL_CTX_set_security_level(ctx, level);
	assert_true(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION));
	assert_true(SSL_CTX_set_cipher_list(ctx, ciphers));
	return ctx;
}

static void
both_offer_the_same(void **state)
{
	/* Those of originate.c, and wider. */
	static const char *const ciphers[] = {
		"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:"
		    "kRSA+AESGCM:kRSA+AES:!aNULL:!eNULL:!PSK:!SRP:!aDSS",
		"AES:CHACHA20:!ARIA:!CAMELLIA:!aNULL:!PSK:!SRP:!aDSS",
	};
	struct testca_cert leaf = testca_issue(&(struct testca_spec){ .dns = HOST });

	(void)state;
	for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
		for (int level = 0; level <= 2; level++) {
			struct offer offers[2] = { 0 };

			for (int part = 0; part < 2; part++) {
				SSL_CTX *server = testca_server(&leaf, NULL);
				SSL_CTX *client = client_of(part ? library_context() : NULL,
				    ciphers[i], level);
				SSL *c, *s;

				SSL_CTX_set_client_hello_cb(server, note_hello, &offers[part]);
				assert_true(shake(client, server, &c, &s));
				SSL_free(c);
				SSL_free(s);
				SSL_CTX_free(client);
				SSL_CTX_free(server);
			}
			assert_memory_equal(&offers[0], &offers[1], sizeof offers[0]);
		}
	}
	testca_free(&leaf);
}

/* A handshake and a chain with keys and signatures of that kind. */
static void
try_kind(OSSL_LIB_CTX *library, const struct testca_spec *root_spec, const char *leaf_kind,
    int version, const char *ciphers)
{
	struct testca_cert root = testca_issue(root_spec);
	struct testca_cert leaf;
	SSL_CTX *client = client_of(library, ciphers, 0), *server;
	X509_STORE *store = X509_STORE_new();
	unsigned char *der = NULL;
	const unsigned char *p;
	X509 *anchor = X509_new_ex(library, NULL);
	SSL *c, *s;
	int len = i2d_X509(root.x509, &der);

	leaf = testca_issue(&(struct testca_spec){ .issuer = &root, .dns = HOST,
	    .rsa_bits = strcmp(leaf_kind, "RSA") == 0 ? 2048 : 0,
	    .curve = leaf_kind[0] == 'P' ? leaf_kind : NULL });
	p = der;
	assert_non_null(d2i_X509(&anchor, &p, len));
	assert_true(X509_STORE_add_cert(store, anchor));
	SSL_CTX_set_cert_store(client, store);
	SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
	server = testca_server(&leaf, NULL);
	assert_true(SSL_CTX_set_dh_auto(server, 1));
	assert_true(SSL_CTX_set_max_proto_version(server, version));
	assert_true(SSL_CTX_set_cipher_list(server, "ALL"));
	assert_true(shake(client, server, &c, &s));
	assert_int_equal(SSL_get_verify_result(c), X509_V_OK);
	assert_int_equal(SSL_version(c), version);
	assert_int_equal(SSL_write(c, "ping", 4), 4);
	assert_int_equal(SSL_read(s, (char[8]){ 0 }, 8), 4);
	assert_int_equal(SSL_write(s, "pong", 4), 4);
	assert_int_equal(SSL_read(c, (char[8]){ 0 }, 8), 4);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	OPENSSL_free(der);
	X509_free(anchor);
	testca_free(&leaf);
	testca_free(&root);
}

static void
every_kind_works(void **state)
{
	static const struct testca_spec roots[] = {
		{ .cn = "Root", .ca = true, .rsa_bits = 2048 },
		{ .cn = "Root", .ca = true, .curve = "P-256" },
		{ .cn = "Root", .ca = true, .curve = "P-384" },
		{ .cn = "Root", .ca = true, .curve = "P-521" },
	};
	static const struct { const char *kind; int version; const char *ciphers; } ways[] = {
		{ "RSA", TLS1_3_VERSION, "ALL" }, { "P-256", TLS1_3_VERSION, "ALL" },
		{ "P-384", TLS1_3_VERSION, "ALL" }, { "P-521", TLS1_3_VERSION, "ALL" },
		{ "RSA", TLS1_2_VERSION, "ECDHE+AESGCM" }, { "RSA", TLS1_2_VERSION, "AES128-SHA" },
		{ "RSA", TLS1_2_VERSION, "AES256-SHA256" },
		{ "RSA", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384" },
		{ "RSA", TLS1_2_VERSION, "DHE+CHACHA20" }, { "RSA", TLS1_2_VERSION, "DHE+AESCCM" },
		{ "P-256", TLS1_2_VERSION, "ECDHE+AES" }, { "P-384", TLS1_2_VERSION, "ECDHE+AESGCM" },
		{ "RSA", TLS1_1_VERSION, "DHE+AES" }, { "RSA", TLS1_VERSION, "AES128-SHA" },
		{ "P-256", TLS1_VERSION, "ECDHE+AES" },
	};

	(void)state;
	for (size_t r = 0; r < sizeof roots / sizeof *roots; r++)
		for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
			try_kind(library_context(), &roots[r], ways[i].kind, ways[i].version,
			    ways[i].ciphers);
}

/* A key that OpenSSL would decode and no TLS server has is still known for what it is. */
static void
keys_are_told_apart(void **state)
{
	static const struct { const char *type; int id; } kinds[] = {
		{ "ED25519", EVP_PKEY_ED25519 }, { "ED448", EVP_PKEY_ED448 },
		{ "RSA-PSS", EVP_PKEY_RSA_PSS }, { "X25519", EVP_PKEY_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		bool pss = kinds[i].id == EVP_PKEY_RSA_PSS;
		EVP_PKEY *key = pss ? testca_pss_key() :
		    EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type);
		struct testca_cert signer = testca_root("Root");
		X509 *made = X509_new(), *read = X509_new_ex(library_context(), NULL);
		unsigned char *der = NULL;
		const unsigned char *p;
		int len;

		assert_true(key && made && read && X509_set_pubkey(made, key));
		X509_gmtime_adj(X509_getm_notBefore(made), 0);
		X509_gmtime_adj(X509_getm_notAfter(made), 60);
		assert_true(X509_sign(made, signer.key, EVP_sha256()) > 0);
		len = i2d_X509(made, &der);
		p = der;
		assert_non_null(d2i_X509(&read, &p, len));
		if (!library_context() || kinds[i].id != EVP_PKEY_NONE) {
			assert_non_null(X509_get0_pubkey(read));
			assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(read), key), 1);
			assert_true(kinds[i].id == EVP_PKEY_NONE ||
			    EVP_PKEY_get_base_id(X509_get0_pubkey(read)) == kinds[i].id);
		} else {
			assert_null(X509_get0_pubkey(read));
			ERR_clear_error();
		}
		OPENSSL_free(der);
		X509_free(made);
		X509_free(read);
		EVP_PKEY_free(key);
		testca_free(&signer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_one),
		cmocka_unit_test(both_offer_the_same),
		cmocka_unit_test(every_kind_works),
		cmocka_unit_test(keys_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
