/* syns.c - the SYNs that the kernel holds until their way is decided (NFQUEUE)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each packet comes in a message of its own; the verdicts on all that were there go back in one.
 * The verdict is NF_REPEAT: with ACCEPT the packet would leave the table, past the rules that save
 * the mark; so it runs through the hook once more, and its mark keeps it out of the queue. */
#include "nfq/syns.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nfq/mark.h"
#include "nfq/netlink.h"

#define COPY_OCTETS 40		/* an IPv6 header: nothing but the destination is read */
#define QUEUE_LENGTH 16384	/* a fifth of a second at 80,000/s */
#define MESSAGE_SIZE 1024	/* the copy and the attributes round it are below 512 */
#define BATCH 64		/* packets a turn */
#define VERDICT_SIZE 64		/* headers 20, verdict 12, mark 8 */
#define STATS_S 10.0		/* after a SYN: an idle gate does not wake up */
#define STATS_FILE "/proc/net/netfilter/nfnetlink_queue"
#define STATS_SIZE 4096		/* the table has 60 octets for each queue of the machine */

struct syns {
	struct ev_loop *loop;
	const struct syns_events *events;
	void *arg;
	struct mnl_socket *socket;
	ev_io readable;
	ev_timer look;
	int stats;			/* -1: this kernel shows none */
	uint64_t dropped;
	size_t verdicts_len;
	_Alignas(struct nlmsghdr) char verdicts[BATCH * VERDICT_SIZE];
};

bool
syns_destination(const void *p, size_t len, struct in6_addr *out)
{
	const unsigned char *octets = p;

	if (len >= 20 && octets[0] >> 4 == 4) {
		memset(out->s6_addr, 0, 10);
		memset(out->s6_addr + 10, 0xff, 2);
		memcpy(out->s6_addr + 12, octets + 16, 4);
		return true;
	}
	if (len >= 40 && octets[0] >> 4 == 6) {
		memcpy(out->s6_addr, octets + 24, 16);
		return true;
	}
	return false;
}

uint64_t
syns_dropped(const char *table)
{
	uint64_t dropped = 0;

	while (*table != '\0') {
		/* Number, owner, waiting, mode, range, no room in the queue, none in the socket. */
		uint64_t words[7] = { 0 };
		const char *p = table;
		size_t n;

		for (n = 0; n < 7 && (*p == ' ' || (*p >= '0' && *p <= '9')); n++) {
			char *end;
			words[n] = strtoull(p, &end, 10);
			p = end;
		}
		if (n == 7 && words[0] == NFQ_GATE_QUEUE)
			dropped = words[5] + words[6];
		table += strcspn(table, "\n");
		table += *table == '\n';
	}
	return dropped;
}

static void
look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct syns *s = timer->data;
	char text[STATS_SIZE];
	ssize_t n = pread(s->stats, text, sizeof(text) - 1, 0);

	(void)events;
	ev_timer_stop(loop, timer);
	if (n <= 0)
		return;
	text[n] = '\0';
	uint64_t dropped = syns_dropped(text);
	if (dropped > s->dropped)
		s->events->lost(s->arg, dropped - s->dropped);
	s->dropped = dropped;
}

static void
send_verdicts(struct syns *s)
{
	if (s->verdicts_len > 0)
		mnl_socket_sendto(s->socket, s->verdicts, s->verdicts_len);
	s->verdicts_len = 0;
}

static void
verdict(struct syns *s, uint32_t id, uint32_t mark, enum syns_word word)
{
	struct nlmsghdr *m;

	if (s->verdicts_len + VERDICT_SIZE > sizeof(s->verdicts))
		send_verdicts(s);
	m = nfq_nlmsg_put(s->verdicts + s->verdicts_len, NFQNL_MSG_VERDICT, NFQ_GATE_QUEUE);
	nfq_nlmsg_verdict_put(m, (int)id, word == SYNS_PASS ? NF_ACCEPT : NF_REPEAT);
	if (word != SYNS_PASS)
		nfq_nlmsg_verdict_put_mark(m, (mark & ~MARK_MASK) |
		    (word == SYNS_DIRECT ? MARK_DIRECT : MARK_PROXY));
	s->verdicts_len += m->nlmsg_len;
}

