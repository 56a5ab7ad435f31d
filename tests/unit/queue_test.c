/* queue_test.c - the ring's handing over, its bell, order and overflow of a worker's records
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/ring.h"
#include "daemon/wire.h"
#include "policy/message.h"

struct line {
	struct ring *ring;	/* as it was handed over last */
	unsigned rings, bells;
	size_t room;		/* messages it still takes */
};

static bool
take(void *arg, const void *p, size_t len, int fd)
{
	struct line *l = arg;

	assert_true(message_get_ring(p, len));
	if (l->room == 0)
		return false;
	l->room--;
	if (fd < 0) {
		l->bells++;
		return true;
	}
	ring_free(l->ring);
	l->ring = ring_open(fd);
	l->rings++;
	return l->ring != NULL;
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

/* The next event's number; 0: none. */
static uint64_t
next(struct ring *r)
{
	unsigned char p[WIRE_MESSAGE_MAX];
	const void *body;
	size_t len, body_len;
	struct event e;

	if (ring_read(r, p, &len) == RING_EMPTY)
		return 0;
	assert_true(message_get_record(p, len, &body, &body_len));
	assert_true(event_decode(body, body_len, &e));
	return e.time_us;
}

static void
end(struct queue *q, struct line *l)
{
	ring_free(l->ring);
	queue_free(q);
}

static void
what_is_written_goes(void **state)
{
	struct line l = { .room = 100 };
	struct queue *q = queue_new(take, &l);

	(void)state;
	queue_resend(q);
	assert_int_equal(l.rings, 1);
	for (uint64_t n = 1; n <= 5; n++)
		assert_true(add(q, n));
	for (uint64_t n = 1; n <= 3; n++)
		assert_true(next(l.ring) == n);
	assert_true(queue_length(q) > 0);
	ring_done(l.ring);
	assert_true(queue_put(q, "\4xyz", 4));
	assert_true(next(l.ring) == 4 && next(l.ring) == 5);
	ring_done(l.ring);
	assert_true(queue_length(q) > 0);
	unsigned char p[WIRE_MESSAGE_MAX];
	size_t len;
	assert_int_equal(ring_read(l.ring, p, &len), RING_NEW);
	assert_int_equal(len, 4);
	assert_memory_equal(p, "\4xyz", 4);
	ring_done(l.ring);
	assert_true(queue_length(q) == 0);
	assert_int_equal(l.bells, 0);		/* it never slept */
	end(q, &l);
}

/* Nobody is there, or nothing more fits: what was written stays, and the next occasion is taken. */
static void
a_full_channel_makes_it_wait(void **state)
{
	struct line l = { .room = 0 };
	struct queue *q = queue_new(take, &l);

	(void)state;
	queue_flush(q);
	assert_true(add(q, 1));
	assert_int_equal(l.rings, 0);
	l.room = 1;
	queue_flush(q);
	assert_int_equal(l.rings, 1);
	assert_true(next(l.ring) == 1);
	ring_done(l.ring);
	assert_true(ring_sleep(l.ring));
	assert_true(add(q, 2));
	assert_int_equal(l.bells, 0);
	queue_flush(q);
	l.room = 5;
	queue_flush(q);
	assert_int_equal(l.bells, 1);
	queue_flush(q);
	assert_true(add(q, 3));
	assert_int_equal(l.bells, 1);
	assert_true(next(l.ring) == 2 && next(l.ring) == 3);
	end(q, &l);
}

static void
a_new_channel_gets_the_rest_again(void **state)
{
	struct line l = { .room = 1 };
	struct queue *q = queue_new(take, &l);

	(void)state;
	assert_true(add(q, 1));			/* hands the ring over by itself */
	assert_true(add(q, 2));
	assert_true(next(l.ring) == 1);
	ring_done(l.ring);
	assert_true(next(l.ring) == 2);		/* and dies */
	queue_resend(q);			/* finds no room */
	assert_int_equal(l.rings, 1);
	l.room = 9;
	assert_true(add(q, 3));
	assert_int_equal(l.rings, 2);
	assert_true(next(l.ring) == 2 && next(l.ring) == 3 && next(l.ring) == 0);
	ring_done(l.ring);
	assert_true(queue_length(q) == 0);
	end(q, &l);
}

static void
overflow_drops_the_newest_and_counts(void **state)
{
	static const unsigned char text[1000];
	struct line l = { .room = 100 };
	struct queue *q = queue_new(take, &l);
	uint64_t n = 1;

	(void)state;
	while (add(q, n))
		n++;
	n--;
	assert_true(n > 8000);		/* the promise of ring.h, for small records */
	assert_int_equal(queue_dropped(q), 1);
	assert_false(add(q, n + 1));
	assert_int_equal(queue_dropped(q), 2);
	assert_false(queue_put(q, text, sizeof text));
	assert_int_equal(queue_dropped(q), 2);
	for (uint64_t i = 1; i <= n; i++)
		assert_true(next(l.ring) == i);
	ring_done(l.ring);
	assert_true(queue_length(q) == 0);
	assert_true(add(q, n + 1));
	assert_true(next(l.ring) == n + 1);
	end(q, &l);
}

static void
the_largest_event_fits(void **state)
{
	static char text[70000], lines[70000];
	struct line l = { .room = 9 };
	struct queue *q = queue_new(take, &l);
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
	assert_true(next(l.ring) == 1);
	end(q, &l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_goes),
		cmocka_unit_test(a_full_channel_makes_it_wait),
		cmocka_unit_test(a_new_channel_gets_the_rest_again),
		cmocka_unit_test(overflow_drops_the_newest_and_counts),
		cmocka_unit_test(the_largest_event_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
