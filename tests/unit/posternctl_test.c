/* posternctl_test.c - posternctl's verbs against a server in another process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exit codes as INTERFACE.md has them, --json that is JSON, and no control character on the
 * terminal, whatever the network said. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/server.h"
#include "ctl/task.h"
#include "fake_engine.h"

#define TEXT_SIZE 65536

static const char decision[] =
    "{\"timestamp\":\"2026-11-21T14:02:19.418233Z\",\"event_type\":\"decision\",\"id\":"
    "\"K7Q2-M4X%d\",\"decision\":{\"verdict\":\"%s\",\"result_type\":\"certificate-expired\","
    "\"reason\":\"a\\u001b[31mb\"},\"smtp\":{\"rcpt_domain\":\"a.example\"}}\n";

struct fixture {
	char folder[64], socket[96], log[96];
	struct config config;
	pid_t server;
	int life;		/* the server ends when this closes */
	char out[TEXT_SIZE], err[TEXT_SIZE];
};

/* In the server's process. */
struct side {
	struct ev_loop *loop;
	struct server *server;
	struct server_context context;
	struct engine engine;
	struct log log;
	bool replace, end;
	ev_timer tick;
};

static bool
reload(void *arg)
{
	struct side *s = arg;

	if (s->engine.unhealthy)	/* stands for: the configuration has errors */
		*counters_reload_errors(s->context.counters) = 1;
	else
		s->replace = true;
	return true;
}

static bool
probe(void *arg, const struct probe *p)
{
	struct side *s = arg;
	struct probe_step step = { .id = p->id, .text = "greeting: 220 " HOSTILE };

	server_probe_step(s->server, &step);
	step.text = "verdict: refuse";
	step.last = true;
	step.exit = 1;
	server_probe_step(s->server, &step);
	return true;
}

static void
life_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct side *s = w->data;

	(void)revents;
	s->end = true;
	ev_break(loop, EVBREAK_ALL);
}

/* Followers get one line now and then, and the fourth ends the server. */
static void
tick_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct side *s = w->data;
	char line[1024];

	(void)revents;
	snprintf(line, sizeof(line), decision, 9, "refuse");
	server_event_line(s->server, line, strlen(line));
	if (s->replace)
		ev_break(loop, EVBREAK_ALL);
}

static void
serve(struct fixture *f, int life, bool healthy)
{
	struct side s = { .log = { .problem = "" }, .engine = { .unhealthy = !healthy,
		.acknowledged = healthy ? ENGINE_NOTHING_TO_ACKNOWLEDGE : ENGINE_ACKNOWLEDGED } };
	char error[256];
	ev_io alive;

	s.context = (struct server_context){ .config = &f->config, .engine = &s.engine,
		.log = &s.log, .counters = counters_new(), .arg = &s, .reload = reload,
		.probe = probe };
	counters_process(s.context.counters, 0)->pid = getpid();
	do {
		s.replace = false;
		s.loop = ev_loop_new(EVFLAG_AUTO);
		s.server = server_new(s.loop, &s.context, error, sizeof(error));
		if (s.server == NULL)
			_exit(1);
		ev_io_init(&alive, life_cb, life, EV_READ);
		ev_timer_init(&s.tick, tick_cb, 0.02, 0.02);
		alive.data = s.tick.data = &s;
		ev_io_start(s.loop, &alive);
		ev_timer_start(s.loop, &s.tick);
		ev_run(s.loop, 0);
		server_free(s.server);
		ev_loop_destroy(s.loop);
		/* A reload is a new process at the same socket. */
		if (s.replace && fork() != 0)
			_exit(0);
	} while (!s.end);
	_exit(0);
}

/* The socket's file is there before anybody listens. */
static bool
listens(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool does;

	strcpy(name.sun_path, path);
	does = connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0;
	close(fd);
	return does;
}

