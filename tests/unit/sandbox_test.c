/* sandbox_test.c - what a worker may not do any more, and what it still can
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static bool may_bind;
static int door;		/* a listening socket opened before */
static struct sockaddr_in there;

static bool
opens(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool
creates(void)
{
	return open("/tmp/postern-sandbox", O_CREAT | O_WRONLY, 0600) >= 0;
}

static bool
removes(void)
{
	return unlink("/tmp/postern-sandbox-there") == 0;
}

#ifndef SANITIZED
static bool
runs(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return false;
}
#endif

static bool
forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
signals(void)
{
	return kill(getppid(), 0) == 0;
}

static bool
signals_a_thread(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool
signals_with_octets(void)
{
	siginfo_t info = { .si_signo = 0, .si_code = SI_QUEUE };

	return syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), 0, &info) == 0;
}

/* What the kernel then sends, when something comes, is whatever was asked for. */
static bool
has_signals_sent(void)
{
	return fcntl(door, F_SETOWN, getppid()) == 0 || fcntl(door, F_SETSIG, SIGSEGV) == 0;
}

static bool
has_signals_sent_otherwise(void)
{
	struct f_owner_ex owner = { F_OWNER_PID, getppid() };
	pid_t pid = getppid();

	return ioctl(door, FIOSETOWN, &pid) == 0 || ioctl(door, SIOCSPGRP, &pid) == 0 ||
	    fcntl(door, F_SETOWN_EX, &owner) == 0;
}

/* abort() does. */
static bool
signals_itself(void)
{
	return signal(SIGUSR2, SIG_IGN) != SIG_ERR && raise(SIGUSR2) == 0;
}

static bool
unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool
netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}

#ifndef SANITIZED
static bool
raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP) >= 0;
}
#endif

static bool
binds(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };

	return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&any, sizeof(any)) == 0;
}

static bool
talks(void)
{
	int out = socket(AF_INET, SOCK_STREAM, 0);
	bool connected = connect(out, (struct sockaddr *)&there, sizeof(there)) == 0;
	int in = accept4(door, NULL, NULL, SOCK_NONBLOCK);
	char c;

	return connected && in >= 0 && send(out, "x", 1, 0) == 1 && recv(in, &c, 1, 0) == 1 &&
	    socket(AF_INET6, SOCK_STREAM, 0) >= 0;
}

/* What a session that passes end to end asks for. */
static bool
splices(void)
{
	int out = socket(AF_INET, SOCK_STREAM, 0), pipes[2], in;
	char c = '\0';

	if (connect(out, (struct sockaddr *)&there, sizeof(there)) != 0 ||
	    (in = accept4(door, NULL, NULL, 0)) < 0 || pipe2(pipes, O_NONBLOCK) != 0)
		return false;
	return fcntl(pipes[1], F_SETPIPE_SZ, 131072) == 131072 &&
	    fcntl(pipes[1], F_GETPIPE_SZ) == 131072 &&
	    setsockopt(in, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){ 1000 }, sizeof(int)) == 0 &&
	    setsockopt(in, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int)) == 0 &&
	    send(out, "x", 1, 0) == 1 &&
	    splice(in, NULL, pipes[1], NULL, 65536, SPLICE_F_MOVE | SPLICE_F_NONBLOCK) == 1 &&
	    splice(pipes[0], NULL, in, NULL, 1, SPLICE_F_MOVE | SPLICE_F_NONBLOCK) == 1 &&
	    shutdown(in, SHUT_WR) == 0 && recv(out, &c, 1, 0) == 1 && c == 'x' &&
	    recv(out, &c, 1, 0) == 0;
}

static bool
remembers(void)
{
	unsigned char random[16];
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && getrandom(random, sizeof(random), 0) == sizeof(random);
}

static bool
cuts(void)
{
	return truncate("/tmp/postern-sandbox-there", 0) == 0;
}

static bool
changes_mode(void)
{
	return chmod("/tmp/postern-sandbox-there", 0400) == 0;
}

/* With its number: libc's own fchmodat may not know it. Kernels before 6.6 do not either. */
static bool
changes_mode_anew(void)
{
	return syscall(452, AT_FDCWD, "/tmp/postern-sandbox-there", 0400, 0) == 0 ||
	    errno == ENOSYS;
}

/* inside: whether it works in a process of its own behind the sandbox. */
static bool
inside(bool (*act)(void), bool sandboxed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char why[160] = "";
		alarm(20);
		if (sandboxed && (!sandbox_worker(may_bind, why, sizeof(why)) || why[0] != '\0'))
			_exit(2);
		_exit(act() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		fail_msg("ended with status %#x", (unsigned)status);
	return WEXITSTATUS(status) == 0;
}

static void
what_is_forbidden(void **state)
{
	static const struct {
		const char *name;
		bool (*act)(void);
	} acts[] = {
		{ "open", opens }, { "create", creates }, { "unlink", removes }, { "fork", forks },
		{ "kill", signals }, { "AF_UNIX", unix_socket }, { "AF_NETLINK", netlink_socket },
		{ "bind", binds }, { "truncate", cuts }, { "chmod", changes_mode },
		{ "fchmodat2", changes_mode_anew }, { "tgkill", signals_a_thread },
		{ "rt_tgsigqueueinfo", signals_with_octets }, { "F_SETOWN", has_signals_sent },
		{ "FIOSETOWN", has_signals_sent_otherwise },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		close(open("/tmp/postern-sandbox-there", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		if (!inside(acts[i].act, false))
			fail_msg("%s does not even work without the sandbox", acts[i].name);
#ifndef SANITIZED
		close(open("/tmp/postern-sandbox-there", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		if (inside(acts[i].act, true))
			fail_msg("%s works in the sandbox", acts[i].name);
#endif
	}
#ifndef SANITIZED
	assert_false(inside(runs, true));
#endif
	unlink("/tmp/postern-sandbox-there");
	unlink("/tmp/postern-sandbox");
}

/* intercept.source: client */
static void
binding_is_lent_alone(void **state)
{
	(void)state;
	may_bind = true;
	assert_true(inside(binds, true));
#ifndef SANITIZED
	assert_false(inside(opens, true));
	assert_false(inside(raw_socket, true));
	assert_false(inside(forks, true));
	assert_false(inside(netlink_socket, true));
#endif
	may_bind = false;
}

static void
what_is_not(void **state)
{
	(void)state;
	assert_true(inside(talks, true));
	assert_true(inside(splices, true));
	assert_true(inside(remembers, true));
	assert_true(inside(signals_itself, true));
}

static int
open_door(void **state)
{
	socklen_t len = sizeof(there);

	(void)state;
	there.sin_family = AF_INET;
	there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(door, (struct sockaddr *)&there, len) || listen(door, 4) ||
	    getsockname(door, (struct sockaddr *)&there, &len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_forbidden), cmocka_unit_test(what_is_not),
		cmocka_unit_test(binding_is_lent_alone),
	};

	return cmocka_run_group_tests(tests, open_door, NULL);
}
