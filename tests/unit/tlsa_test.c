/* tlsa_test.c - which TLSA records can be used, when two sets are the same, and their text
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testtlsa.h"

static struct testca_cert cert;

static int
setup(void **state)
{
	(void)state;
	cert = testca_issue(&(struct testca_spec){ .dns = "mx.example.org" });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&cert);
	return 0;
}

/* R101, R113, R127, R128: by usage, selector, matching type and length. */
static void
what_smtp_can_use(void **state)
{
	static const struct {
		uint8_t usage, selector, matching;
		size_t len;
		bool usable;
	} rows[] = {
		{ 3, 1, 1, 32, true }, { 3, 0, 1, 32, true }, { 2, 1, 1, 32, true },
		{ 2, 0, 1, 32, true }, { 3, 1, 2, 64, true }, { 2, 0, 2, 64, true },
		{ 0, 1, 1, 32, false }, { 1, 1, 1, 32, false }, { 4, 1, 1, 32, false },
		{ 255, 1, 1, 32, false }, { 3, 2, 1, 32, false }, { 3, 255, 1, 32, false },
		{ 3, 1, 3, 32, false }, { 3, 1, 255, 64, false }, { 3, 1, 1, 31, false },
		{ 3, 1, 1, 33, false }, { 3, 1, 1, 64, false }, { 3, 1, 1, 0, false },
		{ 3, 1, 2, 32, false }, { 3, 1, 2, 63, false }, { 3, 1, 2, 65, false },
		{ 2, 0, 2, 0, false }, { 3, 0, 0, 0, false }, { 3, 1, 0, 0, false },
		{ 3, 0, 0, 64, false }, { 2, 1, 0, 64, false },
	};
	static const uint8_t octets[65] = { 0x30, 0x03, 1, 1, 0xff };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tlsa t = { .usage = rows[i].usage, .selector = rows[i].selector,
		    .matching = rows[i].matching, .len = (uint16_t)rows[i].len,
		    .data = rows[i].len ? octets : NULL };
		const char *why = "";

		if (tlsa_usable(&t, &why) != rows[i].usable)
			fail_msg("%u %u %u, %zu octets: %s", t.usage, t.selector, t.matching,
			    rows[i].len, why);
		assert_int_equal(why[0] == '\0', rows[i].usable);
	}
}

/* Full records: decoded, whole, and nothing behind. */
static void
full_records_are_decoded(void **state)
{
	struct testtlsa t;
	const char *why = "";

	(void)state;
	for (uint8_t usage = 2; usage <= 3; usage++)
		for (uint8_t selector = 0; selector <= 1; selector++) {
			struct tlsa *r, cut;
			uint8_t longer[2000];

			testtlsa_open(&t, "mx.example.org");
			r = testtlsa_add(&t, usage, selector, TLSA_FULL, cert.x509);
			assert_true(tlsa_usable(r, &why));
			for (cut = *r; cut.len > 0; ) {
				cut.len--;
				assert_false(tlsa_usable(&cut, &why));
			}
			memcpy(longer, r->data, r->len);
			longer[r->len] = 0;
			cut = *r;
			cut.data = longer;
			assert_true(tlsa_usable(&cut, &why));
			cut.len++;
			assert_false(tlsa_usable(&cut, &why));
			longer[0] ^= 0x80;
			cut.len--;
			assert_false(tlsa_usable(&cut, &why));
			r->selector ^= 1;	/* a key is no certificate, and vice versa */
			assert_false(tlsa_usable(r, &why));
			testtlsa_free(&t);
		}
	assert_int_equal(ERR_peek_error(), 0);
}

/* A certificate whose key nobody can read vouches for nothing. */
static void
a_certificate_needs_a_key(void **state)
{
	struct testtlsa t;
	const char *why = "";
	struct tlsa *r;
	uint8_t *p;

	(void)state;
	testtlsa_open(&t, "mx.example.org");
	r = testtlsa_add(&t, 3, 0, TLSA_FULL, cert.x509);
	p = memmem(t.octets[0], r->len, "\x2a\x86\x48\xce\x3d\x02\x01", 7);	/* id-ecPublicKey */
	assert_non_null(p);
	p[6] = 9;
	assert_false(tlsa_usable(r, &why));
	assert_string_equal(why, "no certificate");
	testtlsa_free(&t);
}

static void
open_two(struct testtlsa *t)
{
	testtlsa_open(t, "mx1.example");
	testtlsa_octets(t, 3, 1, 1, "0123456789abcdef0123456789abcdef", 32);
	testtlsa_octets(t, 2, 0, 1, "0123456789abcdef0123456789abcdeg", 32);
	testtlsa_base(t, "mx2.example");
	testtlsa_octets(t, 3, 1, 0, "abc", 3);
}

