/* plan_test.c - what the firewall is to do, out of a configuration and a host
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "namespace.h"
#include "nfq/plan.h"

#define NETWORKS 4

static bool off4, off6;

static bool
family_off(bool v6)
{
	return v6 ? off6 : off4;
}

static bool
user(const char *name, uid_t *uid)
{
	*uid = 990;
	return strcmp(name, "postern") == 0;
}

static const struct plan_host host = { family_off, user };

/* A configuration with these networks, words apart by one space. */
static struct config
configuration(const char *from, struct network networks[NETWORKS])
{
	static char name[] = "postern";
	struct config c = { .user = name };
	bool bits;

	c.intercept.listen.port = 10025;
	c.intercept.from = networks;
	c.intercept.watch = true;
	while (*from != '\0') {
		size_t len = strcspn(from, " ");

		assert_true(network_parse(&networks[c.intercept.from_len++], from, len, &bits));
		from += len + (from[len] == ' ');
	}
	return c;
}

static void
families(void **state)
{
	static const struct {
		const char *from;
		bool off4, off6, ok, v4, v6;
		const char *says;
	} rows[] = {
		{ "192.0.2.0/24 2001:db8::/32", false, false, true, true, true, "" },
		{ "192.0.2.0/24", false, true, true, true, false, "" },
		{ "192.0.2.0/24 2001:db8::/32", false, true, true, true, false, "" },
		{ "2001:db8::/32", true, false, true, false, true, "" },
		{ "192.0.2.0/24", false, false, false, false, false, "no IPv6 network" },
		{ "2001:db8::/32", false, false, false, false, false, "no IPv4 network" },
		{ "192.0.2.0/24", true, false, false, false, false, "no IPv6 network" },
		{ "192.0.2.0/24", true, true, false, false, false, "neither" },
	};
	struct network networks[NETWORKS];
	char error[300];
	struct plan p;
	size_t i;
	int local;

	(void)state;
	/* `local` does not stand for clients: theirs would go past. */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (local = 0; local < 2; local++) {
			struct config c = configuration(rows[i].from, networks);

			c.intercept.local = local;
			off4 = rows[i].off4;
			off6 = rows[i].off6;
			error[0] = '\0';
			assert_int_equal(plan_make(&c, &host, &p, error, sizeof(error)),
			    rows[i].ok);
			assert_non_null(strstr(error, rows[i].says));
			if (!rows[i].ok)
				continue;
			assert_int_equal(p.v4, rows[i].v4);
			assert_int_equal(p.v6, rows[i].v6);
			assert_int_equal(p.local, local);
		}
	off4 = off6 = false;
}

static void
serves(void **state)
{
	struct network networks[NETWORKS];
	struct config c = configuration("192.0.2.0/24", networks);
	struct plan p = { .from = networks, .from_len = c.intercept.from_len };

	(void)state;
	assert_true(plan_serves(&p, true));
	assert_false(plan_serves(&p, false));
	p.local = true;
	assert_true(plan_serves(&p, false));
}

/* The names go into commands and rules: nothing but what interfaces are called. */
static void
interface_names(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {
		{ "lan0", true }, { "br-lan.7", true }, { "ppp+", true }, { "eth0@if2", true },
		{ "", false }, { "-j", false }, { "a b", false }, { "a;reboot", false },
		{ "$(reboot)", false }, { "`a`", false }, { "a\nb", false }, { "+", false },
		{ "a\"b", false }, { "$from", false }, { "sixteen-letters!", false },
		{ "sixteenletters00", false }, { "fifteenletters0", true }, { "l\xc3\xa4n", false },
	};
	struct network networks[NETWORKS];
	char error[300], name[32];
	struct plan p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c = configuration("192.0.2.0/24 ::/0", networks);

		strcpy(name, rows[i].name);
		c.intercept.interface = name;
		assert_int_equal(plan_make(&c, &host, &p, error, sizeof(error)), rows[i].ok);
		if (!rows[i].ok)
			assert_non_null(strstr(error, "intercept.interface"));
	}
}

