/* decoded.c - the certificates that servers send, decoded once
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The last octets of a certificate are its signature's: as good as a hash to choose a place. Who
 * makes some that share a place makes it useless for those, and no more. */
#include "tls/decoded.h"

#include <stdlib.h>
#include <string.h>

#include "tls/library.h"

#if defined(__GNUC__) && !defined(__clang__)
/* What hangs in a place of a table is out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

struct place {
	uint8_t *der;		/* NULL: empty */
	size_t len;
	X509 *cert;
};

struct decoded {
	struct place issuers[DECODED_ISSUERS_MAX], leaves[DECODED_LEAVES_MAX];
};

struct decoded *
decoded_new(void)
{
	return calloc(1, sizeof(struct decoded));
}

static void
clear(struct place *p)
{
	X509_free(p->cert);
	free(p->der);
	*p = (struct place){ NULL, 0, NULL };
}

void
decoded_free(struct decoded *i)
{
	if (!i)
		return;
	for (size_t n = 0; n < DECODED_ISSUERS_MAX; n++)
		clear(&i->issuers[n]);
	for (size_t n = 0; n < DECODED_LEAVES_MAX; n++)
		clear(&i->leaves[n]);
	free(i);
}

static X509 *
decode(const struct octets *der)
{
	const unsigned char *p = der->p;
	X509 *cert = X509_new_ex(library_context(), NULL);

	/* When it fails it frees what it was given. */
	if (cert && d2i_X509(&cert, &p, (long)der->left) && p == der->p + der->left)
		return cert;
	X509_free(cert);
	return NULL;
}

static void
keep(struct place *p, const struct octets *der, X509 *cert)
{
	uint8_t *copy = malloc(der->left);

	clear(p);
	if (!copy || !X509_up_ref(cert)) {
		free(copy);
		return;
	}
	memcpy(copy, der->p, der->left);
	p->der = copy;
	p->len = der->left;
	p->cert = cert;
}

/* place_of: among `count` places, a power of two of at most 65536; NULL for what is not kept. */
static struct place *
place_of(struct place *places, size_t count, const struct octets *der)
{
	if (der->left < 2 || der->left > DECODED_DER_MAX)
		return NULL;
	return &places[(der->p[der->left - 1] | (size_t)der->p[der->left - 2] << 8) % count];
}

static bool
holds(const struct place *p, const struct octets *der)
{
	return p->len == der->left && memcmp(p->der, der->p, der->left) == 0;
}

static X509 *
look_up(struct place *places, size_t count, const struct octets *der)
{
	struct place *p = place_of(places, count, der);
	X509 *cert;

	if (!p)
		return decode(der);
	if (holds(p, der))
		return X509_up_ref(p->cert) ? p->cert : NULL;
	cert = decode(der);
	if (cert)
		keep(p, der, cert);
	return cert;
}

X509 *
decoded_issuer(struct decoded *i, const struct octets *der)
{
	return look_up(i->issuers, DECODED_ISSUERS_MAX, der);
}

X509 *
decoded_leaf(struct decoded *i, const struct octets *der)
{
	return look_up(i->leaves, DECODED_LEAVES_MAX, der);
}

void
decoded_share(struct decoded *i, STACK_OF(X509) *chain)
{
	for (int n = 0; n < sk_X509_num(chain); n++) {
		X509 *cert = sk_X509_value(chain, n);
		unsigned char *octets = NULL;
		int len = i2d_X509(cert, &octets);
		struct octets der = octets_of(octets, len > 0 ? (size_t)len : 0);
		struct place *p = n == 0 ? place_of(i->leaves, DECODED_LEAVES_MAX, &der) :
		    place_of(i->issuers, DECODED_ISSUERS_MAX, &der);

		if (p && !holds(p, &der)) {
			keep(p, &der, cert);
		} else if (p && X509_up_ref(p->cert)) {
			sk_X509_set(chain, n, p->cert);
			X509_free(cert);
		}
		OPENSSL_free(octets);
	}
}
