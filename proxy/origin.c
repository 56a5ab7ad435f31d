/* origin.c - where the client meant to go
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/origin.h"

#include <string.h>
#include <sys/socket.h>

/* From linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h, whose other contents quarrel
 * with the C library's headers. */
#define ORIGINAL_DST 80

/* redirected: what conntrack says of a connection that arrived at the listener's own port. */
static enum origin_result
redirected(int fd, const struct address *local, struct address *out)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);

	memset(&storage, 0, sizeof(storage));
	int level = address_is_v4(&local->ip) ? IPPROTO_IP : IPPROTO_IPV6;
	/* Without an entry in the connection table nobody can have redirected it. */
	if (getsockopt(fd, level, ORIGINAL_DST, &storage, &len) < 0)
		return ORIGIN_DIRECT;
	if (!address_from_sockaddr(out, (struct sockaddr *)&storage))
		return ORIGIN_UNKNOWN;
	return out->port == local->port && address_same_ip(&out->ip, &local->ip) ? ORIGIN_DIRECT :
	    ORIGIN_OK;
}

enum origin_result
origin_find(int fd, uint16_t listening, uint16_t port, struct address *out)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);
	struct address local;
	enum origin_result r;

	memset(&storage, 0, sizeof(storage));
	if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0 ||
	    !address_from_sockaddr(&local, (struct sockaddr *)&storage))
		return ORIGIN_UNKNOWN;
	/* Under TPROXY conntrack has nothing to tell, or of another's rewriting. */
	if (local.port != listening) {
		*out = local;
		return out->port == port ? ORIGIN_OK : ORIGIN_PORT;
	}
	r = redirected(fd, &local, out);
	if (r != ORIGIN_OK)
		return r;
	if (out->port != port)
		return ORIGIN_PORT;
	/* What comes over the wire never reaches a loopback address. */
	return address_is_loopback(&local.ip) ? ORIGIN_LOCAL : ORIGIN_OK;
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
	case ORIGIN_LOCAL:
		return "redirected from this host itself";
	case ORIGIN_LOOP:
		return "a loop: this host's own connection was redirected to postern";
	case ORIGIN_UNKNOWN:
		return "the original destination is unknown";
	}
	return "";
}
