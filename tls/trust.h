/* trust.h - the CA certificates that chains are built to
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_TRUST_H
#define TLS_TRUST_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509_vfy.h>

#include "tls/dane.h"

#define TRUST_DIGEST 32

struct trust;

/* trust_load: a PEM bundle, read now. NULL on failure, with the reason and the file in error. */
struct trust *trust_load(const char *ca_file, char *error, size_t error_size);
void trust_free(struct trust *t);		/* NULL is allowed */

X509_STORE *trust_store(const struct trust *t);	/* valid as long as t */
size_t trust_count(const struct trust *t);	/* certificates */

/* trust_dane: what holds chains against TLSA records; the certificates say nothing to those. Valid
 * as long as t. */
struct dane_checker *trust_dane(const struct trust *t);

/* trust_digest: SHA-256 over the certificates, whatever their order in the file; another bundle,
 * another digest. What was proven under one says nothing under another. */
const uint8_t *trust_digest(const struct trust *t);

#endif
