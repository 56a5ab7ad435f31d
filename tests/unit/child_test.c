/* child_test.c - a child's side of the line to the parent
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/channel.h"
#include "daemon/child.h"
#include "daemon/order.h"

struct fixture {
	struct ev_loop *loop;
	struct channel *parent;
	struct child *child;
	enum order_type heard;		/* by the parent */
	unsigned drains, rotates, closed, gone, slot;
	int policy_fd, worker_fd;
};

static void
parent_message(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct fixture *f = arg;
	struct order order;

	assert_int_equal(fd, -1);
	assert_true(order_read(&order, p, len));
	f->heard = order.type;
}

static void
ignore(void *arg)
{
	(void)arg;
}

static void
on_drain(void *arg)
{
	((struct fixture *)arg)->drains++;
}

static void
on_rotate(void *arg)
{
	((struct fixture *)arg)->rotates++;
}

static void
on_gone(void *arg)
{
	((struct fixture *)arg)->gone++;
}

static void
on_close(void *arg)
{
	((struct fixture *)arg)->closed++;
}

static void
on_policy_end(void *arg, int fd)
{
	((struct fixture *)arg)->policy_fd = fd;
}

static void
on_worker_end(void *arg, unsigned slot, int fd)
{
	((struct fixture *)arg)->worker_fd = fd;
	((struct fixture *)arg)->slot = slot;
}

static const struct channel_events parent_events = { parent_message, ignore, NULL };
static const struct child_events full = { on_drain, on_policy_end, on_worker_end, on_rotate,
    on_close, on_gone };
static const struct child_events none = { NULL, NULL, NULL, NULL, NULL, NULL };

static struct fixture *
fixture_new(const struct child_events *events)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int ends[2];

	assert_non_null(f);
	f->loop = ev_loop_new(0);
	f->policy_fd = f->worker_fd = -1;
	assert_int_equal(channel_pair(ends), 0);
	f->parent = channel_new(f->loop, ends[0], &parent_events, f);
	f->child = child_new(f->loop, ends[1], events, f);
	assert_non_null(f->parent);
	assert_non_null(f->child);
	return f;
}

static void
fixture_free(struct fixture *f)
{
	channel_free(f->parent);
	child_free(f->child);
	ev_loop_destroy(f->loop);
	free(f);
}

static void
order(struct fixture *f, enum order_type type, uint32_t link, int fd)
{
	struct order o = { .type = type, .link = link };
	unsigned char bytes[ORDER_SIZE];

	assert_int_equal(order_write(bytes, &o), ORDER_SIZE);
	assert_true(channel_send(f->parent, bytes, ORDER_SIZE, fd));
	ev_run(f->loop, EVRUN_NOWAIT);
	ev_run(f->loop, EVRUN_NOWAIT);
}

static void
test_orders(void **state)
{
	struct fixture *f = fixture_new(&full);
	int fd = dup(0);

	(void)state;
	order(f, ORDER_PING, 0, -1);
	assert_int_equal(f->heard, ORDER_PONG);
	order(f, ORDER_DRAIN, 0, -1);
	assert_int_equal(f->drains, 1);
	order(f, ORDER_CLOSE, 0, -1);
	order(f, ORDER_ROTATE, 0, -1);
	assert_int_equal(f->closed, 1);
	assert_int_equal(f->rotates, 1);
	order(f, ORDER_POLICY_END, 0, fd);
	assert_true(f->policy_fd >= 0);
	order(f, ORDER_WORKER_END, 77, fd);
	assert_true(f->worker_fd >= 0);
	assert_int_equal(f->slot, 77);
	close(f->policy_fd);
	close(f->worker_fd);
	close(fd);
	fixture_free(f);
}

static void
test_reports(void **state)
{
	struct fixture *f = fixture_new(&full);

	(void)state;
	assert_true(child_ready(f->child));
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->heard, ORDER_READY);
	assert_true(child_ask_reload(f->child));
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->heard, ORDER_RELOAD);
	fixture_free(f);
}

static void
test_the_parent_goes(void **state)
{
	struct fixture *f = fixture_new(&full);

	(void)state;
	channel_free(f->parent);
	f->parent = NULL;
	ev_run(f->loop, EVRUN_NOWAIT);
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->gone, 1);
	assert_false(child_ready(f->child));
	fixture_free(f);
}

/* Handlers that do not apply: nothing happens, and no descriptor stays behind. */
static void
test_no_handlers(void **state)
{
	struct fixture *f = fixture_new(&none);
	int fd = dup(0), next;

	(void)state;
	next = dup(0);
	close(next);
	order(f, ORDER_DRAIN, 0, -1);
	order(f, ORDER_ROTATE, 0, -1);
	order(f, ORDER_POLICY_END, 0, fd);
	order(f, ORDER_WORKER_END, 1, fd);
	order(f, ORDER_PING, 0, fd);
	order(f, ORDER_POLICY_END, 0, -1);
	assert_int_equal(fcntl(next, F_GETFD), -1);
	channel_free(f->parent);
	f->parent = NULL;
	ev_run(f->loop, EVRUN_NOWAIT);
	close(fd);
	fixture_free(f);
}

static void
test_malformed_orders(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} table[] = {
		{ "\x01", 1 }, { "\x01\0\0\0", 4 }, { "\x01\0\0\0\0\0", 6 },
		{ "\x00\0\0\0\0", 5 }, { "\x0a\0\0\0\0", 5 }, { "\xff\0\0\0\0", 5 },
	};
	struct order out;
	size_t i;

	(void)state;
	assert_true(order_read(&out, (const unsigned char *)"\x04\x02\x01\0\0", 5));
	assert_int_equal(out.type, ORDER_WORKER_END);
	assert_int_equal(out.link, 258);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_false(order_read(&out, (const unsigned char *)table[i].bytes,
		    table[i].len));
	child_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_the_parent_goes),
		cmocka_unit_test(test_no_handlers),
		cmocka_unit_test(test_malformed_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
