/* log_test.c - the decision log: once each, whole lines, full disks, rotation, two writers
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/seen.h"

static char folder[] = "/tmp/postern-log-XXXXXX", path[64], rotated[80];
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

/* Session records: standard error is spared them. */
static enum log_result
write_one(struct log *l, const char *session, const char *action, json_t *evidence)
{
	struct event e;

	event_clear(&e);
	e.type = EVENT_SESSION;
	e.session_id = session;
	e.action = action;
	return log_event(l, &e, evidence);
}

/* Reads the file: how many lines, of them how many JSON objects. */
static void
lines_are(const char *file, size_t wanted, size_t wanted_json)
{
	FILE *f = fopen(file, "r");
	char *line = NULL;
	size_t size = 0, lines = 0, json = 0;
	ssize_t n;

	assert_non_null(f);
	while ((n = getline(&line, &size, f)) > 0) {
		json_t *o = json_loadb(line, (size_t)n, 0, NULL);

		assert_int_equal(line[n - 1], '\n');
		lines++;
		json += o != NULL;
		json_decref(o);
	}
	free(line);
	fclose(f);
	assert_int_equal(lines, wanted);
	assert_int_equal(json, wanted_json);
}

static void
put(const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
each_is_written_once(void **state)
{
	struct log *l = open_log();
	struct stat st;

	(void)state;
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_WRITTEN);
	assert_int_equal(write_one(l, "S1", "closed", NULL), LOG_WRITTEN);
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_DUPLICATE);
	assert_int_equal(write_one(l, "S2", "opened", json_pack("{s:i}", "a", 1)), LOG_WRITTEN);
	assert_int_equal(write_one(l, "S2", "opened", json_pack("{s:i}", "a", 1)), LOG_DUPLICATE);
	log_close(l);
	l = open_log();			/* the next process knows them from the file */
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_DUPLICATE);
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_DUPLICATE);
	assert_int_equal(write_one(l, "S2", "closed", NULL), LOG_WRITTEN);
	log_close(l);
	lines_are(path, 4, 4);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777 & ~0640u, 0);
}

static void
decisions_and_notices(void **state)
{
	struct log *l = open_log();
	struct event e;
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	dup2(null, STDERR_FILENO);
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = "K7Q2-M4XD";
	assert_int_equal(log_event(l, &e, NULL), LOG_WRITTEN);
	assert_int_equal(log_event(l, &e, NULL), LOG_DUPLICATE);
	e.session_id = "S2";		/* 40 bits can meet again */
	assert_int_equal(log_event(l, &e, NULL), LOG_WRITTEN);
	e.type = EVENT_HEALTH;
	assert_int_equal(log_event(l, &e, NULL), LOG_WRITTEN);
	assert_int_equal(log_event(l, &e, NULL), LOG_WRITTEN);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	log_close(l);
	lines_are(path, 4, 4);
}

static void
a_torn_line_is_ended(void **state)
{
	struct log *l;

	(void)state;
	put("{\"event_type\":\"session\",\"session_id\":\"S1\","
	    "\"session\":{\"action\":\"opened\"}}\n"
	    "{\"event_type\":\"session\",\"session_id\":\"S2\",\"sess");
	l = open_log();
	lines_are(path, 2, 1);
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_DUPLICATE);
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_WRITTEN);
	put("torn by somebody else");
	assert_int_equal(write_one(l, "S3", "opened", NULL), LOG_WRITTEN);
	lines_are(path, 5, 3);
	log_close(l);
}

/* A limit on the size stands for the full disk: the write is cut short, then refused. */
static void
a_full_disk_loses_nothing(void **state)
{
	struct log *l = open_log();
	struct rlimit limit, old;
	struct stat st;
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_WRITTEN);
	stat(path, &st);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = (rlim_t)st.st_size + 10;
	signal(SIGXFSZ, SIG_IGN);
	dup2(null, STDERR_FILENO);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (int i = 0; i < 3; i++)
		assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_FAILED);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_non_null(strstr(log_problem(l), path));
	assert_non_null(strstr(log_problem(l), "No space left"));
	lines_are(path, 1, 1);
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_WRITTEN);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	assert_string_equal(log_problem(l), "");
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_DUPLICATE);
	log_close(l);
	lines_are(path, 2, 2);
}

static void
rotation(void **state)
{
	struct log *l = open_log();

	(void)state;
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_WRITTEN);
	assert_int_equal(rename(path, rotated), 0);
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_WRITTEN);
	assert_true(log_reopen(l));
	assert_int_equal(write_one(l, "S3", "opened", NULL), LOG_WRITTEN);
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_DUPLICATE);
	lines_are(rotated, 2, 2);
	lines_are(path, 1, 1);
	log_close(l);
	l = open_log();			/* also a new process looks into FILE.1 */
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_DUPLICATE);
	/* A folder in the way: the old file stays in use, and it is said. */
	assert_int_equal(rename(path, rotated), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(log_reopen(l));
	assert_int_equal(write_one(l, "S4", "opened", NULL), LOG_WRITTEN);
	assert_non_null(strstr(log_problem(l), "cannot open"));
	lines_are(rotated, 2, 2);
	rmdir(path);
	assert_true(log_reopen(l));
	assert_string_equal(log_problem(l), "");
	log_close(l);
}

