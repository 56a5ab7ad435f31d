/* verified.c - chains that were verified, remembered with what came of it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table as resumption.c has it: the name picks a set of a few ways, a full set loses its oldest.
 * The name is a SHA-256 over a secret, the TLSA set and the certificates: who chooses what is
 * remembered cannot choose its place. */
#include "tls/verified.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "tls/evidence_inside.h"

#define WAYS 4
#define SETS (VERIFIED_MAX / WAYS)
#define NAME 32			/* octets */
#define SECRET 32
#define CHAIN_OCTETS_MAX 8192	/* DER; honest ones have 2 to 6 KiB. Names may fill all of it */

struct entry {
	uint8_t name[NAME];
	uint64_t stamp;		/* rises with each entry; 0 is an empty place */
	struct evidence *evidence;
};

struct verified {
	uint8_t secret[SECRET];
	uint64_t stamp;
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	struct entry sets[SETS][WAYS];
};

struct verified *
verified_new(void)
{
	struct verified *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	v->digest = EVP_MD_CTX_new();
	if (v->sha256 && v->digest && RAND_bytes(v->secret, sizeof v->secret) == 1)
		return v;
	verified_free(v);
	return NULL;
}

static void
drop(struct entry *entry)
{
	evidence_release(entry->evidence);
	memset(entry, 0, sizeof *entry);
}

void
verified_free(struct verified *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			drop(&v->sets[i][j]);
	EVP_MD_CTX_free(v->digest);
	EVP_MD_free(v->sha256);
	OPENSSL_cleanse(v->secret, sizeof v->secret);
	free(v);
}

/* A certificate tells its own length, so that none runs into the next. */
static bool
add_certificate(EVP_MD_CTX *digest, const X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	bool ok = len > 0 && EVP_DigestUpdate(digest, der, (size_t)len);

	OPENSSL_free(der);
	return ok;
}

/* False: this one is not to be remembered. */
static bool
name_chain(struct verified *v, X509_STORE_CTX *ctx, const struct tlsa_set *tlsa,
    uint8_t name[NAME])
{
	static const uint8_t none[TLSA_DIGEST];
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
	bool ok = sk_X509_num(sent) > 0 &&
	    sk_X509_value(sent, 0) == X509_STORE_CTX_get0_cert(ctx) &&
	    EVP_DigestInit_ex2(v->digest, v->sha256, NULL) &&
	    EVP_DigestUpdate(v->digest, v->secret, SECRET) &&
	    EVP_DigestUpdate(v->digest, tlsa ? tlsa->digest : none, TLSA_DIGEST);

	for (int i = 0; ok && i < sk_X509_num(sent); i++)
		ok = add_certificate(v->digest, sk_X509_value(sent, i));
	return ok && EVP_DigestFinal_ex(v->digest, name, NULL);
}

static struct entry *
set_of(struct verified *v, const uint8_t *name)
{
	return v->sets[(name[0] | name[1] << 8) % SETS];
}

/* Nothing in it has come to its end since. */
static bool
is_fresh(const struct evidence *e, time_t now)
{
	return now >= e->made && now - e->made < VERIFIED_AGE_MAX &&
	    (e->chain.standing != CHAIN_TRUSTED || now <= e->chain.until) &&
	    (e->dane.standing != PROOF_DANE_TA || now <= e->dane.until);
}

static struct evidence *
find(struct verified *v, const uint8_t name[NAME], time_t now)
{
	struct entry *set = set_of(v, name);

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].stamp == 0 || memcmp(set[i].name, name, NAME) != 0)
			continue;
		if (is_fresh(set[i].evidence, now))
			return evidence_hold(set[i].evidence);
		drop(&set[i]);
	}
	return NULL;
}

/* Only what stands, and whose other faults time does not heal: an unknown CA beside a TLSA record
 * that matches is as unknown an hour later. */
static bool
is_worth_it(const struct evidence *e)
{
	return evidence_stands(e) && evidence_octets(e) <= CHAIN_OCTETS_MAX &&
	    (e->chain.standing == CHAIN_TRUSTED || e->chain.standing == CHAIN_UNTRUSTED) &&
	    e->dane.standing != PROOF_DANE_EXPIRED && e->dane.standing != PROOF_DANE_INVALID;
}

static void
keep(struct verified *v, const uint8_t name[NAME], struct evidence *e)
{
	struct entry *set = set_of(v, name), *oldest = &set[0];

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].stamp < oldest->stamp)
			oldest = &set[i];
	drop(oldest);
	memcpy(oldest->name, name, NAME);
	oldest->stamp = ++v->stamp;
	oldest->evidence = evidence_hold(e);
}

struct evidence *
verified_collect(struct verified *v, X509_STORE_CTX *ctx, struct dane_checker *dane,
    const struct tlsa_set *tlsa, time_t now)
{
	uint8_t name[NAME];
	bool named = name_chain(v, ctx, tlsa, name);
	struct evidence *e = named ? find(v, name, now) : NULL;

	if (e)
		return e;
	e = evidence_collect(ctx, dane, tlsa);
	if (e && named && is_worth_it(e))
		keep(v, name, e);
	return e;
}

size_t
verified_count(const struct verified *v)
{
	size_t count = 0;

	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			count += v->sets[i][j].stamp != 0;
	return count;
}