static int
packet(const struct nlmsghdr *message, void *arg)
{
	struct nlattr *found[NFQA_MAX + 1] = { NULL };
	struct syns *s = arg;
	struct in6_addr destination;
	enum syns_word word = SYNS_PROXY;

	if (message->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
	    nfq_nlmsg_parse(message, found) < 0 || found[NFQA_PACKET_HDR] == NULL)
		return MNL_CB_OK;
	const struct nfqnl_msg_packet_hdr *header = mnl_attr_get_payload(found[NFQA_PACKET_HDR]);
	const struct nlattr *payload = found[NFQA_PAYLOAD];
	if (payload != NULL && syns_destination(mnl_attr_get_payload(payload),
	    mnl_attr_get_payload_len(payload), &destination))
		word = s->events->decide(s->arg, &destination);
	verdict(s, ntohl(header->packet_id), found[NFQA_MARK] == NULL ? 0 :
	    ntohl(mnl_attr_get_u32(found[NFQA_MARK])), word);
	if (!ev_is_active(&s->look) && s->stats >= 0)
		ev_timer_again(s->loop, &s->look);
	return MNL_CB_OK;
}

static void
readable(struct ev_loop *loop, ev_io *io, int events)
{
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_SIZE];
	struct syns *s = io->data;
	ssize_t n;

	(void)loop;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		n = netlink_read(s->socket, buffer, sizeof(buffer));
		/* ENOBUFS: the table of queues has the number, `look` reads it. */
		if (n == 0 || (n < 0 && errno != ENOBUFS))
			break;
		const struct nlmsghdr *m = (const struct nlmsghdr *)buffer;
		int left = (int)n;
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
			packet(m, s);
	}
	send_verdicts(s);
}

/* take_queue: all in one message, so that no packet comes to a half-made queue. */
static bool
take_queue(struct syns *s, bool fail_open, char *error, size_t error_size)
{
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_SIZE];
	struct nlmsghdr *m = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, NFQ_GATE_QUEUE);
	uint32_t flags = NFQA_CFG_F_GSO | (fail_open ? NFQA_CFG_F_FAIL_OPEN : 0);

	nfq_nlmsg_cfg_put_cmd(m, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(m, NFQNL_COPY_PACKET, COPY_OCTETS);
	nfq_nlmsg_cfg_put_qmaxlen(m, QUEUE_LENGTH);
	mnl_attr_put_u32(m, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(m, NFQA_CFG_MASK, htonl(flags));
	if (!netlink_command(s->socket, m, packet, s, error, error_size))
		return false;
	send_verdicts(s);
	return true;
}

struct syns *
syns_open(struct ev_loop *loop, bool fail_open, const struct syns_events *events, void *arg,
    char *error, size_t error_size)
{
	struct syns *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	s->loop = loop;
	s->events = events;
	s->arg = arg;
	s->stats = open(STATS_FILE, O_RDONLY | O_CLOEXEC);
	ev_init(&s->look, look);
	s->look.repeat = STATS_S;
	s->look.data = s;
	s->socket = netlink_open(NETLINK_NETFILTER, error, error_size);
	if (s->socket == NULL || !take_queue(s, fail_open, error, error_size)) {
		syns_close(s);
		return NULL;
	}
	ev_io_init(&s->readable, readable, mnl_socket_get_fd(s->socket), EV_READ);
	s->readable.data = s;
	ev_set_priority(&s->readable, EV_MAXPRI);	/* somebody waits for each of them */
	ev_io_start(loop, &s->readable);
	return s;
}

void
syns_close(struct syns *s)
{
	if (s == NULL)
		return;
	ev_timer_stop(s->loop, &s->look);
	if (s->socket != NULL) {
		ev_io_stop(s->loop, &s->readable);
		mnl_socket_close(s->socket);
	}
	if (s->stats >= 0)
		close(s->stats);
	free(s);
}
