/* key_exchange_test.c - the ServerKeyExchange of real handshakes, and of those who would forge one
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/client_hello.h"
#include "tls/key_exchange.h"
#include "tls/server_hello.h"

#define BODY_MAX 4096
#define ROUNDS 40

enum kind { RSA2048, RSA2048_OTHER, PSS, P256, P256_OTHER, P384, P521, ED25519, ED448, KINDS };

static EVP_PKEY *keys[KINDS];
static X509 *leaves[KINDS];

/* A leaf of any kind of key, with a keyUsage or without (NULL). Nobody looks at its chain here. */
static X509 *
make_leaf(EVP_PKEY *key, const char *usage)
{
	X509 *x = X509_new();

	TESTCA_NEED(x && key && X509_set_version(x, X509_VERSION_3) && X509_set_pubkey(x, key));
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(x), 1, 0, NULL);
	if (usage)
		testca_extension(x, NID_key_usage, usage);
	TESTCA_NEED(X509_sign(x, keys[P256], EVP_sha256()) > 0);
	return x;
}

static int
setup(void **state)
{
	(void)state;
	keys[RSA2048] = EVP_RSA_gen(2048);
	keys[RSA2048_OTHER] = EVP_RSA_gen(2048);
	keys[PSS] = testca_pss_key();
	keys[P256] = EVP_EC_gen("P-256");
	keys[P256_OTHER] = EVP_EC_gen("P-256");
	keys[P384] = EVP_EC_gen("P-384");
	keys[P521] = EVP_EC_gen("P-521");
	keys[ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	keys[ED448] = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	for (int i = 0; i < KINDS; i++)
		leaves[i] = make_leaf(keys[i], NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (int i = 0; i < KINDS; i++) {
		X509_free(leaves[i]);
		EVP_PKEY_free(keys[i]);
	}
	return 0;
}

/* What is seen of one handshake by who stands in between. */
struct seen {
	uint8_t client[BODY_MAX], server[BODY_MAX], exchange[BODY_MAX];
	size_t client_len, server_len, exchange_len;
	struct client_hello client_hello;
	struct server_hello server_hello;
	struct suite suite;
	bool finished;
};

static void
keep(uint8_t *out, size_t *out_len, const uint8_t *message, size_t len)
{
	TESTCA_NEED(len >= 4 && len - 4 <= BODY_MAX);
	memcpy(out, message + 4, len - 4);
	*out_len = len - 4;
}

static void
overhear(int sent, int version, int type, const void *p, size_t len, SSL *ssl, void *arg)
{
	struct seen *s = arg;
	const uint8_t *message = p;

	(void)version, (void)ssl, (void)sent;
	if (type != SSL3_RT_HANDSHAKE || len < 4)
		return;
	if (message[0] == SSL3_MT_CLIENT_HELLO)
		keep(s->client, &s->client_len, message, len);
	else if (message[0] == SSL3_MT_SERVER_HELLO)
		keep(s->server, &s->server_len, message, len);
	else if (message[0] == SSL3_MT_SERVER_KEY_EXCHANGE)
		keep(s->exchange, &s->exchange_len, message, len);
}

/* What a server is told to do. */
struct choice {
	enum kind kind;
	int version;
	const char *cipher, *groups, *schemes;	/* OpenSSL's words; NULL: its own choice */
	const char *dh;				/* a named group */
	enum key_exchange_result result;
};

static SSL_CTX *
context(const SSL_METHOD *method, const struct choice *c)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	TESTCA_NEED(ctx != NULL);
	SSL_CTX_set_security_level(ctx, 0);
	TESTCA_NEED(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) &&
	    SSL_CTX_set_max_proto_version(ctx, c->version) &&
	    SSL_CTX_set_cipher_list(ctx, c->cipher));
	if (c->groups)
		TESTCA_NEED(SSL_CTX_set1_groups_list(ctx, c->groups));
	if (c->schemes)
		TESTCA_NEED(SSL_CTX_set1_sigalgs_list(ctx, c->schemes));
	return ctx;
}

static void
shake(SSL *client, SSL *server, struct seen *s)
{
	BIO *a, *b;

	TESTCA_NEED(BIO_new_bio_pair(&a, 0, &b, 0));
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < ROUNDS && !s->finished; i++) {
		int c = SSL_do_handshake(client);

		s->finished = SSL_do_handshake(server) == 1 && c == 1;
	}
	ERR_clear_error();
}

