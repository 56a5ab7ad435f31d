/* channel_test.c - whole messages, descriptors, bounded waiting, and the end of the other side
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/channel.h"
#include "daemon/wire.h"

struct end {
	struct channel *channel;
	unsigned messages, closed, drained;
	size_t octets;
	int fd;				/* the last one received */
	unsigned char last[WIRE_MESSAGE_MAX];
	size_t last_len;
	bool echo;
};

struct fixture {
	struct ev_loop *loop;
	struct end a, b;
};

static void
on_message(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct end *e = arg;

	assert_true(len > 0 && len <= WIRE_MESSAGE_MAX);
	memcpy(e->last, p, len);
	e->last_len = len;
	e->messages++;
	e->octets += len;
	if (fd >= 0)
		e->fd = fd;
	if (e->echo)
		assert_true(channel_send(e->channel, p, len, -1));
}

static void
on_closed(void *arg)
{
	((struct end *)arg)->closed++;
}

static void
on_drained(void *arg)
{
	((struct end *)arg)->drained++;
}

static const struct channel_events events = { on_message, on_closed, on_drained };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int ends[2];

	assert_non_null(f);
	f->loop = ev_loop_new(0);
	f->a.fd = f->b.fd = -1;
	assert_int_equal(channel_pair(ends), 0);
	f->a.channel = channel_new(f->loop, ends[0], &events, &f->a);
	f->b.channel = channel_new(f->loop, ends[1], &events, &f->b);
	assert_non_null(f->a.channel);
	assert_non_null(f->b.channel);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	channel_free(f->a.channel);
	channel_free(f->b.channel);
	ev_loop_destroy(f->loop);
	free(f);
	return 0;
}

static void
turn(struct fixture *f, int times)
{
	while (times-- > 0)
		ev_run(f->loop, EVRUN_NOWAIT);
}

static void
test_messages_stay_whole(void **state)
{
	static unsigned char big[WIRE_MESSAGE_MAX];
	struct fixture *f = *state;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = 'y';
	assert_true(channel_send(f->a.channel, "one", 3, -1));
	assert_true(channel_send(f->a.channel, "fours", 5, -1));
	turn(f, 3);
	assert_int_equal(f->b.messages, 2);
	assert_int_equal(f->b.last_len, 5);
	assert_memory_equal(f->b.last, "fours", 5);
	assert_true(channel_send(f->b.channel, big, sizeof(big), -1));
	turn(f, 3);
	assert_int_equal(f->a.last_len, sizeof(big));
	assert_memory_equal(f->a.last, big, sizeof(big));
}

static void
test_what_cannot_be_sent(void **state)
{
	static unsigned char big[WIRE_MESSAGE_MAX + 1];
	struct fixture *f = *state;

	assert_false(channel_send(f->a.channel, "", 0, -1));
	assert_false(channel_send(f->a.channel, big, sizeof(big), -1));
	turn(f, 2);
	assert_int_equal(f->b.messages + f->b.closed, 0);
}

