/* message_test.c - every message goes there and back; cut, grown or mistyped ones do not
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/message.h"

static struct address
peer(void)
{
	struct address a;

	assert_true(address_parse(&a, "203.0.113.9", 11, 25));
	return a;
}

/* Decodes p by its type; what it says is of no interest here. */
static bool
decodes(const void *p, size_t len)
{
	const void *event;
	struct requirement *q;
	struct probe_step step;
	struct question question;
	struct sighting sighting;
	struct probe probe;
	struct hint hint;
	uint64_t sequence;
	size_t event_len;
	struct stale stale;
	uint32_t id;

	switch (message_type(p, len)) {
	case MESSAGE_QUESTION:
		return message_get_question(p, len, &question);
	case MESSAGE_ANSWER:
		if (!message_get_answer(p, len, &id, &q)) {
			assert_null(q);
			return false;
		}
		free(q);
		return true;
	case MESSAGE_SIGHTING:
		return message_get_sighting(p, len, &sighting);
	case MESSAGE_RECORD:
		return message_get_record(p, len, &sequence, &event, &event_len);
	case MESSAGE_ACK:
		return message_get_ack(p, len, &sequence);
	case MESSAGE_PROBE:
		return message_get_probe(p, len, &probe);
	case MESSAGE_PROBE_STEP:
		return message_get_probe_step(p, len, &step);
	case MESSAGE_HINT:
		return message_get_hint(p, len, &hint);
	case MESSAGE_STALE:
		return message_get_stale(p, len, &stale);
	}
	return false;
}

/* A good message is no other type, no prefix of it is good (but for a record's own octets), nor is
 * it with an octet more, and it is not written where there is no room. */
static void
assert_strict(unsigned char *p, size_t len, size_t size)
{
	enum message_type type = message_type(p, len);
	unsigned char was = p[0];

	assert_true(len > 0 && len < size);
	assert_true(decodes(p, len));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(decodes(p, cut), type == MESSAGE_RECORD && cut >= 9);
	p[len] = 0;
	assert_int_equal(decodes(p, len + 1), type == MESSAGE_RECORD);
	p[0] = MESSAGE_STALE + 1;
	assert_int_equal(message_type(p, len), 0);
	p[0] = 0;
	assert_int_equal(message_type(p, len), 0);
	p[0] = was;
}

static void
test_question(void **state)
{
	struct question in = { .id = 0xfffffffe, .recheck = true, .domain = "example.com" }, out;
	unsigned char buf[256];
	size_t len;

	(void)state;
	in.peer = peer();
	len = message_question(buf, sizeof buf, &in);
	assert_strict(buf, len, sizeof buf);
	assert_int_equal(message_type(buf, len), MESSAGE_QUESTION);
	assert_true(message_get_question(buf, len, &out));
	assert_int_equal(out.id, in.id);
	assert_true(address_same_ip(&out.peer.ip, &in.peer.ip));
	assert_int_equal(out.peer.port, 25);
	assert_true(out.recheck);
	assert_string_equal(out.domain, "example.com");
	for (size_t size = 0; size < len; size++)
		assert_int_equal(message_question(buf, size, &in), 0);
}

static void
test_bool_has_one_form(void **state)
{
	struct question q = { .id = 1, .recheck = true, .domain = "" };
	unsigned char buf[64];
	size_t len = message_question(buf, sizeof buf, &q);

	(void)state;
	assert_int_equal(buf[23], 1);
	buf[23] = 2;
	assert_false(message_get_question(buf, len, &q));
}

static void
test_answer(void **state)
{
	static const char *const hosts[] = { "mx.example.com" };
	struct requirement in = { .level = LEVEL_VERIFY, .policy_type = POLICY_STS,
	    .sts_mode = STS_ENFORCE, .mx_allowed = true, .policy_domain = "example.com",
	    .sni = "mx.example.com", .hosts = hosts, .hosts_len = 1 }, *out;
	unsigned char buf[512];
	uint32_t id;
	size_t len = message_answer(buf, sizeof buf, 7, &in);

	(void)state;
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_answer(buf, len, &id, &out));
	assert_int_equal(id, 7);
	assert_int_equal(out->level, LEVEL_VERIFY);
	assert_string_equal(out->hosts[0], "mx.example.com");
	assert_string_equal(out->policy_id, "");
	free(out);
	for (size_t size = 0; size < len; size++)
		assert_int_equal(message_answer(buf, size, 7, &in), 0);
}

