/* title_test.c - what ps shows: the test starts itself with known arguments and looks
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/title.h"

/* Sets each title and prints what the kernel then says, NUL as '|'. */
static int
show(int argc, char **argv)
{
	static const char *const titles[] = { "posternd", "posternd: proxy", "p" };
	struct title t;
	char seen[256];
	size_t i;
	ssize_t n, j;
	int fd;

	if (!title_take(&t, argc, argv))
		return 1;
	for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		title_set(&t, titles[i]);
		fd = open("/proc/self/cmdline", O_RDONLY);
		n = read(fd, seen, sizeof(seen));
		close(fd);
		for (j = 0; j < n; j++)
			putchar(seen[j] == '\0' ? '|' : seen[j]);
		putchar('\n');
	}
	printf("%s %s %s\n", argv[1], argv[argc - 1], getenv("POSTERN_TITLE"));
	return 0;
}

static void
check(const char *argument, const char *environment)
{
	char command[512], line[256];
	FILE *p;

	snprintf(command, sizeof(command), "POSTERN_TITLE=%s exec /proc/%d/exe --show %s",
	    environment, (int)getpid(), argument);
	p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(line, sizeof(line), p));
	assert_string_equal(line, "posternd|\n");
	assert_non_null(fgets(line, sizeof(line), p));
	assert_string_equal(line, "posternd: proxy|\n");
	assert_non_null(fgets(line, sizeof(line), p));
	assert_string_equal(line, "p|\n");
	assert_non_null(fgets(line, sizeof(line), p));
	snprintf(command, sizeof(command), "--show %s %s\n", argument, environment);
	assert_string_equal(line, command);
	assert_int_equal(pclose(p), 0);
}

/* Shorter and longer than the arguments; options and environment survive. */
static void
test_titles(void **state)
{
	(void)state;
	check("-c", "kept");
	check("/a/rather/long/argument/that/leaves/more/room/than/any/title/needs", "x");
}

static void
test_no_room(void **state)
{
	char memory[12] = "abcdefghij";
	struct title none = { .size = 0 };
	struct title small = { .start = memory, .size = 8, .arguments = 8 };

	(void)state;
	title_set(&none, "posternd");
	title_set(&small, "posternd: proxy");
	assert_memory_equal(memory, "postern\0ij", 11);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_no_room),
	};

	if (argc > 1 && strcmp(argv[1], "--show") == 0)
		return show(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
