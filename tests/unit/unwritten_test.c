/* unwritten_test.c - what waits to be written: in order, in batches, again where the store refuses
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include "policy/unwritten.h"

struct fixture {
	struct testworld *t;
	struct unwritten_queue queue;
	struct unwritten of[8];
	bool refuses;
	size_t batch;		/* written at once */
	unsigned writes;
	char written[32];	/* "abc": in this order */
};

static size_t
on_write(void *arg, struct unwritten *first)
{
	struct fixture *f = arg;
	size_t n = 0;

	f->writes++;
	for (; first != NULL && n < f->batch; first = first->next)
		n++;
	return f->refuses ? 0 : n;
}

static void
on_written(void *arg, struct unwritten *u)
{
	struct fixture *f = arg;
	size_t len = strlen(f->written);

	assert_false(u->waits);
	f->written[len] = (char)('a' + (u - f->of));
	f->written[len + 1] = '\0';
}

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->batch = 3;
	f->queue = (struct unwritten_queue){ .world = &f->t->world, .write = on_write,
		.written = on_written, .arg = f };
	unwritten_begin(&f->queue);
}

static void
end(void *fixture)
{
	unwritten_end(&((struct fixture *)fixture)->queue);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static void
add(struct fixture *f, const char *which)
{
	for (; *which != '\0'; which++)
		unwritten_add(&f->queue, &f->of[*which - 'a']);
}

static void
in_order_and_batches(void **state)
{
	struct fixture *f = *state;

	add(f, "cabcgfc");
	testworld_run(f->t, 900);
	assert_string_equal(f->written, "");
	testworld_run(f->t, 200);
	assert_string_equal(f->written, "cabgf");
	assert_int_equal(f->writes, 2);
	testworld_run(f->t, 100000);
	assert_int_equal(f->writes, 2);		/* nothing wakes for nothing */
	add(f, "a");
	testworld_run(f->t, 1100);
	assert_string_equal(f->written, "cabgfa");
}

static void
removed(void **state)
{
	struct fixture *f = *state;

	add(f, "abcd");
	unwritten_remove(&f->queue, &f->of[0]);
	unwritten_remove(&f->queue, &f->of[2]);
	unwritten_remove(&f->queue, &f->of[2]);
	unwritten_remove(&f->queue, &f->of[5]);
	add(f, "a");
	testworld_run(f->t, 1100);
	assert_string_equal(f->written, "bda");
}

static void
refused_and_asked_again(void **state)
{
	struct fixture *f = *state;

	f->refuses = true;
	add(f, "ab");
	testworld_run(f->t, 30000);
	assert_int_equal(f->writes, 1);
	add(f, "c");
	testworld_run(f->t, 31500);
	assert_int_equal(f->writes, 2);
	f->refuses = false;
	testworld_run(f->t, 60000);
	assert_string_equal(f->written, "abc");
}

static void
written_at_the_end(void **state)
{
	struct fixture *f = *state;

	add(f, "ba");
	unwritten_end(&f->queue);
	assert_string_equal(f->written, "ba");
	assert_null(f->t->timers);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(in_order_and_batches), T(removed), T(refused_and_asked_again),
		T(written_at_the_end)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
