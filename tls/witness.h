/* witness.h - what a server's flight proves about who has sent it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The chain, as it would stand if the session were our own, and whether the sender has the leaf's
 * key: by the signature of the ServerKeyExchange, or because nobody else can finish (RSA key
 * transport). */
#ifndef TLS_WITNESS_H
#define TLS_WITNESS_H

#include "tls/client_hello.h"
#include "tls/evidence.h"
#include "tls/flight.h"
#include "tls/originate.h"

struct witness {
	struct evidence *evidence;	/* the caller's; NULL: a certificate cannot be read */
	const char *fault;	/* why the key was not proven: a reason code; NULL: it was */
	bool weak;		/* it was, with a broken digest */
};

/* witness_hear: after FLIGHT_DONE, as `o` would see it. Where the key was not proven the evidence
 * is weakened already. `tlsa` may be NULL. False when out of memory. */
bool witness_hear(struct originator *o, const struct client_hello *client,
    const struct flight *flight, const struct tlsa_set *tlsa, struct witness *out);

/* witness_weigh: what keeps the evidence from counting in this handshake, of which it may be the
 * first or one that resumes that: its version and suite, and where `strict` whatever a session of
 * our own would not accept (below TLS 1.2, a broken digest, no RFC 5746). Weakens the evidence
 * (evidence_weaken) and returns the reason code; NULL: nothing. */
const char *witness_weigh(struct evidence **e, const struct flight *flight, int min_version,
    bool strict, bool weak);

/* witness_fill: the proof. e may be NULL, `fault` says then why. False when out of memory. */
bool witness_fill(const struct evidence *e, const struct flight *flight, const char *fault,
    struct proof *out);

#endif
