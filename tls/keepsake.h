/* keepsake.h - what is to be remembered of a proven handshake between two others
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A session that is resumed shows no certificate. Its ticket or id was visible in the handshake
 * that did: a hash of it names what was proven then. */
#ifndef TLS_KEEPSAKE_H
#define TLS_KEEPSAKE_H

#include "tls/evidence.h"
#include "tls/flight.h"
#include "tls/octets.h"
#include "tls/peek.h"
#include "tls/trust.h"

#define KEEPSAKE_LIFETIME_MAX_S 86400	/* after a day the chain is verified afresh */

#define KEEPSAKE_SCOPE 32		/* octets */

enum keepsake_kind { KEEPSAKE_TICKET = 1, KEEPSAKE_ID = 2 };

struct keepsake {
	size_t count;
	struct peek_session sessions[PEEK_SESSIONS_MAX];
	time_t until;		/* not one second longer */
	uint8_t *evidence;
	size_t evidence_len;
};

/* keepsake_scope: within what a name counts: the CA bundle, since what was proven under one says
 * nothing under another, and the client, since one that works together with a false server could
 * have sessions remembered under any name. False when out of memory. */
bool keepsake_scope(const struct trust *trust, const void *client, size_t len,
    uint8_t out[KEEPSAKE_SCOPE]);

/* keepsake_name: false when out of memory. */
bool keepsake_name(const uint8_t scope[KEEPSAKE_SCOPE], enum keepsake_kind kind,
    const struct octets *octets, uint8_t out[PEEK_NAME]);

/* keepsake_note: the sessions that this flight has named. */
void keepsake_note(struct keepsake *k, const uint8_t scope[KEEPSAKE_SCOPE],
    const struct flight *f);

/* keepsake_fill: what stands behind them; `weak` where the key was proven with a broken digest.
 * False, and nothing is left in *k, where there is nothing to be remembered. */
bool keepsake_fill(struct keepsake *k, const struct evidence *e, bool weak);

/* keepsake_recall: the evidence that was filled in; one reference is the caller's. NULL when it
 * cannot be read. */
struct evidence *keepsake_recall(const void *p, size_t len, bool *weak);

void keepsake_clear(struct keepsake *k);

#endif
