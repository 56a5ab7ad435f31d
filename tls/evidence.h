/* evidence.h - what one full handshake showed, shared by the sessions resumed from it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counted references, within one thread. Everything is computed once, in the handshake that carries
 * the certificates; a resumed session takes it over. */
#ifndef TLS_EVIDENCE_H
#define TLS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/x509_vfy.h>

#include "tls/dane.h"
#include "tls/proof.h"

struct evidence;

/* evidence_collect: verifies the chain that a handshake received, holds it against the TLSA set
 * (NULL: none) too, and keeps the facts. One reference is the caller's. NULL when out of memory. */
struct evidence *evidence_collect(X509_STORE_CTX *ctx, struct dane_checker *dane,
    const struct tlsa_set *tlsa);

struct evidence *evidence_hold(struct evidence *e);
void evidence_release(struct evidence *e);	/* NULL is allowed */

/* evidence_weaken: the session itself is too weak for its certificates to count, or its key was not
 * proven: neither CA nor TLSA record stands for them then. `fault` is static. Changes nothing about
 * a chain that does not stand anyway. Others who hold *e keep what they have: *e becomes a copy
 * then; false when out of memory, with *e released and NULL. */
bool evidence_weaken(struct evidence **e, const char *fault);

/* evidence_fill: sets chain, detail, names, hashes, dane and the leaf's fields of *out, as of
 * `now`. False when out of memory. */
bool evidence_fill(const struct evidence *e, time_t now, struct proof *out);

time_t evidence_made(const struct evidence *e);
size_t evidence_octets(const struct evidence *e);	/* the chain's size as sent, in DER */
time_t evidence_until(const struct evidence *e);	/* nothing of it stands longer */

/* evidence_encode: octets written, 0 when it does not fit. Only what stands is worth keeping: 0
 * where the chain is not CHAIN_TRUSTED and no TLSA record stands for it (PROOF_DANE_EE, _TA).
 * evidence_decode: one reference is the caller's; NULL when malformed or out of memory. */
size_t evidence_encode(const struct evidence *e, void *out, size_t size);
struct evidence *evidence_decode(const void *p, size_t len);

#endif
