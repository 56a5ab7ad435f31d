/* mark.h - the bits of the packet and connection marks that are postern's
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The eight bits at the top; everybody else's marks keep theirs. The same values stand in the
 * packet mark and, saved for the flow, in the connection mark. */
#ifndef NFQ_MARK_H
#define NFQ_MARK_H

#include "daemon/mark.h"	/* MARK_OWN: postern's own dial, passes every rule of ours */

#define MARK_MASK   0xff000000u
#define MARK_PROXY  0x26000000u	/* to be brought to postern (gate's word; TPROXY's delivery) */
#define MARK_DIRECT 0x27000000u	/* the gate's word: nothing is demanded at that address */
#define MARK_SEEN   0x28000000u	/* a client's packet that came by our rules and is neither */
#define MARK_CUT    0x29000000u	/* connection older than the rules: to be reset, both sides */

/* Preferences are low, so that ways chosen by others (several uplinks) do not come first; what is
 * made here comes before the mark: its answers may bear the mark of what they answer
 * (tcp_fwmark_accept), and the reverse path is looked up like this too (src_valid_mark). */
#define ROUTE_PREF_FIRST 20	/* of ours, as far as ROUTE_PREF_END */
#define ROUTE_TABLE 2525	/* local default dev lo: where MARK_PROXY is delivered */
#define ROUTE_PREF_OWN 20	/* iif lo goto ROUTE_PREF_END: made here, not forwarded */
#define ROUTE_PREF_PROXY 21	/* fwmark MARK_PROXY lookup ROUTE_TABLE */
#define ROUTE_PREF_GUARD 23	/* clients' port 25 without a mark of ours: prohibited */
#define ROUTE_PREF_END 29	/* nop */
#define ROUTE_PROTOCOL 225	/* `protocol` of all of them, by which they are known as ours */

#define NFQ_GATE_QUEUE 25	/* --queue-num of the SYN gate */
#define NFQ_DNS_GROUP 25	/* --nflog-group of copies of DNS answers */
#define NFQ_LEAK_GROUP 26	/* --nflog-group of port-25 traffic that did not come by postern */

#endif
