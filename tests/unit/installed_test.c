/* installed_test.c - the note of what was installed, and the lock
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "nfq/installed.h"

struct fixture {
	char folder[64], path[96];
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/postern-note-XXXXXX");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/postern.rules", f->folder);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void
assert_text(const char *a, const char *b)
{
	if (b == NULL)
		assert_null(a);
	else
		assert_string_equal(a, b);
}

static void
round_trip(void **state)
{
	struct fixture *f = *state;
	char *big = malloc(200001), error[300];
	struct installed in = { .canonical = "canonical\n", .rules = { .routes = "", .jumps_len = 2,
	    .jumps = { { true, "filter", "FORWARD", "POSTERN", "-p tcp -m tcp --dport 25" },
	    { false, "mangle", "OUTPUT", "POSTERN-OUT", "" } } } }, out;
	int i;

	memset(big, 'a', 200000);	/* over what one string of the wire holds */
	big[200000] = '\0';
	assert_int_equal(installed_read(f->path, &out, error, sizeof(error)), INSTALLED_NO);
	for (i = 0; i < 3; i++) {
		in.rules.chains[0] = i == 0 ? big : NULL;
		in.rules.chains[1] = i == 1 ? "*filter\n" : NULL;
		in.rules.nft = i == 2 ? "" : NULL;
		assert_true(installed_write(f->path, &in, error, sizeof(error)));
		assert_int_equal(installed_read(f->path, &out, error, sizeof(error)),
		    INSTALLED_YES);
		assert_text(out.rules.chains[0], in.rules.chains[0]);
		assert_text(out.rules.chains[1], in.rules.chains[1]);
		assert_text(out.rules.nft, in.rules.nft);
		assert_text(out.rules.routes, "");
		assert_text(out.canonical, in.canonical);
		assert_int_equal(out.rules.jumps_len, 2);
		assert_memory_equal(out.rules.jumps, in.rules.jumps, 2 * sizeof(in.rules.jumps[0]));
		installed_free(&out);
		installed_free(&out);
	}
	assert_true(installed_remove(f->path, error, sizeof(error)));
	assert_true(installed_remove(f->path, error, sizeof(error)));
	assert_int_equal(installed_read(f->path, &out, error, sizeof(error)), INSTALLED_NO);
	free(big);
}

static void
small_note(const char *path)
{
	struct installed in = { .canonical = "x", .rules = { .routes = "y", .jumps_len = 1,
	    .jumps = { { true, "filter", "FORWARD", "POSTERN", "" } } } };
	char error[300];

	assert_true(installed_write(path, &in, error, sizeof(error)));
}

static void
assert_broken(const char *path)
{
	struct installed out;
	char error[300] = "";

	assert_int_equal(installed_read(path, &out, error, sizeof(error)), INSTALLED_BROKEN);
	assert_string_not_equal(error, "");
	assert_null(out.canonical);
}

/* Cut anywhere, or longer than it says; no octet of it changed makes it fail in another way. */
static void
damaged(void **state)
{
	struct fixture *f = *state;
	char bytes[512], error[300];
	struct installed out;
	size_t len, i;
	FILE *file;

	small_note(f->path);
	file = fopen(f->path, "re");
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(len > 40 && len < sizeof(bytes));
	for (i = 0; i < len; i++) {
		assert_int_equal(truncate(f->path, (off_t)(len - 1 - i)), 0);
		assert_broken(f->path);
	}
	for (i = 0; i < len; i++) {
		file = fopen(f->path, "we");
		bytes[i] ^= 0x41;
		fwrite(bytes, 1, len, file);
		bytes[i] ^= 0x41;
		fclose(file);
		if (installed_read(f->path, &out, error, sizeof(error)) == INSTALLED_YES)
			assert_true(out.rules.routes != NULL && out.canonical != NULL);
		installed_free(&out);
	}
	file = fopen(f->path, "we");
	fwrite(bytes, 1, len, file);
	fputc(0, file);
	fclose(file);
	assert_broken(f->path);
}

/* What somebody else may have written is not believed. */
static void
untrusted(void **state)
{
	struct fixture *f = *state;
	char other[128], error[300];
	struct installed out;

	small_note(f->path);
	assert_int_equal(chmod(f->path, 0664), 0);
	assert_broken(f->path);
	assert_int_equal(chmod(f->path, 0646), 0);
	assert_broken(f->path);
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(installed_read(f->path, &out, error, sizeof(error)), INSTALLED_YES);
	installed_free(&out);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->path, 65534, 0), 0);
		assert_broken(f->path);
		assert_int_equal(chown(f->path, 0, 0), 0);
	}
	snprintf(other, sizeof(other), "%s/other", f->folder);
	assert_int_equal(symlink(f->path, other), 0);
	assert_broken(other);
	/* Nor is a link written through, or a folder taken for a file. */
	small_note(other);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkdir(other, 0755), 0);
	assert_broken(other);
}

static void
paths(void **state)
{
	static const char *const rows[][2] = {
		{ "/run/postern/control.sock", "/run/postern.rules" },
		{ "/x.sock", "/x.sock.rules" },
		{ "c.sock", "c.sock.rules" },
		{ "a/b/c", "a/b.rules" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char control[64], out[96];
		struct config config = { .control = control };

		strcpy(control, rows[i][0]);
		installed_path(&config, out, sizeof(out));
		assert_string_equal(out, rows[i][1]);
	}
}

static long
ms_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - t->tv_sec) * 1000 + (now.tv_nsec - t->tv_nsec) / 1000000;
}

/* One at a time, waiting as long as was said; an ordinary user takes the same one, once it was shared
 * with him and not before: who may open it can hold it. */
static void
lock(void **state)
{
	struct fixture *f = *state;
	struct timespec began;
	int fd = installed_lock(f->path, 0), status;
	struct stat made;
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &made), 0);
	assert_int_equal(made.st_mode & 0777, 0600);
	assert_int_equal(fchmod(fd, 0644), 0);
	clock_gettime(CLOCK_MONOTONIC, &began);
	assert_int_equal(installed_lock(f->path, 0), -1);
	assert_true(ms_since(&began) < 100);
	assert_int_equal(installed_lock(f->path, 200), -1);
	assert_true(ms_since(&began) >= 180);
	assert_int_equal(chmod(f->folder, 0755), 0);
	pid = fork();
	if (pid == 0) {
		close(fd);
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		if (installed_lock(f->path, 0) >= 0)
			_exit(3);
		_exit(installed_lock(f->path, 5000) < 0);
	}
	usleep(300000);
	close(fd);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	fd = installed_lock(f->path, 0);
	assert_true(fd >= 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(untrusted, set_up, tear_down),
		cmocka_unit_test(paths),
		cmocka_unit_test_setup_teardown(lock, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
