/* resumption.h - TLS sessions remembered for resumption, with the evidence they rest on
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A bounded table in memory. Peers choose what is stored, so the place of an entry comes from a
 * keyed hash, and chains and tickets over a limit are not remembered. */
#ifndef TLS_RESUMPTION_H
#define TLS_RESUMPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/ssl.h>

#include "tls/evidence.h"
#include "tls/tlsa.h"

#define RESUMPTION_TAG 16
/* Sessions in all. With a chain that is shared one takes 1.5 KiB, with a certificate of its own 7:
 * 6 to 28 MiB, and half a MiB for the places. The longest chain that is kept (8 KiB) takes thrice
 * that, one made of empty names 50 times. */
#define RESUMPTION_MAX 4096
/* Sessions of a slot. A ticket of TLS 1.3 is used once, and what a session returns lies here until
 * the next begins: as many as sessions with one host at once, or those above do not resume. */
#define RESUMPTION_SLOT_MAX 512

struct resumption;

struct resumption *resumption_new(void);	/* NULL when out of memory or of randomness */
void resumption_free(struct resumption *r);	/* NULL is allowed */

/* resumption_tag: names the slot of (key, sni, digest of the TLSA set; zero for none); two of them
 * share a tag only by guessing the key of the hash. False where it cannot be remembered (too long):
 * the tag is not to be used. */
bool resumption_tag(const struct resumption *r, unsigned char tag[RESUMPTION_TAG], const char *sni,
    const void *key, size_t key_len, const uint8_t tlsa_digest[TLSA_DIGEST]);

/* resumption_keep: takes over the reference to session, and holds one of its own to e. Returns
 * false, and takes nothing, where the session is not to be remembered. */
bool resumption_keep(struct resumption *r, const unsigned char tag[RESUMPTION_TAG],
    SSL_SESSION *session, struct evidence *e);

/* resumption_take: the newest session of that slot, or NULL. The references returned are the
 * caller's. A session of TLS 1.3 is given out once (RFC 8446 appendix C.4). */
SSL_SESSION *resumption_take(struct resumption *r, const unsigned char tag[RESUMPTION_TAG],
    time_t now, struct evidence **e);

void resumption_forget(struct resumption *r, const unsigned char tag[RESUMPTION_TAG]);

#endif
