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

/* From VERIFY on all demand proof; which of them by records. */
static void
test_by_tlsa(void **state)
{
	(void)state;
	for (enum level level = LEVEL_NONE; level <= LEVEL_AUTO; level++)
		assert_int_equal(level_by_tlsa(level), level >= LEVEL_DANE && level < LEVEL_AUTO);
	assert_true(LEVEL_VERIFY > LEVEL_ENCRYPT && LEVEL_SECURE > LEVEL_VERIFY &&
	    LEVEL_DANE > LEVEL_SECURE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_by_tlsa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