static void
start(struct fixture *f, bool healthy)
{
	int pair[2], i;

	assert_int_equal(pipe(pair), 0);
	f->server = fork();
	if (f->server == 0) {
		close(pair[1]);
		serve(f, pair[0], healthy);
	}
	close(pair[0]);
	f->life = pair[1];
	for (i = 0; i < 500 && !listens(f->socket); i++)
		usleep(2000);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char older[128];
	FILE *log;

	strcpy(f->folder, "/tmp/postern-ctl-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->socket, sizeof(f->socket), "%s/control.sock", f->folder);
	snprintf(f->log, sizeof(f->log), "%s/log", f->folder);
	f->config.control = f->socket;
	f->config.log.file = f->log;
	snprintf(older, sizeof(older), "%s.1", f->log);
	log = fopen(older, "we");
	fprintf(log, decision, 1, "refuse");
	fclose(log);
	log = fopen(f->log, "we");
	fprintf(log, decision, 2, "pass");
	fputs("{\"torn\n{\"event_type\":\"session\"}\n", log);
	fprintf(log, decision, 3, "would-refuse");
	fclose(log);
	f->life = -1;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char command[160];

	if (f->life >= 0) {
		close(f->life);
		waitpid(f->server, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* Sends a stream to a file; the old descriptor, to be given back. */
static int
divert(FILE *stream, FILE *to)
{
	int kept;

	fflush(stream);
	kept = dup(fileno(stream));
	dup2(fileno(to), fileno(stream));
	return kept;
}

static void
give_back(FILE *stream, int kept, FILE *from, char *text)
{
	size_t n;

	fflush(stream);
	dup2(kept, fileno(stream));
	close(kept);
	rewind(from);
	n = fread(text, 1, TEXT_SIZE - 1, from);
	text[n] = '\0';
	fclose(from);
}

/* Runs one command line; its exit code, its output in f. */
static int
run(struct fixture *f, char *const *argv,
    int (*task)(const struct options *o, const struct config *config))
{
	FILE *out = tmpfile(), *err = tmpfile();
	struct options o;
	char error[200];
	int argc = 0, kept_out, kept_err, code;

	while (argv[argc] != NULL)
		argc++;
	assert_true(options_parse(&o, argc, argv, error, sizeof(error)));
	kept_out = divert(stdout, out);
	kept_err = divert(stderr, err);
	code = task(&o, &f->config);
	give_back(stdout, kept_out, out, f->out);
	give_back(stderr, kept_err, err, f->err);
	return code;
}

static void
assert_harmless(const char *text)
{
	for (; *text != '\0'; text++)
		assert_true(*text == '\n' || (*text >= 0x20 && *text < 0x7f));
}

#define LINE(...) ((char *const[]){ "posternctl", __VA_ARGS__, NULL, NULL })

static void
exit_codes(void **state)
{
	const struct {
		char *const *argv;
		int code;
		const char *holds;
	} rows[] = {
		{ LINE("status"), 0, "postern: healthy\n" },
		{ LINE("domain", "deliver.example"), 0, "deliver.example: would deliver" },
		{ LINE("domain", "refuse.example"), 1, "would REFUSE" },
		{ LINE("domain", "defer.example"), 75, "would DEFER" },
		{ LINE("domain", "gone.example"), 6, "no such domain" },
		{ LINE("probe", "mx.a.example", "--domain", "a.example"), 1, "verdict: refuse" },
		{ LINE("probe", "mx.b.example", "--domain", "a.example"), 75, "no such name" },
		{ LINE("policy", "list"), 0, "a.example" },
		{ LINE("policy", "show", "a.example"), 0, "| version: STSv1" },
		{ LINE("policy", "show", "b.example"), 6, "no policy" },
		{ LINE("policy", "refresh", "a.example"), 0, "unchanged" },
		{ LINE("policy", "refresh", "none.example"), 1, "none" },
		{ LINE("policy", "refresh", "b.example"), 75, "failed" },
		{ LINE("policy", "forget", "b.example"), 6, "nothing is known" },
		{ LINE("mode"), 0, "enforce\n" },
		{ LINE("mode", "monitor"), 0, "monitor until the next reload" },
		{ LINE("policy", "forget", "a.example"), 0, "forgotten: a.example" },
		{ LINE("policy", "acknowledge"), 1, "nothing to acknowledge" },
	};
	struct fixture *f = *state;
	size_t i;

	start(f, true);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *json[8] = { NULL };
		size_t n = 0;
		json_t *value;

		assert_int_equal(run(f, rows[i].argv, task_ask), rows[i].code);
		print_message("%s%s\n", f->out, f->err);
		assert_true(strstr(f->out, rows[i].holds) != NULL ||
		    strstr(f->err, rows[i].holds) != NULL);
		assert_harmless(f->out);
		assert_harmless(f->err);
		/* The same with --json: the same code, JSON on the last line at least. */
		for (; rows[i].argv[n] != NULL; n++)
			json[n] = rows[i].argv[n];
		json[n] = "--json";
		assert_int_equal(run(f, json, task_ask), rows[i].code);
		assert_harmless(f->out);
		f->out[strlen(f->out) - 1] = '\0';
		value = json_loads(strrchr(f->out, '\n') != NULL ? strrchr(f->out, '\n') + 1 :
		    f->out, 0, NULL);
		assert_non_null(value);
		json_decref(value);
	}
}

static void
degraded(void **state)
{
	struct fixture *f = *state;

	start(f, false);
	assert_int_equal(run(f, LINE("status"), task_ask), 1);
	assert_int_equal(strncmp(f->out, "postern: DEGRADED: store: x\\x1b[2J", 33), 0);
	assert_harmless(f->out);
	assert_non_null(strstr(f->out, "\nDANE             NOT IN FORCE: x\\x1b[2J"));
	assert_int_equal(run(f, LINE("policy", "acknowledge"), task_ask), 0);
	assert_int_equal(strncmp(f->out, "acknowledged: ", 14), 0);
	assert_int_equal(run(f, LINE("policy", "acknowledge", "--json"), task_ask), 1);
	assert_non_null(strstr(f->out, "{\"acknowledged\":false}"));
}

/* The engine's canary on the screen, and for programs. */
static void
dane_in_status(void **state)
{
	static const struct {
		bool healthy;
		const char *name, *line;
	} rows[] = {
		{ true, "available", "\nDANE             in force\n" },
		{ false, "unavailable",
		    "\nDANE             NOT IN FORCE: x\\x1b[2J\\x07y; next: " },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f;
		json_t *status;

		assert_int_equal(set_up(state), 0);
		f = *state;
		start(f, rows[i].healthy);
		assert_int_equal(run(f, LINE("status"), task_ask), rows[i].healthy ? 0 : 1);
		assert_non_null(strstr(f->out, rows[i].line));
		assert_harmless(f->out);
		assert_int_equal(run(f, LINE("status", "--json"), task_ask),
		    rows[i].healthy ? 0 : 1);
		status = json_loads(f->out, 0, NULL);
		assert_string_equal(json_string_value(json_object_get(json_object_get(status,
		    "dane"), "state")), rows[i].name);
		json_decref(status);
		tear_down(state);
	}
}

/* Each line of the text format is a comment or a name and a number; the state is one of five. */
static void
metrics(void **state)
{
	static const struct {
		bool healthy;
		const char *lines[4];
	} rows[] = {
		{ true, { "\npostern_healthy 1\n", "{state=\"available\"} 1\n",
		    "{state=\"unavailable\"} 0\n", "{state=\"broken\"} 0\n" } },
		{ false, { "\npostern_healthy 0\n", "{state=\"available\"} 0\n",
		    "{state=\"unavailable\"} 1\n", "{state=\"off\"} 0\n" } },
	};
	static const char *const always[] = { "\n# TYPE postern_sessions_open gauge\n",
		"\npostern_sessions_total 0\n", "\npostern_refused_total 0\n",
		"postern_process_restarts_total{process=\"policy\"} " };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f;
		char *at, *line;
		double value;

		assert_int_equal(set_up(state), 0);
		f = *state;
		start(f, rows[i].healthy);
		assert_int_equal(run(f, LINE("metrics"), task_ask), rows[i].healthy ? 0 : 1);
		for (size_t k = 0; k < 4; k++)
			assert_non_null(strstr(f->out, rows[i].lines[k]));
		for (size_t k = 0; k < sizeof(always) / sizeof(always[0]); k++)
			if (strstr(f->out, always[k]) == NULL)
				fail_msg("%s is not in %s", always[k], f->out);
		for (line = strtok_r(f->out, "\n", &at); line != NULL;
		    line = strtok_r(NULL, "\n", &at))
			assert_true(line[0] == '#' || (strncmp(line, "postern_", 8) == 0 &&
			    sscanf(strrchr(line, ' '), "%lf", &value) == 1));
		tear_down(state);
	}
}

static void
dane_of_a_domain(void **state)
{
	struct fixture *f = *state;

	f->config.policy.both = true;
	start(f, true);
	assert_int_equal(run(f, LINE("domain", "deliver.example"), task_ask), 0);
	assert_harmless(f->out);
	assert_non_null(strstr(f->out, "3 1 1 abx\\x1b[2J"));
	assert_non_null(strstr(f->out, "(policy.both)\n"));
	assert_int_equal(run(f, LINE("domain", "deliver.example", "--json"), task_ask), 0);
	assert_non_null(strstr(f->out, "\"both\":true"));
}

static void
not_running(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, LINE("status"), task_ask), 3);
	assert_non_null(strstr(f->err, "not running"));
	assert_non_null(strstr(f->err, "\nnext: "));
	assert_int_equal(run(f, LINE("decisions", "--json"), task_decisions), 3);
	assert_non_null(strstr(f->out, "\"exit\":3"));
	assert_int_equal(run(f, LINE("reload"), task_reload), 3);
}

