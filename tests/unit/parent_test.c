/* parent_test.c - the parent with real forks and dummy children: dying, hanging, reload, stop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parent runs as nobody in a process of its own; parent and children write what they do into
 * a shared page, which the test watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/channel.h"
#include "daemon/child.h"
#include "daemon/parent.h"
#include "daemon/privilege.h"

#define USER "nobody"
#define PATIENCE_S 10
#define WORKERS_SEEN 4

/* What happens, in the order of `clock`. */
struct stage {
	_Atomic int clock;
	_Atomic int policy_starts, policy_pid, policy_ended_at, policy_started_at;
	_Atomic int worker_starts, worker_pid[WORKERS_SEEN], worker_ended_at, worker_drains;
	_Atomic int links, ends, rotates, fresh_stores, mode, root, closes;
	_Atomic int nfq_starts, nfq_pid, nfq_started_at, nfq_ended_at, nfq_links, nfq_ends;
	_Atomic int accepting, transparent, nfq_restarts;
	_Atomic uint64_t worker_held, policy_held, nfq_held;	/* effective capabilities */
	/* what the children are to do */
	_Atomic int refuse_to_start, refuse_to_drain, ask_reload, use_store, refuse_nfq, start_slowly;
	_Atomic int nfq_ends_slowly;
};

struct fixture {
	char base[64], file[96], ca[96], notify_path[96];
	int notify, refuse_to_start, use_store, refuse_nfq;
	unsigned keep;			/* capabilities */
	const char *intercept;		/* more keys of it */
	pid_t parent;
	uint16_t port;
};

static struct stage *stage;

/* Any: nothing is proven with it. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBbzCCARWgAwIBAgIUOg/vLLLPLIvI15UvWskfpwuo+oYwCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBdDAgFw0yNjExMjEyMTQzMjBaGA8yMTI2MTAyODIxNDMyMFow\n"
    "DDEKMAgGA1UEAwwBdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKplekJgLd9H\n"
    "KBWgIK8FK+6aQcx7M3DiJ5VHvGi1CwcV6ZPemLpE3RnY4GZVI0zAfpTq8u+KmAXU\n"
    "cRaDuaOBXVujUzBRMB0GA1UdDgQWBBQv7WiC9vDdV+y+naKHvR0FB+0f7jAfBgNV\n"
    "HSMEGDAWgBQv7WiC9vDdV+y+naKHvR0FB+0f7jAPBgNVHRMBAf8EBTADAQH/MAoG\n"
    "CCqGSM49BAMCA0gAMEUCIQCztT8JJBno1xUn2EBgE8WUy4fMWAxW0A79cE1Ezysv\n"
    "jwIgX+J1EDoK/Inki6xpkX34keXgnQIGHA9PJAlEbStoX0U=\n"
    "-----END CERTIFICATE-----\n";

/* The dummy child: one loop, ends when drained or orphaned. */
struct dummy {
	struct ev_loop *loop;
	struct child *child;
	struct channel *policy;
	struct counters *counters;
	ev_timer look;
};

static void
ignore_message(void *arg, const unsigned char *p, size_t len, int fd)
{
	(void)arg;
	(void)p;
	(void)len;
	if (fd >= 0)
		close(fd);
}

static void
ignore_closed(void *arg)
{
	(void)arg;
}

static const struct channel_events ignored = { ignore_message, ignore_closed, NULL };

static void
policy_drain(void *arg)
{
	ev_break(((struct dummy *)arg)->loop, EVBREAK_ALL);
}

static void
worker_drain(void *arg)
{
	stage->worker_drains++;
	if (!stage->refuse_to_drain)
		ev_break(((struct dummy *)arg)->loop, EVBREAK_ALL);
}

static void
worker_close(void *arg)
{
	(void)arg;
	stage->closes++;
}

static void
worker_policy_end(void *arg, int fd)
{
	struct dummy *d = arg;

	if (d->counters != NULL)
		stage->nfq_ends++;
	else
		stage->ends++;
	channel_free(d->policy);
	d->policy = channel_new(d->loop, fd, &ignored, d);
}

static void
policy_worker_end(void *arg, unsigned slot, int fd)
{
	(void)arg;
	if (slot == COUNTERS_NFQ)
		stage->nfq_links++;
	else
		stage->links++;
	close(fd);
}

static void
policy_rotate(void *arg)
{
	(void)arg;
	stage->rotates++;
}

static void
orphan(void *arg)
{
	ev_break(((struct dummy *)arg)->loop, EVBREAK_ALL);
}

static const struct child_events policy_events = { .drain = policy_drain,
    .worker_end = policy_worker_end, .rotate = policy_rotate, .parent_gone = orphan };
static const struct child_events worker_events = { .drain = worker_drain,
    .close = worker_close, .policy_end = worker_policy_end, .parent_gone = orphan };
