/* counters_test.c - sums, limits for the whole daemon, what a crash leaves, and the keyed hash
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/counters.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/siphash.h"

static struct in6_addr
ip(const char *text)
{
	struct in6_addr out;

	assert_int_equal(inet_pton(AF_INET6, text, &out), 1);
	return out;
}

static void
siphash_agrees_with_the_paper(void **state)
{
	const struct siphash_key key = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	unsigned char in[15];

	(void)state;
	for (unsigned i = 0; i < sizeof in; i++)
		in[i] = (unsigned char)i;
	assert_true(siphash(&key, in, 15) == 0xa129ca6149be45e5u);	/* appendix A */
	assert_true(siphash(&key, in, 0) == 0x726fdb47dd0e0e31u);
	assert_true(siphash(&key, in, 8) == 0x93f5f5799a932462u);
}

static void
sums_cover_columns_and_outlive_them(void **state)
{
	struct counters *c = counters_new();
	int a = counters_claim(c), b = counters_claim(c);

	(void)state;
	assert_true(a >= 0 && b >= 0 && a != b);
	counters_add(c, a, COUNTER_MESSAGES, 3);
	counters_add(c, b, COUNTER_MESSAGES, 4);
	counters_add(c, a, COUNTER_SESSIONS, 2);
	assert_int_equal(counters_sum(c, COUNTER_MESSAGES), 7);
	counters_release(c, a);
	assert_int_equal(counters_sum(c, COUNTER_MESSAGES), 7);
	assert_int_equal(counters_sum(c, COUNTER_SESSIONS), 0);
	assert_int_equal(counters_claim(c), a);
	assert_int_equal(counters_sum(c, COUNTER_MESSAGES), 7);
}

static void
columns_run_out(void **state)
{
	struct counters *c = counters_new();

	(void)state;
	for (int i = 0; i < COUNTERS_COLUMNS; i++)
		assert_int_equal(counters_claim(c), i);
	assert_int_equal(counters_claim(c), -1);
	counters_release(c, 77);
	assert_int_equal(counters_claim(c), 77);
}

static void
limits_hold_over_all_columns(void **state)
{
	struct counters *c = counters_new();
	int a = counters_claim(c), b = counters_claim(c);
	struct in6_addr one = ip("::ffff:192.0.2.1"), two = ip("::ffff:192.0.2.2");

	(void)state;
	assert_int_equal(counters_client_enter(c, a, &one, 4, 2), COUNTERS_OK);
	assert_int_equal(counters_client_enter(c, b, &one, 4, 2), COUNTERS_OK);
	assert_int_equal(counters_client_enter(c, a, &one, 4, 2), COUNTERS_CLIENT_FULL);
	assert_int_equal(counters_client_enter(c, a, &two, 4, 2), COUNTERS_OK);
	assert_int_equal(counters_client_enter(c, b, &two, 4, 2), COUNTERS_OK);
	assert_int_equal(counters_client_enter(c, b, &two, 4, 9), COUNTERS_FULL);
	counters_client_leave(c, a, &one);
	assert_int_equal(counters_client_enter(c, b, &one, 4, 2), COUNTERS_OK);
	counters_client_leave(c, a, &two);
	assert_int_equal(counters_sum(c, COUNTER_SESSIONS), 3);
	assert_int_equal(counters_sum(c, COUNTER_SESSIONS_TOTAL), 5);
	counters_client_leave(c, a, &one);
	counters_client_leave(c, a, &one);	/* once too often: nothing goes below zero */
	assert_int_equal(counters_sum(c, COUNTER_SESSIONS), 3);
}

static void
ipv6_clients_count_by_their_network(void **state)
{
	struct counters *c = counters_new();
	int a = counters_claim(c);
	struct in6_addr one = ip("2001:db8:1:2::1"), same = ip("2001:db8:1:2:ffff::9");
	struct in6_addr other = ip("2001:db8:1:3::1");

	(void)state;
	assert_int_equal(counters_client_enter(c, a, &one, 10, 1), COUNTERS_OK);
	assert_int_equal(counters_client_enter(c, a, &same, 10, 1), COUNTERS_CLIENT_FULL);
	assert_int_equal(counters_client_enter(c, a, &other, 10, 1), COUNTERS_OK);
}

static void
a_dead_worker_counts_no_more(void **state)
{
	struct counters *c = counters_new();
	int a = counters_claim(c), b = counters_claim(c), status;
	struct in6_addr client = ip("::ffff:192.0.2.1");
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		for (int i = 0; i < 5; i++)
			counters_client_enter(c, a, &client, 5, 5);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(counters_client_enter(c, b, &client, 5, 5), COUNTERS_FULL);
	counters_release(c, a);
	for (int i = 0; i < 5; i++)
		assert_int_equal(counters_client_enter(c, b, &client, 5, 5), COUNTERS_OK);
}

/* Writes all over what this process shares with others. */
static unsigned
scribble(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512], mode[5];
	unsigned n = 0;

	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || strcmp(mode, "rw-s") != 0)
			continue;
		memset((void *)from, 0x7f, to - from);	/* NOLINT(performance-no-int-to-ptr) */
		n++;
	}
	return n;
}

/* The parent still knows which columns are free, nobody who reads is led out of the page, and what
 * is the parent's is as it was. */
