/* proof_test.c - a proof's names and its end
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tls/proof.h"

static const char *const names[] = { "other.example", "*.mail.example.org", "example.net" };

static void
any_name_may_match(void **state)
{
	struct proof p = { .state = PROOF_TLS, .names = names, .names_len = 3 };

	(void)state;
	assert_true(proof_names_host(&p, "mx.mail.example.org"));
	assert_true(proof_names_host(&p, "example.net"));
	assert_false(proof_names_host(&p, "mail.example.org"));
	assert_false(proof_names_host(&p, "mx.example.net"));
	assert_true(proof_names_below(&p, "mail.example.org"));
	assert_true(proof_names_below(&p, "example"));
	assert_false(proof_names_below(&p, "example.org"));
	p.names_len = 0;
	assert_false(proof_names_host(&p, "example.net"));
	assert_false(proof_names_below(&p, "example.net"));
}

static void
a_cleared_proof_proves_nothing(void **state)
{
	struct proof p = { .state = PROOF_TLS, .chain = CHAIN_TRUSTED, .names = names,
	    .names_len = 3 };

	(void)state;
	p.block = malloc(10);
	proof_clear(&p);
	assert_int_equal(p.state, PROOF_NO_TLS);
	assert_int_equal(p.chain, CHAIN_NONE);
	assert_null(p.block);
	assert_false(proof_names_host(&p, "example.net"));
	proof_clear(&p);
}

static void
every_standing_has_a_name(void **state)
{
	static const char *const expected[] = {
		[CHAIN_TRUSTED] = "trusted", [CHAIN_EXPIRED] = "expired",
		[CHAIN_UNTRUSTED] = "untrusted", [CHAIN_INVALID] = "invalid", [CHAIN_NONE] = "none",
	};

	(void)state;
	for (int i = CHAIN_TRUSTED; i <= CHAIN_NONE; i++)
		assert_string_equal(proof_chain_name((enum proof_chain)i), expected[i]);
}

static void
every_standing_against_tlsa_has_a_name(void **state)
{
	static const char *const expected[] = {
		[PROOF_DANE_NOT_ASKED] = "not-asked", [PROOF_DANE_EE] = "ee", [PROOF_DANE_TA] = "ta",
		[PROOF_DANE_EXPIRED] = "expired", [PROOF_DANE_INVALID] = "invalid",
		[PROOF_DANE_UNMATCHED] = "unmatched",
	};

	(void)state;
	for (int i = PROOF_DANE_NOT_ASKED; i <= PROOF_DANE_UNMATCHED; i++)
		assert_string_equal(proof_dane_name((enum proof_dane)i), expected[i]);
}

/* A set that was asked for is never left out of the proof: that would read as another set. */
static void
no_certificate_matches_no_record(void **state)
{
	struct proof p = { .state = PROOF_TLS };
	struct tlsa record = { .usage = 3, .len = 0 };
	struct tlsa_set set = { .digest = { 7 } };

	(void)state;
	proof_dane_missing(&p, NULL, "no certificate");
	proof_dane_missing(&p, &set, "no certificate");
	assert_int_equal(p.dane, PROOF_DANE_NOT_ASKED);
	assert_int_equal(p.dane_digest[0], 0);
	set.len = 1;
	set.records = &record;
	proof_dane_missing(&p, &set, "no certificate");
	assert_int_equal(p.dane, PROOF_DANE_UNMATCHED);
	assert_true(tlsa_same(&set, p.dane_digest));
	assert_string_equal(p.dane_detail, "no certificate");
	proof_clear(&p);
	assert_int_equal(p.dane, PROOF_DANE_NOT_ASKED);
	assert_true(tlsa_same(NULL, p.dane_digest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_name_may_match),
		cmocka_unit_test(a_cleared_proof_proves_nothing),
		cmocka_unit_test(every_standing_has_a_name),
		cmocka_unit_test(every_standing_against_tlsa_has_a_name),
		cmocka_unit_test(no_certificate_matches_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
