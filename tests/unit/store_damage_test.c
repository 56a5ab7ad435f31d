/* store_damage_test.c - a store with broken pages: read on with a word, or die at work and be set
 * aside
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/teststore.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "policy/engine_parts.h"

#define POLICIES 2000
#define SESSIONS 500
#define ROUNDS 16
#define PAGE 4096
#define READER_S 30		/* a reader that takes longer hangs */

static const char policy[] =
    "version: STSv1\nmode: enforce\nmx: *.hoster.example\nmax_age: 604800\n";

enum reader { READ_ALL, READ_WITH_A_WORD, READ_SILENTLY_LESS, READ_NOTHING };

struct fixture {
	struct testworld *t;
	struct config config;
	struct engine_events events;
	_Atomic uint32_t *busy;	/* what the parent looks at */
	char path[96];
	unsigned char *whole;	/* the file before the damage */
	size_t size;
	unsigned words;
};

static void
on_notice(void *arg, const struct engine_notice *n)
{
	struct fixture *f = arg;

	(void)n;
	if (*f->busy != 0)
		_exit(READ_SILENTLY_LESS);	/* no callback comes amid work on the store */
	f->words++;
}

static struct engine *
open_engine(struct fixture *f, bool fresh)
{
	char error[256];

	return engine_new_in(&f->t->world, &f->config, fresh, &f->events, f, error,
	    sizeof(error));
}

static struct store_user
user_of(const struct fixture *f, unsigned i)
{
	struct store_user user = { { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } }, "hoster.example",
		f->t->now_ms / 1000 };

	memcpy(user.ip.s6_addr + 8, &i, sizeof(i));
	return user;
}

static void
session_name(uint8_t name[STORE_SESSION_NAME], unsigned i)
{
	memset(name, (int)(i * 37 % 256), STORE_SESSION_NAME);
	memcpy(name + 8, &i, sizeof(i));
}

/* Those with much to prove take pages of their own. */
static void
fill_more(struct fixture *f, struct store *s)
{
	static const char evidence[3000] = "proven";
	struct store_user users[POLICIES];
	struct store_session sessions[SESSIONS];
	uint8_t names[SESSIONS][STORE_SESSION_NAME];

	for (unsigned i = 0; i < POLICIES; i++)
		users[i] = user_of(f, i);
	for (unsigned i = 0; i < SESSIONS; i++) {
		session_name(names[i], i);
		sessions[i] = (struct store_session){ names[i], f->t->now_ms / 1000,
			f->t->now_ms / 1000 + 86400, evidence, i % 10 == 0 ? 3000 : 500 };
	}
	assert_true(store_put_users(s, users, POLICIES));
	assert_true(store_put_sessions(s, sessions, SESSIONS));
}

static void
fill(struct fixture *f)
{
	struct store_policy p = { "7", f->t->now_ms / 1000 - 3600, 0, 0, policy,
	    sizeof(policy) - 1 };
	char name[40], key[17] = "a";
	struct store *s = teststore_open(f->t);
	struct store_seen seen = { key, sizeof(key), f->t->now_ms / 1000, "mx.hoster.example" };

	for (unsigned i = 0; i < POLICIES; i++) {
		snprintf(name, sizeof(name), "domain%u.example", i * 7919 % 10000);
		p.refresh = f->t->now_ms / 1000 + i * 30;
		assert_true(store_put_policy(s, name, &p));
		memcpy(key + 1, &i, sizeof(i));
		assert_true(i % 4 != 0 || store_put_seen(s, &seen, 1));
	}
	fill_more(f, s);
	store_close(s);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct stat st;
	int fd;

	f->t = testworld_new();
	f->config = (struct config){ .mode = MODE_ENFORCE, .state_dir = f->t->dir };
	f->config.policy.mta_sts = true;
	f->config.policy.wait_s = 20;
	f->busy = mmap(NULL, sizeof(*f->busy), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	assert_ptr_not_equal(f->busy, MAP_FAILED);
	f->events = (struct engine_events){ .notice = on_notice,
	    .store_busy = f->busy };
	fill(f);
	snprintf(f->path, sizeof(f->path), "%s/store.mdb", f->t->dir);
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	f->size = (size_t)st.st_size;
	f->whole = malloc(f->size);
	assert_int_equal(read(fd, f->whole, f->size), f->size);
	close(fd);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	testworld_free(f->t);
	munmap(f->busy, sizeof(*f->busy));
	free(f->whole);
	free(f);
	return 0;
}

static void
put_file(struct fixture *f, const unsigned char *octets)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, octets, f->size), f->size);
	close(fd);
}

/* The file as it was, with random octets over some of it: whole pages, or a few octets in many. */
static void
damage(struct fixture *f, int round)
{
	unsigned char *file = malloc(f->size);
	size_t piece = round % 2 == 0 ? PAGE : 6;
	unsigned pieces = round % 2 == 0 ? 1 + (unsigned)round / 4 : 40;

	memcpy(file, f->whole, f->size);
	/* The first two pages say what the file is: store_test has those. */
	for (unsigned i = 0; i < pieces; i++) {
		size_t at = 2 * PAGE + testworld_random(f->t, (uint32_t)(f->size - 3 * PAGE));

		if (round % 4 == 0)
			at -= at % PAGE;
		for (size_t k = 0; k < piece; k++)
			file[at + k] = (unsigned char)testworld_random(f->t, 256);
	}
	put_file(f, file);
	free(file);
}

static void
count_user(void *arg, const struct store_user *user)
{
	(void)user;
	++*(unsigned *)arg;
}

static void
count_session(void *arg, const struct store_session *session)
{
	*(unsigned *)arg += session->len > 0;
}

