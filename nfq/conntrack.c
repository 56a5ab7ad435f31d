/* conntrack.c - connections older than the rules: found in the kernel's table and marked to be cut
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All candidates are collected before any is marked: the table is not to be changed while it is
 * walked. */
#include "nfq/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nfq/flow.h"
#include "nfq/mark.h"
#include "nfq/query.h"
#include "nfq/whereabouts.h"

#define SMTP 25
#define FLOWS_MAX (1u << 20)	/* more than connections to port 25 that one host forwards */

struct cut {
	const struct plan *plan;
	struct flow *flows;
	size_t len, size;
	struct query *table, *routes;
	struct whereabouts_dials *dials;	/* NULL unless local mail is ours too */
};

/* By what stands in the table alone: alive, to port 25, past us. */
static bool
passes_by(const struct flow *f)
{
	return f->protocol == IPPROTO_TCP && f->dst.port == SMTP &&
	    (f->status & IPS_DST_NAT) == 0 && (f->mark & MARK_MASK) != MARK_OWN &&
	    (f->mark & MARK_MASK) != MARK_PROXY && (f->mark & MARK_MASK) != MARK_DIRECT &&
	    (f->mark & MARK_MASK) != MARK_CUT && f->tcp_state != TCP_CONNTRACK_TIME_WAIT &&
	    f->tcp_state != TCP_CONNTRACK_CLOSE;
}

static int
take(const struct nlmsghdr *message, void *arg)
{
	struct cut *c = arg;
	struct flow f;

	if (!flow_read(message, &f) || !passes_by(&f) || c->len == FLOWS_MAX)
		return MNL_CB_OK;
	if (c->len == c->size) {
		size_t size = c->size == 0 ? 64 : c->size * 2;
		struct flow *p = realloc(c->flows, size * sizeof(*p));

		if (p == NULL)
			return MNL_CB_ERROR;
		c->flows = p;
		c->size = size;
	}
	c->flows[c->len++] = f;
	return MNL_CB_OK;
}

static bool
list(struct cut *c, int family)
{
	_Alignas(struct nlmsghdr) char space[FLOW_MESSAGE_SIZE] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(space);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));

	message->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	message->nlmsg_flags = NLM_F_DUMP;
	head->nfgen_family = (uint8_t)family;
	return query_ask(c->table, message, take, c);
}

static bool
in_from(const struct plan *p, const struct in6_addr *ip)
{
	size_t i;

	for (i = 0; i < p->from_len; i++)
		if (network_contains(&p->from[i], ip))
			return true;
	return false;
}

/* The plan's interface, which may be a pattern, is this one. */
static bool
behind(const struct plan *p, unsigned interface)
{
	size_t len = strlen(p->interface);
	char name[IF_NAMESIZE];

	if (interface == 0 || if_indextoname(interface, name) == NULL)
		return false;
	if (p->interface[len - 1] == '+')
		return strncmp(name, p->interface, len - 1) == 0;
	return strcmp(name, p->interface) == 0;
}

/* Of those whom the rules bring to postern. Mail that others send through this host to a server
 * behind it is not: with an interface given, the client must be behind that one. */
static bool
is_ours(const struct cut *c, const struct flow *f)
{
	unsigned interface, unused;

	if (whereabouts_local(c->routes, &f->dst.ip, &unused))
		return false;
	if (whereabouts_local(c->routes, &f->src.ip, &interface))
		return c->dials != NULL && !whereabouts_dialled(c->dials, &f->src, &f->dst);
	return c->plan->interface != NULL ? behind(c->plan, interface) :
	    in_from(c->plan, &f->src.ip);
}

/* One that has ended meanwhile is as good as cut. */
static bool
mark(struct cut *c, const struct flow *f, unsigned *n)
{
	_Alignas(struct nlmsghdr) char space[FLOW_MESSAGE_SIZE];

	if (query_ask(c->table, flow_mark(f, MARK_CUT, MARK_MASK, space), NULL, NULL))
		(*n)++;
	else if (errno != ENOENT)
		return false;
	return true;
}

static bool
run(struct cut *c, unsigned *n)
{
	const struct plan *p = c->plan;
	size_t i;

	c->table = query_open(NETLINK_NETFILTER);
	c->routes = query_open(NETLINK_ROUTE);
	if (c->table == NULL || c->routes == NULL)
		return false;
	if (p->local) {
		c->dials = whereabouts_dials_new(p->uid, SMTP);
		if (c->dials == NULL)
			return false;
	}
	if ((p->v4 && !list(c, AF_INET)) || (p->v6 && !list(c, AF_INET6)))
		return false;
	for (i = 0; i < c->len; i++)
		if (is_ours(c, &c->flows[i]) && !mark(c, &c->flows[i], n))
			return false;
	return true;
}

bool
conntrack_cut(const struct plan *p, unsigned *n, char *error, size_t error_size)
{
	struct cut c = { .plan = p };
	bool ok;

	*n = 0;
	ok = run(&c, n);
	if (!ok)
		snprintf(error, error_size, "the table of connections: %s", strerror(errno));
	whereabouts_dials_free(c.dials);
	query_close(c.table);
	query_close(c.routes);
	free(c.flows);
	return ok;
}
