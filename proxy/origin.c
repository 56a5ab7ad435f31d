/* origin.c - where the client meant to go
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/origin.h"

#include <string.h>
#include <sys/socket.h>

/* From linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h, whose other contents quarrel
 * with the C library's headers. */
#define ORIGINAL_DST 80

enum origin_result
origin_find(int fd, uint16_t port, struct address *out)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);
	struct address local;

	memset(&storage, 0, sizeof(storage));
	if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0 ||
	    !address_from_sockaddr(&local, (struct sockaddr *)&storage))
		return ORIGIN_UNKNOWN;
	len = sizeof(storage);
	int level = address_is_v4(&local.ip) ? IPPROTO_IP : IPPROTO_IPV6;
	/* Without an entry in the connection table nobody can have redirected it. */
	if (getsockopt(fd, level, ORIGINAL_DST, &storage, &len) < 0)
		return ORIGIN_DIRECT;
	if (!address_from_sockaddr(out, (struct sockaddr *)&storage))
		return ORIGIN_UNKNOWN;
	if (out->port == local.port && address_same_ip(&out->ip, &local.ip))
		return ORIGIN_DIRECT;
	/* What comes over the wire never reaches a loopback address. */
	if (address_is_loopback(&local.ip))
		return ORIGIN_LOOP;
	return out->port == port ? ORIGIN_OK : ORIGIN_PORT;
}

const char *
origin_result_text(enum origin_result r)
{
	switch (r) {
	case ORIGIN_OK:
		return "redirected";
	case ORIGIN_DIRECT:
		return "connected to postern itself, not redirected by the firewall";
	case ORIGIN_PORT:
		return "redirected from a port that is not 25";
	case ORIGIN_LOOP:
		return "a loop: this host's own connection was redirected to postern";
	case ORIGIN_UNKNOWN:
		return "the original destination is unknown";
	}
	return "";
}
