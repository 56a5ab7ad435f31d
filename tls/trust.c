/* trust.c - the CA certificates that chains are built to
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/trust.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tls/library.h"

struct trust {
	X509_STORE *store;
	struct dane_checker *dane;
	size_t count;
	uint8_t digest[TRUST_DIGEST];
};

/* A file is said by errno to be missing or closed to us; by OpenSSL to be no PEM. */
static X509_STORE *
load_store(const char *ca_file, char *error, size_t error_size)
{
	X509_STORE *store = X509_STORE_new();
	FILE *f = fopen(ca_file, "re");

	if (!f) {
		snprintf(error, error_size, "%s: %s", ca_file, strerror(errno));
		X509_STORE_free(store);
		return NULL;
	}
	fclose(f);
	ERR_clear_error();
	if (!store || !X509_STORE_load_file_ex(store, ca_file, library_context(), NULL)) {
		const char *reason = ERR_reason_error_string(ERR_peek_last_error());

		snprintf(error, error_size, "%s: no usable CA certificates: %s", ca_file,
		    reason ? reason : "out of memory");
		ERR_clear_error();
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

static size_t
count_certificates(X509_STORE *store)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	size_t count = 0;

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++)
		count += X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_X509;
	return count;
}

/* With what a TRUSTED CERTIFICATE says beside the certificate, which decides about chains too. */
static bool
digest_one(X509 *cert, uint8_t out[TRUST_DIGEST])
{
	unsigned char *der = NULL;
	int len = i2d_X509_AUX(cert, &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL);

	OPENSSL_free(der);
	return ok;
}

static int
by_octets(const void *a, const void *b)
{
	return memcmp(a, b, TRUST_DIGEST);
}

/* Over the sorted digests of the certificates, so that their order in the file does not count. */
static bool
digest_all(X509_STORE *store, size_t count, uint8_t out[TRUST_DIGEST])
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	uint8_t (*each)[TRUST_DIGEST] = calloc(count + 1, sizeof *each);
	size_t n = 0;
	bool ok = each != NULL;

	for (int i = 0; ok && i < sk_X509_OBJECT_num(objects); i++) {
		X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (cert)	/* else a CRL */
			ok = digest_one(cert, each[n++]);
	}
	if (ok) {
		qsort(each, n, sizeof *each, by_octets);
		ok = EVP_Digest(each, n * sizeof *each, out, NULL, EVP_sha256(), NULL);
	}
	free(each);
	return ok;
}

struct trust *
trust_load(const char *ca_file, char *error, size_t error_size)
{
	struct trust *t = calloc(1, sizeof *t);

	if (!t) {
		snprintf(error, error_size, "%s: out of memory", ca_file);
		return NULL;
	}
	t->store = load_store(ca_file, error, error_size);
	if (!t->store) {
		free(t);
		return NULL;
	}
	t->count = count_certificates(t->store);
	t->dane = dane_checker_new();
	if (!t->dane || !digest_all(t->store, t->count, t->digest)) {
		snprintf(error, error_size, "%s: out of memory", ca_file);
		ERR_clear_error();
		trust_free(t);
		return NULL;
	}
	return t;
}

void
trust_free(struct trust *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	dane_checker_free(t->dane);
	free(t);
}

X509_STORE *
trust_store(const struct trust *t)
{
	return t->store;
}

struct dane_checker *
trust_dane(const struct trust *t)
{
	return t->dane;
}

size_t
trust_count(const struct trust *t)
{
	return t->count;
}

const uint8_t *
trust_digest(const struct trust *t)
{
	return t->digest;
}
