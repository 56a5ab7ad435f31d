/* address_fuzz.c - addresses and networks of any octets: what parses prints, and parses the same
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "daemon/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_address(const struct address *a)
{
	struct sockaddr_storage ss;
	char buf[ADDRESS_TEXT_SIZE];
	struct address again;

	assert(a->port != 0);
	address_print(a, buf);
	assert(strlen(buf) < sizeof buf - 1);
	assert(address_parse(&again, buf, strlen(buf), 1));
	assert(address_same_ip(&a->ip, &again.ip) && a->port == again.port);
	address_to_sockaddr(a, &ss);
	assert(address_from_sockaddr(&again, (const struct sockaddr *)&ss));
	assert(address_same_ip(&a->ip, &again.ip) && a->port == again.port);
}

static void
check_network(const struct network *n)
{
	char buf[ADDRESS_TEXT_SIZE];
	struct in6_addr ip = n->ip;
	struct network again;
	bool host_bits;

	assert(n->prefix <= 128);
	network_print(n, buf);
	assert(network_parse(&again, buf, strlen(buf), &host_bits));
	assert(address_same_ip(&n->ip, &again.ip) && n->prefix == again.prefix);
	assert(network_contains(n, &ip));
	if (n->prefix > 0) {
		ip.s6_addr[(n->prefix - 1) / 8] ^= (uint8_t)(0x80 >> (n->prefix - 1) % 8);
		assert(!network_contains(n, &ip));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	bool host_bits = true;
	struct address a;
	struct network n;

	if (address_parse(&a, s, size, 25))
		check_address(&a);
	if (network_parse(&n, s, size, &host_bits)) {
		assert(!host_bits);
		check_network(&n);
	}
	return 0;
}
