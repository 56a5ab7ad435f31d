/* smtp_load.c - many SMTP sessions at once on one loop, each with STARTTLS and its mails
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * smtp_load [-n SESSIONS] [-c AT_ONCE] [-m MAILS] [-s OCTETS] [-r] [-i STEP] [-3] [-C] ADDRESS RCPT
 * -m: of each session; -r: all but the first resume its TLS session; -i: all stay open behind STEP
 * (ehlo, mail, rcpt), and end with the input's end; -3: TLS up to 1.3; -C: no TLS. The certificate
 * is not looked at: what is measured is what stands between. At the end one line: sessions, mails,
 * how many sessions were resumed, seconds, microseconds of CPU of this process, and of a session's
 * microseconds from its connect() to its end the median, the ninth decile and the least. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/lasting.h"

#define EVENTS 256
#define REPLY_MAX 1024
#define CHUNK 16384		/* a TLS record */
#define SESSIONS_MAX 100000
#define REMEMBER_MS 200		/* between the session that is resumed and those that resume it */
#define PATIENCE_MS 60000	/* without any event */

enum step { GREETING, EHLO, STARTTLS, HANDSHAKE, EHLO_TLS, MAIL, RCPT, DATA, BODY, QUIT };

struct session {
	struct session *next;	/* of those that stay open */
	int fd;
	SSL *tls;
	enum step step;
	const char *out;
	size_t out_len;
	uint64_t chunks;	/* of the body, still to be sent whole */
	int mails;
	double begun;
	size_t in_len;
	char in[REPLY_MAX];
};

struct load {
	int sessions, at_once, mails;
	uint64_t octets;
	bool resume, clear;
	enum step idle;		/* GREETING: none is */
	struct sockaddr_in to;
	SSL_CTX *tls;
	SSL_SESSION *resumed;
	struct session *idlers;
	int epoll, started, open, waiting, resumptions, taken;
	struct lasting lasted;	/* sessions, from connect() to their end */
	char chunk[CHUNK], last[CHUNK + 4], rcpt[300];
	size_t last_len;
};

static void
need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "smtp_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- one session ------------------------------------------------------------------------------ */

static void
begin(struct load *l)
{
	struct session *s = calloc(1, sizeof(*s));
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s };

	need(s != NULL, "calloc");
	s->begun = samples_seconds(CLOCK_MONOTONIC);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	need(s->fd >= 0, "socket");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	need(connect(s->fd, (struct sockaddr *)&l->to, sizeof(l->to)) == 0 ||
	    errno == EINPROGRESS, "connect");
	need(epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &event) == 0, "epoll_ctl");
	l->started++;
	l->open++;
}

static void
end(struct load *l, struct session *s)
{
	if (s->tls != NULL) {
		if (l->resume && l->resumed == NULL)
			l->resumed = SSL_get1_session(s->tls);
		SSL_shutdown(s->tls);
		SSL_free(s->tls);
	}
	close(s->fd);
	lasting_add(&l->lasted, s->begun);
	free(s);
	l->open--;
}

/* io_result: octets moved, 0 where the socket must become ready first. */
static size_t
io_result(const struct session *s, ssize_t n, const char *what)
{
	if (n > 0)
		return (size_t)n;
	int error = s->tls != NULL && n < 0 ? SSL_get_error(s->tls, (int)n) : 0;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ||
	    (s->tls == NULL && n < 0 && errno == EAGAIN))
		return 0;
	fprintf(stderr, "smtp_load: %s at step %d: TLS error %d, %s\n", what, (int)s->step, error,
	    n == 0 ? "end of the connection" : strerror(errno));
	exit(1);
}

/* write_out: false while something is left. */
static bool
write_out(const struct load *l, struct session *s)
{
	while (s->out_len > 0) {
		ssize_t n = s->tls != NULL ? SSL_write(s->tls, s->out, (int)s->out_len) :
		    send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);
		size_t put = io_result(s, n, "write");

		if (put == 0)
			return false;
		s->out += put;
		s->out_len -= put;
		if (s->out_len > 0 || s->step != BODY || s->chunks == 0)
			continue;
		s->chunks--;
		s->out = s->chunks > 0 ? l->chunk : l->last;
		s->out_len = s->chunks > 0 ? CHUNK : l->last_len;
	}
	return true;
}