/* One that hangs, and others that wait for it already: connect itself would wait for ever. */
static void
hung(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), waits = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(name.sun_path, f->socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(connect(waits, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(run(f, LINE("status"), task_ask), 75);
	assert_non_null(strstr(f->err, "does not answer at"));
	assert_non_null(strstr(f->err, "\nnext: "));
	close(waits);
	close(fd);
	unlink(f->socket);
}

static size_t
lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
decisions(void **state)
{
	struct fixture *f = *state;

	start(f, true);
	assert_int_equal(run(f, LINE("decisions"), task_decisions), 0);
	assert_int_equal(lines(f->out), 3);
	/* Oldest first. */
	assert_true(strstr(f->out, "K7Q2-M4X1") < strstr(f->out, "K7Q2-M4X2"));
	assert_non_null(strstr(f->err, "1 line of the log skipped"));
	assert_harmless(f->out);
	assert_int_equal(run(f, LINE("decisions", "--refused"), task_decisions), 0);
	assert_int_equal(lines(f->out), 2);
	assert_int_equal(run(f, LINE("decisions", "--id", "k7q2-m4x2", "--json"), task_decisions),
	    0);
	assert_int_equal(lines(f->out), 1);
	assert_int_equal(run(f, LINE("decisions", "--domain", "b.example"), task_decisions), 0);
	assert_int_equal(lines(f->out), 0);
	assert_int_equal(run(f, LINE("decisions", "--id", "AAAA-AAAA"), task_decisions), 6);
	assert_int_equal(run(f, LINE("explain", "AAAA-AAAA"), task_explain), 6);
	assert_int_equal(run(f, LINE("explain", "K7Q2-M4X1"), task_explain), 0);
	assert_non_null(strstr(f->out, "next step\n  A certificate in the chain is out of date"));
	assert_int_equal(run(f, LINE("explain", "K7Q2-M4X1", "--json"), task_explain), 0);
	assert_non_null(strstr(f->out, "\"verdict\":\"refuse\""));
}

/* What the file holds once, then what the server sends, until the server ends. */
static void
following(void **state)
{
	struct fixture *f = *state;
	pid_t killer;

	start(f, true);
	killer = fork();
	if (killer == 0) {
		usleep(300000);
		kill(f->server, SIGKILL);
		_exit(0);
	}
	assert_int_equal(run(f, LINE("decisions", "--follow"), task_decisions), 75);
	waitpid(killer, NULL, 0);
	assert_true(lines(f->out) >= 5);
	assert_null(strstr(strstr(f->out, "K7Q2-M4X1") + 1, "K7Q2-M4X1"));
	assert_non_null(strstr(strstr(f->out, "K7Q2-M4X3"), "K7Q2-M4X9"));
	assert_non_null(strstr(f->err, "closed the connection"));
}

static void
reload_seen(void **state)
{
	struct fixture *f = *state;

	start(f, true);
	assert_int_equal(run(f, LINE("reload"), task_reload), 0);
	assert_string_equal(f->out, "reloaded\n");
}

static void
reload_refused(void **state)
{
	struct fixture *f = *state;

	start(f, false);
	assert_int_equal(run(f, LINE("reload"), task_reload), 4);
	assert_non_null(strstr(f->err, "check-config"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(exit_codes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(degraded, set_up, tear_down),
		cmocka_unit_test(dane_in_status),
		cmocka_unit_test(metrics),
		cmocka_unit_test_setup_teardown(dane_of_a_domain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hung, set_up, tear_down),
		cmocka_unit_test_setup_teardown(decisions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(following, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reload_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reload_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
