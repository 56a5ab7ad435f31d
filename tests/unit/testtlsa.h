/* testtlsa.h - TLSA records made of certificates, for tests
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_TESTTLSA_H
#define TESTS_TESTTLSA_H

#include "tests/unit/testca.h"
#include "tls/tlsa.h"

struct testtlsa {
	struct tlsa records[TLSA_RECORDS_MAX];
	uint8_t *octets[TLSA_RECORDS_MAX];
	const char *bases[TLSA_BASES_MAX];
	struct tlsa_set set;
};

/* One base, and room for records. */
static inline void
testtlsa_open(struct testtlsa *t, const char *base)
{
	memset(t, 0, sizeof *t);
	t->bases[0] = base;
	t->set.bases = t->bases;
	t->set.bases_len = 1;
	t->set.records = t->records;
}

static inline void
testtlsa_base(struct testtlsa *t, const char *base)
{
	TESTCA_NEED(t->set.bases_len < TLSA_BASES_MAX);
	t->bases[t->set.bases_len++] = base;
}

static inline struct tlsa *
testtlsa_octets(struct testtlsa *t, uint8_t usage, uint8_t selector, uint8_t matching,
    const void *octets, size_t len)
{
	struct tlsa *r = &t->records[t->set.len];
	uint8_t *copy = malloc(len ? len : 1);	/* no longer than it must be, for the sanitizers */

	TESTCA_NEED(t->set.len < TLSA_RECORDS_MAX && copy && len <= UINT16_MAX);
	memcpy(copy, octets, len);
	t->octets[t->set.len++] = copy;
	*r = (struct tlsa){ .usage = usage, .selector = selector, .matching = matching,
	    .base = (uint8_t)(t->set.bases_len - 1), .len = (uint16_t)len, .data = copy };
	TESTCA_NEED(tlsa_digest(&t->set, t->set.digest));
	return r;
}

/* A record of the base added last that this certificate matches. */
static inline struct tlsa *
testtlsa_add(struct testtlsa *t, uint8_t usage, uint8_t selector, uint8_t matching,
    const X509 *cert)
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	int len = selector == TLSA_CERT ? i2d_X509(cert, &der) :
	    i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	struct tlsa *r;

	TESTCA_NEED(len > 0);
	if (matching != TLSA_FULL)
		TESTCA_NEED(EVP_Digest(der, (size_t)len, digest, &digest_len,
		    matching == TLSA_SHA256 ? EVP_sha256() : EVP_sha512(), NULL));
	r = matching == TLSA_FULL ?
	    testtlsa_octets(t, usage, selector, matching, der, (size_t)len) :
	    testtlsa_octets(t, usage, selector, matching, digest, digest_len);
	OPENSSL_free(der);
	return r;
}

/* The last octet of the record added last, changed. */
static inline void
testtlsa_damage(struct testtlsa *t)
{
	size_t i = t->set.len - 1;

	t->octets[i][t->records[i].len - 1] ^= 1;
	TESTCA_NEED(tlsa_digest(&t->set, t->set.digest));
}

static inline void
testtlsa_free(struct testtlsa *t)
{
	for (size_t i = 0; i < t->set.len; i++)
		free(t->octets[i]);
	t->set.len = 0;
}

#endif
