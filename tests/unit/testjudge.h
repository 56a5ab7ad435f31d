/* testjudge.h - judge() and what it is expected to say
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_TESTJUDGE_H
#define TESTS_TESTJUDGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/judge.h"

static inline struct verdict
verdict(struct requirement q, enum starttls starttls, struct proof proof)
{
	struct verdict v;

	judge(&q, starttls, &proof, &v);
	return v;
}

static inline void
expect(struct verdict v, enum verdict_kind kind, enum result_type result, const char *code,
    const char *enhanced)
{
	if (v.kind != kind || v.result_type != result || strcmp(v.reason_code, code) != 0 ||
	    strcmp(v.enhanced, enhanced) != 0)
		fail_msg("%s %s %s %s: %s", verdict_kind_name(v.kind),
		    result_type_name(v.result_type), v.reason_code, v.enhanced, v.reason);
}

#endif
