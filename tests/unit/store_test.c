/* store_test.c - what the store took is there: after a restart, a SIGKILL, beside broken entries
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "policy/store.h"

struct fixture {
	char dir[64];
	struct store *store;
	unsigned troubles;
};

static void
on_trouble(void *arg, const char *detail)
{
	(void)detail;
	((struct fixture *)arg)->troubles++;
}

static const struct store_events events = { .trouble = on_trouble };

static void
begin(struct fixture *f, bool fresh)
{
	char error[256];

	f->store = store_open(f->dir, fresh, &events, f, error, sizeof(error));
	if (f->store == NULL)
		print_error("%s\n", error);
	assert_non_null(f->store);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/postern-store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	begin(f, false);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];

	store_close(f->store);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static struct store_policy
sample(const char *id, const char *text)
{
	return (struct store_policy){ id, 1795270000, 1795270000 + 86400, 0, text, strlen(text) };
}

static void
on_found(void *arg, const struct store_policy *p)
{
	char *out = arg;

	snprintf(out, 64, "%s %lld %.*s", p->id, (long long)p->fetched, (int)p->text_len, p->text);
}

static void
on_each(void *arg, const char *domain, const struct store_policy *p)
{
	(void)domain;
	(void)p;
	++*(unsigned *)arg;
}

static void
put_get_delete(void **state)
{
	struct fixture *f = *state;
	struct store_policy p = sample("7", "text");
	char got[64] = "";

	assert_false(store_get_policy(f->store, "a.example", on_found, got));
	assert_true(store_put_policy(f->store, "a.example", &p));
	store_close(f->store);
	begin(f, false);
	assert_true(store_get_policy(f->store, "a.example", on_found, got));
	assert_string_equal(got, "7 1795270000 text");
	assert_true(store_delete_policy(f->store, "a.example"));
	assert_true(store_delete_policy(f->store, "a.example"));
	assert_false(store_get_policy(f->store, "a.example", on_found, got));
}

static void
grows(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(STORE_TEXT_MAX), name[32];
	struct store_policy p = { "7", 1795270000, 0, 0, text, STORE_TEXT_MAX };
	unsigned count = 0;

	memset(text, 'x', STORE_TEXT_MAX);
	for (unsigned i = 0; i < 1100; i++) {		/* over the first 64 MiB */
		snprintf(name, sizeof(name), "d%u.example", i);
		assert_true(store_put_policy(f->store, name, &p));
	}
	store_each_policy(f->store, on_each, &count);
	assert_int_equal(count, 1100);
	free(text);
}

struct seen_sum {
	int64_t sum;
	char hosts[600];
};

static void
on_seen(void *arg, const struct store_seen *seen)
{
	struct seen_sum *got = arg;

	got->sum += seen->last + (int64_t)seen->key_len;
	strcat(got->hosts, seen->host);
	strcat(got->hosts, ";");
}

static void
sights(void **state)
{
	struct fixture *f = *state;
	char longest[STORE_HOST_MAX + 2];
	struct store_seen seen[3] = { { "hmx", 3, 1000, "mx.a.example" }, { "hmy", 3, 2000, "" },
		{ "hmz", 3, 4000, longest } };
	struct seen_sum got = { 0 };

	memset(longest, 'x', sizeof(longest) - 1);
	longest[STORE_HOST_MAX + 1] = '\0';
	assert_false(store_host_fits(longest));
	longest[STORE_HOST_MAX] = '\0';
	assert_true(store_host_fits(longest) && store_host_fits(""));
	assert_false(store_host_fits("a b") || store_host_fits("\xc3\xa4") ||
	    store_host_fits("a\r\n"));
	assert_true(store_put_seen(f->store, seen, 3));
	store_each_seen(f->store, on_seen, &got);
	assert_int_equal(got.sum, 7009);
	assert_int_equal(strncmp(got.hosts, "mx.a.example;;xxx", 17), 0);
	assert_int_equal(strlen(got.hosts), 12 + STORE_HOST_MAX + 3);
	seen[0].last = seen[2].last = 0;
	assert_true(store_put_seen(f->store, seen, 3));
	memset(&got, 0, sizeof(got));
	store_each_seen(f->store, on_seen, &got);
	assert_int_equal(got.sum, 2003);
}

