/* server_test.c - the control socket, asked over a real one
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/server.h"
#include "fake_engine.h"
#include "nfq/installed.h"

#define TURNS 200		/* of the loop, at most, until an answer must be there */

static long ahead_s;		/* how much later than true the loop's clock is */

int clock_gettime(clockid_t id, struct timespec *out);

/* In place of the C library's, so that limits of many seconds pass at once. */
int
clock_gettime(clockid_t id, struct timespec *out)
{
	int result = (int)syscall(SYS_clock_gettime, id, out);

	out->tv_sec += ahead_s;
	return result;
}

struct fixture {
	char folder[64], socket[96], log[96];
	struct config config;
	struct engine engine;
	struct log record;
	struct server_context context;
	struct ev_loop *loop;
	struct server *server;
	int reloads;
	bool no_worker;
	uint32_t probe;
	char probed[256];
};

static bool
reload(void *arg)
{
	((struct fixture *)arg)->reloads++;
	return true;
}

static bool
probe(void *arg, const struct probe *p)
{
	struct fixture *f = arg;
	char where[ADDRESS_TEXT_SIZE];

	snprintf(f->probed, sizeof(f->probed), "%s %s %s", address_print(&p->peer, where),
	    p->mx_host, p->domain);
	f->probe = p->id;
	return !f->no_worker;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char error[256];

	ahead_s = 0;
	strcpy(f->folder, "/tmp/postern-server-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	chmod(f->folder, 0711);
	snprintf(f->socket, sizeof(f->socket), "%s/control.sock", f->folder);
	snprintf(f->log, sizeof(f->log), "%s/log", f->folder);
	f->config.control = f->socket;
	f->config.log.file = f->log;
	f->config.workers = 2;
	f->record.problem = "";
	f->context = (struct server_context){ .config = &f->config, .engine = &f->engine,
		.log = &f->record, .counters = counters_new(), .arg = f, .reload = reload,
		.probe = probe };
	counters_process(f->context.counters, 0)->pid = 100;
	counters_process(f->context.counters, 1)->pid = 101;
	counters_process(f->context.counters, 2)->pid = 102;
	*counters_started_s(f->context.counters) = (uint64_t)time(NULL) - 7200;
	f->loop = ev_loop_new(EVFLAG_AUTO);
	f->server = server_new(f->loop, &f->context, error, sizeof(error));
	assert_non_null(f->server);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char name[128];

	server_free(f->server);
	assert_int_not_equal(access(f->socket, F_OK), 0);	/* the socket is gone with it */
	ev_loop_destroy(f->loop);
	unlink(f->log);
	snprintf(name, sizeof(name), "%s.1", f->log);
	unlink(name);
	rmdir(f->folder);
	free(f);
	return 0;
}

static int
dial(const struct fixture *f)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(name.sun_path, f->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static void
turn(struct fixture *f, int times)
{
	while (times-- > 0)
		ev_run(f->loop, EVRUN_NOWAIT);
}

/* Moves the clock on, and the loop with it. */
static void
pass_time(struct fixture *f, long s)
{
	turn(f, 3);
	ahead_s += s;
	turn(f, 3);
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What arrives until the server hangs up, or `until` is among it; a C string in buf. */
static void
hear(struct fixture *f, int fd, char *buf, size_t size, const char *until)
{
	size_t len = 0;
	int i;

	buf[0] = '\0';
	for (i = 0; i < TURNS && len + 1 < size; i++) {
		ssize_t n;

		turn(f, 1);
		n = recv(fd, buf + len, size - 1 - len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return;
		if (n > 0)
			len += (size_t)n;
		buf[len] = '\0';
		if (until != NULL && strstr(buf, until) != NULL)
			return;
	}
}

/* One request; the exit code of the last line, all text in buf. */
static int
ask(struct fixture *f, const char *request, char *buf, size_t size)
{
	int fd = dial(f);
	const char *last;

	say(fd, request);
	hear(f, fd, buf, size, NULL);
	close(fd);
	turn(f, 2);
	last = strstr(buf, "{\"exit\":");
	return last == NULL ? -1 : atoi(last + 8);
}

static void
answers(void **state)
{
	static const struct {
		const char *request;
		int code;
		const char *holds;
	} rows[] = {
		{ "{\"verb\":\"status\"}\n", 0, "\"healthy\":true" },
		{ "{\"verb\":\"domain\",\"name\":\"Deliver.Example.\"}\n", 0, "deliver.example" },
		{ "{\"verb\":\"domain\",\"name\":\"refuse.example\"}\n", 1,
		    "\"would\":\"refuse\"" },
		{ "{\"verb\":\"domain\",\"name\":\"defer.example\"}\n", 75, "defer" },
		{ "{\"verb\":\"domain\",\"name\":\"gone.example\"}\n", 6, "gone.example" },
		{ "{\"verb\":\"domain\",\"name\":\"not a name\"}\n", 2, "not a domain name" },
		{ "{\"verb\":\"domain\"}\n", 2, "no name" },
		{ "{\"verb\":\"policy-list\"}\n", 0, "a.example" },
		{ "{\"verb\":\"policy-show\",\"name\":\"a.example\"}\n", 0, "STSv1" },
		{ "{\"verb\":\"policy-show\",\"name\":\"b.example\"}\n", 6, "error" },
		{ "{\"verb\":\"policy-refresh\",\"name\":\"a.example\"}\n", 0, "unchanged" },
		{ "{\"verb\":\"policy-refresh\",\"name\":\"none.example\"}\n", 1, "none" },
		{ "{\"verb\":\"policy-refresh\",\"name\":\"b.example\"}\n", 75, "failed" },
		{ "{\"verb\":\"policy-forget\",\"name\":\"b.example\"}\n", 6, "error" },
		{ "{\"verb\":\"mode\"}\n", 0, "\"mode\":\"enforce\"" },
		{ "{\"verb\":\"mode-set\",\"mode\":\"perhaps\"}\n", 2, "monitor or enforce" },
		{ "{\"verb\":\"dance\"}\n", 2, "does not know" },
		{ "{\"verb\":\"probe\",\"name\":\"mx.b.example\",\"domain\":\"b.example\"}\n", 75,
		    "no such name" },
		{ "{\"verb\":\"probe\",\"name\":\"mx.a.example\"}\n", 2, "not a domain name" },
	};
	struct fixture *f = *state;
	char buf[8192];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s", rows[i].request);
		assert_int_equal(ask(f, rows[i].request, buf, sizeof(buf)), rows[i].code);
		assert_non_null(strstr(buf, rows[i].holds));
		assert_int_equal(buf[strlen(buf) - 1], '\n');
	}
	assert_int_equal(f->record.events, 3);	/* nothing was changed but by the refreshes */
	assert_string_equal(f->record.action, "refresh");
}

static void
garbage_is_refused(void **state)
{
	static const char *const rows[] = {
		"\n", "hello\n", "[]\n", "{\"verb\":\"status\"\n", "{\"verb\":1}\n", "{}\n",
		"{\"verb\":\"status\",\"verb\":\"reload\"}\n", "{\"verb\":\"status\",\"user\":0}\n",
		"{\"verb\":\"status\"}\n{\"verb\":\"reload\"}\n", "\x80\xff\n",
		"{\"verb\":\"probe\",\"port\":0}\n", "{\"verb\":\"decisions\",\"follow\":1}\n",
	};
	struct fixture *f = *state;
	char buf[1024];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ask(f, rows[i], buf, sizeof(buf)), 2);
	assert_int_equal(f->reloads, 0);
}

static void
request_too_large(void **state)
{
	struct fixture *f = *state;
	char piece[8192], buf[512];
	int fd = dial(f), i;

	memset(piece, 'a', sizeof(piece));
	for (i = 0; i < 9; i++) {
		(void)!send(fd, piece, sizeof(piece), MSG_NOSIGNAL);
		turn(f, 4);
	}
	hear(f, fd, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "65536"));
	close(fd);
}

static void
request_in_single_octets(void **state)
{
	static const char request[] = "{\"verb\":\"mode\"}\n";
	struct fixture *f = *state;
	char buf[512];
	int fd = dial(f);
	size_t i;

	for (i = 0; i < sizeof(request) - 1; i++) {
		assert_int_equal(send(fd, request + i, 1, 0), 1);
		turn(f, 2);
	}
	hear(f, fd, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "enforce"));
	close(fd);
}

