/* sandbox_nfq_test.c - behind sandbox_nfq the firewall's programs run, and nothing else goes
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each act in a process of its own: an ordinary user with CAP_NET_ADMIN alone, ambient, in a network
 * namespace of its own. Making that takes root; without it the test is skipped. */
#include "daemon/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netlink.h>

#include <cmocka.h>

#include "nfq/program.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#define NOBODY 65534

static char folder[] = "/tmp/postern-nfq.XXXXXX", note[64], other[64];

/* What it is in the daemon. */
static void
become(void)
{
	if (unshare(CLONE_NEWNET) != 0 || prctl(PR_SET_KEEPCAPS, 1) != 0 ||
	    setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0)
		_exit(3);
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
	    CAPNG_AMBIENT, CAP_NET_ADMIN) != 0 ||
	    capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) != 0)
		_exit(4);
	prctl(PR_SET_DUMPABLE, 1);	/* so that it is not that which keeps ptrace out */
}

/* inside: whether it works, with or without the sandbox. */
static bool
inside(bool (*act)(void *arg), void *arg, bool sandboxed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char why[160] = "";

		alarm(60);
		become();
		if (sandboxed && (!sandbox_nfq(note, why, sizeof(why)) || why[0] != '\0'))
			_exit(2);
		_exit(act(arg) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		fail_msg("ended with status %#x", (unsigned)status);
	return WEXITSTATUS(status) == 0;
}

struct line {
	const char *argv[12];
	const char *in;
};

static bool
run(const struct line *line)
{
	struct program_result result;
	bool done = program_run(line->argv, line->in, -1, &result);

	if (!done)
		fprintf(stderr, "%s: %d, %s\n", line->argv[0], result.status, result.error);
	program_free(&result);
	return done;
}

/* All of them in one namespace, one after the other. */
static bool
programs(void *arg)
{
	static const char rules[] =
	    "*filter\n:POSTERN - [0:0]\n-A POSTERN -p tcp --dport 25 -j REJECT --reject-with "
	    "tcp-reset\n-A FORWARD -p tcp --dport 25 -j POSTERN\n-A OUTPUT -p tcp --dport 25 -m "
	    "owner --uid-owner 65534 --socket-exists -j RETURN\nCOMMIT\n"
	    "*mangle\n:POSTERN - [0:0]\n-A POSTERN -m addrtype ! --dst-type LOCAL -j MARK "
	    "--set-xmark 0x28000000/0xff000000\n-A POSTERN -j CONNMARK --save-mark\n"
	    "-A PREROUTING -p tcp --dport 25 -j POSTERN\nCOMMIT\n"
	    "*nat\n:POSTERN - [0:0]\n-A POSTERN -p tcp -j REDIRECT --to-ports 2525\nCOMMIT\n";
	static const char table[] =
	    "table inet postern {\n\tchain forward {\n\t\ttype filter hook forward priority -1;\n"
	    "\t\ttcp dport 25 fib daddr type != local reject with tcp reset\n\t}\n}\n";
	static const struct line lines[] = {
		{ { "iptables-restore", "--noflush" }, rules },
		{ { "ip6tables-restore", "--noflush" }, rules },
		{ { "iptables-save", "-c" }, NULL },
		{ { "ip6tables-save" }, NULL },
		{ { "iptables", "-w", "5", "-t", "nat", "-D", "POSTERN", "1" }, NULL },
		{ { "nft", "-f", "-" }, table },
		{ { "nft", "-j", "list", "ruleset" }, NULL },
		{ { "ip", "link", "set", "lo", "up" }, NULL },
		{ { "ip", "rule", "add", "pref", "2520", "fwmark", "0x26000000/0xff000000",
		    "lookup", "2525" }, NULL },
		{ { "ip", "route", "add", "local", "default", "dev", "lo", "table", "2525" }, NULL },
		{ { "ip", "-6", "route", "add", "local", "default", "dev", "lo", "table", "2525" },
		    NULL },
		{ { "ip", "-6", "-j", "rule", "show" }, NULL },
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!run(&lines[i]))
			return false;
	return true;
}

static bool
opens(void *path)
{
	return open(path, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
writes(void *path)
{
	return open(path, O_WRONLY | O_CLOEXEC) >= 0;
}

static bool
creates(void *path)
{
	char name[160];

	snprintf(name, sizeof(name), "%s.new", (char *)path);
	return open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static bool
removes(void *path)
{
	return unlink(path) == 0;
}

static bool
cuts(void *path)
{
	return truncate(path, 0) == 0;
}

static bool
changes_mode(void *path)
{
	return chmod(path, 0600) == 0;
}

/* A program that it runs is no better off. */
static bool
child_writes(void *path)
{
	const struct line line = { { "cp", "/etc/passwd", path }, NULL };

	return run(&line);
}

static bool
runs_from_elsewhere(void *path)
{
	execl(path, path, (char *)NULL);	/* a script that ends well */
	return false;
}

static bool
kills_its_child(void *arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid > 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid;
}

/* By signals like these the policy process would seem to have crashed over its store. */
static bool
crashes_others(void *arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	bool done = kill(pid, SIGABRT) == 0 || syscall(SYS_tgkill, pid, pid, SIGABRT) == 0 ||
	    syscall(SYS_tkill, pid, SIGABRT) == 0;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return done;
}

static bool
stops_others(void *arg)
{
	(void)arg;
	return kill(getpid(), SIGCONT) == 0;
}

static bool
traces(void *arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	bool done = ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return done;
}

static bool
limits_others(void *arg)
{
	struct rlimit limit;

	(void)arg;
	return prlimit(getpid(), RLIMIT_NOFILE, NULL, &limit) == 0;
}

static bool
limits_itself(void *arg)
{
	struct rlimit limit;

	(void)arg;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool
new_namespace(void *arg)
{
	int status;
	/* clone() as fork() does it, with one flag more. */
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	(void)arg;
	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid((pid_t)pid, &status, 0) == pid;
}

static bool
unshares(void *arg)
{
	(void)arg;
	return unshare(CLONE_NEWUSER) == 0;
}

static bool
unix_socket(void *arg)
{
	(void)arg;
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool
talks_netlink(void *arg)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	(void)arg;
	return fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 &&
	    socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 &&
	    socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static void
both_ways(const char *name, bool (*act)(void *arg), void *arg, bool expected)
{
	if (!inside(act, arg, false))
		fail_msg("%s does not even work without the sandbox", name);
#ifndef SANITIZED
	if (inside(act, arg, true) != expected)
		fail_msg("%s %s in the sandbox", name, expected ? "fails" : "works");
#else
	(void)expected;
#endif
}

static void
the_firewalls_programs_run(void **state)
{
	if (*state == NULL)
		skip();
	both_ways("iptables, nft, ip", programs, NULL, true);
	both_ways("SIGKILL to a child", kills_its_child, NULL, true);
	both_ways("netlink", talks_netlink, NULL, true);
	both_ways("own limits", limits_itself, NULL, true);
	both_ways("reading the note", opens, note, true);
	both_ways("/proc", opens, (char[]){ "/proc/sys/net/ipv4/ip_forward" }, true);
	both_ways("/dev/null", writes, (char[]){ "/dev/null" }, true);
}

static void
nothing_else_goes(void **state)
{
	static const struct {
		const char *name;
		bool (*act)(void *arg);
		char *path;
		bool never;		/* hosts may forbid it by themselves */
	} acts[] = {
		{ "writing beside the note", writes, note, false },
		{ "creating", creates, note, false }, { "reading elsewhere", opens, other, false },
		{ "writing elsewhere", writes, other, false },
		{ "truncate", cuts, note, false }, { "chmod", changes_mode, note, false },
		{ "a child that writes", child_writes, other, false },
		{ "a program from elsewhere", runs_from_elsewhere, other, false },
		{ "unlink", removes, note, false },
		{ "ptrace", traces, NULL, true },
		{ "SIGABRT to others", crashes_others, NULL, false },
		{ "other signals", stops_others, NULL, false },
		{ "prlimit of others", limits_others, NULL, false },
		{ "clone with a namespace", new_namespace, NULL, true },
		{ "unshare", unshares, NULL, true },
		{ "AF_UNIX", unix_socket, NULL, false },
	};

	if (*state == NULL)
		skip();
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		char name[96];

		for (size_t k = 0; k < 2; k++) {
			const char *path = k == 0 ? note : other;
			int fd;

			snprintf(name, sizeof(name), "%s.new", path);
			unlink(name);
			unlink(path);
			fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
			assert_true(fd >= 0 && write(fd, "#!/bin/true\n", 12) == 12);
			assert_int_equal(fchown(fd, NOBODY, NOBODY), 0);
			close(fd);
		}
		if (acts[i].never && !inside(acts[i].act, acts[i].path, false))
			continue;
		both_ways(acts[i].name, acts[i].act, acts[i].path, false);
	}
}

/* Even with the capability for it: what the daemon gives this process is one thing, what it may ask
 * for another. */
static bool
raw_socket(void *family)
{
	return socket(*(int *)family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP) >= 0;
}

static void
raw_sockets_are_not_for_root_either(void **state)
{
	int families[] = { AF_INET, AF_INET6, AF_PACKET };

	if (*state == NULL)
		skip();
	for (size_t i = 0; i < 3; i++) {
		for (int sandboxed = 0; sandboxed < 2; sandboxed++) {
			int status;
			pid_t pid = fork();

			if (pid == 0) {
				char why[160];
				if (sandboxed && !sandbox_nfq(note, why, sizeof(why)))
					_exit(2);
				_exit(raw_socket(&families[i]) ? 0 : 1);
			}
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_true(WIFEXITED(status));
#ifndef SANITIZED
			assert_int_equal(WEXITSTATUS(status), sandboxed);
#endif
		}
	}
}

static int
make_files(void **state)
{
	static char can;

	if (geteuid() != 0)
		return 0;
	if (mkdtemp(folder) == NULL || chown(folder, NOBODY, NOBODY) != 0)
		return -1;
	snprintf(note, sizeof(note), "%s/state/note", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	char *state_dir = strndup(note, strlen(note) - 5);
	int made = mkdir(state_dir, 0700) != 0 || chown(state_dir, NOBODY, NOBODY) != 0;
	free(state_dir);
	int fd = open(note, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	close(fd);
	*state = &can;
	return made || fd < 0;
}

static int
remove_files(void **state)
{
	char command[96];

	if (*state == NULL)
		return 0;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_firewalls_programs_run), cmocka_unit_test(nothing_else_goes),
		cmocka_unit_test(raw_sockets_are_not_for_root_either),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
