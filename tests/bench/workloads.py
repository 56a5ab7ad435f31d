# workloads.py - what is sent through what stands between, and what is kept of it: W1 to W3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each workload is a function that gets a Bench and adds figures to it, under the works of table.py.
What is compared with one another takes turns within each round, in alternating order; the first round
only warms.

The bare handshake is one of those that take turns: it sits on their processor, and while it runs the
other one is as busy as load and MX keep it for them."""
import dataclasses
import json
import re
import statistics
import subprocess
import time
import typing

import cpu
import inside
import mxs
import peers
import place
import profile
import source
import table
from table import (BARE, EXCESS, INSPECT, PASSING_PEERS, PROOF, RELAY, SIGNATURE, TLS_PEERS,
                   UPGRADE)

PROGRAMS = inside.BUILD + "/bench/"
WHOLE_MIB = 256		# of W3; where it is less the figures are of so much all the same
MAILS = 100		# of a session of W2
CHECKED = 1		# seconds of signatures, and of checks of them
SLOW = {"postfix": 8, "sslsplit": 2}	# so many times fewer sessions: each takes so much longer
OURS = (UPGRADE, INSPECT, RELAY, BARE)		# the bench fails where one of these does


@dataclasses.dataclass
class Counts:
    """How much of all: of a quick run less, of the smoke test next to nothing."""
    rounds: int		# that count
    sessions: int	# of a round of W1
    bulk_mib: int
    idle: int
    domains: int
    seconds: int	# of W7
    handshakes: int	# of a round of the bare client


@dataclasses.dataclass
class Unit:
    """What CPU is divided by: how many of it a Run has done."""
    name: str
    of: typing.Callable


SESSION = Unit("a session", lambda run: run.sessions)
MAIL = Unit("a mail", lambda run: run.mails)
SCALE = {"us": 1, "ms": 1000}

COUNTS = {
    "full": Counts(7, 500, WHOLE_MIB, 5000, 100000, 6, 150),
    "quick": Counts(5, 150, 64, 2000, 100000, 2, 40),
    "smoke": Counts(1, 8, 1, 8, 500, 1, 5),
}


def on(processor, argv):
    return ["taskset", "-c", str(processor), *argv] if cpu.TWO else argv


def said_by(argv, **options):
    """What a program on the processor of what stands between says, as lines."""
    done = subprocess.run(on(cpu.BETWEEN, argv), stdout=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with status {done.returncode}")
    return done.stdout.splitlines()


def said_beside(argv, other, **options):
    """The same while `other`, which is killed then, keeps the other processor busy."""
    beside = subprocess.Popen(on(cpu.ENDS, other), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) if cpu.TWO else None
    try:
        return said_by(argv, **options)
    finally:
        if beside:
            beside.kill()
            beside.wait()


class Bench:
    def __init__(self, mode):
        self.mode, self.count = mode, COUNTS[mode]
        self.figures, self.profiles, self.notes, self.tests, self._place = {}, {}, [], 0, None

    def place(self):
        """The network and what stands in it, from the first time it is asked for on."""
        if self._place is None:
            self._place = p = place.Place(place.network())
            mxs.add(p)
            source.add(p)
        return self._place

    def stop(self):
        if self._place is not None:
            self._place.stop()

    def whos(self, *whos):
        """Those of them that there are."""
        return [w for w in whos if w in peers.ALL or w in (BARE, "none")]

    def fresh(self, who):
        """What stands between, with new processes (but for the smoke test, which has no time)."""
        if self.mode != "smoke":
            self.leave(who)
        return self.place().peer(who)

    def leave(self, who):
        """Ends what stands between, if it is there."""
        p = self.place()
        if who in p.peers:
            p.peers.pop(who).stop()
            p.settled = {s for s in p.settled if s[0] != who}

    def settle(self, seconds):
        time.sleep(seconds if self.mode != "smoke" else 0.1)

    def some(self, at_once):
        return min(4, at_once) if self.mode == "smoke" else at_once

    def keep(self, work, who, value):
        self.figures.setdefault(work, {}).setdefault(who, []).append(value)

    def ok(self, title):
        if self.mode == "smoke":
            self.tests += 1
            print(f"ok {self.tests} - {title}", flush=True)

    def tell(self, work, unit):
        """What was kept of a work, in a line."""
        if self.mode != "smoke":
            print(f"{work}: " + "; ".join(
                f"{who} {statistics.median(v):.4g} {unit} ({min(v):.4g} to {max(v):.4g})"
                for who, v in sorted(self.figures.get(work, {}).items())), flush=True)

    def bare_us(self, kind):
        """A full handshake of the bare client, with a second one on the other processor."""
        argv = [PROGRAMS + "handshake_bench", "-b", "-k", kind]
        said = said_beside([*argv, str(self.count.handshakes)], [*argv, "100000"])
        us = json.loads(said[-1])[kind]["bare full"]["median"]
        if kind == "P-256":
            self.keep("limits", BARE, us)
        return us

    def sent(self, work, who, sessions, *options, resume=False, **how):
        """One run, in which every session has to come through as what it is meant to be; but how many
        are resumed is no condition: it is kept."""
        run = self.place().run(who, "-n", str(sessions), *options, resume=resume, **how)
        what = f"{work}, {who}: {run.sessions} sessions, {run.mails} mails"
        if run.sessions < sessions or run.mails < sessions:
            raise RuntimeError(f"{what}, not {sessions}")
        if who == INSPECT and run.passed < sessions:
            raise RuntimeError(f"{what}; {run.passed} passed end to end")
        if who in (INSPECT, UPGRADE) and not resume and run.full < sessions:
            raise RuntimeError(f"{what}; {run.full} full handshakes, {run.resumed} resumed")
        self.ok(f"{what}, {run.full} full handshakes, {run.resumed} resumed")
        return run

    def turns(self, work, whos, sessions, *options, per, kind="P-256", rounds=None, unit="us",
              **how):
        """per: the Unit that the figure is of."""
        rounds = rounds or self.count.rounds
        warm = 0 if self.mode == "smoke" else 1
        for i in range(rounds + warm):
            for who in whos if i % 2 == 0 else whos[::-1]:
                if who == BARE:
                    us = self.bare_us(kind.replace("fresh", "P-256"))
                    if i >= warm:
                        self.keep(work, who, us)
                    continue
                try:
                    run = self.sent(work, who, max(1, sessions // SLOW.get(who, 1)), *options, kind=kind,
                                    **how)
                except (RuntimeError, SystemExit) as e:
                    if who in OURS or isinstance(e, SystemExit) and not isinstance(e.code, str):
                        raise
                    whos = self.without(work, who, whos, e)
                    continue
                if i >= warm:
                    self.keep_run(work, who, run, run.cpu_us / SCALE[unit] / per.of(run), how.get("resume"))
        self.tell(work, unit)
        if self.mode != "smoke" and table.judged(work):
            for who in [w for w in whos if w in (UPGRADE, INSPECT)]:
                profile.take(self, work, who, per, sessions, *options, kind=kind, **how)

    def keep_run(self, work, who, run, value, resumes):
        self.keep(work, who, value)
        if resumes:
            self.keep(work + ", resumed share", who, run.resumed / run.sessions)
        for part, us in run.parts.items():
            self.keep(f"{work}, {who}", part, value * us / max(run.cpu_us, 1))

    def without(self, work, who, whos, why):
        """A peer that cannot do the work is left out of it, and that is said."""
        self.leave(who)
        self.figures.get(work, {}).pop(who, None)
        lines = [line for line in str(why).splitlines() if line]
        self.notes.append(f"{work}, {who}: left out: {lines[0][:120]}")
        print("# " + self.notes[-1], flush=True)
        return [w for w in whos if w != who]


# --- W1: one mail of 4 KiB a session ----------------------------------------------------------------

def w1(bench):
    w1_upgrade(bench)
    w1_inspect(bench)
    if bench.mode != "quick":
        w1_clear(bench)


def small(bench, work, whos, at_once, sessions=None, **how):
    at_once = bench.some(at_once)
    bench.turns(work, bench.whos(*whos), max(sessions or bench.count.sessions, at_once),
                "-c", str(at_once), "-s", "4096", per=SESSION, **how)


def w1_upgrade(bench):
    def row(name, at_once, whos, **how):
        small(bench, f"W1 upgrade {name} {at_once}", (BARE, UPGRADE, *whos), at_once, **how)

    row("known", 32, TLS_PEERS)
    row("resumed", 32, ["stunnel"], resume=True)
    row("first", 32, ["stunnel"], kind="fresh")
    if bench.mode == "smoke":
        return
    row("known", 256, ["stunnel"])
    row("resumed", 256, [], resume=True)
    row("first", 256, [], kind="fresh")
    if bench.mode == "quick":
        return
    row("known", 1, ["stunnel"], sessions=bench.count.sessions // 4)
    row("known RSA-2048", 32, ["stunnel"], kind="RSA-2048")


def w1_inspect(bench):
    def row(name, at_once, whos=PASSING_PEERS, **how):
        small(bench, f"W1 inspect {name} {at_once}", (RELAY, INSPECT, *whos), at_once, **how)

    row("full", 32)
    signature(bench, "W1 inspect full 32")
    row("resumed", 32, resume=True)
    row("first", 32, (), kind="fresh")
    beyond(bench, "W1 inspect first 32")
    if bench.mode == "smoke":
        return
    row("full", 256, () if bench.mode == "quick" else PASSING_PEERS)
    signature(bench, "W1 inspect full 256")
    if bench.mode == "quick":
        return
    row("full", 1, sessions=bench.count.sessions // 4)
    row("full RSA-2048", 32, kind="RSA-2048")


def beyond(bench, work):
    """What a first-seen chain costs beyond 1.05 relays, beside its decoding, one build of the chain and
    one check of a signature by bare calls."""
    figures = bench.figures[work]
    for mine, bare in zip(figures[INSPECT], figures[RELAY]):
        line = next(l for l in said_by([PROGRAMS + "peek_bench", str(2 * bench.count.handshakes)])
                    if l.startswith("P-256 under RSA"))
        bench.keep(work, PROOF, float(re.search(r"bare +([\d.]+) us", line)[1]))
        bench.keep(work, EXCESS, max(0, mine - 1.05 * bare))


def signature(bench, work):
    """What the check of one signature costs, P-256 as the leaf's: for those who ask why (table.py)."""
    if bench.mode == "smoke":
        return
    argv = ["openssl", "speed", "-mr", "-seconds"]
    try:
        said = said_beside([*argv, str(CHECKED), "ecdsap256"], [*argv, "100", "ecdsap256"],
                           stderr=subprocess.DEVNULL)
    except RuntimeError as e:
        bench.notes.append(f"{work}, {SIGNATURE}: left out: {e}")
        return
    rates = next((line.split(":") for line in said if line.startswith("+F4:")), None)
    if rates:
        bench.keep(work, SIGNATURE, 1e6 / float(rates[-1]))