static void
every_part_is_in_the_digest(void **state)
{
	struct testtlsa a, b;

	(void)state;
	open_two(&a);
	for (int change = 0; change <= 10; change++) {
		struct tlsa swap;

		open_two(&b);
		swap = b.records[0];
		switch (change) {
		case 1: b.records[0].usage = 2; break;
		case 2: b.records[0].selector = 0; break;
		case 3: b.records[0].matching = 2; break;
		case 4: b.records[0].base = 1; break;
		case 5: b.records[2].len = 2; break;
		case 6: b.octets[2][2]++; break;
		case 7: b.records[0] = b.records[1]; b.records[1] = swap; break;
		case 8: b.bases[1] = "mx2.exampl"; break;
		case 9: b.bases[0] = "mx1.examplemx2.example"; b.bases[1] = ""; break;
		case 10: b.set.len--; break;
		}
		assert_true(tlsa_digest(&b.set, b.set.digest));
		assert_int_equal(memcmp(a.set.digest, b.set.digest, TLSA_DIGEST) == 0,
		    change == 0);
		assert_int_equal(tlsa_same(&a.set, b.set.digest), change == 0);
		b.set.len = 3;
		testtlsa_free(&b);
	}
	testtlsa_free(&a);
}

static void
no_records_are_no_set(void **state)
{
	static const uint8_t zero[TLSA_DIGEST];
	struct testtlsa t;
	uint8_t digest[TLSA_DIGEST] = { 1 };

	(void)state;
	testtlsa_open(&t, "mx.example");
	assert_true(tlsa_digest(&t.set, digest));
	assert_memory_equal(digest, zero, sizeof zero);
	assert_true(tlsa_same(NULL, zero));
	assert_true(tlsa_same(&t.set, zero));
	open_two(&t);
	assert_false(tlsa_same(NULL, t.set.digest));
	assert_false(tlsa_same(&t.set, zero));
	testtlsa_free(&t);
}

/* DNS answers with the records in another order each time. */
static void
sorted_sets_are_the_same(void **state)
{
	struct testtlsa a, b;

	(void)state;
	open_two(&a);
	open_two(&b);
	for (size_t i = 0; i < b.set.len; i++)	/* backwards */
		b.records[i] = a.records[a.set.len - 1 - i];
	tlsa_sort(a.records, a.set.len);
	tlsa_sort(b.records, b.set.len);
	assert_true(tlsa_digest(&a.set, a.set.digest));
	assert_true(tlsa_digest(&b.set, b.set.digest));
	assert_true(tlsa_same(&a.set, b.set.digest));
	assert_int_equal(a.records[0].usage, 3);
	assert_int_equal(a.records[0].base, 0);
	assert_int_equal(a.records[2].base, 1);
	tlsa_sort(NULL, 0);
	testtlsa_free(&a);
	testtlsa_free(&b);
}

static void
a_copy_stands_alone(void **state)
{
	struct testtlsa t;
	struct tlsa_set *copy;
	uint8_t digest[TLSA_DIGEST];

	(void)state;
	open_two(&t);
	testtlsa_octets(&t, 3, 0, 0, "", 0);
	copy = tlsa_copy(&t.set);
	assert_non_null(copy);
	memcpy(digest, t.set.digest, sizeof digest);
	testtlsa_free(&t);
	memset(&t, 0xee, sizeof t);
	assert_true(tlsa_same(copy, digest));
	assert_true(tlsa_digest(copy, digest));
	assert_true(tlsa_same(copy, digest));
	assert_string_equal(copy->bases[1], "mx2.example");
	assert_memory_equal(copy->records[2].data, "abc", 3);
	free(copy);
}

static void
text_of(const char *expected, struct tlsa t)
{
	char text[TLSA_TEXT_SIZE];

	assert_ptr_equal(tlsa_text(&t, text), text);
	assert_string_equal(text, expected);
}

/* R64: four fields with single spaces. */
static void
records_in_words(void **state)
{
	uint8_t octets[80];
	char expected[TLSA_TEXT_SIZE + 1] = "255 255 255 ";

	(void)state;
	memset(octets, 0xab, sizeof octets);
	text_of("3 1 1 00ff", (struct tlsa){ .usage = 3, .selector = 1, .matching = 1, .len = 2,
	    .data = (const uint8_t *)"\0\xff" });
	text_of("2 0 0 ", (struct tlsa){ .usage = 2 });
	for (int i = 0; i < 64; i++)
		memcpy(expected + 12 + 2 * i, "ab", 3);
	text_of(expected, (struct tlsa){ .usage = 255, .selector = 255, .matching = 255, .len = 64,
	    .data = octets });
	for (int i = 64; i < 72; i++)
		memcpy(expected + 12 + 2 * i, "ab", 3);
	strcat(expected, "..");
	text_of(expected, (struct tlsa){ .usage = 255, .selector = 255, .matching = 255, .len = 80,
	    .data = octets });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_smtp_can_use),
		cmocka_unit_test(full_records_are_decoded),
		cmocka_unit_test(a_certificate_needs_a_key),
		cmocka_unit_test(every_part_is_in_the_digest),
		cmocka_unit_test(no_records_are_no_set),
		cmocka_unit_test(sorted_sets_are_the_same),
		cmocka_unit_test(a_copy_stands_alone),
		cmocka_unit_test(records_in_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
