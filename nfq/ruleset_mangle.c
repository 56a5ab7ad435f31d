/* ruleset_mangle.c - the rules for iptables: mangle, where packets are told apart and watched
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POSTERN (who) and POSTERN-CLIENT (what becomes of him) see each packet of clients to port 25
 * elsewhere, once it is in. The gate's verdict is NF_REPEAT: a SYN with the mark that it was given
 * comes through this whole table again. Every SYN is decided anew, so that a connection of long ago
 * that is still remembered does not speak for a new one; the flow's other packets follow it.
 *
 * The guard is the last on the way out and leans on the marks alone, neither on filter nor on nat.
 * With when-down: open a SYN that nobody decided has left the table unmarked, so there it looks at
 * what is forwarded instead, and stops nothing. */
#include "nfq/ruleset_text.h"

#define SYN "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN"
#define TO_PROXY "-j TPROXY --on-port $port "
#define LOG_LEAK "-j NFLOG --nflog-prefix \"postern leak\" --nflog-group $leak"
#define LOG_DNS "-j NFLOG --nflog-group $dns"

static const struct ruleset_line chains[] = {
	{ 0, "*mangle" },
	{ 0, ":POSTERN - [0:0]" },
	{ 0, ":POSTERN-CLIENT - [0:0]" },
	{ GATE, ":POSTERN-GATE - [0:0]" },
	{ SOURCE, ":POSTERN-OWN - [0:0]" },
	{ SOURCE, ":POSTERN-BACK - [0:0]" },
	{ LOCAL | GATE, ":POSTERN-OUT - [0:0]" },
	{ 0, ":POSTERN-GUARD - [0:0]" },
	{ LOCAL, ":POSTERN-GUARD-OUT - [0:0]" },
	{ 0, ":POSTERN-LEAK - [0:0]" },
	{ DNS, ":POSTERN-DNS - [0:0]" },
	{ DNS | LOCAL, ":POSTERN-DNS-IN - [0:0]" },
};

static const struct ruleset_line client[] = {
	{ 0, "-A POSTERN $from -m addrtype ! --dst-type LOCAL -j POSTERN-CLIENT" },

	{ GATE, "-A POSTERN-CLIENT -j POSTERN-GATE" },
	{ GATE, "-A POSTERN-CLIENT -m mark --mark $direct/$mask -j RETURN" },
	{ GATE | REDIRECT, "-A POSTERN-CLIENT -m mark --mark $proxy/$mask -j RETURN" },
	/* Brings to the listener, or to its connection; without a listener it drops. */
	{ GATE | TPROXY | V4, "-A POSTERN-CLIENT -p tcp -m mark --mark $proxy/$mask "
	    TO_PROXY "--on-ip 0.0.0.0 --tproxy-mark $proxy/$mask" },
	{ GATE | TPROXY | V6, "-A POSTERN-CLIENT -p tcp -m mark --mark $proxy/$mask "
	    TO_PROXY "--on-ip :: --tproxy-mark $proxy/$mask" },
	{ PLAIN | TPROXY | V4, "-A POSTERN-CLIENT -p tcp "
	    TO_PROXY "--on-ip 0.0.0.0 --tproxy-mark $proxy/$mask" },
	{ PLAIN | TPROXY | V6, "-A POSTERN-CLIENT -p tcp "
	    TO_PROXY "--on-ip :: --tproxy-mark $proxy/$mask" },
	{ PLAIN | REDIRECT, "-A POSTERN-CLIENT -j MARK --set-xmark $seen/$mask" },
	{ CLOSED | GATE, "-A POSTERN-CLIENT -j MARK --set-xmark $seen/$mask" },

	{ GATE | CLOSED, "-A POSTERN-GATE " SYN " -m mark --mark 0x0/$mask -j NFQUEUE "
	    "--queue-num $queue" },
	{ GATE | OPEN, "-A POSTERN-GATE " SYN " -m mark --mark 0x0/$mask -j NFQUEUE "
	    "--queue-num $queue --queue-bypass" },
	{ GATE, "-A POSTERN-GATE " SYN " -j CONNMARK --save-mark --nfmask $mask --ctmask $mask" },
	{ GATE, "-A POSTERN-GATE -m connmark --mark $proxy/$mask -j MARK --set-xmark "
	    "$proxy/$mask" },
	{ GATE, "-A POSTERN-GATE -m connmark --mark $direct/$mask -j MARK --set-xmark "
	    "$direct/$mask" },
};

static const struct ruleset_line own[] = {
	{ SOURCE, "-A POSTERN-OWN -m mark --mark $own/$mask -j CONNMARK --set-xmark $own/$mask" },
	/* Answers to an address that is not this host's, errors of the network among them (ICMP),
	 * are delivered here by the mark. */
	{ SOURCE, "-A POSTERN-BACK -m connmark --mark $own/$mask -m conntrack --ctdir REPLY "
	    "-j MARK --set-xmark $proxy/$mask" },
	/* Others restore the whole mark of a flow behind us (several uplinks). */
	{ SOURCE, "-A POSTERN-BACK -m mark --mark $proxy/$mask -j ACCEPT" },

	{ LOCAL | GATE, "-A POSTERN-OUT -m owner --uid-owner $uid -j RETURN" },
	{ LOCAL | GATE, "-A POSTERN-OUT -m mark --mark $own/$mask -j RETURN" },
	{ LOCAL | GATE, "-A POSTERN-OUT -m addrtype --dst-type LOCAL -j RETURN" },
	{ LOCAL | GATE, "-A POSTERN-OUT -j POSTERN-GATE" },
};

static const struct ruleset_line guard[] = {
	{ CLOSED, "-A POSTERN-GUARD -m mark --mark $seen/$mask -j POSTERN-LEAK" },
	{ CLOSED, "-A POSTERN-GUARD -m mark --mark $proxy/$mask -j POSTERN-LEAK" },
	{ OPEN, "-A POSTERN-GUARD $from -m mark ! --mark $direct/$mask -m connmark ! --mark "
	    "$cut/$mask -j POSTERN-LEAK" },

	{ LOCAL, "-A POSTERN-GUARD-OUT -m mark --mark $own/$mask -j RETURN" },
	{ LOCAL | GATE, "-A POSTERN-GUARD-OUT -m mark --mark $direct/$mask -j RETURN" },
	{ LOCAL, "-A POSTERN-GUARD-OUT -m addrtype --dst-type LOCAL -j RETURN" },
	{ LOCAL, "-A POSTERN-GUARD-OUT -m owner --socket-exists ! --uid-owner $uid "
	    "-j POSTERN-LEAK" },

	{ CLOSED, "-A POSTERN-LEAK " LOG_LEAK },
	{ CLOSED, "-A POSTERN-LEAK -j DROP" },
	{ OPEN, "-A POSTERN-LEAK " SYN " " LOG_LEAK },

	{ DNS, "-A POSTERN-DNS $to " LOG_DNS },
	{ DNS | LOCAL, "-A POSTERN-DNS -o lo " LOG_DNS },
	{ DNS | LOCAL, "-A POSTERN-DNS-IN ! -i lo " LOG_DNS },
	{ 0, "COMMIT" },
};

void
ruleset_mangle(const struct ruleset_text *t)
{
	RULESET_LINES(t, chains);
	RULESET_LINES(t, client);
	RULESET_LINES(t, own);
	RULESET_LINES(t, guard);
}