static void
handshake(const struct choice *c, struct seen *s)
{
	SSL_CTX *server_ctx = context(TLS_server_method(), c);
	SSL_CTX *client_ctx = context(TLS_client_method(), c);
	SSL *client, *server;

	memset(s, 0, sizeof *s);
	TESTCA_NEED(SSL_CTX_use_certificate(server_ctx, leaves[c->kind]) == 1 &&
	    SSL_CTX_use_PrivateKey(server_ctx, keys[c->kind]) == 1);
	if (c->dh)
		testca_dh(server_ctx, c->dh);
	SSL_CTX_set_msg_callback(server_ctx, overhear);
	SSL_CTX_set_msg_callback_arg(server_ctx, s);
	client = SSL_new(client_ctx);
	server = SSL_new(server_ctx);
	TESTCA_NEED(client && server);
	shake(client, server, s);
	assert_true(s->finished);
	assert_int_equal(client_hello_parse(s->client, s->client_len, &s->client_hello),
	    CLIENT_HELLO_OK);
	assert_int_equal(server_hello_parse(s->server, s->server_len, &s->client_hello,
	    &s->server_hello), SERVER_HELLO_OK);
	suite_find(s->server_hello.suite, &s->suite);
	assert_string_equal(s->suite.name, SSL_get_cipher_name(client));
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(server_ctx);
}

static enum key_exchange_result
verdict(const struct seen *s, X509 *leaf)
{
	return key_exchange_verify(s->exchange, s->exchange_len, leaf, &s->suite,
	    &s->client_hello, &s->server_hello);
}

/* Nothing of it may be changed, and nothing else taken for it. */
static void
assert_bound(struct seen *s, const struct choice *c, enum key_exchange_result want)
{
	uint8_t *client_random = s->client + 2, *server_random = s->server + 2;
	size_t len = s->exchange_len, step = len > 600 ? 61 : 1;
	static const uint8_t other[KINDS] = { [RSA2048] = RSA2048_OTHER, [P256] = P256_OTHER };

	for (int i = 0; i < 32; i++) {
		client_random[i] ^= 0x10;
		assert_int_equal(verdict(s, leaves[c->kind]), KEY_EXCHANGE_SIGNATURE);
		client_random[i] ^= 0x10;
		server_random[i] ^= 0x10;
		assert_int_equal(verdict(s, leaves[c->kind]), KEY_EXCHANGE_SIGNATURE);
		server_random[i] ^= 0x10;
	}
	for (size_t i = 0; i < len; i += step) {
		s->exchange[i] ^= 1;
		assert_true(verdict(s, leaves[c->kind]) > KEY_EXCHANGE_WEAK);
		s->exchange[i] ^= 1;
	}
	for (s->exchange_len = 0; s->exchange_len < len; s->exchange_len += step)
		assert_int_equal(verdict(s, leaves[c->kind]), KEY_EXCHANGE_BAD);
	s->exchange_len = len + 1;
	s->exchange[len] = 0;
	assert_int_equal(verdict(s, leaves[c->kind]), KEY_EXCHANGE_BAD);
	s->exchange_len = len;
	if (other[c->kind])
		assert_int_equal(verdict(s, leaves[other[c->kind]]), KEY_EXCHANGE_SIGNATURE);
	assert_int_equal(verdict(s, leaves[c->kind]), want);
}