static void
nfq_drain(void *arg)
{
	if (stage->nfq_ends_slowly)
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	ev_break(((struct dummy *)arg)->loop, EVBREAK_ALL);
}

static const struct child_events nfq_events = { .drain = nfq_drain,
    .policy_end = worker_policy_end, .parent_gone = orphan };

/* In hexadecimal digits of /proc/self/status. */
static uint64_t
held(const char *set)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	uint64_t found = UINT64_MAX;
	size_t len = strlen(set);

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, set, len) == 0)
			found = strtoull(line + len, NULL, 16);
	if (f != NULL)
		fclose(f);
	return found;
}

static void
look(struct ev_loop *loop, ev_timer *timer, int what)
{
	(void)loop;
	(void)what;
	stage->accepting = (int)*counters_accepting(timer->data);
	stage->nfq_restarts = (int)counters_process(timer->data, COUNTERS_NFQ)->restarts;
}

static void
live(struct dummy *d, int line, const struct child_events *events)
{
	if (geteuid() == 0)
		stage->root++;
	d->loop = ev_loop_new(0);
	d->child = child_new(d->loop, line, events, d);
	child_ready(d->child);
	if (stage->ask_reload > 0) {
		stage->ask_reload--;
		child_ask_reload(d->child);
	}
	if (d->counters != NULL) {
		ev_timer_init(&d->look, look, 0.005, 0.005);
		d->look.data = d->counters;
		ev_timer_start(d->loop, &d->look);
	}
	ev_run(d->loop, 0);
	channel_free(d->policy);
	child_free(d->child);
	ev_loop_destroy(d->loop);
}

static int
dummy_policy(const struct policyd_start *start)
{
	struct dummy d = { .counters = start->counters };

	stage->policy_held = held("CapEff:") | held("CapPrm:");
	stage->fresh_stores += start->fresh_store;
	if (stage->use_store)	/* for ever: it will die over it */
		*counters_store_busy(start->counters) = 1;
	stage->policy_started_at = ++stage->clock;
	stage->policy_pid = getpid();
	stage->policy_starts++;
	live(&d, start->parent, &policy_events);
	stage->policy_ended_at = ++stage->clock;
	return 0;
}

static int
dummy_worker(const struct supervise_worker *start)
{
	struct dummy d = { 0 };
	int on = 0;
	socklen_t len = sizeof(on);

	if (stage->refuse_to_start)
		return 1;
	if (stage->start_slowly)
		nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	stage->worker_held = held("CapEff:") | held("CapPrm:");
	getsockopt(start->listener, IPPROTO_IP, IP_TRANSPARENT, &on, &len);
	stage->transparent = on;
	stage->mode = (int)start->config->mode;
	stage->worker_pid[start->slot % WORKERS_SEEN] = getpid();
	stage->worker_starts++;
	live(&d, start->parent, &worker_events);
	if (start->policy >= 0)
		close(start->policy);
	stage->worker_ended_at = ++stage->clock;
	return 0;
}

static int
dummy_nfq(const struct supervise_worker *start)
{
	struct dummy d = { .counters = start->counters };

	if (stage->refuse_nfq)
		return 1;
	stage->nfq_held = held("CapEff:") == held("CapPrm:") &&
	    held("CapEff:") == held("CapAmb:") ? held("CapEff:") : UINT64_MAX;
	stage->nfq_started_at = ++stage->clock;
	stage->nfq_pid = getpid();
	stage->nfq_starts++;
	live(&d, start->parent, &nfq_events);
	if (start->policy >= 0)
		close(start->policy);
	stage->nfq_ended_at = ++stage->clock;
	return 0;
}

static const struct supervise_roles dummies = { dummy_policy, dummy_worker, dummy_nfq };
static const struct supervise_limits quick = {
	.ping_s = 0.05, .answer_s = 0.3, .gate_ping_s = 0.03, .gate_answer_s = 0.3, .drain_s = 0.5, .policy_drain_s = 0.5, .damage_s = 60,
	.backoff = { .first_s = 0.01, .most_s = 0.04, .reset_s = 60 },
};

static void
nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

/* Waits for a counter to reach a value. */
#define UNTIL(condition) do { \
	time_t give_up = time(NULL) + PATIENCE_S; \
	while (!(condition) && time(NULL) < give_up) \
		nap(); \
	assert_true(condition); \
} while (0)

