/* rules_verbs_test.c - posternctl's `rules` verbs, in empty namespaces
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "ctl/pending.h"
#include "ctl/task.h"
#include "namespace.h"
#include "nfq/apply.h"
#include "nfq/installed.h"

#define TEXT_SIZE 65536

struct fixture {
	char folder[32], control[96], note[96], user[16], interface[16];
	struct network from[2];
	struct config config;
	char out[TEXT_SIZE], err[TEXT_SIZE];
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	bool host_bits;
	char run[64];

	strcpy(f->folder, "/tmp/postern-rules-XXXXXX");
	if (mkdtemp(f->folder) == NULL || !namespace_new() ||
	    system("ip link add lan0 type veth peer name lan1") != 0 ||
	    !network_parse(&f->from[0], "192.0.2.0/24", 12, &host_bits) ||
	    !network_parse(&f->from[1], "2001:db8::/32", 13, &host_bits))
		return -1;
	snprintf(run, sizeof(run), "%s/run", f->folder);
	snprintf(f->control, sizeof(f->control), "%s/control.sock", run);
	snprintf(f->note, sizeof(f->note), "%s.rules", run);
	strcpy(f->user, "nobody");
	strcpy(f->interface, "lan0");
	f->config = (struct config){ .control = f->control, .user = f->user, .intercept = {
		.method = METHOD_REDIRECT, .backend = BACKEND_IPTABLES, .listen.port = 10025,
		.from = f->from, .from_len = 2, .interface = f->interface } };
	*state = f;
	return mkdir(run, 0755);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

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

/* Runs `rules ...`; its exit code, what it said in f. */
static int
run(struct fixture *f, const char *words)
{
	static const struct {
		enum verb verb;
		int (*task)(const struct options *o, const struct config *config);
	} tasks[] = {
		{ VERB_RULES_SHOW, task_rules_show }, { VERB_RULES_INSTALL, task_rules_install },
		{ VERB_RULES_CONFIRM, task_rules_confirm },
		{ VERB_RULES_REMOVE, task_rules_remove }, { VERB_RULES_VERIFY, task_rules_verify },
	};
	char line[128], *argv[8] = { "posternctl", "rules" }, *rest = line, error[200];
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 2, kept_out, kept_err, code = -1;
	struct options o;
	size_t i;

	snprintf(line, sizeof(line), "%s", words);
	while (rest != NULL && argc < 8)
		argv[argc++] = strsep(&rest, " ");
	assert_true(options_parse(&o, argc, argv, error, sizeof(error)));
	kept_out = divert(stdout, out);
	kept_err = divert(stderr, err);
	for (i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		if (tasks[i].verb == o.verb)
			code = tasks[i].task(&o, &f->config);
	give_back(stdout, kept_out, out, f->out);
	give_back(stderr, kept_err, err, f->err);
	printf("rules %s: %d\n%s%s", words, code, f->out, f->err);	/* cmocka would cut it */
	fflush(stdout);
	return code;
}

static bool
says(const struct fixture *f, const char *text)
{
	return strstr(f->out, text) != NULL || strstr(f->err, text) != NULL;
}

/* The one line of JSON that it said. */
static json_t *
json(const struct fixture *f)
{
	json_t *value = json_loads(f->out, 0, NULL);

	assert_non_null(value);
	return value;
}

static bool
is_true(const struct fixture *f, const char *member)
{
	json_t *value = json(f);
	bool yes = json_is_true(json_object_get(value, member));

	json_decref(value);
	return yes;
}

static bool
exists(const struct fixture *f, const char *suffix)
{
	char path[160];

	snprintf(path, sizeof(path), "%s%s", f->note, suffix);
	return access(path, F_OK) == 0;
}

static char *
loaded(void)
{
	char error[600], *text = apply_loaded(-1, error, sizeof(error));

	assert_non_null(text);
	return text;
}

/* In, looked at, out; each again. */
static void
there_and_back(void **state)
{
	struct fixture *f = *state;
	char *before = firewall(), *after;
	struct stat status;
	char lock[128];

	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "not installed\nnext: "));
	assert_int_equal(run(f, "remove"), 0);
	assert_true(says(f, "nothing of ours"));
	after = firewall();
	assert_string_equal(after, before);
	free(before);
	free(after);
	assert_int_equal(run(f, "install"), 0);
	assert_true(says(f, "installed: redirect by iptables, IPv4 and IPv6, when down: closed"));
	assert_true(says(f, "posternd does not answer"));
	assert_true(says(f, "port 25 is closed"));
	assert_int_equal(run(f, "verify"), 0);
	assert_true(says(f, "as configured\n"));
	assert_false(says(f, "warning"));
	assert_int_equal(run(f, "install --json"), 0);
	assert_true(is_true(f, "installed"));
	assert_false(is_true(f, "running"));
	assert_int_equal(run(f, "verify --json"), 0);
	assert_true(is_true(f, "equal"));
	/* Who watches takes the lock too; nobody else does. */
	snprintf(lock, sizeof(lock), "%s.lock", f->note);
	assert_int_equal(stat(lock, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(status.st_gid, 65534);
	assert_int_equal(run(f, "remove --json"), 0);
	assert_true(is_true(f, "removed"));
	assert_false(exists(f, ""));
	assert_int_equal(run(f, "remove --json"), 0);
	assert_false(is_true(f, "removed"));
	assert_int_equal(run(f, "verify --json"), 1);
	assert_false(is_true(f, "installed"));
}

/* What verify finds, line for line. */
static void
differences(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "install"), 0);
	assert_int_equal(system("iptables -t nat -F POSTERN; iptables -A POSTERN -j ACCEPT; "
	    "iptables -I FORWARD -j ACCEPT"), 0);
	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "NOT as configured\nmissing: -A POSTERN -i lan0 -p tcp -m addrtype ! "
	    "--dst-type LOCAL -j REDIRECT --to-ports 10025 (iptables, table nat)\n"
	    "unexpected: -A POSTERN -j ACCEPT (iptables, table filter)\nnext: "));
	assert_true(says(f, "warning: 1 rule stands before ours in filter FORWARD (IPv4)\n"));
	assert_int_equal(run(f, "verify --json"), 1);
	assert_false(is_true(f, "equal"));
	assert_int_equal(run(f, "install"), 0);
	/* What stands before ours is a warning alone, and an order is a difference. */
	assert_int_equal(system("iptables -I FORWARD -j ACCEPT"), 0);
	assert_int_equal(run(f, "verify"), 0);
	assert_true(says(f, "warning: 1 rule stands"));
	assert_int_equal(system("iptables -D FORWARD -p tcp --dport 25 -j POSTERN; "
	    "iptables -I FORWARD -p tcp --dport 25 -j POSTERN"), 0);
	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "in another order"));
	/* The same line is elsewhere, or there twice. */
	assert_int_equal(run(f, "install"), 0);
	assert_int_equal(system("ip6tables -F POSTERN; iptables -A POSTERN -i lan0 -p tcp -j REJECT "
	    "--reject-with tcp-reset"), 0);
	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "NOT as configured\nmissing: -A POSTERN -i lan0 -p tcp -j REJECT "
	    "--reject-with tcp-reset (ip6tables, table filter)\nunexpected: -A POSTERN -i lan0 -p "
	    "tcp -j REJECT --reject-with tcp-reset (iptables, table filter)\nnext: "));
	/* Somebody's comment in another encoding. */
	assert_int_equal(run(f, "install"), 0);
	assert_int_equal(system("iptables -A POSTERN -m comment --comment \"$(printf 'caf\\351')\" "
	    "-j ACCEPT"), 0);
	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "unexpected: -A POSTERN -m comment --comment \"caf?\" -j ACCEPT "
	    "(iptables, table filter)\n"));
	/* The other configuration. */
	f->config.intercept.backend = BACKEND_NFT;
	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "(nft, table inet postern)\n"));
	assert_int_equal(run(f, "install"), 0);
	assert_int_equal(run(f, "verify"), 0);
	assert_int_equal(system("nft flush ruleset"), 0);
	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "missing: "));
	/* Installed by somebody's script, there is no note. */
	assert_int_equal(run(f, "install"), 0);
	assert_int_equal(unlink(f->note), 0);
	assert_int_equal(run(f, "verify"), 0);
	assert_true(says(f, "warning: no note"));
}