static void
a_captured_worker_tells_the_parent_nothing(void **state)
{
	struct counters *c = counters_new();
	int a = counters_claim(c), b = counters_claim(c), status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		counters_leave_office(c);
		_exit(scribble() > 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(counters_sum(c, COUNTER_MESSAGES) != 0);
	assert_int_equal(counters_process(c, 1)->pid, 0);
	assert_int_equal(*counters_started_s(c), 0);
	assert_int_equal(*counters_accepting(c), 0);
	assert_int_equal(*counters_store_busy(c), 0);
	counters_release(c, a);
	assert_int_equal(counters_claim(c), a);
	assert_int_equal(counters_claim(c), b + 1);
}

/* The nfq process sees who accepts, and cannot say otherwise. */
static void
the_office_can_be_read_alone(void **state)
{
	struct counters *c = counters_new();
	int column = counters_claim(c), status;
	pid_t pid;

	(void)state;
	*counters_accepting(c) = 3;
	pid = fork();
	if (pid == 0) {
		counters_read_office(c);
		counters_settle(c, column);
		counters_add(c, column, COUNTER_LEAKS, 5);
		if (*counters_accepting(c) != 3)
			_exit(1);
		/* Nor make it writable, wherever it begins in its page. */
		if (mprotect((char *)counters_started_s(c) - (uintptr_t)counters_started_s(c) %
		    4096, 4096, PROT_READ | PROT_WRITE) == 0)
			_exit(1);
		signal(SIGSEGV, SIG_DFL);
		*counters_accepting(c) = 4;
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		/* A sanitizer reports it and exits with a status of its own. */
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 2);
	assert_int_equal(*counters_accepting(c), 3);
	assert_int_equal(counters_sum(c, COUNTER_LEAKS), 5);
}

static void
dials_are_known_to_all(void **state)
{
	struct counters *c = counters_new();
	int a = counters_claim(c), b = counters_claim(c), status;
	pid_t pid;

	(void)state;
	counters_settle(c, a);
	assert_false(counters_dialled(c, 40000));
	counters_dialling(c, 40000, true);
	pid = fork();
	if (pid == 0) {
		counters_settle(c, b);
		if (!counters_dialled(c, 40000) || counters_dialled(c, 40001))
			_exit(1);
		counters_dialling(c, 65535, true);
		counters_dialling(c, 40000, true);
		counters_dialling(c, 40000, false);
		counters_dialling(c, 0, false);		/* never began */
		_exit(counters_dialled(c, 40000) && !counters_dialled(c, 0) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* One port for two dials: it is ours until the second ends. */
	counters_dialling(c, 40000, true);
	counters_dialling(c, 40000, false);
	assert_true(counters_dialled(c, 40000));
	counters_dialling(c, 40000, false);
	assert_false(counters_dialled(c, 40000));
	/* What a dead worker left does not count for ever. */
	assert_true(counters_dialled(c, 65535));
	counters_release(c, b);
	assert_false(counters_dialled(c, 65535));
}

static void
dials_beyond_count(void **state)
{
	struct counters *c = counters_new();
	int a = counters_claim(c);

	(void)state;
	counters_settle(c, a);
	for (int i = 0; i < 1000; i++)
		counters_dialling(c, 1025, true);
	for (int i = 0; i < 999; i++)
		counters_dialling(c, 1025, false);
	assert_true(counters_dialled(c, 1025));
	counters_release(c, a);
	assert_false(counters_dialled(c, 1025));
}

/* Four processes enter and leave as fast as they can; the limit is never passed. Everybody who got
 * in counts himself in a cell of his own, which is the control. */
static void
limits_hold_under_a_race(void **state)
{
	struct counters *c = counters_new();
	struct in6_addr client = ip("::ffff:192.0.2.1");
	int check = counters_claim(c);
	pid_t pids[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		int own = counters_claim(c);

		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		for (int k = 0; k < 20000; k++) {
			if (counters_client_enter(c, own, &client, 2, 2) != COUNTERS_OK)
				continue;
			counters_add(c, own, COUNTER_MESSAGES, 1);
			if (counters_sum(c, COUNTER_MESSAGES) > 2)
				counters_add(c, check, COUNTER_REFUSED, 1);
			counters_add(c, own, COUNTER_PASSED, 1);
			counters_add(c, own, COUNTER_MESSAGES, -1);
			counters_client_leave(c, own, &client);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_int_equal(counters_sum(c, COUNTER_REFUSED), 0);
	assert_true(counters_sum(c, COUNTER_PASSED) > 1000);
	assert_int_equal(counters_client_enter(c, check, &client, 1, 1), COUNTERS_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_agrees_with_the_paper),
		cmocka_unit_test(sums_cover_columns_and_outlive_them),
		cmocka_unit_test(columns_run_out),
		cmocka_unit_test(limits_hold_over_all_columns),
		cmocka_unit_test(ipv6_clients_count_by_their_network),
		cmocka_unit_test(a_captured_worker_tells_the_parent_nothing),
		cmocka_unit_test(the_office_can_be_read_alone),
		cmocka_unit_test(dials_are_known_to_all),
		cmocka_unit_test(dials_beyond_count),
		cmocka_unit_test(a_dead_worker_counts_no_more),
		cmocka_unit_test(limits_hold_under_a_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
