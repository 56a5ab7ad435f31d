# zones.py - DNS: knot with really signed zones below a root of our own, and a validating unbound
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zones:

    .               signed; its key is unbound's trust anchor
    example.        signed; most domains of the laboratory
    plain.example.  not signed, delegated as such
    bogus.example.  signed, but the parent's DS names another key: validation fails

Records live a second (TTL 1), and unbound forgets a zone when it is changed, so a change is seen at
once by whoever asks."""
import os
import subprocess
import threading

import net
from inside import STATE, write

DIR = STATE + "/dns"
ZONES = [".", "example.", "plain.example.", "bogus.example."]
SIGNED = [".", "example.", "bogus.example."]
TTL = 1

KNOT = """server:
    rundir: "{dir}"
    pidfile: "{dir}/knot.pid"
    listen: ["{v4}@53", "{v6}@53"]
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
    logfile: "{dir}/unbound.log"
    verbosity: 1
    val-log-level: 2
    num-threads: 1
    interface: {v4}
    interface: {v6}
    outgoing-interface: {v4}
    outgoing-interface: {v6}
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    root-hints: "{dir}/root.hints"
    trust-anchor-file: "{dir}/anchor"
    module-config: "validator iterator"
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
    control-interface: "{dir}/unbound.sock"
    control-use-cert: no
"""

lock = threading.Lock()


def soa(zone):
    ns = f"ns.{zone}" if zone != "." else "ns."
    return (f"{zone} {TTL} SOA {ns} hostmaster.example. 1 3600 600 86400 1\n"
            f"{zone} {TTL} NS ns.example.\n")


def keymgr(*args):
    done = subprocess.run(["keymgr", "-c", DIR + "/knot.conf", *args], capture_output=True,
                          text=True)
    if done.returncode:
        raise RuntimeError(f"keymgr {' '.join(args)}: {done.stdout}{done.stderr}")
    return done.stdout


def setup(network):
    """Starts both servers in pst-mx; returns when the resolver answers."""
    os.makedirs(DIR + "/db", exist_ok=True)
    conf = KNOT.format(dir=DIR, v4=net.AUTH4, v6=net.AUTH6)
    for zone in ZONES:
        conf += f'  - domain: "{zone}"\n    file: "{zone}zone"\n'
        if zone in SIGNED:
            conf += "    dnssec-signing: on\n    dnssec-policy: lab\n"
    write(DIR + "/knot.conf", conf)
    ds = {}
    for zone in SIGNED:
        keymgr(zone, "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes")
        ds[zone] = [r for r in keymgr(zone, "ds").splitlines() if " 13 2 " in r][0]
    write(DIR + "/anchor", ds["."] + "\n")
    address = f"A {net.AUTH4}\n"
    address6 = f"AAAA {net.AUTH6}\n"
    write(DIR + "/.zone", soa(".") + "example. 1 NS ns.example.\nns.example. 1 " + address
          + "ns.example. 1 " + address6 + ds["example."].replace(" DS ", " 1 DS ") + "\n")
    # A DS of the right form that fits no key.
    forged = ds["bogus.example."].rsplit(" ", 1)[0].replace(" DS ", " 1 DS ") + " " + "ab" * 32
    write(DIR + "/example.zone", soa("example.") + "ns.example. 1 " + address + "ns.example. 1 "
          + address6 + "plain.example. 1 NS ns.example.\nbogus.example. 1 NS ns.example.\n"
          + forged + "\n")
    write(DIR + "/plain.example.zone", soa("plain.example."))
    write(DIR + "/bogus.example.zone", soa("bogus.example."))
    write(DIR + "/root.hints", f". 3600 NS ns.example.\nns.example. 3600 A {net.AUTH4}\n"
          f"ns.example. 3600 AAAA {net.AUTH6}\n")
    write(DIR + "/unbound.conf", UNBOUND.format(dir=DIR, v4=net.DNS4, v6=net.DNS6))
    write("/etc/resolv.conf", f"nameserver {net.DNS4}\noptions timeout:2 attempts:2\n")
    with open(DIR + "/out", "w") as out:
        network.mx.popen(["knotd", "-c", DIR + "/knot.conf"], stdout=out, stderr=out)
        network.mx.popen(["unbound", "-d", "-p", "-c", DIR + "/unbound.conf"], stdout=out,
                         stderr=out)


def zone_of(name):
    return max((z for z in ZONES if z == "." or name == z or name.endswith("." + z)), key=len)


def knotc(*lines):
    for line in lines:
        done = subprocess.run(["knotc", "-b", "-s", DIR + "/knot.sock", *line], text=True,
                              capture_output=True)
        if done.returncode:
            raise RuntimeError(f"knotc {' '.join(line)}: {done.stdout}{done.stderr}")


def change(add=(), remove=()):
    """Changes records in one transaction for each zone. add: (name, type, rdata); remove: (name,
    type). Names end in a dot. A removal comes before the additions."""
    with lock:
        for zone in {zone_of(r[0]) for r in [*add, *remove]}:
            lines = [("zone-begin", zone)]
            for name, kind in remove:
                if zone_of(name) == zone:
                    lines.append(("zone-unset", zone, name, kind))
            for name, kind, rdata in add:
                if zone_of(name) == zone:
                    lines.append(("zone-set", zone, name, str(TTL), kind, rdata))
            try:
                knotc(*lines, ("zone-commit", zone))
                subprocess.run(["unbound-control", "-c", DIR + "/unbound.conf", "flush_zone", zone],
                               capture_output=True, check=True)
            except BaseException:
                subprocess.run(["knotc", "-s", DIR + "/knot.sock", "zone-abort", zone],
                               capture_output=True)
                raise