/* Who has shut its sending side has not gone: as `... | nc -U -N` does. */
static void
half_closed(void **state)
{
	static const struct {
		const char *request, *holds;
	} rows[] = {
		{ "{\"verb\":\"mode\"}\n", "\"mode\":\"enforce\"" },
		{ "{\"verb\":\"decisions\"}\n", "\"exit\":0" },
		{ "{\"verb\":\"mode\"}", "no line end" },
		{ "", "no line end" },
	};
	struct fixture *f = *state;
	char buf[1024];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = dial(f);
		say(fd, rows[i].request);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		hear(f, fd, buf, sizeof(buf), NULL);
		assert_non_null(strstr(buf, rows[i].holds));
		close(fd);
	}
	fd = dial(f);				/* one that asks first and shuts while it waits */
	say(fd, "{\"verb\":\"probe\",\"name\":\"mx.a.example\",\"domain\":\"a.example\"}\n");
	turn(f, 4);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	turn(f, 4);
	assert_int_not_equal(f->probe, 0);
	server_probe_step(f->server, &(struct probe_step){ .id = f->probe, .last = true,
	    .text = "done" });
	hear(f, fd, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "done"));
	assert_non_null(strstr(buf, "\"exit\":0"));
	close(fd);
}

/* Followers too; one that has gone for good gives its place back with the next line. */
static void
half_closed_follower(void **state)
{
	struct fixture *f = *state;
	int fds[32], fd, i;
	char buf[512];

	for (i = 0; i < 32; i++) {
		fds[i] = dial(f);
		say(fds[i], "{\"verb\":\"decisions\",\"follow\":true}\n");
		assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
		hear(f, fds[i], buf, sizeof(buf), "\n");
	}
	server_event_line(f->server, "{}", 2);
	hear(f, fds[31], buf, sizeof(buf), "}\n");
	assert_string_equal(buf, "{\"event\":{}}\n");
	for (i = 0; i < 32; i++)
		close(fds[i]);
	turn(f, 3);
	server_event_line(f->server, "{}", 2);
	turn(f, 3);
	fd = dial(f);
	say(fd, "{\"verb\":\"decisions\",\"follow\":true}\n");
	hear(f, fd, buf, sizeof(buf), "\n");
	assert_non_null(strstr(buf, "sizes"));
	close(fd);
	turn(f, 3);
}

