/* tunnel.h - a session that passes end to end: what is left of it while the kernel moves its octets
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_TUNNEL_H
#define PROXY_TUNNEL_H

#include "proxy/session.h"

/* tunnel_begin: takes over the session's sockets, its place among the open ones and the duty to
 * record its end; the session is over then. Nothing may be left in its buffers. */
void tunnel_begin(struct session *s);
void tunnel_reap(struct proxy *proxy);		/* frees what has ended, between turns */

/* tunnel_shutdown: nothing can be said into a session that is not ours: those that are silent for
 * TUNNEL_LULL_S are cut, between two mails as far as anybody can tell. */
#define TUNNEL_LULL_S 5
void tunnel_shutdown(struct proxy *proxy);

#endif
