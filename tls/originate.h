/* originate.h - TLS sessions that postern opens towards an MX
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verification is recorded, never enforced by the handshake: the proof is judged afterwards, since
 * the same session may serve several recipient domains. Resumption is keyed by (address, SNI) and
 * keeps the proof's identity: a resumed session's proof carries the chain and names of the full
 * handshake that made the ticket, checked again for expiry. */
#ifndef TLS_ORIGINATE_H
#define TLS_ORIGINATE_H

#include <stddef.h>

#include "tls/proof.h"
#include "tls/stream.h"
#include "tls/tlsa.h"

struct originator;

/* originator_new: ca_file is read now (PEM bundle). min_version is OpenSSL's number (0x0303) for
 * sessions of which proof is demanded and for others alike; at least TLS 1.2 where `proven`.
 * NULL on failure, with the reason in error. */
struct originator *originator_new(const char *ca_file, int min_version, char *error,
    size_t error_size);
void originator_free(struct originator *o);	/* after the last of its streams */

/* originator_ca_count: how many CA certificates were loaded. */
size_t originator_ca_count(const struct originator *o);

/* originator_trust, originator_min_version: what it was made of, for proofs of sessions that are
 * not ours (tls/peek.h); originator_decoded: the certificates known from those;
 * originator_verified: the chains known from all. */
struct trust;
struct decoded;
struct verified;
const struct trust *originator_trust(const struct originator *o);
struct decoded *originator_decoded(struct originator *o);
struct verified *originator_verified(struct originator *o);
int originator_min_version(const struct originator *o);

/* originate: a client session on the connected socket fd. sni may be "" (none sent), and has at
 * most 255 octets. key names the resumption slot beside the SNI: the peer's address, any octets
 * (over 64 of them: nothing is remembered). `proven` demands TLS 1.2 and 112 bits of strength at
 * least; without it almost anything goes, but a session below that strength has CHAIN_INVALID at
 * best. `tlsa` (NULL: none) is what the chain is held against beside the CA certificates; it is
 * copied, and part of the resumption slot: no session of another set is resumed. NULL when out of
 * memory. */
struct stream *originate(struct originator *o, int fd, const char *sni, const void *key,
    size_t key_len, int proven, const struct tlsa_set *tlsa);

/* originate_proof: what the peer proved, after stream_handshake gave STREAM_OK (PROOF_TLS), or
 * failed (PROOF_HANDSHAKE_FAILED). Clears *out first, which is zeroed or an earlier proof; the
 * caller ends with proof_clear. */
void originate_proof(struct stream *s, struct proof *out);

/* originate_forget: drops every remembered session of that slot, after a verdict against it.
 * tlsa_digest is the proof's dane_digest. */
void originate_forget(struct originator *o, const char *sni, const void *key, size_t key_len,
    const uint8_t tlsa_digest[TLSA_DIGEST]);

#endif