static void
changes(void **state)
{
	struct fixture *f = *state;
	char buf[1024];

	assert_int_equal(ask(f, "{\"verb\":\"mode-set\",\"mode\":\"monitor\"}\n", buf,
	    sizeof(buf)), 0);
	assert_int_equal(f->engine.mode, MODE_MONITOR);
	assert_non_null(strstr(f->record.detail, "monitor until the next reload"));
	assert_int_equal(ask(f, "{\"verb\":\"policy-forget\",\"name\":\"a.example\"}\n", buf,
	    sizeof(buf)), 0);
	assert_int_equal(f->engine.forgotten, 1);
	assert_int_equal(ask(f, "{\"verb\":\"reload\"}\n", buf, sizeof(buf)), 0);
	assert_int_equal(f->reloads, 1);
	assert_int_equal(f->record.events, 3);
	assert_int_equal(ask(f, "{\"verb\":\"policy-refresh\",\"name\":\"A.example\"}\n", buf,
	    sizeof(buf)), 0);
	assert_int_equal(f->record.events, 4);
	assert_string_equal(f->record.action, "refresh");
	assert_non_null(strstr(f->record.detail, "policy of a.example to be fetched, asked by uid"));
}

static void
acknowledged_once(void **state)
{
	static const char request[] = "{\"verb\":\"policy-acknowledge\"}\n";
	struct fixture *f = *state;
	char buf[1024];

	assert_int_equal(ask(f, request, buf, sizeof(buf)), 0);
	assert_string_equal(f->record.action, "acknowledge");
	assert_int_equal(ask(f, request, buf, sizeof(buf)), 1);
	assert_int_equal(f->record.events, 1);
	f->engine.acknowledged = ENGINE_NOT_ACKNOWLEDGED;
	assert_int_equal(ask(f, request, buf, sizeof(buf)), 75);
	assert_int_equal(f->record.events, 1);
}

