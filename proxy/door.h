/* door.h - who may come in: every connection before it becomes a session
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_DOOR_H
#define PROXY_DOOR_H

#include <stdbool.h>

#include "proxy/session.h"

/* door_enter: takes over a just accepted socket: checks `from`, the original destination, loops
 * and limits, and opens the session; or says 421 with the reason, records it and closes. False when
 * there was no descriptor or memory left for it. */
bool door_enter(struct proxy *proxy, int fd, const struct sockaddr *from);

#endif
