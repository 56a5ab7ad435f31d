/* key_exchange_fuzz.c - ServerKeyExchange messages, forged and signed
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Input: an octet that says how (bits 0-1 the key, 3 TLS 1.1, 4 sign), then the message, or its
 * parameters where they are to be signed with the server's own key. A message that nobody signed
 * never proves anything. One that is signed does where its parameters are good ones, by a second
 * opinion; under one kind of suite at most, for these randoms only, neither cut nor lengthened. */
#include "tls/key_exchange.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define PARAMETERS_MAX 4096
#define SIGNATURE_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { P256, EDWARDS, RSA2048, SMALL_EC, KINDS };

static const struct { unsigned scheme; const EVP_MD *(*md)(void), *(*old_md)(void); } signers[] = {
	[P256] = { 0x0403, EVP_sha256, EVP_sha1 },
	[EDWARDS] = { 0x0807, NULL, NULL },
	[RSA2048] = { 0x0401, EVP_sha256, EVP_md5_sha1 },
	[SMALL_EC] = { 0x0303, EVP_sha224, EVP_sha1 },
};
static EVP_PKEY *keys[KINDS];
static X509 *leaves[KINDS];
static uint8_t client_random[32] = "client", server_random[32] = "server";

static void
make_keys(void)
{
	if (keys[0])
		return;
	keys[P256] = EVP_EC_gen("P-256");
	keys[EDWARDS] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	keys[RSA2048] = EVP_RSA_gen(2048);
	keys[SMALL_EC] = EVP_EC_gen("P-224");
	for (int i = 0; i < KINDS; i++) {
		leaves[i] = X509_new();
		assert(keys[i] && leaves[i] && X509_set_version(leaves[i], X509_VERSION_3) &&
		    ASN1_INTEGER_set(X509_get_serialNumber(leaves[i]), 1) &&
		    X509_gmtime_adj(X509_getm_notBefore(leaves[i]), 0) &&
		    X509_gmtime_adj(X509_getm_notAfter(leaves[i]), 60) &&
		    X509_set_pubkey(leaves[i], keys[i]) &&
		    X509_sign(leaves[i], keys[P256], EVP_sha256()) > 0);
	}
}

struct message {
	enum kind kind;
	bool old;
	uint8_t body[PARAMETERS_MAX + 4 + SIGNATURE_MAX + 1];
	size_t len;
};

static enum key_exchange_result
verify(const struct message *m, enum suite_exchange exchange)
{
	struct client_hello client = { .version = 0x0303, .random = client_random };
	struct server_hello server = { .version = m->old ? 0x0302 : 0x0303,
	    .random = server_random };
	struct suite suite = { .exchange = exchange, .strong = true, .name = "",
	    .key = m->kind == RSA2048 ? SUITE_KEY_RSA : SUITE_KEY_ECDSA };
	uint8_t *exact = malloc(m->len ? m->len : 1);
	enum key_exchange_result r;

	assert(exact);
	memcpy(exact, m->body, m->len);
	r = key_exchange_verify(exact, m->len, leaves[m->kind], &suite, &client, &server);
	free(exact);
	return r;
}

static void
sign(struct message *m)
{
	const EVP_MD *md = m->old ? signers[m->kind].old_md() :
	    signers[m->kind].md ? signers[m->kind].md() : NULL;
	uint8_t data[64 + PARAMETERS_MAX], *p = m->body + m->len;
	size_t len = SIGNATURE_MAX;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	memcpy(data, client_random, 32);
	memcpy(data + 32, server_random, 32);
	memcpy(data + 64, m->body, m->len);
	if (!m->old) {
		*p++ = (uint8_t)(signers[m->kind].scheme >> 8);
		*p++ = (uint8_t)signers[m->kind].scheme;
	}
	assert(ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, keys[m->kind]) == 1);
	assert(EVP_DigestSign(ctx, p + 2, &len, data, 64 + m->len) == 1);
	EVP_MD_CTX_free(ctx);
	p[0] = (uint8_t)(len >> 8);
	p[1] = (uint8_t)len;
	m->len = (size_t)(p + 2 + len - m->body);
}