static int
open_files(void)
{
	int n = 0, fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_a_descriptor_arrives(void **state)
{
	struct fixture *f = *state;
	int ends[2], before = open_files();
	char c;

	assert_int_equal(pipe(ends), 0);
	assert_true(channel_send(f->a.channel, "fd", 2, ends[1]));
	turn(f, 2);
	assert_true(f->b.fd >= 0 && f->b.fd != ends[1]);
	assert_int_equal(fcntl(f->b.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(f->b.fd, "!", 1), 1);
	assert_int_equal(read(ends[0], &c, 1), 1);
	close(ends[0]);
	close(ends[1]);
	close(f->b.fd);
	assert_int_equal(open_files(), before);
}

/* Two descriptors in one message: the second is nobody's and must not stay open. */
static void
test_a_second_descriptor_is_closed(void **state)
{
	struct fixture *f = *state;
	unsigned char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = (char []){ 'x' }, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	int ends[2], fds[2] = { 0, 0 }, before;
	struct channel *c;

	assert_int_equal(channel_pair(ends), 0);
	c = channel_new(f->loop, ends[1], &events, &f->b);
	before = open_files();
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(rights), fds, sizeof(fds));
	assert_int_equal(sendmsg(ends[0], &message, 0), 1);
	turn(f, 2);
	assert_true(f->b.fd >= 0);
	assert_int_equal(open_files(), before + 1);
	close(f->b.fd);
	channel_free(c);
	close(ends[0]);
}

/* A reader that does not read: the queue fills to its bound, nothing of it is lost or turned. */
static void
test_a_slow_reader(void **state)
{
	static unsigned char bytes[1000];
	struct fixture *f = *state;
	unsigned sent = 0;

	while (channel_send(f->a.channel, bytes, sizeof(bytes), -1)) {
		sent++;
		bytes[0] = (unsigned char)sent;
		assert_true(channel_waiting(f->a.channel) <= CHANNEL_QUEUE_MAX);
	}
	assert_true(sent > CHANNEL_QUEUE_MAX / 1000);
	assert_true(channel_waiting(f->a.channel) > CHANNEL_QUEUE_MAX - 1000);
	assert_int_equal(f->a.drained, 0);
	turn(f, 400);
	assert_int_equal(f->b.messages, sent);
	assert_int_equal(f->b.last[0], (unsigned char)(sent - 1));
	assert_int_equal(channel_waiting(f->a.channel), 0);
	assert_int_equal(f->a.drained, 1);
	assert_true(channel_send(f->a.channel, "x", 1, -1));
}

/* A descriptor that must wait is duplicated: the sender may close its own at once. */
static void
test_a_descriptor_waits_too(void **state)
{
	static unsigned char bytes[60000];
	struct fixture *f = *state;
	int ends[2], before = open_files();
	char c;

	while (channel_waiting(f->a.channel) == 0)
		assert_true(channel_send(f->a.channel, bytes, sizeof(bytes), -1));
	assert_int_equal(pipe(ends), 0);
	assert_true(channel_send(f->a.channel, "fd", 2, ends[1]));
	close(ends[1]);
	turn(f, 40);
	assert_int_equal(f->b.last_len, 2);
	assert_int_equal(write(f->b.fd, "!", 1), 1);
	assert_int_equal(read(ends[0], &c, 1), 1);
	close(ends[0]);
	close(f->b.fd);
	assert_int_equal(open_files(), before);
}

static void
test_the_end_is_said_once(void **state)
{
	struct fixture *f = *state;

	assert_true(channel_send(f->b.channel, "last words", 10, -1));
	channel_free(f->b.channel);
	f->b.channel = NULL;
	turn(f, 5);
	assert_int_equal(f->a.messages, 1);
	assert_memory_equal(f->a.last, "last words", 10);
	assert_int_equal(f->a.closed, 1);
	assert_false(channel_send(f->a.channel, "x", 1, -1));
	turn(f, 5);
	assert_int_equal(f->a.closed, 1);
	assert_int_equal(f->a.drained, 0);
}

/* A worker dies with an unread answer: its records, sent before, must still come (ECONNRESET
 * first). */
static void
test_last_words_behind_a_reset(void **state)
{
	struct fixture *f = *state;

	assert_true(channel_send(f->a.channel, "never read", 10, -1));
	assert_true(channel_send(f->b.channel, "record 1", 8, -1));
	assert_true(channel_send(f->b.channel, "record 2", 8, -1));
	channel_free(f->b.channel);
	f->b.channel = NULL;
	turn(f, 5);
	assert_int_equal(f->a.messages, 2);
	assert_memory_equal(f->a.last, "record 2", 8);
	assert_int_equal(f->a.closed, 1);
}

static void
test_sending_to_the_dead(void **state)
{
	struct fixture *f = *state;

	f->a.echo = true;
	channel_free(f->b.channel);
	f->b.channel = NULL;
	assert_false(channel_send(f->a.channel, "x", 1, -1));
	assert_int_equal(f->a.closed, 0);	/* only from the loop */
	turn(f, 2);
	assert_int_equal(f->a.closed, 1);
}

static void
test_an_answer_within_the_callback(void **state)
{
	struct fixture *f = *state;

	f->b.echo = true;
	assert_true(channel_send(f->a.channel, "ping", 4, -1));
	turn(f, 3);
	assert_int_equal(f->a.messages, 1);
	assert_memory_equal(f->a.last, "ping", 4);
}

static void
test_nothing_to_free(void **state)
{
	(void)state;
	channel_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_messages_stay_whole),
		TEST(test_what_cannot_be_sent),
		TEST(test_a_descriptor_arrives),
		TEST(test_a_second_descriptor_is_closed),
		TEST(test_a_slow_reader),
		TEST(test_a_descriptor_waits_too),
		TEST(test_the_end_is_said_once),
		TEST(test_last_words_behind_a_reset),
		TEST(test_sending_to_the_dead),
		TEST(test_an_answer_within_the_callback),
		cmocka_unit_test(test_nothing_to_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
