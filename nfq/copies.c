/* copies.c - copies of packets that the rules log to a group of ours (NFLOG)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernel can gather copies for 10 ms, or until there are `together`, and send them in one
 * datagram. With one at a time a copy is here before its packet is on its way to anybody. It
 * numbers them, so those that found the socket full can be counted. */
#include "nfq/copies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdio.h>
#include <stdlib.h>

#include "nfq/netlink.h"

#define TIMEOUT_CS 1		/* hundredths of a second */
#define GATHER_OCTETS 16384	/* sixteen answers; a longer packet gets the room it needs */
#define DATAGRAM_SIZE (128 << 10)	/* the largest packet, and what is gathered with it */
#define BURST 64		/* datagrams a turn: the gate gets its turn between */
#define CATCH_UP 256		/* datagrams that one turn of the gate may have to wait for: 3 ms */
#define COMMAND_SIZE 512

struct copies {
	struct ev_loop *loop;
	const struct copies_events *events;
	void *arg;
	struct mnl_socket *socket;
	ev_io readable;
	bool counted;			/* `next` is known */
	uint32_t next;			/* number of the next copy */
	unsigned behind;		/* the loop's turn in which catching up did not do */
	_Alignas(struct nlmsghdr) char datagram[DATAGRAM_SIZE];
};

static void
count(struct copies *c, uint32_t number)
{
	if (c->counted && number != c->next && c->events->missing != NULL)
		c->events->missing(c->arg, number - c->next);
	c->counted = true;
	c->next = number + 1;
}

/* attribute: of a copy; the number stands before the payload. */
static int
attribute(const struct nlattr *a, void *arg)
{
	struct copies *c = arg;

	if (mnl_attr_get_type(a) == NFULA_SEQ && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
		count(c, ntohl(mnl_attr_get_u32(a)));
	else if (mnl_attr_get_type(a) == NFULA_PAYLOAD)
		c->events->packet(c->arg, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	return MNL_CB_OK;
}

static int
copy(const struct nlmsghdr *message, void *arg)
{
	if (message->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) &&
	    mnl_nlmsg_get_payload_len(message) >= sizeof(struct nfgenmsg))
		mnl_attr_parse(message, sizeof(struct nfgenmsg), attribute, arg);
	return MNL_CB_OK;
}

/* take: at most so many datagrams; true when no more are there. */
static bool
take(struct copies *c, int most)
{
	for (int i = 0; i < most; i++) {
		ssize_t n = netlink_read(c->socket, c->datagram, sizeof(c->datagram));
		if (n < 0 && errno == ENOBUFS && c->events->overrun != NULL)
			c->events->overrun(c->arg);
		if (n == 0 || (n < 0 && errno != ENOBUFS))
			return n == 0;
		const struct nlmsghdr *m = (const struct nlmsghdr *)c->datagram;
		int left = (int)n;
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
			copy(m, c);
	}
	return false;
}

static void
readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	take(io->data, BURST);
}

bool
copies_caught_up(struct copies *c)
{
	unsigned turn = ev_iteration(c->loop);

	if (c->behind == turn)
		return false;
	if (take(c, CATCH_UP))
		return true;
	c->behind = turn;
	return false;
}

/* take_group: all in one message, so that nothing is gathered by other settings than ours. */
static bool
take_group(struct copies *c, const struct copies_start *start, char *error, size_t error_size)
{
	_Alignas(struct nlmsghdr) char buffer[COMMAND_SIZE];
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *group = mnl_nlmsg_put_extra_header(m, sizeof(*group));
	const struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(start->octets), .copy_mode = NFULNL_COPY_PACKET };

	m->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	group->nfgen_family = AF_UNSPEC;
	group->version = NFNETLINK_V0;
	group->res_id = htons(start->group);
	mnl_attr_put(m, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(m, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(m, NFULA_CFG_NLBUFSIZ, htonl(GATHER_OCTETS));
	mnl_attr_put_u32(m, NFULA_CFG_TIMEOUT, htonl(TIMEOUT_CS));
	mnl_attr_put_u32(m, NFULA_CFG_QTHRESH, htonl(start->together));
	mnl_attr_put_u16(m, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	return netlink_command(c->socket, m, copy, c, error, error_size);
}

struct copies *
copies_open(struct ev_loop *loop, const struct copies_start *start,
    const struct copies_events *events, void *arg, char *error, size_t error_size)
{
	struct copies *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	c->loop = loop;
	c->events = events;
	c->arg = arg;
	c->socket = netlink_open(NETLINK_NETFILTER, error, error_size);
	if (c->socket == NULL || !take_group(c, start, error, error_size)) {
		copies_close(c);
		return NULL;
	}
	ev_io_init(&c->readable, readable, mnl_socket_get_fd(c->socket), EV_READ);
	c->readable.data = c;
	ev_set_priority(&c->readable, start->priority);
	ev_io_start(loop, &c->readable);
	return c;
}

void
copies_close(struct copies *c)
{
	if (c == NULL)
		return;
	if (c->socket != NULL) {
		ev_io_stop(c->loop, &c->readable);
		mnl_socket_close(c->socket);
	}
	free(c);
}
