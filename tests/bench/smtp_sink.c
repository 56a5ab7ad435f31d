/* smtp_sink.c - an MX that takes every mail and keeps none: many sessions on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * smtp_sink FILE ADDRESS...: port 25 of these addresses. FILE: key, certificate and chain. Says
 * "ready" once it listens. STARTTLS, EHLO, DATA; every other line gets a 250. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define COMMANDS_MAX 1024	/* pipelined ones */
#define REPLIES_MAX 4096
#define CHUNK 65536
#define FILES 100000
#define END_LEN 3		/* ".\r\n"; the load generator's lines never end in a dot */

struct session {
	int fd;			/* of a listener: nothing else is set */
	bool listener, data, after_220;
	SSL *tls;
	size_t out_len, in_len;
	char in[COMMANDS_MAX], out[REPLIES_MAX], last[END_LEN];
};

static SSL_CTX *context;
static int epoll;

static void
need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "smtp_sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
watch(struct session *s, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = s };

	need(epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &event) == 0, "epoll_ctl");
}

static void
end(struct session *s)
{
	if (s->tls != NULL) {
		SSL_shutdown(s->tls);
		SSL_free(s->tls);
	}
	close(s->fd);
	free(s);
}

enum io { MOVED, AGAIN, OVER };

static enum io
result(const struct session *s, ssize_t n)
{
	if (n > 0)
		return MOVED;
	if (s->tls == NULL)
		return n < 0 && errno == EAGAIN ? AGAIN : OVER;
	int error = SSL_get_error(s->tls, (int)n);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? AGAIN : OVER;
}

static void
say(struct session *s, const char *reply)
{
	size_t len = strlen(reply);

	need(s->out_len + len <= REPLIES_MAX, "too many commands at once");
	memcpy(s->out + s->out_len, reply, len);
	s->out_len += len;
}

static enum io
write_out(struct session *s)
{
	while (s->out_len > 0) {
		ssize_t n = s->tls != NULL ? SSL_write(s->tls, s->out, (int)s->out_len) :
		    send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);
		enum io io = result(s, n);

		if (io != MOVED)
			return io;
		s->out_len -= (size_t)n;
		memmove(s->out, s->out + n, s->out_len);
	}
	return MOVED;
}

/* --- the dialogue ----------------------------------------------------------------------------- */

static bool
is(const char *line, const char *verb)
{
	return strncasecmp(line, verb, strlen(verb)) == 0;
}

static void
command(struct session *s, const char *line)
{
	if (is(line, "EHLO")) {
		say(s, s->tls != NULL ? "250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n" :
		    "250-sink.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n");
	} else if (is(line, "STARTTLS")) {
		s->after_220 = true;
		say(s, "220 2.0.0 go ahead\r\n");
	} else if (is(line, "DATA")) {
		s->data = true;
		memset(s->last, 0, sizeof(s->last));
		say(s, "354 go ahead\r\n");
	} else {
		say(s, is(line, "QUIT") ? "221 2.0.0 bye\r\n" : "250 2.0.0 ok\r\n");
	}
}

/* mail: whether its end has come. */
static bool
mail(struct session *s, const char *p, size_t len)
{
	if (len >= END_LEN) {
		memcpy(s->last, p + len - END_LEN, END_LEN);
	} else {
		memmove(s->last, s->last + len, END_LEN - len);
		memcpy(s->last + END_LEN - len, p, len);
	}
	return memcmp(s->last, ".\r\n", END_LEN) == 0;
}

static enum io
read_mail(struct session *s)
{
	static char chunk[CHUNK];
	ssize_t n = s->tls != NULL ? SSL_read(s->tls, chunk, CHUNK) : recv(s->fd, chunk, CHUNK, 0);
	enum io io = result(s, n);

	if (io == MOVED && mail(s, chunk, (size_t)n)) {
		s->data = false;
		say(s, "250 2.0.0 taken\r\n");
	}
	return io;
}

static enum io
read_lines(struct session *s)
{
	size_t room = sizeof(s->in) - s->in_len;
	ssize_t n = s->tls != NULL ? SSL_read(s->tls, s->in + s->in_len, (int)room) :
	    recv(s->fd, s->in + s->in_len, room, 0);
	enum io io = room > 0 ? result(s, n) : OVER;

	if (io != MOVED)
		return io;
	s->in_len += (size_t)n;
	const char *line = s->in, *stop = s->in + s->in_len, *lf;
	for (; (lf = memchr(line, '\n', (size_t)(stop - line))) != NULL; line = lf + 1)
		command(s, line);
	s->in_len = (size_t)(stop - line);
	memmove(s->in, line, s->in_len);
	return MOVED;
}

static enum io
step(struct session *s)
{
	enum io io = write_out(s);

	if (io != MOVED)
		return io;
	if (s->after_220) {
		s->tls = SSL_new(context);
		need(s->tls != NULL && SSL_set_fd(s->tls, s->fd) == 1, "SSL_new");
		s->after_220 = false;
	}
	if (s->tls != NULL && !SSL_is_init_finished(s->tls))
		return result(s, SSL_accept(s->tls));
	return s->data ? read_mail(s) : read_lines(s);
}

static void
greet(const struct session *listener)
{
	int fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct session *s = calloc(1, sizeof(*s));

		need(s != NULL, "calloc");
		s->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		say(s, "220 sink.example ESMTP\r\n");
		watch(s, EPOLLIN | EPOLLOUT | EPOLLET);
	}
	need(errno == EAGAIN || errno == ECONNABORTED, "accept4");
}

static void
ready(struct session *s)
{
	enum io io;

	if (s->listener) {
		greet(s);
		return;
	}
	while ((io = step(s)) == MOVED)
		;
	if (io == OVER)
		end(s);
}

/* --- start ------------------------------------------------------------------------------------ */

static void
listen_on(const char *address)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(25) };
	struct session *s = calloc(1, sizeof(*s));

	need(s != NULL && inet_pton(AF_INET, address, &at.sin_addr) == 1, address);
	s->listener = true;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	need(bind(s->fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(s->fd, 4096) == 0,
	    address);
	watch(s, EPOLLIN);
}

int
main(int argc, char **argv)
{
	struct rlimit files = { FILES, FILES };
	struct epoll_event events[EVENTS];

	if (argc < 3) {
		fprintf(stderr, "usage: smtp_sink FILE ADDRESS...\n");
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	context = SSL_CTX_new(TLS_server_method());
	need(context != NULL && SSL_CTX_use_certificate_chain_file(context, argv[1]) == 1 &&
	    SSL_CTX_use_PrivateKey_file(context, argv[1], SSL_FILETYPE_PEM) == 1, argv[1]);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 2; i < argc; i++)
		listen_on(argv[i]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++)
			ready(events[i].data.ptr);
	}
}
