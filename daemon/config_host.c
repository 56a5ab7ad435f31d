/* config_host.c - what the configuration asks the machine
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/config_host.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config_value.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 16384	/* nameserver lines stand at the top */

static bool
host_user_exists(const char *name)
{
	return getpwnam(name) != NULL;
}

static int
host_readable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
	struct stat st;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	close(fd);
	return error;
}

static size_t
host_resolvers(struct address *out, size_t max)
{
	char text[RESOLV_CONF_MAX];
	int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 ? value_resolvers(out, max, text, (size_t)n) : 0;
}

static unsigned
host_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}

static time_t
host_now(void)
{
	return time(NULL);
}

const struct config_host config_host = {
	.user_exists = host_user_exists,
	.readable = host_readable,
	.resolvers = host_resolvers,
	.cpus = host_cpus,
	.now = host_now,
};
