# end_to_end.py - the bench's part for path: inspect: sessions that pass end to end, beside a bare relay
# SPDX-License-Identifier: GPL-3.0-or-later
"""postern and splice_relay stand in the same place, one address each behind the same REDIRECT, and
take turns. What counts is the CPU of all their processes (schedstat: nanoseconds on a processor); the
load and the MX run on the other processor, where there are two. smtp_load and smtp_sink by themselves
(from behind the gateway) show that they are not what is waited for."""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../lab")
import certs
import client
import inside
import net
import postern
import programs
import web
import zones

BENCH = inside.BUILD + "/bench/"
KINDS = {"P-256": "good", "RSA-2048": "rsa"}	# the MX's key, and its name in certs.py
WHO = ("postern", "bare", "bare256", "none")
FIRST = 241					# 203.0.113.241 and following are the MXs'
PORTS = {"bare": (10026, 65536), "bare256": (10027, 262144)}
MAIL, BULK = 4096, 256 << 20
IDLE = 5000
TWO = (os.cpu_count() or 1) > 1


def address(kind, who):
    return f"203.0.113.{FIRST + list(KINDS).index(kind) * len(WHO) + WHO.index(who)}"


def on(processor, argv):
    return ["taskset", "-c", str(processor), *argv] if TWO else argv


def ready(process):
    if process.stdout.readline().strip() != "ready":
        sys.exit(f"{process.args} did not start")
    return process


def cpu_us(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1000


def word(pid, file, name):
    with open(f"/proc/{pid}/{file}") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith(name + ":"))


