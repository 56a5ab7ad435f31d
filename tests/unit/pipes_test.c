/* pipes_test.c - pipes are lent, kept within bounds, and never with what another left in them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxy/pipes.h"

#define MANY (PIPES_KEPT + 20)

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
a_pipe_is_one(void **state)
{
	struct pipes p;
	struct pipe_ends one;
	char c = 0;

	(void)state;
	pipes_init(&p);
	assert_true(pipes_take(&p, &one));
	assert_true(one.size >= 4096);
	assert_int_equal(one.size, fcntl(one.in, F_GETPIPE_SZ));
	assert_int_equal(fcntl(one.in, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(one.out, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(one.in, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(one.out, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(one.in, "x", 1), 1);
	assert_int_equal(read(one.out, &c, 1), 1);
	assert_int_equal(c, 'x');
	pipes_give(&p, &one, true);
	pipes_close(&p);
}

static void
the_empty_one_is_lent_again(void **state)
{
	struct pipes p;
	struct pipe_ends first, second;

	(void)state;
	pipes_init(&p);
	assert_true(pipes_take(&p, &first));
	struct pipe_ends was = first;
	pipes_give(&p, &first, true);
	assert_true(first.in == -1 && first.out == -1);
	assert_int_equal(p.len, 1);
	assert_true(pipes_take(&p, &second));
	assert_true(second.in == was.in && second.out == was.out);
	pipes_give(&p, &second, false);
	assert_int_equal(p.len, 0);
	assert_false(is_open(was.in));
	assert_false(is_open(was.out));
	pipes_give(&p, &second, true);		/* absent */
	assert_int_equal(p.len, 0);
	pipes_close(&p);
}

static void
no_more_are_kept_than_said(void **state)
{
	struct pipes p;
	struct pipe_ends many[MANY], was[MANY];
	size_t open = 0;

	(void)state;
	pipes_init(&p);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(pipes_take(&p, &many[i]));
		was[i] = many[i];
	}
	for (size_t i = 0; i < MANY; i++)
		pipes_give(&p, &many[i], true);
	assert_int_equal(p.len, PIPES_KEPT);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(is_open(was[i].in), is_open(was[i].out));
		open += is_open(was[i].in);
	}
	assert_int_equal(open, PIPES_KEPT);
	pipes_close(&p);
	for (size_t i = 0; i < MANY; i++)
		assert_false(is_open(was[i].in) || is_open(was[i].out));
}

/* No descriptors: what is kept can still be lent, and then it is said. */
static void
without_descriptors(void **state)
{
	struct rlimit was, low;
	struct pipes p;
	struct pipe_ends kept, more;

	(void)state;
	pipes_init(&p);
	assert_true(pipes_take(&p, &kept));
	pipes_give(&p, &kept, true);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	low = was;
	low.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	bool first = pipes_take(&p, &kept), second = pipes_take(&p, &more);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(first);
	assert_false(second);
	pipes_give(&p, &kept, true);
	pipes_close(&p);
}

/* One that was given little grows when there is more. */
static void
a_small_one_grows(void **state)
{
	struct pipes p;
	struct pipe_ends one;

	(void)state;
	pipes_init(&p);
	assert_true(pipes_take(&p, &one));
	size_t usual = one.size;
	int small = fcntl(one.in, F_SETPIPE_SZ, 4096);
	assert_true(small > 0 && (size_t)small < usual);
	one.size = (size_t)small;
	pipes_give(&p, &one, true);
	assert_true(pipes_take(&p, &one));
	assert_int_equal(one.size, usual);
	assert_int_equal(fcntl(one.in, F_GETPIPE_SZ), usual);
	pipes_give(&p, &one, true);
	pipes_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_is_one), cmocka_unit_test(the_empty_one_is_lent_again),
		cmocka_unit_test(no_more_are_kept_than_said), cmocka_unit_test(without_descriptors),
		cmocka_unit_test(a_small_one_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