/* ECDHE, RSA: RFC 5246 7.4.1.4.1; ECDHE, ECDSA and EdDSA: RFC 8422 5.1.3; PSS: RFC 8446 4.2.3. */
static void
real_ones_prove_the_key(void **state)
{
	static const struct choice choices[] = {
		{ RSA2048, 0, NULL, NULL, "RSA+SHA224", NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, NULL, "RSA+SHA256", NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, NULL, "RSA+SHA384", NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, NULL, "RSA+SHA512", NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, NULL, "RSA+SHA1", NULL, KEY_EXCHANGE_WEAK },
		{ RSA2048, 0, NULL, NULL, "rsa_pss_rsae_sha256", NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, NULL, "rsa_pss_rsae_sha384", NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, NULL, "rsa_pss_rsae_sha512", NULL, KEY_EXCHANGE_OK },
		{ PSS, 0, NULL, NULL, "rsa_pss_pss_sha256", NULL, KEY_EXCHANGE_OK },
		{ PSS, 0, NULL, NULL, "rsa_pss_pss_sha384", NULL, KEY_EXCHANGE_OK },
		{ PSS, 0, NULL, NULL, "rsa_pss_pss_sha512", NULL, KEY_EXCHANGE_OK },
		{ P256, 0, NULL, NULL, "ECDSA+SHA224", NULL, KEY_EXCHANGE_OK },
		{ P256, 0, NULL, NULL, "ECDSA+SHA256", NULL, KEY_EXCHANGE_OK },
		{ P256, 0, NULL, NULL, "ECDSA+SHA384", NULL, KEY_EXCHANGE_OK },
		{ P256, 0, NULL, NULL, "ECDSA+SHA512", NULL, KEY_EXCHANGE_OK },
		{ P256, 0, NULL, NULL, "ECDSA+SHA1", NULL, KEY_EXCHANGE_WEAK },
		{ P384, 0, NULL, NULL, "ECDSA+SHA256", NULL, KEY_EXCHANGE_OK },
		{ P384, 0, NULL, NULL, "ECDSA+SHA384", NULL, KEY_EXCHANGE_OK },
		{ P521, 0, NULL, NULL, "ECDSA+SHA512", NULL, KEY_EXCHANGE_OK },
		{ ED25519, 0, NULL, NULL, "ed25519", NULL, KEY_EXCHANGE_OK },
		{ ED448, 0, NULL, NULL, "ed448", NULL, KEY_EXCHANGE_OK },
		{ P256, 0, NULL, "P-256", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "P-384", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "P-521", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "X25519", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "X448", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "brainpoolP256r1", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "brainpoolP384r1", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "brainpoolP512r1", NULL, NULL, KEY_EXCHANGE_OK },
		{ RSA2048, 0, NULL, "secp256k1", NULL, NULL, KEY_EXCHANGE_GROUP },
		{ RSA2048, 0, NULL, "P-224", NULL, NULL, KEY_EXCHANGE_GROUP },
		{ RSA2048, 0, "DHE", NULL, NULL, "ffdhe2048", KEY_EXCHANGE_OK },
		{ RSA2048, 0, "DHE", NULL, NULL, "modp_2048", KEY_EXCHANGE_OK },
		{ RSA2048, 0, "DHE", NULL, NULL, "dh_2048_256", KEY_EXCHANGE_OK },
		{ RSA2048, 0, "DHE", NULL, "RSA+SHA1", "ffdhe3072", KEY_EXCHANGE_WEAK },
		{ RSA2048, 0, "DHE", NULL, NULL, "ffdhe8192", KEY_EXCHANGE_OK },
		{ RSA2048, 0, "DHE", NULL, NULL, "modp_1536", KEY_EXCHANGE_GROUP },
		{ RSA2048, 0, "DHE", NULL, NULL, "dh_1024_160", KEY_EXCHANGE_GROUP },
		{ PSS, 0, "DHE", NULL, NULL, "ffdhe2048", KEY_EXCHANGE_OK },
		{ RSA2048, TLS1_1_VERSION, NULL, NULL, NULL, NULL, KEY_EXCHANGE_WEAK },
		{ RSA2048, TLS1_VERSION, NULL, NULL, NULL, NULL, KEY_EXCHANGE_WEAK },
		{ RSA2048, TLS1_VERSION, "DHE", NULL, NULL, "ffdhe2048", KEY_EXCHANGE_WEAK },
		{ RSA2048, TLS1_VERSION, "DHE", NULL, NULL, "dh_1024_160", KEY_EXCHANGE_GROUP },
		{ P256, TLS1_1_VERSION, NULL, NULL, NULL, NULL, KEY_EXCHANGE_WEAK },
		{ P384, TLS1_VERSION, NULL, NULL, NULL, NULL, KEY_EXCHANGE_WEAK },
	};
	static struct seen s;

	(void)state;
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		struct choice c = choices[i];

		c.version = c.version ? c.version : TLS1_2_VERSION;
		c.cipher = c.cipher ? "DHE:@SECLEVEL=0" : "ECDHE:@SECLEVEL=0";
		handshake(&c, &s);
		if (verdict(&s, leaves[c.kind]) != c.result)
			fail_msg("%zu: %d", i, (int)verdict(&s, leaves[c.kind]));
		if (c.result <= KEY_EXCHANGE_WEAK)
			assert_bound(&s, &c, c.result);
	}
}

/* Every suite that is signed, as OpenSSL agrees on it. */
static void
every_signed_suite_proves_the_key(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	STACK_OF(SSL_CIPHER) *all;
	static struct seen s;
	unsigned seen = 0;

	(void)state;
	TESTCA_NEED(ctx && SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"));
	all = SSL_CTX_get_ciphers(ctx);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
		struct suite suite;
		struct choice c = { .version = TLS1_2_VERSION, .dh = "ffdhe2048",
		    .cipher = SSL_CIPHER_get_name(cipher) };

		suite_find(SSL_CIPHER_get_protocol_id(cipher), &suite);
		if (suite.exchange != SUITE_DHE && suite.exchange != SUITE_ECDHE)
			continue;
		c.kind = suite.key == SUITE_KEY_RSA ? RSA2048 : P256;
		handshake(&c, &s);
		assert_int_equal(verdict(&s, leaves[c.kind]), KEY_EXCHANGE_OK);
		seen++;
	}
	assert_true(seen > 30);
	SSL_CTX_free(ctx);
}

/* Bodies made by hand, signed as it should be. */
static const uint8_t client_random[32] = "the client's random, 32 octets..";
static const uint8_t server_random[32] = "the server's random, 32 octets..";

struct body {
	uint8_t octets[BODY_MAX];
	size_t len;
};

static void
put(struct body *b, size_t width, size_t v)
{
	TESTCA_NEED(b->len + width <= BODY_MAX);
	while (width > 0)
		b->octets[b->len++] = (uint8_t)(v >> (8 * --width));
}

static void
put_vector(struct body *b, size_t width, const void *p, size_t len)
{
	put(b, width, len);
	TESTCA_NEED(b->len + len <= BODY_MAX);
	memcpy(b->octets + b->len, p, len);
	b->len += len;
}

