/* restore_test.c - rules taken away come back, once, and failures are tried again later
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nfq/difference.h"
#include "nfq/restore.h"

/* --- a machine -------------------------------------------------------------------------------- */

static struct {
	enum installed_result note;
	const char *canonical, *loaded;		/* loaded: NULL cannot be read */
	bool locked, refuses, ignores, legacy, nft;
	bool removed_meanwhile;			/* `rules remove` comes while we install */
	unsigned installs, reads, restored, failed, settled, versions, removals;
	char detail[1024];
} m;

static enum installed_result
note(const char *path, struct installed *out, char *error, size_t error_size)
{
	assert_string_equal(path, "/note");
	if (m.note == INSTALLED_YES) {
		memset(out, 0, sizeof(*out));
		out->canonical = strdup(m.canonical);
		out->rules.routes = strdup("");
		if (m.nft)
			out->rules.nft = strdup("");
		else
			out->rules.chains[0] = strdup("");
	}
	snprintf(error, error_size, "broken");
	return m.note;
}

static int
lock(const char *path, unsigned wait_ms)
{
	assert_string_equal(path, "/note");
	assert_int_equal(wait_ms, 0);
	return m.locked ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static char *
loaded(int netns, char *error, size_t error_size)
{
	assert_int_equal(netns, -1);
	m.reads++;
	snprintf(error, error_size, "unreadable");
	return m.loaded == NULL ? NULL : strdup(m.loaded);
}

static bool
install(const struct ruleset *r, char *error, size_t error_size)
{
	assert_non_null(r->routes);
	m.installs++;
	if (!m.refuses && !m.ignores)
		m.loaded = m.canonical;
	if (m.removed_meanwhile)
		m.note = INSTALLED_NO;
	snprintf(error, error_size, "no space");
	return !m.refuses;
}

static bool
take_out(bool *found, char *error, size_t error_size)
{
	*found = true;
	m.loaded = "";
	m.removals++;
	snprintf(error, error_size, "no space");
	return true;
}

static bool
legacy(void)
{
	m.versions++;
	return m.legacy;
}

static const struct restore_world world = { note, lock, loaded, install, take_out, legacy };

static void
restored(void *arg, const char *detail)
{
	(void)arg;
	m.restored++;
	snprintf(m.detail, sizeof(m.detail), "%s", detail);
}

static void
failed(void *arg, const char *detail)
{
	(void)arg;
	m.failed++;
	snprintf(m.detail, sizeof(m.detail), "%s", detail);
}

static void
settled(void *arg)
{
	(void)arg;
	m.settled++;
}

static const struct restore_events events = { restored, failed, settled };
static struct restore *r;

#define RULES "# nat\n-A POSTERN -j REDIRECT\n-A PREROUTING -j POSTERN\n" \
    "# filter\n-A POSTERN -j REJECT\n"

static int
begin(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.note = INSTALLED_YES;
	m.canonical = m.loaded = RULES;
	r = restore_new(&world, "/note", &events, NULL);
	return r == NULL;
}

static int
end(void **state)
{
	(void)state;
	restore_free(r);
	return 0;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void
nothing_changed(void **state)
{
	(void)state;
	assert_true(restore_look(r, 0) < 0);
	assert_int_equal(m.reads, 1);
	assert_int_equal(m.installs + m.restored + m.failed, 0);
}

/* What nobody installed, or what was removed in order, is not put in. */
static void
nothing_expected(void **state)
{
	(void)state;
	m.note = INSTALLED_NO;
	m.loaded = "";
	assert_true(restore_look(r, 0) < 0);
	assert_int_equal(m.reads + m.installs + m.restored + m.failed, 0);
}

static void
flushed(void **state)
{
	const struct watch_change nft = { 4711, "nft" };
	double in;

	(void)state;
	m.loaded = "# nat\n# filter\n";
	in = restore_changed(r, &nft, 10);
	assert_true(in >= 0 && in <= 0.02);
	assert_true(restore_look(r, 10 + in) < 0);
	assert_int_equal(m.installs, 1);
	assert_int_equal(m.restored, 1);
	assert_int_equal(m.settled, 1);
	assert_int_equal(m.failed, 0);
	assert_string_equal(m.detail, "changed by nft (pid 4711); missing: -A POSTERN -j REDIRECT; "
	    "-A PREROUTING -j POSTERN; -A POSTERN -j REJECT");
	/* Once more by our own notices: all is well, nothing is done, nobody is accused later. */
	assert_true(restore_look(r, 11) < 0);
	assert_int_equal(m.installs, 1);
	m.loaded = "";
	restore_look(r, 12);
	assert_int_equal(m.restored, 2);
	assert_null(strstr(m.detail, "4711"));
}

/* At most one look in RESTORE_SPACING_S, and the last change is looked at, too. */
static void
storms_are_gathered(void **state)
{
	const struct watch_change by = { 1, "iptables" };
	double in;

	(void)state;
	restore_look(r, 10);
	in = restore_changed(r, &by, 10.05);
	assert_true(in > 0.199 && in < 0.201);
	in = restore_changed(r, &by, 10.2);
	assert_true(in > 0.049 && in < 0.051);
	in = restore_changed(r, &by, 10.249);
	assert_true(in > 0.0049 && in < 0.0051);
}

static void
programs_are_named_once(void **state)
{
	static const struct watch_change by[] = { { 1, "iptables" }, { 0, "" }, { 2, "" },
		{ 1, "iptables" }, { 3, "nft" }, { 4, "ip" } };

	(void)state;
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++)
		restore_changed(r, &by[i], 1);
	m.loaded = "# nat\n";
	restore_look(r, 2);
	assert_non_null(strstr(m.detail,
	    "changed by a program (pid 2), nft (pid 3), ip (pid 4); "));
}

static void
failure_backs_off(void **state)
{
	const struct watch_change by = { 5, "iptables" };
	double waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 }, now = 100;

	(void)state;
	m.refuses = true;
	m.loaded = "";
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_true(restore_look(r, now) == waits[i]);
		/* Changes meanwhile do not hurry it. */
		assert_true(restore_changed(r, &(struct watch_change){ 0 }, now + 0.5) ==
		    waits[i] - 0.5);
		assert_true(restore_look(r, now + 0.5) == waits[i] - 0.5);
		now += waits[i];
	}
	assert_int_equal(m.installs, 8);
	assert_int_equal(m.failed, 1);	/* the same failure is said once */
	assert_non_null(strstr(m.detail, "no space"));
	m.refuses = false;
	assert_true(restore_look(r, now) < 0);
	assert_int_equal(m.restored, 1);
	/* After that the next one is at once. */
	m.loaded = "";
	assert_true(restore_changed(r, &by, now + 1) <= 0.02);
	restore_look(r, now + 1.1);
	assert_int_equal(m.restored, 2);
}