static void
configuration(void **state)
{
	struct fixture *f = *state;

	f->config.intercept.method = METHOD_NONE;
	assert_int_equal(run(f, "show"), 0);
	assert_true(says(f, "# intercept.method is none"));
	assert_int_equal(run(f, "show --json"), 0);
	assert_int_equal(run(f, "install"), 4);
	assert_int_equal(run(f, "verify --json"), 4);
	assert_int_equal(run(f, "remove"), 0);
	f->config.intercept.method = METHOD_REDIRECT;
	f->config.intercept.from_len = 1;
	assert_int_equal(run(f, "install"), 4);
	assert_true(says(f, "IPv6"));
	assert_int_equal(run(f, "show"), 4);
	f->config.intercept.from_len = 2;
	assert_int_equal(run(f, "show"), 0);
	assert_true(says(f, "iptables-restore"));
	assert_int_equal(run(f, "show --json"), 0);
	json_decref(json(f));
}

/* The commands that are shown do the same. */
static void
shown(void **state)
{
	struct fixture *f = *state;
	static const enum config_backend backends[] = { BACKEND_IPTABLES, BACKEND_NFT };
	size_t i;

	for (i = 0; i < 2; i++) {
		char path[128];
		FILE *script;
		int k;

		f->config.intercept.backend = backends[i];
		f->config.intercept.method = METHOD_TPROXY;
		assert_int_equal(run(f, "show"), 0);
		snprintf(path, sizeof(path), "sh -e %s/script", f->folder);
		script = fopen(path + 6, "we");
		fputs(f->out, script);
		fclose(script);
		for (k = 0; k < 2; k++) {
			assert_int_equal(system(path), 0);
			assert_int_equal(run(f, "verify"), 0);
		}
		assert_int_equal(run(f, "remove"), 0);
	}
}

