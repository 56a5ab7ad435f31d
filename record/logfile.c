/* logfile.c - an append-only file of whole lines
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A line can be torn: by a disk that filled up, or by SIGKILL, which ends a write at a page's edge.
 * The first is cut off again at once; what cannot be cut, and what a killed process left, is closed
 * by a newline before the next line. A torn record was never acknowledged, so it comes again. */
#include "record/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The lock is held for one write. Somebody who may read the file can hold it too; we wait for him
 * this long, once, then write without it: a record twice is better than none. */
#define LOCK_TRIES 50
#define LOCK_PAUSE_NS 1000000

struct logfile {
	char *path;
	void (*line)(void *arg, const char *line, size_t len);
	void *arg;
	int fd;
	bool regular, locked, lock_denied;
	bool torn;			/* the last octet in the file is not a newline */
	off_t end;			/* the file is known up to here */
	char problem[PATH_MAX + 128];
};

struct logfile *
logfile_new(const char *path, void (*line)(void *arg, const char *line, size_t len), void *arg)
{
	struct logfile *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->path = strdup(path);
	if (f->path == NULL) {
		free(f);
		return NULL;
	}
	f->line = line;
	f->arg = arg;
	f->fd = -1;
	return f;
}

void
logfile_free(struct logfile *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

/* Always false. */
static bool
fail(struct logfile *f, const char *doing, int error)
{
	snprintf(f->problem, sizeof f->problem, "cannot %s %s: %s", doing, f->path,
	    strerror(error));
	return false;
}

static void
lines(struct logfile *f, const char *p, size_t len)
{
	const char *end = p + len;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline != NULL ? newline : end;

		if (stop > p)
			f->line(f->arg, p, (size_t)(stop - p));
		p = stop + 1;
	}
	f->torn = len > 0 ? end[-1] != '\n' : f->torn;
}

/* Reads from `start` to `stop`, at most LOGFILE_TAIL_MAX octets. */
static bool
read_back(struct logfile *f, off_t start, off_t stop)
{
	size_t len = (size_t)(stop - start), got = 0;
	char *p = malloc(len);

	if (p == NULL)
		return fail(f, "read the end of", ENOMEM);
	while (got < len) {
		ssize_t n = pread(f->fd, p + got, len - got, start + (off_t)got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (got < len) {
		free(p);
		return fail(f, "read the end of", errno);
	}
	lines(f, p, len);
	free(p);
	return true;
}

/* Learns what the file holds beyond what is known. */
static bool
absorb(struct logfile *f)
{
	struct stat st;
	off_t start = f->end;

	if (!f->regular)
		return true;
	if (fstat(f->fd, &st) != 0)
		return fail(f, "look at", errno);
	f->end = st.st_size;
	if (st.st_size < start)			/* cut by somebody: copytruncate */
		start = 0;
	if (st.st_size - start > (off_t)LOGFILE_TAIL_MAX)
		start = st.st_size - (off_t)LOGFILE_TAIL_MAX;
	if (st.st_size == 0)
		f->torn = false;
	return st.st_size == start || read_back(f, start, st.st_size);
}

static bool
lock(struct logfile *f)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	unsigned tries = f->lock_denied ? 1 : LOCK_TRIES;

	for (unsigned i = 0; i < tries; i++) {
		if (fcntl(f->fd, F_OFD_SETLK, &whole) == 0) {
			f->lock_denied = false;
			return true;
		}
		if (errno != EAGAIN && errno != EACCES)
			break;
		if (i + 1 < tries)
			nanosleep(&pause, NULL);
	}
	f->lock_denied = true;
	return false;
}

/* Rotation may have taken what was written a moment ago; FILE.1 is logrotate's first name. */
static void
read_rotated(struct logfile *f)
{
	struct logfile old = { .line = f->line, .arg = f->arg, .regular = true, .fd = -1 };
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s.1", f->path) >= (int)sizeof path)
		return;
	old.path = path;
	old.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (old.fd < 0)
		return;
	(void)absorb(&old);			/* a help, not a need */
	close(old.fd);
}

bool
logfile_open(struct logfile *f)
{
	const int how = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(f->path, how, 0640);
	struct stat st;

	if (fd < 0)
		return fail(f, "open", errno);
	if (fstat(fd, &st) != 0) {
		close(fd);
		return fail(f, "look at", errno);
	}
	if (f->fd >= 0) {
		logfile_begin(f);		/* what another wrote to the old one counts too */
		logfile_end(f);
		close(f->fd);
	}
	f->fd = fd;
	f->regular = S_ISREG(st.st_mode);
	f->end = 0;
	f->torn = false;
	f->problem[0] = '\0';
	if (f->regular && st.st_size < (off_t)LOGFILE_TAIL_MAX)
		read_rotated(f);
	logfile_begin(f);
	if (f->torn && f->locked)
		logfile_append(f, "", 0);
	logfile_end(f);
	return true;
}

void
logfile_begin(struct logfile *f)
{
	if (!f->regular)
		return;
	f->locked = lock(f);
	(void)absorb(f);		/* without it a record may come twice, none is lost */
}

bool
logfile_append(struct logfile *f, const char *p, size_t len)
{
	char newline[] = "\n";
	struct iovec parts[2] = {
		{ .iov_base = newline, .iov_len = f->torn ? 1 : 0 },
		{ .iov_base = (void *)(uintptr_t)p, .iov_len = len },
	};
	size_t all = parts[0].iov_len + len;
	ssize_t n;

	do
		n = writev(f->fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n == all) {
		f->end += n;
		f->torn = false;
		f->problem[0] = '\0';
		return true;
	}
	fail(f, "write", n < 0 ? errno : ENOSPC);
	/* Without the lock the end might be another's. What stays is found by the next absorb. */
	if (n > 0 && f->locked && ftruncate(f->fd, f->end) != 0)
		f->torn = true;
	return false;
}

void
logfile_end(struct logfile *f)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (f->locked)
		(void)fcntl(f->fd, F_OFD_SETLK, &whole);
	f->locked = false;
}

const char *
logfile_problem(const struct logfile *f)
{
	return f->problem;
}

bool
logfile_is_regular(const struct logfile *f)
{
	return f->regular;
}
