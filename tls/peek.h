/* peek.h - a TLS handshake between two others, read in flight, and what it proves
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The client's session with the MX stays its own; whoever stands between sees in clear what each of
 * them says until ChangeCipherSpec (TLS <= 1.2). The server's flight is held until it has proven
 * its holder: its chain and names by the same code as on our own sessions (tls/evidence.h), and the
 * signature over both randoms, so that a replayed certificate is worth nothing. What cannot be
 * proven is no fault of the peer: the caller ends the client's TLS itself then.
 *
 * Bounded: HANDSHAKE_OCTETS_MAX, SERVER_HELLO_CERTIFICATES_MAX, PEEK_RECORDS_MAX. No I/O. */
#ifndef TLS_PEEK_H
#define TLS_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/originate.h"
#include "tls/proof.h"

#define PEEK_RECORDS_MAX 64		/* before ServerHelloDone; honest flights take up to 8 */
#define PEEK_HELLO_MAX 18437		/* octets of a ClientHello with records: one full one */
#define PEEK_NAME 32
#define PEEK_EVIDENCE_MAX 8192		/* larger ones are not remembered */
#define PEEK_SESSIONS_MAX 2		/* of one handshake: its ticket and its session id */

struct peek;

/* peek_new: `o` gives the CA certificates and tls.min-version, and must outlive it. NULL when out
 * of memory. */
struct peek *peek_new(struct originator *o);
void peek_free(struct peek *p);		/* NULL is allowed */

/* peek_bind: whose handshake it is, in any octets; before peek_client. A session remembered counts
 * for that client alone: a hostile one, together with somebody on the path, can have any ticket
 * remembered with a server's proof, one that another client holds too. False when out of memory. */
bool peek_bind(struct peek *p, const void *client, size_t len);

enum peek_hello {
	PEEK_HELLO_MORE,
	PEEK_HELLO_WHOLE,
	PEEK_HELLO_BAD		/* peek_fault: no ClientHello that can be followed */
};

/* peek_client: what the client has sent so far, all of it from its first octet on each time (it is
 * looked at with MSG_PEEK). With PEEK_HELLO_WHOLE it is kept, *used octets of it; more behind it is
 * PEEK_HELLO_BAD. *want is how many octets must be there before calling again is worth while. */
enum peek_hello peek_client(struct peek *p, const void *octets, size_t len, size_t *want);

/* After PEEK_HELLO_WHOLE. */
const void *peek_hello(const struct peek *p, size_t *len);	/* the octets, records and all */
bool peek_offers_tls13(const struct peek *p);
const char *peek_sni(const struct peek *p);		/* "" for none */
/* peek_offered: the name under which the session that the client wants to resume would be
 * remembered; false when it offers none. */
bool peek_offered(const struct peek *p, uint8_t name[PEEK_NAME]);

enum peek_flight {
	PEEK_MORE,
	PEEK_FULL,		/* ServerHelloDone: peek_prove says what it proves */
	PEEK_RESUMED,		/* the server resumes what the client offered: peek_recall */
	PEEK_BAD		/* peek_fault: nothing that follows can prove anything */
};

/* peek_server: the next octets from the server, which are kept. After PEEK_FULL, PEEK_RESUMED or
 * PEEK_BAD it must not be called again. */
enum peek_flight peek_server(struct peek *p, const void *octets, size_t len);
/* peek_held: all that came from the server, to be passed on after the verdict, without peek_watch.
 * peek_let_go frees it, once peek_prove or peek_recall has seen it, and the ClientHello with it. */
const void *peek_held(const struct peek *p, size_t *len);
void peek_let_go(struct peek *p);

/* peek_fault: why, as a reason code ("tls13-chosen", "wrong-order", "signature-invalid"); static;
 * "" when there is none. */
const char *peek_fault(const struct peek *p);

/* peek_prove: after PEEK_FULL: what the server has proven, in the form of originate_proof. `strict`
 * where proof is demanded: nothing that our own sessions would refuse then (below TLS 1.2, SHA-1,
 * no RFC 5746; R38); without it what tls.min-version allows counts too. What keeps the chain from
 * counting leaves CHAIN_INVALID with the reason in detail, and as a code in peek_fault.
 * `tlsa` (NULL: none) as in originate. False when out of memory. The caller ends with
 * proof_clear. */
bool peek_prove(struct peek *p, bool strict, const struct tlsa_set *tlsa, struct proof *out);

/* peek_recall: after PEEK_RESUMED: the proof that was remembered under peek_offered's name, as of
 * now (its dane_digest tells under which TLSA set); version and cipher are those of this handshake,
 * and `strict` counts for it too. False: it cannot be read. */
bool peek_recall(struct peek *p, const void *evidence, size_t len, bool strict, struct proof *out);

/* Afterwards the two talk on. What a server says before its ChangeCipherSpec may name sessions;
 * they count only once the client has heard its Finished, found it right and goes on talking:
 * octets of a ticket that somebody changed on the way never get that far. */
enum peek_talk {
	PEEK_WATCHING,
	PEEK_SETTLED,		/* nothing more to learn: peek_sessions has what to remember */
	PEEK_BROKEN		/* no TLS, or none in its order; nothing is to be remembered */
};

/* peek_watch: octets passed on, from the server or from the client; without any it just asks, which
 * is worth it after peek_recall: a resumption that names no new session is PEEK_SETTLED at once. An
 * alert settles with nothing. */
enum peek_talk peek_watch(struct peek *p, bool from_server, const void *octets, size_t len);

struct peek_session {
	uint8_t name[PEEK_NAME];	/* a hash over ticket or id, CA bundle and client */
	uint32_t lifetime_s;		/* at most a day, and while what was proven stands */
};

/* peek_sessions: after PEEK_SETTLED; 0 where the server gave none, or its proof does not stand. */
size_t peek_sessions(const struct peek *p, struct peek_session out[PEEK_SESSIONS_MAX]);
/* peek_evidence: what stands behind them, for peek_recall; 0 when it is larger than size. */
size_t peek_evidence(const struct peek *p, void *out, size_t size);

#endif
