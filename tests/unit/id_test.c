/* id_test.c - form and order of the ids
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct id_source source;
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void
decision_ids_have_their_form(void **state)
{
	char id[ID_DECISION_SIZE], other[ID_DECISION_SIZE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		id_decision(&source, id);
		assert_int_equal(strlen(id), 9);
		assert_int_equal(id[4], '-');
		assert_int_equal(strspn(id, digits), 4);
		assert_int_equal(strspn(id + 5, digits), 4);
		id_decision(&source, other);
		assert_string_not_equal(id, other);
	}
}

static void
all_digits_come(void **state)
{
	char id[ID_DECISION_SIZE], seen[9][sizeof digits] = { "" };

	(void)state;
	for (int i = 0; i < 4000; i++) {
		id_decision(&source, id);
		for (int k = 0; k < 9; k++)
			if (k != 4)
				seen[k][strchr(digits, id[k]) - digits] = 'x';
	}
	for (int k = 0; k < 9; k++)
		if (k != 4)
			assert_int_equal(strlen(seen[k]), 32);
}

static void
session_ids_sort_by_time(void **state)
{
	static const struct {
		uint64_t ms;
		const char *start;
	} cases[] = {
		{ 0, "0000000000" },
		{ 1, "0000000001" },
		{ 1469918176385, "01ARYZ6S41" },	/* the example of the ULID text */
		{ 0xffffffffffff, "7ZZZZZZZZZ" },
	};
	char id[ID_SESSION_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		id_session(&source, id, cases[i].ms);
		assert_int_equal(strlen(id), 26);
		assert_int_equal(strspn(id, digits), 26);
		assert_memory_equal(id, cases[i].start, 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decision_ids_have_their_form),
		cmocka_unit_test(all_digits_come),
		cmocka_unit_test(session_ids_sort_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
