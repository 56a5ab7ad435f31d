/* privilege_test.c - giving up root, and the folders made before that; needs root, else it says so
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/descriptors.h"
#include "daemon/directories.h"
#include "daemon/needs.h"
#include "daemon/privilege.h"

#define USER "nobody"

static uid_t uid;
static gid_t gid;

/* Runs `body` in a child; its return value is the number of the line that failed, 0 for none. */
static int
in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define MUST(what) do { if (!(what)) return __LINE__ % 255 + 1; } while (0)

static bool
status_line(const char *name, const char *value)
{
	char line[256], want[128];
	FILE *f = fopen("/proc/self/status", "r");
	bool found = false;

	snprintf(want, sizeof(want), "%s:\t%s\n", name, value);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		found = found || strcmp(line, want) == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

static int
become(void)
{
	const char *none = "0000000000000000";
	char error[256];
	gid_t groups[8];
	struct rlimit core;

	MUST(privilege_become(uid, gid, 0, error, sizeof(error)));
	MUST(geteuid() == uid && getuid() == uid && getegid() == gid);
	MUST(getgroups(8, groups) == 1 && groups[0] == gid);
	MUST(status_line("CapInh", none) && status_line("CapPrm", none));
	MUST(status_line("CapEff", none) && status_line("CapBnd", none));
	MUST(status_line("CapAmb", none) && status_line("NoNewPrivs", "1"));
	MUST(prctl(PR_GET_DUMPABLE) == 0);
	MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	MUST(setuid(0) != 0 && errno == EPERM);
	MUST(privilege_verify(0, PRIVILEGE_IDLE, error, sizeof(error)));
	/* Once more, as the user that we are: for a parent not started as root. */
	MUST(privilege_become(uid, gid, 0, error, sizeof(error)));
	MUST(!privilege_become(uid + 1, gid, 0, error, sizeof(error)));
	MUST(privilege_permitted() == 0);
	return 0;
}

#define ADMIN "0000000000001000"	/* bit 12 */
#define RAW "0000000000002000"		/* bit 13 */
#define BOTH "0000000000003000"
#define NONE "0000000000000000"

static bool
sets(const char *permitted, const char *effective, const char *inherited)
{
	return status_line("CapPrm", permitted) && status_line("CapEff", effective) &&
	    status_line("CapInh", inherited) && status_line("CapAmb", inherited);
}

/* The parent: permitted alone, raised for a moment; then each child's share of it. */
static int
keep_some(void)
{
	const unsigned both = PRIVILEGE_NET_ADMIN | PRIVILEGE_NET_RAW;
	char error[256];

	MUST((privilege_permitted() & both) == both);
	MUST(privilege_become(uid, gid, both, error, sizeof(error)));
	MUST(sets(BOTH, NONE, NONE) && status_line("CapBnd", BOTH));
	MUST(geteuid() == uid && setuid(0) != 0);
	MUST(privilege_permitted() == both);
	MUST(!privilege_verify(PRIVILEGE_NET_RAW, PRIVILEGE_IDLE, error, sizeof(error)));
	MUST(!privilege_verify(both, PRIVILEGE_USE, error, sizeof(error)));
	MUST(privilege_raise(PRIVILEGE_NET_RAW) && sets(BOTH, RAW, NONE));
	MUST(!privilege_verify(both, PRIVILEGE_IDLE, error, sizeof(error)));
	MUST(privilege_raise(0) && sets(BOTH, NONE, NONE));
	/* nfq's */
	MUST(privilege_keep(PRIVILEGE_NET_ADMIN, PRIVILEGE_BEQUEATH, error, sizeof(error)));
	MUST(sets(ADMIN, ADMIN, ADMIN));
	MUST(privilege_verify(PRIVILEGE_NET_ADMIN, PRIVILEGE_BEQUEATH, error, sizeof(error)));
	MUST(!privilege_verify(PRIVILEGE_NET_ADMIN, PRIVILEGE_USE, error, sizeof(error)));
	MUST(!privilege_keep(PRIVILEGE_NET_RAW, PRIVILEGE_USE, error, sizeof(error)));
	MUST(privilege_keep(0, PRIVILEGE_USE, error, sizeof(error)));
	MUST(sets(NONE, NONE, NONE));
	MUST(privilege_verify(0, PRIVILEGE_USE, error, sizeof(error)));
	MUST(!privilege_raise(PRIVILEGE_NET_ADMIN));
	return 0;
}

/* What the nfq process runs has the capability too, though nothing else can be gained by exec. */
static int
bequeath(void)
{
	char error[256];

	MUST(privilege_become(uid, gid, PRIVILEGE_NET_ADMIN, error, sizeof(error)));
	MUST(privilege_keep(PRIVILEGE_NET_ADMIN, PRIVILEGE_BEQUEATH, error, sizeof(error)));
	execl("/bin/grep", "grep", "-q", "CapEff:.*" ADMIN, "/proc/self/status", (char *)NULL);
	return 1;
}

/* A service manager's way: the user with ambient capabilities, one more than is needed. */
static int
ambient_start(void)
{
	char error[256];

	MUST(prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0);
	MUST(setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0);
	MUST(privilege_keep(PRIVILEGE_NET_ADMIN | PRIVILEGE_NET_RAW, PRIVILEGE_BEQUEATH, error,
	    sizeof(error)));
	MUST(privilege_become(uid, gid, PRIVILEGE_NET_RAW, error, sizeof(error)));
	MUST(sets(RAW, NONE, NONE));
	MUST(!privilege_become(uid, gid, PRIVILEGE_NET_ADMIN, error, sizeof(error)));
	return 0;
}

static void
test_capabilities(void **state)
{
	(void)state;
	assert_int_equal(in_child(keep_some), 0);
	assert_int_equal(in_child(bequeath), 0);
	assert_int_equal(in_child(ambient_start), 0);
}

/* Which configuration asks for what. */
static void
test_needs(void **state)
{
	static const struct {
		enum config_method method;
		bool local, source_client, open, required, watch;
		unsigned all, worker;
		bool nfq, gate;
		const char *said;	/* with nothing held */
	} rows[] = {
		{ METHOD_REDIRECT, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL },
		{ METHOD_REDIRECT, 0, 0, 0, 0, 1, PRIVILEGE_NET_ADMIN, 0, 1, 0,
		    "intercept.watch: yes (no does without) needs CAP_NET_ADMIN" },
		{ METHOD_REDIRECT, 0, 0, 1, 0, 1, PRIVILEGE_NET_ADMIN, 0, 1, 1,
		    "intercept.when-down: open needs CAP_NET_ADMIN" },
		{ METHOD_REDIRECT, 0, 0, 0, 1, 1, PRIVILEGE_NET_ADMIN, 0, 1, 1,
		    "intercept.scope: required needs CAP_NET_ADMIN" },
		{ METHOD_TPROXY, 0, 0, 0, 0, 0, PRIVILEGE_NET_RAW, 0, 0, 0,
		    "intercept.method: tproxy needs CAP_NET_RAW" },
		{ METHOD_TPROXY, 0, 1, 0, 0, 0, PRIVILEGE_NET_RAW, PRIVILEGE_NET_RAW, 0, 0,
		    "intercept.method: tproxy needs CAP_NET_RAW" },
		{ METHOD_REDIRECT, 1, 0, 0, 0, 0, PRIVILEGE_NET_RAW, PRIVILEGE_NET_RAW, 0, 0,
		    "intercept.local: yes needs CAP_NET_RAW" },
		{ METHOD_NONE, 0, 0, 0, 0, 1, 0, 0, 0, 0, NULL },
	};
	struct config c = { 0 };
	char error[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c.intercept.method = rows[i].method;
		c.intercept.local = rows[i].local;
		c.intercept.source_client = rows[i].source_client;
		c.intercept.open = rows[i].open;
		c.intercept.required = rows[i].required;
		c.intercept.watch = rows[i].watch;
		assert_int_equal(needs_of_all(&c), rows[i].all);
		assert_int_equal(needs_of_worker(&c), rows[i].worker);
		assert_int_equal(needs_nfq(&c), rows[i].nfq);
		assert_int_equal(needs_gate(&c), rows[i].gate);
		assert_true(needs_met(&c, rows[i].all, error, sizeof(error)));
		assert_int_equal(needs_met(&c, 0, error, sizeof(error)), rows[i].said == NULL);
		if (rows[i].said != NULL)
			assert_ptr_equal(strstr(error, rows[i].said), error);
	}
}

static int
leftovers(void)
{
	char error[256];

	MUST(!privilege_verify(0, PRIVILEGE_IDLE, error, sizeof(error)));
	MUST(strstr(error, "user id of root"));
	MUST(setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0);
	MUST(setresuid(uid, uid, 0) == 0);
	MUST(!privilege_verify(0, PRIVILEGE_IDLE, error, sizeof(error)));
	MUST(strstr(error, "user id of root"));
	return 0;
}

static int
kept_capabilities(void)
{
	char error[256];

	MUST(prctl(PR_SET_KEEPCAPS, 1) == 0 && setresgid(gid, gid, gid) == 0);
	MUST(setresuid(uid, uid, uid) == 0);
	MUST(!privilege_verify(0, PRIVILEGE_IDLE, error, sizeof(error)));
	MUST(strstr(error, "capabilities"));
	return 0;
}

/* Started as the user, with root's group beside his own: nobody but root could give it up. */
static int
kept_group(void)
{
	const gid_t groups[] = { gid, 0 };
	char error[256];

	MUST(setgroups(2, groups) == 0 && setresgid(gid, gid, gid) == 0);
	MUST(setresuid(uid, uid, uid) == 0);
	MUST(!privilege_become(uid, gid, 0, error, sizeof(error)));
	MUST(strstr(error, "group id of root"));
	return 0;
}

static void
test_become(void **state)
{
	(void)state;
	assert_int_equal(in_child(become), 0);
	assert_int_equal(in_child(leftovers), 0);
	assert_int_equal(in_child(kept_capabilities), 0);
	assert_int_equal(in_child(kept_group), 0);
}

static void
test_users(void **state)
{
	char error[256];
	uid_t u;
	gid_t g;

	(void)state;
	assert_true(privilege_user(USER, &u, &g, error, sizeof(error)));
	assert_true(u != 0 && g != 0);
	assert_false(privilege_user("root", &u, &g, error, sizeof(error)));
	assert_string_equal(error, "user \"root\" has the id or the group of root");
	assert_false(privilege_user("no-such-user", &u, &g, error, sizeof(error)));
}

static void
check_folder(const char *path, mode_t mode, uid_t owner)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_uid, owner);
}