/* At a reload two policy processes write for a moment; a worker may send to both. */
static void
two_writers_know_of_each_other(void **state)
{
	struct log *a = open_log(), *b = open_log();
	char session[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(session, sizeof session, "S%d", i);
		assert_int_equal(write_one(i % 2 ? a : b, session, "opened", NULL), LOG_WRITTEN);
		assert_int_equal(write_one(i % 2 ? b : a, session, "opened", NULL), LOG_DUPLICATE);
	}
	log_close(a);
	log_close(b);
	lines_are(path, 100, 100);
}

/* Somebody who may only read the file must not stop the log by locking it. */
static void
a_foreign_lock_stops_nothing(void **state)
{
	struct log *l = open_log();
	int fd = open(path, O_RDONLY);
	struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	(void)state;
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
	assert_int_equal(write_one(l, "S1", "opened", NULL), LOG_WRITTEN);
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_WRITTEN);
	assert_int_equal(write_one(l, "S2", "opened", NULL), LOG_DUPLICATE);
	close(fd);
	log_close(l);
	lines_are(path, 2, 2);
}

static void
watched(void *arg, const char *json, size_t len)
{
	*(size_t *)arg += 1;
	assert_int_equal(json[0], '{');
	assert_int_equal(json[len - 1], '}');
}

static void
followers_see_what_is_written(void **state)
{
	struct log *l = open_log();
	size_t seen = 0;

	(void)state;
	log_watch(l, watched, &seen);
	write_one(l, "S1", "opened", json_pack("{s:s}", "text", "\xc2\x9b"));
	write_one(l, "S1", "opened", NULL);
	assert_int_equal(seen, 1);
	log_close(l);
}

/* log.recipients: none: nothing that may name a domain, in no form. */
static void
no_domain_is_shown(void **state)
{
	struct config none = config;
	char error[256], text[2048];
	int saved = dup(STDERR_FILENO), fd = open(folder, O_TMPFILE | O_RDWR, 0600);
	struct event e;
	struct log *l;
	ssize_t n;

	(void)state;
	assert_true(fd >= 0);
	none.log.recipients = RECIPIENTS_NONE;
	l = log_open(&none, error, sizeof error);
	assert_non_null(l);
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = "K7Q2-M4XD";
	e.verdict = "refuse";
	e.inspect_outcome = "ended-here";
	e.inspect_code = "unmapped";
	e.rcpt_domain = e.recipient = e.policy_domain = e.reply = e.inspect_detail = "a.example";
	e.dane_state = "unmatched";
	e.dane_base = e.dane_record = "a.example";
	e.dns = "MX a.example: secure, 1 record\nA mx.a.example: secure, 1 record";
	dup2(fd, STDERR_FILENO);
	assert_int_equal(log_event(l, &e, json_pack("{s:s}", "name", "a.example")), LOG_WRITTEN);
	dup2(saved, STDERR_FILENO);
	close(saved);
	log_close(l);
	n = pread(fd, text, sizeof text - 1, 0);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "TLS ended here: unmapped"));
	assert_null(strstr(text, "a.example"));
	fd = open(path, O_RDONLY);
	n = pread(fd, text, sizeof text - 1, 0);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "\"reason_code\":\"unmapped\""));
	assert_non_null(strstr(text, "\"dane\":{\"state\":\"unmatched\""));
	assert_null(strstr(text, "a.example"));
}

static void
no_file_no_log(void **state)
{
	char error[256] = "", name[80];
	struct config elsewhere = config;

	(void)state;
	snprintf(name, sizeof name, "%s/none/decisions", folder);
	elsewhere.log.file = name;
	assert_null(log_open(&elsewhere, error, sizeof error));
	assert_non_null(strstr(error, "No such file or directory"));
}

static void
the_ring_forgets_the_oldest(void **state)
{
	struct seen *s = seen_new();
	unsigned i;

	(void)state;
	for (i = 0; i < 3 * SEEN_MAX; i++) {
		seen_add(s, seen_hash(s, (const char *)&i, sizeof i));
		seen_add(s, seen_hash(s, (const char *)&i, sizeof i));
	}
	for (i = 0; i < 3 * SEEN_MAX; i++)
		assert_int_equal(seen_has(s, seen_hash(s, (const char *)&i, sizeof i)),
		    i >= 2 * SEEN_MAX);
	seen_free(s);
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/decisions.jsonl", folder);
	snprintf(rotated, sizeof rotated, "%s.1", path);
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
	unlink(rotated);
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
		cmocka_unit_test_setup(each_is_written_once, clean),
		cmocka_unit_test_setup(decisions_and_notices, clean),
		cmocka_unit_test_setup(a_torn_line_is_ended, clean),
		cmocka_unit_test_setup(a_full_disk_loses_nothing, clean),
		cmocka_unit_test_setup(rotation, clean),
		cmocka_unit_test_setup(two_writers_know_of_each_other, clean),
		cmocka_unit_test_setup(a_foreign_lock_stops_nothing, clean),
		cmocka_unit_test_setup(followers_see_what_is_written, clean),
		cmocka_unit_test_setup(no_domain_is_shown, clean),
		cmocka_unit_test_setup(no_file_no_log, clean),
		cmocka_unit_test(the_ring_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
