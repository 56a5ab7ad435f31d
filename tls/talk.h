/* talk.h - two peers talking under encryption, watched until one is known to have heard the other
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Of encrypted records only the kinds can be seen. That the client has found the server's Finished
 * right shows when it goes on after an answer: a client with a false start (RFC 7918) sends its
 * first octets before it has, but reads the answer to them only after. What the server says before
 * it is asked is no answer: anybody could have sent such a record. */
#ifndef TLS_TALK_H
#define TLS_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "tls/evidence.h"
#include "tls/keepsake.h"
#include "tls/peek.h"
#include "tls/record.h"

/* All zero at the beginning. */
struct talk {
	struct record_track server, client;
	bool sealed;		/* the client's ChangeCipherSpec was there */
	bool asked;		/* after it, application data of the client */
	bool answered;		/* after that, application data of the server */
	enum peek_talk state;
	struct keepsake keepsake;	/* counts at PEEK_SETTLED, empty at PEEK_BROKEN */
};

/* talk_evidence: once the keepsake's sessions are noted: what stands behind them. PEEK_SETTLED
 * where there is nothing to be remembered, since then nothing is worth watching. */
void talk_evidence(struct talk *t, const struct evidence *e, bool weak);

/* talk_server: octets from behind the server's ChangeCipherSpec on. */
void talk_server(struct talk *t, const void *octets, size_t len);

/* talk_client: octets from behind the ClientHello on. */
void talk_client(struct talk *t, const void *octets, size_t len);

/* talk_end: with PEEK_SETTLED or PEEK_BROKEN, and nothing to be remembered. */
void talk_end(struct talk *t, enum peek_talk state);

#endif
