/* sts_record_test.c - which TXT records announce a policy (R2 to R8, and what was settled)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/sts_record.h"

#define ID32 "abcdefghijklmnopqrstuvwxyz012345"

static struct sts_record
choose(size_t len, const char *const texts[])
{
	struct sts_txt txt[8];
	struct sts_record r;

	for (size_t i = 0; i < len; i++)
		txt[i] = (struct sts_txt){ texts[i], strlen(texts[i]) };
	sts_record_choose(txt, len, &r);
	return r;
}

static void
test_one_record(void **state)
{
	static const struct {
		const char *text;
		enum sts_record_result result;
		const char *id;
	} cases[] = {
		{ "v=STSv1; id=20160831085700Z;", STS_RECORD_ONE, "20160831085700Z" },
		{ "v=STSv1; id=1", STS_RECORD_ONE, "1" },
		{ "v=STSv1;id=1", STS_RECORD_ONE, "1" },
		{ "v=STSv1 ; id=1 ;", STS_RECORD_ONE, "1" },	/* settled */
		{ "v=STSv1\t;\tid=1\t;\t ", STS_RECORD_ONE, "1" },
		{ "v=STSv1;id=" ID32, STS_RECORD_ONE, ID32 },
		{ "v=STSv1; note=x; id=1", STS_RECORD_ONE, "1" },	/* R3: any order */
		{ "v=STSv1; id=1; a.b-c_d=!:<>~", STS_RECORD_ONE, "1" },
		{ "v=STSv1; id=1; id=2", STS_RECORD_ONE, "1" },	/* the first counts */
		{ "v=STSv1; id=1; id=-", STS_RECORD_ONE, "1" },
		{ "v=STSv1; id=1; v=STSv1", STS_RECORD_ONE, "1" },
		{ "v=STSv1; ID=2; id=1", STS_RECORD_ONE, "1" },	/* ID is some other field */
		/* R5: not ours. */
		{ "", STS_RECORD_NONE, "" },
		{ "v=STSv1", STS_RECORD_NONE, "" },
		{ "v=STSv1 ", STS_RECORD_NONE, "" },		/* settled: no delimiter */
		{ "v=STSv1 id=1;", STS_RECORD_NONE, "" },
		{ "v=STSv2; id=1", STS_RECORD_NONE, "" },
		{ "v=STSv10; id=1", STS_RECORD_NONE, "" },
		{ "V=STSv1; id=1", STS_RECORD_NONE, "" },
		{ "v=stsv1; id=1", STS_RECORD_NONE, "" },
		{ " v=STSv1; id=1", STS_RECORD_NONE, "" },
		{ "id=1; v=STSv1;", STS_RECORD_NONE, "" },
		{ "v=spf1 -all", STS_RECORD_NONE, "" },
		/* R6: ours, and broken. */
		{ "v=STSv1;", STS_RECORD_INVALID, "" },
		{ "v=STSv1; ", STS_RECORD_INVALID, "" },
		{ "v=STSv1;; id=1", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1;;", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1 ", STS_RECORD_INVALID, "" },	/* settled */
		{ "v=STSv1; id=", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=; id=1", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id = 1", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id= 1", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1-2", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=" ID32 "6", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=\xc3\xbc", STS_RECORD_INVALID, "" },
		{ "v=STSv1; note=x", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; note", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; note=", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; =x", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; _a=x", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; a=b=c", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; a=b c", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; a=\x07", STS_RECORD_INVALID, "" },
		{ "v=STSv1; id=1; a23456789012345678901234567890123=x", STS_RECORD_INVALID, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sts_record r = choose(1, &cases[i].text);

		if (r.result != cases[i].result)
			fail_msg("%s: %d %s", cases[i].text, (int)r.result, r.detail);
		assert_string_equal(r.id, cases[i].id);
		assert_int_equal(r.detail[0] != '\0', r.result == STS_RECORD_INVALID);
	}
}

/* R5, R6: others are discarded before counting, ours are not, valid or broken. */
static void
test_counting(void **state)
{
	static const struct {
		const char *texts[4];
		size_t len;
		enum sts_record_result result;
	} cases[] = {
		{ { NULL }, 0, STS_RECORD_NONE },
		{ { "v=spf1 -all", "hello" }, 2, STS_RECORD_NONE },
		{ { "v=spf1 -all", "v=STSv1; id=1", "" }, 3, STS_RECORD_ONE },
		{ { "v=STSv1 id=9", "v=STSv1; id=1", "v=STSv2; id=2" }, 3, STS_RECORD_ONE },
		{ { "v=STSv1; id=1", "v=STSv1; id=1" }, 2, STS_RECORD_SEVERAL },
		{ { "v=STSv1; id=1", "v=STSv1; broken" }, 2, STS_RECORD_SEVERAL },
		{ { "v=STSv1; broken", "x" }, 2, STS_RECORD_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sts_record r = choose(cases[i].len, cases[i].texts);

		assert_int_equal(r.result, cases[i].result);
		assert_string_equal(r.id, r.result == STS_RECORD_ONE ? "1" : "");
	}
}

static void
test_nul_inside(void **state)
{
	const struct sts_txt txt[] = { { "v=STSv1; id=1\0;", 15 }, { NULL, 0 } };
	struct sts_record r;

	(void)state;
	sts_record_choose(txt, 2, &r);
	assert_int_equal(r.result, STS_RECORD_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_record),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_nul_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