static void
on_user(void *arg, const struct store_user *user)
{
	char *got = arg;

	snprintf(got + strlen(got), 400 - strlen(got), "%u %.20s %lld;", user->ip.s6_addr[15],
	    user->domain, (long long)user->last);
}

static void
domains_at_addresses(void **state)
{
	struct fixture *f = *state;
	char longest[STORE_USER_DOMAIN_MAX + 1], got[400] = "";
	struct in6_addr one = { .s6_addr = { [15] = 1 } }, two = { .s6_addr = { [15] = 2 } };
	struct store_user users[] = { { two, longest, 4000 }, { one, "b.example", 1000 },
		{ one, "a.example", 2000 }, { one, "", 3000 } };

	memset(longest, 'x', sizeof(longest) - 1);
	longest[STORE_USER_DOMAIN_MAX] = '\0';
	assert_true(store_put_users(f->store, users, 4));
	store_close(f->store);
	begin(f, false);
	store_each_user(f->store, on_user, got);
	assert_string_equal(got, "1  3000;1 a.example 2000;1 b.example 1000;"
	    "2 xxxxxxxxxxxxxxxxxxxx 4000;");
	users[0].last = users[1].last = users[3].last = 0;
	assert_true(store_put_users(f->store, users, 4));
	got[0] = '\0';
	store_each_user(f->store, on_user, got);
	assert_string_equal(got, "1 a.example 2000;");
	/* In their order: what is deleted and comes again in one commit is there. */
	users[1] = users[2];
	users[1].last = 0;
	assert_true(store_put_users(f->store, users + 1, 2));
	store_each_user(f->store, on_user, got);
	assert_string_equal(got, "1 a.example 2000;1 a.example 2000;");
	assert_true(store_put_users(f->store, users, 0));
}

static void
on_session(void *arg, const struct store_session *session)
{
	char *got = arg;

	snprintf(got + strlen(got), 200 - strlen(got), "%u %lld-%lld %.*s;", session->name[0],
	    (long long)session->kept, (long long)session->end, (int)session->len,
	    session->len > 0 ? (const char *)session->evidence : "");
}

static void
sessions(void **state)
{
	static const uint8_t names[4][STORE_SESSION_NAME] = { { 1 }, { 2 }, { 3 }, { 4 } };
	struct fixture *f = *state;
	struct store_session s[] = { { names[0], 1000, 1300, "one", 3 },
		{ names[2], 1000, 1400, "three", 5 }, { names[3], 1000, 1500, "four", 4 } };
	char got[200] = "";
	size_t octets;

	assert_true(store_put_sessions(f->store, s, 3));
	store_close(f->store);
	begin(f, false);
	assert_int_equal(store_sessions_size(f->store, &octets), 3);
	assert_in_range(octets, 4096, 3 * 4096);
	assert_true(store_get_session(f->store, names[2], on_session, got));
	assert_false(store_get_session(f->store, names[1], on_session, got));
	assert_string_equal(got, "3 1000-1400 three;");
	got[0] = '\0';
	assert_true(store_each_session(f->store, NULL, 1, on_session, got));
	assert_false(store_each_session(f->store, names[1], 2, on_session, got));
	assert_string_equal(got, "1 1000-1300 one;3 1000-1400 three;4 1000-1500 four;");
	s[0].end = s[1].end = 0;
	assert_true(store_put_sessions(f->store, s, 2));
	got[0] = '\0';
	assert_false(store_each_session(f->store, NULL, 10, on_session, got));
	assert_string_equal(got, "4 1000-1500 four;");
}

