/* plan_host.c - what a plan asks this machine: its families of addresses and its users
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nfq/plan.h"

#define USER_BUFFER 4096	/* one line of passwd; getpwnam_r asks for 1024 by itself */
#define IPV6 "/proc/sys/net/ipv6/conf"

/* Whether the file begins with the digit 1, or went away with its interface. What cannot be read is
 * taken for on: rules for a family that is off are refused by their program and said, a family
 * forgotten would leak. */
static bool
says_one(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = '0';
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT;
	n = read(fd, &c, 1);
	close(fd);
	return n == 1 && c == '1';
}

/* conf/all speaks for the interfaces at the moment when it is written; what each of them says
 * counts, and conf/default for those to come. Nobody's mail comes in by the loopback. */
static bool
ipv6_off(void)
{
	DIR *folder = opendir(IPV6);
	const struct dirent *entry;
	bool off = folder != NULL || errno == ENOENT;

	while (off && folder != NULL && (entry = readdir(folder)) != NULL) {
		char path[sizeof(IPV6) + sizeof(entry->d_name) + sizeof("//disable_ipv6")];

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lo") == 0)
			continue;
		snprintf(path, sizeof(path), IPV6 "/%s/disable_ipv6", entry->d_name);
		off = says_one(path);
	}
	if (folder != NULL)
		closedir(folder);
	return off;
}

static bool
family_off(bool v6)
{
	/* Linux runs without IPv4 only where it was built so. */
	if (!v6)
		return access("/proc/sys/net/ipv4", F_OK) != 0;
	return ipv6_off();
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
