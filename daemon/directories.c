/* directories.c - the folders of state-dir, log.file and control
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS 3

struct folder {
	const char *key;
	char path[PATH_MAX];
	mode_t mode;
};

/* The path, or the folder that the file of this path lies in. */
static void
put(struct folder *f, const char *key, const char *path, bool is_file, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	size_t len = strlen(path);

	if (is_file && slash != NULL)
		len = slash == path ? 1 : (size_t)(slash - path);
	if (len >= sizeof(f->path))
		len = sizeof(f->path) - 1;
	f->key = key;
	f->mode = mode;
	memcpy(f->path, path, len);
	f->path[len] = '\0';
}

/* Everybody may come to the socket; its own mode says who may open it. */
static void
list(struct folder folders[FOLDERS], const struct config *config)
{
	put(&folders[0], "state-dir", config->state_dir, false, 0750);
	put(&folders[1], "log.file", config->log.file, true, 0750);
	put(&folders[2], "control", config->control, true, 0755);
}

/* Whether a link in the folder `at` may lead us as root elsewhere: not where others could have put
 * it, such as a captured process of the last run. */
static bool
links_count(int at)
{
	struct stat st;

	return geteuid() != 0 ||
	    (fstat(at, &st) == 0 && st.st_uid == 0 && (st.st_mode & S_IWOTH) == 0);
}

/* The folder `name` below `at`, made where it is missing. What was just made must be a folder and
 * no link: it is about to be given away. */
static int
enter(int at, const char *name, mode_t mode, bool *made)
{
	int how = O_DIRECTORY | O_CLOEXEC;

	*made = mkdirat(at, name, mode) == 0;
	if (!*made && errno != EEXIST)
		return -1;
	how |= *made ? O_RDONLY : O_PATH;
	return openat(at, name, *made || !links_count(at) ? how | O_NOFOLLOW : how);
}

static bool
make(const struct folder *f, uid_t uid, gid_t gid)
{
	int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), next;
	char path[PATH_MAX], *part, *rest = path;
	bool made = false, good = at >= 0;
	int error;

	memcpy(path, f->path, sizeof(path));
	while (good && (part = strsep(&rest, "/")) != NULL) {
		if (part[0] == '\0')
			continue;
		next = enter(at, part, 0755, &made);
		error = errno;
		close(at);
		errno = error;
		at = next;
		good = at >= 0;
		/* The umask has no say in what these are. */
		if (good && made)
			good = fchmod(at, 0755) == 0;
	}
	if (good && made)
		good = fchmod(at, f->mode) == 0 &&
		    (geteuid() != 0 || fchown(at, uid, gid) == 0);
	error = errno;
	if (at >= 0)
		close(at);
	errno = error;
	return good;
}

bool
directories_make(const struct config *config, uid_t uid, gid_t gid, char *error,
    size_t error_size)
{
	struct folder folders[FOLDERS];
	size_t i;

	list(folders, config);
	for (i = 0; i < FOLDERS; i++)
		if (!make(&folders[i], uid, gid)) {
			snprintf(error, error_size, "%s: the folder %s cannot be made: %s",
			    folders[i].key, folders[i].path, strerror(errno));
			return false;
		}
	return true;
}

bool
directories_check(const struct config *config, char *error, size_t error_size)
{
	struct folder folders[FOLDERS];
	struct stat st;
	size_t i;

	list(folders, config);
	for (i = 0; i < FOLDERS; i++) {
		if (i == 1 && stat(config->log.file, &st) == 0 && S_ISREG(st.st_mode)) {
			if (access(config->log.file, W_OK) == 0)
				continue;	/* the folder need not be ours */
			snprintf(error, error_size, "log.file: %s cannot be written by user %s: %s",
			    config->log.file, config->user, strerror(errno));
			return false;
		}
		if (access(folders[i].path, W_OK | X_OK) != 0) {
			snprintf(error, error_size, "%s: no files can be made in %s by user %s: %s",
			    folders[i].key, folders[i].path, config->user, strerror(errno));
			return false;
		}
	}
	return true;
}