/* A member of the group may connect and read, and is told that it may not change. */
static void
changes_not_permitted(void **state)
{
	static const char *const rows[] = {
		"{\"verb\":\"mode-set\",\"mode\":\"monitor\"}\n", "{\"verb\":\"reload\"}\n",
		"{\"verb\":\"policy-forget\",\"name\":\"a.example\"}\n",
		"{\"verb\":\"policy-refresh\",\"name\":\"a.example\"}\n",
		"{\"verb\":\"policy-acknowledge\"}\n",
	};
	struct fixture *f = *state;
	char buf[1024];
	size_t i;
	int fd, status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	for (i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
		bool reads = i == sizeof(rows) / sizeof(rows[0]);
		int pair[2];

		/* The child connects with its own identity and hands nothing but time back. */
		assert_int_equal(pipe(pair), 0);
		pid = fork();
		if (pid == 0) {
			if (setresuid(65534, 65534, 65534) != 0)
				_exit(9);
			fd = dial(f);
			say(fd, reads ? "{\"verb\":\"mode\"}\n" : rows[i]);
			fcntl(fd, F_SETFL, 0);
			status = (int)recv(fd, buf, sizeof(buf) - 1, 0);
			buf[status > 0 ? status : 0] = '\0';
			_exit(strncmp(buf, "{\"exit\":5,", 10) == 0 ? 5 :
			    strncmp(buf, "{\"exit\":0,", 10) == 0 ? 0 : 8);
		}
		close(pair[0]);
		close(pair[1]);
		while (waitpid(pid, &status, WNOHANG) == 0) {
			turn(f, 1);
			usleep(1000);
		}
		assert_int_equal(WEXITSTATUS(status), reads ? 0 : 5);
	}
	assert_int_equal(f->engine.mode, MODE_ENFORCE);
	assert_int_equal(f->reloads + f->engine.forgotten + f->record.events, 0);
	assert_int_equal(f->engine.acknowledged, ENGINE_ACKNOWLEDGED);	/* not asked yet */
}

static void
socket_mode(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void
slow_clients(void **state)
{
	struct fixture *f = *state;
	char buf[512];
	int silent = dial(f), half = dial(f);

	say(half, "{\"verb\":");
	turn(f, 3);
	pass_time(f, 5);
	assert_int_equal(recv(silent, buf, sizeof(buf), 0), -1);	/* still has time */
	pass_time(f, 6);
	hear(f, silent, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "in time"));
	hear(f, half, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "\"exit\":2"));
	close(silent);
	close(half);
}

static void
answer_later(void **state)
{
	struct fixture *f = *state;
	char buf[512];
	int fd = dial(f);

	say(fd, "{\"verb\":\"domain\",\"name\":\"slow.example\"}\n");
	turn(f, 3);
	assert_non_null(f->engine.domain_done);
	f->engine.domain_done(f->engine.domain_arg, json_pack("{s:s}", "would", "deliver"));
	hear(f, fd, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "\"exit\":0"));
	close(fd);
}

/* The client goes, or its time is over, before the engine answers: no use of what is freed. */
static void
answer_too_late(void **state)
{
	struct fixture *f = *state;
	char buf[512];
	int fd = dial(f);

	say(fd, "{\"verb\":\"domain\",\"name\":\"slow.example\"}\n");
	turn(f, 3);
	close(fd);
	turn(f, 3);
	f->engine.domain_done(f->engine.domain_arg, json_object());

	fd = dial(f);
	say(fd, "{\"verb\":\"domain\",\"name\":\"slow.example\"}\n");
	pass_time(f, 200);
	hear(f, fd, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "\"exit\":75"));
	f->engine.domain_done(f->engine.domain_arg, json_object());
	close(fd);
}

static void
status_degraded(void **state)
{
	struct fixture *f = *state;
	struct counters *c = f->context.counters;
	char buf[4096];

	counters_process(c, 1)->restarts = 2;	/* two in two hours: no reason to worry */
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 0);
	counters_process(c, 1)->restarts = 9;
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "worker 1 was restarted 9 times"));
	counters_process(c, 1)->restarts = 0;
	counters_process(c, 2)->pid = 0;
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "worker 2 is not running"));
	counters_process(c, 2)->pid = 102;
	*counters_reload_errors(c) = 1;
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 1);
	*counters_reload_errors(c) = 0;
	f->record.problem = "No space left on device";
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "No space left"));
	f->record.problem = "";
	f->engine.unhealthy = true;
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 1);
	f->engine.unhealthy = false;
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 0);
}

static int
status(struct fixture *f, char *buf, size_t size)
{
	return ask(f, "{\"verb\":\"status\"}\n", buf, size);
}

