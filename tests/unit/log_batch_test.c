/* log_batch_test.c - events written in batches: all of one counts or nothing, once each
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/batch.h"
#include "record/log.h"

#define KILLS 40
#define LAST 100000u		/* more numbers than are written before the last kill */
#define EVIDENCE 3000		/* octets: a kill can tear a batch at the end of any page */

static char folder[] = "/tmp/postern-batch-XXXXXX", path[64];
static struct config config;

static struct log *
open_log(void)
{
	char error[256] = "";
	struct log *l = log_open(&config, error, sizeof error);

	assert_string_equal(error, "");
	assert_non_null(l);
	return l;
}

static void
make(struct event *e, const char *session)
{
	event_clear(e);
	e->type = EVENT_SESSION;
	e->session_id = session;
	e->action = "closed";
}

static enum log_result
add(struct log *l, const char *session)
{
	struct event e;

	make(&e, session);
	return log_add(l, &e, NULL);
}

static enum log_result
write_now(struct log *l, const char *session)
{
	struct event e;

	make(&e, session);
	return log_event(l, &e, NULL);
}

/* How many lines name this session; "" for all lines. Every line is whole. */
static size_t
lines_of(const char *session)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0, n = 0;

	assert_non_null(f);
	while (getline(&line, &size, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		assert_non_null(o);
		if (session[0] == '\0' ||
		    strcmp(json_string_value(json_object_get(o, "session_id")), session) == 0)
			n++;
		json_decref(o);
	}
	free(line);
	fclose(f);
	return n;
}

