/* requirement_test.c - a requirement's names, copy and wire form
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/requirement.h"

static const char *const hosts[] = { "mx1.example.com", "mx2.example.com", "" };

static const char *const names[] = { "mx1.example.com", "example.com" };
static const char *const answers[] = { "MX example.com: secure\nA mx1", "TLSA" };
static const char *const bases[] = { "mx1.example.com", "mx2.example.com" };
static const uint8_t octets[] = { 1, 0, 2, 3, 4, 5 };
static const struct tlsa records[] = {
	{ .usage = TLSA_DANE_EE, .selector = TLSA_SPKI, .matching = TLSA_SHA512, .base = 0,
	  .len = 4, .data = octets },
	{ .usage = TLSA_DANE_TA, .selector = TLSA_CERT, .matching = TLSA_FULL, .base = 1,
	  .len = 5, .data = octets + 1 },
};

static const struct requirement full = {
	.state = REQUIREMENT_DEFER, .defer_code = DEFER_UNMAPPED, .level = LEVEL_FINGERPRINT,
	.floor = LEVEL_VERIFY, .policy_type = POLICY_LOCAL, .source = SOURCE_MEMORY,
	.sts_mode = STS_NONE, .monitor = true, .stripping_refuse = true, .remembered = true,
	.marks_count = true, .mapped = true, .mx_allowed = true, .raised = true, .age_s = 345600,
	.policy_domain = "example.com", .policy_id = "20160831", .mx_host = "mx1.example.com",
	.sni = "mx1.example.com", .secure_domain = "example.com", .reason = "ticket 4711",
	.hosts_len = 3, .hosts = hosts, .names_len = 2, .names = names,
	.answers_len = 2, .answers = answers, .both = true, .tlsa_unusable = true,
	.mx_secure = true, .sts_mismatch = true,
	.tlsa = { .len = 2, .records = records, .bases_len = 2, .bases = bases,
	    .digest = { 9, 8, 7, [31] = 1 } },
};

static void
assert_same_list(const char *const *a, size_t a_len, const char *const *b, size_t b_len)
{
	assert_int_equal(a_len, b_len);
	for (size_t i = 0; i < a_len; i++)
		assert_string_equal(a[i], b[i]);
}

static void
assert_same_tlsa(const struct tlsa_set *a, const struct tlsa_set *b)
{
	assert_same_list(a->bases, a->bases_len, b->bases, b->bases_len);
	assert_memory_equal(a->digest, b->digest, TLSA_DIGEST);
	assert_int_equal(a->len, b->len);
	for (size_t i = 0; i < a->len; i++) {
		assert_int_equal(a->records[i].usage, b->records[i].usage);
		assert_int_equal(a->records[i].selector, b->records[i].selector);
		assert_int_equal(a->records[i].matching, b->records[i].matching);
		assert_int_equal(a->records[i].base, b->records[i].base);
		assert_int_equal(a->records[i].len, b->records[i].len);
		assert_memory_equal(a->records[i].data, b->records[i].data, a->records[i].len);
	}
}

static void
assert_same(const struct requirement *a, const struct requirement *b)
{
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->defer_code, b->defer_code);
	assert_int_equal(a->level, b->level);
	assert_int_equal(a->floor, b->floor);
	assert_int_equal(a->policy_type, b->policy_type);
	assert_int_equal(a->source, b->source);
	assert_int_equal(a->sts_mode, b->sts_mode);
	assert_int_equal(a->monitor, b->monitor);
	assert_int_equal(a->stripping_refuse, b->stripping_refuse);
	assert_int_equal(a->remembered, b->remembered);
	assert_int_equal(a->marks_count, b->marks_count);
	assert_int_equal(a->mapped, b->mapped);
	assert_int_equal(a->mx_allowed, b->mx_allowed);
	assert_int_equal(a->raised, b->raised);
	assert_int_equal(a->age_s, b->age_s);
	assert_string_equal(a->policy_domain, b->policy_domain);
	assert_string_equal(a->policy_id, b->policy_id);
	assert_string_equal(a->mx_host, b->mx_host);
	assert_string_equal(a->sni, b->sni);
	assert_string_equal(a->secure_domain, b->secure_domain);
	assert_string_equal(a->reason, b->reason);
	assert_int_equal(a->both, b->both);
	assert_int_equal(a->tlsa_unusable, b->tlsa_unusable);
	assert_int_equal(a->mx_secure, b->mx_secure);
	assert_int_equal(a->sts_mismatch, b->sts_mismatch);
	assert_same_list(a->hosts, a->hosts_len, b->hosts, b->hosts_len);
	assert_same_list(a->names, a->names_len, b->names, b->names_len);
	assert_same_list(a->answers, a->answers_len, b->answers, b->answers_len);
	assert_same_tlsa(&a->tlsa, &b->tlsa);
}

static struct requirement *
through_the_wire(const struct requirement *q)
{
	unsigned char buf[WIRE_MESSAGE_MAX];
	struct requirement *got;
	struct wire_writer w;
	struct wire_reader r;

	wire_write(&w, buf, sizeof buf);
	requirement_put(&w, q);
	assert_true(wire_written(&w) > 0);
	wire_read(&r, buf, wire_written(&w));
	got = requirement_get(&r);
	assert_non_null(got);
	assert_true(wire_read_done(&r));
	return got;
}

static void
test_copy_owns_everything(void **state)
{
	char name[] = "mx.example.net";
	const char *one[] = { name };
	uint8_t digest[4] = { 1, 2, 3, 4 };
	struct tlsa record = { .usage = TLSA_DANE_EE, .len = 4, .data = digest };
	struct requirement q = full, *copy;

	(void)state;
	q.hosts = q.names = q.answers = q.tlsa.bases = one;
	q.hosts_len = q.names_len = q.answers_len = q.tlsa.bases_len = 1;
	q.tlsa.records = &record;
	q.tlsa.len = 1;
	q.mx_host = q.sni = name;
	copy = requirement_copy(&q);
	assert_non_null(copy);
	assert_same(copy, &q);
	memset(name, 'x', sizeof name - 1);
	memset(digest, 'x', sizeof digest);
	memset(&record, 0, sizeof record);
	one[0] = NULL;
	assert_string_equal(copy->hosts[0], "mx.example.net");
	assert_string_equal(copy->names[0], "mx.example.net");
	assert_string_equal(copy->answers[0], "mx.example.net");
	assert_string_equal(copy->tlsa.bases[0], "mx.example.net");
	assert_int_equal(copy->tlsa.records[0].usage, TLSA_DANE_EE);
	assert_memory_equal(copy->tlsa.records[0].data, "\1\2\3\4", 4);
	assert_string_equal(copy->sni, "mx.example.net");
	free(copy);
}

static void
test_null_strings_are_empty(void **state)
{
	struct requirement none = { .state = REQUIREMENT_READY }, *copy, *got;

	(void)state;
	copy = requirement_copy(&none);
	got = through_the_wire(&none);
	assert_non_null(copy);
	assert_string_equal(copy->reason, "");
	assert_same(copy, got);
	free(copy);
	free(got);
}

static void
test_round_trip(void **state)
{
	struct requirement *got = through_the_wire(&full);

	(void)state;
	assert_same(got, &full);
	free(got);
	/* Each flag by itself: no two share a bit. */
	for (size_t i = 0; i < 11; i++) {
		struct requirement q = { .state = REQUIREMENT_READY };
		bool *const flags[] = { &q.monitor, &q.stripping_refuse, &q.remembered,
		    &q.marks_count, &q.mapped, &q.mx_allowed, &q.raised, &q.both,
		    &q.tlsa_unusable, &q.mx_secure, &q.sts_mismatch };

		*flags[i] = true;
		got = through_the_wire(&q);
		q.policy_domain = q.policy_id = q.mx_host = q.sni = q.secure_domain = q.reason = "";
		assert_same(got, &q);
		free(got);
	}
}

