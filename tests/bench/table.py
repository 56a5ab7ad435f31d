#!/usr/bin/env python3
# table.py - the targets beside what was measured, as a table
# SPDX-License-Identifier: GPL-3.0-or-later
"""table.py FILE: prints the table of what `bench` has written (build/speed.json).

Figures are {work: {who: [one number a round]}}; rounds of one work were taken in turn, so that the
n-th number of one stands beside the n-th of another. A ratio is that of the medians; behind it stand
the least and the greatest of a round's. A target is met by the median."""
import json
import statistics
import sys
import textwrap
from dataclasses import dataclass

BARE, RELAY = "bare handshake", "relay"
BARE_THEN = 920		# us, the bare handshake on the day the absolute targets were set
PROOF = "one chain build and one signature check"
EXCESS = "postern-inspect beyond 1.05 relays"
UPGRADE, INSPECT = "postern-upgrade", "postern-inspect"
TLS_PEERS = ("stunnel", "sslsplit", "postfix")
PASSING_PEERS = ("haproxy", "haproxy-splice")
NAMES = {"haproxy": "HAProxy", "haproxy-splice": "HAProxy with splice", "postfix": "Postfix",
         "relay": "bare relay", "postern first": "tls/ alone", "postern known": "tls/ alone",
         "postern resumed": "tls/ alone"}


@dataclass
class Row:
    """One line of the table. `work` names the figures, `who` which of them is judged, `base` what it
    is divided by (None: nothing, the figure itself counts). No target: for comparison only."""
    title: str
    work: str
    who: str
    target: float = None
    unit: str = "x"
    base: str = None
    peers: tuple = ()
    form: str = ".2f"
    scaled: bool = False	# the target is CPU of the machine as fast as it was on that day


def upgrade(title, work, target, at_once, peers=TLS_PEERS):
    return Row(f"upgrade W1, {title}, {at_once} at once", f"W1 upgrade {work} {at_once}", UPGRADE, target,
               base=BARE, peers=peers)


def inspect(title, work, target=1.05):
    return Row(f"inspect {title}", work, INSPECT, target, base=RELAY, peers=PASSING_PEERS, form=".3f")


ROWS = [
    upgrade("full handshake, chain first seen", "first", 1.20, 32),
    upgrade("full handshake, chain first seen", "first", 1.20, 256),
    upgrade("full handshake, chain seen before", "known", 1.00, 32),
    upgrade("full handshake, chain seen before", "known", 1.00, 256),
    upgrade("full handshake, chain seen before", "known", None, 1),
    upgrade("full handshake, chain seen before, RSA-2048", "known RSA-2048", None, 32),
    upgrade("resumed", "resumed", 0.60, 32),
    upgrade("resumed", "resumed", 0.60, 256),
    Row("upgrade W2, a message of 100 a session", "W2 upgrade", UPGRADE, 60, "us", peers=TLS_PEERS,
        form=".0f", scaled=True),
    Row("upgrade W3, 256 MiB", "W3 upgrade 1", UPGRADE, 175, "ms", peers=TLS_PEERS, form=".0f",
        scaled=True),
    Row("upgrade W3, 256 MiB, 8 at once", "W3 upgrade 8", UPGRADE, 175, "ms", peers=TLS_PEERS,
        form=".0f", scaled=True),
    inspect("W1, full handshake, 32 at once", "W1 inspect full 32"),
    inspect("W1, full handshake, 256 at once", "W1 inspect full 256"),
    inspect("W1, full handshake, 1 at once", "W1 inspect full 1", None),
    inspect("W1, full handshake, RSA-2048, 32 at once", "W1 inspect full RSA-2048 32", None),
    inspect("W1, resumed, 32 at once", "W1 inspect resumed 32"),
    Row("inspect W1, chain first seen: what exceeds 1.05 bare relays", "W1 inspect first 32", EXCESS, 1.0,
        base=PROOF),
    Row("inspect W1, clear text by smtp-source, 32 at once", "W1 clear 32", INSPECT, base=RELAY,
        peers=PASSING_PEERS, form=".3f"),
    Row("upgrade W1, clear text by smtp-source, 32 at once", "W1 clear 32", UPGRADE, base=RELAY,
        peers=PASSING_PEERS, form=".3f"),
    inspect("W2, a message of 100 a session", "W2 inspect"),
    inspect("W3, 256 MiB", "W3 inspect 1", 1.10),
    inspect("W3, 256 MiB, 8 at once", "W3 inspect 8", 1.10),
    Row("inspect W4, an idle session", "W4 inspect", INSPECT, 1, "KiB", peers=("relay", "haproxy")),
    Row("upgrade W4, an idle session, upstream in clear text", "W4 upgrade clear", UPGRADE, 2, "KiB",
        peers=("haproxy",)),
    Row("upgrade W4, an idle session, upstream in TLS", "W4 upgrade TLS", UPGRADE, 24, "KiB",
        peers=("stunnel", "sslsplit"), form=".1f"),
    Row("inspect W5, added latency of a session", "W5 inspect", INSPECT, 0.17, "ms",
        peers=("relay", *PASSING_PEERS)),
    Row("upgrade W5, added latency beside the three round trips", "W5 upgrade work", UPGRADE, 0.3,
        "ms", peers=("stunnel",)),
    Row("upgrade W5, round trips added where the MX's name is known", "W5 upgrade round trips", UPGRADE,
        0, "trips", peers=("stunnel",), form=".1f"),
    Row("W6, a warm answer, its way over the channel with it", "W6", "warm", 50, "us", form=".1f"),
    Row("W6, start with 100,000 domains", "W6", "start", 1, "s"),
    Row("W6, start with every table of the store full", "W6", "start full", 1, "s"),
    Row("W6, memory of a domain beyond the store's pages", "W6", "octets", 200, "octets", form=".0f"),
    Row("W6, a cold answer (policy in the store)", "W6", "cold", None, "us", form=".0f"),
    Row("W6, an expired answer (policy fetched again)", "W6", "expired", None, "us", form=".0f"),
    Row("W7, a DNS answer read by the watch", "W7", "watch", None, "us", form=".1f"),
    Row("W7, a SYN decided by the gate", "W7", "gate", None, "us", form=".1f"),
]