static void
write_text(const char *file, const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void
write_config(const struct fixture *f, const char *rest)
{
	FILE *out = fopen(f->file, "w");

	assert_non_null(out);
	fprintf(out, "user: " USER "\nstate-dir: %s/s\ncontrol: %s/c/sock\n"
	    "log: { file: %s/l/d }\ntls: { ca-file: %s }\nclient: { tls: none }\n"
	    "resolver: { servers: [127.0.0.1] }\n"
	    "intercept: { from: [127.0.0.0/8], listen: \"127.0.0.1:%u\"%s }\n%s",
	    f->base, f->base, f->base, f->ca, f->port, f->intercept, rest);
	assert_int_equal(fclose(out), 0);
}

static uint16_t
free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static int
run_parent(const struct fixture *f, const struct supervise_limits *limits)
{
	struct parent_start start = { .file = f->file, .roles = &dummies, .limits = limits };
	char error[256];
	uid_t uid;
	gid_t gid;

	if (!privilege_user(USER, &uid, &gid, error, sizeof(error)) ||
	    !privilege_become(uid, gid, f->keep, error, sizeof(error)))
		return 99;
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* nothing outlives a test that crashed */
	start.config = config_load(f->file, stderr, NULL, NULL);
	return start.config == NULL ? 98 : parent_main(&start);
}

static void
start(struct fixture *f, const struct supervise_limits *limits)
{
	memset(stage, 0, sizeof(*stage));
	stage->refuse_to_start = f->refuse_to_start;
	stage->use_store = f->use_store;
	stage->refuse_nfq = f->refuse_nfq;
	fflush(NULL);
	f->parent = fork();
	assert_true(f->parent >= 0);
	if (f->parent == 0) {
		int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC), i;

		for (i = 1; i < NSIG; i++)	/* cmocka's and the sanitizers' handlers */
			signal(i, SIG_DFL);
		setenv("NOTIFY_SOCKET", f->notify_path, 1);
		setenv("WATCHDOG_USEC", "100000", 1);
		if (getenv("POSTERN_TEST_LOUD") == NULL)
			dup2(quiet, 2);
		_exit(run_parent(f, limits));
	}
}

/* Reads what the service manager was told until `word` comes. */
static void
told(const struct fixture *f, const char *word)
{
	time_t give_up = time(NULL) + PATIENCE_S;
	char text[512];
	ssize_t n;

	while (time(NULL) < give_up) {
		n = recv(f->notify, text, sizeof(text) - 1, MSG_DONTWAIT);
		text[n > 0 ? n : 0] = '\0';
		if (n > 0 && strncmp(text, word, strlen(word)) == 0)
			return;
		if (n <= 0)
			nap();
	}
	fail_msg("the service manager was never told %s", word);
}

static void
forget_told(const struct fixture *f)
{
	char text[512];

	while (recv(f->notify, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
}

static int
ended(struct fixture *f)
{
	time_t give_up = time(NULL) + PATIENCE_S;
	int status = 0;
	pid_t pid;

	while ((pid = waitpid(f->parent, &status, WNOHANG)) == 0 && time(NULL) < give_up)
		nap();
	assert_int_equal(pid, f->parent);
	f->parent = 0;
	return status;
}

static void
stop(struct fixture *f)
{
	int status;

	kill(f->parent, SIGTERM);
	status = ended(f);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	static const char *const folders[] = { "s", "c", "l" };
	char path[96];
	size_t i;

	assert_non_null(f);
	strcpy(f->base, "/tmp/postern-parent-XXXXXX");
	assert_non_null(mkdtemp(f->base));
	assert_int_equal(chmod(f->base, 0755), 0);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", f->base, folders[i]);
		assert_int_equal(mkdir(path, 0777), 0);
		assert_int_equal(chmod(path, 0777), 0);
	}
	snprintf(f->file, sizeof(f->file), "%s/postern.yaml", f->base);
	snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->base);
	write_text(f->ca, certificate);
	snprintf(f->notify_path, sizeof(f->notify_path), "%s/notify", f->base);
	memcpy(at.sun_path, f->notify_path, strlen(f->notify_path));
	f->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->notify, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(chmod(f->notify_path, 0777), 0);
	f->port = free_port();
	f->keep = PRIVILEGE_NET_ADMIN | PRIVILEGE_NET_RAW;
	f->intercept = "";
	write_config(f, "workers: 2\n");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (f->parent > 0) {
		kill(f->parent, SIGKILL);
		waitpid(f->parent, NULL, 0);
	}
	close(f->notify);
	snprintf(command, sizeof(command), "rm -r %s", f->base);
	assert_int_equal(system(command), 0);	/* NOLINT(cert-env33-c) */
	free(f);
	return 0;
}

static int
connects(const struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(f->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), done;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	done = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	close(fd);
	return done;
}

