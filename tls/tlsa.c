/* tlsa.c - TLSA records as values (RFC 6698, RFC 7671, RFC 7672 section 3.1)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tlsa.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static bool
is_certificate(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	X509 *cert = d2i_X509(NULL, &p, (long)len);
	bool ok = cert && p == der + len && X509_get0_pubkey(cert);

	X509_free(cert);
	ERR_clear_error();
	return ok;
}

static bool
is_key(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)len);
	bool ok = key && p == der + len;

	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

/* NULL: nothing is wrong with it. */
static const char *
fault_of(const struct tlsa *t)
{
	if (t->usage == TLSA_PKIX_TA || t->usage == TLSA_PKIX_EE)
		return "usage 0 or 1, which SMTP does not know";
	if (t->usage != TLSA_DANE_TA && t->usage != TLSA_DANE_EE)
		return "unknown usage";
	if (t->selector != TLSA_CERT && t->selector != TLSA_SPKI)
		return "unknown selector";
	if (t->matching == TLSA_SHA256)
		return t->len == 32 ? NULL : "no SHA-256 digest: wrong length";
	if (t->matching == TLSA_SHA512)
		return t->len == 64 ? NULL : "no SHA-512 digest: wrong length";
	if (t->matching != TLSA_FULL)
		return "unknown matching type";
	if (t->selector == TLSA_CERT)
		return is_certificate(t->data, t->len) ? NULL : "no certificate";
	return is_key(t->data, t->len) ? NULL : "no public key";
}

bool
tlsa_usable(const struct tlsa *t, const char **why)
{
	const char *fault = fault_of(t);

	if (fault)
		*why = fault;
	return !fault;
}

/* Every part comes behind its length, the lists behind their counts. */
static bool
add_number(EVP_MD_CTX *ctx, size_t n)
{
	const uint8_t octets[] = { (uint8_t)(n >> 8), (uint8_t)n };

	assert(n <= UINT16_MAX);
	return EVP_DigestUpdate(ctx, octets, sizeof octets);
}

static bool
add_record(EVP_MD_CTX *ctx, const struct tlsa *t)
{
	const uint8_t fields[] = { t->base, t->usage, t->selector, t->matching };

	return EVP_DigestUpdate(ctx, fields, sizeof fields) && add_number(ctx, t->len) &&
	    (t->len == 0 || EVP_DigestUpdate(ctx, t->data, t->len));
}

bool
tlsa_digest(const struct tlsa_set *s, uint8_t out[TLSA_DIGEST])
{
	EVP_MD_CTX *ctx;
	bool ok;

	memset(out, 0, TLSA_DIGEST);
	if (s->len == 0)
		return true;
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && add_number(ctx, s->bases_len);
	for (size_t i = 0; ok && i < s->bases_len; i++) {
		size_t len = strlen(s->bases[i]);

		ok = add_number(ctx, len) && EVP_DigestUpdate(ctx, s->bases[i], len);
	}
	ok = ok && add_number(ctx, s->len);
	for (size_t i = 0; ok && i < s->len; i++)
		ok = add_record(ctx, &s->records[i]);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
tlsa_same(const struct tlsa_set *s, const uint8_t digest[TLSA_DIGEST])
{
	static const uint8_t none[TLSA_DIGEST];

	return memcmp(s && s->len > 0 ? s->digest : none, digest, TLSA_DIGEST) == 0;
}

int
tlsa_compare(const void *a, const void *b)
{
	const struct tlsa *x = a, *y = b;
	const uint8_t left[] = { x->base, y->usage, y->selector, y->matching };
	const uint8_t right[] = { y->base, x->usage, x->selector, x->matching };
	int order = memcmp(left, right, sizeof left);

	if (order == 0)
		order = x->len - y->len;
	return order != 0 || x->len == 0 ? order : memcmp(x->data, y->data, x->len);
}

void
tlsa_sort(struct tlsa *records, size_t len)
{
	if (len > 1)
		qsort(records, len, sizeof *records, tlsa_compare);
}

static size_t
octets_of_all(const struct tlsa_set *s)
{
	size_t size = 0;

	for (size_t i = 0; i < s->len; i++)
		size += s->records[i].len;
	for (size_t i = 0; i < s->bases_len; i++)
		size += strlen(s->bases[i]) + 1;
	return size;
}

/* In the order of their alignment: the set, the pointers to its bases, its records, octets. */
struct tlsa_set *
tlsa_copy(const struct tlsa_set *s)
{
	struct tlsa_set *copy = malloc(sizeof *copy + s->bases_len * sizeof *s->bases +
	    s->len * sizeof *s->records + octets_of_all(s));
	const char **bases;
	struct tlsa *records;
	uint8_t *p;

	if (!copy)
		return NULL;
	bases = (const char **)(void *)(copy + 1);
	records = (struct tlsa *)(void *)(bases + s->bases_len);
	p = (uint8_t *)(records + s->len);
	*copy = *s;
	copy->bases = bases;
	copy->records = records;
	for (size_t i = 0; i < s->len; i++) {
		records[i] = s->records[i];
		records[i].data = p;
		if (records[i].len > 0)
			memcpy(p, s->records[i].data, records[i].len);
		p += records[i].len;
	}
	for (size_t i = 0; i < s->bases_len; i++) {
		size_t len = strlen(s->bases[i]) + 1;

		bases[i] = memcpy(p, s->bases[i], len);
		p += len;
	}
	return copy;
}

const char *
tlsa_text(const struct tlsa *t, char out[TLSA_TEXT_SIZE])
{
	size_t at = (size_t)snprintf(out, TLSA_TEXT_SIZE, "%u %u %u ", t->usage, t->selector,
	    t->matching), fits = (TLSA_TEXT_SIZE - sizeof ".." - at) / 2, len = t->len;

	if (len > fits)
		len = fits;
	for (size_t i = 0; i < len; i++)
		at += (size_t)snprintf(out + at, TLSA_TEXT_SIZE - at, "%02x", t->data[i]);
	snprintf(out + at, TLSA_TEXT_SIZE - at, "%s", len < t->len ? ".." : "");
	return out;
}
