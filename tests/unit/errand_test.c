/* errand_test.c - rules are looked after in a process of its own, and the loop goes on meanwhile
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "nfq/errand.h"

#define SLOW_NS 300000000L
#define LIMIT_S 20.0

/* The machine, which the errand changes in its own process. */
static struct machine {
	bool damaged, dies, hangs;
	pid_t looker;
	int settled_seen;	/* what `settled` had done when it was looked at for the second time */
	int reads;
} *m;

static struct {
	struct ev_loop *loop;
	struct errand *errand;
	unsigned ticks, restored, failed, settled, over;
	double next_s;
	char detail[ERRAND_DETAIL_SIZE];
} w;

static enum installed_result
note(const char *path, struct installed *out, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	assert_string_equal(path, "/note");
	memset(out, 0, sizeof(*out));
	out->canonical = strdup("rules\n");
	out->rules.routes = strdup("");
	out->rules.nft = strdup("");
	return INSTALLED_YES;
}

static int
lock(const char *path, unsigned wait_ms)
{
	(void)path;
	(void)wait_ms;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static char *
loaded(int netns, char *error, size_t error_size)
{
	const struct timespec slow = { 0, SLOW_NS };

	(void)netns;
	(void)error;
	(void)error_size;
	m->looker = getpid();
	m->reads++;
	nanosleep(&slow, NULL);
	if (m->dies)
		raise(SIGKILL);
	while (m->hangs)
		pause();
	return strdup(m->damaged ? "\n" : "rules\n");
}

static bool
install(const struct ruleset *r, char *error, size_t error_size)
{
	(void)r;
	(void)error;
	(void)error_size;
	m->damaged = false;
	return true;
}

static bool
legacy(void)
{
	return false;
}

static const struct restore_world world = { note, lock, loaded, install, NULL, legacy };

static void
restored(void *arg, const char *detail)
{
	(void)arg;
	w.restored++;
	snprintf(w.detail, sizeof(w.detail), "%s", detail);
}

static void
failed(void *arg, const char *detail)
{
	(void)arg;
	(void)detail;
	w.failed++;
}

static void
settled(void *arg)
{
	(void)arg;
	w.settled++;
	m->settled_seen = m->reads;
}

static void
over(void *arg, double next_s)
{
	(void)arg;
	w.over++;
	w.next_s = next_s;
	ev_break(w.loop, EVBREAK_ALL);
}

static void
tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	if (++w.ticks > LIMIT_S * 100)
		ev_break(loop, EVBREAK_ALL);
}

static ev_timer ticker;

static int
begin(void **state)
{
	static const struct errand_events events = { restored, failed, settled, over };

	(void)state;
	memset(&w, 0, sizeof(w));
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	w.loop = ev_loop_new(EVFLAG_AUTO);
	w.errand = errand_new(w.loop, &world, "/note", &events, NULL);
	ev_timer_init(&ticker, tick, 0.01, 0.01);
	ev_timer_start(w.loop, &ticker);
	return m == MAP_FAILED || w.errand == NULL;
}

static int
finish(void **state)
{
	(void)state;
	errand_free(w.errand);
	ev_loop_destroy(w.loop);
	munmap(m, sizeof(*m));
	return 0;
}

static void
the_loop_goes_on(void **state)
{
	const struct watch_change by = { .pid = 7, .program = "vandal" };

	(void)state;
	m->damaged = true;
	assert_true(errand_changed(w.errand, &by, 100) >= 0);
	errand_look(w.errand, 100);
	errand_look(w.errand, 100);		/* one at a time */
	ev_run(w.loop, 0);
	assert_int_not_equal(m->looker, getpid());
	assert_true(w.ticks >= 30);
	assert_int_equal(w.over, 1);
	assert_int_equal(w.restored, 1);
	assert_non_null(strstr(w.detail, "vandal (pid 7)"));
	assert_true(w.next_s < 0);
	/* Between the installation and the look at what came of it. */
	assert_int_equal(w.settled, 1);
	assert_int_equal(m->settled_seen, 1);
	assert_int_equal(m->reads, 2);
	/* It remembers who it was until it was put right, and no longer. */
	m->damaged = true;
	errand_look(w.errand, 200);
	ev_run(w.loop, 0);
	assert_int_equal(w.restored, 2);
	assert_null(strstr(w.detail, "vandal"));
}

static void
a_change_meanwhile_is_looked_at(void **state)
{
	const struct watch_change by = { .pid = 8, .program = "late" };

	(void)state;
	errand_look(w.errand, 100);
	assert_true(errand_changed(w.errand, &by, 100) < 0);
	ev_run(w.loop, 0);
	assert_int_equal(w.restored + w.failed, 0);
	assert_true(w.next_s >= 0 && w.next_s < 1);
	m->damaged = true;
	errand_look(w.errand, 200);
	ev_run(w.loop, 0);
	assert_non_null(strstr(w.detail, "late (pid 8)"));
}

static void
its_death_is_not_the_end(void **state)
{
	(void)state;
	m->dies = true;
	errand_look(w.errand, 100);
	ev_run(w.loop, 0);
	assert_int_equal(w.failed, 1);
	assert_true(w.next_s > 0);
	m->dies = false;
	m->damaged = true;
	errand_look(w.errand, 200);
	ev_run(w.loop, 0);
	assert_int_equal(w.restored, 1);
}

/* Our own queue and groups must be free when we are gone: an errand ends with us. */
static void
ends_with_us(void **state)
{
	const struct timespec nap = { 0, SLOW_NS };

	(void)state;
	m->hangs = true;
	errand_look(w.errand, 100);
	for (int i = 0; i < 50 && m->looker == 0; i++)
		nanosleep(&nap, NULL);
	assert_int_equal(kill(m->looker, 0), 0);
	errand_free(w.errand);
	w.errand = NULL;
	assert_int_equal(kill(m->looker, 0), -1);
}

int
main(void)
{
#define ERRAND_TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)
	const struct CMUnitTest tests[] = {
		ERRAND_TEST(the_loop_goes_on),
		ERRAND_TEST(a_change_meanwhile_is_looked_at),
		ERRAND_TEST(its_death_is_not_the_end),
		ERRAND_TEST(ends_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