static void
gate_and_copies(void **state)
{
	static const struct {
		bool open, required, watch, ok, gate, dns;
	} rows[] = {
		{ false, false, true, true, false, true },
		{ false, false, false, true, false, false },
		{ true, false, true, true, true, true }, { false, true, true, true, true, true },
		{ true, true, true, true, true, true }, { true, false, false, false, true, false },
		{ false, true, false, false, true, false },
	};
	struct network networks[NETWORKS];
	char error[300];
	struct plan p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c = configuration("192.0.2.0/24 ::/0", networks);

		c.intercept.open = rows[i].open;
		c.intercept.required = rows[i].required;
		c.intercept.watch = rows[i].watch;
		assert_int_equal(plan_make(&c, &host, &p, error, sizeof(error)), rows[i].ok);
		assert_int_equal(p.gate, rows[i].gate);
		assert_int_equal(p.dns, rows[i].dns);
		assert_int_equal(p.open, rows[i].open);
	}
}

static void
refused(void **state)
{
	static char nobody[] = "nobody-of-that-name";
	struct network networks[NETWORKS];
	struct config c = configuration("192.0.2.0/24 ::/0", networks);
	char error[300];
	struct plan p;

	(void)state;
	c.intercept.method = METHOD_NONE;
	assert_false(plan_make(&c, &host, &p, error, sizeof(error)));
	assert_non_null(strstr(error, "somebody else's"));
	c.intercept.method = METHOD_REDIRECT;
	c.intercept.source_client = true;
	assert_false(plan_make(&c, &host, &p, error, sizeof(error)));
	assert_non_null(strstr(error, "tproxy"));
	c.intercept.method = METHOD_TPROXY;
	assert_true(plan_make(&c, &host, &p, error, sizeof(error)));
	assert_true(p.source_client);
	assert_int_equal(p.uid, 990);
	assert_int_equal(p.port, 10025);
	c.user = nobody;
	assert_false(plan_make(&c, &host, &p, error, sizeof(error)));
	assert_non_null(strstr(error, "nobody-of-that-name"));
}

static void
this_machine(void **state)
{
	uid_t uid = 1;

	(void)state;
	assert_false(plan_host.family_off(false));
	if (access("/proc/sys/net/ipv6", F_OK) != 0)
		assert_true(plan_host.family_off(true));
	assert_true(plan_host.user("root", &uid));
	assert_int_equal(uid, 0);
	assert_false(plan_host.user("nobody-of-that-name", &uid));
}

/* What each interface says counts: conf/all speaks for those that were there. */
static void
ipv6_switched_off(void **state)
{
	(void)state;
	if (access("/proc/sys/net/ipv6", F_OK) != 0 || !namespace_new())
		skip();
	assert_false(plan_host.family_off(true));
	assert_int_equal(system("ip link add lan0 type veth peer name lan1; "
	    "sysctl -qw net.ipv6.conf.all.disable_ipv6=1"), 0);
	assert_true(plan_host.family_off(true));
	assert_int_equal(system("sysctl -qw net.ipv6.conf.lo.disable_ipv6=0"), 0);
	assert_true(plan_host.family_off(true));
	assert_int_equal(system("sysctl -qw net.ipv6.conf.lan0.disable_ipv6=0"), 0);
	assert_false(plan_host.family_off(true));
	assert_int_equal(system("sysctl -qw net.ipv6.conf.lan0.disable_ipv6=1; "
	    "sysctl -qw net.ipv6.conf.default.disable_ipv6=0"), 0);
	assert_false(plan_host.family_off(true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families),
		cmocka_unit_test(serves),
		cmocka_unit_test(interface_names),
		cmocka_unit_test(gate_and_copies),
		cmocka_unit_test(refused),
		cmocka_unit_test(this_machine),
		cmocka_unit_test(ipv6_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
