/* flow.h - one entry of the kernel's connection table
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_FLOW_H
#define NFQ_FLOW_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

#define FLOW_TUPLE_SIZE 160	/* addresses, ports and zone of one direction */

struct flow {
	struct address src, dst;	/* as the one who dialled has them */
	uint8_t protocol, family;
	uint8_t tcp_state;		/* nf_conntrack_tcp.h */
	uint32_t status, mark;
	uint16_t zone;			/* network byte order */
	bool has_zone;
	unsigned char tuple[FLOW_TUPLE_SIZE];	/* what names it towards the kernel */
	uint16_t tuple_len;
};

/* flow_read: from a message of a ctnetlink dump. False when it is not of IPv4 or IPv6, or lacks its
 * addresses. */
bool flow_read(const struct nlmsghdr *message, struct flow *out);

/* flow_mark: the message that sets `mark` under `mask` for it; out holds FLOW_MESSAGE_SIZE. */
#define FLOW_MESSAGE_SIZE 512
struct nlmsghdr *flow_mark(const struct flow *f, uint32_t mark, uint32_t mask, void *out);

#endif