/* The writer says how far it came only after the store said so. */
static void
write_until_killed(const char *dir, int to)
{
	char name[32], error[64];
	struct store *s = store_open(dir, false, NULL, NULL, error, sizeof(error));
	struct store_policy p = sample("7", "version: STSv1\n");

	for (uint32_t i = 0; s != NULL; i++) {
		struct store_seen seen = { name, 0, 1000 + i, name };

		seen.key_len = (size_t)snprintf(name, sizeof(name), "d%u.example", i);
		if (!store_put_policy(s, name, &p) || !store_put_seen(s, &seen, 1) ||
		    write(to, &i, sizeof(i)) != sizeof(i))
			break;
	}
	_exit(1);
}

static void
survives_kill(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	f->store = NULL;
	for (int round = 0; round < 10; round++) {
		uint32_t last = 0, n;
		char name[32], got[64];
		int ends[2];
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			write_until_killed(f->dir, ends[1]);
		close(ends[1]);
		assert_int_equal(read(ends[0], &last, sizeof(last)), sizeof(last));
		usleep(20000 + 7000 * (unsigned)round);
		kill(child, SIGKILL);
		while (read(ends[0], &n, sizeof(n)) == sizeof(n))
			last = n;
		close(ends[0]);
		waitpid(child, NULL, 0);
		begin(f, false);
		for (n = 0; n <= last; n++) {
			snprintf(name, sizeof(name), "d%u.example", n);
			assert_true(store_get_policy(f->store, name, on_found, got));
		}
		assert_false(store_degraded(f->store));
		store_close(f->store);
		f->store = NULL;
	}
}

static void
put_raw(const struct fixture *f, const char *table, const char *name, const void *octets,
    size_t len)
{
	unsigned char copy[24];
	char path[96], name_copy[40];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val key = { strlen(name), name_copy }, value = { len, copy };

	memcpy(copy, octets, len);
	strcpy(name_copy, name);
	snprintf(path, sizeof(path), "%s/store.mdb", f->dir);
	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 4);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
unreadable_is_skipped(void **state)
{
	struct fixture *f = *state;
	struct store_policy p = sample("7", "text");
	unsigned count = 0;
	char got[64];

	assert_true(store_put_policy(f->store, "a.example", &p));
	store_close(f->store);
	put_raw(f, "policy", "b.example", "\x63zz", 3);
	begin(f, false);
	store_each_policy(f->store, on_each, &count);
	assert_int_equal(count, 1);
	assert_int_equal(f->troubles, 1);
	assert_false(store_get_policy(f->store, "b.example", on_found, got));
	assert_true(store_get_policy(f->store, "a.example", on_found, got));
}

/* Version 1 had no host; one of a later version is skipped. */
static void
older_sights(void **state)
{
	struct fixture *f = *state;
	struct store_seen seen = { "ac", 2, 1000, "mx" };
	struct seen_sum got = { 0 };

	assert_true(store_put_seen(f->store, &seen, 1));
	store_close(f->store);
	put_raw(f, "starttls", "aa", "\1\3\0\0\0\0\0\0\0", 9);
	put_raw(f, "starttls", "ab", "\3\3\0\0\0\0\0\0\0\0\0\0", 12);
	begin(f, false);
	store_each_seen(f->store, on_seen, &got);
	assert_int_equal(got.sum, 3 + 1000 + 2 * 2);
	assert_string_equal(got.hosts, ";mx;");
	assert_int_equal(f->troubles, 1);
}

/* What an older or newer program, or a damaged page, left: said, and nothing is guessed from it. */
static void
not_ours(void **state)
{
	static const char later[] = "\2\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0proof";
	static const char name[] = "0123456789abcdef0123456789abcdef";
	struct fixture *f = *state;
	struct store_user user = { { .s6_addr = { 9 } }, "a.example", 1000 };
	char got[400] = "";

	assert_true(store_put_users(f->store, &user, 1));
	store_close(f->store);
	put_raw(f, "users", "u0123456789abcdefb.example", "\x63zz", 3);
	put_raw(f, "users", "v0123456789abcdefb.example", "\1\3\0\0\0\0\0\0\0", 9);
	put_raw(f, "users", "u0123456789", "\1\3\0\0\0\0\0\0\0", 9);
	put_raw(f, "users", "u0123456789abcdefb\n.example", "\1\3\0\0\0\0\0\0\0", 9);
	put_raw(f, "sessions", name, later, sizeof(later) - 1);
	put_raw(f, "sessions", "short", later, sizeof(later) - 1);
	begin(f, false);
	store_each_user(f->store, on_user, got);
	assert_string_equal(got, "0 a.example 1000;");
	assert_int_equal(f->troubles, 1);
	got[0] = '\0';
	assert_false(store_get_session(f->store, (const uint8_t *)name, on_session, got));
	/* With end 0, so that somebody can take it away. */
	assert_false(store_each_session(f->store, NULL, 10, on_session, got));
	assert_string_equal(got, "48 0-0 ;");
	assert_int_equal(f->troubles, 2);
}