def w1_clear(bench):
    """No TLS at all, and load and MX are Postfix's smtp-source and smtp-sink."""
    work, whos = "W1 clear 32", bench.whos(RELAY, UPGRADE, INSPECT, *PASSING_PEERS)
    sessions, warm = bench.count.sessions, 0 if bench.mode == "smoke" else 1
    for i in range(bench.count.rounds + warm):
        for who in whos if i % 2 == 0 else whos[::-1]:
            us, seconds = source.run(bench.place(), who, sessions, bench.some(32))
            bench.ok(f"{work}, {who}: {sessions} sessions of smtp-source in {seconds:.2f} s")
            if i >= warm:
                bench.keep(work, who, us / sessions)
    bench.tell(work, "us")


# --- W2: many messages a session --------------------------------------------------------------------

def w2(bench):
    at_once = bench.some(32)
    sessions = at_once * (1 if bench.mode != "full" else 2)
    options = ("-c", str(at_once), "-m", str(5 if bench.mode == "smoke" else MAILS), "-s", "4096")

    bench.turns("W2 upgrade", bench.whos(UPGRADE, *TLS_PEERS), sessions, *options, per=MAIL)
    bench.turns("W2 inspect", bench.whos(RELAY, INSPECT, *PASSING_PEERS), sessions, *options, per=MAIL)


