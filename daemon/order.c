/* order.c - what the parent and a child say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/order.h"

#include "daemon/wire.h"

size_t
order_write(unsigned char out[ORDER_SIZE], const struct order *order)
{
	struct wire_writer w;

	wire_write(&w, out, ORDER_SIZE);
	wire_put8(&w, (uint8_t)order->type);
	wire_put32(&w, order->link);
	return wire_written(&w);
}

bool
order_read(struct order *out, const unsigned char *p, size_t len)
{
	struct wire_reader r;
	uint8_t type;

	wire_read(&r, p, len);
	type = wire_get8(&r);
	out->link = wire_get32(&r);
	if (!wire_read_done(&r) || type < ORDER_PING || type > ORDER_RELOAD)
		return false;
	out->type = (enum order_type)type;
	return true;
}
