/* ruleset_iptables.c - the rules for iptables: filter and nat, and the jumps to all our chains
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Redirected connections are not forwarded any more, so the filter sees only what has lost its way:
 * a connection older than the rules, or one whose redirection somebody took away. Packets that the
 * kernel makes without a socket (resets, the last words of closed connections) are left alone. */
#include "nfq/ruleset_text.h"

#include <assert.h>

#define REJECT " -j REJECT --reject-with tcp-reset"
#define MAIL "-p tcp -m tcp --dport 25"
#define MAIL_BACK "-p tcp -m tcp --sport 25"
#define NO_SYN "! --tcp-flags FIN,SYN,RST,ACK SYN"
#define DNS_UDP "-p udp -m udp --sport 53"
#define DNS_TCP "-p tcp -m tcp --sport 53"

static const struct ruleset_line filter[] = {
	{ 0, "*filter" },
	{ CLOSED, ":POSTERN - [0:0]" },
	{ 0, ":POSTERN-CUT - [0:0]" },
	{ CLOSED | LOCAL, ":POSTERN-OUT - [0:0]" },
	{ CLOSED | GATE, "-A POSTERN -m mark --mark $direct/$mask -j RETURN" },
	{ CLOSED, "-A POSTERN $from -p tcp" REJECT },
	/* Amid a connection and yet unknown: older than the kernel's memory of connections. With
	 * `closed` POSTERN refuses it anyway. */
	{ OPEN, "-A POSTERN-CUT $from " MAIL " " NO_SYN " -m conntrack --ctstate NEW -j CONNMARK "
	    "--set-xmark $cut/$mask" },
	{ OPEN, "-A POSTERN-CUT $to " MAIL_BACK " " NO_SYN " -m conntrack --ctstate NEW "
	    "-j CONNMARK --set-xmark $cut/$mask" },
	/* A reset is not answered but would be dropped: the one that REJECT sends passes here. */
	{ 0, "-A POSTERN-CUT -p tcp -m tcp ! --tcp-flags RST RST -m connmark --mark $cut/$mask"
	    REJECT },
	{ CLOSED | LOCAL, "-A POSTERN-OUT -m owner --uid-owner $uid -j RETURN" },
	{ CLOSED | LOCAL, "-A POSTERN-OUT -m mark --mark $own/$mask -j RETURN" },
	{ CLOSED | LOCAL, "-A POSTERN-OUT -m addrtype --dst-type LOCAL -j RETURN" },
	{ CLOSED | LOCAL | GATE, "-A POSTERN-OUT -m mark --mark $direct/$mask -j RETURN" },
	{ CLOSED | LOCAL, "-A POSTERN-OUT -p tcp -m owner --socket-exists" REJECT },
	{ 0, "COMMIT" },
};

static const struct ruleset_line nat[] = {
	{ NAT, "*nat" },
	{ REDIRECT, ":POSTERN - [0:0]" },
	{ LOCAL, ":POSTERN-OUT - [0:0]" },
	{ REDIRECT | PLAIN, "-A POSTERN $from -p tcp -m addrtype ! --dst-type LOCAL -j REDIRECT "
	    "--to-ports $port" },
	{ REDIRECT | GATE, "-A POSTERN $from -p tcp -m addrtype ! --dst-type LOCAL -m mark "
	    "--mark $proxy/$mask -j REDIRECT --to-ports $port" },
	{ LOCAL, "-A POSTERN-OUT -m owner --uid-owner $uid -j RETURN" },
	{ LOCAL, "-A POSTERN-OUT -m mark --mark $own/$mask -j RETURN" },
	{ LOCAL, "-A POSTERN-OUT -m addrtype --dst-type LOCAL -j RETURN" },
	{ LOCAL | PLAIN, "-A POSTERN-OUT -p tcp -j REDIRECT --to-ports $port" },
	{ LOCAL | GATE, "-A POSTERN-OUT -p tcp -m mark --mark $proxy/$mask -j REDIRECT "
	    "--to-ports $port" },
	{ NAT, "COMMIT" },
};

static const struct {
	unsigned need;
	const char *table, *base, *match, *chain;
} jumps[] = {
	{ CLOSED, "filter", "FORWARD", MAIL, "POSTERN" },
	{ 0, "filter", "FORWARD", MAIL, "POSTERN-CUT" },
	{ 0, "filter", "FORWARD", MAIL_BACK, "POSTERN-CUT" },
	{ LOCAL | CLOSED, "filter", "OUTPUT", MAIL, "POSTERN-OUT" },
	{ LOCAL | OPEN, "filter", "OUTPUT", MAIL, "POSTERN-CUT" },
	{ 0, "mangle", "PREROUTING", MAIL, "POSTERN" },
	{ SOURCE, "mangle", "PREROUTING", MAIL_BACK, "POSTERN-BACK" },
	{ SOURCE | V4, "mangle", "PREROUTING", "-p icmp", "POSTERN-BACK" },
	{ SOURCE | V6, "mangle", "PREROUTING", "-p ipv6-icmp", "POSTERN-BACK" },
	{ SOURCE, "mangle", "OUTPUT", MAIL, "POSTERN-OWN" },
	{ LOCAL | GATE, "mangle", "OUTPUT", MAIL, "POSTERN-OUT" },
	{ OPEN, "mangle", "FORWARD", MAIL, "POSTERN-GUARD" },
	{ CLOSED, "mangle", "POSTROUTING", MAIL, "POSTERN-GUARD" },
	{ LOCAL, "mangle", "POSTROUTING", MAIL, "POSTERN-GUARD-OUT" },
	{ DNS, "mangle", "POSTROUTING", DNS_UDP, "POSTERN-DNS" },
	{ DNS, "mangle", "POSTROUTING", DNS_TCP, "POSTERN-DNS" },
	{ DNS | LOCAL, "mangle", "INPUT", DNS_UDP, "POSTERN-DNS-IN" },
	{ DNS | LOCAL, "mangle", "INPUT", DNS_TCP, "POSTERN-DNS-IN" },
	{ REDIRECT, "nat", "PREROUTING", MAIL, "POSTERN" },
	{ LOCAL, "nat", "OUTPUT", MAIL, "POSTERN-OUT" },
};

void
ruleset_iptables(const struct ruleset_text *t)
{
	/* What closes stands before what brings, so that no moment is open. */
	RULESET_LINES(t, filter);
	ruleset_mangle(t);
	RULESET_LINES(t, nat);
}

void
ruleset_jumps(const struct ruleset_text *t, struct ruleset *r)
{
	unsigned facts = ruleset_facts(t);
	size_t i;

	for (i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct ruleset_jump *jump = &r->jumps[r->jumps_len];

		if ((jumps[i].need & facts) != jumps[i].need)
			continue;
		assert(r->jumps_len < RULESET_JUMPS_MAX);
		r->jumps_len++;
		jump->v4 = t->v4;
		snprintf(jump->table, sizeof(jump->table), "%s", jumps[i].table);
		snprintf(jump->base, sizeof(jump->base), "%s", jumps[i].base);
		snprintf(jump->chain, sizeof(jump->chain), "%s", jumps[i].chain);
		snprintf(jump->match, sizeof(jump->match), "%s", jumps[i].match);
	}
}
