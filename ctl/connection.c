/* connection.c - one client of the control socket, from its request to the last line of the answer
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/connection.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/buffer.h"
#include "ctl/outbox.h"

#define READ_STEP 4096		/* octets asked of the kernel at a time: most requests are 100 */
#define READ_WAIT_S 10.0	/* a request is one short line: nobody types it */
#define ANSWER_WAIT_S 180.0	/* DNS, an HTTPS fetch (60 s) and a probe's dial all fit */
#define WRITE_WAIT_S 20.0	/* a client that reads nothing for so long is not there */
#define ANSWER_MAX (8u << 20)	/* octets unread: a list of about 50,000 policies */
#define FOLLOW_MAX (256u << 10)	/* octets unread by a follower: about 200 decisions */

struct pending {
	struct connection *connection;	/* NULL: gone */
};

struct connection {
	struct ev_loop *loop;
	struct server *server;
	void (*run)(struct connection *c, const struct request *r);
	struct ucred peer;
	ev_io readable, writable;
	ev_timer limit;
	struct buffer in;
	struct outbox out;
	struct pending *pending;
	uint32_t probe;
	bool asked;		/* the request is complete */
	bool ended;		/* the last line is written or waiting */
	bool follows;
	bool closed;
};

static void
wait_at_most(struct connection *c, double seconds)
{
	ev_timer_stop(c->loop, &c->limit);
	if (seconds > 0) {
		ev_timer_set(&c->limit, seconds, 0.);
		ev_timer_start(c->loop, &c->limit);
	}
}

/* Stops everything; the server frees the rest after this turn of the loop. */
static void
shut(struct connection *c)
{
	if (c->closed)
		return;
	c->closed = true;
	c->follows = false;
	c->probe = 0;
	ev_io_stop(c->loop, &c->readable);
	ev_io_stop(c->loop, &c->writable);
	ev_timer_stop(c->loop, &c->limit);
	close(c->readable.fd);
	outbox_clear(&c->out);
	if (c->pending != NULL)
		c->pending->connection = NULL;
	c->pending = NULL;
}

static void
write_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct connection *c = w->data;

	(void)revents;
	switch (outbox_send(&c->out, w->fd)) {
	case OUTBOX_STUCK:
		break;
	case OUTBOX_MORE:
		wait_at_most(c, WRITE_WAIT_S);
		break;
	case OUTBOX_EMPTY:
		ev_io_stop(loop, w);
		if (c->ended)
			shut(c);
		else
			wait_at_most(c, c->follows ? 0 : ANSWER_WAIT_S);
		break;
	case OUTBOX_BROKEN:
		shut(c);
		break;
	}
}

static void
put(struct connection *c, const char *p, size_t len)
{
	bool idle = outbox_length(&c->out) == 0;

	if (!outbox_put(&c->out, p, len)) {
		shut(c);
		return;
	}
	if (idle) {
		ev_io_start(c->loop, &c->writable);
		wait_at_most(c, WRITE_WAIT_S);
	}
}

/* The last word where the answer itself cannot be given; small, so it may exceed the limit. */
static void
put_failure(struct connection *c, const char *line)
{
	c->ended = true;
	c->follows = false;
	put(c, line, strlen(line));
}

static void
put_json(struct connection *c, json_t *line)
{
	char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
	size_t len;

	json_decref(line);
	if (c->closed || text == NULL) {
		free(text);
		shut(c);	/* out of memory */
		return;
	}
	len = strlen(text);
	if (outbox_length(&c->out) + len < ANSWER_MAX) {
		text[len] = '\n';	/* in place of the NUL */
		put(c, text, len + 1);
	} else {
		put_failure(c, "{\"exit\":75,\"error\":\"the answer is too long\"}\n");
	}
	free(text);
}

void
connection_line(struct connection *c, json_t *line)
{
	if (c->ended || c->closed)
		json_decref(line);
	else
		put_json(c, line);
}

void
connection_files(struct connection *c, json_t *line, const int *files, size_t len)
{
	outbox_files(&c->out, files, len);
	connection_line(c, line);
}

void
connection_end(struct connection *c, enum exit_code code, json_t *answer)
{
	json_t *line;

	if (c->ended || c->closed) {
		json_decref(answer);
		return;
	}
	line = json_pack("{s:i,s:o*}", "exit", (int)code, "answer", answer);
	c->ended = true;
	c->probe = 0;
	put_json(c, line);
}

void
connection_fail(struct connection *c, enum exit_code code, const char *error)
{
	if (c->ended || c->closed)
		return;
	c->ended = true;
	c->probe = 0;
	put_json(c, json_pack("{s:i,s:s}", "exit", (int)code, "error", error));
}

void
connection_follow(struct connection *c)
{
	c->follows = !c->closed && !c->ended;
}

