/* ahead.h - TLS with the MX, begun while the client is still talking
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * On the upgrade path, where recipients at this address have been asking for one and the same TLS
 * (known_at): STARTTLS, handshake and second EHLO are over by the time the first recipient comes,
 * or on their way. That is a guess about names and records, not a verdict: the recipient is judged
 * by its own requirement on what the session has shown. Where it asks for another TLS, what was
 * begun counts for it only if it passes; else the connection is dialled anew, as for any recipient
 * of another host. */
#ifndef PROXY_AHEAD_H
#define PROXY_AHEAD_H

#include "proxy/session.h"

/* ahead_begin: the client has had its EHLO reply, and there is no transaction. */
void ahead_begin(struct session *s);

/* ahead_secured: the handshake is finished: the second EHLO, where no recipient is being judged. */
void ahead_secured(struct session *s);

/* ahead_tried: whether what STARTTLS has come to is what it would come to under q. */
bool ahead_tried(const struct session *s, const struct requirement *q);

/* ahead_over: the connection is another one, or a recipient has been judged on it: from here on it
 * is like any. */
void ahead_over(struct session *s);

#endif
