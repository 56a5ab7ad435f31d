/* octets_test.c - numbers and vectors, and that a fault stays
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/octets.h"

static void
numbers(void **state)
{
	struct octets o = octets_of("\1\2\3\4\5\6\xff\xfe\xfd\xfc", 10);

	(void)state;
	assert_int_equal(octets_8(&o), 0x01);
	assert_int_equal(octets_16(&o), 0x0203);
	assert_int_equal(octets_24(&o), 0x040506);
	assert_false(octets_done(&o));
	assert_int_equal(octets_32(&o), 0xfffefdfc);
	assert_true(octets_done(&o));
}

static void
vectors(void **state)
{
	struct octets o = octets_of("\2ab" "\0\1c" "\0\0\3def" "\0" "\2g", 15), v;

	(void)state;
	v = octets_vector(&o, 1);
	assert_int_equal(v.left, 2);
	assert_memory_equal(v.p, "ab", 2);
	v = octets_vector(&o, 2);
	assert_int_equal(v.left, 1);
	assert_int_equal(octets_8(&v), 'c');
	assert_true(octets_done(&v));
	v = octets_vector(&o, 3);
	assert_memory_equal(octets_take(&v, 2).p, "de", 2);
	assert_int_equal(v.left, 1);
	v = octets_vector(&o, 1);
	assert_true(octets_done(&v));
	assert_false(o.bad);
	v = octets_vector(&o, 1);
	assert_true(v.bad && v.left == 0 && o.bad);
}

static void
fault_stays(void **state)
{
	struct octets o = octets_of("\1\2\3", 3), v;

	(void)state;
	assert_int_equal(octets_32(&o), 0);
	assert_true(o.bad && o.left == 0);
	assert_int_equal(octets_8(&o), 0);
	v = octets_take(&o, 0);
	assert_true(v.bad && !octets_done(&v));
	assert_true(octets_vector(&o, 1).bad);
	assert_true(octets_vector(&v, 2).bad);
	assert_false(octets_done(&o));
}

static void
nothing(void **state)
{
	struct octets o = octets_of(NULL, 0);

	(void)state;
	assert_true(octets_done(&o));
	assert_false(octets_take(&o, 0).bad);
	assert_int_equal(octets_8(&o), 0);
	assert_true(o.bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(vectors),
		cmocka_unit_test(fault_stays),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
