/* key_exchange.c - the ServerKeyExchange: parameters, and the signature that makes them a proof
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is signed does not say of which kind the parameters are. The two kinds taken here cannot be
 * read as each other all the same: a named curve with its point has 137 octets at most, a prime of
 * 2048 bits alone has 256. */
#include "tls/key_exchange.h"

#include <assert.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "tls/octets.h"
#include "tls/signature.h"

#define CURVE_NAMED 3		/* RFC 8422 5.4; explicit ones are the peer's own invention */
#define PRIME_BITS_MIN 2048	/* RFC 9325 4.2.1 */
#define NUMBER_MAX 1024		/* octets: 8192 bits, the largest group of RFC 7919 */
#define PARAMETERS_MAX (3 * (2 + NUMBER_MAX))

/* Points are uncompressed (RFC 8422 5.1.2); others have a length of their own. */
static const struct curve {
	uint16_t id;
	uint8_t point;		/* octets */
	bool bare;		/* x25519, x448: no leading 4 */
} curves[] = {
	{ 23, 65, false }, { 24, 97, false }, { 25, 133, false },	/* secp256r1, 384, 521 */
	{ 26, 65, false }, { 27, 97, false }, { 28, 129, false },	/* brainpool, RFC 7027 */
	{ 29, 32, true }, { 30, 56, true },				/* x25519, x448 */
};

static bool
curve_takes(uint16_t id, const struct octets *point)
{
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
		if (curves[i].id == id)
			return point->left == curves[i].point &&
			    (curves[i].bare || point->p[0] == 4);
	return false;
}

static enum key_exchange_result
read_curve(struct octets *o, const struct client_hello *client)
{
	uint8_t type = octets_8(o);
	uint16_t id;
	struct octets point;

	if (!o->bad && type != CURVE_NAMED)
		return KEY_EXCHANGE_GROUP;
	id = octets_16(o);
	point = octets_vector(o, 1);
	if (o->bad)
		return KEY_EXCHANGE_BAD;
	return curve_takes(id, &point) && client_hello_offers_group(client, id) ? KEY_EXCHANGE_OK :
	    KEY_EXCHANGE_GROUP;
}

/* A number without the zeros in front. */
static struct octets
read_number(struct octets *o)
{
	struct octets n = octets_vector(o, 2);

	while (n.left > 0 && n.left <= NUMBER_MAX && n.p[0] == 0)
		octets_8(&n);
	return n;
}

static bool
is_large_prime(const struct octets *p)
{
	size_t bits = p->left * 8;

	if (p->left == 0 || p->left > NUMBER_MAX || p->p[p->left - 1] % 2 == 0)
		return false;
	for (uint8_t top = p->p[0]; top < 0x80; top = (uint8_t)(top << 1))
		bits--;
	return bits >= PRIME_BITS_MIN;
}

/* 1 < n < p - 1: else there are two shared secrets at most (RFC 7919 5.1). p is odd, so that p - 1
 * differs from it in the last bit alone. */
static bool
is_between(const struct octets *n, const struct octets *p)
{
	size_t last = p->left - 1;
	int order;

	if (n->left == 0 || (n->left == 1 && n->p[0] == 1))
		return false;
	if (n->left != p->left)
		return n->left < p->left;
	order = memcmp(n->p, p->p, last);
	return order < 0 || (order == 0 && n->p[last] < p->p[last] - 1);
}

/* Whether p is a prime is between the two: who signs a bad one does it with the proven key. */
static enum key_exchange_result
read_numbers(struct octets *o)
{
	struct octets p = read_number(o), g = read_number(o), y = read_number(o);

	if (o->bad)
		return KEY_EXCHANGE_BAD;
	return is_large_prime(&p) && is_between(&g, &p) && is_between(&y, &p) ? KEY_EXCHANGE_OK :
	    KEY_EXCHANGE_GROUP;
}

