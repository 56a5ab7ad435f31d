/* conntrack_test.c - which connections are cut, in a table made by hand in an empty namespace
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "namespace.h"
#include "nfq/conntrack.h"
#include "nfq/flow.h"
#include "nfq/mark.h"
#include "nfq/query.h"

#define USER 65534
#define CUT (MARK_CUT | 0x77)	/* others' bits stay */

static struct network from[2];

struct entry {
	const char *src, *dst;
	uint16_t port;
	uint8_t protocol, state;
	uint32_t mark;
	bool nat;
	uint16_t zone;
};

static void
put_ip(struct nlmsghdr *m, int type, const char *text)
{
	unsigned char ip[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, ip), 1);
	mnl_attr_put(m, (uint16_t)(type + (family == AF_INET6 ? 2 : 0)),
	    family == AF_INET6 ? 16 : 4, ip);
}

static void
put_tuple(struct nlmsghdr *m, uint16_t type, const char *src, const char *dst, uint16_t sport,
    uint16_t dport, uint8_t protocol)
{
	struct nlattr *tuple = mnl_attr_nest_start(m, type), *part;

	part = mnl_attr_nest_start(m, CTA_TUPLE_IP);
	put_ip(m, CTA_IP_V4_SRC, src);
	put_ip(m, CTA_IP_V4_DST, dst);
	mnl_attr_nest_end(m, part);
	part = mnl_attr_nest_start(m, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(m, CTA_PROTO_NUM, protocol);
	mnl_attr_put_u16(m, CTA_PROTO_SRC_PORT, htons(sport));
	mnl_attr_put_u16(m, CTA_PROTO_DST_PORT, htons(dport));
	mnl_attr_nest_end(m, part);
	mnl_attr_nest_end(m, tuple);
}

/* Into the table, from source port `sport`. */
static void
put(struct query *q, const struct entry *e, uint16_t sport)
{
	_Alignas(struct nlmsghdr) char space[1024] = { 0 };
	struct nlmsghdr *m = mnl_nlmsg_put_header(space);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(m, sizeof(*head));
	struct nlattr *info, *tcp;

	m->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	m->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	head->nfgen_family = strchr(e->src, ':') != NULL ? AF_INET6 : AF_INET;
	put_tuple(m, CTA_TUPLE_ORIG, e->src, e->dst, sport, e->port, e->protocol);
	put_tuple(m, CTA_TUPLE_REPLY, e->dst, e->src, e->port, sport, e->protocol);
	mnl_attr_put_u32(m, CTA_TIMEOUT, htonl(600));
	mnl_attr_put_u32(m, CTA_MARK, htonl(e->mark | 0x77));
	mnl_attr_put_u32(m, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED));
	if (e->zone != 0)
		mnl_attr_put_u16(m, CTA_ZONE, htons(e->zone));
	if (e->protocol == IPPROTO_TCP) {
		info = mnl_attr_nest_start(m, CTA_PROTOINFO);
		tcp = mnl_attr_nest_start(m, CTA_PROTOINFO_TCP);
		mnl_attr_put_u8(m, CTA_PROTOINFO_TCP_STATE, e->state);
		mnl_attr_nest_end(m, tcp);
		mnl_attr_nest_end(m, info);
	}
	if (e->nat) {
		info = mnl_attr_nest_start(m, CTA_NAT_DST);
		put_ip(m, CTA_NAT_V4_MINIP, "192.0.2.1");
		mnl_attr_nest_end(m, info);
	}
	if (!query_ask(q, m, NULL, NULL))
		fail_msg("%s -> %s: %s", e->src, e->dst, strerror(errno));
}

struct found {
	uint16_t sport;
	uint32_t mark;
	bool here;
};

static int
look(const struct nlmsghdr *m, void *arg)
{
	struct found *found = arg;
	struct flow f;

	if (flow_read(m, &f) && f.src.port == found->sport) {
		found->mark = f.mark;
		found->here = true;
	}
	return MNL_CB_OK;
}

static uint32_t
mark_of(struct query *q, uint16_t sport)
{
	_Alignas(struct nlmsghdr) char space[128] = { 0 };
	struct nlmsghdr *m = mnl_nlmsg_put_header(space);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(m, sizeof(*head));
	struct found found = { .sport = sport };

	m->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	m->nlmsg_flags = NLM_F_DUMP;
	head->nfgen_family = AF_UNSPEC;
	assert_true(query_ask(q, m, look, &found));
	assert_true(found.here);
	return found.mark;
}

