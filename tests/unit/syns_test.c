/* syns_test.c - what the gate reads of a held packet, and of the kernel's table of queues
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/address.h"
#include "nfq/syns.h"

static void
destinations(void **state)
{
	unsigned char v4[20] = { 0x45, [12] = 10, 0, 0, 1, 192, 0, 2, 25 };
	unsigned char v6[40] = { 0x60, [24] = 0x20, 0x01, 0x0d, 0xb8, [39] = 0x25 };
	char text[ADDRESS_TEXT_SIZE];
	struct in6_addr ip;

	(void)state;
	assert_true(syns_destination(v4, sizeof(v4), &ip));
	assert_string_equal(address_print_ip(&ip, text), "192.0.2.25");
	assert_true(syns_destination(v6, sizeof(v6), &ip));
	assert_string_equal(address_print_ip(&ip, text), "2001:db8::25");
	for (size_t len = 0; len < sizeof(v4); len++)
		assert_false(syns_destination(v4, len, &ip));
	for (size_t len = 0; len < sizeof(v6); len++)
		assert_false(syns_destination(v6, len, &ip));
	v4[0] = 0x55;
	assert_false(syns_destination(v4, sizeof(v4), &ip));
}

static void
dropped(void **state)
{
	(void)state;
	assert_int_equal(syns_dropped(""), 0);
	assert_int_equal(syns_dropped("\n\n25"), 0);
	assert_int_equal(syns_dropped("    3  12345     0 2 65531     7     8       19  1\n"), 0);
	assert_int_equal(syns_dropped("    3  12345     0 2 65531     7     8       19  1\n"
	    "   25  12346     4 2    40    11    31      190  1\n"), 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations),
		cmocka_unit_test(dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