class Place:
    """MXs, a gateway, and what stands in it."""

    def __init__(self, network, options=None):
        self.internet, self.sinks = network.net, {}
        for kind in KINDS:
            name = f"mx-{kind.lower()}.example"
            argv = [BENCH + "smtp_sink", certs.leaf(KINDS[kind], name),
                    *(address(kind, who) for who in WHO)]
            self.sinks[kind] = ready(network.mx.popen(on(0, argv), stdout=subprocess.PIPE, text=True))
            if options is None:
                domain(kind, name)
        self.gateway = postern.Gateway(network, postern.merge({
            "path": "inspect", "workers": 1,
            "limits": {"sessions": 2 * IDLE, "sessions-per-client": 2 * IDLE}}, options or {}))
        for ns in (self.gateway.client, self.gateway.gw):
            ns.run(["sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1",
                    "net.ipv4.ip_local_port_range=1024 65535"])
        self.policy = self.gateway.children("posternd: policy")
        pids = [self.gateway.process.pid, *self.gateway.children("posternd")]
        self.pids = {"postern": pids}
        for who, (port, pipe) in PORTS.items():
            relay = self.gateway.gw.popen([BENCH + "splice_relay", str(port), str(pipe)],
                                          stdout=subprocess.PIPE, text=True)
            self.pids[who] = [ready(relay).pid]
        for pid in sum(self.pids.values(), []):
            if TWO:
                os.sched_setaffinity(pid, {1})
        self.redirect()
        for kind in KINDS:
            known(self.gateway, kind)

    def redirect(self):
        """The relays' addresses, ahead of postern's own rules."""
        for kind in KINDS:
            for who, (port, _) in PORTS.items():
                self.gateway.gw.tables(address(kind, who), "-t", "nat", "-I", "PREROUTING", "-p", "tcp",
                                       "-d", address(kind, who), "--dport", "25",
                                       "-j", "REDIRECT", "--to-ports", str(port))

    def load(self, kind, who, *options):
        argv = [BENCH + "smtp_load", *options, address(kind, who), user(kind)]
        place = self.gateway.client if who in self.pids else self.internet
        return place.popen(on(0, argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, kind, who, *options):
        """CPU of who stands between, in us, and the line of smtp_load as numbers."""
        before = cpu_us(self.pids.get(who, []))
        load = self.load(kind, who, *options)
        line = load.communicate()[0].split()
        if load.returncode != 0:
            sys.exit(f"{kind}, {who}: the load failed: {self.gateway.stderr()[-500:]}")
        time.sleep(0.1)		# what is written down after the sessions' end
        return cpu_us(self.pids.get(who, [])) - before, [float(w) for w in line]

    def passed(self):
        """How many sessions passed end to end so far."""
        return self.gateway.status()["totals"]["end_to_end"]

    def stop(self):
        self.gateway.stop()
        for sink in self.sinks.values():
            sink.kill()
            sink.wait()


def user(kind):
    return f"user@{kind.lower()}.example"


def domain(kind, mx):
    name = user(kind).split("@")[1]
    zones.change(add=[
        (mx + ".", "A", address(kind, "postern")), (name + ".", "MX", f"10 {mx}."),
        (f"_mta-sts.{name}.", "TXT", '"v=STSv1; id=1;"'), (f"mta-sts.{name}.", "A", net.WEB4)])
    web.publish(name, web.policy_text(mode="enforce", mx=[mx]))


def known(gateway, kind):
    """One recipient seen in clear: postern knows the domain and its policy from then on."""
    with client.Raw(gateway.client, address(kind, "postern")) as c:
        c.greet()
        c.cmd("MAIL FROM:<sender@client.example>")
        reply = c.cmd(f"RCPT TO:<{user(kind)}>")
        if reply.code != 250:
            sys.exit(f"{user(kind)}: {reply}")
        c.cmd("QUIT")


def turns(place, kind, who, rounds, per, *options):
    """In turn: {who: [CPU in us per unit]}; the first round only warms."""
    used = {w: [] for w in who}
    for i in range(rounds + 1):
        for w in who:
            us, _ = place.run(kind, w, *options)
            if i > 0:
                used[w].append(us / per)
    return used


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def ratio(a, b):
    """Of medians, and the least and greatest of a round's."""
    each = [x / y for x, y in zip(a, b)]
    return (f"{statistics.median(a) / statistics.median(b):.3f} "
            f"(rounds {min(each):.3f} to {max(each):.3f})")


def nothing_between(place, sessions):
    for kind in KINDS:
        for title, option in (("full", []), ("resumed", ["-r"])):
            sink = cpu_us([place.sinks[kind].pid])
            _, (count, resumed, took, used) = place.run(
                kind, "none", "-n", str(sessions), "-c", "32", "-s", str(MAIL), *option)
            sink = cpu_us([place.sinks[kind].pid]) - sink
            print(f"load and sink alone, {kind}, {title}: {count / took:.0f} sessions a second on one "
                  f"processor, {used / count:.0f} us of CPU each for the load, {sink / count:.0f} us for "
                  f"the sink; {resumed:.0f} resumed", flush=True)


def small(place, rounds, sessions, at_once=32):
    """One mail of 4 KiB a session."""
    for kind in KINDS:
        for title, option in (("full handshakes", []), ("resumed", ["-r"])):
            options = ["-n", str(sessions), "-c", str(at_once), "-s", str(MAIL), *option]
            seen, policy = place.passed(), cpu_us(place.policy)
            used = turns(place, kind, ("postern", "bare"), rounds, sessions + len(option), *options)
            seen = place.passed() - seen
            want = (rounds + 1) * (sessions + len(option))
            policy = (cpu_us(place.policy) - policy) / want
            a, b = used["postern"], used["bare"]
            print(f"inspect, 4 KiB a session, {at_once} at once, {kind}, {title}: postern "
                  f"{spread(a, '.0f')} us of CPU a session ({policy:.0f} of it the policy process), bare "
                  f"relay {spread(b, '.0f')}, ratio "
                  f"{ratio(a, b)}; {statistics.median(a) - statistics.median(b):.0f} us more; "
                  f"{seen} of {want} passed end to end", flush=True)


def bulk(place, rounds):
    per = BULK / 1e9 * 1e6
    who = ("postern", "bare", "bare256")
    used = turns(place, "P-256", who, rounds, per, "-s", str(BULK))
    print(f"inspect, 256 MiB a session: postern {spread(used['postern'], '.4f')} CPU-s/GB" + "".join(
        f"; bare, {PORTS[w][1] >> 10} KiB pipes, {spread(used[w], '.4f')}, ratio "
        f"{ratio(used['postern'], used[w])}" for w in who[1:]), flush=True)


def idle(place, count, title):
    """So many sessions behind MAIL in their own TLS."""
    worker = place.gateway.children("posternd: proxy")[0]
    place.run("P-256", "postern", "-n", "500", "-c", "32")	# what a busy worker has anyway
    before = word(worker, "smaps_rollup", "Private_Dirty")
    load = place.load("P-256", "postern", "-n", str(count), "-c", "32", "-i")
    if not load.stdout.readline():
        sys.exit(f"{count} idle sessions could not be opened")
    time.sleep(2)
    after = word(worker, "smaps_rollup", "Private_Dirty")
    open_ones = place.gateway.status()["totals"]["sessions"]
    wakes, used = word(worker, "status", "voluntary_ctxt_switches"), cpu_us([worker])
    time.sleep(20)
    print(f"{title}, {open_ones} idle sessions behind MAIL in TLS: {(after - before) / count:.2f} KiB of "
          f"private memory each at the worker ({before} to {after} KiB); in 20 s it was woken "
          f"{word(worker, 'status', 'voluntary_ctxt_switches') - wakes} times and used "
          f"{(cpu_us([worker]) - used) / 1000:.1f} ms of CPU", flush=True)
    load.stdin.close()
    load.wait()


def run(network, rounds=5, sessions=500):
    zones.setup(network)
    web.setup(network)
    programs.wait_dns(network.mx)
    programs.wait_port(network.mx, net.WEB4, 443)
    place = Place(network)
    nothing_between(place, 4 * sessions)
    small(place, rounds, sessions)
    bulk(place, 2 * rounds)
    idle(place, IDLE, "inspect")
    place.stop()
    # The same session with both its halves' TLS, or what there is of them, at postern.
    place = Place(network, {"path": "upgrade"})
    idle(place, IDLE, "upgrade")
    place.stop()


if __name__ == "__main__":
    inside.enter()
    os.makedirs(inside.STATE, exist_ok=True)
    certs.setup()
    run(net.Net(), *map(int, sys.argv[1:]))
