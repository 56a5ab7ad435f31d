# zones.py - DNS: knot with really signed zones below a root of our own, and a validating unbound
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zones:

    .               signed; its key is unbound's trust anchor
    example.        signed; most domains of the laboratory
    plain.example.  not signed, delegated as such
    bogus.example.  signed, but the parent's DS names another key: validation fails
    odd.example.    signed; its name server (zones.odd, see dnsd.py) spoils what it is told to
    lost.example.   the same; for answers that never come, since a resolver that misses them asks
                    that server for nothing more for a while

Records live a second (TTL 1), and unbound forgets a zone when it is changed, so a change is seen at
once by whoever asks."""
import collections
import itertools
import os
import socket
import subprocess
import threading

import dnsd
import net
from inside import STATE, write

DIR = STATE + "/dns"
BEHIND = DIR + "/behind"	# the server behind the odd one
ODD = ["odd.example.", "lost.example."]
ZONES = [".", "example.", "plain.example.", "bogus.example.", *ODD]
SIGNED = [".", "example.", "bogus.example.", *ODD]
TTL = 1

KNOT = """server:
    rundir: "{dir}"
    pidfile: "{dir}/knot.pid"
    listen: [{listen}]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: "{dir}/knot.log"
    any: info
control:
    listen: "{dir}/knot.sock"
database:
    storage: "{dir}/db"
    journal-db-max-size: 64M
    kasp-db-max-size: 16M
    timer-db-max-size: 8M
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
    ksk-lifetime: 0
    zsk-lifetime: 0
    dnskey-ttl: 1
    zone-max-ttl: 60
template:
  - id: default
    storage: "{dir}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
"""

UNBOUND = """server:
    directory: "{dir}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: "{dir}/{name}.log"
    verbosity: 1
    val-log-level: 2
    num-threads: 1
    interface: {v4}
{more}    outgoing-interface: {v4}
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    root-hints: "{dir}/root.hints"
    trust-anchor-file: "{dir}/anchor"
    module-config: "{modules}"
    ede: {ede}
    do-not-query-localhost: no
    cache-max-ttl: 1
    cache-min-ttl: 0
    cache-max-negative-ttl: 1
    val-bogus-ttl: 1
    infra-host-ttl: 2
    serve-expired: no
    aggressive-nsec: no
    prefetch: no
    qname-minimisation: no
    minimal-responses: no
    so-reuseport: no
remote-control:
    control-enable: yes
    control-interface: "{dir}/{name}.sock"
    control-use-cert: no
