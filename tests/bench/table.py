#!/usr/bin/env python3
# table.py - the targets beside what was measured, as a table
# SPDX-License-Identifier: GPL-3.0-or-later
"""table.py FILE: prints the table of what `bench` has written (build/speed.json).

Figures are {work: {who: [one number a round]}}; rounds of one work were taken in turn, so that the
n-th number of one stands beside the n-th of another. A ratio is that of the medians; behind it stand
the least and the greatest of a round's. A target is met by the median. Below the table stands why a
target is missed: where the worker's CPU goes (profile.py), and what the row's `why` says of the work."""
import json
import statistics
import sys
import textwrap
from dataclasses import dataclass

BARE, RELAY = "bare handshake", "relay"
BARE_THEN = 920		# us, the bare handshake on the day the absolute targets were set
# The absolute targets of W2 and W3, and what stunnel took for the same on the day they were set: their
# ratio is judged beside them, for it does not hang on how fast the machine is.
MAIL_US, STUNNEL_MAIL_US = 60, 124.5
BODY_MS, STUNNEL_BODY_MS = 175, 256
NOISY = 1.5		# the greatest of a round's beside the least
WHY_WIDTH = 120		# columns
PROOF = "one chain build and one signature check"
EXCESS = "postern-inspect beyond 1.05 relays"
SIGNATURE = "check of a P-256 signature"
UPGRADE, INSPECT = "postern-upgrade", "postern-inspect"
TLS_PEERS = ("stunnel", "sslsplit", "postfix")
PASSING_PEERS = ("haproxy", "haproxy-splice")
NAMES = {"haproxy": "HAProxy", "haproxy-splice": "HAProxy with splice", "postfix": "Postfix",
         "relay": "bare relay", "postern first": "tls/ alone", "postern known": "tls/ alone",
         "postern resumed": "tls/ alone"}


# Why a target can be missed: true of the work whatever the figures are.
HANDSHAKE = ("The bare handshake has neither network nor dialogue: a session here has two TCP "
             "connections, two dialogues with what they cost in the kernel, and its line in the log "
             "beside it.")
RESUMED = HANDSHAKE + (" A session that could not be resumed (see the share) has a full handshake, which "
                       "the target does not know.")
ABSOLUTE = ("The target is CPU of another day, on which stunnel took {then:g} {unit}; how fast the "
            "machine is moves both: see the row beside stunnel.")
MAIL = ("TCP in the kernel and AES-GCM are stunnel's as well, octet for octet: what can be less is the "
        "number of system calls a mail, and what is done between them.")
BODY = ("The floor is AES-GCM of every octet and two copies through the kernel, in from the client and "
        "out to the MX: stunnel has them as well.")
PASSED = ("The relay only moves octets: here the dialogue before STARTTLS is read, the handshake is "
          "followed, and a line is written to the log, once a session.")
SIGNED = PASSED + (" Each full handshake of TLS 1.2 needs its own check of the server's signature, for a "
                   "chain alone could be replayed; the target allows for one only where the chain is first "
                   "seen.")
SEVERAL = ("What postern does once a session (it reads the dialogue before STARTTLS, proves the server and "
           "writes a line to the log) is shared by its mails. Beyond that both splice the same octets with "
           "the same system calls; the rest is what the event loop does between them.")
SPLICED = ("Both splice: for as many octets the number of system calls differs with how much has come at "
           "each wake-up, which hangs on how client and MX are scheduled.")
FIRST = ("The base is bare calls of OpenSSL that are given the certificates: what else exceeds 1.05 "
         "relays is in the figure too, the dialogue, the handshake's messages put together, and the line "
         "in the log.")
MEMORY = ("Counted is every page that nobody shares: what the allocator keeps free between sessions and "
          "OpenSSL holds for one is in it.")
WAKES = ("Each step of the dialogue wakes one more process between client and MX, and on few processors, "
         "or busy ones, a wake-up can take longer than the work it is for.")
WAITS = "What cannot be done while the client still talks waits for the MX, and so does the client."
POLICY = ("It is the policy process's own figure, without any session; what policy_bench says tells its "
          "parts.")


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
    why: str = ""		# it is missed, where it is
    origin: str = ""		# of the target, if that is not the issue's own number


