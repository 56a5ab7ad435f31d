/* netlink.c - a netlink socket of this process: opened, told what to do, read
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/netlink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_SIZE 65536	/* the largest copy of a packet that may stand before the answer */
#define SEQUENCE 25		/* of our commands; what the kernel sends of itself has 0 */

static bool
fail(char *error, size_t size, const char *what)
{
	snprintf(error, size, "%s: %s%s", what, strerror(errno),
	    errno == EPERM || errno == EBUSY ? " (another program has it, or no CAP_NET_ADMIN)" :
	    "");
	return false;
}

struct mnl_socket *
netlink_open(int bus, char *error, size_t error_size)
{
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int size = NETLINK_BUFFER;

	if (s == NULL) {
		fail(error, error_size, "netlink socket");
		return NULL;
	}
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		fail(error, error_size, "netlink bind");
		mnl_socket_close(s);
		return NULL;
	}
	/* Without the right to force it the kernel's limit is what there is. */
	if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return s;
}

bool
netlink_join(struct mnl_socket *s, int group, char *error, size_t error_size)
{
	if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return fail(error, error_size, "netlink group");
	return true;
}

ssize_t
netlink_read(struct mnl_socket *s, void *buffer, size_t size)
{
	struct sockaddr_nl from;
	struct iovec part = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	for (;;) {
		n = recvmsg(mnl_socket_get_fd(s), &message, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		if (n > 0 && message.msg_namelen == sizeof(from) && from.nl_pid == 0 &&
		    (message.msg_flags & MSG_TRUNC) == 0)
			return n;
		message.msg_namelen = sizeof(from);
	}
}

struct answer {
	mnl_cb_t other;
	void *arg;
	bool here;
	int error;
};

static void
take(struct answer *a, const struct nlmsghdr *message)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type == NLMSG_ERROR && message->nlmsg_seq == SEQUENCE &&
	    mnl_nlmsg_get_payload_len(message) >= sizeof(*e)) {
		a->here = true;
		a->error = -e->error;
	} else if (a->other != NULL && message->nlmsg_type >= NLMSG_MIN_TYPE) {
		a->other(message, a->arg);
	}
}

bool
netlink_command(struct mnl_socket *s, struct nlmsghdr *message, mnl_cb_t other, void *arg,
    char *error, size_t error_size)
{
	_Alignas(struct nlmsghdr) char buffer[ANSWER_SIZE];
	struct answer answer = { .other = other, .arg = arg };
	ssize_t n;

	message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = SEQUENCE;
	if (mnl_socket_sendto(s, message, message->nlmsg_len) < 0)
		return fail(error, error_size, "netlink command");
	/* The kernel has answered before the send returned. */
	while (!answer.here && (n = netlink_read(s, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno != ENOBUFS)
			return fail(error, error_size, "netlink answer");
		const struct nlmsghdr *m = (const struct nlmsghdr *)buffer;
		int left = (int)n;
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
			take(&answer, m);
	}
	errno = answer.here ? answer.error : ENOMSG;
	return errno == 0 || fail(error, error_size, "netlink command");
}
