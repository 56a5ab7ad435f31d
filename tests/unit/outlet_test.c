/* outlet_test.c - what is written through an outlet: sent or held, always in order
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/testsend.h"
#include "tls/outlet.h"

#define PATIENCE 200000		/* steps */

static BIO_METHOD *method;

struct world {
	struct outlet outlet;
	BIO *bio;
	int fd[2];
};

static void
begin(struct world *w)
{
	testsend_reset();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, w->fd), 0);
	w->bio = outlet_bio(&w->outlet, method, w->fd[0]);
	assert_non_null(w->bio);
}

static void
end(struct world *w)
{
	BIO_free(w->bio);
	outlet_clear(&w->outlet);
	close(w->fd[0]);
	if (w->fd[1] >= 0)
		close(w->fd[1]);
}

static void
gone(struct world *w, const char *expected)
{
	char buf[64];
	ssize_t n = recv(w->fd[1], buf, sizeof buf, 0);

	if (expected[0] == '\0') {
		assert_int_equal(n, -1);
		return;
	}
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(buf, expected, strlen(expected));
}

static void
what_is_refused_is_held(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(BIO_write(w.bio, "one", 3), 3);
	assert_int_equal(outlet_held(&w.outlet), 0);
	gone(&w, "one");
	testsend.budget = 2;
	assert_int_equal(BIO_write(w.bio, "seven", 5), 5);	/* taken, whole */
	assert_int_equal(outlet_held(&w.outlet), 3);
	gone(&w, "se");
	assert_int_equal(BIO_write(w.bio, "eight", 5), -1);	/* not before that is gone */
	assert_true(BIO_should_write(w.bio));
	assert_int_equal(outlet_flush(&w.outlet), OUTLET_FULL);
	testsend.budget = 1;
	assert_int_equal(outlet_flush(&w.outlet), OUTLET_FULL);
	assert_int_equal(outlet_held(&w.outlet), 2);
	gone(&w, "v");
	testsend.budget = SIZE_MAX;
	assert_int_equal(BIO_write(w.bio, "eight", 5), 5);
	gone(&w, "eneight");
	assert_int_equal(outlet_held(&w.outlet), 0);
	assert_null(w.outlet.held);
	assert_int_equal(outlet_flush(&w.outlet), OUTLET_OK);
	end(&w);
}

static void
a_cork_holds_all(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.outlet.corked = true;
	for (int i = 0; i < 10; i++)
		assert_int_equal(BIO_write(w.bio, "abc", 3), 3);
	assert_int_equal(BIO_flush(w.bio), 1);
	assert_int_equal(testsend.calls, 0);
	assert_int_equal(outlet_held(&w.outlet), 30);
	w.outlet.ending = true;
	assert_int_equal(outlet_flush(&w.outlet), OUTLET_OK);
	assert_int_equal(testsend.calls, 1);
	assert_int_equal(testsend.flags, MSG_NOSIGNAL | MSG_MORE);
	gone(&w, "abcabcabcabcabcabcabcabcabcabc");
	assert_null(w.outlet.held);
	w.outlet.corked = w.outlet.ending = false;
	assert_int_equal(BIO_write(w.bio, "x", 1), 1);
	assert_int_equal(testsend.flags, MSG_NOSIGNAL);
	end(&w);
}

