/* pending.c - an installation that is undone unless somebody confirms it
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Beside the note FILE: FILE.pending names the process that waits, FILE.former holds what comes
 * back, for whoever installs again before that; the process itself has it in memory. It looks at
 * FILE.pending now and then: when that is gone or names another, its work is done. */
#include "ctl/pending.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "nfq/apply.h"

#define PATH_SIZE 4096
#define LOOK_MS 1000		/* between looks whether it was confirmed */
#define UNDO_TRIES 30
#define UNDO_NAP_MS 1000	/* between them, and the lock's time */
#define LOCK_MS 10000

static void
path_of(const char *note, const char *what, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "%.4000s.%s", note, what);
}

/* This clock runs while the machine sleeps. */
static unsigned long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (unsigned long long)t.tv_sec * 1000 + (unsigned long long)t.tv_nsec / 1000000;
}

static void
nap(unsigned long long ms)
{
	const struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* A small file's text; false when it is not there. */
static bool
read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, out, size - 1);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* When this process was started, in ticks since boot (proc(5), the 22nd field); 0: there is none,
 * or one that has ended and waits for its parent. */
static unsigned long long
born(pid_t pid)
{
	char path[64], text[1024];
	const char *p;
	int field;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_text(path, text, sizeof(text)) || (p = strrchr(text, ')')) == NULL ||
	    strncmp(p, ") Z", 3) == 0)
		return 0;
	for (field = 2; field < 22 && p != NULL; field++)
		p = strchr(p + 1, ' ');
	return p != NULL ? strtoull(p, NULL, 10) : 0;
}

/* The file as it stands, whoever it names. */
static bool
named(const char *note, struct pending *out)
{
	char path[PATH_SIZE], text[128], *rest = text;

	path_of(note, "pending", path);
	if (!read_text(path, text, sizeof(text)))
		return false;
	out->pid = (pid_t)strtol(rest, &rest, 10);
	out->born = strtoull(rest, &rest, 10);
	out->until_ms = strtoull(rest, &rest, 10);
	return out->pid > 0 && out->born > 0 && *rest == '\n';
}

bool
pending_waits(const char *note, struct pending *p, unsigned long long *left_ms)
{
	unsigned long long now = now_ms();
	struct pending there;
	bool yes = named(note, &there) && there.pid == p->pid && there.born == p->born &&
	    born(p->pid) == p->born;

	if (yes)
		p->until_ms = there.until_ms;
	*left_ms = p->until_ms > now ? p->until_ms - now : 0;
	return yes;
}

bool
pending_abandoned(const char *note, const struct pending *p)
{
	struct pending there;

	return named(note, &there) && there.pid == p->pid && there.born == p->born &&
	    born(p->pid) != p->born;
}

bool
pending_former(const char *note, struct former *out)
{
	char path[PATH_SIZE], error[256];
	unsigned long long left;
	struct pending there;

	*out = (struct former){ .had = false };
	if (!named(note, &there) || !pending_waits(note, &there, &left))
		return false;
	path_of(note, "former", path);
	out->had = installed_read(path, &out->installed, error, sizeof(error)) == INSTALLED_YES;
	return true;
}

void
pending_end(const char *note)
{
	char path[PATH_SIZE];

	path_of(note, "pending", path);
	unlink(path);
	path_of(note, "former", path);
	unlink(path);
}

bool
pending_undo(const char *note, const struct former *former, char *error, size_t error_size)
{
	bool found;

	if (former->had)
		return installed_write(note, &former->installed, error, error_size) &&
		    apply_install(&former->installed.rules, error, error_size);
	return installed_remove(note, error, error_size) &&
	    apply_remove(&found, error, error_size);
}