/* As the program before these tables left it. */
static void
make_older_store(const struct fixture *f)
{
	static const char *const tables[] = { "policy", "starttls" };
	char path[96], lock[112];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	snprintf(path, sizeof(path), "%s/store.mdb", f->dir);
	snprintf(lock, sizeof(lock), "%s-lock", path);
	assert_int_equal(unlink(path) | unlink(lock), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 2);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(mdb_dbi_open(txn, tables[i], MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
older_store(void **state)
{
	static const uint8_t name[STORE_SESSION_NAME] = { 1 };
	struct fixture *f = *state;
	struct store_user user = { { .s6_addr = { [15] = 9 } }, "a.example", 1000 };
	struct store_session session = { name, 1000, 1300, "one", 3 };
	struct seen_sum seen = { 0 };
	char got[400] = "";

	store_close(f->store);
	make_older_store(f);
	put_raw(f, "starttls", "aa", "\1\3\0\0\0\0\0\0\0", 9);
	begin(f, false);
	assert_false(store_degraded(f->store));
	store_each_seen(f->store, on_seen, &seen);
	assert_int_equal(seen.sum, 5);
	store_each_user(f->store, on_user, got);
	assert_false(store_each_session(f->store, NULL, 10, on_session, got));
	assert_string_equal(got, "");
	assert_true(store_put_users(f->store, &user, 1));
	assert_true(store_put_sessions(f->store, &session, 1));
	store_each_user(f->store, on_user, got);
	assert_true(store_get_session(f->store, name, on_session, got));
	assert_string_equal(got, "9 a.example 1000;1 1000-1300 one;");
	assert_int_equal(f->troubles, 0);
}

static void
spoil(const struct fixture *f, off_t size, bool garbage)
{
	char path[96], junk[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/store.mdb", f->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	memset(junk, 'j', sizeof(junk));
	for (int i = 0; garbage && i < 8; i++)
		assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	if (size >= 0)
		assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void
broken_is_set_aside(void **state)
{
	static const struct {
		off_t size;
		bool garbage, fresh;
	} rows[] = { { 9000, false, false }, { -1, true, false }, { -1, false, true } };
	struct fixture *f = *state;
	struct store_policy p = sample("7", "text");
	char path[96], got[64];

	for (int i = 0; i < 3; i++) {
		assert_true(store_put_policy(f->store, "a.example", &p));
		assert_false(store_degraded(f->store));
		store_close(f->store);
		spoil(f, rows[i].size, rows[i].garbage);
		begin(f, rows[i].fresh);
		assert_true(store_degraded(f->store));
		assert_false(store_get_policy(f->store, "a.example", on_found, got));
		assert_true(store_put_policy(f->store, "b.example", &p));
		snprintf(path, sizeof(path), "%s/store.mdb.broken.%d", f->dir, i + 1);
		assert_int_equal(access(path, F_OK), 0);
		store_close(f->store);
		begin(f, false);
		assert_true(store_degraded(f->store));	/* until somebody has seen it */
		assert_true(store_acknowledge(f->store));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(put_get_delete), T(grows), T(sights), T(survives_kill), T(unreadable_is_skipped),
		T(older_sights), T(domains_at_addresses), T(sessions), T(not_ours), T(older_store),
		T(broken_is_set_aside)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
