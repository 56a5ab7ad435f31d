/* address_test.c - addresses, ports and networks, as text and as sockets see them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/address.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text, *printed;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1:25" },
		{ "192.0.2.1:53", "192.0.2.1:53" },
		{ "192.0.2.1:65535", "192.0.2.1:65535" },
		{ "::1", "[::1]:25" },
		{ "[::1]", "[::1]:25" },
		{ "[::1]:53", "[::1]:53" },
		{ "[::]:10025", "[::]:10025" },
		{ "2001:DB8::1", "[2001:db8::1]:25" },
		{ "::ffff:192.0.2.1", "192.0.2.1:25" },
		{ "[::ffff:192.0.2.1]:26", "192.0.2.1:26" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:25" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		char buf[ADDRESS_TEXT_SIZE];
		struct address a, again;

		assert_true(address_parse(&a, good[i].text, strlen(good[i].text), 25));
		assert_string_equal(address_print(&a, buf), good[i].printed);
		assert_true(address_parse(&again, buf, strlen(buf), 1));
		assert_true(address_same_ip(&a.ip, &again.ip));
		assert_int_equal(a.port, again.port);
	}
}

static void
test_parse_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "localhost", "192.0.2", "192.0.2.256", "192.0.2.1.", "192.0.2.01",
		"0x7f.0.0.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
		"192.0.2.1:99999999999",
		"192.0.2.1:+1", "192.0.2.1:-1", "192.0.2.1: 1", "192.0.2.1:025", "192.0.2.1:25x",
		"[192.0.2.1]:25", "[192.0.2.1]", "[::1", "::1]", "[::1]53", "[::1]:", "[::1]:0",
		"[]", "[]:25", "[::1]]:25", "fe80::1%lo", "[fe80::1%lo]:25", ":", ":25", "1:2",
		"::1::", "192.0.2.1/24", "2001:db8::1::2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct address a = { .port = 7 };

		if (address_parse(&a, bad[i], strlen(bad[i]), 25))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(a.port, 7);
	}
	assert_false(address_parse(&(struct address){ .port = 0 }, "::1\0", 4, 25));
}

static void
test_sockaddr(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(25) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(26) };
	struct sockaddr unix_socket = { .sa_family = AF_UNIX };
	char buf[ADDRESS_TEXT_SIZE];
	struct sockaddr_storage ss;
	struct address a;

	(void)state;
	inet_pton(AF_INET, "203.0.113.9", &v4.sin_addr);
	assert_true(address_from_sockaddr(&a, (struct sockaddr *)&v4));
	assert_string_equal(address_print(&a, buf), "203.0.113.9:25");
	assert_int_equal(address_to_sockaddr(&a, &ss), sizeof v4);
	assert_memory_equal(&ss, &v4, sizeof v4);

	inet_pton(AF_INET6, "2001:db8::9", &v6.sin6_addr);
	assert_true(address_from_sockaddr(&a, (struct sockaddr *)&v6));
	assert_string_equal(address_print(&a, buf), "[2001:db8::9]:26");
	assert_int_equal(address_to_sockaddr(&a, &ss), sizeof v6);
	assert_memory_equal(&ss, &v6, sizeof v6);

	/* A v4-mapped peer of a dual-stack socket is IPv4 (DESIGN 3, origin). */
	inet_pton(AF_INET6, "::ffff:203.0.113.9", &v6.sin6_addr);
	assert_true(address_from_sockaddr(&a, (struct sockaddr *)&v6));
	assert_true(address_is_v4(&a.ip));
	assert_int_equal(address_to_sockaddr(&a, &ss), sizeof v4);
	assert_int_equal(ss.ss_family, AF_INET);
	assert_false(address_from_sockaddr(&a, &unix_socket));
}

static void
test_loopback(void **state)
{
	static const struct {
		const char *text;
		bool loopback, v4;
	} cases[] = {
		{ "127.0.0.1", true, true }, { "127.255.0.3", true, true },
		{ "126.0.0.1", false, true }, { "128.0.0.1", false, true },
		{ "::ffff:127.0.0.1", true, true }, { "::1", true, false }, { "::", false, false },
		{ "::2", false, false }, { "::127.0.0.1", false, false },
		{ "0.0.0.0", false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct in6_addr ip;

		assert_true(address_parse_ip(&ip, cases[i].text, strlen(cases[i].text)));
		assert_int_equal(address_is_loopback(&ip), cases[i].loopback);
		assert_int_equal(address_is_v4(&ip), cases[i].v4);
	}
}

static void
test_networks(void **state)
{
	static const struct {
		const char *net, *printed, *inside, *outside;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.0/24", "192.0.2.255", "192.0.3.0" },
		{ "192.0.2.128/25", "192.0.2.128/25", "192.0.2.128", "192.0.2.127" },
		{ "192.0.2.1", "192.0.2.1/32", "192.0.2.1", "192.0.2.0" },
		{ "192.0.2.1/32", "192.0.2.1/32", "192.0.2.1", "192.0.2.3" },
		{ "0.0.0.0/0", "0.0.0.0/0", "255.1.2.3", "::1" },
		{ "10.0.0.0/9", "10.0.0.0/9", "10.127.255.255", "10.128.0.0" },
		{ "2001:db8::/32", "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::" },
		{ "2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::" },
		{ "::1", "::1/128", "::1", "::2" },
		{ "::/0", "::/0", "2001:db8::1", "192.0.2.1" },	/* IPv6 means IPv6 */
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24", "192.0.2.9", "192.0.3.9" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char buf[ADDRESS_TEXT_SIZE];
		struct in6_addr ip;
		struct network n;
		bool host_bits = true;

		assert_true(network_parse(&n, cases[i].net, strlen(cases[i].net), &host_bits));
		assert_false(host_bits);
		assert_string_equal(network_print(&n, buf), cases[i].printed);
		assert_true(address_parse_ip(&ip, cases[i].inside, strlen(cases[i].inside)));
		assert_true(network_contains(&n, &ip));
		assert_true(address_parse_ip(&ip, cases[i].outside, strlen(cases[i].outside)));
		assert_false(network_contains(&n, &ip));
	}
}

static void
test_networks_refused(void **state)
{
	static const struct {
		const char *net;
		bool host_bits;
	} bad[] = {
		{ "192.0.2.1/24", true }, { "192.0.2.0/0", true }, { "2001:db8::1/32", true },
		{ "::ffff:192.0.2.0/95", true },
		{ "192.0.2.0/33", false }, { "2001:db8::/129", false }, { "192.0.2.0/", false },
		{ "192.0.2.0/-1", false }, { "192.0.2.0/024", false }, { "/24", false },
		{ "192.0.2.0/24/24", false }, { "", false }, { "[2001:db8::]/32", false },
		{ "192.0.2.0 /24", false }, { "192.0.2.0/24 ", false }, { "192.0.2/24", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		bool host_bits = !bad[i].host_bits;
		struct network n;

		if (network_parse(&n, bad[i].net, strlen(bad[i].net), &host_bits))
			fail_msg("accepted: %s", bad[i].net);
		assert_int_equal(host_bits, bad[i].host_bits);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_sockaddr),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_networks_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
