/* descriptors.c - the process's table of open files
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define PER_SESSION 2		/* the client's and the server's socket */
#define BESIDES 256		/* listener, channels, the policy process's DNS, HTTPS and store */

bool
descriptors_standard(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), i;
	bool good = fd >= 0;

	for (i = STDIN_FILENO; good && i <= STDERR_FILENO; i++)
		if (i == STDIN_FILENO || fcntl(i, F_GETFD) < 0)
			good = fd == i ? fcntl(fd, F_SETFD, 0) == 0 : dup2(fd, i) == i;
	if (fd > STDERR_FILENO)
		close(fd);
	return good;
}

bool
descriptors_raise(unsigned sessions, unsigned long *got)
{
	rlim_t need = (rlim_t)sessions * PER_SESSION + BESIDES;
	struct rlimit now, wanted;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return false;
	wanted = now;
	if (wanted.rlim_cur < need)
		wanted.rlim_cur = need;
	if (wanted.rlim_max < wanted.rlim_cur)
		wanted.rlim_max = wanted.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &wanted) != 0) {
		wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &wanted) != 0)
			wanted = now;
	}
	*got = wanted.rlim_cur;
	return wanted.rlim_cur >= need;
}

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

bool
descriptors_close_others(int *keep, size_t n)
{
	unsigned from = STDERR_FILENO + 1;
	size_t i;

	qsort(keep, n, sizeof(*keep), by_number);
	for (i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from && close_range(from, (unsigned)keep[i] - 1, 0) != 0)
			return false;
		from = (unsigned)keep[i] + 1;
	}
	return close_range(from, UINT_MAX, 0) == 0;
}