/* replied: a whole reply stands there; it is taken. Nothing is pipelined, so nothing follows. */
static bool
replied(struct session *s)
{
	const char *line;

	if (s->in_len < 5 || s->in[s->in_len - 1] != '\n')
		return false;
	line = memrchr(s->in, '\n', s->in_len - 1);
	line = line == NULL ? s->in : line + 1;
	if (line[3] != ' ')
		return false;
	if (line[0] != '2' && line[0] != '3') {
		fprintf(stderr, "smtp_load: at step %d: %.*s", (int)s->step, (int)s->in_len, s->in);
		exit(1);
	}
	s->in_len = 0;
	return true;
}

/* read_reply: false while more is to come. */
static bool
read_reply(struct session *s)
{
	while (!replied(s)) {
		size_t room = sizeof(s->in) - s->in_len;
		ssize_t n = s->tls != NULL ? SSL_read(s->tls, s->in + s->in_len, (int)room) :
		    recv(s->fd, s->in + s->in_len, room, 0);
		size_t got = io_result(s, n, "read");

		if (got == 0)
			return false;
		s->in_len += got;
	}
	return true;
}

static void
say(struct session *s, const char *line)
{
	s->out = line;
	s->out_len = strlen(line);
}

static void
start_tls(struct load *l, struct session *s)
{
	s->tls = SSL_new(l->tls);
	need(s->tls != NULL && SSL_set_fd(s->tls, s->fd) == 1, "SSL_new");
	if (l->resumed != NULL)
		SSL_set_session(s->tls, l->resumed);
}

/* advance: to the next step, and what it says. */
static void
advance(struct load *l, struct session *s)
{
	static const char *const lines[] = {
		[EHLO] = "EHLO client.example\r\n", [STARTTLS] = "STARTTLS\r\n",
		[EHLO_TLS] = "EHLO client.example\r\n",
		[MAIL] = "MAIL FROM:<sender@client.example>\r\n", [DATA] = "DATA\r\n",
		[QUIT] = "QUIT\r\n",
	};

	if (s->step == EHLO && l->clear)
		s->step = EHLO_TLS;
	if (s->step == BODY) {
		l->taken++;
		if (++s->mails < l->mails)
			s->step = EHLO_TLS;
	}
	s->step++;
	if (s->step == HANDSHAKE) {
		start_tls(l, s);
	} else if (s->step == RCPT) {
		say(s, l->rcpt);
	} else if (s->step == BODY) {
		s->chunks = l->octets / CHUNK;
		s->out = s->chunks > 0 ? l->chunk : l->last;
		s->out_len = s->chunks > 0 ? CHUNK : l->last_len;
	} else {
		say(s, lines[s->step]);
	}
}