static void
test_most_hosts_fit(void **state)
{
	const char *many[REQUIREMENT_HOSTS_MAX];
	struct requirement q = full, *got;
	char name[254];

	(void)state;
	memset(name, 'a', 253);
	name[253] = '\0';
	for (size_t i = 0; i < REQUIREMENT_HOSTS_MAX; i++)
		many[i] = name;
	q.hosts = many;
	q.hosts_len = REQUIREMENT_HOSTS_MAX;
	got = through_the_wire(&q);
	assert_same(got, &q);
	free(got);
}

static size_t
written(unsigned char *buf, size_t size, const struct requirement *q)
{
	struct wire_writer w;

	wire_write(&w, buf, size);
	requirement_put(&w, q);
	return wire_written(&w);
}

static bool
is_read(const unsigned char *buf, size_t len)
{
	struct wire_reader r;
	struct requirement *q;

	wire_read(&r, buf, len);
	q = requirement_get(&r);
	assert_int_equal(q == NULL, r.bad);
	free(q);
	return q != NULL;
}

/* Every octet cut off or out of its set is malformed, and nothing else is read. */
static void
test_malformed(void **state)
{
	static const unsigned char greatest[] = { REQUIREMENT_DEFER, DEFER_UNMAPPED,
	    LEVEL_FINGERPRINT, LEVEL_VERIFY, POLICY_LOCAL, SOURCE_MEMORY, STS_NONE, 255, 7 };
	unsigned char buf[1024];
	size_t len = written(buf, sizeof buf, &full);

	(void)state;
	assert_true(is_read(buf, len));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(is_read(buf, cut));
	for (size_t i = 0; i < sizeof greatest; i++) {
		unsigned char was = buf[i];

		if (greatest[i] == 255)
			continue;	/* the flags' lower half */
		buf[i] = (unsigned char)(greatest[i] + 1);
		assert_false(is_read(buf, len));
		buf[i] = was;
	}
}