static struct config paths;

static int
check_as_user(void)
{
	char error[1024];

	MUST(privilege_become(uid, gid, 0, error, sizeof(error)));
	MUST(directories_check(&paths, error, sizeof(error)));
	return 0;
}

static int
check_fails_as_user(void)
{
	char error[1024];

	MUST(privilege_become(uid, gid, 0, error, sizeof(error)));
	MUST(!directories_check(&paths, error, sizeof(error)));
	MUST(strstr(error, "state-dir: no files can be made in") == error);
	return 0;
}

static void
test_folders(void **state)
{
	char base[] = "/tmp/postern-folders-XXXXXX", s[64], l[64], c[64], u[] = USER, error[512];
	char path[128], remove[128];

	(void)state;
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(s, sizeof(s), "%s/var/lib/postern", base);
	snprintf(l, sizeof(l), "%s/log/decisions.jsonl", base);
	snprintf(c, sizeof(c), "%s/run/postern/control.sock", base);
	paths.state_dir = s;
	paths.log.file = l;
	paths.control = c;
	paths.user = u;
	umask(077);
	assert_true(directories_make(&paths, uid, gid, error, sizeof(error)));
	check_folder(s, 0750, uid);
	snprintf(path, sizeof(path), "%s/var", base);
	check_folder(path, 0755, 0);
	snprintf(path, sizeof(path), "%s/log", base);
	check_folder(path, 0750, uid);
	snprintf(path, sizeof(path), "%s/run/postern", base);
	check_folder(path, 0755, uid);
	assert_int_equal(in_child(check_as_user), 0);
	/* Existing ones are left alone, whoever owns them. */
	assert_int_equal(chown(s, 0, 0), 0);
	assert_int_equal(chmod(s, 0700), 0);
	assert_true(directories_make(&paths, uid, gid, error, sizeof(error)));
	check_folder(s, 0700, 0);
	assert_int_equal(in_child(check_fails_as_user), 0);
	/* A file in the way. */
	snprintf(s, sizeof(s), "%s/file/below", base);
	snprintf(path, sizeof(path), "%s/file", base);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_false(directories_make(&paths, uid, gid, error, sizeof(error)));
	assert_non_null(strstr(error, "state-dir: the folder"));
	snprintf(remove, sizeof(remove), "rm -r %s", base);
	assert_int_equal(system(remove), 0);	/* NOLINT(cert-env33-c) */
}