static void
not_root(void **state)
{
	static const char *const verbs[] = { "install", "verify --json", "remove", "confirm" };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < 4; i++) {
		int code;

		assert_int_equal(seteuid(65534), 0);
		code = run(f, verbs[i]);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(code, 5);
	}
	assert_false(exists(f, ""));
	assert_false(exists(f, ".lock"));
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(run(f, "show"), 0);
	assert_int_equal(seteuid(0), 0);
}

/* A posternd that answers, and one that hangs. */
static void
daemon_seen(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	strcpy(name.sun_path, f->control);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(run(f, "install --json"), 0);
	assert_false(is_true(f, "running"));
	pid = fork();
	if (pid == 0) {
		for (;;) {
			static const char answer[] = "{\"exit\":0,\"answer\":{}}\n";
			int one = accept(fd, NULL, NULL);
			char bytes[4096];

			(void)!read(one, bytes, sizeof(bytes));
			send(one, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
			close(one);
		}
	}
	close(fd);
	/* The connection of the first installation stands there still and is answered first. */
	assert_int_equal(run(f, "install"), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(says(f, "posternd answers\n"));
}

/* What fails leaves note and rules as they were. */
static void
failure(void **state)
{
	struct fixture *f = *state;
	struct installed note;
	char error[300], *before, *after;
	int i;

	for (i = 0; i < 2; i++) {
		if (i == 1) {
			f->config.intercept.method = METHOD_TPROXY;
			assert_int_equal(run(f, "install"), 0);
			f->config.intercept.method = METHOD_REDIRECT;
		} else {
			assert_int_equal(system("iptables -t nat -A PREROUTING -j RETURN; nft add "
			    "rule ip nat PREROUTING tcp dport 1 redirect to :2"), 0);
		}
		before = loaded();
		assert_int_equal(run(f, "install"), 1);
		assert_true(says(f, "nothing was installed"));
		assert_true(says(f, "next: "));
		assert_int_equal(run(f, "install --confirm 100s --json"), 1);
		assert_false(exists(f, ".pending"));
		after = loaded();
		assert_string_equal(after, before);
		assert_int_equal(installed_read(f->note, &note, error, sizeof(error)),
		    i == 0 ? INSTALLED_NO : INSTALLED_YES);
		if (i == 1)
			assert_string_equal(note.canonical, before);
		installed_free(&note);
		free(before);
		free(after);
	}
}

/* A firewall matches the first name of an interface; with another one it would catch nothing. */
static void
another_name(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(system("ip link property add dev lan0 altname enp9s9"), 0);
	strcpy(f->interface, "enp9s9");
	assert_int_equal(run(f, "install"), 4);
	assert_true(says(f, "another name of lan0"));
	strcpy(f->interface, "lan0");
	assert_int_equal(run(f, "install"), 0);
	assert_false(says(f, "no interface"));
	assert_int_equal(system("ip link del lan0"), 0);
	assert_int_equal(run(f, "verify"), 0);
	assert_true(says(f, "warning: there is no interface \"lan0\" now"));
	assert_int_equal(run(f, "install"), 0);
	assert_true(says(f, "warning: there is no interface \"lan0\" now"));
}

/* Who waits was killed: that is not the same as having been confirmed. */
static void
abandoned(void **state)
{
	const struct former nothing = { .had = false };
	struct fixture *f = *state;
	struct pending p;
	char error[200];
	int i;

	assert_true(pending_begin(f->note, 100, &nothing, &p, error, sizeof(error)));
	assert_false(pending_abandoned(f->note, &p));
	assert_int_equal(kill(p.pid, SIGKILL), 0);
	for (i = 0; i < 100 && !pending_abandoned(f->note, &p); i++)
		usleep(20000);
	assert_true(i < 100);
	pending_end(f->note);
	assert_false(pending_abandoned(f->note, &p));
}

static void
locked(void **state)
{
	struct fixture *f = *state;
	int lock = installed_lock(f->note, 0);

	assert_int_equal(run(f, "install"), 75);
	close(lock);
	assert_int_equal(run(f, "install"), 0);
	close(installed_lock(f->note, 0));
}

/* Waits until nothing waits any more; at most five seconds. */
static void
until_undone(const struct fixture *f)
{
	int i;

	for (i = 0; i < 100 && exists(f, ".pending"); i++)
		usleep(50000);
	assert_true(i < 100);
}

static void
undone(void **state)
{
	struct fixture *f = *state;
	char *text, *now;

	/* To nothing. */
	assert_int_equal(run(f, "install --confirm 1s"), 0);
	assert_true(says(f, "undone in 1 s unless confirmed"));
	assert_true(exists(f, ""));
	text = loaded();
	assert_string_not_equal(text, "");
	free(text);
	until_undone(f);
	assert_false(exists(f, ""));
	text = loaded();
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(run(f, "confirm"), 1);
	assert_true(says(f, "next: "));
	/* To what was installed before, the note too. */
	assert_int_equal(run(f, "install"), 0);
	text = loaded();
	f->config.intercept.backend = BACKEND_NFT;
	assert_int_equal(run(f, "install --confirm 1s --json"), 0);
	until_undone(f);
	now = loaded();
	assert_string_equal(now, text);
	free(text);
	free(now);
	f->config.intercept.backend = BACKEND_IPTABLES;
	assert_int_equal(run(f, "verify"), 0);
	assert_false(says(f, "warning"));
}

static void
confirmed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "install --confirm 1s"), 0);
	assert_int_equal(run(f, "confirm --json"), 0);
	assert_true(is_true(f, "confirmed"));
	assert_int_equal(run(f, "confirm --json"), 1);
	usleep(1500000);
	assert_int_equal(run(f, "verify"), 0);
	/* An installation for good, and a removal, leave nothing that waits. */
	assert_int_equal(run(f, "install --confirm 1s"), 0);
	assert_int_equal(run(f, "install"), 0);
	assert_int_equal(run(f, "confirm"), 1);
	assert_int_equal(run(f, "install --confirm 1s"), 0);
	assert_int_equal(run(f, "remove"), 0);
	usleep(1500000);
	assert_int_equal(run(f, "verify"), 1);
	assert_true(says(f, "not installed"));
}

