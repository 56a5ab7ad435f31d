/* library.h - the part of OpenSSL that sessions towards servers need, as a library of its own
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * OpenSSL 3.0 decodes the key in a certificate by listing every algorithm that it has, to ask each
 * whether it is meant: that takes longer than all of the handshake's mathematics. In a library
 * context that has few algorithms it takes a fifth. They are OpenSSL's own, and all that a TLS
 * client and the chains of servers can use: what is offered and accepted is the same. */
#ifndef TLS_LIBRARY_H
#define TLS_LIBRARY_H

#include <openssl/types.h>

/* library_context: for contexts of sessions, for stores and certificates; the same one each time,
 * never to be freed. NULL, which is OpenSSL's own with everything: where the administrator has
 * given OpenSSL other providers or FIPS, and where OpenSSL is too new to need this, or too
 * different. */
OSSL_LIB_CTX *library_context(void);

#endif