/* Drained in order: workers, then the policy process; the door is closed, nobody is left. */
static void
test_start_and_stop(void **state)
{
	struct fixture *f = *state;
	int policy, worker;

	start(f, &quick);
	told(f, "READY=1");
	told(f, "STATUS=serving: mode enforce, 2 workers");
	told(f, "WATCHDOG=1");
	assert_int_equal(stage->policy_starts, 1);
	assert_int_equal(stage->worker_starts, 2);
	UNTIL(stage->links == 2);
	assert_int_equal(stage->root, 0);
	policy = stage->policy_pid;
	worker = stage->worker_pid[1];
	stop(f);
	told(f, "STOPPING=1");
	assert_int_equal(stage->worker_drains, 2);
	assert_true(stage->worker_ended_at > 0);
	assert_true(stage->policy_ended_at > stage->worker_ended_at);
	assert_int_equal(stage->worker_starts, 2);
	assert_int_equal(kill(policy, 0), -1);
	assert_int_equal(kill(worker, 0), -1);
	assert_false(connects(f));
}

static void
test_a_dead_worker_is_replaced(void **state)
{
	struct fixture *f = *state;

	start(f, &quick);
	told(f, "READY=1");
	kill(stage->worker_pid[1], SIGSEGV);
	UNTIL(stage->worker_starts == 3);
	UNTIL(stage->links == 3);	/* and is connected */
	assert_int_equal(stage->policy_starts, 1);
	assert_true(connects(f));
	stop(f);
}

/* The policy process dies: every worker gets an end of a new channel. */
static void
test_a_dead_policy_process_is_replaced(void **state)
{
	struct fixture *f = *state;

	start(f, &quick);
	told(f, "READY=1");
	UNTIL(stage->links == 2);
	kill(stage->policy_pid, SIGKILL);
	UNTIL(stage->policy_starts == 2);
	UNTIL(stage->links == 4);
	UNTIL(stage->ends >= 2);
	assert_int_equal(stage->worker_starts, 2);
	assert_int_equal(stage->fresh_stores, 0);
	stop(f);
}

static void
kill_policy(int with, int starts)
{
	kill(stage->policy_pid, with);
	UNTIL(stage->policy_starts == starts);
}

/* What LMDB may do over a damaged file, twice in any mixture, amid work on it. */
static void
test_a_store_that_kills(void **state)
{
	static const int crashes[] = { SIGBUS, SIGSEGV, SIGABRT, SIGABRT, SIGSEGV, SIGBUS };
	struct fixture *f = *state;
	int i;

	f->use_store = 1;
	start(f, &quick);
	told(f, "READY=1");
	for (i = 0; i < 6; i += 2) {
		kill_policy(crashes[i], i + 2);
		assert_int_equal(stage->fresh_stores, i / 2);
		kill_policy(crashes[i + 1], i + 3);
		assert_int_equal(stage->fresh_stores, i / 2 + 1);
	}
	kill_policy(SIGKILL, 8);
	assert_int_equal(stage->fresh_stores, 3);
	stop(f);
}

/* The same crashes, but elsewhere: who can bring them about must not take the policies away. What
 * a process left that was killed at work is not held against the next. */
static void
test_crashes_away_from_the_store(void **state)
{
	static const int crashes[] = { SIGBUS, SIGSEGV, SIGABRT, SIGABRT, SIGSEGV, SIGBUS };
	struct fixture *f = *state;
	int i;

	start(f, &quick);
	told(f, "READY=1");
	for (i = 0; i < 6; i++)
		kill_policy(crashes[i], i + 2);
	assert_int_equal(stage->fresh_stores, 0);
	stage->use_store = 1;
	kill_policy(SIGSEGV, 8);	/* from now on one at a time is at work */
	stage->use_store = 0;
	kill_policy(SIGKILL, 9);
	kill_policy(SIGSEGV, 10);
	kill_policy(SIGSEGV, 11);
	assert_int_equal(stage->fresh_stores, 0);
	stage->use_store = 1;
	kill_policy(SIGSEGV, 12);
	kill_policy(SIGSEGV, 13);
	assert_int_equal(stage->fresh_stores, 0);
	kill_policy(SIGSEGV, 14);
	assert_int_equal(stage->fresh_stores, 1);
	stop(f);
}

/* Other deaths do not count, and workers' do not; two crashes far apart are two accidents. */
static void
test_a_store_that_is_not_to_blame(void **state)
{
	struct supervise_limits limits = quick;
	struct fixture *f = *state;

	f->use_store = 1;
	start(f, &limits);
	told(f, "READY=1");
	kill_policy(SIGSEGV, 2);
	kill_policy(SIGKILL, 3);
	kill_policy(SIGFPE, 4);
	kill(stage->worker_pid[1], SIGSEGV);
	UNTIL(stage->worker_starts == 3);
	kill_policy(SIGKILL, 5);
	assert_int_equal(stage->fresh_stores, 0);
	stop(f);
	limits.damage_s = 0.05;
	start(f, &limits);
	told(f, "READY=1");
	kill_policy(SIGABRT, 2);
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	kill_policy(SIGABRT, 3);
	assert_int_equal(stage->fresh_stores, 0);
	stop(f);
}

