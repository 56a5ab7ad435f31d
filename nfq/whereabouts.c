/* whereabouts.c - what this host's routing and sockets say about an address or a connection
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/whereabouts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_SIZE 256
#define DIALS_MAX 65536		/* as many local ports as there are */

struct route {
	bool local;
	unsigned interface;
};

static int
route_attribute(const struct nlattr *a, void *arg)
{
	struct route *r = arg;

	if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_get_payload_len(a) == sizeof(uint32_t))
		r->interface = mnl_attr_get_u32(a);
	return MNL_CB_OK;
}

static int
take_route(const struct nlmsghdr *message, void *arg)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(message);
	struct route *r = arg;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*head))
		return MNL_CB_OK;
	r->local = head->rtm_type == RTN_LOCAL;
	mnl_attr_parse(message, sizeof(*head), route_attribute, r);
	return MNL_CB_OK;
}

bool
whereabouts_local(struct query *q, const struct in6_addr *ip, unsigned *interface)
{
	_Alignas(struct nlmsghdr) char space[MESSAGE_SIZE] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(space);
	struct rtmsg *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	struct route r = { false, 0 };
	bool v4 = address_is_v4(ip);

	message->nlmsg_type = RTM_GETROUTE;
	head->rtm_family = v4 ? AF_INET : AF_INET6;
	head->rtm_dst_len = v4 ? 32 : 128;
	mnl_attr_put(message, RTA_DST, v4 ? 4 : 16, ip->s6_addr + (v4 ? 12 : 0));
	/* What is not to be reached is nowhere. */
	*interface = query_ask(q, message, take_route, &r) ? r.interface : 0;
	return r.local;
}

struct dial {
	struct address src, dst;
};

struct whereabouts_dials {
	uid_t uid;
	size_t len, size;
	struct dial *list;
};

/* The kernel writes a mapped address for IPv4 over a socket of IPv6, as we do. */
static void
take_ip(struct in6_addr *out, int family, const uint32_t ip[4])
{
	if (family == AF_INET6) {
		memcpy(out->s6_addr, ip, 16);
		return;
	}
	memset(out, 0, sizeof(*out));
	out->s6_addr[10] = out->s6_addr[11] = 0xff;
	memcpy(out->s6_addr + 12, ip, 4);
}

static int
take_socket(const struct nlmsghdr *message, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(message);
	struct whereabouts_dials *d = arg;
	struct dial *dial;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*m) || m->idiag_uid != d->uid ||
	    d->len == DIALS_MAX)
		return MNL_CB_OK;
	if (d->len == d->size) {
		size_t size = d->size == 0 ? 64 : d->size * 2;
		struct dial *p = realloc(d->list, size * sizeof(*p));

		if (p == NULL)
			return MNL_CB_ERROR;
		d->list = p;
		d->size = size;
	}
	dial = &d->list[d->len++];
	take_ip(&dial->src.ip, m->idiag_family, m->id.idiag_src);
	take_ip(&dial->dst.ip, m->idiag_family, m->id.idiag_dst);
	dial->src.port = ntohs(m->id.idiag_sport);
	dial->dst.port = ntohs(m->id.idiag_dport);
	return MNL_CB_OK;
}

static bool
list_sockets(struct query *q, int family, uint16_t port, struct whereabouts_dials *d)
{
	_Alignas(struct nlmsghdr) char space[MESSAGE_SIZE] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(space);
	struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_DUMP;
	request->sdiag_family = (uint8_t)family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = ~0u;
	request->id.idiag_dport = htons(port);
	return query_ask(q, message, take_socket, d);
}

struct whereabouts_dials *
whereabouts_dials_new(uid_t uid, uint16_t port)
{
	struct query *q = query_open(NETLINK_SOCK_DIAG);
	struct whereabouts_dials *d = calloc(1, sizeof(*d));
	bool ok = q != NULL && d != NULL;
	int problem;

	if (ok) {
		d->uid = uid;
		ok = list_sockets(q, AF_INET, port, d) && list_sockets(q, AF_INET6, port, d);
	}
	problem = errno;
	query_close(q);
	if (ok)
		return d;
	whereabouts_dials_free(d);
	errno = problem;
	return NULL;
}

void
whereabouts_dials_free(struct whereabouts_dials *d)
{
	if (d != NULL)
		free(d->list);
	free(d);
}

bool
whereabouts_dialled(const struct whereabouts_dials *d, const struct address *src,
    const struct address *dst)
{
	size_t i;

	for (i = 0; i < d->len; i++)
		if (d->list[i].src.port == src->port && d->list[i].dst.port == dst->port &&
		    address_same_ip(&d->list[i].src.ip, &src->ip) &&
		    address_same_ip(&d->list[i].dst.ip, &dst->ip))
			return true;
	return false;
}
