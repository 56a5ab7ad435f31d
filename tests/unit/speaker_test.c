/* speaker_test.c - the nfq process's words to the policy process, over one that comes and goes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/channel.h"
#include "daemon/ring.h"
#include "nfq/speaker.h"

static struct {
	struct ev_loop *loop;
	struct counters *counters;
	int column;
	struct speaker *speaker;
	int policy;			/* the other end; -1: none */
	unsigned answers, stale, renewed;
	uint32_t id;
	enum level level;
	int ring;			/* as it came with the last message; -1: none */
	unsigned char message[WIRE_MESSAGE_MAX];
} t;

static void
answer(void *arg, uint32_t id, const struct requirement *q)
{
	(void)arg;
	t.answers++;
	t.id = id;
	t.level = q->level;
}

static void
stale(void *arg, const struct stale *what)
{
	(void)arg;
	t.stale += strcmp(what->domain, "old.example") == 0;
}

static void
renewed(void *arg)
{
	(void)arg;
	t.renewed++;
}

static int
begin(void **state)
{
	static const struct speaker_events events = { answer, stale, renewed };

	(void)state;
	memset(&t, 0, sizeof(t));
	t.policy = t.ring = -1;
	t.loop = ev_loop_new(EVFLAG_AUTO);
	t.counters = counters_new();
	t.column = counters_claim(t.counters);
	t.speaker = speaker_new(t.loop, t.counters, t.column, &events, NULL);
	return t.speaker == NULL;
}

static int
end(void **state)
{
	(void)state;
	speaker_free(t.speaker);
	ev_loop_destroy(t.loop);
	if (t.policy >= 0)
		close(t.policy);
	if (t.ring >= 0)
		close(t.ring);
	return 0;
}

static void
connect_policy(void)
{
	int ends[2];

	assert_int_equal(channel_pair(ends), 0);
	if (t.policy >= 0)
		close(t.policy);
	t.policy = ends[1];
	speaker_listener(t.speaker, ends[0]);
}

static void
turn(void)
{
	ev_run(t.loop, EVRUN_NOWAIT);
}

/* heard: the next message at the policy process; 0: none. */
static size_t
heard(void)
{
	unsigned char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { t.message, sizeof(t.message) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(t.policy, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return 0;
	if (t.ring >= 0)
		close(t.ring);
	t.ring = -1;
	if (message.msg_controllen > 0)
		memcpy(&t.ring, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(t.ring));
	return (size_t)n;
}

/* heard_ring: each new policy process is given it first. */
static void
heard_ring(void)
{
	size_t len = heard();

	assert_true(message_get_ring(t.message, len));
	assert_true(t.ring >= 0);
}

static void
questions_and_answers(void **state)
{
	const struct requirement q = { .level = LEVEL_VERIFY, .policy_domain = "",
		.policy_id = "", .mx_host = "", .sni = "", .secure_domain = "", .reason = "" };
	struct in6_addr ip = { .s6_addr = { [15] = 7 } };
	unsigned char message[1024];
	const struct stale old = { .domain = "old.example" };
	struct question asked;
	size_t len;

	(void)state;
	speaker_ask(t.speaker, 1, "a.example", &ip);	/* nobody hears it, nothing happens */
	connect_policy();
	assert_int_equal(t.renewed, 1);
	heard_ring();
	speaker_ask(t.speaker, 42, "a.example", &ip);
	len = heard();
	assert_true(message_get_question(t.message, len, &asked));
	assert_int_equal(asked.id, 42);
	assert_false(asked.recheck);
	assert_string_equal(asked.domain, "a.example");
	assert_memory_equal(&asked.peer.ip, &ip, sizeof(ip));
	assert_int_equal(heard(), 0);
	send(t.policy, message, message_answer(message, sizeof(message), 42, &q,
	    NULL, 0), 0);
	send(t.policy, message, message_stale(message, sizeof(message), &old), 0);
	send(t.policy, "\377garbage", 8, 0);
	send(t.policy, "\2", 1, 0);
	turn();
	assert_int_equal(t.answers, 1);
	assert_int_equal(t.id, 42);
	assert_int_equal(t.level, LEVEL_VERIFY);
	assert_int_equal(t.stale, 1);
}

static void
hints(void **state)
{
	const struct hint said = { .domain = "a.example", .mx_host = "mx.a.example", .ttl_s = 300 };
	struct in6_addr ip = { 0 };
	struct hint h;
	size_t len;
	unsigned n = 0, questions = 0;

	(void)state;
	assert_false(speaker_hint(t.speaker, &said));
	connect_policy();
	heard_ring();
	assert_true(speaker_hint(t.speaker, &said));
	len = heard();
	assert_true(message_get_hint(t.message, len, &h));
	assert_string_equal(h.mx_host, "mx.a.example");
	assert_int_equal(h.ttl_s, 300);
	/* A policy process that does not listen: hints stop before questions find no room. */
	while (speaker_hint(t.speaker, &said) && n < 1000000)
		n++;
	assert_true(n > 1000 && n < 1000000);
	speaker_ask(t.speaker, 1, "a.example", &ip);
	while ((len = heard()) > 0) {
		questions += message_type(t.message, len) == MESSAGE_QUESTION;
		turn();
	}
	assert_int_equal(questions, 1);
	assert_true(speaker_hint(t.speaker, &said));
}

/* An event is kept until it is written, whoever writes it. */
static void
events_wait(void **state)
{
	struct ring *ring = NULL;
	const void *body;
	size_t len, body_len;
	struct event e;

	(void)state;
	speaker_notice(t.speaker, EVENT_HEALTH, "nfq-impaired", "no queue", true);
	assert_false(speaker_done(t.speaker));
	for (unsigned i = 0; i < 2; i++) {
		connect_policy();	/* the first one dies without a word */
		heard_ring();
		ring_free(ring);
		ring = ring_open(t.ring);
		assert_int_equal(ring_read(ring, t.message, &len), RING_NEW);
		assert_true(message_get_record(t.message, len, &body, &body_len));
		assert_true(event_decode(body, body_len, &e));
		assert_int_equal(e.type, EVENT_HEALTH);
		assert_true(e.alarm);
		assert_true(e.time_us > 0);
		assert_string_equal(e.action, "nfq-impaired");
		assert_string_equal(e.detail, "no queue");
		assert_false(speaker_done(t.speaker));
		if (i == 0) {
			close(t.policy);
			t.policy = -1;
			turn();
			turn();
		}
	}
	assert_int_equal(t.renewed, 2);
	ring_done(ring);
	assert_true(speaker_done(t.speaker));
	/* Who sleeps is woken. */
	assert_true(ring_sleep(ring));
	speaker_notice(t.speaker, EVENT_HEALTH, "nfq-impaired", "no queue", true);
	assert_true(message_get_ring(t.message, heard()));
	assert_true(t.ring < 0);
	assert_int_equal(ring_read(ring, t.message, &len), RING_NEW);
	ring_free(ring);
}

int
main(void)
{
#define SPEAKER_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		SPEAKER_TEST(questions_and_answers),
		SPEAKER_TEST(hints),
		SPEAKER_TEST(events_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