/* The nfq process and what it sees; what goes past postern is never healthy. */
static void
status_firewall(void **state)
{
	struct fixture *f = *state;
	struct counters *c = f->context.counters;
	const struct installed note = { .rules.routes = (char [1]){ "" },
		.canonical = (char [1]){ "" } };
	char buf[4096], path[256], error[256];

	installed_path(&f->config, path, sizeof(path));
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	assert_null(strstr(buf, "\"nfq\""));
	assert_non_null(strstr(buf, "\"rules\":\"not installed\""));
	assert_non_null(strstr(buf, "\"when_down\":\"closed\""));
	f->config.intercept.watch = true;
	assert_int_equal(status(f, buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "the nfq process is not running"));
	counters_process(c, COUNTERS_NFQ)->pid = 103;
	/* The watch has nothing to restore: after a boot, for one. */
	assert_int_equal(status(f, buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "the firewall's rules are not installed"));
	assert_true(installed_write(path, &note, error, sizeof(error)));
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "\"nfq\":{\"pid\":103,\"restarts\":0,\"draining\":false}"));
	counters_add(c, 0, COUNTER_DNS_ANSWERS, 11);
	counters_add(c, 0, COUNTER_DNS_LOST, 12);
	counters_add(c, 0, COUNTER_GATE_PROXY, 13);
	counters_add(c, 0, COUNTER_GATE_DIRECT, 14);
	counters_add(c, 0, COUNTER_GATE_LOST, 15);
	counters_add(c, 0, COUNTER_RULES_RESTORED, 16);
	(void)counters_claim(c);
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "\"dns_answers\":11,\"dns_lost\":12,\"gate_proxy\":13,"
	    "\"gate_direct\":14,\"gate_lost\":15,\"leaks\":0,\"rules_restored\":16"));
	counters_add(c, 0, COUNTER_LEAKS, 2);
	assert_int_equal(status(f, buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "2 packets to port 25 went past postern (refused by the "));
	f->config.intercept.open = true;
	*counters_accepting(c) = 1;
	assert_int_equal(status(f, buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "2 packets to port 25 went past postern (unprotected)"));
	assert_non_null(strstr(buf, "\"when_down\":\"open\""));
	assert_null(strstr(buf, "mail passes unguarded"));
	counters_add(c, 0, COUNTER_LEAKS, -2);
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	*counters_accepting(c) = 0;
	assert_int_equal(status(f, buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "mail passes unguarded"));
	/* Rules of somebody else's: nothing of ours to tell of. */
	f->config.intercept.open = false;
	f->config.intercept.method = METHOD_NONE;
	counters_process(c, COUNTERS_NFQ)->pid = 0;
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "\"rules\":\"none\""));
	assert_null(strstr(buf, "\"nfq\""));
	unlink(path);
}

/* The note of installed rules: there, or there and not to be trusted. */
static void
status_rules(void **state)
{
	struct fixture *f = *state;
	const struct installed note = { .rules.routes = (char [1]){ "" },
		.canonical = (char [1]){ "" } };
	char buf[4096], path[256], error[256];
	FILE *out;

	installed_path(&f->config, path, sizeof(path));
	assert_true(installed_write(path, &note, error, sizeof(error)));
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "\"rules\":\"installed\""));
	out = fopen(path, "w");
	assert_non_null(out);
	fputs("rubbish\n", out);
	fclose(out);
	assert_int_equal(status(f, buf, sizeof(buf)), 1);
	assert_non_null(strstr(buf, "the firewall's rules cannot be watched"));
	unlink(path);
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
}

/* What became of the clients' own TLS, where that is looked at. */
static void
status_path(void **state)
{
	struct fixture *f = *state;
	struct counters *c = f->context.counters;
	char buf[4096];

	counters_add(c, counters_claim(c), COUNTER_END_TO_END, 21);
	counters_add(c, counters_claim(c), COUNTER_ENDED_HERE, 22);
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "\"path\":\"upgrade\""));
	assert_null(strstr(buf, "end_to_end"));
	f->config.inspect = true;
	assert_int_equal(status(f, buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "\"path\":\"inspect\""));
	assert_non_null(strstr(buf, "\"end_to_end\":21,\"ended_here\":22"));
}

