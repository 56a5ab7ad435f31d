/* ruleset_nft.c - the rules for nft: two tables of our own, and nobody else's touched
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same as with iptables, chain for chain. What refuses and what redirects comes before others
 * of the same hook; what marks comes after mangle, where others may set the whole of a mark; the
 * guard comes last. What somebody accepts elsewhere is still seen here. The guard asks where a
 * packet comes from, not for marks, so it needs nothing of the first table.
 *
 * nft's tproxy lets a packet pass where nobody listens, so a drop follows it. A packet without a
 * socket has no skuid, and then the rule does not hold. */
#include "nfq/ruleset_text.h"

#define MARK(what) "meta mark & $mask " what
#define CT_MARK(what) "ct mark & $mask " what
#define SET_MARK(to) "meta mark set meta mark & $rest | " to
#define SET_CT_MARK(to) "ct mark set ct mark & $rest | " to
#define SYN "tcp flags & (fin | syn | rst | ack) == syn "
#define CUT "tcp flags & rst == 0 " CT_MARK("== $cut") " counter reject with tcp reset"
#define UNKNOWN "tcp flags & (fin | syn | rst | ack) != syn ct state new " SET_CT_MARK("$cut")
#define REJECT "counter reject with tcp reset"
/* This host's own mail that is not postern's. */
#define OUT "tcp dport 25 meta skuid != $uid " MARK("!= $own") " fib daddr type != local "
#define CLIENT "$from tcp dport 25 "
#define DNS_ANSWER "meta l4proto { tcp, udp } th sport 53 log group $dns"

static const struct ruleset_line bring[] = {
	/* `delete` fails where there is none, `add` never: all of it is one transaction. */
	{ 0, "add table inet postern" },
	{ 0, "delete table inet postern" },
	{ 0, "add table inet postern_guard" },
	{ 0, "delete table inet postern_guard" },
	{ 0, "table inet postern {" },
	{ 0, "\tchain prerouting {" },
	{ 0, "\t\ttype filter hook prerouting priority -149; policy accept;" },
	{ 0, "\t\t" CLIENT "fib daddr type != local jump client" },
	{ SOURCE, "\t\ttcp sport 25 ct direction reply " CT_MARK("== $own ") SET_MARK("$proxy") },
	{ SOURCE, "\t\tmeta l4proto { icmp, ipv6-icmp } ct direction reply " CT_MARK("== $own ")
	    SET_MARK("$proxy") },
	{ 0, "\t}" },
	{ 0, "\tchain client {" },
	{ GATE, "\t\tjump gate" },
	{ GATE, "\t\t" MARK("== $direct return") },
	{ GATE | REDIRECT, "\t\t" MARK("== $proxy return") },
	{ GATE | TPROXY | V4, "\t\tmeta nfproto ipv4 meta l4proto tcp " MARK("== $proxy ")
	    "tproxy ip to :$port accept" },
	{ GATE | TPROXY | V6, "\t\tmeta nfproto ipv6 meta l4proto tcp " MARK("== $proxy ")
	    "tproxy ip6 to :$port accept" },
	{ GATE | TPROXY, "\t\t" MARK("== $proxy drop") },
	{ PLAIN | TPROXY | V4, "\t\tmeta nfproto ipv4 meta l4proto tcp tproxy ip to :$port "
	    SET_MARK("$proxy accept") },
	{ PLAIN | TPROXY | V6, "\t\tmeta nfproto ipv6 meta l4proto tcp tproxy ip6 to :$port "
	    SET_MARK("$proxy accept") },
	{ PLAIN | TPROXY, "\t\tdrop" },
	{ PLAIN | REDIRECT, "\t\t" SET_MARK("$seen") },
	{ CLOSED | GATE, "\t\t" SET_MARK("$seen") },
	{ 0, "\t}" },
	{ GATE, "\tchain gate {" },
	{ GATE | CLOSED, "\t\t" SYN MARK("== 0 queue num $queue") },
	{ GATE | OPEN, "\t\t" SYN MARK("== 0 queue num $queue bypass") },
	{ GATE, "\t\t" SYN MARK("== $proxy ") SET_CT_MARK("$proxy") },
	{ GATE, "\t\t" SYN MARK("== $direct ") SET_CT_MARK("$direct") },
	{ GATE, "\t\t" CT_MARK("== $proxy ") SET_MARK("$proxy") },
	{ GATE, "\t\t" CT_MARK("== $direct ") SET_MARK("$direct") },
	{ GATE, "\t}" },
	{ REDIRECT, "\tchain nat_prerouting {" },
	{ REDIRECT, "\t\ttype nat hook prerouting priority -101; policy accept;" },
	{ REDIRECT | PLAIN, "\t\t" CLIENT "fib daddr type != local redirect to :$port" },
	{ REDIRECT | GATE, "\t\t" CLIENT "fib daddr type != local " MARK("== $proxy ")
	    "redirect to :$port" },
	{ REDIRECT, "\t}" },
};

