/* smtp_sink.c - an MX that takes every mail and keeps none: many sessions on one loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * smtp_sink [-t] [-f KEY] FILE ADDRESS...: port 25 of these addresses. FILE: key, certificate and
 * chain. Says "ready" once it listens. STARTTLS, EHLO, DATA; every other line gets a 250. Every TLS
 * handshake is a full one, unless -t lets it issue tickets. -f: each session is shown a leaf that
 * nobody has seen, FILE's with a number of its own, issued by KEY. A line on its input is answered
 * by one: sessions ended, mails taken, full handshakes, resumed ones, and microseconds of CPU. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/sink_tls.h"

#define EVENTS 256
#define COMMANDS_MAX 1024	/* pipelined ones */
#define REPLIES_MAX 4096
#define CHUNK 65536
#define TAIL 64			/* of a body, for its end and the commands that came with it */

enum what { SESSION, LISTENER, INPUT };

struct session {
	int fd;
	enum what what;		/* of all but a session nothing else is set */
	bool data, after_220;
	SSL *tls;
	size_t out_len, in_len, tail_len;
	char in[COMMANDS_MAX], out[REPLIES_MAX], tail[TAIL];
};

static struct sink_tls identity;
static int epoll;
static struct {
	long ended, mails, full, resumed;
} counted;

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
		/* What is left in the queue would be taken for an error of the next session's. */
		ERR_clear_error();
	}
	close(s->fd);
	free(s);
	counted.ended++;
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
		s->tail_len = 2;
		memcpy(s->tail, "\r\n", s->tail_len);
		say(s, "354 go ahead\r\n");
	} else {
		say(s, is(line, "QUIT") ? "221 2.0.0 bye\r\n" : "250 2.0.0 ok\r\n");
	}
}

static void
commands(struct session *s)
{
	const char *line = s->in, *stop = s->in + s->in_len, *lf;

	for (; (lf = memchr(line, '\n', (size_t)(stop - line))) != NULL; line = lf + 1)
		command(s, line);
	s->in_len = (size_t)(stop - line);
	memmove(s->in, line, s->in_len);
}

/* mail: part of a body; Postfix lets its QUIT follow the end at once. */
static void
mail(struct session *s, const char *p, size_t len)
{
	static const char end_of_mail[] = { '\r', '\n', '.', '\r', '\n' };
	size_t part = len < TAIL ? len : TAIL, kept = s->tail_len;

	if (kept > TAIL - part)
		kept = TAIL - part;
	memmove(s->tail, s->tail + s->tail_len - kept, kept);
	memcpy(s->tail + kept, p + len - part, part);
	s->tail_len = kept + part;
	const char *dot = memmem(s->tail, s->tail_len, end_of_mail, sizeof(end_of_mail));
	if (dot == NULL)
		return;
	s->data = false;
	counted.mails++;
	say(s, "250 2.0.0 taken\r\n");
	dot += sizeof(end_of_mail);
	s->in_len = (size_t)(s->tail + s->tail_len - dot);
	memcpy(s->in, dot, s->in_len);
	commands(s);
}

static enum io
read_mail(struct session *s)
{
	static char chunk[CHUNK];
	ssize_t n = s->tls != NULL ? SSL_read(s->tls, chunk, CHUNK) : recv(s->fd, chunk, CHUNK, 0);
	enum io io = result(s, n);

	if (io == MOVED)
		mail(s, chunk, (size_t)n);
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
	commands(s);
	return MOVED;
}

static enum io
handshake(const struct session *s)
{
	enum io io = result(s, SSL_accept(s->tls));

	if (io == MOVED)
		(*(SSL_session_reused(s->tls) ? &counted.resumed : &counted.full))++;
	return io;
}

static enum io
step(struct session *s)
{
	enum io io = write_out(s);

	if (io != MOVED)
		return io;
	if (s->after_220) {
		s->tls = sink_tls_begin(&identity, s->fd);
		need(s->tls != NULL, "SSL_new");
		s->after_220 = false;
	}
	if (s->tls != NULL && !SSL_is_init_finished(s->tls))
		return handshake(s);
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

/* answer: what is counted so far, once for each line of the input; its end ends nothing. */
static void
answer(const struct session *input)
{
	char lines[64];
	struct timespec used;
	ssize_t n = read(input->fd, lines, sizeof(lines));

	if (n <= 0) {
		epoll_ctl(epoll, EPOLL_CTL_DEL, input->fd, NULL);
		return;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	printf("%ld %ld %ld %ld %ld\n", counted.ended, counted.mails, counted.full, counted.resumed,
	    used.tv_sec * 1000000 + used.tv_nsec / 1000);
	fflush(stdout);
}

static void
ready(struct session *s)
{
	enum io io;

	if (s->what != SESSION) {
		(s->what == LISTENER ? greet : answer)(s);
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
	s->what = LISTENER;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	need(bind(s->fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(s->fd, 4096) == 0,
	    address);
	watch(s, EPOLLIN);
}

static void
usage(void)
{
	fprintf(stderr, "usage: smtp_sink [-t] [-f KEY] FILE ADDRESS...\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static struct session input = { .fd = STDIN_FILENO, .what = INPUT };
	struct rlimit files;
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN, .data.ptr = &input };
	const char *issuer = NULL;
	bool tickets = false;

	for (int option; (option = getopt(argc, argv, "tf:")) != -1; )
		switch (option) {
		case 't': tickets = true; break;
		case 'f': issuer = optarg; break;
		default: usage();
		}
	if (argc - optind < 2)
		usage();
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	need(sink_tls_open(&identity, argv[optind], issuer, tickets), argv[optind]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	while (++optind < argc)
		listen_on(argv[optind]);
	epoll_ctl(epoll, EPOLL_CTL_ADD, input.fd, &event);	/* /dev/null will not */
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++)
			ready(events[i].data.ptr);
	}
}
