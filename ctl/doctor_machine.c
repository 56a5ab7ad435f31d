/* doctor_machine.c - what the doctor's checks ask: this machine, its resolvers, one policy host
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every wait is short, so that the whole takes seconds even where nothing answers. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/doctor.h"
#include "nfq/apply.h"

#define WAIT_S 2		/* for the daemon, the resolvers, the policy host */
#define QUERY_MAX 512		/* RFC 1035 2.3.4: no more fits into a message without EDNS */
#define LABEL_MAX 63

static bool
run(const char *const argv[], const char *in, struct program_result *r)
{
	return program_run(argv, in, -1, r);
}

static char *
loaded(char *error, size_t error_size)
{
	return apply_loaded(-1, error, error_size);
}

static json_t *
ask(const char *control, const char *verb, enum exit_code *code, char *error, size_t error_size)
{
	struct request r = { .port = 25 };
	struct client *c;
	json_t *line, *answer;

	snprintf(r.verb, sizeof(r.verb), "%s", verb);
	c = client_ask(control, &r, code, error, error_size);
	if (c == NULL)
		return NULL;
	client_limit(c, WAIT_S);
	*code = EXIT_TEMPORARY;
	line = client_line(c, error, error_size);
	answer = json_incref(json_object_get(line, "answer"));
	if (line != NULL && answer == NULL) {
		const char *why = json_string_value(json_object_get(line, "error"));

		snprintf(error, error_size, "%s", why != NULL ? why : "an answer without content");
	}
	json_decref(line);
	client_free(c);
	return answer;
}

/* RFC 1035 section 4.1: one question, RD and AD set (RFC 6840 5.7: tell me whether it is secure),
 * and room for a longer answer (RFC 6891) with DO (RFC 3225). 0: not a name. */
static size_t
query(unsigned char out[QUERY_MAX], const char *name, uint16_t type, uint16_t id)
{
	static const unsigned char head[] = { 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1 };
	static const unsigned char opt[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0 };
	size_t at = 2 + sizeof(head), len;

	out[0] = (unsigned char)(id >> 8);
	out[1] = (unsigned char)id;
	memcpy(out + 2, head, sizeof(head));
	for (; *name != '\0' && strcmp(name, ".") != 0; name += len + (name[len] == '.')) {
		len = strcspn(name, ".");
		if (len == 0 || len > LABEL_MAX || at + len + 2 > 255 + sizeof(head))
			return 0;
		out[at++] = (unsigned char)len;
		memcpy(out + at, name, len);
		at += len;
	}
	out[at++] = 0;
	out[at++] = (unsigned char)(type >> 8);
	out[at++] = (unsigned char)type;
	out[at++] = 0;
	out[at++] = 1;		/* IN */
	memcpy(out + at, opt, sizeof(opt));
	return at + sizeof(opt);
}

static int
open_udp(const struct address *server, const void *message, size_t len)
{
	struct sockaddr_storage to;
	socklen_t size = address_to_sockaddr(server, &to);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	/* Connected: the kernel lets nobody else answer. */
	if (fd >= 0 && (connect(fd, (const struct sockaddr *)&to, size) != 0 ||
	    send(fd, message, len, 0) != (ssize_t)len)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* False: not our answer, so a better one may follow. */
static bool
receive(int fd, const unsigned char id[2], struct doctor_answer *a)
{
	unsigned char message[2048];
	ssize_t n = recv(fd, message, sizeof(message), 0);

	if (n < 0)
		return errno != EAGAIN && errno != EINTR;	/* refused: none will come */
	if (n < 12 || memcmp(message, id, 2) != 0 || (message[2] & 0x80) == 0)
		return false;
	*a = (struct doctor_answer){ .answered = true, .rcode = message[3] & 0x0f,
		.ad = (message[3] & 0x20) != 0 };
	a->len = (size_t)n < sizeof(a->message) ? (size_t)n : sizeof(a->message);
	memcpy(a->message, message, a->len);
	return true;
}

static int
left_ms(const struct timespec *end)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

static void
resolve(const struct address *servers, size_t n, const char *name, uint16_t type,
    struct doctor_answer *answers)
{
	struct pollfd polls[CONFIG_RESOLVERS_MAX];
	unsigned char message[QUERY_MAX];
	size_t i, len, open = 0;
	struct timespec end;
	uint16_t id = 0;

	(void)!getrandom(&id, sizeof(id), 0);
	len = query(message, name, type, id);
	n = n < CONFIG_RESOLVERS_MAX ? n : CONFIG_RESOLVERS_MAX;
	for (i = 0; i < n; i++) {
		answers[i] = (struct doctor_answer){ .answered = false };
		polls[i] = (struct pollfd){ .events = POLLIN,
			.fd = len > 0 ? open_udp(&servers[i], message, len) : -1 };
		open += polls[i].fd >= 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT_S;
	while (open > 0 && poll(polls, n, left_ms(&end)) > 0) {
		for (i = 0; i < n; i++) {
			if (polls[i].fd < 0 || polls[i].revents == 0 ||
			    !receive(polls[i].fd, message, &answers[i]))
				continue;
			close(polls[i].fd);
			polls[i].fd = -1;
			open--;
		}
	}
	for (i = 0; i < n; i++)
		if (polls[i].fd >= 0)
			close(polls[i].fd);
}

static bool
dial(const struct address *to, char *error, size_t error_size)
{
	struct sockaddr_storage name;
	socklen_t size = address_to_sockaddr(to, &name), len = sizeof(int);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int problem = 0;

	if (fd < 0 || (connect(fd, (const struct sockaddr *)&name, size) != 0 &&
	    errno != EINPROGRESS))
		problem = errno;
	else if (poll(&p, 1, WAIT_S * 1000) <= 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0)
		problem = ETIMEDOUT;
	if (fd >= 0)
		close(fd);
	if (problem != 0)
		snprintf(error, error_size, "%s", strerror(problem));
	return problem == 0;
}

static bool
clock_now(time_t *now, bool *synchronised)
{
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);

	*now = time(NULL);
	*synchronised = state >= 0 && state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
	return state >= 0;
}

static bool
space(const char *path, struct doctor_space *out)
{
	struct statvfs s;

	if (statvfs(path, &s) != 0)
		return false;
	out->free = (unsigned long long)s.f_bavail * s.f_frsize;
	out->total = (unsigned long long)s.f_blocks * s.f_frsize;
	return true;
}

const struct doctor_host doctor_machine = {
	.root = "",
	.run = run,
	.exists = program_exists,
	.plan = &plan_host,
	.installed = installed_read,
	.canonical = apply_canonical,
	.loaded = loaded,
	.before = apply_before,
	.ask = ask,
	.resolve = resolve,
	.dial = dial,
	.clock = clock_now,
	.space = space,
};
