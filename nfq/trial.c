/* trial.c - an empty network namespace, where rules are tried before they count
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A child makes it and we open it from outside, so that this process is never in another one than
 * its own. */
#include "nfq/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Routes by `lo` are refused while it is down. */
static bool
loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0)
		return false;
	request.ifr_flags = IFF_UP;
	ok = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	close(fd);
	return ok;
}

/* The child: makes it, says how that went, and stays until the other end is closed. */
static void
hold(int fd)
{
	int problem = unshare(CLONE_NEWNET) == 0 && loopback_up() ? 0 : errno;

	if (write(fd, &problem, sizeof(problem)) == (ssize_t)sizeof(problem))
		(void)!read(fd, &problem, 1);
	_exit(0);
}

int
trial_open(char *error, size_t error_size)
{
	int pair[2], fd = -1, problem = EIO;
	char path[64];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || (pid = fork()) < 0) {
		snprintf(error, error_size, "a network namespace: %s", strerror(errno));
		return -1;
	}
	if (pid == 0) {
		close(pair[0]);
		hold(pair[1]);
	}
	close(pair[1]);
	if (read(pair[0], &problem, sizeof(problem)) == (ssize_t)sizeof(problem) && problem == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		problem = errno;
	}
	close(pair[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (fd < 0)
		snprintf(error, error_size, "a network namespace: %s", strerror(problem));
	return fd;
}
