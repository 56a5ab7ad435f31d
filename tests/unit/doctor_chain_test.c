/* doctor_chain_test.c - what the doctor reads out of iptables-save and nft list ruleset
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/doctor_chain.h"

struct row {
	const char *line;
	enum chain_match match;
	bool sure, toward;
	enum chain_verdict verdict;
};

#define NEVER CHAIN_NEVER, false, false, VERDICT_NONE

static const struct chain_packet from_lan = { 25, "lan0" };

static void
same_view(const struct row *row, const struct chain_view *v)
{
	if (v->match != row->match)
		fail_msg("%s: match is %d", row->line, v->match);
	if (row->match == CHAIN_NEVER)
		return;
	if (v->sure != row->sure || v->toward != row->toward || v->verdict != row->verdict)
		fail_msg("%s: sure %d, toward %d, verdict %d", row->line, v->sure, v->toward,
		    v->verdict);
}

static void
rules_of_iptables(void **state)
{
	static const struct row rows[] = {
		{ "-A P -p tcp -m tcp --dport 25 -j REDIRECT --to-ports 99", CHAIN_NAMED, true,
		    false, VERDICT_REDIRECT },
		{ "-A P -p tcp -m tcp --dport 26 -j REDIRECT --to-ports 25", NEVER },
		{ "-A P -p tcp -m tcp --dport 20:30 -j DNAT --to-destination 1.2.3.4", CHAIN_NAMED,
		    true, false, VERDICT_REDIRECT },
		{ "-A P -p tcp -m tcp --dport 26:30 -j DROP", NEVER },
		{ "-A P -p tcp -m tcp ! --dport 20:30 -j DROP", NEVER },
		{ "-A P -p tcp -m tcp ! --dport 80 -j DROP", CHAIN_MAYBE, true, false,
		    VERDICT_DROP },
		{ "-A P -p tcp -m multiport --dports 587,25 -j TPROXY --on-port 7", CHAIN_NAMED,
		    true, false, VERDICT_REDIRECT },
		{ "-A P -p tcp -m multiport --dports 125,250:300 -j DROP", NEVER },
		{ "-A P -p udp -m udp --dport 25 -j DROP", NEVER },
		{ "-A P ! -p udp -j DROP", CHAIN_MAYBE, true, false, VERDICT_DROP },
		{ "-A P -i lan0 -j ACCEPT", CHAIN_MAYBE, true, false, VERDICT_ACCEPT },
		{ "-A P -i lan+ -j ACCEPT", CHAIN_MAYBE, true, false, VERDICT_ACCEPT },
		{ "-A P -i wan0 -j ACCEPT", NEVER },
		{ "-A P ! -i lan0 -j ACCEPT", NEVER },
		{ "-A P -d 192.0.2.1/32 -p tcp -m tcp --dport 25 -j DNAT --to-destination 1.2.3.4",
		    CHAIN_NAMED, false, true, VERDICT_REDIRECT },
		{ "-A P ! -d 192.0.2.1/32 -j DROP", CHAIN_MAYBE, false, false, VERDICT_DROP },
		{ "-A P -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", NEVER },
		{ "-A P -m conntrack ! --ctstate ESTABLISHED -j DROP", CHAIN_MAYBE, true, false,
		    VERDICT_DROP },
		{ "-A P -m state --state NEW -j ACCEPT", CHAIN_MAYBE, true, false,
		    VERDICT_ACCEPT },
		{ "-A P -m comment --comment \"a \\\"b -j ACCEPT\" -j DROP", CHAIN_MAYBE, true,
		    false, VERDICT_DROP },
		{ "-A P ! -i wan0 -p tcp -j DROP", CHAIN_MAYBE, true, false, VERDICT_DROP },
		{ "-A P -m owner --socket-exists ! -p udp -j DROP", CHAIN_MAYBE, false, false,
		    VERDICT_DROP },
		{ "-A P -m set --match-set s dst -j DROP", CHAIN_MAYBE, false, false,
		    VERDICT_DROP },
		{ "-A P", CHAIN_MAYBE, true, false, VERDICT_NONE },
		{ "-A P -p", NEVER },
		{ "-A P -j", CHAIN_MAYBE, true, false, VERDICT_JUMP },
	};
	struct chain_view v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		iptables_rule((struct token){ rows[i].line, strlen(rows[i].line) }, &from_lan, &v);
		same_view(&rows[i], &v);
	}
}

static char *
text_of(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	return copy;
}

static const char nft_list[] =
    "table inet fw {\n"
    "\tset mailports {\n\t\ttype inet_service\n\t\telements = { 24,\n\t\t\t     25, 465 }\n\t}\n\n"
    "\tset others {\n\t\ttype inet_service\n\t\telements = { 80-90 }\n\t}\n\n"
    "\tchain pre {\n"
    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
    "\t\ttcp dport 20-30 jump foo\n"
    "\t}\n\n"
    "\tchain foo {\n\t\tdnat ip to 10.0.0.3\n\t}\n\n"
    "\tchain in {\n"
    "\t\ttype filter hook input priority filter; policy drop;\n"
    "\t\tct state established,related accept\n"
    "\t}\n"
    "}\n"
    "table inet postern {\n\tchain nat_pre {\n"
    "\t\ttype nat hook prerouting priority -101; policy accept;\n"
    "\t\ttcp dport 25 redirect to :10025\n\t}\n}\n";

static void
rules_of_nft(void **state)
{
	static const struct row rows[] = {
		{ "iifname \"lan0\" tcp dport 25 redirect to :2525", CHAIN_NAMED, true, false,
		    VERDICT_REDIRECT },
		{ "iifname \"wan0\" tcp dport 25 redirect to :2525", NEVER },
		{ "iifname != \"wan0\" accept", CHAIN_MAYBE, true, false, VERDICT_ACCEPT },
		{ "iifname \"lan*\" accept", CHAIN_MAYBE, true, false, VERDICT_ACCEPT },
		{ "iifname { \"a\", \"lan0\" } accept", CHAIN_MAYBE, true, false,
		    VERDICT_ACCEPT },
		{ "iif \"lo\" accept", NEVER },
		{ "tcp dport { 25, 587 } dnat ip to 10.0.0.1", CHAIN_NAMED, true, false,
		    VERDICT_REDIRECT },
		{ "tcp dport { 80, 587 } dnat ip to 10.0.0.1", NEVER },
		{ "tcp dport @mailports counter packets 0 bytes 25 dnat ip to 10.0.0.1:25 comment "
		    "\"x drop y\"", CHAIN_NAMED, true, false, VERDICT_REDIRECT },
		{ "tcp dport @others drop", NEVER },
		{ "tcp dport @unheard drop", CHAIN_MAYBE, false, false, VERDICT_DROP },
		{ "dnat ip to tcp dport map { 25 : 10.0.0.1, 80 : 10.0.0.2 }", CHAIN_NAMED, false,
		    false, VERDICT_REDIRECT },
		{ "dnat ip to tcp dport map { 80 : 10.0.0.2 }", NEVER },
		{ "th dport 25 redirect", CHAIN_NAMED, true, false, VERDICT_REDIRECT },
		{ "tcp dport 25 tproxy ip to :123 meta mark set 0x00000001 accept", CHAIN_NAMED,
		    true, false, VERDICT_REDIRECT },
		{ "udp dport 25 drop", NEVER },
		{ "meta l4proto udp drop", NEVER },
		{ "meta l4proto { tcp, udp } drop", CHAIN_MAYBE, true, false, VERDICT_DROP },
		{ "tcp dport != 25 accept", NEVER },
		{ "tcp dport != { 80, 443 } accept", CHAIN_MAYBE, true, false, VERDICT_ACCEPT },
		{ "ct state established,related accept", NEVER },
		{ "ct state { established, new } accept", CHAIN_MAYBE, true, false,
		    VERDICT_ACCEPT },
		{ "ct state vmap { established : accept, invalid : drop }", CHAIN_MAYBE, false,
		    false, VERDICT_NONE },
		{ "ip daddr 192.0.2.1 tcp dport 25 dnat ip to 10.0.0.1", CHAIN_NAMED, false, true,
		    VERDICT_REDIRECT },
		{ "ip saddr 10.0.0.0/8 drop", CHAIN_MAYBE, false, false, VERDICT_DROP },
		{ "log prefix \"a drop\" drop", CHAIN_MAYBE, true, false, VERDICT_DROP },
		{ "reject with icmpx admin-prohibited", CHAIN_MAYBE, true, false, VERDICT_DROP },
		{ "limit rate 1/second accept", CHAIN_MAYBE, false, false, VERDICT_ACCEPT },
		{ "tcp dport {", NEVER },
		{ "tcp", CHAIN_MAYBE, false, false, VERDICT_NONE },
	};
	static const char table[] = "inet fw";
	struct chains *c = chains_new();
	struct chain_view v;
	size_t i;

	(void)state;
	assert_true(chains_nft(c, text_of(nft_list)));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nft_rule((struct token){ rows[i].line, strlen(rows[i].line) }, &from_lan, c,
		    (struct token){ table, strlen(table) }, &v);
		same_view(&rows[i], &v);
	}
	chains_free(c);
}

struct seen {
	unsigned rules, redirects, named, ends;
	bool drops;
	char last[128];
};

static bool
on_rule(void *arg, const struct chain_view *v, struct token line)
{
	struct seen *s = arg;

	s->rules++;
	if (v->verdict == VERDICT_REDIRECT) {
		s->redirects++;
		s->named += v->match == CHAIN_NAMED;
		snprintf(s->last, sizeof(s->last), "%.*s", (int)line.len, line.p);
	}
	return true;
}

static void
on_end(void *arg, const char *family, bool drops)
{
	struct seen *s = arg;

	(void)family;
	s->ends++;
	s->drops = s->drops || drops;
}

static struct seen
walk(const struct chains *c, const char *hook)
{
	struct seen s = { .rules = 0 };
	const struct chain_visitor visitor = { on_rule, on_end, &s };

	chains_walk(c, hook, &from_lan, &visitor);
	return s;
}

static void
walks(void **state)
{
	struct chains *c = chains_new();
	struct seen s;

	(void)state;
	assert_true(chains_nft(c, text_of(nft_list)));
	s = walk(c, "prerouting");
	assert_int_equal(s.redirects, 1);	/* by the jump, which names the port; ours is not */
	assert_int_equal(s.named, 1);
	assert_string_equal(s.last, "dnat ip to 10.0.0.3");
	assert_false(s.drops);
	s = walk(c, "input");
	assert_int_equal(s.rules, 0);
	assert_int_equal(s.ends, 1);
	assert_true(s.drops);
	assert_int_equal(walk(c, "output").ends, 0);
	chains_free(c);
}

