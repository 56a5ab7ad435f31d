/* verb_decisions.c - hands over the log to read, and sends on what is written from now on
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * posternctl reads and filters by itself, so that a log of gigabytes never holds up the
 * process that answers the workers. What is said with the descriptors is how many octets they
 * held at this moment; this process writes the log, so each line after that is sent to the
 * follower and no line is seen twice. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/verbs.h"

/* A regular file opened for reading; -1 with errno. Not blocking, should a pipe lie there. */
static int
open_log(const char *path, off_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*size = st.st_size;
		return fd;
	}
	close(fd);
	errno = EINVAL;
	return -1;
}

void
verb_decisions(struct connection *c, const struct request *r)
{
	struct server *server = connection_server(c);
	const char *path = server_context_of(server)->config->log.file;
	const char *suffixes[OUTBOX_FILES_MAX] = { ".1", "" };	/* the older first */
	int files[OUTBOX_FILES_MAX];
	size_t len = 0, i;
	json_t *sizes = json_array();

	if (r->follow && !server_may_follow(server)) {
		json_decref(sizes);
		connection_fail(c, EXIT_TEMPORARY, "too many follow already");
		return;
	}
	for (i = 0; i < OUTBOX_FILES_MAX; i++) {
		char name[4096];
		off_t size = 0;
		int n = snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);

		files[len] = n < (int)sizeof(name) ? open_log(name, &size) : -1;
		if (files[len] < 0)
			continue;
		json_array_append_new(sizes, json_integer((json_int_t)size));
		len++;
	}
	connection_files(c, json_pack("{s:o}", "sizes", sizes), files, len);
	if (r->follow)
		connection_follow(c);
	else
		connection_end(c, EXIT_YES, NULL);
}