/* Those of the worker in each slot; none where it has no column. */
static void
status_sessions(void **state)
{
	static const int32_t elsewhere[] = { -1, COUNTERS_COLUMNS, INT32_MAX, INT32_MIN };
	struct fixture *f = *state;
	struct counters *c = f->context.counters;
	char buf[4096];
	size_t i;

	counters_process(c, 1)->column = counters_claim(c);
	counters_process(c, 2)->column = counters_claim(c);
	counters_add(c, counters_process(c, 2)->column, COUNTER_SESSIONS, 7);
	assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "\"pid\":101,\"restarts\":0,\"draining\":false,\"sessions\":0}"));
	assert_non_null(strstr(buf, "\"pid\":102,\"restarts\":0,\"draining\":false,\"sessions\":7}"));
	for (i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		counters_process(c, 2)->column = elsewhere[i];
		assert_int_equal(ask(f, "{\"verb\":\"status\"}\n", buf, sizeof(buf)), 0);
		assert_null(strstr(buf, "\"sessions\":7}"));
	}
}

static void
probe_steps(void **state)
{
	struct fixture *f = *state;
	struct probe_step step = { .text = "connected" };
	char buf[1024];
	int fd = dial(f);

	say(fd, "{\"verb\":\"probe\",\"name\":\"mx.a.example\",\"port\":2525,"
	    "\"domain\":\"a.example\"}\n");
	hear(f, fd, buf, sizeof(buf), "taking");
	assert_string_equal(f->probed, "[::1]:2525 mx.a.example a.example");
	step.id = f->probe + 1;				/* somebody else's */
	step.text = "foreign";
	server_probe_step(f->server, &step);
	step.id = f->probe;
	step.text = "connected";
	server_probe_step(f->server, &step);
	hear(f, fd, buf, sizeof(buf), "connected");
	assert_null(strstr(buf, "foreign"));
	step.last = true;
	step.exit = 1;
	server_probe_step(f->server, &step);
	server_probe_step(f->server, &step);		/* one too many */
	hear(f, fd, buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "\"exit\":1"));
	close(fd);
	f->no_worker = true;
	assert_int_equal(ask(f, "{\"verb\":\"probe\",\"name\":\"192.0.2.1\",\"domain\":"
	    "\"a.example\"}\n", buf, sizeof(buf)), 75);
	assert_string_equal(f->probed, "192.0.2.1:25  a.example");
}

