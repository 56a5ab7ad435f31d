/* plan_host.c - what a plan asks this machine: its families of addresses and its users
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "nfq/plan.h"

#define USER_BUFFER 4096	/* one line of passwd; getpwnam_r asks for 1024 by itself */
#define IPV6 "/proc/sys/net/ipv6"

/* Whether the file begins with the digit 1. What cannot be read is taken for on: rules for a family
 * that is off are refused by their program and said, a family forgotten would leak. */
static bool
says_one(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = '0';
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, &c, 1);
	close(fd);
	return n == 1 && c == '1';
}

static bool
family_off(bool v6)
{
	/* Linux runs without IPv4 only where it was built so. */
	if (!v6)
		return access("/proc/sys/net/ipv4", F_OK) != 0;
	return access(IPV6, F_OK) != 0 || says_one(IPV6 "/conf/all/disable_ipv6");
}

static bool
user(const char *name, uid_t *uid)
{
	char buffer[USER_BUFFER];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
		return false;
	*uid = found->pw_uid;
	return true;
}

const struct plan_host plan_host = { family_off, user };
