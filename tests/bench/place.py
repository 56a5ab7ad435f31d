# place.py - the bench's network: MXs, what stands between, and sessions that are sent through it
# SPDX-License-Identifier: GPL-3.0-or-later
"""
    inside.enter()
    p = place.Place(place.network())
    p.run("postern-upgrade", "-n", "1000", "-c", "32")	-> Run
    p.turns(("postern-inspect", "relay"), 5, "-n", "500", "-c", "32")	-> {who: [us per session]}
    p.stop()

What stands between (peers.ALL) begins when it is first asked for, on processor 1; load and MXs are
on processor 0. The options are smtp_load's. Where TLS begins with what stands between
("postern-upgrade", stunnel, Postfix) the load speaks clear text, else TLS 1.2, the last that can be
seen through, unless tls="1.3" (or another of TLS). A run is over when the MX has taken every mail.
What cannot do its work raises RuntimeError."""
import collections
import dataclasses
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../lab")
import certs
import cpu
import inside
import net
import peers
import postern
import programs
import web
import zones
from inside import STATE, write

KINDS = {"P-256": "good", "RSA-2048": "rsa"}	# the MX's key, and its name in certs.py
TLS = {"clear": ("-C",), "1.2": (), "1.3": ("-3",)}	# what the load speaks
FIRST = 201		# 203.0.113.201 and following are the MXs'
TTL = 600		# seconds: as domains have it, where the laboratory has one
PATIENCE = 20		# seconds without any mail


@dataclasses.dataclass
class Run:
    """What one run of the load used and did."""
    cpu_us: float		# of all processes of what stands between
    parts: dict			# us of those it is divided into
    sessions: int
    mails: int
    full: int			# handshakes that the MX made
    resumed: int
    passed: int			# sessions that went end to end, as postern counts them
    seconds: float
    latency: dict		# us from connect() to the session's end: median, p90, least
    load_us: float		# CPU of the load and of the MX
    sink_us: float


