/* log_crash_test.c - the policy process is killed again and again; no decision is lost or doubled
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This process is the worker: its queue writes into a ring. The child is the log's writer, killed by
 * SIGKILL at random moments, between a batch's write and its being done with too; its replacement
 * reads on, sometimes before the old one is dead. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/ring.h"
#include "daemon/wire.h"
#include "policy/message.h"
#include "record/log.h"
#include "record/queue.h"

#define KILLS 20
#define BATCH 20		/* records written together */
#define EVIDENCE 6000		/* octets: a line over two pages, so that a kill can tear it */

static char folder[] = "/tmp/postern-crash-XXXXXX", path[64];

static bool
take(struct log *l, const unsigned char *p, size_t len)
{
	char text[EVIDENCE + 1];
	struct event e;
	const void *body;
	size_t body_len;

	memset(text, 'x', EVIDENCE);
	text[EVIDENCE] = '\0';
	return message_get_record(p, len, &body, &body_len) && event_decode(body, body_len, &e) &&
	    log_add(l, &e, json_pack("{s:s}", "text", text)) != LOG_FAILED;
}

static void
write_log(int fd)
{
	struct config config = { .log = { .file = path, .journal = JOURNAL_NO } };
	struct ring *ring = ring_open(fd);
	unsigned char p[WIRE_MESSAGE_MAX];
	char error[256];
	struct log *l = log_open(&config, error, sizeof error);
	size_t len;

	if (l == NULL || ring == NULL)
		_exit(2);
	for (;;) {
		for (unsigned n = 0; n < BATCH && ring_read(ring, p, &len) != RING_EMPTY; n++)
			if (!take(l, p, len))
				_exit(3);
		if (!log_flush(l))
			_exit(4);
		ring_done(ring);
	}
}

static pid_t
start(int ring)
{
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		write_log(ring);
	}
	return pid;
}

static void
stop(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static bool
hand_over(void *arg, const void *p, size_t len, int fd)
{
	assert_true(message_get_ring(p, len));
	if (fd >= 0)
		*(int *)arg = fd;
	return true;
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
	int ring = -1;
	struct queue *q = queue_new(hand_over, &ring);
	unsigned n = 0;
	pid_t pid;

	(void)state;
	queue_resend(q);
	pid = start(ring);
	for (int kills = 0; kills < KILLS; kills++) {
		pid_t old = pid;
		unsigned many;

		assert_int_equal(getrandom(&many, sizeof many, 0), sizeof many);
		for (unsigned i = 0; i < 20 + many % 400; i++)
			add(q, ++n);
		nanosleep(&(struct timespec){ .tv_nsec = many % 3000000 }, NULL);
		if (many % 3 > 0)
			stop(old);
		pid = start(ring);
		if (many % 3 == 0) {
			nanosleep(&(struct timespec){ .tv_nsec = many % 3000000 }, NULL);
			stop(old);
		}
	}
	for (int i = 0; i < 2000 && queue_length(q) > 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_true(queue_length(q) == 0);
	assert_int_equal(queue_dropped(q), 0);
	stop(pid);
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
