/* shy.h - clients whose TLS handshake with us failed, not to be offered STARTTLS for a while
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An MTA that fails at STARTTLS often tries again with STARTTLS: its mail would never leave. */
#ifndef PROXY_SHY_H
#define PROXY_SHY_H

#include <netinet/in.h>
#include <stdbool.h>

#define SHY_CLIENTS 64		/* the oldest is forgotten for a new one */
#define SHY_SECONDS 3600

struct shy {
	struct {
		struct in6_addr ip;
		double until;		/* moment_now() */
	} clients[SHY_CLIENTS];
	unsigned next;
};

void shy_add(struct shy *s, const struct in6_addr *ip, double now);
bool shy_has(const struct shy *s, const struct in6_addr *ip, double now);

#endif