class Mx:
    """An MX with its recipient domain. It issues tickets, or makes every handshake a full one."""

    def __init__(self, ns, number, kind, tickets):
        word = kind.lower() + ("-tickets" if tickets else "")
        self.kind, self.tickets = kind, tickets
        self.name, self.domain = f"mx-{word}.example", word + ".example"
        self.user, self.address = "user@" + self.domain, f"203.0.113.{FIRST + number}"
        self.file = certs.public(KINDS[kind], self.name)
        self.seat = cpu.Seat(ns, cpu.ENDS)
        self.process = peers.ready(self.seat.popen(
            [peers.BENCH + "smtp_sink", *(["-t"] if tickets else []), self.file, self.address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def publish(self):
        zones.change(add=[
            (self.name + ".", "A", self.address), (self.domain + ".", "MX", f"10 {self.name}."),
            (f"_mta-sts.{self.domain}.", "TXT", '"v=STSv1; id=1;"'),
            (f"mta-sts.{self.domain}.", "A", net.WEB4)])
        web.publish(self.domain, web.policy_text(mode="enforce", mx=[self.name]))

    def counted(self):
        """Sessions ended, mails, full handshakes, resumed ones, CPU in us."""
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.seat.leave()


def network():
    """The laboratory's, with its resolver and policy host."""
    cpu.clean()
    if cpu.TWO:
        os.sched_setaffinity(0, {cpu.ENDS})	# and with it all that has no seat
    os.makedirs(STATE, exist_ok=True)
    certs.setup()
    lab = net.Net()
    zones.TTL = TTL
    for name, value in (("max", TTL), ("min", TTL), ("max-negative", TTL)):
        zones.UNBOUND = set_option(zones.UNBOUND, f"cache-{name}-ttl", value)
    zones.setup(lab)
    web.setup(lab)
    programs.wait_dns(lab.mx)
    programs.wait_port(lab.mx, net.WEB4, 443)
    return lab


def set_option(text, name, value):
    return "".join(f"    {name}: {value}\n" if line.strip().startswith(name + ":") else line
                   for line in text.splitlines(True))


class Place:
    """kinds: keys of the MXs; peers: those to be started at once; options: changes of postern's
    configuration. mxs[kind, tickets]: others may be put in before what stands between begins."""

    def __init__(self, network, kinds=tuple(KINDS), peers=(), options=None):
        self.network, self.options, self.peers = network, options or {}, {}
        self.mxs = {}
        for kind in kinds:
            for tickets in (False, True):
                self.mxs[kind, tickets] = mx = Mx(network.mx, len(self.mxs), kind, tickets)
                mx.publish()
        self.ca_file = write(STATE + "/certs/both.pem",
                             certs.read(certs.ca_file()) + certs.read(certs.public_ca_file()))
        self.kind, self.settled = kinds[0], set()
        roomy(network.net)
        for who in peers:
            self.peer(who)

    def gateway(self, options=None):
        """One more, with its client network; nothing runs on it."""
        gateway = postern.Gateway(self.network, options, start=False)
        for ns in (gateway.client, gateway.gw):
            roomy(ns)
        return gateway

    def peer(self, who):
        if who not in self.peers:
            self.peers[who] = peers.ALL[who](self)
        return self.peers[who]

    def ends(self, who, kind, resume):
        """The MX, and what stands between (None: nothing), which has settled with it."""
        peer = self.peer(who) if who != "none" else None
        mx = self.mxs[kind or self.kind, resume]
        if peer and (who, mx.name) not in self.settled:
            peer.settle(mx)
            self.settled.add((who, mx.name))
        return mx, peer

    def load(self, who, *options, kind=None, resume=False, tls=None):
        """smtp_load as a process, for sessions that stay open (-i): it says its line once they all
        do, and ends with its input."""
        mx, peer = self.ends(who, kind, resume)
        own = list(TLS[tls or ("clear" if peer and peer.clear else "1.2")])
        if resume and own != ["-C"]:
            own.append("-r")
        most = ["-c", str(peer.at_once)] if peer and peer.at_once else []
        argv = [peers.BENCH + "smtp_load", *own, *options, *most, mx.address, mx.user]
        ns = peer.client if peer else self.network.net
        return ns.popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        text=True)

    def run(self, who, *options, kind=None, resume=False, tls=None):
        """resume: the MX issues tickets, and all sessions but the first resume: by the load, where
        TLS is end to end, else by what stands between, as well as it can (Run.resumed)."""
        mx, peer = self.ends(who, kind, resume)
        peer = peer or peers.Nothing()
        passed, there, parts, used = peer.passed(), mx.counted(), peer.clocks(), peer.used_us()
        load = self.load(who, *options, kind=kind, resume=resume, tls=tls)
        said, why = load.communicate()
        if load.returncode != 0:
            raise RuntimeError(f"{who}, {mx.name}: {failed(load, why)}: {peer.errors()}")
        words = [float(word) for word in said.split()]
        sessions, mails, _, seconds, load_us, *lasted = words
        self.arrive(mx, there[1] + mails, who)
        time.sleep(0.1)		# what is written down after the sessions' end
        used = peer.used_us() - used
        parts = {part: us - parts[part] for part, us in peer.clocks().items()}
        if parts:
            parts["others"] = used - sum(parts.values())
        _, _, full, resumed, sink_us = (b - a for a, b in zip(there, mx.counted()))
        return Run(used, parts, int(sessions), int(mails), full, resumed, peer.passed() - passed,
                   seconds, dict(zip(("median", "p90", "least"), lasted)), load_us, sink_us)

    def arrive(self, mx, mails, who):
        """Until the MX has so many mails."""
        last, since = mx.counted()[1], time.time()
        while last < mails:
            time.sleep(0.02)
            if (now := mx.counted()[1]) > last:
                last, since = now, time.time()
            elif time.time() - since > PATIENCE:
                raise RuntimeError(f"{who}, {mx.name}: {mails - last} mails have not come: "
                         + self.peers[who].errors())

    def turns(self, whos, rounds, *options, per="sessions", **how):
        """In alternating order: {who: [CPU in us per unit]}; the first round only warms. per: what
        is the unit, a number of Run's or any other."""
        used = {who: [] for who in whos}
        for i in range(rounds + 1):
            for who in whos if i % 2 == 0 else reversed(whos):
                run = self.run(who, *options, **how)
                if i > 0:
                    units = getattr(run, per) if isinstance(per, str) else per
                    used[who].append(run.cpu_us / units)
        return used

    def stop(self):
        for peer in self.peers.values():
            peer.stop()
        for mx in self.mxs.values():
            mx.stop()


def failed(load, why=None):
    """How a load has failed, in words: its status and what it said."""
    if why is None:
        why = load.communicate()[1]
    return f"the load ended with status {load.returncode}: {why.strip() or 'without a word'}"


def roomy(ns):
    """Ports for many sessions, and again for those that have just ended."""
    ns.run(["sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65535"])