/* The file may grow by so many octets; SIZE_MAX: as it likes. */
static void
disk_has(size_t more)
{
	static struct rlimit usual;
	struct rlimit limit;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	if (usual.rlim_max == 0)
		getrlimit(RLIMIT_FSIZE, &usual);
	limit = usual;
	assert_int_equal(stat(path, &st), 0);
	if (more != SIZE_MAX)
		limit.rlim_cur = (rlim_t)st.st_size + more;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
watched(void *arg, const char *json, size_t len)
{
	*(size_t *)arg += 1;
	assert_true(json[0] == '{' && json[len - 1] == '}' && json[len] == '\n');
}

static void
a_batch_is_there_when_flushed(void **state)
{
	struct log *l = open_log();
	size_t seen = 0;

	(void)state;
	log_watch(l, watched, &seen);
	assert_true(log_flush(l));		/* nothing in it */
	assert_int_equal(add(l, "S1"), LOG_WRITTEN);
	assert_int_equal(add(l, "S2"), LOG_WRITTEN);
	assert_int_equal(add(l, "S1"), LOG_DUPLICATE);
	assert_int_equal(lines_of(""), 0);
	assert_int_equal(seen, 0);
	assert_true(log_flush(l));
	assert_int_equal(lines_of(""), 2);
	assert_int_equal(seen, 2);
	assert_int_equal(add(l, "S2"), LOG_DUPLICATE);
	assert_int_equal(add(l, "S3"), LOG_WRITTEN);
	assert_int_equal(write_now(l, "S4"), LOG_WRITTEN);	/* takes the batch along */
	assert_int_equal(lines_of("S3"), 1);
	assert_int_equal(seen, 4);
	assert_true(log_flush(l));
	assert_int_equal(lines_of(""), 4);
	add(l, "S5");				/* never flushed: never written */
	log_close(l);
	assert_int_equal(lines_of(""), 4);
}

static void
what_another_writes_meanwhile_is_left_out(void **state)
{
	struct log *a = open_log(), *b = open_log();
	size_t seen = 0;

	(void)state;
	log_watch(a, watched, &seen);
	assert_int_equal(add(a, "S1"), LOG_WRITTEN);
	assert_int_equal(add(a, "S2"), LOG_WRITTEN);
	assert_int_equal(add(a, "S3"), LOG_WRITTEN);
	assert_int_equal(write_now(b, "S2"), LOG_WRITTEN);
	assert_true(log_flush(a));
	assert_int_equal(seen, 2);
	assert_int_equal(lines_of(""), 3);
	assert_int_equal(write_now(b, "S3"), LOG_DUPLICATE);
	assert_int_equal(add(a, "S4"), LOG_WRITTEN);
	assert_int_equal(write_now(b, "S4"), LOG_WRITTEN);
	assert_int_equal(write_now(a, "S4"), LOG_DUPLICATE);
	assert_int_equal(write_now(b, "S5"), LOG_WRITTEN);
	assert_int_equal(write_now(a, "S5"), LOG_DUPLICATE);
	assert_int_equal(seen, 2);
	log_close(a);
	log_close(b);
	assert_int_equal(lines_of(""), 5);
}

static void
of_a_batch_all_or_nothing(void **state)
{
	struct log *l = open_log();
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	dup2(null, STDERR_FILENO);
	disk_has(200);				/* the first line, and some of the second */
	assert_int_equal(add(l, "S1"), LOG_WRITTEN);
	assert_int_equal(add(l, "S2"), LOG_WRITTEN);
	assert_false(log_flush(l));
	assert_non_null(strstr(log_problem(l), "No space left"));
	assert_int_equal(lines_of(""), 0);
	assert_true(log_flush(l));		/* the batch is empty again */
	assert_int_equal(add(l, "S1"), LOG_WRITTEN);
	assert_int_equal(add(l, "S2"), LOG_WRITTEN);
	assert_int_equal(write_now(l, "S3"), LOG_FAILED);	/* and the batch stays */
	assert_int_equal(add(l, "S2"), LOG_DUPLICATE);
	assert_int_equal(add(l, "S3"), LOG_WRITTEN);
	disk_has(SIZE_MAX);
	assert_true(log_flush(l));
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	assert_string_equal(log_problem(l), "");
	log_close(l);
	assert_int_equal(lines_of("S1"), 1);
	assert_int_equal(lines_of("S2"), 1);
	assert_int_equal(lines_of(""), 3);
}

static void
a_batch_has_an_end(void **state)
{
	struct log *l = open_log();
	static char text[BATCH_OCTETS / 2];
	struct event e;
	char session[16];

	(void)state;
	for (int i = 0; i < BATCH_MAX; i++) {
		assert_false(log_full(l));
		snprintf(session, sizeof session, "S%d", i);
		assert_int_equal(add(l, session), LOG_WRITTEN);
	}
	assert_true(log_full(l));
	assert_int_equal(add(l, "T"), LOG_FAILED);
	assert_int_equal(add(l, "S0"), LOG_DUPLICATE);
	assert_string_equal(log_problem(l), "");
	assert_int_equal(write_now(l, "T"), LOG_WRITTEN);	/* makes room by itself */
	assert_int_equal(lines_of(""), BATCH_MAX + 1);
	memset(text, 'x', sizeof text - 1);
	for (int i = 0; !log_full(l); i++) {
		snprintf(session, sizeof session, "U%d", i);
		make(&e, session);
		assert_int_equal(log_add(l, &e, json_pack("{s:s}", "text", text)), LOG_WRITTEN);
		assert_true(i < 2);
	}
	assert_true(log_flush(l));
	log_close(l);
	assert_int_equal(lines_of(""), BATCH_MAX + 3);
}

/* A pipe takes a line whole or not at all, but not many. */
static void
a_pipe_gets_line_by_line(void **state)
{
	char got[4096];
	struct log *l;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	l = open_log();
	assert_false(log_full(l));
	assert_int_equal(add(l, "S1"), LOG_WRITTEN);
	assert_true(log_full(l));
	assert_int_equal(add(l, "S2"), LOG_FAILED);
	assert_true(log_flush(l));
	assert_int_equal(write_now(l, "S2"), LOG_WRITTEN);
	assert_true(read(fd, got, sizeof got) > 0);
	log_close(l);
	close(fd);
}

/* The child: numbers from *written on, in batches of random length; *written is the ring's mark. */
static void
write_until_killed(volatile unsigned *written)
{
	struct log *l = open_log();
	static char text[EVIDENCE + 1];
	char session[16];
	struct event e;

	memset(text, 'x', EVIDENCE);
	for (;;) {
		unsigned n = *written, len;

		if (getrandom(&len, sizeof len, 0) != sizeof len)
			_exit(2);
		for (len %= 30; len > 0 && !log_full(l) && n < LAST; len--) {
			snprintf(session, sizeof session, "N%u", ++n);
			make(&e, session);
			if (log_add(l, &e, json_pack("{s:s}", "text", text)) == LOG_FAILED)
				_exit(3);
		}
		if (!log_flush(l))
			_exit(4);
		*written = n;
	}
}

static void
exactly_once(unsigned written)
{
	FILE *f = fopen(path, "r");
	unsigned char *times = calloc(LAST + 1, 1);
	char *line = NULL;
	size_t size = 0;
	unsigned torn = 0, n;

	assert_true(f != NULL && times != NULL);
	while (getline(&line, &size, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		if (o == NULL)
			torn++;
		else if (sscanf(json_string_value(json_object_get(o, "session_id")), "N%u", &n) == 1
		    && n <= LAST)
			times[n]++;
		json_decref(o);
	}
	for (n = 1; n <= LAST; n++)
		assert_true(times[n] == 1 || (n > written && times[n] == 0));
	print_message("%u records, %u torn lines\n", written, torn);
	free(line);
	free(times);
	fclose(f);
}

static void
a_kill_loses_and_doubles_nothing(void **state)
{
	volatile unsigned *written = mmap(NULL, sizeof *written, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(written != MAP_FAILED);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		unsigned random;
		int status;

		if (pid == 0)
			write_until_killed(written);
		assert_int_equal(getrandom(&random, sizeof random, 0), sizeof random);
		nanosleep(&(struct timespec){ .tv_nsec = random % 12000000 }, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	log_close(open_log());
	exactly_once(*written);
	munmap((void *)(uintptr_t)written, sizeof *written);
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/decisions.jsonl", folder);
	config.log.file = path;
	config.log.journal = JOURNAL_NO;
	config.log.recipients = RECIPIENTS_DOMAIN;
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int
remove_folder(void **state)
{
	clean(state);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_batch_is_there_when_flushed, clean),
		cmocka_unit_test_setup(what_another_writes_meanwhile_is_left_out, clean),
		cmocka_unit_test_setup(of_a_batch_all_or_nothing, clean),
		cmocka_unit_test_setup(a_batch_has_an_end, clean),
		cmocka_unit_test_setup(a_pipe_gets_line_by_line, clean),
		cmocka_unit_test_setup(a_kill_loses_and_doubles_nothing, clean),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