static void
walks_iptables(void **state)
{
	static const char save[] =
	    "# Generated\n*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [1:2]\n:LOOP - [0:0]\n"
	    ":POSTERN - [0:0]\n:RET - [0:0]\n"
	    "-A PREROUTING -p tcp -m tcp --dport 25 -j POSTERN\n"
	    "-A PREROUTING -p tcp -j RET\n"
	    "-A PREROUTING -p tcp -m tcp --dport 25 -j LOOP\n"
	    "-A LOOP -j LOOP\n-A LOOP -j DNAT --to-destination 10.0.0.1\n"
	    "-A POSTERN -i lan0 -j REDIRECT --to-ports 10025\n"
	    "-A RET -j RETURN\n-A RET -j REDIRECT --to-ports 1\nCOMMIT\n"
	    "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n";
	static const char nft[] =
	    "table ip nat {\n\tchain PREROUTING {\n"
	    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
	    "\t\ttcp dport 25 redirect to :1\n\t}\n}\n"
	    "table ip6 nat {\n\tchain PREROUTING {\n"
	    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
	    "\t\ttcp dport 25 redirect to :6\n\t}\n}\n";
	struct chains *c = chains_new();
	struct seen s;

	(void)state;
	assert_true(chains_iptables(c, text_of(save), "ip"));
	s = walk(c, "prerouting");
	assert_int_equal(s.redirects, 16);	/* a chain that jumps to itself ends somewhere */
	assert_int_equal(s.named, s.redirects);
	assert_string_equal(s.last, "-A LOOP -j DNAT --to-destination 10.0.0.1");
	assert_true(walk(c, "input").drops);
	/* What iptables-save has shown is not counted twice. */
	assert_true(chains_nft(c, text_of(nft)));
	assert_int_equal(walk(c, "prerouting").redirects, s.redirects + 1);
	chains_free(c);
}

static void
cut_anywhere(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(nft_list); i++) {
		struct chains *c = chains_new();
		char *text = malloc(i + 1);

		assert_non_null(text);
		memcpy(text, nft_list, i);
		text[i] = '\0';
		assert_true(chains_nft(c, text));
		walk(c, "prerouting");
		walk(c, "input");
		chains_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_iptables),
		cmocka_unit_test(rules_of_nft),
		cmocka_unit_test(walks),
		cmocka_unit_test(walks_iptables),
		cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
