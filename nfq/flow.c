/* flow.c - one entry of the kernel's connection table
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/flow.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

static void
take_ip(struct in6_addr *out, const struct nlattr *a, bool v4)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (v4 && mnl_attr_get_payload_len(a) == 4) {
		memcpy(out->s6_addr, mapped, sizeof(mapped));
		memcpy(out->s6_addr + 12, mnl_attr_get_payload(a), 4);
	} else if (!v4 && mnl_attr_get_payload_len(a) == 16) {
		memcpy(out->s6_addr, mnl_attr_get_payload(a), 16);
	}
}

static uint16_t
port(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == 2 ? ntohs(mnl_attr_get_u16(a)) : 0;
}

static uint32_t
number(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == 4 ? ntohl(mnl_attr_get_u32(a)) : 0;
}

static int
ip_attribute(const struct nlattr *a, void *arg)
{
	struct flow *f = arg;

	switch (mnl_attr_get_type(a)) {
	case CTA_IP_V4_SRC:
	case CTA_IP_V6_SRC:
		take_ip(&f->src.ip, a, mnl_attr_get_type(a) == CTA_IP_V4_SRC);
		break;
	case CTA_IP_V4_DST:
	case CTA_IP_V6_DST:
		take_ip(&f->dst.ip, a, mnl_attr_get_type(a) == CTA_IP_V4_DST);
		break;
	}
	return MNL_CB_OK;
}

static int
protocol_attribute(const struct nlattr *a, void *arg)
{
	struct flow *f = arg;

	switch (mnl_attr_get_type(a)) {
	case CTA_PROTO_NUM:
		if (mnl_attr_get_payload_len(a) == 1)
			f->protocol = mnl_attr_get_u8(a);
		break;
	case CTA_PROTO_SRC_PORT:
		f->src.port = port(a);
		break;
	case CTA_PROTO_DST_PORT:
		f->dst.port = port(a);
		break;
	}
	return MNL_CB_OK;
}

static int
tuple_attribute(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == CTA_TUPLE_IP)
		mnl_attr_parse_nested(a, ip_attribute, arg);
	else if (mnl_attr_get_type(a) == CTA_TUPLE_PROTO)
		mnl_attr_parse_nested(a, protocol_attribute, arg);
	return MNL_CB_OK;
}

static int
tcp_attribute(const struct nlattr *a, void *arg)
{
	struct flow *f = arg;

	if (mnl_attr_get_type(a) == CTA_PROTOINFO_TCP_STATE && mnl_attr_get_payload_len(a) == 1)
		f->tcp_state = mnl_attr_get_u8(a);
	return MNL_CB_OK;
}

static int
info_attribute(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == CTA_PROTOINFO_TCP)
		mnl_attr_parse_nested(a, tcp_attribute, arg);
	return MNL_CB_OK;
}

static int
attribute(const struct nlattr *a, void *arg)
{
	struct flow *f = arg;

	switch (mnl_attr_get_type(a)) {
	case CTA_TUPLE_ORIG:
		if (mnl_attr_get_payload_len(a) <= sizeof(f->tuple)) {
			f->tuple_len = mnl_attr_get_payload_len(a);
			memcpy(f->tuple, mnl_attr_get_payload(a), f->tuple_len);
		}
		mnl_attr_parse_nested(a, tuple_attribute, f);
		break;
	case CTA_PROTOINFO:
		mnl_attr_parse_nested(a, info_attribute, f);
		break;
	case CTA_STATUS:
		f->status = number(a);
		break;
	case CTA_MARK:
		f->mark = number(a);
		break;
	case CTA_ZONE:
		f->has_zone = mnl_attr_get_payload_len(a) == 2;
		f->zone = f->has_zone ? mnl_attr_get_u16(a) : 0;
		break;
	}
	return MNL_CB_OK;
}

bool
flow_read(const struct nlmsghdr *message, struct flow *out)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);

	*out = (struct flow){ .family = AF_UNSPEC };
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head) ||
	    (head->nfgen_family != AF_INET && head->nfgen_family != AF_INET6))
		return false;
	out->family = head->nfgen_family;
	mnl_attr_parse(message, sizeof(*head), attribute, out);
	return out->tuple_len > 0 && out->src.port != 0;
}

struct nlmsghdr *
flow_mark(const struct flow *f, uint32_t mark, uint32_t mask, void *out)
{
	struct nlmsghdr *message;
	struct nfgenmsg *head;

	memset(out, 0, FLOW_MESSAGE_SIZE);
	message = mnl_nlmsg_put_header(out);
	message->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = f->family;
	mnl_attr_put(message, NLA_F_NESTED | CTA_TUPLE_ORIG, f->tuple_len, f->tuple);
	if (f->has_zone)
		mnl_attr_put_u16(message, CTA_ZONE, f->zone);
	mnl_attr_put_u32(message, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(message, CTA_MARK_MASK, htonl(mask));
	return message;
}