static unsigned
users_and_sessions(struct engine *e)
{
	unsigned n = 0, found = 0;
	uint8_t name[STORE_SESSION_NAME];

	store_each_user(e->store, count_user, &n);
	store_each_session(e->store, NULL, SIZE_MAX, count_session, &n);
	for (unsigned i = 0; i < SESSIONS; i++) {
		session_name(name, i);
		store_get_session(e->store, name, count_session, &found);
	}
	return n + found;
}

/* What the policy process reads: all at its start, lists and status, single policies. */
static enum reader
read_all(struct fixture *f)
{
	struct engine *e = open_engine(f, false);
	unsigned shown = 0, others, words;
	char name[40];
	json_t *list, *status;
	size_t listed;
	bool healthy;

	if (e == NULL)
		return READ_NOTHING;
	list = engine_policy_list(e);
	listed = json_array_size(list);
	json_decref(list);
	for (unsigned i = 0; i < POLICIES; i++) {
		snprintf(name, sizeof(name), "domain%u.example", i * 7919 % 10000);
		list = engine_policy_show(e, name);
		shown += list != NULL;
		json_decref(list);
	}
	others = users_and_sessions(e);
	status = engine_status(e);
	healthy = json_is_true(json_object_get(status, "healthy"));
	json_decref(status);
	words = f->words;
	print_message("%zu listed, %u shown, %u others, %u words, %s\n", listed, shown, others,
	    words, healthy ? "healthy" : "not healthy");
	testworld_run(f->t, 1800 * 1000);	/* refreshes, and writes over the damage */
	engine_free(e);
	if (listed == POLICIES && shown == POLICIES && others == POLICIES + 2 * SESSIONS)
		return READ_ALL;
	return words > 0 || !healthy ? READ_WITH_A_WORD : READ_SILENTLY_LESS;
}

/* A child's way to end, as its parent sees it. */
static int
child_of(struct fixture *f, enum reader (*act)(struct fixture *f))
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	*f->busy = 0;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		for (int i = 1; i < NSIG; i++)	/* cmocka's and the sanitizers' handlers */
			signal(i, SIG_DFL);
		alarm(READER_S);
		_exit((int)act(f));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
damaged_in_the_middle(void **state)
{
	struct fixture *f = *state;
	unsigned lived = 0, died = 0;

	for (int round = 0; round < ROUNDS; round++) {
		int status;

		damage(f, round);
		status = child_of(f, read_all);
		if (WIFSIGNALED(status)) {
			int with = WTERMSIG(status);

			print_message("round %d: died by signal %d\n", round, with);
			assert_true(with == SIGBUS || with == SIGSEGV || with == SIGABRT);
			assert_int_equal(*f->busy, 1);
			died++;
		} else {
			assert_in_range(WEXITSTATUS(status), READ_ALL, READ_WITH_A_WORD);
			assert_int_equal(*f->busy, 0);
			lived++;
		}
	}
	print_message("%u read on, %u died\n", lived, died);
	assert_true(lived > 0 && died > 0);	/* else the damage is no test */
}

static void
crash_on_policy(void *arg, const char *domain, const struct store_policy *p)
{
	(void)arg;
	(void)domain;
	(void)p;
	abort();
}

static enum reader
crash_with_what_was_read(struct fixture *f)
{
	store_each_policy(open_engine(f, false)->store, crash_on_policy, f);
	return READ_NOTHING;
}

static enum reader
crash_after_all(struct fixture *f)
{
	json_decref(engine_policy_list(open_engine(f, false)));
	raise(SIGSEGV);
	return READ_NOTHING;
}

/* Pages that are gone when they are looked at. */
static enum reader
crash_over_a_page(struct fixture *f)
{
	struct engine *e = open_engine(f, false);

	if (truncate(f->path, 2L * PAGE) == 0)
		json_decref(engine_policy_list(e));
	return READ_NOTHING;
}

static enum reader
crash_while_writing(struct fixture *f)
{
	struct engine *e = open_engine(f, false);

	if (truncate(f->path, 2L * PAGE) == 0)
		store_delete_policy(e->store, "domain1.example");
	return READ_NOTHING;
}

/* What the parent is told of a death, both ways: only one amid work on the store counts. */
static void
where_it_died(void **state)
{
	static const struct {
		enum reader (*act)(struct fixture *f);
		int with;
		uint32_t busy;
	} rows[] = {
		{ crash_with_what_was_read, SIGABRT, 0 },
		{ crash_after_all, SIGSEGV, 0 },
		{ crash_over_a_page, SIGBUS, 1 },
		{ crash_while_writing, SIGBUS, 1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;

		put_file(f, f->whole);
		status = child_of(f, rows[i].act);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), rows[i].with);
		assert_int_equal(*f->busy, rows[i].busy);
	}
	*f->busy = 0;
	put_file(f, f->whole);
}

static off_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* What the parent asks for after two deaths. */
static void
set_aside_and_begun_anew(void **state)
{
	struct fixture *f = *state;
	char aside[128];
	struct engine *e;
	json_t *list;

	for (int i = 1; i <= 3; i++) {
		damage(f, 4 * i);
		e = open_engine(f, true);
		assert_non_null(e);
		snprintf(aside, sizeof(aside), "%s.broken.%d", f->path, i);
		assert_int_equal(size_of(aside), f->size);
		list = engine_policy_list(e);
		assert_int_equal(json_array_size(list), 0);
		json_decref(list);
		engine_free(e);
		put_file(f, f->whole);			/* a store that works again */
		assert_int_equal(child_of(f, read_all), READ_ALL << 8);
		e = open_engine(f, false);
		assert_int_equal(engine_acknowledge(e), ENGINE_ACKNOWLEDGED);
		engine_free(e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_in_the_middle),
		cmocka_unit_test(where_it_died),
		cmocka_unit_test(set_aside_and_begun_anew)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
