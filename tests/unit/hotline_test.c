/* hotline_test.c - a worker's words to policy processes that come and go
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/hotline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/channel.h"
#include "daemon/ring.h"
#include "daemon/wire.h"
#include "proxy/asker.h"

static struct {
	struct ev_loop *loop;
	struct proxy proxy;
	struct hotline *hotline;
	int policy;			/* the other end; -1: none */
	struct ring *ring;		/* as the policy process has it */
	unsigned char message[WIRE_MESSAGE_MAX];
} t;

static const struct sighting seen = { .mx_host = "mx.a.example" };

static int
begin(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.policy = -1;
	t.loop = ev_loop_new(EVFLAG_AUTO);
	t.proxy.loop = t.loop;
	t.hotline = hotline_new(&t.proxy);
	return t.hotline == NULL;
}

static int
end(void **state)
{
	(void)state;
	hotline_free(t.hotline);
	ring_free(t.ring);
	ev_loop_destroy(t.loop);
	if (t.policy >= 0)
		close(t.policy);
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
	hotline_connect(t.hotline, ends[0]);
}

/* heard: the type of the next message; 0: none. A ring that comes with it is opened. */
static enum message_type
heard(void)
{
	unsigned char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { t.message, sizeof(t.message) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(t.policy, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd;

	if (n <= 0)
		return 0;
	if (message.msg_controllen > 0) {
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
		ring_free(t.ring);
		t.ring = ring_open(fd);
		assert_non_null(t.ring);
		close(fd);
	}
	return message_type(t.message, (size_t)n);
}

/* read_ring: the type of the ring's next message; 0: none. */
static enum message_type
read_ring(void)
{
	size_t len;

	if (ring_read(t.ring, t.message, &len) == RING_EMPTY)
		return 0;
	return message_type(t.message, len);
}

static void
nobody(struct asking *asking, struct demand *demand, const struct recalled *recalled)
{
	(void)asking;
	(void)recalled;
	demand_drop(demand);
}

/* What was seen is on the way before what is asked, at every new policy process. */
static void
the_ring_comes_first(void **state)
{
	struct asking asking = { .question = { .domain = "a.example" }, .answered = nobody };

	(void)state;
	hotline_sighting(t.hotline, &seen);
	asker_ask(t.proxy.asker, &asking);
	assert_false(hotline_done(t.hotline));
	for (int i = 0; i < 2; i++) {
		connect_policy();
		assert_int_equal(heard(), MESSAGE_RING);
		assert_int_equal(read_ring(), MESSAGE_SIGHTING);
		assert_int_equal(heard(), MESSAGE_QUESTION);
		assert_int_equal(heard(), 0);
		/* The first one dies. */
		close(t.policy);
		t.policy = -1;
		for (int k = 0; k < 3; k++) {
			ev_run(t.loop, EVRUN_NOWAIT);
			hotline_sweep(t.hotline);
		}
	}
	assert_true(hotline_idle(t.hotline));
	assert_false(hotline_done(t.hotline));
	ring_done(t.ring);
	assert_true(hotline_done(t.hotline));
	asker_withdraw(t.proxy.asker, &asking);
}

/* Without a system call, as long as somebody looks into the ring. */
static void
the_ring_is_the_way(void **state)
{
	static const struct proven session = { .lifetime_s = 9, .evidence = "e", .len = 1 };
	struct event e;

	(void)state;
	connect_policy();
	assert_int_equal(heard(), MESSAGE_RING);
	event_clear(&e);
	e.type = EVENT_DECISION;
	hotline_sighting(t.hotline, &seen);
	hotline_proven(t.hotline, &session);
	assert_true(queue_add(t.proxy.records, &e));
	assert_int_equal(heard(), 0);
	assert_int_equal(read_ring(), MESSAGE_SIGHTING);
	assert_int_equal(read_ring(), MESSAGE_PROVEN);
	assert_int_equal(read_ring(), MESSAGE_RECORD);
	assert_true(ring_sleep(t.ring));
	hotline_sighting(t.hotline, &seen);
	hotline_sighting(t.hotline, &seen);
	assert_int_equal(heard(), MESSAGE_RING);
	assert_int_equal(heard(), 0);
}

/* A log that takes nothing for so long makes nobody forget what was seen. */
static void
a_full_ring_is_gone_round(void **state)
{
	static const unsigned char much[60000] = { MESSAGE_RECORD };

	(void)state;
	connect_policy();
	assert_int_equal(heard(), MESSAGE_RING);
	while (queue_put(t.proxy.records, much, sizeof(much)))
		;
	while (queue_put(t.proxy.records, much, 8))
		;
	assert_int_equal(heard(), 0);
	hotline_sighting(t.hotline, &seen);
	assert_int_equal(heard(), MESSAGE_SIGHTING);
}

int
main(void)
{
#define HOTLINE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		HOTLINE_TEST(the_ring_comes_first),
		HOTLINE_TEST(the_ring_is_the_way),
		HOTLINE_TEST(a_full_ring_is_gone_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
