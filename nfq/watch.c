/* watch.c - notices of the kernel that somebody changed firewall rules or our route rules
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfq/mark.h"
#include "nfq/netlink.h"

#define DATAGRAM_SIZE 32768	/* as large as the kernel makes a notice */
#define PID_LAST 4194304	/* PID_MAX_LIMIT: a netlink port above is no process's number */
#define GENERATION (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN)

/* Where the filters look: a packet is one netlink datagram. */
#define AT_TYPE 4
#define AT_TABLE (NLMSG_HDRLEN + 4)	/* rtm_table, an octet */
#define PASS 0xffffffffu

struct bus {
	struct mnl_socket *socket;
	ev_io readable;
	bool (*notice)(const void *p, size_t len, struct watch_change *out);
};

struct watch {
	struct ev_loop *loop;
	void (*changed)(void *arg, const struct watch_change *change);
	void *arg;
	struct bus nftables, route;
};

static int
generation(const struct nlattr *a, void *arg)
{
	struct watch_change *out = arg;

	if (mnl_attr_get_type(a) == NFTA_GEN_PROC_PID && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
		out->pid = ntohl(mnl_attr_get_u32(a));
	else if (mnl_attr_get_type(a) == NFTA_GEN_PROC_NAME)
		snprintf(out->program, sizeof(out->program), "%.*s",
		    (int)mnl_attr_get_payload_len(a), mnl_attr_get_str(a));
	return MNL_CB_OK;
}

bool
watch_nftables(const void *p, size_t len, struct watch_change *out)
{
	const struct nlmsghdr *m = p;
	int left = (int)len;
	bool found = false;

	*out = (struct watch_change){ 0 };
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		if (m->nlmsg_type != GENERATION ||
		    mnl_nlmsg_get_payload_len(m) < sizeof(struct nfgenmsg))
			continue;
		found = true;
		mnl_attr_parse(m, sizeof(struct nfgenmsg), generation, out);
	}
	return found;
}

/* The 32-bit attribute of one type; 0 without it. */
struct wanted {
	uint16_t type;
	uint32_t value;
};

static int
number(const struct nlattr *a, void *arg)
{
	struct wanted *w = arg;

	if (mnl_attr_get_type(a) == w->type && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
		w->value = mnl_attr_get_u32(a);
	return MNL_CB_OK;
}

static bool
our_rule(const struct nlmsghdr *m)
{
	struct wanted preference = { .type = FRA_PRIORITY };

	if (mnl_nlmsg_get_payload_len(m) < sizeof(struct fib_rule_hdr))
		return false;
	mnl_attr_parse(m, sizeof(struct fib_rule_hdr), number, &preference);
	return preference.value >= ROUTE_PREF_FIRST && preference.value <= ROUTE_PREF_END;
}

static bool
our_route(const struct nlmsghdr *m)
{
	struct wanted table = { .type = RTA_TABLE };

	if (mnl_nlmsg_get_payload_len(m) < sizeof(struct rtmsg))
		return false;
	mnl_attr_parse(m, sizeof(struct rtmsg), number, &table);
	return table.value == ROUTE_TABLE;
}

static bool
of_ours(const struct nlmsghdr *m)
{
	switch (m->nlmsg_type) {
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return our_rule(m);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return our_route(m);
	default:
		return false;
	}
}

bool
watch_route(const void *p, size_t len, struct watch_change *out)
{
	const struct nlmsghdr *m = p;
	int left = (int)len;
	bool found = false;

	*out = (struct watch_change){ 0 };
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		if (!of_ours(m))
			continue;
		found = true;
		out->pid = m->nlmsg_pid <= PID_LAST ? m->nlmsg_pid : 0;
	}
	return found;
}

/* name_program: the port is the process of most programs; it is often still there. */
static void
name_program(struct watch_change *c)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/comm", (unsigned)c->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, c->program, sizeof(c->program) - 1);
	close(fd);
	c->program[n > 0 ? n : 0] = '\0';
	c->program[strcspn(c->program, "\n")] = '\0';
}

static void
readable(struct ev_loop *loop, ev_io *io, int events)
{
	_Alignas(struct nlmsghdr) char buffer[DATAGRAM_SIZE];
	struct watch *w = io->data;
	struct bus *b = io == &w->route.readable ? &w->route : &w->nftables;
	struct watch_change change;
	ssize_t n;

	(void)loop;
	(void)events;
	while ((n = netlink_read(b->socket, buffer, sizeof(buffer))) != 0) {
		change = (struct watch_change){ 0 };
		if (n < 0 && errno != ENOBUFS)
			break;
		if (n > 0 && !b->notice(buffer, (size_t)n, &change))
			continue;
		if (change.pid != 0 && change.program[0] == '\0')
			name_program(&change);
		w->changed(w->arg, &change);
	}
}

void
watch_forget(struct watch *w)
{
	_Alignas(struct nlmsghdr) char buffer[DATAGRAM_SIZE];

	while (netlink_read(w->nftables.socket, buffer, sizeof(buffer)) > 0)
		;
	while (netlink_read(w->route.socket, buffer, sizeof(buffer)) > 0)
		;
}

/* The end of a transaction alone: not the rules in it, of which there may be 100,000. The type is
 * in the machine's order, the filter loads in the network's. */
static bool
filter_nftables(struct bus *b)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(GENERATION), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PASS),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(mnl_socket_get_fd(b->socket), SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program)) == 0;
}

/* Rules all; of routes those in tables beyond 255 alone, or each change of a router's own routes
 * would wake us. */
static bool
filter_route(struct bus *b)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_TABLE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_COMPAT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PASS),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(mnl_socket_get_fd(b->socket), SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program)) == 0;
}

static bool
open_bus(struct watch *w, struct bus *b, int bus, const int *groups, size_t len, char *error,
    size_t error_size)
{
	b->notice = bus == NETLINK_ROUTE ? watch_route : watch_nftables;
	b->socket = netlink_open(bus, error, error_size);
	if (b->socket == NULL)
		return false;
	if (!(bus == NETLINK_ROUTE ? filter_route(b) : filter_nftables(b))) {
		snprintf(error, error_size, "netlink filter: %s", strerror(errno));
		return false;
	}
	for (size_t i = 0; i < len; i++)
		if (!netlink_join(b->socket, groups[i], error, error_size))
			return false;
	ev_io_init(&b->readable, readable, mnl_socket_get_fd(b->socket), EV_READ);
	b->readable.data = w;
	ev_set_priority(&b->readable, 1);	/* before copies: mail may be on its way out */
	ev_io_start(w->loop, &b->readable);
	return true;
}

struct watch *
watch_open(struct ev_loop *loop, void (*changed)(void *arg, const struct watch_change *change),
    void *arg, char *error, size_t error_size)
{
	static const int nftables[] = { NFNLGRP_NFTABLES };
	static const int route[] = { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE };
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	w->loop = loop;
	w->changed = changed;
	w->arg = arg;
	if (!open_bus(w, &w->nftables, NETLINK_NETFILTER, nftables, 1, error, error_size) ||
	    !open_bus(w, &w->route, NETLINK_ROUTE, route, 4, error, error_size)) {
		watch_close(w);
		return NULL;
	}
	return w;
}

static void
close_bus(struct watch *w, struct bus *b)
{
	if (b->socket == NULL)
		return;
	ev_io_stop(w->loop, &b->readable);
	mnl_socket_close(b->socket);
}

void
watch_close(struct watch *w)
{
	if (w == NULL)
		return;
	close_bus(w, &w->nftables);
	close_bus(w, &w->route);
	free(w);
}