/* Signs what is there and puts it behind; scheme 0 is left out. salt: of PSS, else 0. */
static void
put_signature(struct body *b, EVP_PKEY *key, unsigned scheme, const EVP_MD *md, int salt)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *details;
	uint8_t data[64 + BODY_MAX], sig[1024];
	size_t len = sizeof sig;

	memcpy(data, client_random, 32);
	memcpy(data + 32, server_random, 32);
	memcpy(data + 64, b->octets, b->len);
	TESTCA_NEED(ctx && EVP_DigestSignInit(ctx, &details, md, NULL, key) == 1);
	if (salt)
		TESTCA_NEED(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(details, salt) == 1);
	TESTCA_NEED(EVP_DigestSign(ctx, sig, &len, data, 64 + b->len) == 1);
	EVP_MD_CTX_free(ctx);
	if (scheme)
		put(b, 2, scheme);
	put_vector(b, 2, sig, len);
}

struct asked {
	enum suite_exchange exchange;
	enum suite_key key;
	uint16_t version;
	const char *groups, *schemes;	/* pairs of octets; NULL: no such list */
};

static enum key_exchange_result
hold(const struct body *b, X509 *leaf, const struct asked *a)
{
	struct client_hello client = { .version = 0x0303, .random = client_random };
	struct server_hello server = { .version = a->version ? a->version : 0x0303,
	    .random = server_random };
	struct suite suite = { .exchange = a->exchange, .key = a->key, .strong = true, .name = "" };
	uint8_t *exact = malloc(b->len ? b->len : 1);
	enum key_exchange_result r;

	if (a->groups)
		client.groups = octets_of(a->groups, strlen(a->groups));
	if (a->schemes)
		client.signatures = octets_of(a->schemes, strlen(a->schemes));
	TESTCA_NEED(exact != NULL);
	memcpy(exact, b->octets, b->len);
	r = key_exchange_verify(exact, b->len, leaf, &suite, &client, &server);
	free(exact);
	return r;
}

static struct body
curve(unsigned id, size_t point_len, uint8_t first)
{
	struct body b = { .len = 0 };
	uint8_t point[255];

	memset(point, 0x5a, sizeof point);
	point[0] = first;
	put(&b, 1, 3);
	put(&b, 2, id);
	put_vector(&b, 1, point, point_len);
	return b;
}

static void
curves_are_named_whole_and_offered(void **state)
{
	static const struct {
		unsigned id;
		size_t len;
		uint8_t first;
		const char *offered;
		enum key_exchange_result result;
	} points[] = {
		{ 23, 65, 4, NULL, KEY_EXCHANGE_OK }, { 24, 97, 4, NULL, KEY_EXCHANGE_OK },
		{ 25, 133, 4, NULL, KEY_EXCHANGE_OK }, { 26, 65, 4, NULL, KEY_EXCHANGE_OK },
		{ 27, 97, 4, NULL, KEY_EXCHANGE_OK }, { 28, 129, 4, NULL, KEY_EXCHANGE_OK },
		{ 29, 32, 0, NULL, KEY_EXCHANGE_OK }, { 30, 56, 0, NULL, KEY_EXCHANGE_OK },
		{ 23, 64, 4, NULL, KEY_EXCHANGE_GROUP }, { 23, 66, 4, NULL, KEY_EXCHANGE_GROUP },
		{ 23, 33, 2, NULL, KEY_EXCHANGE_GROUP }, { 23, 65, 2, NULL, KEY_EXCHANGE_GROUP },
		{ 23, 0, 4, NULL, KEY_EXCHANGE_GROUP }, { 29, 33, 0, NULL, KEY_EXCHANGE_GROUP },
		{ 29, 31, 0, NULL, KEY_EXCHANGE_GROUP }, { 30, 55, 0, NULL, KEY_EXCHANGE_GROUP },
		{ 22, 65, 4, NULL, KEY_EXCHANGE_GROUP }, { 31, 65, 4, NULL, KEY_EXCHANGE_GROUP },
		{ 0, 65, 4, NULL, KEY_EXCHANGE_GROUP }, { 19, 49, 4, NULL, KEY_EXCHANGE_GROUP },
		{ 0x11ec, 65, 4, NULL, KEY_EXCHANGE_GROUP },
		{ 23, 65, 4, "\1\27\1\30", KEY_EXCHANGE_GROUP },
		{ 29, 32, 0, "\1\1\1\2", KEY_EXCHANGE_GROUP },
	};
	struct asked a = { .exchange = SUITE_ECDHE, .key = SUITE_KEY_ECDSA };

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		struct body b = curve(points[i].id, points[i].len, points[i].first);

		put_signature(&b, keys[P256], 0x0403, EVP_sha256(), 0);
		a.groups = points[i].offered;
		if (hold(&b, leaves[P256], &a) != points[i].result)
			fail_msg("%zu", i);
	}
}

