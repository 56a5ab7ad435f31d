/* identity.h - postern's own key and certificate, towards clients
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

/* identity_make: writes a new key and self-signed certificate for `name` (RSA-2048 and ECDSA P-256,
 * ten years) as PEM files client-rsa.pem and client-ecdsa.pem (key then certificate, mode 0600)
 * into dir where missing or no key and certificate that belong together; existing ones are kept,
 * of any issuer and date. Written to a temporary name, fsync'ed, renamed. False with the reason
 * (naming the file) in error; a file that may not be read is such a reason, and stays. */
bool identity_make(const char *dir, const char *name, char *error, size_t error_size);

#endif
