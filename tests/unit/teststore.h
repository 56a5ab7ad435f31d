/* teststore.h - a store in a scripted world, for tests of what keeps itself in one
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_TESTSTORE_H
#define TESTS_UNIT_TESTSTORE_H

#include "tests/unit/testworld.h"

#include "policy/store.h"

/* The store in the world's folder; made where there is none yet. */
static inline struct store *
teststore_open(const struct testworld *t)
{
	char error[256];
	struct store *s = store_open(t->dir, false, NULL, NULL, error, sizeof(error));

	if (s == NULL)
		print_error("%s\n", error);
	assert_non_null(s);
	return s;
}

#endif
