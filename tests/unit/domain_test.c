/* domain_test.c - names come out as A-labels in lower case, or not at all
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/domain.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
test_accepted(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "example.com", "example.com" },
		{ "EXAMPLE.Com", "example.com" },
		{ "example.com.", "example.com" },
		{ "a.b", "a.b" },
		{ "r3---sn.example", "r3---sn.example" },
		{ "1.2.example", "1.2.example" },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
		{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
		{ "B\xc3\x9c" "CHER.Example", "xn--bcher-kva.example" },
		{ "bu\xcc\x88" "cher.example", "xn--bcher-kva.example" },	/* NFC */
		{ "fa\xc3\x9f.example", "xn--fa-hia.example" },	/* non-transitional: not fass */
		{ "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
		  "xn--r8jz45g.xn--zckzah" },
		{ A63 ".example", A63 ".example" },
		{ A63 "." A63 "." A63 "." A61, A63 "." A63 "." A63 "." A61 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[DOMAIN_SIZE];

		assert_int_equal(domain_normalise(out, cases[i].in, strlen(cases[i].in), true),
		    DOMAIN_OK);
		assert_string_equal(out, cases[i].out);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *in;
		enum domain_result r;
	} cases[] = {
		{ "", DOMAIN_EMPTY },
		{ ".", DOMAIN_EMPTY },
		{ "..", DOMAIN_BAD_LABEL },
		{ ".example.com", DOMAIN_BAD_LABEL },
		{ "example..com", DOMAIN_BAD_LABEL },
		{ "example.com..", DOMAIN_BAD_LABEL },
		{ "-a.example", DOMAIN_BAD_LABEL },
		{ "a-.example", DOMAIN_BAD_LABEL },
		{ "_dmarc.example", DOMAIN_BAD_LABEL },
		{ "a b.example", DOMAIN_BAD_LABEL },
		{ "a@b.example", DOMAIN_BAD_LABEL },
		{ "[192.0.2.1]", DOMAIN_BAD_LABEL },
		{ "a\tb.example", DOMAIN_BAD_LABEL },
		{ "*.example", DOMAIN_BAD_LABEL },
		{ "b\xc3\xbc_.example", DOMAIN_BAD_LABEL },
		{ A63 "a.example", DOMAIN_TOO_LONG },
		{ A63 "." A63 "." A63 "." A61 "a", DOMAIN_TOO_LONG },
		{ "\xff.example", DOMAIN_BAD_IDN },
		{ "b\xc3.example", DOMAIN_BAD_IDN },
		{ "\xe2\x98\x83\xef\xbf\xbf.example", DOMAIN_BAD_IDN },
		{ "\xef\xbc\xa0" "evil.example", DOMAIN_BAD_IDN },	/* fullwidth @ */
		{ "localhost", DOMAIN_ONE_LABEL },
		{ "localhost.", DOMAIN_ONE_LABEL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[DOMAIN_SIZE] = "before";
		enum domain_result r;

		r = domain_normalise(out, cases[i].in, strlen(cases[i].in), true);
		if (r == DOMAIN_OK || (r != cases[i].r && cases[i].r != DOMAIN_BAD_IDN))
			fail_msg("%s: %s", cases[i].in, domain_result_text(r));
		assert_string_equal(out, "");
		assert_true(strlen(domain_result_text(r)) > 0);
	}
}

static void
test_one_label(void **state)
{
	char out[DOMAIN_SIZE];

	(void)state;
	assert_int_equal(domain_normalise(out, "LocalHost", 9, false), DOMAIN_OK);
	assert_string_equal(out, "localhost");
}

static void
test_nul_and_length(void **state)
{
	char out[DOMAIN_SIZE], big[5000];

	(void)state;
	assert_int_equal(domain_normalise(out, "good.example\0.evil.example", 26, true),
	    DOMAIN_BAD_LABEL);
	assert_int_equal(domain_normalise(out, "b\xc3\xbc\0.example", 12, true), DOMAIN_BAD_LABEL);
	assert_int_equal(domain_normalise(out, "example.community", 11, true), DOMAIN_OK);
	assert_string_equal(out, "example.com");
	memset(big, 'a', sizeof big);
	assert_int_equal(domain_normalise(out, big, sizeof big, true), DOMAIN_TOO_LONG);
	memset(big, 0xc3, sizeof big);
	assert_int_equal(domain_normalise(out, big, sizeof big, true), DOMAIN_TOO_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_one_label),
		cmocka_unit_test(test_nul_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