static void
records_are_gathered(void **state)
{
	static char room[OUTLET_ROOM], record[OUTLET_RECORD_MAX], in[OUTLET_ROOM];
	struct world w;
	size_t got = 0;

	(void)state;
	begin(&w);
	memset(record, 'r', sizeof record);
	outlet_gather(&w.outlet, room);
	assert_int_equal(outlet_let_go(&w.outlet), OUTLET_OK);
	assert_int_equal(testsend.calls, 0);
	outlet_gather(&w.outlet, room);
	for (int i = 0; i < 4; i++) {
		assert_true(outlet_fits(&w.outlet));
		record[0] = (char)('0' + i);
		assert_int_equal(BIO_write(w.bio, record, sizeof record), sizeof record);
	}
	assert_false(outlet_fits(&w.outlet));
	assert_int_equal(BIO_write(w.bio, record, 1), -1);
	assert_true(BIO_should_write(w.bio));
	assert_int_equal(testsend.calls, 0);
	testsend.budget = 30000;
	assert_int_equal(outlet_let_go(&w.outlet), OUTLET_FULL);
	assert_int_equal(testsend.calls, 1);
	assert_int_equal(outlet_held(&w.outlet), OUTLET_ROOM - 30000);
	memset(room, 0, sizeof room);	/* no longer needed */
	testsend.budget = SIZE_MAX;
	for (int i = 0; i < PATIENCE && got < OUTLET_ROOM; i++) {
		ssize_t n = recv(w.fd[1], in + got, sizeof in - got, 0);
		got += n > 0 ? (size_t)n : 0;
		outlet_flush(&w.outlet);
	}
	assert_int_equal(got, OUTLET_ROOM);
	for (size_t i = 0; i < OUTLET_ROOM; i++)
		assert_int_equal(in[i], i % OUTLET_RECORD_MAX == 0 ?
		    (char)('0' + i / OUTLET_RECORD_MAX) : 'r');
	assert_null(w.outlet.held);
	end(&w);
}

static void
a_broken_connection_is_told(void **state)
{
	char room[OUTLET_ROOM];
	struct world w;

	(void)state;
	signal(SIGPIPE, SIG_DFL);	/* never raised */
	begin(&w);
	testsend.budget = 1;
	assert_int_equal(BIO_write(w.bio, "held", 4), 4);
	close(w.fd[1]);
	w.fd[1] = -1;
	testsend.budget = SIZE_MAX;
	assert_int_equal(outlet_flush(&w.outlet), OUTLET_BROKEN);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(BIO_write(w.bio, "x", 1), -1);
	assert_false(BIO_should_retry(w.bio));
	assert_int_equal(errno, EPIPE);
	outlet_clear(&w.outlet);
	assert_int_equal(BIO_write(w.bio, "x", 1), -1);
	assert_false(BIO_should_retry(w.bio));
	outlet_gather(&w.outlet, room);
	assert_int_equal(BIO_write(w.bio, "x", 1), 1);
	assert_int_equal(outlet_let_go(&w.outlet), OUTLET_BROKEN);
	end(&w);
}

#if TESTSEND_MEMORY
static void
no_memory_is_told(void **state)
{
	static char room[OUTLET_ROOM], record[OUTLET_FRAGMENT];
	struct world w;

	(void)state;
	begin(&w);
	testsend.memory = 1000;
	testsend.budget = 100;
	assert_int_equal(BIO_write(w.bio, record, sizeof record), -1);
	assert_int_equal(errno, ENOMEM);
	assert_false(BIO_should_retry(w.bio));
	testsend.budget = 100;
	outlet_gather(&w.outlet, room);
	assert_int_equal(BIO_write(w.bio, record, sizeof record), sizeof record);
	assert_int_equal(outlet_let_go(&w.outlet), OUTLET_BROKEN);
	assert_int_equal(errno, ENOMEM);
	w.outlet.corked = true;
	assert_int_equal(BIO_write(w.bio, record, 900), 900);
	assert_int_equal(BIO_write(w.bio, record, 900), -1);
	assert_false(BIO_should_retry(w.bio));
	testsend_reset();
	end(&w);
}
#endif

