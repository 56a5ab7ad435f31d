/* watch_test.c - netlink notices: which concern our rules, and whom they name
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include <cmocka.h>

#include "nfq/mark.h"
#include "nfq/watch.h"

static _Alignas(struct nlmsghdr) char buffer[2048];

static struct nlmsghdr *
message(char *at, uint16_t type, size_t header)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(at);

	m->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(m, header);
	return m;
}

static struct nlmsghdr *
generation(char *at, uint32_t pid, const char *name)
{
	struct nlmsghdr *m = message(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN,
	    sizeof(struct nfgenmsg));

	mnl_attr_put_u32(m, NFTA_GEN_ID, htonl(7));
	mnl_attr_put_u32(m, NFTA_GEN_PROC_PID, htonl(pid));
	mnl_attr_put_strz(m, NFTA_GEN_PROC_NAME, name);
	return m;
}

static void
a_generation_names_its_program(void **state)
{
	struct watch_change c;
	struct nlmsghdr *m = generation(buffer, 4711, "ip6tables-resto");

	(void)state;
	assert_true(watch_nftables(buffer, m->nlmsg_len, &c));
	assert_int_equal(c.pid, 4711);
	assert_string_equal(c.program, "ip6tables-resto");
	/* Every shorter copy is read without looking beyond it. */
	for (size_t len = 0; len < m->nlmsg_len; len++)
		assert_false(watch_nftables(buffer, len, &c));
	/* A name longer than any is cut. */
	m = generation(buffer, 1, "a-name-that-is-longer-than-the-kernel-knows-any");
	assert_true(watch_nftables(buffer, m->nlmsg_len, &c));
	assert_int_equal(strlen(c.program), WATCH_PROGRAM_SIZE - 1);
}

static void
other_notices_of_nftables_wake_nobody(void **state)
{
	struct watch_change c;
	struct nlmsghdr *m = message(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE,
	    sizeof(struct nfgenmsg));

	(void)state;
	assert_false(watch_nftables(buffer, m->nlmsg_len, &c));
	/* Behind another one in the same datagram it is seen. */
	struct nlmsghdr *second = generation(buffer + m->nlmsg_len, 12, "nft");
	assert_true(watch_nftables(buffer, m->nlmsg_len + second->nlmsg_len, &c));
	assert_string_equal(c.program, "nft");
}

static void
our_route_rules_and_no_others(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t preference;
		bool ours;
	} rows[] = {
		{ RTM_DELRULE, ROUTE_PREF_PROXY, true }, { RTM_DELRULE, ROUTE_PREF_END, true },
		{ RTM_NEWRULE, ROUTE_PREF_GUARD, true }, { RTM_DELRULE, ROUTE_PREF_OWN, true },
		{ RTM_NEWRULE, ROUTE_PREF_FIRST - 1, false },
		{ RTM_DELRULE, ROUTE_PREF_END + 1, false }, { RTM_DELRULE, 32766, false },
		{ RTM_NEWLINK, ROUTE_PREF_GUARD, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct watch_change c;
		struct nlmsghdr *m = message(buffer, rows[i].type, sizeof(struct fib_rule_hdr));
		mnl_attr_put_u32(m, FRA_PRIORITY, rows[i].preference);
		m->nlmsg_pid = 99;
		assert_int_equal(watch_route(buffer, m->nlmsg_len, &c), rows[i].ours);
		assert_int_equal(c.pid, rows[i].ours ? 99 : 0);
		for (size_t len = 0; len < m->nlmsg_len; len++)
			assert_false(watch_route(buffer, len, &c));
	}
}

/* A program with two sockets has one with a port of its own, beyond all processes. */
static void
a_port_that_is_no_process(void **state)
{
	struct watch_change c;
	struct nlmsghdr *m = message(buffer, RTM_DELRULE, sizeof(struct fib_rule_hdr));

	(void)state;
	mnl_attr_put_u32(m, FRA_PRIORITY, ROUTE_PREF_GUARD);
	m->nlmsg_pid = 4083433765;
	assert_true(watch_route(buffer, m->nlmsg_len, &c));
	assert_int_equal(c.pid, 0);
}

static void
our_table_and_no_other(void **state)
{
	static const uint32_t tables[] = { ROUTE_TABLE, ROUTE_TABLE + 1, RT_TABLE_MAIN };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct watch_change c;
		struct nlmsghdr *m = message(buffer, RTM_DELROUTE, sizeof(struct rtmsg));
		mnl_attr_put_u32(m, RTA_TABLE, tables[i]);
		assert_int_equal(watch_route(buffer, m->nlmsg_len, &c), i == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_generation_names_its_program),
		cmocka_unit_test(other_notices_of_nftables_wake_nobody),
		cmocka_unit_test(our_route_rules_and_no_others),
		cmocka_unit_test(a_port_that_is_no_process),
		cmocka_unit_test(our_table_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