/* A list of what the client takes binds the server, in both ways. */
static void
only_what_was_offered_counts(void **state)
{
	static const uint8_t offered_groups[] = { 0, 29, 0, 24 };
	static const uint8_t offered_schemes[] = { 8, 4, 5, 3 };
	struct client_hello client = { .version = 0x0303, .random = client_random,
	    .groups = octets_of(offered_groups, 4), .signatures = octets_of(offered_schemes, 4) };
	struct server_hello server = { .version = 0x0303, .random = server_random };
	struct suite suite = { SUITE_ECDHE, SUITE_KEY_ECDSA, true, "" };
	struct body x25519 = curve(29, 32, 0), p256 = curve(23, 65, 4), offered = x25519;

	(void)state;
	put_signature(&offered, keys[P256], 0x0503, EVP_sha384(), 0);
	put_signature(&x25519, keys[P256], 0x0403, EVP_sha256(), 0);
	put_signature(&p256, keys[P256], 0x0503, EVP_sha384(), 0);
	assert_int_equal(key_exchange_verify(offered.octets, offered.len, leaves[P256], &suite,
	    &client, &server), KEY_EXCHANGE_OK);
	assert_int_equal(key_exchange_verify(x25519.octets, x25519.len, leaves[P256], &suite,
	    &client, &server), KEY_EXCHANGE_ALGORITHM);
	assert_int_equal(key_exchange_verify(p256.octets, p256.len, leaves[P256], &suite,
	    &client, &server), KEY_EXCHANGE_GROUP);
}

/* RFC 4492 5.4: explicit curves, which nobody needs and an attacker could make up. */
static void
explicit_curves_are_refused(void **state)
{
	static const struct asked a = { .exchange = SUITE_ECDHE, .key = SUITE_KEY_ECDSA };
	uint8_t prime[32];

	(void)state;
	memset(prime, 0xff, sizeof prime);
	for (unsigned type = 0; type < 256; type++) {
		struct body b = { .len = 0 };

		if (type == 3)
			continue;
		put(&b, 1, type);
		for (int i = 0; i < 6; i++)
			put_vector(&b, 1, prime, sizeof prime);
		put_signature(&b, keys[P256], 0x0403, EVP_sha256(), 0);
		assert_int_equal(hold(&b, leaves[P256], &a), KEY_EXCHANGE_GROUP);
		b = curve(23, 65, 4);
		b.octets[0] = (uint8_t)type;
		put_signature(&b, keys[P256], 0x0403, EVP_sha256(), 0);
		assert_int_equal(hold(&b, leaves[P256], &a), KEY_EXCHANGE_GROUP);
	}
}

struct number {
	uint8_t octets[1100];
	size_t len;
};

/* bits ones, and `add` to them; `zeros` octets in front. */
static struct number
ones(size_t bits, int add, size_t zeros)
{
	struct number n = { .len = zeros };
	BIGNUM *v = BN_new();

	TESTCA_NEED(v && BN_set_bit(v, (int)bits) && BN_sub_word(v, 1) &&
	    (add < 0 ? BN_sub_word(v, (BN_ULONG)-add) : BN_add_word(v, (BN_ULONG)add)));
	n.len += (size_t)BN_bn2bin(v, n.octets + zeros);
	BN_free(v);
	return n;
}