static int
set_up(void **state)
{
	bool host_bits;

	(void)state;
	return namespace_new() &&
	    network_parse(&from[0], "192.0.2.0/24", 12, &host_bits) &&
	    network_parse(&from[1], "2001:db8:1::/48", 15, &host_bits) &&
	    system("set -e; for i in lan wan; do ip link add ${i}0 type veth peer name ${i}1; "
	    "ip link set ${i}0 up; ip link set ${i}1 up; done\n"
	    "ip addr add 192.0.2.1/24 dev lan0; ip addr add 198.51.100.1/24 dev wan0\n"
	    "ip addr add 2001:db8:1::1/64 dev lan0 nodad; ip addr add 2001:db8:2::1/64 dev wan0 "
	    "nodad\n"
	    "ip route add 10.0.0.0/8 via 192.0.2.254; ip route add default via 198.51.100.254\n"
	    "ip route add 2001:db8:1:9::/64 via 2001:db8:2::9\n"
	    /* Entries are kept only where somebody asks for connection tracking. */
	    "iptables -A INPUT -m conntrack --ctstate INVALID; "
	    "iptables -t nat -A INPUT; ip6tables -A INPUT -m conntrack --ctstate INVALID\n") == 0 ?
	    0 : -1;
}

#define TCP IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED

static void
which(void **state)
{
	static const struct {
		const char *what;
		struct entry entry;
		bool networks, interface, local;	/* cut with such a plan */
	} rows[] = {
		{ "a client", { "192.0.2.9", "203.0.113.1", 25, TCP, 0, false, 0 }, true, true,
		    true },
		{ "of IPv6", { "2001:db8:1::9", "2001:db8:3::1", 25, TCP, 0, false, 0 }, true,
		    true, true },
		{ "another port", { "192.0.2.9", "203.0.113.1", 26, TCP, 0, false, 0 }, false,
		    false, false },
		{ "UDP", { "192.0.2.9", "203.0.113.1", 25, IPPROTO_UDP, 0, 0, false, 0 }, false,
		    false, false },
		{ "redirected", { "192.0.2.9", "203.0.113.1", 25, TCP, 0, true, 0 }, false, false,
		    false },
		{ "our dial", { "192.0.2.9", "203.0.113.1", 25, TCP, MARK_OWN, false, 0 }, false,
		    false, false },
		{ "the gate's", { "192.0.2.9", "203.0.113.1", 25, TCP, MARK_PROXY, false, 0 },
		    false, false, false },
		{ "direct", { "192.0.2.9", "203.0.113.1", 25, TCP, MARK_DIRECT, false, 0 }, false,
		    false, false },
		{ "a foreign mark", { "192.0.2.9", "203.0.113.1", 25, TCP, 0x01000000, false, 0 },
		    true, true, true },
		{ "over already", { "192.0.2.9", "203.0.113.1", 25, IPPROTO_TCP,
		    TCP_CONNTRACK_TIME_WAIT, 0, false, 0 }, false, false, false },
		{ "just begun", { "192.0.2.9", "203.0.113.1", 25, IPPROTO_TCP,
		    TCP_CONNTRACK_SYN_SENT, 0, false, 0 }, true, true, true },
		{ "outside from, behind the interface", { "10.1.1.1", "203.0.113.1", 25, TCP, 0,
		    false, 0 }, false, true, false },
		{ "from outside to a server inside", { "203.0.113.1", "192.0.2.25", 25, TCP, 0,
		    false, 0 }, false, false, false },
		{ "to this host", { "192.0.2.9", "198.51.100.1", 25, TCP, 0, false, 0 }, false,
		    false, false },
		{ "from this host", { "198.51.100.1", "203.0.113.1", 25, TCP, 0, false, 0 }, false,
		    false, true },
		{ "in from, behind another interface", { "2001:db8:1:9::9", "2001:db8:3::1", 25,
		    TCP, 0, false, 0 }, true, false, true },
		{ "in a zone", { "192.0.2.9", "203.0.113.1", 25, TCP, 0, false, 7 }, true, true,
		    true },
	};
	size_t i, k, n = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	for (k = 0; k < 4; k++) {
		struct plan p = { .from = from, .from_len = 2, .v4 = true, .v6 = true,
			.interface = k == 1 ? "lan0" : k == 3 ? "la+" : NULL, .local = k == 2,
			.uid = USER };
		struct query *q;
		unsigned cut, expected = 0;
		char error[200];

		assert_int_equal(set_up(NULL), 0);
		q = query_open(NETLINK_NETFILTER);
		for (i = 0; i < n; i++)
			put(q, &rows[i].entry, (uint16_t)(1000 + i));
		if (!conntrack_cut(&p, &cut, error, sizeof(error)))
			fail_msg("%s", error);
		for (i = 0; i < n; i++) {
			bool yes = k == 0 ? rows[i].networks : k == 2 ? rows[i].local :
			    rows[i].interface;

			print_message("%s\n", rows[i].what);
			expected += yes;
			assert_int_equal(mark_of(q, (uint16_t)(1000 + i)),
			    yes ? (rows[i].entry.mark & ~MARK_MASK) | CUT :
			    rows[i].entry.mark | 0x77);
		}
		assert_int_equal(cut, expected);
		/* Once is enough. */
		assert_true(conntrack_cut(&p, &cut, error, sizeof(error)));
		assert_int_equal(cut, 0);
		query_close(q);
	}
}

