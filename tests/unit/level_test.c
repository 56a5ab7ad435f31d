/* level_test.c - level names go both ways, nothing else is a level
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/level.h"

static void
test_names(void **state)
{
	static const char *const names[] = { "none", "may", "encrypt", "verify", "secure", "dane",
	    "dane-only", "fingerprint", "auto" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		enum level level = LEVEL_AUTO;

		assert_true(level_parse(&level, names[i], strlen(names[i])));
		assert_int_equal(level, i);
		assert_string_equal(level_name(level), names[i]);
	}
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "", "None", "MAY", "may ", " may", "ma", "mayo", "dane-",
	    "dane_only", "secured" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum level level = LEVEL_SECURE;

		assert_false(level_parse(&level, bad[i], strlen(bad[i])));
		assert_int_equal(level, LEVEL_SECURE);
	}
	assert_false(level_parse(&(enum level){ LEVEL_NONE }, "may\0", 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
