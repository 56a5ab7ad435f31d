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
	size_t event_len;
	struct recalled recalled;
	struct proven proven;
	struct stale stale;
	uint32_t id, fresh_ms;

	switch (message_type(p, len)) {
	case MESSAGE_QUESTION:
		return message_get_question(p, len, &question);
	case MESSAGE_ANSWER:
		if (!message_get_answer(p, len, &id, &q, &recalled, &fresh_ms)) {
			assert_null(q);
			return false;
		}
		free(q);
		return true;
	case MESSAGE_SIGHTING:
		return message_get_sighting(p, len, &sighting);
	case MESSAGE_RECORD:
		return message_get_record(p, len, &event, &event_len);
	case MESSAGE_RING:
		return message_get_ring(p, len);
	case MESSAGE_PROBE:
		return message_get_probe(p, len, &probe);
	case MESSAGE_PROBE_STEP:
		return message_get_probe_step(p, len, &step);
	case MESSAGE_HINT:
		return message_get_hint(p, len, &hint);
	case MESSAGE_STALE:
		return message_get_stale(p, len, &stale);
	case MESSAGE_PROVEN:
		return message_get_proven(p, len, &proven);
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
		assert_int_equal(decodes(p, cut), type == MESSAGE_RECORD && cut >= 1);
	p[len] = 0;
	assert_int_equal(decodes(p, len + 1), type == MESSAGE_RECORD);
	p[0] = MESSAGE_PROVEN + 1;
	assert_int_equal(message_type(p, len), 0);
	p[0] = 0;
	assert_int_equal(message_type(p, len), 0);
	p[0] = was;
}

/* A name of a session, no octet of it zero. */
static void
name_session(uint8_t name[MESSAGE_NAME])
{
	for (size_t i = 0; i < MESSAGE_NAME; i++)
		name[i] = (uint8_t)(i + 200);
}

#define QUESTION_MAX 256

/* Writes it, strictly, and reads it; what is read points into buf. Its length. */
static size_t
question_back(unsigned char buf[QUESTION_MAX], const struct question *in, struct question *out)
{
	size_t len = message_question(buf, QUESTION_MAX, in);

	assert_strict(buf, len, QUESTION_MAX);
	assert_int_equal(message_type(buf, len), MESSAGE_QUESTION);
	memset(out, 0xff, sizeof *out);
	assert_true(message_get_question(buf, len, out));
	return len;
}

/* Whether what is written of it is read. */
static bool
question_goes(const struct question *in)
{
	unsigned char buf[QUESTION_MAX];
	struct question out;

	return message_get_question(buf, message_question(buf, sizeof buf, in), &out);
}

static void
test_question(void **state)
{
	struct question in = { .id = 0xfffffffe, .recheck = true, .domain = "example.com" }, out;
	unsigned char buf[QUESTION_MAX];
	size_t len;

	(void)state;
	in.peer = peer();
	len = question_back(buf, &in, &out);
	assert_int_equal(out.id, in.id);
	assert_true(address_same_ip(&out.peer.ip, &in.peer.ip));
	assert_int_equal(out.peer.port, 25);
	assert_true(out.recheck && !out.probe);
	assert_string_equal(out.domain, "example.com");
	for (size_t size = 0; size < len; size++)
		assert_int_equal(message_question(buf, size, &in), 0);
}

/* Of a session end to end no recipient is known, and only there is one resumed. */
static void
test_question_end_to_end(void **state)
{
	struct question in = { .id = 1, .end_to_end = true, .domain = "" }, out;
	unsigned char buf[QUESTION_MAX];

	(void)state;
	in.peer = peer();
	question_back(buf, &in, &out);
	assert_true(out.end_to_end && !out.resumes && !out.recheck);
	assert_memory_equal(out.session, in.session, MESSAGE_NAME);

	in.resumes = true;
	name_session(in.session);
	question_back(buf, &in, &out);
	assert_true(out.resumes);
	assert_memory_equal(out.session, in.session, MESSAGE_NAME);

	in.domain = "example.com";
	assert_false(question_goes(&in));
	in.end_to_end = false;
	assert_false(question_goes(&in));
	in.resumes = false;
	assert_true(question_goes(&in));
}

