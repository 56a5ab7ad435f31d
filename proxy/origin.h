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
	ORIGIN_LOOP,		/* our own dial come back: REDIRECT in OUTPUT leads to loopback */
	ORIGIN_UNKNOWN		/* the kernel does not tell */
};

/* origin_find: the destination before REDIRECT, asked by the family of the address (a v4-mapped
 * local address on an IPv6 socket is an IPv4 connection). `port` is what may be redirected. */
enum origin_result origin_find(int fd, uint16_t port, struct address *out);

const char *origin_result_text(enum origin_result r);

#endif
