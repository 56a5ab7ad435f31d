/* terminate.h - TLS sessions of clients that end at postern, with its own certificate
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Old clients must be able to talk: TLS 1.0 and up, RSA and ECDSA certificates, no lower bound on
 * strength (OpenSSL's security level 0). */
#ifndef TLS_TERMINATE_H
#define TLS_TERMINATE_H

#include <stddef.h>

#include "tls/identity.h"
#include "tls/stream.h"

struct terminator;

/* terminator_new: reads both files from dir. NULL on failure, reason in error. */
struct terminator *terminator_new(const char *dir, char *error, size_t error_size);
void terminator_free(struct terminator *t);	/* after the last of its streams */

/* terminate: a server session on the connected socket fd; NULL when out of memory. */
struct stream *terminate(struct terminator *t, int fd);

#endif