/* Root follows its own links; one that `user` planted in a folder of his leads nowhere. */
static void
test_planted_links(void **state)
{
	char base[] = "/tmp/postern-links-XXXXXX", s[64], l[64], c[64], u[] = USER, error[512];
	char path[128], remove[128];

	(void)state;
	assert_non_null(mkdtemp(base));
	snprintf(s, sizeof(s), "%s/own/link/s", base);
	snprintf(l, sizeof(l), "%s/log/d", base);
	snprintf(c, sizeof(c), "%s/run/sock", base);
	paths = (struct config){ .state_dir = s, .control = c, .user = u, .log.file = l };
	snprintf(path, sizeof(path), "%s/own", base);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/elsewhere", base);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/own/link", base);
	assert_int_equal(symlink("../elsewhere", path), 0);
	assert_true(directories_make(&paths, uid, gid, error, sizeof(error)));
	snprintf(path, sizeof(path), "%s/elsewhere/s", base);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/own", base);
	assert_int_equal(chown(path, uid, gid), 0);
	assert_false(directories_make(&paths, uid, gid, error, sizeof(error)));
	snprintf(path, sizeof(path), "%s/elsewhere/s", base);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(remove, sizeof(remove), "rm -r %s", base);
	assert_int_equal(system(remove), 0);	/* NOLINT(cert-env33-c) */
}

