/* child.c - a child's line to the parent
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/child.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/channel.h"
#include "daemon/order.h"

struct child {
	struct channel *line;
	const struct child_events *events;
	void *arg;
};

static bool
say(struct child *c, enum order_type type)
{
	struct order order = { .type = type };
	unsigned char bytes[ORDER_SIZE];

	return channel_send(c->line, bytes, order_write(bytes, &order), -1);
}

static void
call(void (*handler)(void *arg), void *arg)
{
	if (handler != NULL)
		handler(arg);
}

/* True when the descriptor has found its owner. */
static bool
obey(struct child *c, const struct order *order, int fd)
{
	switch (order->type) {
	case ORDER_PING:
		say(c, ORDER_PONG);
		break;
	case ORDER_DRAIN:
		call(c->events->drain, c->arg);
		break;
	case ORDER_CLOSE:
		call(c->events->close, c->arg);
		break;
	case ORDER_ROTATE:
		call(c->events->rotate, c->arg);
		break;
	case ORDER_POLICY_END:
		if (fd < 0 || c->events->policy_end == NULL)
			break;
		c->events->policy_end(c->arg, fd);
		return true;
	case ORDER_WORKER_END:
		if (fd < 0 || c->events->worker_end == NULL)
			break;
		c->events->worker_end(c->arg, order->link, fd);
		return true;
	case ORDER_READY: case ORDER_PONG: case ORDER_RELOAD:
		break;		/* not said to a child */
	}
	return false;
}

static void
on_message(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct child *c = arg;
	struct order order;

	if ((!order_read(&order, p, len) || !obey(c, &order, fd)) && fd >= 0)
		close(fd);
}

static void
on_closed(void *arg)
{
	struct child *c = arg;

	call(c->events->parent_gone, c->arg);
}

static const struct channel_events line_events = { .message = on_message, .closed = on_closed };

struct child *
child_new(struct ev_loop *loop, int fd, const struct child_events *events, void *arg)
{
	struct child *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->events = events;
	c->arg = arg;
	c->line = channel_new(loop, fd, &line_events, c);
	if (c->line == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void
child_free(struct child *c)
{
	if (c == NULL)
		return;
	channel_free(c->line);
	free(c);
}

bool
child_ready(struct child *c)
{
	return say(c, ORDER_READY);
}

bool
child_ask_reload(struct child *c)
{
	return say(c, ORDER_RELOAD);
}