/* p and what 1 < n < p - 1 says of g and y. All ones stand for a prime: that is not looked at. */
static void
groups_are_large_and_their_numbers_inside(void **state)
{
	const struct number p2048 = ones(2048, 0, 0), p8192 = ones(8192, 0, 0), two = { { 2 }, 1 };
	const struct number odd = ones(2048, -2, 0);
	const struct {
		struct number p, g, y;
		enum key_exchange_result result;
	} groups[] = {
		{ p2048, two, two, KEY_EXCHANGE_OK }, { odd, two, two, KEY_EXCHANGE_OK },
		{ p2048, two, ones(2048, -2, 0), KEY_EXCHANGE_OK },
		{ p2048, ones(2048, -2, 0), two, KEY_EXCHANGE_OK },
		{ p2048, two, ones(2047, 0, 0), KEY_EXCHANGE_OK },
		{ p2048, two, ones(2040, 0, 1), KEY_EXCHANGE_OK },
		{ ones(2048, 0, 8), two, ones(2048, -2, 8), KEY_EXCHANGE_OK },
		{ p8192, two, ones(8192, -2, 0), KEY_EXCHANGE_OK },
		{ ones(2048, -1, 0), two, two, KEY_EXCHANGE_GROUP },
		{ ones(2047, 0, 0), two, two, KEY_EXCHANGE_GROUP },
		{ ones(2047, 0, 1), two, two, KEY_EXCHANGE_GROUP },
		{ ones(1024, 0, 0), two, two, KEY_EXCHANGE_GROUP },
		{ ones(1024, 0, 200), two, two, KEY_EXCHANGE_GROUP },
		{ ones(8193, 0, 0), two, two, KEY_EXCHANGE_GROUP },
		{ ones(2048, 0, 769), two, two, KEY_EXCHANGE_GROUP },
		{ { { 0 }, 0 }, two, two, KEY_EXCHANGE_GROUP },
		{ { { 0 }, 256 }, two, two, KEY_EXCHANGE_GROUP },
		{ p2048, { { 0 }, 0 }, two, KEY_EXCHANGE_GROUP },
		{ p2048, { { 0 }, 1 }, two, KEY_EXCHANGE_GROUP },
		{ p2048, { { 1 }, 1 }, two, KEY_EXCHANGE_GROUP },
		{ p2048, { { 0, 0, 1 }, 3 }, two, KEY_EXCHANGE_GROUP },
		{ p2048, { { 0, 2 }, 2 }, two, KEY_EXCHANGE_OK },
		{ p2048, ones(2048, -1, 0), two, KEY_EXCHANGE_GROUP },
		{ p2048, p2048, two, KEY_EXCHANGE_GROUP },
		{ p2048, ones(2048, 1, 0), two, KEY_EXCHANGE_GROUP },
		{ p2048, two, { { 1 }, 1 }, KEY_EXCHANGE_GROUP },
		{ p2048, two, { { 0 }, 256 }, KEY_EXCHANGE_GROUP },
		{ p2048, two, ones(2048, -1, 0), KEY_EXCHANGE_GROUP },
		{ p2048, two, ones(2048, -1, 5), KEY_EXCHANGE_GROUP },
		{ p2048, two, p2048, KEY_EXCHANGE_GROUP },
		{ odd, two, p2048, KEY_EXCHANGE_GROUP },
		{ p2048, two, ones(2048, 1, 0), KEY_EXCHANGE_GROUP },
		{ p8192, two, ones(8192, -2, 1), KEY_EXCHANGE_GROUP },
	};
	struct asked a = { .exchange = SUITE_DHE, .key = SUITE_KEY_RSA };

	(void)state;
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		struct body b = { .len = 0 };

		put_vector(&b, 2, groups[i].p.octets, groups[i].p.len);
		put_vector(&b, 2, groups[i].g.octets, groups[i].g.len);
		put_vector(&b, 2, groups[i].y.octets, groups[i].y.len);
		put_signature(&b, keys[RSA2048], 0x0401, EVP_sha256(), 0);
		if (hold(&b, leaves[RSA2048], &a) != groups[i].result)
			fail_msg("%zu", i);
	}
}

/* What is signed is not marked with its kind (RFC 5246 7.4.3): parameters of the one must be
 * nothing under a suite of the other, even where the signature over them is the server's own. */
static void
no_kind_reads_as_the_other(void **state)
{
	static const struct { unsigned id; size_t len; uint8_t first; } points[] = {
		{ 23, 65, 4 }, { 24, 97, 4 }, { 25, 133, 4 }, { 26, 65, 4 }, { 27, 97, 4 },
		{ 28, 129, 4 }, { 29, 32, 7 }, { 30, 56, 7 },
	};
	static const struct asked ecdhe = { .exchange = SUITE_ECDHE, .key = SUITE_KEY_RSA };
	static const struct asked dhe = { .exchange = SUITE_DHE, .key = SUITE_KEY_RSA };
	size_t largest_curve = 0;
	struct number p, two = { { 2 }, 1 };
	struct body b;

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		b = curve(points[i].id, points[i].len, points[i].first);
		largest_curve = b.len > largest_curve ? b.len : largest_curve;
		put_signature(&b, keys[RSA2048], 0x0401, EVP_sha256(), 0);
		assert_int_equal(hold(&b, leaves[RSA2048], &ecdhe), KEY_EXCHANGE_OK);
		assert_int_equal(hold(&b, leaves[RSA2048], &dhe), KEY_EXCHANGE_BAD);
	}
	/* A prime of 768 octets whose length and first octets say secp256r1 and a point. */
	p = ones(768 * 8, 0, 0);
	memcpy(p.octets, "\x17\x41\x04", 3);
	b = (struct body){ .len = 0 };
	put_vector(&b, 2, p.octets, p.len);
	put_vector(&b, 2, two.octets, two.len);
	put_vector(&b, 2, two.octets, two.len);
	assert_true(b.len > largest_curve);
	put_signature(&b, keys[RSA2048], 0x0401, EVP_sha256(), 0);
	assert_memory_equal(b.octets, "\3\0\x17\x41\4", 5);
	assert_int_equal(hold(&b, leaves[RSA2048], &dhe), KEY_EXCHANGE_OK);
	assert_true(hold(&b, leaves[RSA2048], &ecdhe) > KEY_EXCHANGE_WEAK);
	/* The smallest prime that counts is longer than any curve with its point. */
	assert_true(2 + 256 > largest_curve);
	/* With no such message in the suite at all, it is out of place. */
	assert_int_equal(hold(&b, leaves[RSA2048], &(struct asked){ .exchange = SUITE_RSA }),
	    KEY_EXCHANGE_BAD);
	assert_int_equal(hold(&b, leaves[RSA2048], &(struct asked){ .exchange = SUITE_UNPROVEN }),
	    KEY_EXCHANGE_BAD);
}