static void
test_bool_has_one_form(void **state)
{
	struct question q = { .id = 1, .recheck = true, .domain = "" };
	unsigned char buf[64];
	size_t len = message_question(buf, sizeof buf, &q);

	(void)state;
	assert_int_equal(buf[23], 1);
	for (size_t at = 23; at < 27; at++) {
		unsigned char was = buf[at];

		buf[at] = 2;
		assert_false(message_get_question(buf, len, &q));
		buf[at] = was;
	}
	assert_true(message_get_question(buf, len, &q));
}

static void
test_answer(void **state)
{
	static const char *const hosts[] = { "mx.example.com" };
	struct requirement in = { .level = LEVEL_VERIFY, .policy_type = POLICY_STS,
	    .sts_mode = STS_ENFORCE, .mx_allowed = true, .policy_domain = "example.com",
	    .sni = "mx.example.com", .hosts = hosts, .hosts_len = 1 }, *out;
	struct recalled recalled = { NULL, 1 };
	unsigned char buf[512];
	uint32_t id, fresh_ms = 0;
	size_t len = message_answer(buf, sizeof buf, 7, &in, NULL, 10000);

	(void)state;
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_answer(buf, len, &id, &out, &recalled, &fresh_ms));
	assert_int_equal(id, 7);
	assert_int_equal(fresh_ms, 10000);
	assert_int_equal(recalled.len, 0);
	assert_int_equal(out->level, LEVEL_VERIFY);
	assert_string_equal(out->hosts[0], "mx.example.com");
	assert_string_equal(out->policy_id, "");
	free(out);
	for (size_t size = 0; size < len; size++)
		assert_int_equal(message_answer(buf, size, 7, &in, NULL, 10000), 0);
}

/* The largest requirement that there can be. */
static const struct requirement *
largest(void)
{
	static char name[256], said[REQUIREMENT_ANSWERS_OCTETS / REQUIREMENT_ANSWERS_MAX + 1];
	static const char *names[REQUIREMENT_HOSTS_MAX], *answers[REQUIREMENT_ANSWERS_MAX];
	static uint8_t data[TLSA_OCTETS_MAX / TLSA_RECORDS_MAX];
	static struct tlsa records[TLSA_RECORDS_MAX];
	static struct requirement q;

	memset(name, 'a', sizeof name - 1);
	memset(said, 'b', sizeof said - 1);
	for (size_t i = 0; i < REQUIREMENT_HOSTS_MAX; i++)
		names[i] = name;
	for (size_t i = 0; i < REQUIREMENT_ANSWERS_MAX; i++)
		answers[i] = said;
	for (size_t i = 0; i < TLSA_RECORDS_MAX; i++)
		records[i] = (struct tlsa){ .usage = TLSA_DANE_EE, .len = sizeof data,
		    .data = data };
	q = (struct requirement){ .policy_domain = name, .policy_id = name, .mx_host = name,
	    .sni = name, .secure_domain = name, .reason = name,
	    .hosts = names, .hosts_len = REQUIREMENT_HOSTS_MAX,
	    .names = names, .names_len = REQUIREMENT_NAMES_MAX,
	    .answers = answers, .answers_len = REQUIREMENT_ANSWERS_MAX,
	    .tlsa = { .len = TLSA_RECORDS_MAX, .records = records,
	        .bases_len = TLSA_BASES_MAX, .bases = names, .digest = { 1 } } };
	return &q;
}

