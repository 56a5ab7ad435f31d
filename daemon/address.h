/* address.h - IP addresses, ports and networks; IPv4 is kept v4-mapped so one type serves both
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_ADDRESS_H
#define DAEMON_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	struct in6_addr ip;	/* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;		/* host byte order */
};

struct network {
	struct in6_addr ip;
	uint8_t prefix;		/* 0..128; an IPv4 /n is 96 + n */
};

#define ADDRESS_TEXT_SIZE 56	/* "[" INET6_ADDRSTRLEN "]:65535" */

/* address_from_sockaddr: false when the family is neither AF_INET nor AF_INET6. */
bool address_from_sockaddr(struct address *out, const struct sockaddr *from);

/* address_to_sockaddr: AF_INET for v4-mapped, else AF_INET6; returns the length. */
socklen_t address_to_sockaddr(const struct address *from, struct sockaddr_storage *out);

/* address_parse_ip: a bare IPv4 or IPv6 address, nothing around it. */
bool address_parse_ip(struct in6_addr *out, const char *s, size_t len);

/* address_parse: "192.0.2.1", "192.0.2.1:53", "::1", "[::1]", "[::1]:53"; a missing port is
 * `port`. Port 0 and ports over 65535 are refused. */
bool address_parse(struct address *out, const char *s, size_t len, uint16_t port);

/* address_print_ip, address_print: text into buf, returned; v4-mapped prints as IPv4. */
const char *address_print_ip(const struct in6_addr *ip, char buf[ADDRESS_TEXT_SIZE]);
const char *address_print(const struct address *a, char buf[ADDRESS_TEXT_SIZE]);

bool address_is_v4(const struct in6_addr *ip);
bool address_is_loopback(const struct in6_addr *ip);
bool address_same_ip(const struct in6_addr *a, const struct in6_addr *b);

/* network_parse: "192.0.2.0/24", "2001:db8::/32" or a single address. False when it does not parse
 * or has host bits set (then *host_bits is true). */
bool network_parse(struct network *out, const char *s, size_t len, bool *host_bits);
bool network_contains(const struct network *n, const struct in6_addr *ip);
const char *network_print(const struct network *n, char buf[ADDRESS_TEXT_SIZE]);

#endif
