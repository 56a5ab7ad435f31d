/* privilege.c - giving up root and everything near it, for good
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order matters: the bounding set needs CAP_SETPCAP, groups need CAP_SETGID, so both go before
 * the user id; what must stick across the change of ids (dumpable is reset by it) comes after. */
#include "daemon/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static bool
failed(char *error, size_t size, const char *what)
{
	snprintf(error, size, "%s: %s", what, strerror(errno));
	return false;
}

bool
privilege_user(const char *name, uid_t *uid, gid_t *gid, char *error, size_t error_size)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (user == NULL) {
		snprintf(error, error_size, "there is no user \"%s\" on this system", name);
		return false;
	}
	if (user->pw_uid == 0 || user->pw_gid == 0) {
		snprintf(error, error_size, "user \"%s\" has the id or the group of root", name);
		return false;
	}
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	return true;
}

static bool
change_ids(uid_t uid, gid_t gid, char *error, size_t size)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		return failed(error, size, "dropping the bounding set");
	if (setgroups(1, &gid) != 0)
		return failed(error, size, "setgroups");
	if (setresgid(gid, gid, gid) != 0)
		return failed(error, size, "setresgid");
	if (setresuid(uid, uid, uid) != 0)
		return failed(error, size, "setresuid");
	return true;
}

/* Without root the bounding set can only be emptied where CAP_SETPCAP is held; what stays in it is
 * out of reach, since exec gives no privileges any more. */
static bool
drop_capabilities(char *error, size_t size)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return failed(error, size, "dropping ambient capabilities");
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return failed(error, size, "dropping capabilities");
	return true;
}

static bool
close_doors(char *error, size_t size)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed(error, size, "no_new_privs");
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return failed(error, size, "RLIMIT_CORE");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return failed(error, size, "PR_SET_DUMPABLE");
	return true;
}

bool
privilege_become(uid_t uid, gid_t gid, char *error, size_t error_size)
{
	if (geteuid() == 0 && !change_ids(uid, gid, error, error_size))
		return false;
	if (geteuid() != uid || getuid() != uid) {
		snprintf(error, error_size, "this is uid %u, not uid %u", (unsigned)geteuid(),
		    (unsigned)uid);
		return false;
	}
	return drop_capabilities(error, error_size) && close_doors(error, error_size) &&
	    privilege_verify(error, error_size);
}

static bool
in_roots_group(void)
{
	int n = getgroups(0, NULL), i;
	gid_t *groups = n > 0 ? calloc((size_t)n, sizeof(*groups)) : NULL;
	bool found = n != 0 && (groups == NULL || (n = getgroups(n, groups)) < 0);

	for (i = 0; i < n && !found; i++)
		found = groups[i] == 0;
	free(groups);
	return found;
}

bool
privilege_verify(char *error, size_t error_size)
{
	const char *left = NULL;
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) != 0 || getresgid(&rgid, &egid, &sgid) != 0)
		return failed(error, error_size, "getresuid");
	if (ruid == 0 || euid == 0 || suid == 0)
		left = "a user id of root";
	else if (rgid == 0 || egid == 0 || sgid == 0 || in_roots_group())
		left = "a group id of root";
	else if (ruid != euid || ruid != suid || rgid != egid || rgid != sgid)
		left = "a second user or group id";
	else if (setuid(0) == 0 || seteuid(0) == 0)
		left = "the way back to root";
	else if (capng_get_caps_process() != 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		left = "capabilities";
	else if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		left = "new privileges by exec";
	else if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		left = "being dumpable";
	if (left == NULL)
		return true;
	snprintf(error, error_size, "could not give up %s", left);
	return false;
}
