/* order.h - what the parent and a child say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_ORDER_H
#define DAEMON_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order_type {
	/* parent */
	ORDER_PING = 1,
	ORDER_DRAIN,
	ORDER_POLICY_END,	/* with a descriptor */
	ORDER_WORKER_END,	/* with a descriptor; link is the worker's slot */
	ORDER_ROTATE,
	ORDER_CLOSE,
	/* child */
	ORDER_READY,
	ORDER_PONG,
	ORDER_RELOAD
};

struct order {
	enum order_type type;
	uint32_t link;		/* ORDER_WORKER_END: whose; an old one may drain beside the new */
};

#define ORDER_SIZE 5

size_t order_write(unsigned char out[ORDER_SIZE], const struct order *order);
bool order_read(struct order *out, const unsigned char *p, size_t len);

#endif
