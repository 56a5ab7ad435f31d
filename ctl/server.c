/* server.c - the control socket: posternctl's other end, in the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/connection.h"
#include "ctl/verbs.h"

#define CONNECTIONS_MAX 64	/* administrators and monitoring; more is a runaway script */
#define FOLLOWERS_MAX 32	/* so that those who stay never lock out those who ask */
#define PROBES_MAX 4		/* each occupies a worker's socket for up to a minute */
#define BACKLOG 16
#define ACCEPT_PAUSE_S 1.0	/* out of descriptors: ask again after that */
#define SOCKET_MODE 0660	/* `user` and its group */

struct server {
	struct ev_loop *loop;
	struct server_context context;
	ev_io acceptable;
	ev_timer pause;
	ev_prepare sweep;
	struct connection *connections[CONNECTIONS_MAX];
	size_t connections_len;
	uint32_t last_probe;
	dev_t device;		/* of the socket's name: only our own is unlinked */
	ino_t inode;
};

/* Frees what the turn of the loop has finished, before the loop waits again. */
static void
sweep_cb(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct server *s = w->data;
	size_t i = 0;

	(void)loop;
	(void)revents;
	while (i < s->connections_len) {
		if (connection_closed(s->connections[i])) {
			connection_free(s->connections[i]);
			s->connections[i] = s->connections[--s->connections_len];
		} else {
			i++;
		}
	}
}

static void
pause_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct server *s = w->data;

	(void)revents;
	ev_io_start(loop, &s->acceptable);
}

static void
admit(struct server *s, int fd)
{
	static const char busy[] = "{\"exit\":75,\"error\":\"too many connections\"}\n";
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct connection *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		close(fd);
		return;
	}
	if (s->connections_len == CONNECTIONS_MAX) {
		(void)!send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	c = connection_new(s->loop, fd, &peer, s, verbs_run);
	if (c == NULL)
		close(fd);
	else
		s->connections[s->connections_len++] = c;
}

static void
accept_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct server *s = w->data;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)revents;
	if (fd >= 0) {
		admit(s, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		ev_io_stop(loop, w);
		ev_timer_set(&s->pause, ACCEPT_PAUSE_S, 0.);
		ev_timer_start(loop, &s->pause);
	}
}

/* A socket that nobody answers any more is removed. 0, or -1 after error was written. */
static int
replace_stale(const struct sockaddr_un *name, char *error, size_t error_size)
{
	struct stat st;
	int fd, problem = 0;

	if (lstat(name->sun_path, &st) != 0)
		return 0;	/* nothing there, or bind will say why not */
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, error_size, "%s exists and is not a socket", name->sun_path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0)
		problem = errno;
	if (fd >= 0)
		close(fd);
	if (problem == ECONNREFUSED) {
		if (unlink(name->sun_path) == 0)
			return 0;
		problem = errno;
	}
	if (problem == 0 || problem == EAGAIN)
		snprintf(error, error_size, "%s: another posternd answers there", name->sun_path);
	else
		snprintf(error, error_size, "%s: cannot replace it: %s", name->sun_path,
		    strerror(problem));
	return -1;
}

/* The socket, listening, or -1 after error was written. Nobody can connect before listen, so the
 * mode is right from the first moment. */
static int
listen_at(const char *path, char *error, size_t error_size)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(name.sun_path)) {
		snprintf(error, error_size, "%s: longer than the %zu octets of a socket's name",
		    path, sizeof(name.sun_path) - 1);
		return -1;
	}
	memcpy(name.sun_path, path, strlen(path) + 1);
	if (replace_stale(&name, error, error_size) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0 ||
	    chmod(path, SOCKET_MODE) != 0 || listen(fd, BACKLOG) != 0) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

struct server *
server_new(struct ev_loop *loop, const struct server_context *context, char *error,
    size_t error_size)
{
	const char *path = context->config->control;
	struct server *s = calloc(1, sizeof(*s));
	struct stat st;
	int fd;

	if (s == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	fd = listen_at(path, error, error_size);
	if (fd < 0) {
		free(s);
		return NULL;
	}
	s->loop = loop;
	s->context = *context;
	if (stat(path, &st) == 0) {
		s->device = st.st_dev;
		s->inode = st.st_ino;
	}
	ev_io_init(&s->acceptable, accept_cb, fd, EV_READ);
	ev_timer_init(&s->pause, pause_cb, 0., 0.);
	ev_prepare_init(&s->sweep, sweep_cb);
	s->acceptable.data = s->pause.data = s->sweep.data = s;
	ev_io_start(loop, &s->acceptable);
	ev_prepare_start(loop, &s->sweep);
	return s;
}

void
server_free(struct server *s)
{
	struct stat st;

	if (s == NULL)
		return;
	while (s->connections_len > 0)
		connection_free(s->connections[--s->connections_len]);
	ev_io_stop(s->loop, &s->acceptable);
	ev_timer_stop(s->loop, &s->pause);
	ev_prepare_stop(s->loop, &s->sweep);
	close(s->acceptable.fd);
	/* A successor may have put its own socket there. */
	if (lstat(s->context.config->control, &st) == 0 && st.st_dev == s->device &&
	    st.st_ino == s->inode)
		unlink(s->context.config->control);
	free(s);
}

void
server_probe_step(struct server *s, const struct probe_step *step)
{
	struct connection *c = NULL;
	size_t i;

	for (i = 0; i < s->connections_len && c == NULL; i++)
		if (step->id != 0 && connection_probe(s->connections[i]) == step->id)
			c = s->connections[i];
	if (c == NULL)
		return;		/* it has gone */
	connection_line(c, json_pack("{s:s}", "step", step->text));
	if (step->last)
		connection_end(c, step->exit, NULL);
}

void
server_event_line(struct server *s, const char *json, size_t len)
{
	size_t i;

	for (i = 0; i < s->connections_len; i++)
		if (connection_follows(s->connections[i]))
			connection_event(s->connections[i], json, len);
}

const struct server_context *
server_context_of(const struct server *s)
{
	return &s->context;
}

uint32_t
server_next_probe(struct server *s)
{
	size_t i, running = 0;

	for (i = 0; i < s->connections_len; i++)
		running += connection_probe(s->connections[i]) != 0;
	if (running >= PROBES_MAX)
		return 0;
	if (++s->last_probe == 0)
		s->last_probe = 1;
	return s->last_probe;
}

bool
server_may_follow(const struct server *s)
{
	size_t i, followers = 0;

	for (i = 0; i < s->connections_len; i++)
		followers += connection_follows(s->connections[i]);
	return followers < FOLLOWERS_MAX;
}