static void
reading_says_what_it_came_to(void **state)
{
	struct world w;
	char buf[8];

	(void)state;
	begin(&w);
	assert_int_equal(BIO_read(w.bio, buf, sizeof buf), -1);
	assert_true(BIO_should_read(w.bio));
	assert_false(BIO_eof(w.bio));
	assert_int_equal(write(w.fd[1], "hello", 5), 5);
	assert_int_equal(BIO_read(w.bio, buf, 3), 3);
	assert_false(BIO_should_retry(w.bio));
	assert_int_equal(BIO_read(w.bio, buf + 3, 5), 2);
	assert_memory_equal(buf, "hello", 5);
	shutdown(w.fd[1], SHUT_WR);
	assert_int_equal(BIO_read(w.bio, buf, sizeof buf), 0);
	assert_false(BIO_should_retry(w.bio));
	assert_true(BIO_eof(w.bio));
	end(&w);

	begin(&w);
	assert_int_equal(BIO_write(w.bio, "unread", 6), 6);
	close(w.fd[1]);		/* with something unread: a reset */
	w.fd[1] = -1;
	assert_int_equal(BIO_read(w.bio, buf, sizeof buf), -1);
	assert_false(BIO_should_retry(w.bio));
	assert_int_equal(errno, ECONNRESET);
	assert_false(BIO_eof(w.bio));
	end(&w);
}

/* Some octets, one of the ways. How many were taken. */
static size_t
put(struct world *w, char *room, size_t at)
{
	static char out[20000];
	size_t len = 1 + testsend_chance(testsend_chance(2) ? 300 : sizeof out - 1), taken = 0;
	unsigned records = (unsigned)testsend_chance(4);
	int n;

	for (size_t i = 0; i < len; i++)
		out[i] = testsend_pattern(at + i);
	if (records == 0 && !w->outlet.corked && w->outlet.held == NULL) {
		outlet_gather(&w->outlet, room);
		while (taken < len && outlet_fits(&w->outlet)) {
			n = BIO_write(w->bio, out + taken,
			    (int)(len - taken > 5000 ? 5000 : len - taken));
			assert_true(n > 0);
			taken += (size_t)n;
		}
		assert_int_not_equal(outlet_let_go(&w->outlet), OUTLET_BROKEN);
		return taken;
	}
	n = BIO_write(w->bio, out, (int)len);
	assert_true(n == (int)len || (n == -1 && BIO_should_write(w->bio)));
	return n > 0 ? (size_t)n : 0;
}

/* THREATS: however slow the reader, no octet is lost, doubled or out of turn. */
static void
each_octet_leaves_in_its_turn(void **state)
{
	enum { TOTAL = 5 << 20 };
	static char in[70000], room[OUTLET_ROOM];
	struct world w;
	size_t sent = 0, received = 0;
	int small = 4096;

	(void)state;
	begin(&w);
	setsockopt(w.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	for (int i = 0; i < PATIENCE && received < TOTAL; i++) {
		ssize_t n;

		testsend.limit = testsend_chance(5) == 0 ? 0 : 1 + testsend_chance(40000);
		if (testsend_chance(20) == 0)
			w.outlet.corked = !w.outlet.corked && outlet_held(&w.outlet) < 100000;
		if (sent < TOTAL && outlet_held(&w.outlet) < 200000)
			sent += put(&w, room, sent);
		if (!w.outlet.corked && testsend_chance(3) == 0)
			outlet_flush(&w.outlet);
		n = recv(w.fd[1], in, 1 + testsend_chance(sizeof in - 1), 0);
		for (ssize_t k = 0; k < n; k++)
			assert_int_equal(in[k], testsend_pattern(received++));
		if (sent >= TOTAL)
			w.outlet.corked = false;
	}
	assert_true(received >= TOTAL);
	end(&w);
}

static int
setup(void **state)
{
	(void)state;
	method = outlet_method();
	return method == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	BIO_meth_free(method);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused_is_held),
		cmocka_unit_test(a_cork_holds_all),
		cmocka_unit_test(records_are_gathered),
		cmocka_unit_test(a_broken_connection_is_told),
#if TESTSEND_MEMORY
		cmocka_unit_test(no_memory_is_told),
#endif
		cmocka_unit_test(reading_says_what_it_came_to),
		cmocka_unit_test(each_octet_leaves_in_its_turn),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