/* An installation that succeeds and changes nothing must not be repeated for ever. */
static void
still_different_backs_off(void **state)
{
	(void)state;
	m.ignores = true;
	m.loaded = "# nat\n";
	assert_true(restore_look(r, 0) == 1);
	assert_true(restore_look(r, 1) == 2);
	assert_int_equal(m.restored, 0);
	assert_int_equal(m.failed, 1);
	assert_non_null(strstr(m.detail, "still different"));
}

static void
an_installer_is_waited_for(void **state)
{
	(void)state;
	m.locked = true;
	m.loaded = "";
	assert_true(restore_look(r, 0) == RESTORE_SPACING_S);
	assert_int_equal(m.reads + m.installs, 0);
	m.locked = false;
	m.loaded = m.canonical;
	assert_true(restore_look(r, 1) < 0);
	assert_int_equal(m.installs, 0);
}

/* Not for ever: anybody on the machine might hold it. */
static void
a_held_lock_does_not_keep_rules_out(void **state)
{
	double now = 0;

	(void)state;
	m.locked = true;
	m.loaded = "";
	while (m.installs == 0 && now < 100)
		now += restore_look(r, now);
	assert_true(now > 5 && now < 20);
	assert_int_equal(m.failed, 1);
	assert_int_equal(m.restored, 1);
}