/* The second opinion: whether these are a named curve and its point, and nothing else. */
static bool
is_curve(const uint8_t *p, size_t len)
{
	static const uint8_t points[] = { 65, 97, 133, 65, 97, 129, 32, 56 };

	if (len < 5 || p[0] != 3 || p[1] != 0 || p[2] < 23 || p[2] > 30 || p[3] != len - 4)
		return false;
	return p[3] == points[p[2] - 23] && (p[2] >= 29 || p[4] == 4);
}

/* The same of p, g and y. */
static bool
is_group(const uint8_t *p, size_t len)
{
	BIGNUM *n[3] = { NULL, NULL, NULL };
	bool ok = true;

	for (int i = 0; i < 3 && ok; i++) {
		size_t one = len >= 2 ? (size_t)p[0] << 8 | p[1] : len;

		ok = len >= 2 && one <= len - 2 && one <= 1024;
		if (!ok)
			break;
		n[i] = BN_bin2bn(p + 2, (int)one, NULL);
		p += 2 + one;
		len -= 2 + one;
	}
	ok = ok && len == 0 && BN_is_odd(n[0]) && BN_num_bits(n[0]) >= 2048 &&
	    BN_sub_word(n[0], 1);
	for (int i = 1; i < 3 && ok; i++)
		ok = BN_cmp(n[i], BN_value_one()) > 0 && BN_cmp(n[i], n[0]) < 0;
	for (int i = 0; i < 3; i++)
		BN_free(n[i]);
	return ok;
}

static bool
proves(enum key_exchange_result r)
{
	return r == KEY_EXCHANGE_OK || r == KEY_EXCHANGE_WEAK;
}

static void
check_signed(struct message *m, size_t params, enum suite_exchange exchange)
{
	size_t whole = m->len;

	assert(verify(m, exchange) == (m->old ? KEY_EXCHANGE_WEAK : KEY_EXCHANGE_OK));
	client_random[params % 32] ^= 1;
	assert(verify(m, exchange) == KEY_EXCHANGE_SIGNATURE);
	client_random[params % 32] ^= 1;
	server_random[params % 32] ^= 1;
	assert(verify(m, exchange) == KEY_EXCHANGE_SIGNATURE);
	server_random[params % 32] ^= 1;
	m->body[m->len++] = 0;
	assert(verify(m, exchange) == KEY_EXCHANGE_BAD);
	m->len = whole - 1;
	assert(verify(m, exchange) == KEY_EXCHANGE_BAD);
	m->len = params;
	assert(verify(m, exchange) == KEY_EXCHANGE_BAD);
	m->len = whole;
	m->body[params - 1] ^= 0x40;
	assert(!proves(verify(m, exchange)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	bool ecdhe, dhe;
	uint8_t how;

	if (size < 1 || size - 1 > PARAMETERS_MAX)
		return 0;
	make_keys();
	how = data[0];
	m.kind = (enum kind)(how & 3);
	m.old = how & 8 && m.kind != EDWARDS;
	m.len = size - 1;
	memcpy(m.body, data + 1, m.len);
	if (how & 16)
		sign(&m);
	ecdhe = proves(verify(&m, SUITE_ECDHE));
	dhe = proves(verify(&m, SUITE_DHE));
	assert(ecdhe == (how & 16 && is_curve(data + 1, size - 1)));
	assert(dhe == (how & 16 && is_group(data + 1, size - 1)));
	assert(!(ecdhe && dhe));
	assert(verify(&m, SUITE_RSA) == KEY_EXCHANGE_BAD);
	if (ecdhe || dhe)
		check_signed(&m, size - 1, ecdhe ? SUITE_ECDHE : SUITE_DHE);
	return 0;
}
