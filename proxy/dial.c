/* dial.c - our own connections: announced, marked, and perhaps from the client's address
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/dial.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/mark.h"

void
dial_plan(struct dial *d, const struct config *config, struct counters *counters,
    const struct in6_addr *client)
{
	memset(d, 0, sizeof(*d));
	d->as_client = config->intercept.source_client && client != NULL;
	if (d->as_client)
		d->client = *client;
	d->mark = config->intercept.local || d->as_client;
	if (config->intercept.local)
		d->counters = counters;
}

const char *
dial_error(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case ETIMEDOUT:
		return "connection timed out";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "no route to the host";
	case EACCES:
	case EPERM:
		return "forbidden by this host's firewall";
	case EADDRNOTAVAIL:
		return "no local port is free";
	default:
		return "connection failed";
	}
}

/* take_address: the port is chosen by connect(), when the other end is known: so many clients'
 * addresses, and one address's many connections, do not use up each other's. */
static bool
take_address(const struct dial *d, int fd, sa_family_t family)
{
	const struct address client = { .ip = d->client };
	struct sockaddr_storage from;
	socklen_t len = address_to_sockaddr(&client, &from);
	bool v4 = family == AF_INET;

	return from.ss_family == family &&
	    setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT,
	    &(int){ 1 }, sizeof(int)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){ 1 }, sizeof(int)) == 0 &&
	    bind(fd, (struct sockaddr *)&from, len) == 0;
}

static void
announce(struct dial *d, int fd)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);
	struct address local;

	if (d->counters == NULL || getsockname(fd, (struct sockaddr *)&storage, &len) != 0 ||
	    !address_from_sockaddr(&local, (struct sockaddr *)&storage) || local.port == 0)
		return;
	d->port = local.port;
	counters_dialling(d->counters, d->port, true);
}

const char *
dial_connect(struct dial *d, int fd, const struct address *to)
{
	const uint32_t mark = MARK_OWN;
	struct sockaddr_storage peer;
	socklen_t len = address_to_sockaddr(to, &peer);

	/* Where it is only one exemption of two, a worker without the capability goes on: the rules
	 * know it by its user. The replies to a borrowed address find back by the mark alone. */
	if (d->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0 &&
	    d->as_client)
		return "the connection could not be marked (intercept.source: client)";
	if (d->as_client && !take_address(d, fd, peer.ss_family))
		return "the client's address could not be taken (intercept.source: client)";
	if (connect(fd, (struct sockaddr *)&peer, len) != 0 && errno != EINPROGRESS)
		return dial_error(errno);
	announce(d, fd);
	return NULL;
}

void
dial_over(struct dial *d)
{
	if (d->port != 0)
		counters_dialling(d->counters, d->port, false);
	d->port = 0;
}
