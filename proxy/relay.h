/* relay.h - what the server says, carried to the client
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "proxy/session.h"

/* relay_step: takes what the upstream has until there is nothing; true when something happened. */
bool relay_step(struct session *s);

/* relay_server_gone: the upstream is SERVER_DEAD; what that means for the client. */
void relay_server_gone(struct session *s);

#endif