/* A set of TLSA records that nobody could have made is malformed. */
static void
test_malformed_set(void **state)
{
	static uint8_t big[TLSA_OCTETS_MAX / 2 + 1];
	static unsigned char buf[WIRE_MESSAGE_MAX];
	static const struct tlsa good = { .usage = TLSA_DANE_EE, .selector = TLSA_SPKI,
	    .matching = TLSA_SHA256, .len = 4, .data = octets };
	static const struct {
		struct tlsa record;
		bool read;
	} cases[] = {
		{ { 3, 1, 1, 1, 4, octets }, true }, { { 2, 0, 0, 0, 4, octets }, true },
		{ { 3, 1, 2, 1, 4, octets }, true },
		{ { 3, 1, 1, 2, 4, octets }, false }, { { 3, 1, 1, 255, 4, octets }, false },
		{ { 1, 1, 1, 1, 4, octets }, false }, { { 4, 1, 1, 1, 4, octets }, false },
		{ { 3, 2, 1, 1, 4, octets }, false }, { { 3, 1, 3, 1, 4, octets }, false },
		{ { 3, 1, 1, 1, 0, octets }, false },
		{ { 3, 1, 0, 1, TLSA_OCTETS_MAX / 2, big }, true },
		{ { 3, 1, 0, 1, sizeof big, big }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tlsa two[] = { good, cases[i].record };
		struct requirement q = full;

		q.tlsa.records = two;
		if (two[1].data == big) {
			two[0].data = big;
			two[0].len = TLSA_OCTETS_MAX / 2;
		}
		if (is_read(buf, written(buf, sizeof buf, &q)) != cases[i].read)
			fail_msg("case %zu", i);
	}
}

static void
test_malformed_counts(void **state)
{
	static const char *const many[REQUIREMENT_HOSTS_MAX] = { "a", "b" };
	static char text[REQUIREMENT_ANSWERS_OCTETS + 2];
	const char *said[] = { text };
	static unsigned char buf[WIRE_MESSAGE_MAX];
	struct tlsa records33[TLSA_RECORDS_MAX + 1];
	struct requirement q = { .tlsa = full.tlsa };
	size_t len, at;

	(void)state;
	/* Records without a base, or under the digest of none. */
	q.tlsa.bases_len = 0;
	assert_false(is_read(buf, written(buf, sizeof buf, &q)));
	q.tlsa = full.tlsa;
	memset(q.tlsa.digest, 0, TLSA_DIGEST);
	assert_false(is_read(buf, written(buf, sizeof buf, &q)));
	q.tlsa.digest[31] = 1;
	assert_true(is_read(buf, written(buf, sizeof buf, &q)));
	/* As many as may be, and one more by whoever writes what we do not. */
	for (size_t i = 0; i < TLSA_RECORDS_MAX; i++)
		records33[i] = records[0];
	q = (struct requirement){ .tlsa = full.tlsa, .names = many, .answers = many };
	q.tlsa.records = records33;
	q.tlsa.len = TLSA_RECORDS_MAX;
	len = written(buf, sizeof buf, &q);
	assert_true(is_read(buf, len));
	memmove(buf + len - TLSA_DIGEST + 10, buf + len - TLSA_DIGEST, TLSA_DIGEST);
	memcpy(buf + len - TLSA_DIGEST, buf + len - TLSA_DIGEST - 10, 10);	/* a record more */
	q.tlsa.len = 0;
	at = written((unsigned char[256]){ 0 }, 256, &q) - 1;
	assert_int_equal(buf[at], TLSA_RECORDS_MAX);
	buf[at]++;
	assert_false(is_read(buf, len + 10));
	len = written(buf, sizeof buf, &q);
	assert_true(is_read(buf, len));
	for (size_t i = 1; i <= 4; i++) {	/* sets, answers, names, hosts: each a count */
		static const unsigned max[] = { TLSA_RECORDS_MAX, REQUIREMENT_ANSWERS_MAX,
		    REQUIREMENT_NAMES_MAX, REQUIREMENT_HOSTS_MAX };

		assert_int_equal(buf[len - i], 0);
		memset(buf + len, 0, sizeof buf - len);
		buf[len - i] = (unsigned char)(max[i - 1] + 1);
		assert_false(is_read(buf, sizeof buf));
		buf[len - i] = 0;
	}
	memset(text, 'x', sizeof text - 1);
	q.answers = said;
	q.answers_len = 1;
	assert_false(is_read(buf, written(buf, sizeof buf, &q)));
	text[sizeof text - 2] = '\0';
	assert_true(is_read(buf, written(buf, sizeof buf, &q)));
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(policy_type_name(POLICY_NONE_FOUND), "no-policy-found");
	assert_string_equal(policy_type_name(POLICY_STS), "sts");
	assert_string_equal(policy_type_name(POLICY_TLSA), "tlsa");
	assert_string_equal(policy_type_name(POLICY_LOCAL), "local");
	assert_string_equal(policy_source_name(SOURCE_NONE), "none");
	assert_string_equal(policy_source_name(SOURCE_CACHE), "cache");
	assert_string_equal(policy_source_name(SOURCE_FETCHED), "fetched");
	assert_string_equal(policy_source_name(SOURCE_RULE), "rule");
	assert_string_equal(policy_source_name(SOURCE_RELAY), "relay");
	assert_string_equal(policy_source_name(SOURCE_MEMORY), "memory");
	assert_string_equal(sts_mode_name(STS_ENFORCE), "enforce");
	assert_string_equal(sts_mode_name(STS_TESTING), "testing");
	assert_string_equal(sts_mode_name(STS_NONE), "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_owns_everything),
		cmocka_unit_test(test_null_strings_are_empty),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_most_hosts_fit),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_malformed_set),
		cmocka_unit_test(test_malformed_counts),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