/* One try, when the time is over; true when there is nothing more to do. */
static bool
undo(const char *note, struct pending *self, const struct former *former)
{
	char error[600] = "somebody else has the lock";
	int lock = installed_lock(note, LOCK_MS);
	unsigned long long left;
	bool done;

	if (lock >= 0 && (!pending_waits(note, self, &left) || left > 0)) {
		close(lock);	/* confirmed, or begun anew, while we waited for the lock */
		return false;
	}
	done = lock >= 0 && pending_undo(note, former, error, sizeof(error));
	if (done) {
		pending_end(note);
		syslog(LOG_WARNING, "the firewall rules were not confirmed: %s",
		    former->had ? "the former ones are back" : "they are removed");
	} else {
		syslog(LOG_ERR, "the firewall rules were not confirmed and cannot be undone: %s",
		    error);
	}
	if (lock >= 0)
		close(lock);
	return done;
}

/* The waiting process. It says what it did to the system's log: nobody else listens to it. */
static void
wait_and_undo(const char *note, struct pending *self, const struct former *former)
{
	unsigned long long left;
	unsigned tries = 0;

	openlog("posternctl", LOG_PID, LOG_DAEMON);
	while (pending_waits(note, self, &left)) {
		if (left > 0)
			nap(left < LOOK_MS ? left : LOOK_MS);
		else if (undo(note, self, former) || ++tries == UNDO_TRIES)
			return;
		else
			nap(UNDO_NAP_MS);
	}
}

static bool
write_pending(const char *note, const struct pending *p)
{
	char path[PATH_SIZE], fresh[PATH_SIZE], text[128];
	int fd, len = snprintf(text, sizeof(text), "%d %llu %llu\n", (int)p->pid, p->born,
	    p->until_ms);
	bool ok;

	path_of(note, "pending", path);
	path_of(note, "pending.new", fresh);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write(fd, text, (size_t)len) == len;
	return close(fd) == 0 && ok && rename(fresh, path) == 0;
}

/* Out of the reach of the terminal, its session and whoever reads our output. */
static void
detach(int keep)
{
	int null = open("/dev/null", O_RDWR), fd;

	signal(SIGHUP, SIG_IGN);
	if (chdir("/") != 0)
		_exit(1);
	for (fd = 0; fd < 3; fd++)
		dup2(null, fd);
	/* The lock is one of them: it must not be held from here. */
	if (keep > 3)
		close_range(3, (unsigned)keep - 1, 0);
	close_range((unsigned)keep + 1, ~0u, 0);
}

/* In the child: makes the one that waits, which tells its name once the file has it. */
static void
start_waiting(const char *note, unsigned long long until_ms, const struct former *former, int tell)
{
	struct pending self = { .until_ms = until_ms };

	if (setsid() < 0 || fork() != 0)
		_exit(0);
	detach(tell);
	self.pid = getpid();
	self.born = born(self.pid);
	if (!write_pending(note, &self) ||
	    write(tell, &self, sizeof(self)) != (ssize_t)sizeof(self))
		_exit(1);
	close(tell);
	wait_and_undo(note, &self, former);
	_exit(0);
}

static bool
keep_former(const char *note, const struct former *former, char *error, size_t error_size)
{
	char path[PATH_SIZE];

	path_of(note, "former", path);
	if (former->had)
		return installed_write(path, &former->installed, error, error_size);
	return installed_remove(path, error, error_size);
}

bool
pending_begin(const char *note, unsigned long seconds, const struct former *former,
    struct pending *out, char *error, size_t error_size)
{
	unsigned long long until_ms = now_ms() + seconds * 1000ull;
	ssize_t n = -1;
	int ends[2];
	pid_t pid;

	if (!keep_former(note, former, error, error_size))
		return false;
	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		snprintf(error, error_size, "a process that waits: %s", strerror(errno));
		return false;
	}
	if (pid == 0) {
		close(ends[0]);
		start_waiting(note, until_ms, former, ends[1]);
	}
	close(ends[1]);
	do
		n = read(ends[0], out, sizeof(*out));
	while (n < 0 && errno == EINTR);
	close(ends[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n == (ssize_t)sizeof(*out))
		return true;
	snprintf(error, error_size, "a process that waits could not be started");
	return false;
}

bool
pending_restart(const char *note, unsigned long seconds, struct pending *p)
{
	p->until_ms = now_ms() + seconds * 1000ull;
	return write_pending(note, p);
}
