/* origin.h - where the client meant to go
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_ORIGIN_H
#define PROXY_ORIGIN_H

#include "daemon/address.h"

#define SMTP_PORT 25

enum origin_result {
	ORIGIN_OK,
	ORIGIN_DIRECT,		/* nobody redirected this connection: it was meant for us */
	ORIGIN_PORT,		/* redirected, but not from port 25 */
	ORIGIN_LOCAL,		/* by REDIRECT in OUTPUT: of a program on this host, or ours */
	ORIGIN_LOOP,		/* ORIGIN_LOCAL where that can only be our own dial come back */
	ORIGIN_UNKNOWN		/* the kernel does not tell */
};

/* origin_find: the destination before REDIRECT or TPROXY. What arrives at `listening`, the
 * listener's port, was rewritten on its way (or is direct), and conntrack is asked, by the family
 * of the address (a v4-mapped local address on an IPv6 socket is an IPv4 connection). Any other
 * local port is TPROXY's work: the socket's own name is the destination. `port` is what may be
 * redirected. Never ORIGIN_LOOP: the caller knows whether local mail is served. */
enum origin_result origin_find(int fd, uint16_t listening, uint16_t port, struct address *out);

const char *origin_result_text(enum origin_result r);

#endif
