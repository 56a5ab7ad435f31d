/* client.c - posternctl's end of the control socket
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/buffer.h"

#define CONNECT_WAIT_S 3	/* a hung server, and others that wait for it already */
#define ANSWER_WAIT_S 200	/* a little over the server's own limit */
#define LINE_MAX_OCTETS (16u << 20)	/* twice what the server sends at most */
#define READ_STEP 16384

struct client {
	int fd;
	struct buffer in;
	size_t searched;	/* octets of in that hold no newline */
	int files[OUTBOX_FILES_MAX];
	size_t files_len;
};

static void
set_wait(int fd, int direction, time_t seconds)
{
	struct timeval limit = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, direction, &limit, sizeof(limit));
}

/* Which way a connection failed decides what the administrator can do about it. */
static enum exit_code
explain_failure(int problem, const char *path, char *error, size_t error_size)
{
	switch (problem) {
	case ENOENT:
	case ECONNREFUSED:
		snprintf(error, error_size, "posternd is not running: nobody answers at %s\n"
		    "next: systemctl start posternd; why it stopped: journalctl -u posternd", path);
		return EXIT_NOT_RUNNING;
	case EACCES:
	case EPERM:
		snprintf(error, error_size, "not permitted to open %s\n"
		    "next: ask as root, or as a member of the group of the daemon's user", path);
		return EXIT_NOT_PERMITTED;
	case EAGAIN:
		snprintf(error, error_size, "posternd does not answer at %s\n"
		    "next: journalctl -u posternd; it is killed and started anew when it hangs",
		    path);
		return EXIT_TEMPORARY;
	default:
		snprintf(error, error_size, "%s: %s", path, strerror(problem));
		return EXIT_TEMPORARY;
	}
}

static int
connect_to(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, problem;

	if (strlen(path) >= sizeof(name.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		set_wait(fd, SO_SNDTIMEO, CONNECT_WAIT_S);	/* connect heeds it */
	if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	problem = errno;
	close(fd);
	errno = problem;
	return -1;
}

struct client *
client_ask(const char *path, const struct request *r, enum exit_code *code, char *error,
    size_t error_size)
{
	char line[REQUEST_LINE_SIZE];
	size_t len = request_print(r, line, sizeof(line));
	struct client *c;
	int fd = connect_to(path);

	if (fd < 0) {
		*code = explain_failure(errno, path, error, error_size);
		return NULL;
	}
	set_wait(fd, SO_RCVTIMEO, ANSWER_WAIT_S);
	/* A server that has no room for us may have hung up already: its words are read first. */
	c = calloc(1, sizeof(*c));
	if (c == NULL || len == 0 || (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len &&
	    errno != EPIPE && errno != ECONNRESET)) {
		snprintf(error, error_size, "cannot send the request: %s", strerror(errno));
		*code = EXIT_TEMPORARY;
		free(c);
		close(fd);
		return NULL;
	}
	c->fd = fd;
	return c;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	while (c->files_len > 0)
		close(c->files[--c->files_len]);
	close(c->fd);
	buffer_clear(&c->in);
	free(c);
}

static void
keep_files(struct client *c, struct msghdr *message)
{
	struct cmsghdr *head;

	for (head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
		size_t count, i;

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(fd), sizeof(fd));
			if (c->files_len < OUTBOX_FILES_MAX)
				c->files[c->files_len++] = fd;
			else
				close(fd);
		}
	}
}

/* More octets into c->in; false with the reason in error. */
static bool
receive(struct client *c, char *error, size_t error_size)
{
	char bytes[READ_STEP];
	union {
		char space[CMSG_SPACE(sizeof(int) * OUTBOX_FILES_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space, .msg_controllen = sizeof(control.space) };
	ssize_t n;

	do
		n = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		snprintf(error, error_size, errno == EAGAIN ?
		    "posternd does not answer" : "the connection broke");
		return false;
	}
	keep_files(c, &message);
	if (n == 0) {
		snprintf(error, error_size, "posternd closed the connection");
		return false;
	}
	if (buffer_length(&c->in) > LINE_MAX_OCTETS || !buffer_add(&c->in, bytes, (size_t)n)) {
		snprintf(error, error_size, "the answer is too long");
		return false;
	}
	return true;
}

json_t *
client_line(struct client *c, char *error, size_t error_size)
{
	const char *start, *end;
	json_t *line;
	size_t len;

	for (;;) {
		len = buffer_length(&c->in);
		start = len > 0 ? c->in.p + c->in.start : "";
		end = memchr(start + c->searched, '\n', len - c->searched);
		if (end != NULL)
			break;
		c->searched = len;
		if (!receive(c, error, error_size))
			return NULL;
	}
	len = (size_t)(end - start);
	line = json_loadb(start, len, 0, NULL);
	buffer_take(&c->in, len + 1);
	c->searched = 0;
	if (!json_is_object(line)) {
		json_decref(line);
		snprintf(error, error_size, "the answer is not what this posternctl understands");
		return NULL;
	}
	return line;
}

int
client_file(const struct client *c, size_t which)
{
	return which < c->files_len ? c->files[which] : -1;
}

void
client_wait(struct client *c)
{
	set_wait(c->fd, SO_RCVTIMEO, 0);
}

void
client_limit(struct client *c, unsigned seconds)
{
	set_wait(c->fd, SO_RCVTIMEO, (time_t)seconds);
}
