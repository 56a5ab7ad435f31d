/* inspect.h - the client's own TLS handshake with the MX, held until the MX has proven itself
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * With path: inspect, between our 220 to the client's STARTTLS and the verdict. What is proven
 * passes end to end; whatever is not goes on as upgrade in the same session: nothing of the server
 * has reached the client yet, and the client's hello still stands in the kernel, so its TLS can end
 * here, and each recipient gets its own verdict. The inspect path therefore refuses nobody. */
#ifndef PROXY_INSPECT_H
#define PROXY_INSPECT_H

#include "proxy/session.h"
#include "tls/peek.h"

enum inspect_stage {
	INSPECT_HELLO,		/* the client's, looked at where it stands */
	INSPECT_ASK,		/* the policy process: what must this address prove? */
	INSPECT_STARTTLS,	/* the server's 220 */
	INSPECT_FLIGHT,		/* ServerHello to ServerHelloDone */
	INSPECT_ESCORT		/* proven: proxy/escort.c */
};

struct inspect {
	enum inspect_stage stage;
	struct peek *peek;
	size_t seen;			/* octets of the hello, when it was looked at last */
	struct asking asking;
	struct demand *demand;
	void *recalled;			/* what the session proved that the client would resume */
	size_t recalled_len;
	size_t passed;			/* octets of the held flight that the client has */
	bool delivered;			/* all of them */
	double began, policy_s;
	/* With INSPECT_ESCORT. */
	enum peek_talk talk;
	size_t watched[2];		/* octets unread: the client's, the server's */
};

/* inspect_begin: our 220 has gone out. */
void inspect_begin(struct session *s);
bool inspect_step(struct session *s);
void inspect_drop(struct session *s);	/* none: no effect */

/* inspect_wants: what to wait for now, from the client and from the server, where that is another
 * than what any session waits for. */
void inspect_wants(const struct session *s, bool *client, bool *server);

/* inspect_deadline: moment_now() by which the policy process must have answered; 0. */
double inspect_deadline(const struct session *s);
void inspect_give_up(struct session *s);	/* it has passed */

#endif
