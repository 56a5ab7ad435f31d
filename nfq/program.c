/* program.c - running one of the firewall's programs: text in, text out, bounded in time and size
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Never through a shell. The input is a file in memory, so that a program which stops reading
 * cannot stop us; what it prints comes through two pipes that are read together. */
#include "nfq/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/moment.h"

#define STEP 16384		/* octets read at once */
#define NOT_STARTED 127		/* what the shell says too */
#define NAP_NS 2000000L		/* between looks at a program that closed its output and runs on */

struct run {
	int out, err;		/* our ends of its pipes; -1 when at their end */
	pid_t pid;
	double until;
	struct program_result *result;
	char *text;		/* what it printed so far */
	size_t len, size, error_len;
};

const char *
program_exists(const char *name, char path[128])
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, 128, "%s/%.100s", folders[i], name);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

/* The input as a descriptor to be read from its beginning; -1 with errno. */
static int
input(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	int fd;

	if (len == 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	while (fd >= 0 && len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* In the child, between fork and exec. */
static void
become(const char *path, const char *const argv[], int in, int out, int err, int netns)
{
	static char environment[] = "LC_ALL=C";
	char *const envp[] = { environment, NULL };
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGPIPE, &normal, NULL);
	if (netns >= 0 && setns(netns, CLONE_NEWNET) != 0)
		_exit(NOT_STARTED);
	/* All three are above 2: 0 to 2 are open in every process of ours. */
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(NOT_STARTED);
	close_range(3, ~0u, 0);
	/* exec promises to leave the words alone, its type does not say so */
	execve(path, (char *const *)(uintptr_t)argv, envp);
	_exit(NOT_STARTED);
}

static bool
start(struct run *r, const char *path, const char *const argv[], const char *in, int netns)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, from = input(in);
	bool ok = from >= 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 &&
	    (r->pid = fork()) >= 0;

	if (ok && r->pid == 0)
		become(path, argv, from, out[1], err[1], netns);
	if (!ok)
		snprintf(r->result->error, sizeof(r->result->error), "%.40s: cannot start: %s",
		    argv[0], strerror(errno));
	if (from >= 0)
		close(from);
	if (out[1] >= 0)
		close(out[1]);
	if (err[1] >= 0)
		close(err[1]);
	r->out = out[0];
	r->err = err[0];
	return ok;
}

static bool
take_out(struct run *r)
{
	ssize_t n;

	if (r->size - r->len <= STEP) {
		size_t size = r->size * 2;
		char *p = size <= 2 * PROGRAM_OUTPUT_MAX ? realloc(r->text, size) : NULL;

		if (p == NULL)
			return false;
		r->text = p;
		r->size = size;
	}
	n = read(r->out, r->text + r->len, STEP);
	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		close(r->out);
		r->out = -1;
	}
	r->len += (size_t)n;
	return r->len <= PROGRAM_OUTPUT_MAX;
}

/* The first octets are kept, the rest is read and forgotten. */
static bool
take_err(struct run *r)
{
	char bytes[STEP];
	ssize_t n = read(r->err, bytes, sizeof(bytes));
	size_t room = sizeof(r->result->error) - 1 - r->error_len, keep;

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		close(r->err);
		r->err = -1;
	}
	keep = (size_t)n < room ? (size_t)n : room;
	memcpy(r->result->error + r->error_len, bytes, keep);
	r->error_len += keep;
	return true;
}

/* Until both its pipes are at their end; NULL, or why it is to be killed. */
static const char *
listen_to(struct run *r)
{
	while (r->out >= 0 || r->err >= 0) {
		struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN },
			{ .fd = r->err, .events = POLLIN } };
		double left = r->until - moment_now();

		if (left <= 0)
			return "did not end in time";
		if (poll(fds, 2, (int)(left * 1000) + 1) < 0 && errno != EINTR)
			return strerror(errno);
		if (r->out >= 0 && fds[0].revents != 0 && !take_out(r))
			return "printed more than there is room for";
		if (r->err >= 0 && fds[1].revents != 0 && !take_err(r))
			return strerror(errno);
	}
	return NULL;
}

/* Its end, which is waited for until the limit; false when it had to be killed. */
static bool
reap(struct run *r, bool killed)
{
	const struct timespec nap = { 0, NAP_NS };
	int status = 0;
	pid_t done;

	if (killed)
		kill(r->pid, SIGKILL);
	while ((done = waitpid(r->pid, &status, killed ? 0 : WNOHANG)) == 0 ||
	    (done < 0 && errno == EINTR)) {
		if (moment_now() > r->until && !killed) {
			kill(r->pid, SIGKILL);
			reap(r, true);
			return false;
		}
		nanosleep(&nap, NULL);
	}
	if (done < 0)
		r->result->status = NOT_STARTED;
	else
		r->result->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
		    WEXITSTATUS(status);
	return true;
}

static void
finish(struct run *r, const char *name)
{
	const char *why = listen_to(r);
	struct program_result *result = r->result;

	result->error[r->error_len] = '\0';
	if (!reap(r, why != NULL))
		why = "did not end in time";
	if (why != NULL)
		snprintf(result->error, sizeof(result->error), "%.40s: %s", name, why);
	else if (result->status != 0 && r->error_len == 0)
		snprintf(result->error, sizeof(result->error), "%.40s: %s %d", name,
		    result->status > 128 ? "ended by signal" : "exit status",
		    result->status > 128 ? result->status - 128 : result->status);
	while (r->error_len > 0 && why == NULL && result->error[r->error_len - 1] == '\n')
		result->error[--r->error_len] = '\0';
}

bool
program_run(const char *const argv[], const char *in, int netns, struct program_result *result)
{
	struct run r = { .out = -1, .err = -1, .until = moment_now() + PROGRAM_SECONDS,
		.result = result, .size = 2 * STEP };
	char path[128];

	*result = (struct program_result){ .status = NOT_STARTED };
	r.text = malloc(r.size);
	if (r.text == NULL) {
		snprintf(result->error, sizeof(result->error), "out of memory");
		return false;
	}
	if (program_exists(argv[0], path) == NULL)
		snprintf(result->error, sizeof(result->error), "%.40s: not found in /usr/sbin, "
		    "/usr/bin, /sbin and /bin", argv[0]);
	else if (start(&r, path, argv, in, netns))
		finish(&r, argv[0]);
	if (r.out >= 0)
		close(r.out);
	if (r.err >= 0)
		close(r.err);
	r.text[r.len] = '\0';
	result->out = r.text;
	return result->status == 0;
}

void
program_free(struct program_result *r)
{
	free(r->out);
	r->out = NULL;
}
