/* dial.h - our own connections: announced, marked, and perhaps from the client's address
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * With intercept.local what leaves this host is redirected too, and our own dials must not come
 * back as clients: the rules exempt them by owner and mark, and where they do not, the ports on
 * record show the loop. */
#ifndef PROXY_DIAL_H
#define PROXY_DIAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/address.h"
#include "daemon/config.h"
#include "record/counters.h"

/* All zero: a plain connection. */
struct dial {
	struct counters *counters;	/* where its port is announced; NULL: nowhere */
	bool mark;
	bool as_client;			/* intercept.source: client */
	struct in6_addr client;
	uint16_t port;			/* announced now; 0 */
};

/* dial_plan: what the configuration asks of connections made for this client; NULL for those made
 * for nobody, or for a program on this host. */
void dial_plan(struct dial *d, const struct config *config, struct counters *counters,
    const struct in6_addr *client);

/* dial_connect: prepares a non-blocking socket and connects. NULL, or why it failed (static). */
const char *dial_connect(struct dial *d, int fd, const struct address *to);
const char *dial_error(int error);	/* of connect(), in words */

void dial_over(struct dial *d);		/* the socket is closed; may be called twice */

#endif
