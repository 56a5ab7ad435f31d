/* terminate.h - TLS sessions of clients that end at postern, with its own certificate
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Old clients must be able to talk: TLS 1.0 and up, RSA and ECDSA certificates, security level 0. */
#ifndef TLS_TERMINATE_H
#define TLS_TERMINATE_H

#include <stdbool.h>
#include <stddef.h>

#include "tls/stream.h"

struct terminator;

/* identity_make: writes a new key and self-signed certificate for `name` (RSA-2048 and ECDSA P-256,
 * ten years) as PEM files client-rsa.pem and client-ecdsa.pem (key then certificate, mode 0600)
 * into dir where missing or unreadable as such; existing ones are kept. Written to a temporary name,
 * fsync'ed, renamed. False with the reason (naming the file) in error. */
bool identity_make(const char *dir, const char *name, char *error, size_t error_size);

/* terminator_new: reads both files from dir. NULL on failure, reason in error. */
struct terminator *terminator_new(const char *dir, char *error, size_t error_size);
void terminator_free(struct terminator *t);

/* terminate: a server session on the connected socket fd; NULL when out of memory. */
struct stream *terminate(struct terminator *t, int fd);

#endif