static const struct ruleset_line refuse[] = {
	{ 0, "\tchain forward {" },
	{ 0, "\t\ttype filter hook forward priority -1; policy accept;" },
	{ OPEN, "\t\t" CLIENT UNKNOWN },
	{ OPEN, "\t\t$to tcp sport 25 " UNKNOWN },
	{ 0, "\t\ttcp dport 25 " CUT },
	{ 0, "\t\ttcp sport 25 " CUT },
	{ CLOSED | PLAIN, "\t\t" CLIENT REJECT },
	{ CLOSED | GATE, "\t\t" CLIENT MARK("!= $direct ") REJECT },
	{ 0, "\t}" },
	{ SOURCE, "\tchain own {" },
	{ SOURCE, "\t\ttype filter hook output priority -149; policy accept;" },
	{ SOURCE, "\t\ttcp dport 25 " MARK("== $own ") SET_CT_MARK("$own") },
	{ SOURCE, "\t}" },
	{ LOCAL | GATE, "\tchain gate_output {" },
	{ LOCAL | GATE, "\t\ttype route hook output priority -149; policy accept;" },
	{ LOCAL | GATE, "\t\t" OUT "jump gate" },
	{ LOCAL | GATE, "\t}" },
	{ LOCAL, "\tchain nat_output {" },
	{ LOCAL, "\t\ttype nat hook output priority -101; policy accept;" },
	{ LOCAL | PLAIN, "\t\t" OUT "redirect to :$port" },
	{ LOCAL | GATE, "\t\t" OUT MARK("== $proxy ") "redirect to :$port" },
	{ LOCAL, "\t}" },
	{ LOCAL, "\tchain output {" },
	{ LOCAL, "\t\ttype filter hook output priority -1; policy accept;" },
	{ LOCAL | OPEN, "\t\ttcp dport 25 " CUT },
	{ LOCAL | CLOSED | PLAIN, "\t\t" OUT REJECT },
	{ LOCAL | CLOSED | GATE, "\t\t" OUT MARK("!= $direct ") REJECT },
	{ LOCAL, "\t}" },
	{ DNS, "\tchain dns {" },
	{ DNS, "\t\ttype filter hook postrouting priority -151; policy accept;" },
	{ DNS, "\t\t$to " DNS_ANSWER },
	{ DNS | LOCAL, "\t\toifname \"lo\" " DNS_ANSWER },
	{ DNS, "\t}" },
	{ DNS | LOCAL, "\tchain dns_input {" },
	{ DNS | LOCAL, "\t\ttype filter hook input priority -151; policy accept;" },
	{ DNS | LOCAL, "\t\tiifname != \"lo\" " DNS_ANSWER },
	{ DNS | LOCAL, "\t}" },
	{ 0, "}" },
};

static const struct ruleset_line guard[] = {
	{ 0, "table inet postern_guard {" },
	{ 0, "\tchain leak {" },
	{ CLOSED, "\t\tcounter log prefix \"postern leak\" group $leak" },
	{ CLOSED, "\t\tdrop" },
	{ OPEN, "\t\tcounter" },
	{ OPEN, "\t\t" SYN "log prefix \"postern leak\" group $leak" },
	{ 0, "\t}" },
	{ 0, "\tchain forward {" },
	{ 0, "\t\ttype filter hook forward priority 10; policy accept;" },
	{ PLAIN, "\t\t" CLIENT "jump leak" },
	{ GATE, "\t\t" CLIENT MARK("!= $direct jump leak") },
	{ 0, "\t}" },
	{ LOCAL, "\tchain local {" },
	{ LOCAL, "\t\ttype filter hook postrouting priority -149; policy accept;" },
	{ LOCAL | PLAIN, "\t\t" OUT "jump leak" },
	{ LOCAL | GATE, "\t\t" OUT MARK("!= $direct jump leak") },
	{ LOCAL, "\t}" },
	{ 0, "}" },
};

void
ruleset_nft(const struct ruleset_text *t)
{
	RULESET_LINES(t, bring);
	RULESET_LINES(t, refuse);
	RULESET_LINES(t, guard);
}
