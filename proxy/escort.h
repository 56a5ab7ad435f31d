/* escort.h - a proven handshake on its last steps, copied until there is nothing more to learn
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The held flight goes to the client; then both talk through us, in small pieces, until the
 * sessions that the server hands out are known and the client has shown by going on that it found
 * the handshake right. From there on the kernel moves the octets (proxy/tunnel.h). */
#ifndef PROXY_ESCORT_H
#define PROXY_ESCORT_H

#include "proxy/session.h"

/* escort_begin: the verdict is a pass: takes the client's hello, which the server has already, from
 * the client's socket. False: the client has gone, and the session ends. */
bool escort_begin(struct session *s);
bool escort_step(struct session *s);
void escort_wants(const struct session *s, bool *client, bool *server);

#endif
