/* san.h - the DNS-IDs in a certificate's subjectAltName
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_SAN_H
#define TLS_SAN_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

/* san_each: calls visit for each DNS-ID, as presented and any octets, until one call returns true;
 * returns whether one did. A certificate whose extension is missing, broken or there twice has
 * none. */
bool san_each(const X509 *cert, bool (*visit)(void *arg, const char *name, size_t len), void *arg);

#endif