static void
test_who_hangs_is_killed(void **state)
{
	struct fixture *f = *state;
	int policy, worker;

	start(f, &quick);
	told(f, "READY=1");
	policy = stage->policy_pid;
	kill(policy, SIGSTOP);
	UNTIL(stage->policy_starts == 2);
	UNTIL(kill(policy, 0) == -1);
	/* A worker's hang is noticed where somebody waits at its door: one of two has the knock. */
	worker = stage->worker_pid[1];
	kill(stage->worker_pid[1], SIGSTOP);
	kill(stage->worker_pid[2], SIGSTOP);
	assert_true(connects(f));
	UNTIL(stage->worker_starts >= 3);
	kill(worker, SIGCONT);
	kill(stage->worker_pid[2], SIGCONT);
	stop(f);
}

/* An idle worker is left alone, however long it sleeps. */
static void
test_an_idle_worker_is_not_asked(void **state)
{
	struct fixture *f = *state;
	int i;

	start(f, &quick);
	told(f, "READY=1");
	kill(stage->worker_pid[1], SIGSTOP);
	for (i = 0; i < 160; i++)
		nap();
	assert_int_equal(stage->worker_starts, 2);
	kill(stage->worker_pid[1], SIGCONT);
	stop(f);
}

static void
test_reload(void **state)
{
	struct fixture *f = *state;
	int old;

	start(f, &quick);
	told(f, "READY=1");
	old = stage->worker_pid[1];
	write_config(f, "workers: 3\nmode: monitor\n");
	kill(f->parent, SIGHUP);
	told(f, "RELOADING=1");
	told(f, "READY=1");
	told(f, "STATUS=serving: mode monitor, 3 workers");
	assert_int_equal(stage->policy_starts, 2);
	/* One owner of the store: the old one had ended. */
	assert_true(stage->policy_started_at > stage->policy_ended_at);
	assert_int_equal(stage->worker_starts, 5);
	assert_int_equal(stage->mode, MODE_MONITOR);
	UNTIL(stage->worker_drains == 2);
	UNTIL(kill(old, 0) == -1);
	/* Fewer, elsewhere. */
	f->port = free_port();
	write_config(f, "workers: 1\n");
	kill(f->parent, SIGHUP);
	told(f, "RELOADING=1");
	told(f, "STATUS=serving: mode enforce, 1 workers");
	assert_int_equal(stage->worker_starts, 6);
	UNTIL(stage->worker_drains == 5);
	assert_true(connects(f));
	stop(f);
}

static void
test_reload_with_errors(void **state)
{
	struct fixture *f = *state;

	start(f, &quick);
	told(f, "READY=1");
	write_config(f, "mode: enforec\n");
	kill(f->parent, SIGHUP);
	told(f, "RELOADING=1");
	told(f, "READY=1");
	told(f, "STATUS=serving; the last reload was refused");
	UNTIL(stage->rotates == 1);
	assert_int_equal(stage->policy_starts, 1);
	assert_int_equal(stage->worker_starts, 2);
	/* What it would need cannot be had: the old one stays just so. */
	f->port = 1;
	write_config(f, "");
	kill(f->parent, SIGHUP);
	told(f, "RELOADING=1");
	told(f, "STATUS=serving; the last reload was refused");
	assert_int_equal(stage->policy_starts, 1);
	stop(f);
}

/* `posternctl reload` comes by way of the policy process. */
static void
test_a_child_asks_for_a_reload(void **state)
{
	struct fixture *f = *state;

	start(f, &quick);
	told(f, "READY=1");
	stage->ask_reload = 1;
	kill(stage->policy_pid, SIGKILL);
	told(f, "RELOADING=1");
	told(f, "READY=1");
	UNTIL(stage->worker_drains == 2);
	assert_int_equal(stage->policy_starts, 3);
	stop(f);
}

/* Reloads faster than they can be carried out: in the end all is as it should be. */
static void
test_many_reloads(void **state)
{
	struct fixture *f = *state;
	int i;

	start(f, &quick);
	told(f, "READY=1");
	for (i = 0; i < 10; i++) {
		kill(f->parent, SIGHUP);
		nap();
	}
	UNTIL(stage->worker_starts >= 4 && stage->worker_drains == stage->worker_starts - 2);
	forget_told(f);
	write_config(f, "workers: 2\nmode: monitor\n");
	kill(f->parent, SIGHUP);
	told(f, "STATUS=serving: mode monitor, 2 workers");
	UNTIL(stage->worker_drains == stage->worker_starts - 2);
	stop(f);
}

