/* transfer.h - mail data on its way from the client to the MX, octet for octet
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_TRANSFER_H
#define PROXY_TRANSFER_H

#include "proxy/session.h"

/* Seconds for one block (RFC 5321 4.5.3.2.5), and for a whole body: 100 MB at 32 kbit/s take seven
 * hours, more is somebody holding a session. */
#define TRANSFER_BLOCK_TIMEOUT 180
#define TRANSFER_BODY_TIMEOUT (12 * 3600)

void transfer_body(struct session *s);		/* after the server's 354 */
void transfer_chunk(struct session *s, const char *line, size_t len, uint64_t size, bool last);
/* transfer_skip_chunk: swallows it, then says reply; the transaction stays as it was. */
void transfer_skip_chunk(struct session *s, uint64_t size, const char *reply);

/* transfer_step: moves what can be moved; true when something did. */
bool transfer_step(struct session *s);

/* transfer_abort: the server is gone, and the transaction with it; the rest is swallowed and the
 * client told. `reply` without CRLF. */
void transfer_abort(struct session *s, const char *reply);

#endif
