/* program_test.c - programs run without a shell, bounded in what they may take
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "namespace.h"
#include "nfq/program.h"
#include "nfq/trial.h"

#define RUN(...) program_run((const char *const[]){ __VA_ARGS__, NULL }, NULL, -1, &r)

static void
status_and_text(void **state)
{
	struct program_result r;

	(void)state;
	assert_true(RUN("echo", "a b", "$HOME;`id`"));
	assert_string_equal(r.out, "a b $HOME;`id`\n");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.error, "");
	program_free(&r);
	assert_false(RUN("sh", "-c", "echo out; echo first >&2; echo second >&2; exit 3"));
	assert_int_equal(r.status, 3);
	assert_string_equal(r.out, "out\n");
	assert_string_equal(r.error, "first\nsecond");
	program_free(&r);
	assert_false(RUN("sh", "-c", "exit 4"));
	assert_string_equal(r.error, "sh: exit status 4");
	program_free(&r);
	assert_false(RUN("sh", "-c", "kill -9 $$"));
	assert_int_equal(r.status, 128 + SIGKILL);
	assert_string_equal(r.error, "sh: ended by signal 9");
	program_free(&r);
	assert_false(RUN("no-such-program"));
	assert_int_equal(r.status, 127);
	assert_non_null(strstr(r.error, "not found"));
	program_free(&r);
	/* A path is not looked for, nor is PATH. */
	assert_false(RUN("../../bin/echo2"));
	program_free(&r);
}

#define LIBRARYS_SIGNALS 0x180000000ull	/* 32 and 33: nobody but the C library may set them */

/* Nothing of this process but LC_ALL, the three streams, and default signals. */
static void
inherited(void **state)
{
	int fd = open("/dev/null", O_RDONLY), high = dup2(fd, 100);
	unsigned long long blocked = 1, ignored = 1;
	struct program_result r;

	(void)state;
	setenv("SECRET", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	assert_true(RUN("env"));
	assert_string_equal(r.out, "LC_ALL=C\n");
	program_free(&r);
	assert_true(RUN("ls", "/proc/self/fd"));
	assert_string_equal(r.out, "0\n1\n2\n3\n");	/* ls has the folder itself open */
	program_free(&r);
	assert_true(RUN("grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"));
	assert_int_equal(sscanf(r.out, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_int_equal(blocked, 0);
	assert_int_equal(ignored & ~LIBRARYS_SIGNALS, 0);
	program_free(&r);
	signal(SIGPIPE, SIG_DFL);
	close(fd);
	close(high);
}

static void
large(void **state)
{
	size_t size = 3 << 20;
	char *text = malloc(size + 1);
	struct program_result r;

	(void)state;
	memset(text, 'x', size);
	text[size] = '\0';
	/* Both ways; and a program that reads nothing stops nobody. */
	assert_true(program_run((const char *const[]){ "cat", NULL }, text, -1, &r));
	assert_string_equal(r.out, text);
	program_free(&r);
	assert_true(program_run((const char *const[]){ "true", NULL }, text, -1, &r));
	program_free(&r);
	free(text);
	/* Too much to say: ended, not waited for. */
	assert_false(RUN("yes"));
	assert_string_equal(r.error, "yes: printed more than there is room for");
	assert_int_equal(r.status, 128 + SIGKILL);
	program_free(&r);
	assert_false(RUN("sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo abcdefghij >&2; "
	    "i=$((i + 1)); done; exit 1"));
	assert_int_equal(r.status, 1);
	assert_int_equal(strlen(r.error), sizeof(r.error) - 1);
	program_free(&r);
}

static void
other_namespace(void **state)
{
	char error[200];
	struct program_result r;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = trial_open(error, sizeof(error));
	assert_true(fd >= 0);
	assert_true(program_run((const char *const[]){ "ip", "-o", "link", NULL }, NULL, fd, &r));
	/* One interface, and up. */
	assert_non_null(strstr(r.out, "lo: <LOOPBACK,UP"));
	assert_ptr_equal(strchr(r.out, '\n'), r.out + strlen(r.out) - 1);
	program_free(&r);
	close(fd);
}

/* One that hangs is ended: whether it holds its output open or not. Slow, so both at once. */
static void
hanging(void **state)
{
	struct program_result r;
	time_t began = time(NULL);
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(RUN("sh", "-c", "exec >&- 2>&-; exec sleep 60") ||
		    strstr(r.error, "in time") == NULL);
	assert_false(RUN("sleep", "60"));
	assert_string_equal(r.error, "sleep: did not end in time");
	program_free(&r);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_in_range(time(NULL) - began, PROGRAM_SECONDS - 1, PROGRAM_SECONDS + 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_and_text),
		cmocka_unit_test(inherited),
		cmocka_unit_test(large),
		cmocka_unit_test(other_namespace),
		cmocka_unit_test(hanging),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
