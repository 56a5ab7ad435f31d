/* journal_test.c - the journal's native protocol, against a socket of our own
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/journal.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/entry.h"

static char folder[] = "/tmp/postern-journal-XXXXXX", path[64];

/* A journal: bound, reading nothing by itself. */
static int
listen_here(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, path, strlen(path) + 1);
	unlink(path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void
fields_are_encoded(void **state)
{
	static const struct journal_field fields[] = {
		{ "MESSAGE", "hello = world" }, { "EMPTY", "" }, { "TWO", "a\nb" },
	};
	static const char wanted[] = "MESSAGE=hello = world\nTWO\n\3\0\0\0\0\0\0\0a\nb\n";
	char out[64], large[400], value[301];

	(void)state;
	memset(value, '\n', 300);
	value[300] = '\0';
	assert_int_equal(journal_encode(large, sizeof large,
	    &(struct journal_field){ "X", value }, 1), 1 + 1 + 8 + 300 + 1);
	assert_memory_equal(large, "X\n\x2c\1\0\0\0\0\0\0\n", 11);
	assert_int_equal(journal_encode(out, sizeof out, fields, 3), sizeof wanted - 1);
	assert_memory_equal(out, wanted, sizeof wanted - 1);
	for (size_t size = 0; size < sizeof wanted - 1; size++)
		assert_int_equal(journal_encode(out, size, fields, 3), 0);
}

/* What the journal gets of an event, NUL behind it; its length. Standard error gets nothing. */
static size_t
entry_of(struct entry_writer *w, const struct event *e, int journal, char *got, size_t size)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	ssize_t n;

	dup2(null, STDERR_FILENO);
	entry_write(w, e);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	n = recv(journal, got, size - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	got[n] = '\0';
	return (size_t)n;
}

static void
an_event_becomes_an_entry(void **state)
{
	struct entry_writer w;
	struct event e;
	char got[4096];
	int fd = listen_here();
	size_t n;

	(void)state;
	entry_open(&w, JOURNAL_AUTO, path);
	assert_true(w.journal >= 0);
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = "K7Q2-M4XD";
	e.verdict = "refuse";
	e.rcpt_domain = "a.example\nMESSAGE=forged";
	entry_of(&w, &e, fd, got, sizeof got);
	assert_memory_equal(got, "MESSAGE=K7Q2-M4XD refuse", 24);
	assert_non_null(strstr(got, "\nPRIORITY=4\n"));
	assert_non_null(strstr(got, "\nPOSTERN_ID=K7Q2-M4XD\n"));
	assert_non_null(strstr(got, "\nPOSTERN_DOMAIN=a.example\\x0aMESSAGE=forged\n"));
	assert_null(strstr(got, "\nMESSAGE"));
	/* One that passed end to end: no domain, and none is made up. */
	e.verdict = "pass";
	e.rcpt_domain = "";
	e.path = "inspect";
	e.inspect_outcome = "end-to-end";
	e.inspect_code = "a\nb";
	e.inspect_detail = "c\nMESSAGE=forged";
	n = entry_of(&w, &e, fd, got, sizeof got);
	assert_null(strstr(got, "POSTERN_DOMAIN"));
	assert_non_null(strstr(got, "\nPOSTERN_PATH=inspect\n"));
	assert_non_null(strstr(got, "\nPOSTERN_INSPECT_OUTCOME=end-to-end\n"));
	assert_non_null(memmem(got, n, "\nPOSTERN_INSPECT_REASON_CODE\n\3\0\0\0\0\0\0\0"
	    "a\nb\n", 41));
	assert_null(strstr(got, "POSTERN_DANE"));
	e.dane_state = "ee";
	e.dane_record = "3 1 1 ab\nMESSAGE=forged";
	e.dane_base = "mx.a.example";
	static const char dane[] = "\nPOSTERN_DANE=ee\nPOSTERN_DANE_RECORD="
	    "3 1 1 ab\\x0aMESSAGE=forged\nPOSTERN_DANE_BASE=mx.a.example\n";
	n = entry_of(&w, &e, fd, got, sizeof got);
	assert_non_null(memmem(got, n, dane, sizeof dane - 1));
	entry_close(&w);
	close(fd);
}

/* Whatever a captured worker puts in, the journal gets one entry. */
static void
the_largest_entry_is_sent(void **state)
{
	static char text[EVENT_TEXT_MAX + 9], got[JOURNAL_ENTRY_MAX + 1];
	struct entry_writer w;
	struct event e;
	int fd = listen_here();
	size_t n;

	(void)state;
	memset(text, '\n', sizeof text - 1);
	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = e.session_id = e.path = e.verdict = e.mode = e.result_type = e.reason_code = text;
	e.reason = e.reply = e.rcpt_domain = e.mx_host = e.starttls = e.detail = e.action = text;
	e.policy_type = e.policy_mode = e.policy_id = e.policy_source = text;
	e.tls_version = e.tls_cipher = e.inspect_outcome = e.inspect_code = text;
	e.inspect_detail = e.dane_state = e.dane_detail = e.dane_record = text;
	e.dane_base = "last";
	entry_open(&w, JOURNAL_YES, path);
	n = entry_of(&w, &e, fd, got, sizeof got);
	assert_true(n > 30 * EVENT_TEXT_MAX / 2);
	assert_non_null(memmem(got, n, "\nPOSTERN_DANE_BASE=last\n", 24));
	entry_close(&w);
	close(fd);
}

/* Lines in what standard error got, each whole; no write was larger than a pipe takes whole. */
static size_t
lines_in(int end)
{
	static char got[1 << 16];
	size_t lines = 0;
	ssize_t n;

	while ((n = read(end, got, sizeof got)) > 0) {
		assert_true(n <= PIPE_BUF);		/* packets: one write each */
		assert_int_equal(got[n - 1], '\n');
		for (ssize_t i = 0; i < n; i++)
			lines += got[i] == '\n';
	}
	return lines;
}

static size_t
entries_in(int journal)
{
	char got[4096];
	size_t entries = 0;

	while (recv(journal, got, sizeof got, MSG_DONTWAIT) > 0) {
		assert_memory_equal(got, "MESSAGE=", 8);
		entries++;
	}
	return entries;
}

/* Sends `len` decisions, of which the first is spared, and a session. */
static void
send_many(struct entry_writer *w, size_t len, int to)
{
	bool spared[ENTRIES_MAX] = { true };
	int saved = dup(STDERR_FILENO);
	struct event e;

	event_clear(&e);
	e.type = EVENT_DECISION;
	e.id = "K7Q2-M4XD";
	e.reason = "no two of them are the same, and each of them is a line of some length";
	for (size_t i = 0; i < len; i++)
		entry_add(w, &e);
	e.type = EVENT_SESSION;
	entry_add(w, &e);
	dup2(to, STDERR_FILENO);
	entry_flush(w, spared);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_true(w->len == 0 && w->lines.len == 0 && w->entries.len == 0);
}

static void
many_go_at_once(void **state)
{
	struct entry_writer w;
	int fd = listen_here(), ends[2];
	size_t taken;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_DIRECT), 0);
	entry_open(&w, JOURNAL_YES, path);
	w.stderr_is_journal = false;
	send_many(&w, 5, ends[1]);
	assert_int_equal(entries_in(fd), 5);		/* four and the session */
	assert_int_equal(lines_in(ends[0]), 4);
	w.stderr_is_journal = true;
	send_many(&w, 5, ends[1]);
	assert_int_equal(entries_in(fd), 5);
	assert_int_equal(lines_in(ends[0]), 0);
	/* More than its socket holds: the rest goes to standard error, the session nowhere. */
	send_many(&w, ENTRIES_MAX - 1, ends[1]);
	taken = entries_in(fd);
	assert_true(taken > 0);
	assert_int_equal(taken + lines_in(ends[0]), taken == ENTRIES_MAX - 1 ? taken :
	    ENTRIES_MAX - 2);
	entry_close(&w);
	entry_open(&w, JOURNAL_NO, path);
	send_many(&w, ENTRIES_MAX - 1, ends[1]);
	assert_int_equal(lines_in(ends[0]), ENTRIES_MAX - 2);
	/* A pipe whose reader has stopped: what does not fit is lost, nobody waits. */
	for (int i = 0; i < 40; i++)
		send_many(&w, ENTRIES_MAX - 1, ends[1]);
	assert_true(lines_in(ends[0]) > 0);
	entry_close(&w);
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

