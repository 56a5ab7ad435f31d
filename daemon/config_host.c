/* config_host.c - what the configuration asks the machine
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/config_host.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config_value.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 16384	/* nameserver lines stand at the top */
#define CA_START_MAX 65536	/* a certificate, and what may be written above the first one */

static bool
host_user_exists(const char *name)
{
	return getpwnam(name) != NULL;
}

/* The start of a plain file; -1 with errno. */
static ssize_t
read_start(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
	ssize_t n = -1;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || (S_ISREG(st.st_mode) && (n = read(fd, text, size)) < 0))
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	close(fd);
	errno = error;
	return n;
}

/* Whether they can be read as certificates turns out when they are (certificate.c). */
static bool
host_ca_usable(const char *path, char *why, size_t size)
{
	static const char mark[] = "CERTIFICATE-----";
	char text[CA_START_MAX];
	ssize_t n = read_start(path, text, sizeof(text));

	if (n < 0)
		snprintf(why, size, "cannot be read: %s", strerror(errno));
	else if (memmem(text, (size_t)n, mark, sizeof(mark) - 1) == NULL)
		snprintf(why, size, "holds no certificates in PEM form");
	else
		return true;
	return false;
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
	.ca_usable = host_ca_usable,
	.resolvers = host_resolvers,
	.cpus = host_cpus,
	.now = host_now,
};