def upgrade(title, work, target, at_once, peers=TLS_PEERS, why=HANDSHAKE):
    return Row(f"upgrade W1, {title}, {at_once} at once", f"W1 upgrade {work} {at_once}", UPGRADE, target,
               base=BARE, peers=peers, why=why)


def absolute(title, work, target, unit, then):
    """A target in CPU, and the same as a ratio to what stunnel took on that day."""
    return (Row(f"upgrade {title}", work, UPGRADE, target, unit, peers=TLS_PEERS, form=".0f", scaled=True,
                why=ABSOLUTE.format(then=then, unit=unit)),
            Row(f"upgrade {title}, beside stunnel", work, UPGRADE, round(target / then, 2), base="stunnel",
                peers=TLS_PEERS[1:], why=MAIL if unit == "us" else BODY,
                origin=f"target: {target} {unit} on a day when stunnel took {then:g}"))


def inspect(title, work, target=1.05, why=PASSED):
    return Row(f"inspect {title}", work, INSPECT, target, base=RELAY, peers=PASSING_PEERS, form=".3f",
               why=why)


ROWS = [
    upgrade("full handshake, chain first seen", "first", 1.20, 32),
    upgrade("full handshake, chain first seen", "first", 1.20, 256),
    upgrade("full handshake, chain seen before", "known", 1.00, 32),
    upgrade("full handshake, chain seen before", "known", 1.00, 256),
    upgrade("full handshake, chain seen before", "known", None, 1),
    upgrade("full handshake, chain seen before, RSA-2048", "known RSA-2048", None, 32),
    upgrade("resumed", "resumed", 0.60, 32, why=RESUMED),
    upgrade("resumed", "resumed", 0.60, 256, why=RESUMED),
    *absolute("W2, a message of 100 a session", "W2 upgrade", MAIL_US, "us", STUNNEL_MAIL_US),
    *absolute("W3, 256 MiB", "W3 upgrade 1", BODY_MS, "ms", STUNNEL_BODY_MS),
    *absolute("W3, 256 MiB, 8 at once", "W3 upgrade 8", BODY_MS, "ms", STUNNEL_BODY_MS),
    inspect("W1, full handshake, 32 at once", "W1 inspect full 32", why=SIGNED),
    inspect("W1, full handshake, 256 at once", "W1 inspect full 256", why=SIGNED),
    inspect("W1, full handshake, 1 at once", "W1 inspect full 1", None),
    inspect("W1, full handshake, RSA-2048, 32 at once", "W1 inspect full RSA-2048 32", None),
    inspect("W1, resumed, 32 at once", "W1 inspect resumed 32"),
    Row("inspect W1, chain first seen: what exceeds 1.05 bare relays", "W1 inspect first 32", EXCESS, 1.0,
        base=PROOF, why=FIRST),
    Row("inspect W1, clear text by smtp-source, 32 at once", "W1 clear 32", INSPECT, base=RELAY,
        peers=PASSING_PEERS, form=".3f"),
    Row("upgrade W1, clear text by smtp-source, 32 at once", "W1 clear 32", UPGRADE, base=RELAY,
        peers=PASSING_PEERS, form=".3f"),
    inspect("W2, a message of 100 a session", "W2 inspect", why=SEVERAL),
    inspect("W3, 256 MiB", "W3 inspect 1", 1.10, why=SPLICED),
    inspect("W3, 256 MiB, 8 at once", "W3 inspect 8", 1.10, why=SPLICED),
    Row("inspect W4, an idle session", "W4 inspect", INSPECT, 1, "KiB", peers=("relay", "haproxy"),
        why=MEMORY),
    Row("upgrade W4, an idle session, upstream in clear text", "W4 upgrade clear", UPGRADE, 2, "KiB",
        peers=("haproxy",), why=MEMORY),
    Row("upgrade W4, an idle session, upstream in TLS", "W4 upgrade TLS", UPGRADE, 24, "KiB",
        peers=("stunnel", "sslsplit"), form=".1f", why=MEMORY),
    Row("inspect W5, added latency of a session", "W5 inspect", INSPECT, 0.17, "ms",
        peers=("relay", *PASSING_PEERS), why=WAKES),
    Row("upgrade W5, added latency beside the three round trips", "W5 upgrade work", UPGRADE, 0.3,
        "ms", peers=("stunnel",), why=WAKES),
    Row("upgrade W5, round trips added where the MX's name is known", "W5 upgrade round trips", UPGRADE,
        0, "trips", peers=("stunnel",), form=".1f", why=WAITS),
    Row("W6, a warm answer, its way over the channel with it", "W6", "warm", 50, "us", form=".1f",
        why=POLICY),
    Row("W6, start with 100,000 domains", "W6", "start", 1, "s", why=POLICY),
    Row("W6, start with every table of the store full", "W6", "start full", 1, "s", why=POLICY),
    Row("W6, memory of a domain beyond the store's pages", "W6", "octets", 200, "octets", form=".0f",
        why=POLICY),
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
    """Of what is shown: so near to a target of nothing the rest is noise of the clock."""
    return "" if row.target is None else "met" if float(number(value, row, False)) <= row.target else "MISSED"


def noisy(got, row):
    """Rounds differ so much that the median may be another next time. Below nothing, where a difference
    can lie, the target is what they are seen beside."""
    middle, least, greatest = got
    return greatest - least > (NOISY - 1) * (least if least > 0 else row.target or abs(middle))


def judged(work):
    return any(row.work == work and row.target is not None for row in ROWS)


def remarks(figures, row):
    """What stands beside a row: peers, and for a target in CPU what the machine was like then."""
    mine = beside(figures, row, row.who)
    said = ["noisy"] if noisy(mine, row) else []
    for who in row.peers:
        other = beside(figures, row, who)
        if other:
            said.append(f"{NAMES.get(who, who)} {number(other[0], row, False)}")
    if row.base:
        base = statistics.median(figures[row.work][row.base])
        said.append(f"1 x: {NAMES.get(row.base, row.base)}, {base:.0f} {'ms' if 'W3' in row.work else 'us'}")
    parts = figures.get(f"{row.work}, {row.who}")
    if parts and verdict(mine[0], row) == "MISSED":
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
        bare = statistics.median(bare)
        said.append(f"{mine[0] * BARE_THEN / bare:.0f} where the bare handshake costs {BARE_THEN} us, not "
                    f"{bare:.0f}")
    if row.origin:
        said.append(row.origin)
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


def beyond_words(figures, row):
    """What this run itself has to say to a row's `why`."""
    taken = figures.get(row.work, {})
    if row.why == SIGNED and taken.get(SIGNATURE):
        us = statistics.median(taken[SIGNATURE])
        left = (statistics.median(taken[row.who]) - us) / statistics.median(taken[row.base])
        return (f" Such a check (P-256) takes {us:.0f} us in this run, by openssl speed. Without it "
                f"{left:.3f} x.")
    gcm = figures.get("handshakes", {}).get("AES-GCM, ms", {}).get("median")
    if row.why == BODY and gcm:
        return f" AES-GCM alone took {gcm:.0f} ms in this run."
    return ""


def why_missed(result):
    """Lines: of each that is missed what it is, where the worker's CPU goes (once a work), and why."""
    figures, profiles = result["figures"], dict(result.get("profiles", {}))
    for row in ROWS:
        got = beside(figures, row, row.who)
        if got is None or verdict(got[0], row) != "MISSED":
            continue
        yield f"{row.title}: {number(got[0], row)}, target {row.target:g} {row.unit}"
        seen = profiles.pop(f"{row.work}, {INSPECT if row.who == EXCESS else row.who}", None)
        for words in ([f"worker: {seen}"] if seen else []) + [row.why + beyond_words(figures, row)]:
            yield from textwrap.wrap(words, WHY_WIDTH, initial_indent="    ", subsequent_indent="    ")


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
    why = list(why_missed(result))
    if why:
        print("\nWhy missed\n\n" + "\n".join(why) + "\n", file=out)
    if result["mode"] in ("full", "quick"):
        for title in missing(figures):
            print(f"not measured: {title}", file=out)
    for fault in result.get("faults", []):
        print(f"failed: {fault}", file=out)


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        show(json.load(f))
