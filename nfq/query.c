/* query.c - one question to the kernel over netlink and all of its answer
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/query.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ANSWER_SIZE 65536	/* one datagram of a dump at most */
#define WAIT_S 10		/* between two datagrams: a full table is walked meanwhile */

struct query {
	struct mnl_socket *socket;
	unsigned number;
	_Alignas(struct nlmsghdr) char buffer[ANSWER_SIZE];
};

struct query *
query_open(int bus)
{
	const struct timeval limit = { .tv_sec = WAIT_S };
	struct query *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (q->socket == NULL || mnl_socket_bind(q->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(q->socket), SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)) != 0) {
		int problem = errno;

		query_close(q);
		errno = problem;
		return NULL;
	}
	return q;
}

void
query_close(struct query *q)
{
	if (q != NULL && q->socket != NULL)
		mnl_socket_close(q->socket);
	free(q);
}

/* A route lookup is answered by one message, without an end or an acknowledgement behind it. */
static bool
single(const struct nlmsghdr *message)
{
	return (message->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP)) == 0;
}

bool
query_ask(struct query *q, struct nlmsghdr *message, mnl_cb_t take, void *arg)
{
	unsigned port = mnl_socket_get_portid(q->socket);
	int more = MNL_CB_OK;

	message->nlmsg_flags |= NLM_F_REQUEST;
	message->nlmsg_seq = ++q->number;
	if (mnl_socket_sendto(q->socket, message, message->nlmsg_len) < 0)
		return false;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(q->socket, q->buffer, sizeof(q->buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		more = mnl_cb_run(q->buffer, (size_t)n, q->number, port, take, arg);
		if (more > MNL_CB_STOP && single(message))
			more = MNL_CB_STOP;
	}
	return more == MNL_CB_STOP;
}