/* Clients that never leave must not keep an old worker for ever. */
static void
test_an_elder_that_stays(void **state)
{
	struct supervise_limits limits = quick;
	struct fixture *f = *state;
	int old[2];

	limits.elder_close_s = 0.2;
	limits.elder_end_s = 0.3;
	start(f, &limits);
	told(f, "READY=1");
	stage->refuse_to_drain = 1;
	old[0] = stage->worker_pid[1];
	old[1] = stage->worker_pid[2];
	kill(f->parent, SIGHUP);
	told(f, "RELOADING=1");
	told(f, "READY=1");
	UNTIL(stage->worker_drains == 2);
	assert_int_equal(stage->closes, 0);
	UNTIL(stage->closes == 2);
	assert_int_equal(kill(old[0], 0), 0);
	UNTIL(kill(old[0], 0) == -1 && kill(old[1], 0) == -1);
	assert_int_equal(stage->worker_starts, 4);
	stage->refuse_to_drain = 0;
	stop(f);
}

/* The new file is a certificate no more, though it says so: the old children go on. */
static void
test_reload_with_unusable_certificates(void **state)
{
	struct fixture *f = *state;

	start(f, &quick);
	told(f, "READY=1");
	write_text(f->ca, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	kill(f->parent, SIGHUP);
	told(f, "RELOADING=1");
	told(f, "STATUS=serving; the last reload was refused");
	assert_int_equal(stage->policy_starts, 1);
	assert_int_equal(stage->worker_starts, 2);
	stop(f);
}

static void
test_a_start_that_fails(void **state)
{
	struct fixture *f = *state;
	int status;

	f->refuse_to_start = 1;
	start(f, &quick);
	status = ended(f);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

/* Workers that do not end: killed when their time is over, and the policy process still comes
 * last. */
static void
test_a_drain_that_does_not_end(void **state)
{
	struct fixture *f = *state;

	start(f, &quick);
	told(f, "READY=1");
	stage->refuse_to_drain = 1;
	stop(f);
	assert_int_equal(stage->worker_drains, 2);
	assert_int_equal(stage->worker_ended_at, 0);
	assert_true(stage->policy_ended_at > 0);
}

static void
test_a_second_signal_ends_the_drain(void **state)
{
	static struct supervise_limits patient;
	struct fixture *f = *state;

	patient = quick;
	patient.drain_s = 60;
	start(f, &patient);
	told(f, "READY=1");
	stage->refuse_to_drain = 1;
	kill(f->parent, SIGINT);
	UNTIL(stage->worker_drains == 2);
	assert_int_equal(stage->policy_ended_at, 0);
	stop(f);
	assert_true(stage->policy_ended_at > 0);
}

static int
files_of(pid_t pid)
{
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
test_no_descriptor_is_lost(void **state)
{
	struct fixture *f = *state;
	int before, i, pid;

	start(f, &quick);
	told(f, "READY=1");
	before = files_of(f->parent);
	for (i = 0; i < 50; i++) {
		pid = i % 5 == 0 ? stage->policy_pid : stage->worker_pid[1 + i % 2];
		kill(pid, SIGKILL);
		if (i % 5 == 0)
			UNTIL(stage->policy_starts == i / 5 + 2 && stage->policy_pid != pid);
		else
			UNTIL(stage->worker_pid[1 + i % 2] != pid);
	}
	UNTIL(files_of(f->parent) == before);
	/* And a child has its own alone: 0..2, the line, the listener, the policy channel, a
	 * loop. */
	assert_true(files_of(stage->worker_pid[1]) <= 2 + 3 + 3 + 4);
	stop(f);
}

#define ADMIN (UINT64_C(1) << 12)
#define RAW (UINT64_C(1) << 13)

/* What was told before is forgotten: the queue of the service manager's socket is short. */
static void
reload(const struct fixture *f)
{
	forget_told(f);
	kill(f->parent, SIGHUP);
	told(f, "RELOADING=1");
	told(f, "READY=1");
}

/* The nfq process: connected to the policy process, with its capability and nobody else with it. */
static void
test_nfq_has_its_place(void **state)
{
	struct fixture *f = *state;

	start(f, &quick);
	told(f, "READY=1");
	assert_int_equal(stage->nfq_starts, 1);
	UNTIL(stage->nfq_links == 1 && stage->links == 2);
	UNTIL(stage->accepting == 2);
	assert_true(stage->nfq_held == ADMIN);
	assert_true(stage->worker_held == 0 && stage->policy_held == 0);
	kill(stage->policy_pid, SIGKILL);
	UNTIL(stage->nfq_links == 2 && stage->nfq_ends == 1);
	assert_int_equal(stage->nfq_starts, 1);
	stop(f);
	assert_true(stage->nfq_ended_at > 0);
	assert_true(stage->policy_ended_at > stage->nfq_ended_at);
}

/* It dies, it hangs: mail goes on, and it comes back. */
static void
test_nfq_dies_and_hangs(void **state)
{
	struct fixture *f = *state;
	int worker;

	start(f, &quick);
	told(f, "READY=1");
	worker = stage->worker_pid[1];
	kill(stage->nfq_pid, SIGKILL);
	UNTIL(stage->nfq_starts == 2);
	UNTIL(stage->nfq_links == 2);
	kill(stage->nfq_pid, SIGSTOP);
	UNTIL(stage->nfq_starts == 3);
	assert_int_equal(stage->worker_pid[1], worker);
	assert_int_equal(stage->worker_starts, 2);
	assert_int_equal(stage->policy_starts, 1);
	stop(f);
}

static double
seconds_until_restart(int starts)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	UNTIL(stage->nfq_starts == starts);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* Where SYNs wait for it, a hang is noticed at the gate's pace. */
static void
test_a_gate_that_hangs(void **state)
{
	struct supervise_limits limits = quick;
	struct fixture *f = *state;

	limits.ping_s = limits.answer_s = 3;
	limits.gate_answer_s = 0.5;
	f->intercept = ", scope: required";
	write_config(f, "workers: 2\n");
	start(f, &limits);
	told(f, "READY=1");
	kill(stage->nfq_pid, SIGSTOP);
	assert_true(seconds_until_restart(2) < 2);
	/* By a reload the pace changes, and changes back. */
	f->intercept = "";
	write_config(f, "workers: 2\n");
	reload(f);
	kill(stage->nfq_pid, SIGSTOP);
	assert_true(seconds_until_restart(4) > 2);
	stop(f);
}

/* A queue has one owner: the new one is born when the old one has ended. */
static void
test_nfq_and_reload(void **state)
{
	struct supervise_limits limits = quick;
	struct fixture *f = *state;

	limits.answer_s = 60;
	start(f, &limits);
	told(f, "READY=1");
	stage->nfq_ends_slowly = 1;
	reload(f);
	assert_int_equal(stage->nfq_starts, 2);
	assert_true(stage->nfq_started_at > stage->nfq_ended_at && stage->nfq_ended_at > 0);
	UNTIL(stage->accepting == 2);
	assert_int_equal(stage->nfq_restarts, 0);	/* nothing went wrong */
	/* An old one that does not end is killed, and the new one still comes. */
	kill(stage->nfq_pid, SIGSTOP);
	reload(f);
	assert_int_equal(stage->nfq_starts, 3);
	/* Not wanted any more; wanted again. */
	f->intercept = ", watch: no";
	write_config(f, "workers: 2\n");
	reload(f);
	UNTIL(kill(stage->nfq_pid, 0) == -1);
	assert_int_equal(stage->nfq_starts, 3);
	f->intercept = "";
	write_config(f, "workers: 2\n");
	reload(f);
	assert_int_equal(stage->nfq_starts, 4);
	stop(f);
}

/* Without it posternd would serve as if all were well. */
static void
test_an_nfq_that_cannot_start(void **state)
{
	struct fixture *f = *state;
	int status;

	f->refuse_nfq = 1;
	start(f, &quick);
	status = ended(f);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	f->intercept = ", watch: no";
	write_config(f, "workers: 2\n");
	start(f, &quick);
	told(f, "READY=1");
	assert_int_equal(stage->nfq_starts, 0);
	stop(f);
}

/* What the gate is told of the workers. */
static void
test_who_accepts(void **state)
{
	struct supervise_limits limits = quick;
	struct fixture *f = *state;

	limits.answer_s = 60;
	f->intercept = ", when-down: open";
	write_config(f, "workers: 2\n");
	start(f, &limits);
	told(f, "READY=1");
	UNTIL(stage->accepting == 2);
	/* Both hang, and one of them has somebody at the door. */
	kill(stage->worker_pid[1], SIGSTOP);
	kill(stage->worker_pid[2], SIGSTOP);
	assert_true(connects(f));
	UNTIL(stage->accepting == 1);
	kill(stage->worker_pid[1], SIGCONT);
	kill(stage->worker_pid[2], SIGCONT);
	UNTIL(stage->accepting == 2);
	/* One dies, and cannot come back at once. */
	stage->refuse_to_start = 1;
	kill(stage->worker_pid[1], SIGKILL);
	UNTIL(stage->accepting == 1);
	stage->refuse_to_start = 0;
	UNTIL(stage->accepting == 2);
	/* While it drains nobody may be brought here. */
	stage->refuse_to_drain = 1;
	kill(f->parent, SIGTERM);
	UNTIL(stage->accepting == 0);
	assert_int_equal(stage->policy_ended_at, 0);
	assert_int_equal(WEXITSTATUS(ended(f)), 0);
}

/* A reload never says that nobody accepts: the old workers do until the new ones serve. */
static void
test_a_reload_never_opens_the_gate(void **state)
{
	struct supervise_limits limits = quick;
	struct fixture *f = *state;
	int i;

	limits.answer_s = limits.gate_answer_s = 10;
	start(f, &limits);
	told(f, "READY=1");
	UNTIL(stage->accepting == 2);
	stage->start_slowly = 1;
	kill(f->parent, SIGHUP);
	for (i = 0; i < 100; i++) {
		nap();
		assert_int_equal(stage->accepting, 2);
	}
	assert_int_equal(stage->nfq_starts, 2);
	assert_int_equal(stage->worker_starts, 4);
	stop(f);
}

/* Somebody who waits at the door when the method changes is still there afterwards. */
static void
test_the_method_changes(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct fixture *f = *state;
	char octet;
	int fd;

	start(f, &quick);
	told(f, "READY=1");
	assert_int_equal(stage->transparent, 0);
	to.sin_port = htons(f->port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	f->intercept = ", method: tproxy, source: client";
	write_config(f, "workers: 2\n");
	reload(f);
	assert_int_equal(stage->transparent, 1);
	assert_true(stage->worker_held == RAW && stage->nfq_held == ADMIN);
	assert_int_equal(recv(fd, &octet, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	f->intercept = "";
	write_config(f, "workers: 3\n");
	reload(f);
	assert_int_equal(stage->transparent, 0);
	assert_true(stage->worker_held == 0);
	assert_int_equal(recv(fd, &octet, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
	stop(f);
}

static void
test_starts_transparent(void **state)
{
	struct fixture *f = *state;

	f->keep = PRIVILEGE_NET_RAW;
	f->intercept = ", method: tproxy, watch: no";
	write_config(f, "workers: 2\n");
	start(f, &quick);
	told(f, "READY=1");
	assert_int_equal(stage->transparent, 1);
	assert_true(stage->worker_held == 0);
	stop(f);
}

/* What was given up at the start cannot be had by a reload. */
static void
test_reload_beyond_the_capabilities(void **state)
{
	static const char *const more[] = { ", method: tproxy, watch: no", ", local: yes, watch: no",
		"", ", scope: required" };
	struct fixture *f = *state;
	size_t i;

	f->keep = 0;
	f->intercept = ", watch: no";
	write_config(f, "workers: 2\n");
	start(f, &quick);
	told(f, "READY=1");
	for (i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		f->intercept = more[i];
		write_config(f, "workers: 3\n");
		kill(f->parent, SIGHUP);
		told(f, "RELOADING=1");
		told(f, "STATUS=serving; the last reload was refused");
	}
	assert_int_equal(stage->policy_starts, 1);
	assert_int_equal(stage->worker_starts, 2);
	assert_int_equal(stage->nfq_starts, 0);
	stop(f);
}

/* The parent is killed: its children do not outlive it. */
static void
test_orphans_end(void **state)
{
	struct fixture *f = *state;
	int policy, worker, nfq, status;

	start(f, &quick);
	told(f, "READY=1");
	policy = stage->policy_pid;
	worker = stage->worker_pid[1];
	nfq = stage->nfq_pid;
	kill(nfq, SIGSTOP);
	kill(f->parent, SIGKILL);
	status = ended(f);
	assert_true(WIFSIGNALED(status));
	UNTIL(kill(policy, 0) == -1 && kill(worker, 0) == -1 && kill(nfq, 0) == -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_and_stop),
		TEST(test_a_dead_worker_is_replaced),
		TEST(test_a_dead_policy_process_is_replaced),
		TEST(test_a_store_that_kills),
		TEST(test_crashes_away_from_the_store),
		TEST(test_a_store_that_is_not_to_blame),
		TEST(test_who_hangs_is_killed),
		TEST(test_an_idle_worker_is_not_asked),
		TEST(test_reload),
		TEST(test_reload_with_errors),
		TEST(test_a_child_asks_for_a_reload),
		TEST(test_many_reloads),
		TEST(test_an_elder_that_stays),
		TEST(test_reload_with_unusable_certificates),
		TEST(test_a_start_that_fails),
		TEST(test_a_drain_that_does_not_end),
		TEST(test_a_second_signal_ends_the_drain),
		TEST(test_no_descriptor_is_lost),
		TEST(test_nfq_has_its_place),
		TEST(test_nfq_dies_and_hangs),
		TEST(test_a_gate_that_hangs),
		TEST(test_nfq_and_reload),
		TEST(test_an_nfq_that_cannot_start),
		TEST(test_who_accepts),
		TEST(test_a_reload_never_opens_the_gate),
		TEST(test_the_method_changes),
		TEST(test_starts_transparent),
		TEST(test_reload_beyond_the_capabilities),
		TEST(test_orphans_end),
	};
	char error[256];
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0 || !privilege_user(USER, &uid, &gid, error, sizeof(error))) {
		puts("1..0 # SKIP needs root and the user " USER);
		return 0;
	}
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	if (stage == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
