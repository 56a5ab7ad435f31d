/* query.h - one question to the kernel over netlink and all of its answer
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_QUERY_H
#define NFQ_QUERY_H

#include <libmnl/libmnl.h>
#include <stdbool.h>

struct query;

/* query_open: of NETLINK_NETFILTER, NETLINK_ROUTE, ... NULL with errno. */
struct query *query_open(int bus);
void query_close(struct query *q);	/* NULL is allowed */

/* query_ask: sends (header flags and number are set here, NLM_F_DUMP or NLM_F_ACK are the caller's)
 * and calls `take` for each message of the answer. False with errno. */
bool query_ask(struct query *q, struct nlmsghdr *message, mnl_cb_t take, void *arg);

#endif
