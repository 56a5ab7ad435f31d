/* log_crash_test.c - the policy process is killed again and again; no decision is lost or doubled
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This process is the worker: its queue sends over a SEQPACKET pair. The child is the log's writer,
 * killed by SIGKILL at random moments; its replacement gets a new pair and everything resent. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/message.h"
#include "record/log.h"
#include "record/queue.h"

#define KILLS 20
#define BATCH 20		/* records acknowledged together, as in one turn of a loop */
#define EVIDENCE 6000		/* octets: a line over two pages, so that a kill can tear it */

static char folder[] = "/tmp/postern-crash-XXXXXX", path[64];

struct writer {
	pid_t pid;
	int fd;
};

static bool
take(struct log *l, const unsigned char *p, size_t len, uint64_t *sequence)
{
	char text[EVIDENCE + 1];
	struct event e;
	const void *body;
	size_t body_len;

	memset(text, 'x', EVIDENCE);
	text[EVIDENCE] = '\0';
	return message_get_record(p, len, sequence, &body, &body_len) &&
	    event_decode(body, body_len, &e) &&
	    log_event(l, &e, json_pack("{s:s}", "text", text)) != LOG_FAILED;
}

static void
write_log(int fd)
{
	struct config config = { .log = { .file = path, .journal = JOURNAL_NO } };
	unsigned char p[WIRE_MESSAGE_MAX], ack[64];
	char error[256];
	struct log *l = log_open(&config, error, sizeof error);
	uint64_t sequence = 0;

	if (l == NULL)
		_exit(2);
	for (unsigned due = 0;;) {
		ssize_t len = recv(fd, p, sizeof p, due > 0 ? MSG_DONTWAIT : 0);

		if (len == 0)
			_exit(0);
		if (len > 0 && !take(l, p, (size_t)len, &sequence))
			_exit(3);
		if (len > 0 && ++due < BATCH)
			continue;
		send(fd, ack, message_ack(ack, sizeof ack, sequence), MSG_NOSIGNAL);
		due = 0;
	}
}

static void
start(struct writer *w)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	w->pid = fork();
	if (w->pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		close(ends[0]);
		write_log(ends[1]);
	}
	close(ends[1]);
	w->fd = ends[0];
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
}

static bool
send_record(void *arg, const void *p, size_t len)
{
	const struct writer *w = arg;

	return send(w->fd, p, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void
acknowledgements(struct writer *w, struct queue *q)
{
	unsigned char p[64];
	uint64_t sequence;
	ssize_t len;

	while ((len = recv(w->fd, p, sizeof p, 0)) > 0)
		if (message_get_ack(p, (size_t)len, &sequence))
			queue_acknowledge(q, sequence);
}

static void
add(struct queue *q, unsigned n)
{
	struct event e;
	char id[16];

	snprintf(id, sizeof id, "N%08u", n);
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = id;
	e.session_id = "S";
	assert_true(queue_add(q, &e));
}

/* Every id from 1 to last stands in exactly one whole line. */
static void
exactly_once(unsigned last)
{
	FILE *f = fopen(path, "r");
	unsigned char *times = calloc(last + 1, 1);
	char *line = NULL;
	size_t size = 0;
	unsigned torn = 0, n, found = 0;

	assert_non_null(f);
	while (getline(&line, &size, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		if (o == NULL)
			torn++;
		else if (sscanf(json_string_value(json_object_get(o, "id")), "N%u", &n) == 1 &&
		    n <= last)
			times[n]++;
		json_decref(o);
	}
	for (n = 1; n <= last; n++) {
		assert_int_equal(times[n], 1);
		found++;
	}
	print_message("%u decisions, %u torn lines\n", found, torn);
	free(line);
	free(times);
	fclose(f);
}

static void
nothing_is_lost_or_doubled(void **state)
{
	struct writer w;
	struct queue *q = queue_new(send_record, &w);
	unsigned n = 0;

	(void)state;
	start(&w);
	for (int kills = 0; kills < KILLS; kills++) {
		unsigned many;

		assert_int_equal(getrandom(&many, sizeof many, 0), sizeof many);
		for (unsigned i = 0; i < 20 + many % 400; i++) {
			add(q, ++n);
			acknowledgements(&w, q);
			queue_flush(q);
		}
		nanosleep(&(struct timespec){ .tv_nsec = many % 3000000 }, NULL);
		kill(w.pid, SIGKILL);
		waitpid(w.pid, NULL, 0);
		close(w.fd);
		start(&w);
		queue_resend(q);
	}
	for (int i = 0; i < 2000 && queue_length(q) > 0; i++) {
		struct pollfd ready = { .fd = w.fd, .events = POLLIN };

		poll(&ready, 1, 10);
		acknowledgements(&w, q);
		queue_flush(q);
	}
	assert_int_equal(queue_length(q), 0);
	assert_int_equal(queue_dropped(q), 0);
	close(w.fd);
	waitpid(w.pid, NULL, 0);
	exactly_once(n);
	queue_free(q);
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/decisions.jsonl", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_lost_or_doubled) };

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
