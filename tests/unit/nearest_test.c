/* nearest_test.c - small pure things of the daemon: the nearest word, back-off, single values
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/backoff.h"
#include "daemon/config_value.h"
#include "daemon/nearest.h"

static void
test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned d;
	} table[] = {
		{ "", "", 0 }, { "a", "", 1 }, { "", "abc", 3 }, { "mode", "mode", 0 },
		{ "mode", "Mode", 0 }, { "mdoe", "mode", 1 }, { "mod", "mode", 1 },
		{ "moode", "mode", 1 }, { "node", "mode", 1 }, { "kitten", "sitting", 3 },
		{ "ca", "abc", 3 }, { "levle", "level", 1 }, { "abcd", "badc", 2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(nearest_distance(table[i].a, strlen(table[i].a), table[i].b,
		    strlen(table[i].b)), table[i].d);
		assert_int_equal(nearest_distance(table[i].b, strlen(table[i].b), table[i].a,
		    strlen(table[i].a)), table[i].d);
	}
}

static const char *
nearest(const char *word)
{
	struct nearest n;

	nearest_start(&n, word, strlen(word));
	nearest_try(&n, "encrypt");
	nearest_try(&n, "may");
	nearest_try(&n, "no");
	nearest_try(&n, "dane");
	return n.best == NULL ? "-" : n.best;
}

static void
test_nearest(void **state)
{
	(void)state;
	assert_string_equal(nearest("encrpyt"), "encrypt");
	assert_string_equal(nearest("ENCRYPTED"), "encrypt");
	assert_string_equal(nearest("dan"), "dane");
	assert_string_equal(nearest("on"), "no");
	assert_string_equal(nearest("x"), "-");
	assert_string_equal(nearest(""), "-");
	assert_string_equal(nearest("something else"), "-");
	assert_string_equal(nearest("a word that is far longer than any key could ever be here"),
	    "-");
}

static void
test_backoff(void **state)
{
	static const struct backoff_limits limits = { 0.1, 30, 60 };
	static const double want[] = { 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30 };
	struct backoff b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_float_equal(backoff_next(&b, &limits, 59.9), want[i], 1e-9);
	assert_float_equal(backoff_next(&b, &limits, 60), 0.1, 1e-9);
	assert_float_equal(backoff_next(&b, &limits, 0), 0.2, 1e-9);
}

static void
test_dates(void **state)
{
	static const char *const bad[] = { "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31",
	    "2026-4-30", "26-04-30", "2026/04/30", "2026-04-30 ", "1969-12-31", "", "2100-02-29" };
	time_t end;
	size_t i;

	(void)state;
	assert_true(value_date(&end, "1970-01-01", 10));
	assert_true(end == 86400);
	assert_true(value_date(&end, "2028-02-29", 10));
	assert_true(end == 1835481600);	/* 2028-03-01 */
	assert_true(value_date(&end, "2026-12-31", 10));
	assert_true(end == 1798761600);	/* 2027-01-01 */
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_date(&end, bad[i], strlen(bad[i])));
}

static void
test_durations(void **state)
{
	static const char *const bad[] = { "", "s", "20", "20 s", "-1s", "1d", "1.5m",
	    "99999999999s", "1193047h" };
	unsigned s;
	size_t i;

	(void)state;
	assert_true(value_duration(&s, "20s", 3) && s == 20);
	assert_true(value_duration(&s, "2m", 2) && s == 120);
	assert_true(value_duration(&s, "1193046h", 8) && s == 4294965600u);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_duration(&s, bad[i], strlen(bad[i])));
}

static void
test_resolv_conf(void **state)
{
	static const char text[] = "# nameserver 9.9.9.9\nsearch example\nnameserver 10.0.0.1\n"
	    "nameserver\t2001:db8::1  \nnameservers 1.1.1.1\nnameserver fe80::1%eth0\n"
	    "nameserver\nnameserver bad\noptions edns0\nnameserver 10.0.0.3\r\n"
	    "nameserver 10.0.0.4\nnameserver 10.0.0.5";
	struct address a[4];
	char out[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_int_equal(value_resolvers(a, 4, text, sizeof(text) - 1), 4);
	assert_string_equal(address_print(&a[0], out), "10.0.0.1:53");
	assert_string_equal(address_print(&a[1], out), "[2001:db8::1]:53");
	assert_string_equal(address_print(&a[2], out), "10.0.0.3:53");
	assert_string_equal(address_print(&a[3], out), "10.0.0.4:53");
	assert_int_equal(value_resolvers(a, 4, "", 0), 0);
	assert_int_equal(value_resolvers(a, 4, "nameserver 10.0.0.9", 19), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_resolv_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
