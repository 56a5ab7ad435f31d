/* listener.c - the listening sockets, one for each worker slot
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/privilege.h"

#define BACKLOG 1024	/* connections of one slot while its worker is being replaced */

static int
bind_v6(int fd, const struct address *address)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
	int off = 0;

	to.sin6_addr = address->ip;
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&to, sizeof(to));
}

/* Where the kernel was booted without IPv6, [::] can only mean all of IPv4. */
static int
bind_v4(int fd, const struct address *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(address->port) };

	if (address_is_v4(&address->ip))
		memcpy(&to.sin_addr, address->ip.s6_addr + 12, sizeof(to.sin_addr));
	return bind(fd, (const struct sockaddr *)&to, sizeof(to));
}

/* On either family's socket: IPv4's option goes for IPv4 connections to an IPv6 socket too. An IPv4
 * socket, and a kernel without IPv6, refuse the other one. */
static bool
set_transparent(int fd, bool yes)
{
	int on = yes, domain = AF_INET6, error;
	socklen_t len = sizeof(domain);
	bool done;

	if (yes && !privilege_raise(PRIVILEGE_NET_RAW))
		return false;
	done = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) == 0 &&
	    (domain != AF_INET6 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)) == 0);
	error = errno;
	if (yes && !privilege_raise(0))
		return false;
	errno = error;
	return done;
}

static int
open_one(const struct address *address, bool transparent)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(AF_INET6, type, 0), on = 1, error;
	bool v6 = fd >= 0;

	if (!v6 && errno == EAFNOSUPPORT &&
	    (address_is_v4(&address->ip) || IN6_IS_ADDR_UNSPECIFIED(&address->ip)))
		fd = socket(AF_INET, type, 0);
	if (fd < 0)
		return -1;
	/* What is accepted inherits TCP_NODELAY: dialogue is small writes, made whole by us. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
	    (!transparent || set_transparent(fd, true)) &&
	    (v6 ? bind_v6(fd, address) : bind_v4(fd, address)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void
shrink(struct listeners *l, unsigned len)
{
	while (l->len > len)
		close(l->fd[--l->len]);
}

bool
listeners_resize(struct listeners *l, unsigned len, char *error, size_t error_size)
{
	char text[ADDRESS_TEXT_SIZE];
	unsigned before = l->len;
	int fd, why;

	while (l->len < len) {
		fd = open_one(&l->address, l->transparent);
		if (fd < 0) {
			why = errno;
			shrink(l, before);
			snprintf(error, error_size, "cannot listen on %s: %s",
			    address_print(&l->address, text), strerror(why));
			return false;
		}
		l->fd[l->len++] = fd;
	}
	shrink(l, len);
	return true;
}

bool
listeners_open(struct listeners *l, const struct address *address, bool transparent, unsigned len,
    char *error, size_t error_size)
{
	l->address = *address;
	l->transparent = transparent;
	l->len = 0;
	return listeners_resize(l, len, error, error_size);
}

bool
listeners_transparent(struct listeners *l, bool transparent, char *error, size_t error_size)
{
	unsigned i;

	for (i = 0; i < l->len && transparent != l->transparent; i++) {
		if (set_transparent(l->fd[i], transparent))
			continue;
		snprintf(error, error_size, "IP_TRANSPARENT: %s", strerror(errno));
		while (i-- > 0)
			(void)set_transparent(l->fd[i], l->transparent);
		return false;
	}
	l->transparent = transparent;
	return true;
}

void
listeners_close(struct listeners *l)
{
	shrink(l, 0);
}