static int
others_closed(void)
{
	int keep[3], i, fds[6];

	for (i = 0; i < 6; i++)
		fds[i] = dup(0);
	keep[0] = fds[4];
	keep[1] = -1;
	keep[2] = fds[1];
	MUST(descriptors_close_others(keep, 3));
	for (i = 0; i < 6; i++)
		MUST((fcntl(fds[i], F_GETFD) >= 0) == (i == 1 || i == 4));
	MUST(fcntl(0, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0);
	return 0;
}

static int
standard_opened(void)
{
	int i, fd;

	for (i = 0; i < 3; i++)
		close(i);
	MUST(descriptors_standard());
	fd = dup(0);
	MUST(fd == 3);
	for (i = 0; i < 3; i++)
		MUST(fcntl(i, F_GETFD) == 0);
	MUST(write(2, "x", 1) == 1);
	return 0;
}

static int
limit_raised(void)
{
	const struct rlimit low = { 300, 4000 };
	struct rlimit now;
	unsigned long got;

	MUST(setrlimit(RLIMIT_NOFILE, &low) == 0);
	MUST(setresuid(uid, uid, uid) == 0);
	MUST(descriptors_raise(1000, &got) && got == 2256);
	MUST(!descriptors_raise(10000, &got) && got == 4000);
	MUST(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 4000);
	return 0;
}

static void
test_descriptors(void **state)
{
	(void)state;
	assert_int_equal(in_child(others_closed), 0);
	assert_int_equal(in_child(standard_opened), 0);
	assert_int_equal(in_child(limit_raised), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_become),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_planted_links),
		cmocka_unit_test(test_descriptors),
	};
	char error[256];

	if (geteuid() != 0 || !privilege_user(USER, &uid, &gid, error, sizeof(error))) {
		puts("1..0 # SKIP needs root and the user " USER);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