/* One that must be seen now goes past those that wait. */
static void
one_goes_past_the_others(void **state)
{
	int saved = dup(STDERR_FILENO), ends[2];
	struct entry_writer w;
	struct event e;
	char got[256];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	entry_open(&w, JOURNAL_NO, path);
	event_clear(&e);
	e.type = EVENT_HEALTH;
	e.action = "waits";
	dup2(ends[1], STDERR_FILENO);
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		entry_add(&w, &e);
	e.action = "first";
	entry_write(&w, &e);
	n = read(ends[0], got, sizeof got);
	entry_cut(&w, 1);
	entry_flush(&w, NULL);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(n, 13);
	assert_memory_equal(got, "health first\n", 13);
	assert_int_equal(read(ends[0], got, sizeof got), 13);
	assert_memory_equal(got, "health waits\n", 13);
	entry_close(&w);
	close(ends[0]);
	close(ends[1]);
}

static void
no_journal_no_trouble(void **state)
{
	struct entry_writer w;
	int fd = journal_open(), other;
	struct iovec entry = { (char[]){ "MESSAGE=x\n" }, 10 };
	bool taken;

	(void)state;
	unlink(path);
	journal_send(fd, path, &entry, 1, &taken);
	assert_false(taken);
	entry_open(&w, JOURNAL_AUTO, path);
	assert_int_equal(w.journal, -1);
	other = listen_here();
	journal_send(fd, path, &entry, 1, &taken);
	assert_true(taken);		/* it came back: no new socket needed */
	entry_open(&w, JOURNAL_NO, path);
	assert_int_equal(w.journal, -1);
	/* A journal that does not read: sending ends, it never waits. */
	for (int i = 0; i < 100000 && taken; i++)
		journal_send(fd, path, &entry, 1, &taken);
	assert_false(taken);
	close(other);
	close(fd);
}

static void
stderr_in_the_journal_is_known(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	unsetenv("JOURNAL_STREAM");
	assert_false(journal_is_stderr());
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_true(journal_is_stderr());
	setenv("JOURNAL_STREAM", "1:2", 1);
	assert_false(journal_is_stderr());
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/socket", folder);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_encoded),
		cmocka_unit_test(an_event_becomes_an_entry),
		cmocka_unit_test(the_largest_entry_is_sent),
		cmocka_unit_test(many_go_at_once),
		cmocka_unit_test(one_goes_past_the_others),
		cmocka_unit_test(no_journal_no_trouble),
		cmocka_unit_test(stderr_in_the_journal_is_known),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