/* As OpenSSL's client: a keyUsage that does not allow signing counts for ECDSA suites alone. */
static bool
signs_for(X509 *leaf, EVP_PKEY *key, enum suite_key kind)
{
	int id = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;

	switch (kind) {
	case SUITE_KEY_RSA:
		return id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS;
	case SUITE_KEY_ECDSA:
		return (id == EVP_PKEY_EC || id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448) &&
		    X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE;
	}
	return false;
}

static enum key_exchange_result
standing(enum signature_result r)
{
	switch (r) {
	case SIGNATURE_OK:
		return KEY_EXCHANGE_OK;
	case SIGNATURE_WEAK:
		return KEY_EXCHANGE_WEAK;
	case SIGNATURE_UNFIT:
		return KEY_EXCHANGE_ALGORITHM;
	case SIGNATURE_WRONG:
		return KEY_EXCHANGE_SIGNATURE;
	}
	return KEY_EXCHANGE_SIGNATURE;
}

/* What follows the parameters. */
struct signed_part {
	bool old;		/* TLS < 1.2: no scheme */
	uint16_t scheme;
	struct octets signature;
};

static enum key_exchange_result
verify(const uint8_t *params, size_t len, const struct signed_part *s, EVP_PKEY *key,
    const uint8_t *client_random, const uint8_t *server_random)
{
	uint8_t data[2 * CLIENT_HELLO_RANDOM + PARAMETERS_MAX];

	assert(len <= PARAMETERS_MAX);
	memcpy(data, client_random, CLIENT_HELLO_RANDOM);
	memcpy(data + CLIENT_HELLO_RANDOM, server_random, CLIENT_HELLO_RANDOM);
	memcpy(data + 2 * CLIENT_HELLO_RANDOM, params, len);
	len += 2 * CLIENT_HELLO_RANDOM;
	return standing(s->old ?
	    signature_verify_old(key, data, len, s->signature.p, s->signature.left) :
	    signature_verify(s->scheme, key, data, len, s->signature.p, s->signature.left));
}

enum key_exchange_result
key_exchange_verify(const void *body, size_t len, X509 *leaf, const struct suite *suite,
    const struct client_hello *client, const struct server_hello *server)
{
	struct octets o = octets_of(body, len);
	struct signed_part s = { .old = server->version < 0x0303 };
	EVP_PKEY *key = X509_get0_pubkey(leaf);
	enum key_exchange_result group;
	size_t params;

	if (suite->exchange != SUITE_ECDHE && suite->exchange != SUITE_DHE)
		return KEY_EXCHANGE_BAD;	/* RFC 5246 7.4.3: no such message then */
	group = suite->exchange == SUITE_ECDHE ? read_curve(&o, client) : read_numbers(&o);
	if (group != KEY_EXCHANGE_OK)
		return group;
	params = len - o.left;
	if (!s.old)
		s.scheme = octets_16(&o);
	s.signature = octets_vector(&o, 2);
	if (!octets_done(&o))
		return KEY_EXCHANGE_BAD;
	if (!signs_for(leaf, key, suite->key) ||
	    (!s.old && !client_hello_offers_signature(client, s.scheme)))
		return KEY_EXCHANGE_ALGORITHM;
	return verify(body, params, &s, key, client->random, server->random);
}

bool
key_exchange_transports(X509 *leaf)
{
	const EVP_PKEY *key = X509_get0_pubkey(leaf);

	return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
}

const char *
key_exchange_result_text(enum key_exchange_result r)
{
	switch (r) {
	case KEY_EXCHANGE_OK:
		return "";
	case KEY_EXCHANGE_WEAK:
		return "signature-weak";
	case KEY_EXCHANGE_BAD:
		return "key-exchange-malformed";
	case KEY_EXCHANGE_GROUP:
		return "group-unfit";
	case KEY_EXCHANGE_ALGORITHM:
		return "signature-unfit";
	case KEY_EXCHANGE_SIGNATURE:
		return "signature-invalid";
	}
	return "unknown";
}
