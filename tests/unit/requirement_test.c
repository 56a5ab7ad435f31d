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

static const struct requirement full = {
	.state = REQUIREMENT_DEFER, .defer_code = DEFER_UNMAPPED, .level = LEVEL_SECURE,
	.floor = LEVEL_VERIFY, .policy_type = POLICY_LOCAL, .source = SOURCE_MEMORY,
	.sts_mode = STS_NONE, .monitor = true, .stripping_refuse = true, .remembered = true,
	.marks_count = true, .mapped = true, .mx_allowed = true, .raised = true, .age_s = 345600,
	.policy_domain = "example.com", .policy_id = "20160831", .mx_host = "mx1.example.com",
	.sni = "mx1.example.com", .secure_domain = "example.com", .reason = "ticket 4711",
	.hosts_len = 3, .hosts = hosts,
};

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
	assert_int_equal(a->hosts_len, b->hosts_len);
	for (size_t i = 0; i < a->hosts_len; i++)
		assert_string_equal(a->hosts[i], b->hosts[i]);
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
	struct requirement q = full, *copy;

	(void)state;
	q.hosts = one;
	q.hosts_len = 1;
	q.mx_host = q.sni = name;
	copy = requirement_copy(&q);
	assert_non_null(copy);
	assert_same(copy, &q);
	memset(name, 'x', sizeof name - 1);
	one[0] = NULL;
	assert_string_equal(copy->hosts[0], "mx.example.net");
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
	for (size_t i = 0; i < 7; i++) {
		struct requirement q = { .state = REQUIREMENT_READY };
		bool *const flags[] = { &q.monitor, &q.stripping_refuse, &q.remembered,
		    &q.marks_count, &q.mapped, &q.mx_allowed, &q.raised };

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

/* Every octet cut off or out of its set is malformed, and nothing else is read. */
static void
test_malformed(void **state)
{
	static const unsigned char greatest[] = { REQUIREMENT_DEFER, DEFER_UNMAPPED,
	    LEVEL_SECURE, LEVEL_VERIFY, POLICY_LOCAL, SOURCE_MEMORY, STS_NONE, 127 };
	unsigned char buf[1024];
	struct wire_writer w;
	struct wire_reader r;
	size_t len;

	(void)state;
	wire_write(&w, buf, sizeof buf);
	requirement_put(&w, &full);
	len = wire_written(&w);
	for (size_t cut = 0; cut < len; cut++) {
		wire_read(&r, buf, cut);
		assert_null(requirement_get(&r));
		assert_true(r.bad);
	}
	for (size_t i = 0; i < sizeof greatest; i++) {
		unsigned char was = buf[i];

		buf[i] = (unsigned char)(greatest[i] + 1);
		wire_read(&r, buf, len);
		assert_null(requirement_get(&r));
		assert_true(r.bad);
		buf[i] = was;
	}
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
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