void
connection_event(struct connection *c, const char *json, size_t len)
{
	static const char before[] = "{\"event\":", after[] = "}\n";

	while (len > 0 && json[len - 1] == '\n')
		len--;
	if (outbox_length(&c->out) + len + sizeof(before) + sizeof(after) > FOLLOW_MAX) {
		put_failure(c, "{\"exit\":75,\"error\":\"dropped: the lines were not read\"}\n");
		return;
	}
	put(c, before, sizeof(before) - 1);
	if (!c->closed)
		put(c, json, len);
	if (!c->closed)
		put(c, after, sizeof(after) - 1);
}

/* A line is complete, or never will be. */
static void
consider(struct connection *c, size_t fresh)
{
	const char *from = c->in.p + c->in.len - fresh;
	const char *end = memchr(from, '\n', fresh);
	struct request request;
	const char *problem;

	if (end == NULL) {
		if (c->in.len > REQUEST_MAX) {
			c->asked = true;
			connection_fail(c, EXIT_USAGE, "the request is longer than 65536 octets");
		}
		return;
	}
	c->asked = true;
	wait_at_most(c, ANSWER_WAIT_S);
	if (end + 1 != c->in.p + c->in.len) {
		connection_fail(c, EXIT_USAGE, "one request a connection");
		return;
	}
	problem = request_parse(&request, c->in.p, (size_t)(end - c->in.p));
	if (problem != NULL)
		connection_fail(c, EXIT_USAGE, problem);
	else
		c->run(c, &request);
}

/* After the end of what it says: it has closed, and does not just listen from now on. */
static bool
gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) != 0;	/* nothing is asked for, so it is POLLHUP or an error */
}

/* It may still read the answer. That it goes while it waits is seen when we write. */
static void
read_end(struct connection *c)
{
	ev_io_stop(c->loop, &c->readable);
	if (gone(c->readable.fd)) {
		shut(c);
	} else if (!c->asked) {
		c->asked = true;
		connection_fail(c, EXIT_USAGE, "the request has no line end");
	}
}

static void
read_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct connection *c = w->data;
	char bytes[READ_STEP];
	ssize_t n = recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0) {
		read_end(c);
	} else if (n < 0 || (!c->asked && !buffer_add(&c->in, bytes, (size_t)n))) {
		shut(c);	/* nobody is left to answer, or no memory */
	} else if (c->asked) {
		/* Talks on instead of listening: what waits for it is still sent, no more read. */
		ev_io_stop(loop, w);
		connection_fail(c, EXIT_USAGE, "one request a connection");
	} else {
		consider(c, (size_t)n);
	}
}

static void
limit_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct connection *c = w->data;

	(void)loop;
	(void)revents;
	if (outbox_length(&c->out) > 0)
		shut(c);
	else if (!c->asked)
		connection_fail(c, EXIT_USAGE, "no request came in time");
	else
		connection_fail(c, EXIT_TEMPORARY, "no answer could be had in time");
}

struct connection *
connection_new(struct ev_loop *loop, int fd, const struct ucred *peer, struct server *server,
    void (*run)(struct connection *c, const struct request *r))
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->loop = loop;
	c->server = server;
	c->run = run;
	c->peer = *peer;
	ev_io_init(&c->readable, read_cb, fd, EV_READ);
	ev_io_init(&c->writable, write_cb, fd, EV_WRITE);
	ev_timer_init(&c->limit, limit_cb, 0., 0.);
	c->readable.data = c->writable.data = c->limit.data = c;
	ev_io_start(loop, &c->readable);
	wait_at_most(c, READ_WAIT_S);
	return c;
}

void
connection_free(struct connection *c)
{
	if (c == NULL)
		return;
	shut(c);
	buffer_clear(&c->in);
	free(c);
}

bool
connection_closed(const struct connection *c)
{
	return c->closed;
}

struct server *
connection_server(const struct connection *c)
{
	return c->server;
}

const struct ucred *
connection_peer(const struct connection *c)
{
	return &c->peer;
}

bool
connection_follows(const struct connection *c)
{
	return c->follows;
}

void
connection_set_probe(struct connection *c, uint32_t id)
{
	c->probe = c->closed || c->ended ? 0 : id;
}

uint32_t
connection_probe(const struct connection *c)
{
	return c->probe;
}

struct pending *
connection_pend(struct connection *c)
{
	struct pending *p = malloc(sizeof(*p));

	assert(c->pending == NULL);
	if (p == NULL)
		return NULL;
	p->connection = c;
	c->pending = p;
	return p;
}

struct connection *
connection_resume(struct pending *p)
{
	struct connection *c = p->connection;

	if (c != NULL)
		c->pending = NULL;
	free(p);
	return c;
}