"""

lock = threading.Lock()
waiting = collections.deque()	# changes to be committed
odd = None		# the odd zones' dnsd.Server
doubt = None		# the same before the resolver, for gateways that are told to ask it


def home(zone):
    return BEHIND if zone in ODD else DIR


def ns_of(zone):
    return "ns-odd.example." if zone in ODD else "ns.example."


def soa(zone):
    ns = f"ns.{zone}" if zone != "." else "ns."
    return (f"{zone} {TTL} SOA {ns} hostmaster.example. 1 3600 600 86400 1\n"
            f"{zone} {TTL} NS {ns_of(zone)}\n")


def keymgr(zone, *args):
    done = subprocess.run(["keymgr", "-c", home(zone) + "/knot.conf", zone, *args],
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"keymgr {zone} {' '.join(args)}: {done.stdout}{done.stderr}")
    return done.stdout


def configure(directory, *listen):
    """The configuration of the server with the zones whose home this is."""
    os.makedirs(directory + "/db", exist_ok=True)
    conf = KNOT.format(dir=directory, listen=", ".join(f'"{a}"' for a in listen))
    for zone in ZONES:
        if home(zone) == directory:
            conf += f'  - domain: "{zone}"\n    file: "{zone}zone"\n'
            if zone in SIGNED:
                conf += "    dnssec-signing: on\n    dnssec-policy: lab\n"
    write(directory + "/knot.conf", conf)


def keys():
    """A key for each signed zone; its DS record."""
    ds = {}
    for zone in SIGNED:
        keymgr(zone, "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes")
        record = [r for r in keymgr(zone, "ds").splitlines() if " 13 2 " in r][0]
        ds[zone] = record.replace(" DS ", f" {TTL} DS ")
    return ds


def setup(network):
    """Starts the servers in pst-mx; what waits for the resolver is programs.wait_dns."""
    global odd, doubt
    configure(DIR, f"{net.AUTH4}@53", f"{net.AUTH6}@53")
    configure(BEHIND, f"{net.ODD4}@5353")
    ds = keys()
    write(DIR + "/anchor", ds["."] + "\n")
    address = f"ns.example. 1 A {net.AUTH4}\nns.example. 1 AAAA {net.AUTH6}\n"
    write(DIR + "/.zone", soa(".") + "example. 1 NS ns.example.\n" + address + ds["example."]
          + "\n")
    # A DS of the right form that fits no key.
    ds["bogus.example."] = ds["bogus.example."].rsplit(" ", 1)[0] + " " + "ab" * 32
    text = soa("example.") + address + f"ns-odd.example. 1 A {net.ODD4}\n"
    for zone in ZONES[2:]:
        text += f"{zone} 1 NS {ns_of(zone)}\n" + (ds[zone] + "\n" if zone in ds else "")
        write(f"{home(zone)}/{zone}zone", soa(zone))
    write(DIR + "/example.zone", text)
    write(DIR + "/root.hints", f". 3600 NS ns.example.\nns.example. 3600 A {net.AUTH4}\n"
          f"ns.example. 3600 AAAA {net.AUTH6}\n")
    write("/etc/resolv.conf", f"nameserver {net.DNS4}\noptions timeout:2 attempts:2\n")
    with open(DIR + "/out", "w") as out:
        for directory in (DIR, BEHIND):
            network.mx.popen(["knotd", "-c", directory + "/knot.conf"], stdout=out, stderr=out)
    resolver(network, "unbound", net.DNS4, more=f"    interface: {net.DNS6}\n"
             f"    outgoing-interface: {net.DNS6}\n")
    odd = dnsd.Server(network, net.ODD4, (net.ODD4, 5353))
    doubt = dnsd.Server(network, net.DOUBT4, (net.DNS4, 53))


def resolver(network, name, address, validates=True, ede="no", more=""):
    """An unbound at this address of pst-mx. It says why it fails only with `ede`, as by default."""
    modules = "validator iterator" if validates else "iterator"
    write(f"{DIR}/{name}.conf", UNBOUND.format(dir=DIR, name=name, v4=address, modules=modules,
                                               ede=ede, more=more))
    with open(f"{DIR}/{name}.out", "w") as out:
        return network.mx.popen(["unbound", "-d", "-p", "-c", f"{DIR}/{name}.conf"], stdout=out,
                                stderr=out)


def zone_of(name):
    return max((z for z in ZONES if z == "." or name == z or name.endswith("." + z)), key=len)


def knotc(zone, lines):
    """Commands for the zone's server, given as words, by one process; one for each that quotes."""
    # Without a home it keeps no history of commands, which costs more than all else.
    env = {k: v for k, v in os.environ.items() if k != "HOME"}
    batch = ["knotc", "-b", "-s", home(zone) + "/knot.sock"]
    for alike, group in itertools.groupby(lines, lambda words: '"' not in words[-1]):
        group = list(group)
        runs = [([], "".join(" ".join(words) + "\n" for words in group))] if alike else \
            [(words, None) for words in group]
        for argv, text in runs:
            done = subprocess.run([*batch, *argv], text=True, capture_output=True, input=text,
                                  env=env)
            if done.returncode or "error:" in done.stdout + done.stderr:
                raise RuntimeError(f"knotc {argv} {text}: {done.stdout}{done.stderr}")


def forget(zone):
    """unbound forgets what it knows of the zone (flush_zone of unbound-control, without it)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(DIR + "/unbound.sock")
        s.sendall(b"UBCT1 flush_zone " + zone.encode() + b"\n")
        with s.makefile() as f:
            if not (said := f.read()).startswith("ok"):
                raise RuntimeError(f"unbound: flush_zone {zone}: {said}")


class Change:
    def __init__(self, add, remove):
        self.add, self.remove = list(add), list(remove)
        self.done, self.error = False, None

    def lines(self, zone):
        """Commands for knotd. Removals come before additions."""
        for name, kind in self.remove:
            if zone_of(name) == zone:
                yield "zone-unset", zone, name, kind
        for name, kind, rdata in self.add:
            if zone_of(name) == zone:
                yield "zone-set", zone, name, str(TTL), kind, rdata


def commit(changes):
    """One transaction for each zone."""
    for zone in {zone_of(r[0]) for c in changes for r in [*c.add, *c.remove]}:
        lines = [line for c in changes for line in c.lines(zone)]
        try:
            knotc(zone, [("zone-begin", zone), *lines, ("zone-commit", zone)])
            forget(zone)
        except BaseException:
            subprocess.run(["knotc", "-s", home(zone) + "/knot.sock", "zone-abort", zone],
                           capture_output=True)
            raise


def change(add=(), remove=()):
    """Changes records. add: (name, type, rdata); remove: (name, type). Names end in a dot. Changes
    of several cases that come at once are committed as one."""
    mine = Change(add, remove)
    waiting.append(mine)
    with lock:
        if not mine.done:
            batch = [waiting.popleft() for _ in range(len(waiting))]
            try:
                commit(batch)
            except Exception:
                for one in batch:	# whose fault is it?
                    try:
                        commit([one])
                    except Exception as e:
                        one.error = e
            for one in batch:
                one.done = True
    if mine.error:
        raise mine.error
