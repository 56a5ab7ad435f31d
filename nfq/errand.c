/* errand.c - a look at the rules in a process of its own
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What restore.c remembers is shared memory: the errand alone uses it while it is under way. It
 * holds nothing of this process but its end of a socket pair: a queue that it held would have an
 * owner, and nobody to read it, if we were killed. */
#include "nfq/errand.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/moment.h"

#define LINE 3			/* its end: above what every process has open */
#define PENDING_MAX 3		/* programs remembered; restore.c names as many */

enum word { RESTORED = 'r', FAILED = 'f', SETTLED = 's', OVER = 'o' };

struct message {
	char word;
	double next_s;			/* OVER */
	char detail[ERRAND_DETAIL_SIZE];	/* RESTORED, FAILED */
};

struct errand {
	struct ev_loop *loop;
	const struct errand_events *events;
	void *arg;
	struct restore *restore;
	pid_t pid;			/* 0: none is under way */
	int line;			/* to it; in it: to us */
	ev_io readable;
	struct watch_change pending[PENDING_MAX];
	size_t pending_len;
};

static double
earlier(double a, double b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* --- in the errand ---------------------------------------------------------------------------- */

static void
say(const struct errand *e, enum word word, const char *detail, double next_s)
{
	struct message m = { .word = (char)word, .next_s = next_s };

	strncpy(m.detail, detail, sizeof(m.detail) - 1);
	if (send(e->line, &m, sizeof(m), MSG_NOSIGNAL) != (ssize_t)sizeof(m))
		_exit(EXIT_FAILURE);
}

static void
restored(void *arg, const char *detail)
{
	say(arg, RESTORED, detail, 0);
}

static void
failed(void *arg, const char *detail)
{
	say(arg, FAILED, detail, 0);
}

/* What is read after this must not count as done by us. */
static void
settled(void *arg)
{
	const struct errand *e = arg;
	char octet;

	say(e, SETTLED, "", 0);
	if (recv(e->line, &octet, 1, 0) != 1)
		_exit(EXIT_FAILURE);
}

static void
go(struct errand *e, int line, pid_t sender, double now_s)
{
	e->line = LINE;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != sender ||
	    (line != LINE && dup2(line, LINE) < 0) || close_range(LINE + 1, ~0u, 0) != 0)
		_exit(EXIT_FAILURE);
	say(e, OVER, "", restore_look(e->restore, now_s));
	_exit(EXIT_SUCCESS);
}

/* --- here ------------------------------------------------------------------------------------- */

static void
end(struct errand *e)
{
	ev_io_stop(e->loop, &e->readable);
	close(e->line);
	while (waitpid(e->pid, NULL, 0) < 0 && errno == EINTR)
		;
	e->pid = 0;
}

static void
over(struct errand *e, double next_s, double now_s)
{
	end(e);
	for (size_t i = 0; i < e->pending_len; i++)
		next_s = earlier(next_s, restore_changed(e->restore, &e->pending[i], now_s));
	e->pending_len = 0;
	e->events->over(e->arg, next_s);
}

/* heard: false: it has gone without a word, or must go. */
static bool
heard(struct errand *e, const struct message *m)
{
	switch (m->word) {
	case RESTORED:
		e->events->restored(e->arg, m->detail);
		return true;
	case FAILED:
		e->events->failed(e->arg, m->detail);
		return true;
	case SETTLED:
		e->events->settled(e->arg);
		e->pending_len = 0;
		return send(e->line, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
	case OVER:
		over(e, m->next_s, moment_now());
		return true;
	}
	return false;
}

static void
readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct errand *e = io->data;
	struct message m;
	ssize_t n = recv(e->line, &m, sizeof(m), MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	m.detail[sizeof(m.detail) - 1] = '\0';
	if (n == (ssize_t)sizeof(m) && heard(e, &m))
		return;
	kill(e->pid, SIGKILL);
	e->events->failed(e->arg, "the process that looks after the rules has died");
	over(e, ERRAND_AGAIN_S, moment_now());
}

struct errand *
errand_new(struct ev_loop *loop, const struct restore_world *world, const char *path,
    const struct errand_events *events, void *arg)
{
	static const struct restore_events words = { restored, failed, settled };
	struct errand *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->loop = loop;
	e->events = events;
	e->arg = arg;
	e->restore = restore_new(world, path, &words, e);
	if (e->restore == NULL) {
		free(e);
		return NULL;
	}
	return e;
}

void
errand_free(struct errand *e)
{
	if (e == NULL)
		return;
	if (e->pid != 0) {
		kill(e->pid, SIGKILL);
		end(e);
	}
	restore_free(e->restore);
	free(e);
}

double
errand_changed(struct errand *e, const struct watch_change *by, double now_s)
{
	if (e->pid == 0)
		return restore_changed(e->restore, by, now_s);
	if (e->pending_len == PENDING_MAX)
		memmove(e->pending, e->pending + 1, --e->pending_len * sizeof(e->pending[0]));
	e->pending[e->pending_len++] = *by;
	return -1;
}

void
errand_look(struct errand *e, double now_s)
{
	pid_t self = getpid();
	int line[2] = { -1, -1 };

	if (e->pid != 0)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) == 0 &&
	    (e->pid = fork()) == 0)
		go(e, line[1], self, now_s);
	if (line[1] >= 0)
		close(line[1]);
	if (line[0] < 0 || e->pid < 0) {
		if (line[0] >= 0)
			close(line[0]);
		e->pid = 0;
		e->events->failed(e->arg, "the process that looks after the rules cannot start");
		e->events->over(e->arg, ERRAND_AGAIN_S);
		return;
	}
	e->line = line[0];
	ev_io_init(&e->readable, readable, e->line, EV_READ);
	e->readable.data = e;
	ev_io_start(e->loop, &e->readable);
}
