/* privilege.c - giving up root and everything near it, for good
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order matters: the bounding set needs CAP_SETPCAP, groups need CAP_SETGID, so both go before
 * the user id; what must stick across the change of ids (dumpable is reset by it) comes after. A
 * capability that stays does so across that change by PR_SET_KEEPCAPS, and is then put down. */
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

#define CAPABILITIES 64	/* room in the kernel's sets; it knows of 41 */

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

static const struct {
	unsigned bit, capability;
} known[] = {
	{ PRIVILEGE_NET_ADMIN, CAP_NET_ADMIN },
	{ PRIVILEGE_NET_RAW, CAP_NET_RAW },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

unsigned
privilege_permitted(void)
{
	unsigned held = 0;
	size_t i;

	if (capng_get_caps_process() != 0)
		return 0;
	for (i = 0; i < KNOWN; i++)
		if (capng_have_capability(CAPNG_PERMITTED, known[i].capability))
			held |= known[i].bit;
	return held;
}

static void
put(unsigned which, capng_type_t sets)
{
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if ((which & known[i].bit) != 0)
			capng_update(CAPNG_ADD, sets, known[i].capability);
}

static bool
change_ids(uid_t uid, gid_t gid, unsigned keep, char *error, size_t size)
{
	capng_clear(CAPNG_SELECT_BOTH);
	put(keep, CAPNG_BOUNDING_SET);
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		return failed(error, size, "dropping the bounding set");
	if (setgroups(1, &gid) != 0)
		return failed(error, size, "setgroups");
	if (setresgid(gid, gid, gid) != 0)
		return failed(error, size, "setresgid");
	if (prctl(PR_SET_KEEPCAPS, keep != 0, 0, 0, 0) != 0)
		return failed(error, size, "PR_SET_KEEPCAPS");
	if (setresuid(uid, uid, uid) != 0)
		return failed(error, size, "setresuid");
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
		return failed(error, size, "PR_SET_KEEPCAPS");
	return true;
}

static const capng_type_t sets_of[] = {
	[PRIVILEGE_IDLE] = CAPNG_PERMITTED,
	[PRIVILEGE_USE] = CAPNG_PERMITTED | CAPNG_EFFECTIVE,
	[PRIVILEGE_BEQUEATH] = CAPNG_PERMITTED | CAPNG_EFFECTIVE | CAPNG_INHERITABLE,
};

/* Without root the bounding set can only be emptied where CAP_SETPCAP is held; what stays in it is
 * out of reach, since exec gives no privileges any more. */
bool
privilege_keep(unsigned which, enum privilege_use use, char *error, size_t error_size)
{
	size_t i;

	capng_clear(CAPNG_SELECT_BOTH);
	put(which, sets_of[use]);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return failed(error, error_size, "dropping ambient capabilities");
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return failed(error, error_size, "dropping capabilities");
	for (i = 0; i < KNOWN && use == PRIVILEGE_BEQUEATH; i++)
		if ((which & known[i].bit) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, known[i].capability, 0, 0) != 0)
			return failed(error, error_size, "an ambient capability");
	return true;
}

bool
privilege_raise(unsigned which)
{
	unsigned held = privilege_permitted();

	capng_clear(CAPNG_SELECT_BOTH);
	put(held, CAPNG_PERMITTED);
	put(which, CAPNG_EFFECTIVE);
	return capng_apply(CAPNG_SELECT_CAPS) == 0;
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
privilege_become(uid_t uid, gid_t gid, unsigned keep, char *error, size_t error_size)
{
	if (geteuid() == 0 && !change_ids(uid, gid, keep, error, error_size))
		return false;
	if (geteuid() != uid || getuid() != uid) {
		snprintf(error, error_size, "this is uid %u, not uid %u", (unsigned)geteuid(),
		    (unsigned)uid);
		return false;
	}
	return privilege_keep(keep, PRIVILEGE_IDLE, error, error_size) &&
	    close_doors(error, error_size) &&
	    privilege_verify(keep, PRIVILEGE_IDLE, error, error_size);
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

static bool
is_among(unsigned capability, unsigned which)
{
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if (known[i].capability == capability)
			return (which & known[i].bit) != 0;
	return false;
}

/* Every capability, in each of the four sets: it is there where it is wanted and nowhere else. */
static bool
holds_just(unsigned which, enum privilege_use use)
{
	static const capng_type_t sets[] = { CAPNG_PERMITTED, CAPNG_EFFECTIVE, CAPNG_INHERITABLE };
	unsigned c, i;
	bool wanted;

	if (capng_get_caps_process() != 0)
		return false;
	for (c = 0; c < CAPABILITIES; c++) {
		wanted = is_among(c, which);
		for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
			if ((capng_have_capability(sets[i], c) == 1) !=
			    (wanted && (sets_of[use] & sets[i]) != 0))
				return false;
		if ((prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1) !=
		    (wanted && use == PRIVILEGE_BEQUEATH))
			return false;
	}
	return true;
}

bool
privilege_verify(unsigned which, enum privilege_use use, char *error, size_t error_size)
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
	else if (!holds_just(which, use))
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