/* Without the lock `rules remove` may come in between: what it took away does not stay. */
static void
removed_while_the_lock_is_not_ours(void **state)
{
	double now_s = 0;

	(void)state;
	m.locked = true;
	m.loaded = "";
	m.removed_meanwhile = true;
	for (int i = 0; i < 60 && m.installs == 0; i++, now_s += 1)
		restore_look(r, now_s);
	assert_int_equal(m.installs, 1);
	assert_int_equal(m.removals, 1);
	assert_string_equal(m.loaded, "");
	assert_int_equal(m.restored, 0);
	assert_true(restore_look(r, now_s) < 0);
	assert_int_equal(m.installs, 1);
}

static void
unreadable(void **state)
{
	(void)state;
	m.loaded = NULL;
	assert_true(restore_look(r, 0) == 1);
	assert_int_equal(m.installs, 0);
	assert_int_equal(m.failed, 1);
	m.note = INSTALLED_BROKEN;
	assert_true(restore_look(r, 1) == 2);
	assert_int_equal(m.failed, 2);
	assert_non_null(strstr(m.detail, "broken"));
}

static void
legacy_is_polled(void **state)
{
	(void)state;
	m.legacy = true;
	assert_true(restore_look(r, 0) == RESTORE_POLL_S);
	assert_true(restore_look(r, 30) == RESTORE_POLL_S);
	assert_int_equal(m.versions, 1);
	m.nft = true;
	assert_true(restore_look(r, 60) < 0);
}

static void
differences(void **state)
{
	static const struct {
		const char *expected, *loaded, *says;	/* NULL: the same */
	} rows[] = {
		{ "", "", NULL },
		{ RULES, RULES, NULL },
		{ "a\nb\n", "a\n", "missing: b" },
		{ "a\n", "a\nb\n", "not ours: b" },
		{ "a\nb\n", "a\nc\n", "missing: b; not ours: c" },
		{ "a\nb\n", "b\na\n", "the same lines in another order" },
		{ "a\na\n", "a\n", "missing: a" },
		{ "a\n", "a\na\n", "not ours: a" },
		{ "# x\na\n# y\n", "# x\n# y\na\n", "missing: a; not ours: a" },
		{ "1\n2\n3\n4\n5\n", "", "missing: 1; 2; 3 and 2 more" },
		{ "a", "", "missing: a" },
		{ "a\n", "a", "the same lines in another order" },
	};
	char out[200], small[12];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(difference(rows[i].expected, rows[i].loaded, out, sizeof(out)),
		    rows[i].says != NULL);
		assert_string_equal(out, rows[i].says == NULL ? "" : rows[i].says);
	}
	assert_true(difference("a long line\nb\n", "c\n", small, sizeof(small)));
	assert_string_equal(small, "missing: a ");
}

int
main(void)
{
#define RESTORE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		RESTORE_TEST(nothing_changed),
		RESTORE_TEST(nothing_expected),
		RESTORE_TEST(flushed),
		RESTORE_TEST(storms_are_gathered),
		RESTORE_TEST(programs_are_named_once),
		RESTORE_TEST(failure_backs_off),
		RESTORE_TEST(still_different_backs_off),
		RESTORE_TEST(an_installer_is_waited_for),
		RESTORE_TEST(a_held_lock_does_not_keep_rules_out),
		RESTORE_TEST(removed_while_the_lock_is_not_ours),
		RESTORE_TEST(unreadable),
		RESTORE_TEST(legacy_is_polled),
		cmocka_unit_test(differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