/* As large as it may be, not an octet more, and the largest fits a message. */
static void
test_recalled(void **state)
{
	static unsigned char evidence[MESSAGE_EVIDENCE_MAX + 1], buf[WIRE_MESSAGE_MAX];
	static const size_t sizes[] = { 1, 255, MESSAGE_EVIDENCE_MAX };
	struct requirement *out;
	struct recalled recalled, got;
	uint32_t id, fresh_ms;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof evidence; i++)
		evidence[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		recalled = (struct recalled){ evidence, sizes[i] };
		len = message_answer(buf, sizeof buf, 7, largest(), &recalled, 1);
		assert_true(len > 0);
		assert_true(message_get_answer(buf, len, &id, &out, &got, &fresh_ms));
		assert_int_equal(out->tlsa.len, TLSA_RECORDS_MAX);
		assert_int_equal(out->answers_len, REQUIREMENT_ANSWERS_MAX);
		assert_int_equal(got.len, sizes[i]);
		assert_memory_equal(got.evidence, evidence, sizes[i]);
		free(out);
		assert_false(message_get_answer(buf, len - 1, &id, &out, &got, &fresh_ms));
		assert_null(out);
		assert_int_equal(message_answer(buf, len - 1, 7, largest(), &recalled, 1), 0);
	}
	/* A length of one more, by whoever writes what we do not. */
	buf[len - MESSAGE_EVIDENCE_MAX - 2]++;
	assert_false(message_get_answer(buf, len + 1, &id, &out, &got, &fresh_ms));
	assert_null(out);
	recalled.len++;
	assert_int_equal(message_answer(buf, sizeof buf, 7, largest(), &recalled, 1), 0);
}

static void
test_proven(void **state)
{
	static unsigned char evidence[MESSAGE_EVIDENCE_MAX + 1] = { 1, 2, 3 },
	    buf[MESSAGE_EVIDENCE_MAX + 100];
	struct proven in = { .lifetime_s = 86400, .evidence = evidence, .len = 3 }, out;
	size_t len;

	(void)state;
	name_session(in.session);
	len = message_proven(buf, sizeof buf, &in);
	assert_strict(buf, len, sizeof buf);
	assert_int_equal(message_type(buf, len), MESSAGE_PROVEN);
	assert_true(message_get_proven(buf, len, &out));
	assert_memory_equal(out.session, in.session, MESSAGE_NAME);
	assert_int_equal(out.lifetime_s, 86400);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.evidence, evidence, 3);
	for (size_t size = 0; size < len; size++)
		assert_int_equal(message_proven(buf, size, &in), 0);
	/* Nothing is not worth remembering, too much is not remembered. */
	in.len = 0;
	assert_int_equal(message_proven(buf, sizeof buf, &in), 0);
	buf[37] = 0;
	assert_false(message_get_proven(buf, 39, &out));
	in.len = MESSAGE_EVIDENCE_MAX;
	len = message_proven(buf, sizeof buf, &in);
	assert_true(message_get_proven(buf, len, &out));
	buf[37]++;
	assert_false(message_get_proven(buf, len + 1, &out));
	in.len++;
	assert_int_equal(message_proven(buf, sizeof buf, &in), 0);
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
test_record_and_ring(void **state)
{
	static const unsigned char event[] = { 0, 1, 2, 255 };
	unsigned char buf[64];
	const void *got;
	size_t got_len, len = message_record(buf, sizeof buf, event, sizeof event);

	(void)state;
	assert_strict(buf, len, sizeof buf);
	assert_true(message_get_record(buf, len, &got, &got_len));
	assert_int_equal(got_len, sizeof event);
	assert_memory_equal(got, event, sizeof event);
	assert_int_equal(message_record(buf, len - 1, event, sizeof event), 0);

	len = message_ring(buf, sizeof buf);
	assert_int_equal(len, 1);
	assert_true(message_get_ring(buf, len));
	assert_false(message_get_ring(buf, 0));
	assert_false(message_get_ring(buf, 2));
	assert_int_equal(message_ring(buf, 0), 0);
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

static void
test_question_probe(void **state)
{
	struct question in = { .id = 1, .probe = true, .domain = "example.com" }, out;
	unsigned char buf[QUESTION_MAX];

	(void)state;
	question_back(buf, &in, &out);
	assert_true(out.probe && !out.recheck && !out.end_to_end);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_question_end_to_end),
		cmocka_unit_test(test_bool_has_one_form),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_recalled),
		cmocka_unit_test(test_proven),
		cmocka_unit_test(test_sighting_and_probe),
		cmocka_unit_test(test_probe_step),
		cmocka_unit_test(test_record_and_ring),
		cmocka_unit_test(test_hint_and_stale),
		cmocka_unit_test(test_question_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
