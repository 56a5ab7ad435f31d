/* verified.h - chains that were verified, remembered with what came of it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mail goes to the same few servers, and those show the same chain each time. A bounded table in
 * memory of one CA bundle: another bundle is another originator, with a table of its own. What
 * belongs to the single handshake (whether the peer has the key, how strong the session is) is not
 * in it; that is asked each time. */
#ifndef TLS_VERIFIED_H
#define TLS_VERIFIED_H

#include <stddef.h>
#include <time.h>

#include "tls/evidence.h"

#define VERIFIED_AGE_MAX 3600	/* s: after an hour everything is looked at again */
#define VERIFIED_MAX 1024	/* chains */

struct verified;

struct verified *verified_new(void);		/* NULL when out of memory or of randomness */
void verified_free(struct verified *v);		/* NULL is allowed */

/* verified_collect: evidence_collect, or what it gave for the very same certificates and TLSA set
 * not long before `now`. One reference is the caller's, who may not be the only one who has it.
 * NULL when out of memory. */
struct evidence *verified_collect(struct verified *v, X509_STORE_CTX *ctx,
    struct dane_checker *dane, const struct tlsa_set *tlsa, time_t now);

/* verified_count: how many chains are remembered. */
size_t verified_count(const struct verified *v);

#endif