static void
one_family(void **state)
{
	static const struct entry v4 = { "192.0.2.9", "203.0.113.1", 25, TCP, 0, false, 0 },
	    v6 = { "2001:db8:1::9", "2001:db8:3::1", 25, TCP, 0, false, 0 };
	struct plan p = { .from = from, .from_len = 2, .v6 = true };
	struct query *q = query_open(NETLINK_NETFILTER);
	char error[200];
	unsigned n;

	(void)state;
	put(q, &v4, 1000);
	put(q, &v6, 1001);
	assert_true(conntrack_cut(&p, &n, error, sizeof(error)));
	assert_int_equal(n, 1);
	assert_int_equal(mark_of(q, 1000), 0x77);
	assert_int_equal(mark_of(q, 1001), CUT);
	query_close(q);
}

static int
dial(int family, const char *to, bool as_user)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(25) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(25) };
	int fd;

	/* The owner of a socket is who makes it. */
	assert_int_equal(as_user ? seteuid(USER) : 0, 0);
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(as_user ? seteuid(0) : 0, 0);
	inet_pton(AF_INET6, to, &six.sin6_addr);
	inet_pton(AF_INET, to, &four.sin_addr);
	assert_int_equal(family == AF_INET6 ?
	    connect(fd, (struct sockaddr *)&six, sizeof(six)) :
	    connect(fd, (struct sockaddr *)&four, sizeof(four)), -1);
	assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in6 at;
	socklen_t len = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin6_port);
}

/* This host's own connections that wait for an answer: postern's, also those over a socket of both
 * families, are told from others' by the user. */
static void
own_dials(void **state)
{
	struct plan p = { .from = from, .from_len = 2, .v4 = true, .v6 = true, .local = true,
		.uid = USER };
	const struct {
		int family;
		const char *to;
		bool ours;
	} rows[] = {
		{ AF_INET, "203.0.113.1", true },
		{ AF_INET6, "::ffff:203.0.113.1", true },
		{ AF_INET, "203.0.113.1", false },
		{ AF_INET6, "::ffff:203.0.113.1", false },
	};
	struct query *q = query_open(NETLINK_NETFILTER);
	char error[200];
	unsigned n;
	int fds[4];
	size_t i;

	(void)state;
	assert_int_equal(system("ip neigh add 198.51.100.254 lladdr 02:00:00:00:00:01 dev wan0; "
	    "iptables -A OUTPUT -m conntrack --ctstate INVALID"), 0);
	for (i = 0; i < 4; i++)
		fds[i] = dial(rows[i].family, rows[i].to, rows[i].ours);
	assert_true(conntrack_cut(&p, &n, error, sizeof(error)));
	assert_int_equal(n, 2);
	for (i = 0; i < 4; i++) {
		assert_int_equal(mark_of(q, port_of(fds[i])), rows[i].ours ? 0 : MARK_CUT);
		close(fds[i]);
	}
	query_close(q);
}

static void
not_permitted(void **state)
{
	struct plan p = { .from = from, .from_len = 2, .v4 = true };
	char error[200] = "";
	unsigned n;

	(void)state;
	assert_int_equal(seteuid(USER), 0);
	assert_false(conntrack_cut(&p, &n, error, sizeof(error)));
	assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(error, "Operation not permitted"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which),
		cmocka_unit_test_setup(one_family, set_up),
		cmocka_unit_test_setup(own_dials, set_up),
		cmocka_unit_test_setup(not_permitted, set_up),
	};

	if (geteuid() != 0) {
		puts("1..0 # skip: needs root");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
