/* address.c - IP addresses, ports and networks
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text goes through inet_pton, which knows neither zones nor octal nor short forms; what is around
 * it (brackets, ports, prefixes) is taken apart here. */
#include "daemon/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V4_BITS 96	/* of the prefix ::ffff:0:0 in front of a mapped IPv4 address */

static const unsigned char v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool
address_from_sockaddr(struct address *out, const struct sockaddr *from)
{
	memset(out, 0, sizeof *out);
	if (from->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, from, sizeof v4);
		memcpy(out->ip.s6_addr, v4_prefix, sizeof v4_prefix);
		memcpy(out->ip.s6_addr + sizeof v4_prefix, &v4.sin_addr, sizeof v4.sin_addr);
		out->port = ntohs(v4.sin_port);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, from, sizeof v6);
		out->ip = v6.sin6_addr;
		out->port = ntohs(v6.sin6_port);
		return true;
	}
	return false;
}

socklen_t
address_to_sockaddr(const struct address *from, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (address_is_v4(&from->ip)) {
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(from->port) };

		memcpy(&v4.sin_addr, from->ip.s6_addr + sizeof v4_prefix, sizeof v4.sin_addr);
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	}
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(from->port) };

	v6.sin6_addr = from->ip;
	memcpy(out, &v6, sizeof v6);
	return sizeof v6;
}

bool
address_parse_ip(struct in6_addr *out, const char *s, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip = IN6ADDR_ANY_INIT;

	if (len == 0 || len >= sizeof text || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (memchr(text, ':', len) != NULL) {
		if (inet_pton(AF_INET6, text, &ip) != 1)
			return false;
	} else {
		memcpy(ip.s6_addr, v4_prefix, sizeof v4_prefix);
		if (inet_pton(AF_INET, text, ip.s6_addr + sizeof v4_prefix) != 1)
			return false;
	}
	*out = ip;
	return true;
}

/* A number of digits only, no leading zero, at most max. */
static bool
parse_number(unsigned *out, const char *s, size_t len, unsigned max)
{
	unsigned v = 0;

	if (len == 0 || len > 5 || (len > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	*out = v;
	return v <= max;
}

bool
address_parse(struct address *out, const char *s, size_t len, uint16_t port)
{
	const char *colon = len == 0 ? NULL : memchr(s, ':', len), *end = s + len;
	const char *ip = s, *ip_end = end, *digits = NULL;
	struct address a = { .port = port };
	unsigned number;

	if (len > 0 && s[0] == '[') {
		ip = s + 1;
		ip_end = memchr(s, ']', len);
		if (ip_end == NULL || memchr(ip, ':', (size_t)(ip_end - ip)) == NULL)
			return false;
		if (ip_end + 1 < end) {
			if (ip_end[1] != ':')
				return false;
			digits = ip_end + 2;
		}
	} else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL) {
		/* One colon: a port behind an IPv4 address. More: a bare IPv6 address. */
		ip_end = colon;
		digits = colon + 1;
	}
	if (!address_parse_ip(&a.ip, ip, (size_t)(ip_end - ip)))
		return false;
	if (digits != NULL) {
		if (!parse_number(&number, digits, (size_t)(end - digits), 65535) || number == 0)
			return false;
		a.port = (uint16_t)number;
	}
	*out = a;
	return true;
}

const char *
address_print_ip(const struct in6_addr *ip, char buf[ADDRESS_TEXT_SIZE])
{
	if (address_is_v4(ip))
		inet_ntop(AF_INET, ip->s6_addr + sizeof v4_prefix, buf, ADDRESS_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, ip, buf, ADDRESS_TEXT_SIZE);
	return buf;
}

const char *
address_print(const struct address *a, char buf[ADDRESS_TEXT_SIZE])
{
	char ip[ADDRESS_TEXT_SIZE];

	address_print_ip(&a->ip, ip);
	snprintf(buf, ADDRESS_TEXT_SIZE, address_is_v4(&a->ip) ? "%.46s:%u" : "[%.46s]:%u", ip,
	    (unsigned)a->port);
	return buf;
}

bool
address_is_v4(const struct in6_addr *ip)
{
	return memcmp(ip->s6_addr, v4_prefix, sizeof v4_prefix) == 0;
}

bool
address_is_loopback(const struct in6_addr *ip)
{
	if (address_is_v4(ip))
		return ip->s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(ip);
}

bool
address_same_ip(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Whether the first `prefix` bits of a and b are equal. */
static bool
same_prefix(const struct in6_addr *a, const struct in6_addr *b, unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a->s6_addr[whole] ^ b->s6_addr[whole]) >> (8 - rest)) == 0;
}

static bool
has_host_bits(const struct in6_addr *ip, unsigned prefix)
{
	for (unsigned bit = prefix; bit < 128; bit++) {
		if (ip->s6_addr[bit / 8] & (0x80 >> bit % 8))
			return true;
	}
	return false;
}

bool
network_parse(struct network *out, const char *s, size_t len, bool *host_bits)
{
	const char *slash = len == 0 ? NULL : memchr(s, '/', len);
	size_t ip_len = slash == NULL ? len : (size_t)(slash - s);
	unsigned prefix = 128, before;
	struct in6_addr ip;

	*host_bits = false;
	if (!address_parse_ip(&ip, s, ip_len))
		return false;
	if (slash != NULL) {
		/* A prefix counts in the notation of its address. */
		before = memchr(s, ':', ip_len) == NULL ? V4_BITS : 0;
		if (!parse_number(&prefix, slash + 1, len - ip_len - 1, 128 - before))
			return false;
		prefix += before;
	}
	if (has_host_bits(&ip, prefix)) {
		*host_bits = true;
		return false;
	}
	out->ip = ip;
	out->prefix = (uint8_t)prefix;
	return true;
}

bool
network_contains(const struct network *n, const struct in6_addr *ip)
{
	/* ::/0 is all of IPv6 and no IPv4: who writes it does not think of mapped addresses. */
	if (address_is_v4(&n->ip) != address_is_v4(ip))
		return false;
	return same_prefix(&n->ip, ip, n->prefix);
}

const char *
network_print(const struct network *n, char buf[ADDRESS_TEXT_SIZE])
{
	unsigned prefix = n->prefix;
	char ip[ADDRESS_TEXT_SIZE];

	if (address_is_v4(&n->ip) && prefix >= V4_BITS)
		prefix -= V4_BITS;
	snprintf(buf, ADDRESS_TEXT_SIZE, "%.46s/%u", address_print_ip(&n->ip, ip), prefix);
	return buf;
}