/* Confirmed while who undoes waited for the lock already: too late for it. */
static void
confirmed_at_last(void **state)
{
	struct fixture *f = *state;
	int lock;

	assert_int_equal(run(f, "install --confirm 1s"), 0);
	lock = installed_lock(f->note, 0);
	assert_true(lock >= 0);
	usleep(1500000);
	pending_end(f->note);
	close(lock);
	usleep(500000);
	assert_int_equal(run(f, "verify"), 0);
	assert_false(says(f, "warning"));
}

/* Of two that were not confirmed, what was before the first one comes back. */
static void
replaced(void **state)
{
	struct fixture *f = *state;
	char *text, *now;

	assert_int_equal(run(f, "install"), 0);
	text = loaded();
	f->config.intercept.method = METHOD_TPROXY;
	assert_int_equal(run(f, "install --confirm 1s"), 0);
	f->config.intercept.backend = BACKEND_NFT;
	assert_int_equal(run(f, "install --confirm 3s"), 0);
	usleep(1800000);
	/* The first one's time is over: it does nothing any more. */
	assert_int_equal(run(f, "verify"), 0);
	until_undone(f);
	now = loaded();
	assert_string_equal(now, text);
	free(text);
	free(now);
}

/* Who waits is in its own session, without our descriptors, and not stopped by a hangup. */
static void
detached(void **state)
{
	struct fixture *f = *state;
	char path[128], command[300], *text;
	int pid, lock, status;
	pid_t child = fork();
	FILE *in;

	if (child == 0) {	/* as if by ssh: a session that ends */
		setsid();
		_exit(run(f, "install --confirm 2s"));
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	snprintf(path, sizeof(path), "%s.pending", f->note);
	in = fopen(path, "re");
	assert_int_equal(fscanf(in, "%d", &pid), 1);
	fclose(in);
	assert_int_equal(getsid(pid) != getsid(0) && getsid(pid) != child, 1);
	assert_int_equal(kill(pid, SIGHUP), 0);
	snprintf(command, sizeof(command), "test \"$(readlink /proc/%d/fd/*)\" = \"/dev/null\n"
	    "/dev/null\n/dev/null\" && test \"$(readlink /proc/%d/cwd)\" = /", pid, pid);
	assert_int_equal(system(command), 0);
	lock = installed_lock(f->note, 0);
	assert_true(lock >= 0);
	close(lock);
	until_undone(f);
	text = loaded();
	assert_string_equal(text, "");
	free(text);
	/* One that was killed undoes nothing, and nothing waits then. */
	assert_int_equal(run(f, "install --confirm 100s"), 0);
	in = fopen(path, "re");
	assert_int_equal(fscanf(in, "%d", &pid), 1);
	fclose(in);
	assert_int_equal(kill(pid, SIGKILL), 0);
	usleep(100000);
	assert_int_equal(run(f, "confirm"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(differences, set_up, tear_down),
		cmocka_unit_test_setup_teardown(configuration, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(daemon_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(abandoned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(locked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(undone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(confirmed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(confirmed_at_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(detached, set_up, tear_down),
	};

	if (geteuid() != 0) {
		puts("1..0 # skip: needs root");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