/* The descriptors of a first line. */
static size_t
hear_files(struct fixture *f, int fd, int files[2], char *buf, size_t size)
{
	char control[CMSG_SPACE(sizeof(int) * 2)] __attribute__((aligned(8)));
	struct iovec iov = { buf, size - 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	ssize_t n;

	turn(f, 5);
	n = recvmsg(fd, &m, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	head = CMSG_FIRSTHDR(&m);
	if (head == NULL)
		return 0;
	memcpy(files, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
	return (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
log_is_handed_over(void **state)
{
	struct fixture *f = *state;
	char buf[1024], text[16], older[128];
	int fd = dial(f), files[2] = { -1, -1 };

	say(fd, "{\"verb\":\"decisions\"}\n");		/* no log yet */
	assert_int_equal(hear_files(f, fd, files, buf, sizeof(buf)), 0);
	assert_non_null(strstr(buf, "{\"sizes\":[]}\n{\"exit\":0}\n"));
	close(fd);

	snprintf(older, sizeof(older), "%s.1", f->log);
	write_file(older, "old\n");
	write_file(f->log, "newer\n");
	fd = dial(f);
	say(fd, "{\"verb\":\"decisions\"}\n");
	assert_int_equal(hear_files(f, fd, files, buf, sizeof(buf)), 2);
	assert_non_null(strstr(buf, "{\"sizes\":[4,6]}\n"));
	assert_int_equal(read(files[0], text, sizeof(text)), 4);
	assert_int_equal(read(files[1], text, sizeof(text)), 6);
	assert_int_equal(write(files[1], "x", 1), -1);	/* reading only */
	close(files[0]);
	close(files[1]);
	close(fd);
}

static void
follower(void **state)
{
	struct fixture *f = *state;
	char buf[1024];
	int fd = dial(f), other = dial(f);

	say(fd, "{\"verb\":\"decisions\",\"follow\":true}\n");
	hear(f, fd, buf, sizeof(buf), "\n");
	server_event_line(f->server, "{\"id\":\"A\"}\n", 11);
	server_event_line(f->server, "{\"id\":\"B\"}", 10);
	hear(f, fd, buf, sizeof(buf), "B");
	assert_string_equal(buf, "{\"event\":{\"id\":\"A\"}}\n{\"event\":{\"id\":\"B\"}}\n");
	/* Who did not ask gets nothing. */
	assert_int_equal(recv(other, buf, sizeof(buf), 0), -1);
	pass_time(f, 3600);				/* quiet hours do not end it */
	server_event_line(f->server, "{}", 2);
	hear(f, fd, buf, sizeof(buf), "}\n");
	assert_string_equal(buf, "{\"event\":{}}\n");
	close(fd);
	close(other);
}

/* A follower that does not read is dropped, with a note, and memory stays bounded. */
static void
follower_does_not_read(void **state)
{
	struct fixture *f = *state;
	char line[4096], *all = malloc(4 << 20);
	int fd = dial(f), i;

	memset(line, '1', sizeof(line));
	say(fd, "{\"verb\":\"decisions\",\"follow\":true}\n");
	turn(f, 3);
	for (i = 0; i < 1000; i++) {
		server_event_line(f->server, line, sizeof(line));
		turn(f, 1);
	}
	hear(f, fd, all, 4 << 20, NULL);
	assert_true(strlen(all) < (2 << 20));
	assert_non_null(strstr(all, "dropped: the lines were not read"));
	assert_non_null(strstr(all, "\"exit\":75"));
	close(fd);

	fd = dial(f);					/* and one that stops for ever */
	say(fd, "{\"verb\":\"decisions\",\"follow\":true}\n");
	turn(f, 3);
	for (i = 0; i < 100; i++)
		server_event_line(f->server, line, sizeof(line));
	pass_time(f, 30);
	hear(f, fd, all, 4 << 20, NULL);
	assert_null(strstr(all, "dropped"));
	assert_int_equal(recv(fd, line, 1, 0), 0);
	close(fd);
	free(all);
}

static void
connections_are_bounded(void **state)
{
	struct fixture *f = *state;
	int fds[70], i;
	char buf[512];

	for (i = 0; i < 70; i++) {
		fds[i] = dial(f);
		turn(f, 2);
	}
	hear(f, fds[69], buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "too many connections"));
	assert_int_equal(recv(fds[0], buf, sizeof(buf), 0), -1);	/* the old ones are kept */
	for (i = 0; i < 70; i++)
		close(fds[i]);
	turn(f, 3);
	assert_int_equal(ask(f, "{\"verb\":\"mode\"}\n", buf, sizeof(buf)), 0);

	for (i = 0; i < 33; i++) {
		fds[i] = dial(f);
		say(fds[i], "{\"verb\":\"decisions\",\"follow\":true}\n");
		turn(f, 3);
	}
	hear(f, fds[32], buf, sizeof(buf), NULL);
	assert_non_null(strstr(buf, "too many follow"));
	assert_int_equal(ask(f, "{\"verb\":\"mode\"}\n", buf, sizeof(buf)), 0);
	for (i = 0; i < 33; i++)
		close(fds[i]);
	turn(f, 3);
}

static void
socket_live_and_stale(void **state)
{
	struct fixture *f = *state;
	struct server *second;
	char error[256], long_name[256], buf[256];
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct config config = f->config;
	struct server_context context = f->context;
	int fd;

	second = server_new(f->loop, &f->context, error, sizeof(error));
	assert_null(second);
	assert_non_null(strstr(error, "another posternd"));
	assert_int_equal(ask(f, "{\"verb\":\"mode\"}\n", buf, sizeof(buf)), 0);

	context.config = &config;
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/stale", f->folder);
	config.control = name.sun_path;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	close(fd);
	second = server_new(f->loop, &context, error, sizeof(error));
	assert_non_null(second);
	server_free(second);

	write_file(config.control, "precious");
	assert_null(server_new(f->loop, &context, error, sizeof(error)));
	assert_non_null(strstr(error, "not a socket"));
	assert_int_equal(access(config.control, F_OK), 0);
	unlink(config.control);

	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	config.control = long_name;
	assert_null(server_new(f->loop, &context, error, sizeof(error)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(garbage_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(request_too_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(request_in_single_octets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_closed_follower, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(acknowledged_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_not_permitted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(socket_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(slow_clients, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answer_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answer_too_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(status_degraded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(status_firewall, set_up, tear_down),
		cmocka_unit_test_setup_teardown(status_rules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(status_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(status_sessions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(probe_steps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(log_is_handed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(follower, set_up, tear_down),
		cmocka_unit_test_setup_teardown(follower_does_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connections_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(socket_live_and_stale, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