static void
test_sighting_and_probe(void **state)
{
	struct sighting sighting = { .mx_host = "mx.example.com" }, sighted;
	struct probe probe = { .id = 3, .mx_host = "mx.example.com", .domain = "example.com" };
	struct probe probed;
	unsigned char buf[256];
	size_t len;

	(void)state;
	sighting.peer = probe.peer = peer();
	len = message_sighting(buf, sizeof buf, &sighting);
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_sighting(buf, len, &sighted));
	assert_string_equal(sighted.mx_host, "mx.example.com");
	assert_memory_equal(&sighted.peer.ip, &sighting.peer.ip, 16);

	len = message_probe(buf, sizeof buf, &probe);
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_probe(buf, len, &probed));
	assert_int_equal(probed.id, 3);
	assert_string_equal(probed.mx_host, "mx.example.com");
	assert_string_equal(probed.domain, "example.com");
}

static void
test_probe_step(void **state)
{
	struct probe_step in = { .id = 3, .last = true, .exit = 75, .text = "220 hello" }, out;
	unsigned char buf[64];
	size_t len = message_probe_step(buf, sizeof buf, &in);

	(void)state;
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_probe_step(buf, len, &out));
	assert_int_equal(out.id, 3);
	assert_true(out.last);
	assert_int_equal(out.exit, 75);
	assert_string_equal(out.text, "220 hello");
}

static void
test_record_and_ack(void **state)
{
	static const unsigned char event[] = { 0, 1, 2, 255 };
	unsigned char buf[64];
	uint64_t sequence;
	const void *got;
	size_t got_len, len = message_record(buf, sizeof buf, UINT64_MAX - 1, event, sizeof event);

	(void)state;
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_record(buf, len, &sequence, &got, &got_len));
	assert_true(sequence == UINT64_MAX - 1);
	assert_int_equal(got_len, sizeof event);
	assert_memory_equal(got, event, sizeof event);
	assert_int_equal(message_record(buf, len - 1, 1, event, sizeof event), 0);

	len = message_ack(buf, sizeof buf, UINT64_MAX);
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_ack(buf, len, &sequence));
	assert_true(sequence == UINT64_MAX);
}

static void
test_hint_and_stale(void **state)
{
	struct hint in = { .domain = "example.com", .mx_host = "mx.example.com", .ttl_s = 86401 };
	struct hint alone = { .domain = "example.com", .mx_host = "" }, out;
	struct stale old = { .domain = "example.com", .ip = peer().ip }, old_out;
	unsigned char buf[256];
	size_t len;

	(void)state;
	in.peer = peer();
	len = message_hint(buf, sizeof buf, &in);
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_hint(buf, len, &out));
	assert_string_equal(out.domain, "example.com");
	assert_string_equal(out.mx_host, "mx.example.com");
	assert_int_equal(out.ttl_s, 86401);
	assert_memory_equal(&out.peer.ip, &in.peer.ip, 16);
	assert_int_equal(out.peer.port, 0);	/* an address has none in DNS */
	for (size_t size = 0; size < len; size++)
		assert_int_equal(message_hint(buf, size, &in), 0);

	len = message_hint(buf, sizeof buf, &alone);
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_hint(buf, len, &out));
	assert_string_equal(out.mx_host, "");

	len = message_stale(buf, sizeof buf, &old);
	assert_strict(buf, len, sizeof buf);
	assert_int_equal(message_type(buf, len), MESSAGE_STALE);
	assert_true(message_get_stale(buf, len, &old_out));
	assert_string_equal(old_out.domain, "example.com");
	assert_memory_equal(&old_out.ip, &old.ip, 16);
	for (size_t size = 0; size < len; size++)
		assert_int_equal(message_stale(buf, size, &old), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_bool_has_one_form),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_sighting_and_probe),
		cmocka_unit_test(test_probe_step),
		cmocka_unit_test(test_record_and_ack),
		cmocka_unit_test(test_hint_and_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
