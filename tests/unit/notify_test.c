/* notify_test.c - the service manager's datagrams
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/notify.h"

static int
manager(const char *path, bool abstract)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	size_t len = strlen(path);

	assert_true(fd >= 0);
	memcpy(at.sun_path, path, len);
	if (abstract)
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract)), 0);
	return fd;
}

static const char *
heard(int fd, char text[512])
{
	ssize_t n = recv(fd, text, 511, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_messages(void **state)
{
	char path[64], text[512];
	struct notify n;
	int i, fd;

	(void)state;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/tmp/postern-notify-%d", i == 0 ? "" : "@",
		    (int)getpid());
		fd = manager(path, i == 1);
		notify_open(&n, path);
		assert_true(n.fd >= 0);
		notify_ready(&n);
		assert_string_equal(heard(fd, text), "READY=1\n");
		notify_reloading(&n);
		assert_int_equal(strncmp(heard(fd, text), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
		assert_true(strtoull(text + 27, NULL, 10) > 0);
		notify_stopping(&n);
		assert_string_equal(heard(fd, text), "STOPPING=1\n");
		notify_watchdog(&n);
		assert_string_equal(heard(fd, text), "WATCHDOG=1\n");
		notify_status(&n, "%d workers\nREADY=1", 3);
		assert_string_equal(heard(fd, text), "STATUS=3 workers READY=1");
		notify_close(&n);
		notify_ready(&n);
		assert_string_equal(heard(fd, text), "");
		close(fd);
	}
	snprintf(path, sizeof(path), "/tmp/postern-notify-%d", (int)getpid());
	unlink(path);
}

static void
test_nobody_listens(void **state)
{
	static const char *const paths[] = { NULL, "", "/", "@", "relative", "vsock:2:1" };
	char path[300];
	struct notify n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		notify_open(&n, paths[i]);
		assert_int_equal(n.fd, -1);
		notify_ready(&n);
	}
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	notify_open(&n, path);
	assert_int_equal(n.fd, -1);
	notify_open(&n, "/nonexistent/socket");
	notify_ready(&n);	/* and nothing happens */
	notify_close(&n);
}

static void
test_watchdog(void **state)
{
	char mine[16];

	(void)state;
	snprintf(mine, sizeof(mine), "%d", (int)getpid());
	assert_true(notify_watchdog_us("20000000", NULL) == 20000000);
	assert_true(notify_watchdog_us("20000000", mine) == 20000000);
	assert_true(notify_watchdog_us("20000000", "1") == 0);
	assert_true(notify_watchdog_us("20000000", "x") == 0);
	assert_true(notify_watchdog_us(NULL, mine) == 0);
	assert_true(notify_watchdog_us("", NULL) == 0);
	assert_true(notify_watchdog_us("-5", NULL) == 0);
	assert_true(notify_watchdog_us("5x", NULL) == 0);
	assert_true(notify_watchdog_us("99999999999999999999999", NULL) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