/* turn: until a socket must become ready. */
static void
turn(struct load *l, struct session *s)
{
	while (write_out(l, s)) {
		if (s->step == HANDSHAKE) {
			if (io_result(s, SSL_connect(s->tls), "handshake") == 0)
				return;
			l->resumptions += SSL_session_reused(s->tls);
		} else if (!read_reply(s)) {
			return;
		}
		if (s->step == QUIT) {
			end(l, s);
			return;
		}
		if (s->step == l->idle && l->idle != GREETING) {
			l->waiting++;
			s->next = l->idlers;
			l->idlers = s;
			return;
		}
		advance(l, s);
	}
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
run(struct load *l, int sessions)
{
	struct epoll_event events[EVENTS];
	int until = l->started + sessions;

	while (l->open > l->waiting || l->started < until) {
		while (l->started < until && l->open - l->waiting < l->at_once)
			begin(l);
		int n = epoll_wait(l->epoll, events, EVENTS, PATIENCE_MS);
		if (n == 0) {
			fprintf(stderr, "smtp_load: nothing happens any more\n");
			exit(1);
		}
		for (int i = 0; i < n; i++)
			turn(l, events[i].data.ptr);
	}
}

/* any_chain: without a walk along it, which SSL_VERIFY_NONE does not spare. */
static int
any_chain(X509_STORE_CTX *chain, void *arg)
{
	(void)chain, (void)arg;
	return 1;
}

static SSL_CTX *
client_context(int newest)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	need(c != NULL && SSL_CTX_set_max_proto_version(c, newest), "SSL_CTX_new");
	SSL_CTX_set_cert_verify_callback(c, any_chain, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	return c;
}

static void
write_mail(struct load *l)
{
	for (size_t i = 0; i < CHUNK; i++)
		l->chunk[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
	l->last_len = l->octets % CHUNK / 64 * 64;
	memcpy(l->last, l->chunk, l->last_len);
	memcpy(l->last + l->last_len, ".\r\n", 3);
	l->last_len += 3;
}

static void
usage(void)
{
	fprintf(stderr, "usage: smtp_load [-n SESSIONS] [-c AT_ONCE] [-m MAILS] [-s OCTETS] "
	    "[-r] [-i STEP] [-3] [-C] ADDRESS RCPT\n");
	exit(2);
}

static enum step
step_named(const char *word)
{
	if (strcmp(word, "ehlo") != 0 && strcmp(word, "mail") != 0 && strcmp(word, "rcpt") != 0)
		usage();
	return word[0] == 'e' ? EHLO_TLS : word[0] == 'm' ? MAIL : RCPT;
}

static void
options(struct load *l, int argc, char **argv)
{
	int option, newest = TLS1_2_VERSION;

	while ((option = getopt(argc, argv, "n:c:m:s:ri:3C")) != -1)
		switch (option) {
		case 'n': l->sessions = atoi(optarg); break;
		case 'c': l->at_once = atoi(optarg); break;
		case 'm': l->mails = atoi(optarg); break;
		case 's': l->octets = strtoull(optarg, NULL, 10); break;
		case 'r': l->resume = true; break;
		case 'i': l->idle = step_named(optarg); break;
		case '3': newest = TLS1_3_VERSION; break;
		case 'C': l->clear = true; break;
		default: usage();
		}
	if (argc - optind != 2 || l->sessions < 1 || l->sessions > SESSIONS_MAX ||
	    l->at_once < 1 || l->mails < 1 ||
	    inet_pton(AF_INET, argv[optind], &l->to.sin_addr) != 1)
		usage();
	snprintf(l->rcpt, sizeof(l->rcpt), "RCPT TO:<%s>\r\n", argv[optind + 1]);
	if (l->idle == EHLO_TLS && l->clear)
		l->idle = EHLO;
	l->tls = client_context(newest);
}

/* measured: the sessions that count, and the line about them. */
static void
measured(struct load *l)
{
	double start = samples_seconds(CLOCK_MONOTONIC);
	double used = samples_seconds(CLOCK_PROCESS_CPUTIME_ID);

	l->lasted.count = 0;
	run(l, l->sessions);
	used = samples_seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
	start = samples_seconds(CLOCK_MONOTONIC) - start;
	printf("%d %d %d %.3f %.0f %.0f %.0f %.0f\n", l->started, l->taken, l->resumptions, start,
	    used * 1e6, lasting_part(&l->lasted, 50), lasting_part(&l->lasted, 90),
	    lasting_part(&l->lasted, 0));
	fflush(stdout);
	while (l->waiting > 0 && getchar() != EOF)
		;
	while (l->idlers != NULL) {
		struct session *s = l->idlers;

		l->idlers = s->next;
		end(l, s);
	}
}

int
main(int argc, char **argv)
{
	static struct load l = { .sessions = 1, .at_once = 1, .mails = 1, .octets = 4096,
		.to = { .sin_family = AF_INET } };
	struct rlimit files;

	options(&l, argc, argv);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	l.to.sin_port = htons(25);
	write_mail(&l);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	need(l.epoll >= 0, "epoll_create1");
	if (l.resume) {
		run(&l, 1);
		poll(NULL, 0, REMEMBER_MS);
	}
	measured(&l);
	SSL_SESSION_free(l.resumed);
	SSL_CTX_free(l.tls);
	free(l.lasted.us);
	return 0;
}
