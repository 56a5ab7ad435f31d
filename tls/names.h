/* names.h - does a certificate name a host? RFC 9525, RFC 8461 section 4.2
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_NAMES_H
#define TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* names_match: does the presented DNS-ID stand for the reference host name? Both are A-labels; case
 * is ignored (R132); a wildcard counts only as the whole left-most label and stands for exactly one
 * label (R133); anything malformed matches nothing. `presented` is not NUL-terminated. */
bool names_match(const char *presented, size_t len, const char *reference);

/* names_match_below: is the presented DNS-ID `domain` itself or exactly one label below it ("*."
 * included)? For level secure. */
bool names_match_below(const char *presented, size_t len, const char *domain);

/* names_certificate: does the certificate (an X509 *) carry a DNS-ID that matches? Common names and
 * IP identifiers never count (R130). For libcurl's users, who do not know OpenSSL. */
bool names_certificate(const void *x509, const char *reference);

/* names_require: makes the SSL_CTX given fail the handshake unless the certificate's DNS-IDs match
 * `reference` and the chain verifies (R19). To be called from CURLOPT_SSL_CTX_FUNCTION; `reference`
 * must outlive the SSL_CTX. A session that its owner resumes is not verified again, so nothing that
 * outlives this SSL_CTX may keep sessions. Returns false when out of memory. */
bool names_require(void *ssl_ctx, const char *reference);

#endif