/* Each algorithm under each kind of key, signed by the holder as well as that key can. */
static void
algorithms_fit_the_key(void **state)
{
	static const struct { enum kind kind; enum suite_key key; unsigned fit[8]; } rows[] = {
		{ RSA2048, SUITE_KEY_RSA, { 0x0401, 0x0501, 0x0601, 0x0301, 0x0804, 0x0805,
		    0x0806 } },
		{ PSS, SUITE_KEY_RSA, { 0x0809, 0x080a, 0x080b } },
		{ P256, SUITE_KEY_ECDSA, { 0x0403, 0x0503, 0x0603, 0x0303 } },
		{ P384, SUITE_KEY_ECDSA, { 0x0403, 0x0503, 0x0603, 0x0303 } },
		{ ED25519, SUITE_KEY_ECDSA, { 0x0807 } }, { ED448, SUITE_KEY_ECDSA, { 0x0808 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned scheme = 1; scheme <= 0x0fff; scheme++) {
			struct body b = curve(29, 32, 0);
			struct asked a = { .exchange = SUITE_ECDHE, .key = rows[i].key };
			bool fits = scheme == 0x0201 || scheme == 0x0101 ? rows[i].kind == RSA2048 :
			    (scheme == 0x0203 || scheme == 0x0103) && (rows[i].kind == P256 ||
			    rows[i].kind == P384);

			for (int k = 0; k < 8; k++)
				fits = fits || rows[i].fit[k] == scheme;
			put(&b, 2, scheme);
			put_vector(&b, 2, "no signature", 12);
			if (hold(&b, leaves[rows[i].kind], &a) !=
			    (fits ? KEY_EXCHANGE_SIGNATURE : KEY_EXCHANGE_ALGORITHM))
				fail_msg("%zu %04x", i, scheme);
			a.key = a.key == SUITE_KEY_RSA ? SUITE_KEY_ECDSA : SUITE_KEY_RSA;
			assert_int_equal(hold(&b, leaves[rows[i].kind], &a),
			    KEY_EXCHANGE_ALGORITHM);
		}
}

/* Signatures that are right under another algorithm than the one named, or another salt. */
static void
signatures_are_what_they_are_called(void **state)
{
	static const struct {
		enum kind kind;
		unsigned scheme;
		const EVP_MD *(*md)(void);
		int salt;
		enum key_exchange_result result;
	} signatures[] = {
		{ RSA2048, 0x0401, EVP_sha256, 0, KEY_EXCHANGE_OK },
		{ RSA2048, 0x0401, EVP_sha384, 0, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0401, EVP_sha1, 0, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0401, EVP_sha256, 32, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0201, EVP_sha1, 0, KEY_EXCHANGE_WEAK },
		{ RSA2048, 0x0101, EVP_md5, 0, KEY_EXCHANGE_WEAK },
		{ RSA2048, 0x0401, EVP_md5_sha1, 0, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0804, EVP_sha256, 32, KEY_EXCHANGE_OK },
		{ RSA2048, 0x0804, EVP_sha256, 20, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0804, EVP_sha256, 1, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0804, EVP_sha256, 48, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0804, EVP_sha256, RSA_PSS_SALTLEN_MAX_SIGN, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0804, EVP_sha384, 48, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0804, EVP_sha256, 0, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, 0x0809, EVP_sha256, 32, KEY_EXCHANGE_ALGORITHM },
		{ PSS, 0x0809, EVP_sha256, 32, KEY_EXCHANGE_OK },
		{ PSS, 0x0809, EVP_sha256, 20, KEY_EXCHANGE_SIGNATURE },
		{ PSS, 0x0804, EVP_sha256, 32, KEY_EXCHANGE_ALGORITHM },
		{ P256, 0x0403, EVP_sha256, 0, KEY_EXCHANGE_OK },
		{ P256, 0x0403, EVP_sha384, 0, KEY_EXCHANGE_SIGNATURE },
		{ P256, 0x0603, EVP_sha512, 0, KEY_EXCHANGE_OK },
		{ P256, 0x0203, EVP_sha1, 0, KEY_EXCHANGE_WEAK },
		{ P256, 0x0103, EVP_md5, 0, KEY_EXCHANGE_WEAK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		struct body b = curve(29, 32, 0);
		struct asked a = { .exchange = SUITE_ECDHE,
		    .key = signatures[i].kind == P256 ? SUITE_KEY_ECDSA : SUITE_KEY_RSA };

		put_signature(&b, keys[signatures[i].kind], signatures[i].scheme,
		    signatures[i].md(), signatures[i].salt);
		if (hold(&b, leaves[signatures[i].kind], &a) != signatures[i].result)
			fail_msg("%zu", i);
	}
}

/* Before TLS 1.2 nothing names the algorithm, and with a name in front it is another message. */
static void
old_versions_know_one_algorithm(void **state)
{
	static const struct {
		enum kind kind;
		const EVP_MD *(*md)(void);
		uint16_t version;
		unsigned scheme;
		enum key_exchange_result result;
	} rows[] = {
		{ RSA2048, EVP_md5_sha1, 0x0301, 0, KEY_EXCHANGE_WEAK },
		{ RSA2048, EVP_md5_sha1, 0x0302, 0, KEY_EXCHANGE_WEAK },
		{ RSA2048, EVP_sha1, 0x0302, 0, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, EVP_sha256, 0x0302, 0, KEY_EXCHANGE_SIGNATURE },
		{ RSA2048, EVP_md5_sha1, 0x0302, 0x0201, KEY_EXCHANGE_BAD },
		{ RSA2048, EVP_md5_sha1, 0x0303, 0, KEY_EXCHANGE_BAD },
		{ P256, EVP_sha1, 0x0301, 0, KEY_EXCHANGE_WEAK },
		{ P256, EVP_sha256, 0x0301, 0, KEY_EXCHANGE_SIGNATURE },
		{ P256, EVP_sha1, 0x0302, 0x0203, KEY_EXCHANGE_BAD },
		{ ED25519, NULL, 0x0302, 0, KEY_EXCHANGE_ALGORITHM },
		{ PSS, EVP_sha256, 0x0302, 0, KEY_EXCHANGE_ALGORITHM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct body b = curve(23, 65, 4);
		struct asked a = { .exchange = SUITE_ECDHE, .version = rows[i].version,
		    .key = rows[i].kind == RSA2048 || rows[i].kind == PSS ? SUITE_KEY_RSA :
		    SUITE_KEY_ECDSA };

		put_signature(&b, keys[rows[i].kind], rows[i].scheme,
		    rows[i].md ? rows[i].md() : NULL, 0);
		if (hold(&b, leaves[rows[i].kind], &a) != rows[i].result)
			fail_msg("%zu", i);
	}
}

/* As OpenSSL's client, which looks at keyUsage under ECDSA suites only (measured with 3.0). */
static void
key_usage_counts_for_ecdsa(void **state)
{
	static const struct { enum kind kind; const char *usage; bool counts; } rows[] = {
		{ P256, NULL, true }, { P256, "digitalSignature", true },
		{ P256, "keyAgreement", false }, { P256, "digitalSignature,keyAgreement", true },
		{ P256, "keyCertSign", false }, { ED25519, "keyCertSign", false },
		{ ED25519, "digitalSignature", true }, { RSA2048, "digitalSignature", true },
		{ RSA2048, "keyEncipherment", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		X509 *leaf = make_leaf(keys[rows[i].kind], rows[i].usage);
		struct body b = curve(29, 32, 0);
		struct asked a = { .exchange = SUITE_ECDHE,
		    .key = rows[i].kind == RSA2048 ? SUITE_KEY_RSA : SUITE_KEY_ECDSA };

		put_signature(&b, keys[rows[i].kind], rows[i].kind == RSA2048 ? 0x0401 :
		    rows[i].kind == P256 ? 0x0403 : 0x0807,
		    rows[i].kind == ED25519 ? NULL : EVP_sha256(), 0);
		if (hold(&b, leaf, &a) != (rows[i].counts ? KEY_EXCHANGE_OK :
		    KEY_EXCHANGE_ALGORITHM))
			fail_msg("%zu", i);
		X509_free(leaf);
	}
}

static void
secrets_are_sealed_to_rsa_alone(void **state)
{
	(void)state;
	for (int i = 0; i < KINDS; i++)
		assert_int_equal(key_exchange_transports(leaves[i]),
		    i == RSA2048 || i == RSA2048_OTHER);
}

static void
every_result_has_its_own_code(void **state)
{
	(void)state;
	assert_string_equal(key_exchange_result_text(KEY_EXCHANGE_OK), "");
	for (int i = KEY_EXCHANGE_WEAK; i <= KEY_EXCHANGE_SIGNATURE; i++)
		for (int k = KEY_EXCHANGE_OK; k < i; k++)
			assert_string_not_equal(
			    key_exchange_result_text((enum key_exchange_result)i),
			    key_exchange_result_text((enum key_exchange_result)k));
	assert_string_equal(key_exchange_result_text(KEY_EXCHANGE_SIGNATURE),
	    "signature-invalid");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ones_prove_the_key),
		cmocka_unit_test(every_signed_suite_proves_the_key),
		cmocka_unit_test(curves_are_named_whole_and_offered),
		cmocka_unit_test(only_what_was_offered_counts),
		cmocka_unit_test(explicit_curves_are_refused),
		cmocka_unit_test(groups_are_large_and_their_numbers_inside),
		cmocka_unit_test(no_kind_reads_as_the_other),
		cmocka_unit_test(algorithms_fit_the_key),
		cmocka_unit_test(signatures_are_what_they_are_called),
		cmocka_unit_test(old_versions_know_one_algorithm),
		cmocka_unit_test(key_usage_counts_for_ecdsa),
		cmocka_unit_test(secrets_are_sealed_to_rsa_alone),
		cmocka_unit_test(every_result_has_its_own_code),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
