# trips.py - sessions that stay open and sessions that wait: W4 and W5
# SPDX-License-Identifier: GPL-3.0-or-later
import statistics
import time

import client
import peers
import place
from mxs import FARTHER, NEARER
from table import INSPECT, PASSING_PEERS, RELAY, UPGRADE

BUSY = 500		# sessions that any process in use has had, before its memory is looked at
ONE_BY_ONE = {"sslsplit": 8}	# opens each session when the one before is open: so many times fewer
WATCHED = 4		# seconds in which idle sessions are watched


# --- W4: idle sessions ------------------------------------------------------------------------------

def private_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("Private_Dirty:"))
    return total


def waits(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches"))
    return total


def idle(bench, work, who, step, kind="P-256", **how):
    """Sessions behind `step`: the memory of all its processes, each page that nobody shares."""
    if who not in peers.ALL:
        return
    count, peer = max(1, bench.count.idle // ONE_BY_ONE.get(who, 1)), bench.fresh(who)
    bench.sent(work, who, min(BUSY, count), "-c", "32")
    bench.settle(1)
    before = private_kib(peer.seat.pids())
    load = bench.place().load(who, "-n", str(count), "-c", "32", "-i", step, kind=kind, **how)
    if not load.stdout.readline():
        raise RuntimeError(f"{work}, {who}: {count} sessions could not be opened: "
                           f"{place.failed(load)}: {peer.errors()}")
    bench.settle(2)
    after, woken, used = private_kib(peer.seat.pids()), waits(peer.seat.pids()), peer.used_us()
    bench.settle(WATCHED)
    woken, used = waits(peer.seat.pids()) - woken, peer.used_us() - used
    bench.keep(work, who, (after - before) / count)
    bench.ok(f"{work}, {who}: {count} idle sessions")
    if bench.mode != "smoke":
        print(f"{work}, {who}: {count} idle sessions, {(after - before) / count:.2f} KiB each ({before} to "
              f"{after} KiB); in {WATCHED} s woken {woken} times, {used / 1000:.1f} ms of CPU", flush=True)
    why = load.communicate()[1]
    if load.returncode != 0:
        raise RuntimeError(f"{work}, {who}: {place.failed(load, why)}")


def w4(bench):
    for who in (INSPECT, "haproxy"):
        idle(bench, "W4 inspect", who, "mail")
    for who in (UPGRADE, "haproxy"):
        idle(bench, "W4 upgrade clear", who, "mail", kind="plain", tls="clear")
    for who in (UPGRADE, "stunnel", "sslsplit"):
        idle(bench, "W4 upgrade TLS", who, "rcpt")


# --- W5: latency ------------------------------------------------------------------------------------

def w5(bench):
    added(bench, "W5 inspect", (RELAY, INSPECT, *PASSING_PEERS), {})
    added(bench, "W5 upgrade work", (UPGRADE, "stunnel"), {"tls": "1.3"})
    round_trips(bench)


def added(bench, work, whos, alone):
    """Milliseconds of a session beside those of one that goes directly, with the options `alone`."""
    whos = bench.whos("none", *whos)
    for i in range(bench.count.rounds):
        lasted = {}
        for who in whos if i % 2 == 0 else reversed(whos):
            run = bench.sent(work, who, max(8, bench.count.sessions // 2), "-c", "1", "-s", "4096",
                             **(alone if who == "none" else {}))
            lasted[who] = run.latency
        direct = lasted.pop("none")
        for who, us in lasted.items():
            bench.keep(work, who, (us["median"] - direct["median"]) / 1000)
            bench.keep(work + ", fastest", who, (us["least"] - direct["least"]) / 1000)
    bench.tell(work, "ms")


def talk(ns, mx, pause):
    """Seconds of one session whose client takes `pause` for each command."""
    begun = time.monotonic()
    with client.Raw(ns, mx.address) as c:
        reply = c.reply()
        for line in ("EHLO client.example", "MAIL FROM:<sender@client.example>", f"RCPT TO:<{mx.user}>",
                     "DATA", "Subject: far\r\n\r\nfar\r\n.", "QUIT"):
            time.sleep(pause)
            c.send(line.encode() + b"\r\n")
            reply = c.reply()
            if reply.code not in (220, 221, 250, 354):
                raise RuntimeError(f"{line}: {reply}")
    return time.monotonic() - begun


def beside(ns, direct, mx, away, pause):
    """Seconds that a session from `ns` takes beside a direct one, with the MX so far away."""
    mx.away = away
    return talk(ns, mx, pause) - talk(direct, mx, pause)


def round_trips(bench):
    """What an upgraded session waits for beside one in clear text, in round trips to the MX: of a client
    that is as far away as the MX, and of one that answers at once. A round trip is what grows with the
    distance: what a session takes beside that is taken from those with an MX that is near."""
    p = bench.place()
    direct, mx = p.network.net, p.mxs["far", False]
    works = (("W5 upgrade round trips at once", 0), ("W5 upgrade round trips", 1))
    for work, pauses in works if bench.mode != "smoke" else works[:1]:
        for who in bench.whos(UPGRADE, "stunnel"):
            ns = p.ends(who, "far", False)[1].client
            beside(ns, direct, mx, NEARER, 0)	# the MX is known from now on
            near, far = ([beside(ns, direct, mx, away, pauses * away) for _ in range(bench.count.rounds)]
                         for away in (NEARER, FARTHER))
            for seconds in far:
                bench.keep(work, who, (seconds - statistics.median(near)) / (FARTHER - NEARER))
        bench.ok(work)
        bench.tell(work, "round trips")