# --- W3: large bodies -------------------------------------------------------------------------------

def w3(bench):
    mib = bench.count.bulk_mib
    whole = Unit(f"for {WHOLE_MIB} MiB", lambda run: run.sessions * mib / WHOLE_MIB)

    for at_once in (1, 8) if bench.mode != "smoke" else (1,):
        rounds = min(5, bench.count.rounds)
        options = ("-c", str(at_once), "-s", str(mib << 20))
        bench.turns(f"W3 upgrade {at_once}", bench.whos(UPGRADE, "stunnel", "sslsplit"), at_once,
                    *options, per=whole, rounds=rounds, unit="ms")
        bench.turns(f"W3 inspect {at_once}", bench.whos(RELAY, INSPECT, *PASSING_PEERS), at_once,
                    *options, per=whole, rounds=rounds, unit="ms")


# --- the limits -------------------------------------------------------------------------------------

def limits(bench):
    """Handshakes and AES-GCM as they are without any network; load and MX without anything between."""
    said = said_by([PROGRAMS + "handshake_bench", str(10 * bench.count.handshakes)])
    print("\n".join("# " + line for line in said[:-1]), flush=True)
    bench.figures["handshakes"] = json.loads(said[-1])
    bench.ok("handshakes over a socket pair")
    for title, how in (("in clear text", {"tls": "clear"}), ("TLS 1.2", {}), ("TLS 1.3", {"tls": "1.3"}),
                       ("TLS 1.2, resumed", {"resume": True})):
        run = bench.sent("limits", "none", 4 * bench.count.sessions, "-c", "32", "-s", "4096", **how)
        print(f"# load and MX alone, {title}: {run.sessions / run.seconds:.0f} sessions a second, "
              f"{run.load_us / run.sessions:.0f} us of CPU each for the load, "
              f"{run.sink_us / run.sessions:.0f} us for the MX", flush=True)