def beside(figures, row, who):
    """(median, least, greatest) of one who, divided by the row's base; None where it was not taken."""
    taken = figures.get(row.work, {})
    values, base = taken.get(who), taken.get(row.base) if row.base else None
    if not values or (row.base and not base):
        return None
    if not row.base:
        return statistics.median(values), min(values), max(values)
    each = [v / b for v, b in zip(values, base)]
    return statistics.median(values) / statistics.median(base), min(each), max(each)


def number(value, row, unit=True):
    return f"{value:{row.form}}" + (f" {row.unit}" if unit else "")


def verdict(value, row):
    return "" if row.target is None else "met" if value <= row.target else "MISSED"


def remarks(figures, row):
    """What stands beside a row: peers, and for a target in CPU what the machine was like then."""
    said = []
    for who in row.peers:
        other = beside(figures, row, who)
        if other:
            said.append(f"{NAMES.get(who, who)} {number(other[0], row, False)}")
    if row.base:
        base = statistics.median(figures[row.work][row.base])
        said.append(f"1 x: {NAMES.get(row.base, row.base)}, {base:.0f} {'ms' if 'W3' in row.work else 'us'}")
    parts = figures.get(f"{row.work}, {row.who}")
    if parts and row.target and beside(figures, row, row.who)[0] > row.target:
        middles = {part: statistics.median(values) for part, values in parts.items()}
        said.append("postern: " + ", ".join(f"{p} {v:.0f}" for p, v in middles.items() if v >= 1))
    fastest = figures.get(row.work + ", fastest", {}).get(row.who)
    if fastest:
        said.append(f"of the fastest sessions {statistics.median(fastest):.2f}")
    share = figures.get(row.work + ", resumed share", {}).get(row.who)
    if share and statistics.median(share) < 0.95:
        said.append(f"only {statistics.median(share):.0%} of postern's were resumed")
    bare = figures.get("limits", {}).get(BARE)
    if row.scaled and bare:
        mine, bare = beside(figures, row, row.who)[0], statistics.median(bare)
        said.append(f"{mine * BARE_THEN / bare:.0f} where the bare handshake costs {BARE_THEN} us, not "
                    f"{bare:.0f}")
    return "; ".join(said)


def lines(figures):
    """(title, target, measured, verdict, remarks) of every row of which there is anything."""
    for row in ROWS:
        got = beside(figures, row, row.who)
        if got is None:
            continue
        spread = f" ({number(got[1], row, False)} to {number(got[2], row, False)})"
        target = "" if row.target is None else f"{row.target:g} {row.unit}"
        yield (row.title, target, number(got[0], row) + (spread if got[1] != got[2] else ""),
               verdict(got[0], row), remarks(figures, row))


def missing(figures):
    """Rows with a target of which nothing was taken."""
    return [r.title for r in ROWS if r.target is not None and beside(figures, r, r.who) is None]


def show(result, out=sys.stdout):
    figures, widths = result["figures"], (56, 11, 28, 7, 62)
    head = ("work", "target", "measured (spread)", "", "peers, and what it is beside")

    def put(cells):
        wrapped = [textwrap.wrap(c, w) or [""] for c, w in zip(cells, widths)]
        for i in range(max(map(len, wrapped))):
            print("  ".join(f"{(c[i] if i < len(c) else ''):{w}}" for c, w in zip(wrapped, widths)).rstrip(),
                  file=out)

    print(f"{result['machine']}; {result['mode']} run of {result['date']}; "
          f"{result['rounds']} rounds, medians (least to greatest of a round)\n", file=out)
    put(head)
    put(tuple("-" * w for w in widths))
    verdicts = []
    for cells in lines(figures):
        put(cells)
        verdicts.append(cells[3])
    print(f"\n{verdicts.count('met')} targets met, {verdicts.count('MISSED')} missed", file=out)
    if result["mode"] in ("full", "quick"):
        for title in missing(figures):
            print(f"not measured: {title}", file=out)
    for fault in result.get("faults", []):
        print(f"failed: {fault}", file=out)


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        show(json.load(f))
