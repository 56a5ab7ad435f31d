/* queue_test.c - order, acknowledgement, resending and overflow of a worker's records
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "policy/message.h"

#define SENT_MAX 64

struct wire {
	uint64_t sequences[SENT_MAX];
	size_t len;
	size_t room;		/* messages it still takes */
};

static bool
take(void *arg, const void *p, size_t len)
{
	struct wire *w = arg;
	const void *body;
	size_t body_len;
	uint64_t sequence;
	struct event e;

	if (w->room == 0)
		return false;
	w->room--;
	assert_true(message_get_record(p, len, &sequence, &body, &body_len));
	assert_true(event_decode(body, body_len, &e));
	assert_true(e.time_us == sequence);	/* the tests number them alike */
	if (w->len < SENT_MAX)
		w->sequences[w->len++] = sequence;
	return true;
}

static bool
add(struct queue *q, uint64_t n)
{
	struct event e;

	event_clear(&e);
	e.type = EVENT_DECISION;
	e.time_us = n;
	return queue_add(q, &e);
}

static void
sent(const struct wire *w, size_t len, const uint64_t *sequences)
{
	assert_int_equal(w->len, len);
	assert_memory_equal(w->sequences, sequences, len * sizeof *sequences);
}

static void
what_is_acknowledged_goes(void **state)
{
	struct wire w = { .room = 100 };
	struct queue *q = queue_new(take, &w);

	(void)state;
	for (uint64_t n = 1; n <= 5; n++)
		assert_true(add(q, n));
	sent(&w, 5, (const uint64_t[]){ 1, 2, 3, 4, 5 });
	assert_int_equal(queue_length(q), 5);
	queue_acknowledge(q, 3);
	assert_int_equal(queue_length(q), 2);
	queue_acknowledge(q, 3);
	queue_acknowledge(q, 1);
	assert_int_equal(queue_length(q), 2);
	queue_acknowledge(q, 5);
	assert_int_equal(queue_length(q), 0);
	assert_true(add(q, 6));
	assert_int_equal(w.sequences[5], 6);
	queue_free(q);
}

static void
a_full_channel_makes_it_wait(void **state)
{
	struct wire w = { .room = 2 };
	struct queue *q = queue_new(take, &w);

	(void)state;
	for (uint64_t n = 1; n <= 4; n++)
		assert_true(add(q, n));
	sent(&w, 2, (const uint64_t[]){ 1, 2 });
	queue_acknowledge(q, 4);	/* 3 and 4 were never sent: not acknowledged by anyone */
	assert_int_equal(queue_length(q), 2);
	w.room = 1;
	queue_flush(q);
	sent(&w, 3, (const uint64_t[]){ 1, 2, 3 });
	w.room = 9;
	queue_flush(q);
	queue_flush(q);
	sent(&w, 4, (const uint64_t[]){ 1, 2, 3, 4 });
	queue_free(q);
}

static void
a_new_channel_gets_the_rest_again(void **state)
{
	struct wire w = { .room = 4 };
	struct queue *q = queue_new(take, &w);

	(void)state;
	for (uint64_t n = 1; n <= 5; n++)
		assert_true(add(q, n));
	queue_acknowledge(q, 2);
	w.len = 0;
	w.room = 2;
	queue_resend(q);
	assert_true(add(q, 6));
	sent(&w, 2, (const uint64_t[]){ 3, 4 });
	w.room = 9;
	queue_flush(q);
	sent(&w, 4, (const uint64_t[]){ 3, 4, 5, 6 });
	queue_acknowledge(q, 6);
	assert_int_equal(queue_length(q), 0);
	w.len = 0;
	queue_resend(q);
	assert_int_equal(w.len, 0);
	queue_free(q);
}

static void
overflow_drops_the_newest_and_counts(void **state)
{
	struct wire w = { .room = 0 };
	struct queue *q = queue_new(take, &w);
	uint64_t n = 1;

	(void)state;
	while (add(q, n))
		n++;
	n--;
	assert_true(n > 8000);		/* the promise of queue.h, for small records */
	assert_int_equal(queue_length(q), n);
	assert_int_equal(queue_dropped(q), 1);
	assert_false(add(q, n + 1));
	assert_int_equal(queue_dropped(q), 2);
	w.room = SIZE_MAX;
	queue_flush(q);
	queue_acknowledge(q, n);
	assert_int_equal(queue_length(q), 0);
	assert_true(add(q, n + 1));	/* no gap in the numbers */
	queue_free(q);
}

static void
the_largest_event_fits(void **state)
{
	static char text[70000], lines[70000];
	struct wire w = { .room = 9 };
	struct queue *q = queue_new(take, &w);
	struct event e;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	memset(lines, '\n', sizeof lines - 1);
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.time_us = 1;
	e.id = e.session_id = e.path = e.verdict = e.mode = e.result_type = e.reason_code = text;
	e.reason = e.reply = e.helo = e.rcpt_domain = e.recipient = e.mx_host = e.starttls = text;
	e.server_reply = e.policy_type = e.policy_domain = e.policy_mode = e.policy_id = text;
	e.policy_source = e.tls_version = e.tls_cipher = e.tls_sni = e.tls_detail = text;
	e.tls_subject = e.tls_issuer = e.tls_names = e.action = e.ended_by = e.detail = text;
	e.domain = e.inspect_outcome = e.inspect_code = e.inspect_detail = text;
	e.dane_state = e.dane_detail = e.dane_record = e.dane_base = text;
	e.dns = lines;
	e.chain_len = EVENT_CHAIN_MAX;
	assert_true(queue_add(q, &e));
	assert_int_equal(w.len, 1);
	queue_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_acknowledged_goes),
		cmocka_unit_test(a_full_channel_makes_it_wait),
		cmocka_unit_test(a_new_channel_gets_the_rest_again),
		cmocka_unit_test(overflow_drops_the_newest_and_counts),
		cmocka_unit_test(the_largest_event_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
