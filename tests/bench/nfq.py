# nfq.py - the bench's part for the nfq process: the DNS watch at a steady rate, the gate's SYNs
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import subprocess
import time

import inside
import net

LOAD = inside.BUILD + "/bench/dns_load"
RATE = 20000
TICK = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """Of the process and of the programs it ran."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICK


def totals(gateway):
    return json.loads(gateway.ctl("status", "--json").stdout)["totals"]


def answers(network, gateway, domains, seconds):
    """Sends answers to the client for so long: (sent, arrived)."""
    counter = gateway.client.popen([LOAD, "count", str(seconds + 2)], stdout=subprocess.PIPE,
                                   text=True)
    counter.stdout.readline()
    sent = network.mx.run([LOAD, "send", net.WEB4, gateway.client4, str(RATE), str(seconds),
                           str(domains)])
    return int(sent.stdout), int(counter.communicate()[0])


def dns_watch(network, gateway, seconds):
    """With the watch and without it, in turn. The CPU of each copy read, in us."""
    each = []
    for domains in (1000, 20000):
        before, pid = totals(gateway), gateway.children("posternd: nfq")[0]
        used = cpu_s(pid)
        sent, arrived = answers(network, gateway, domains, seconds)
        time.sleep(0.5)
        used, after = cpu_s(pid) - used, totals(gateway)
        read = after["dns_answers"] - before["dns_answers"]
        gateway.ctl("rules", "remove")
        bare, bare_arrived = answers(network, gateway, domains, seconds)
        gateway.intercept()
        each.append(used / max(read, 1) * 1e6)
        print(f"# DNS watch, {domains} domains: {sent / seconds:.0f} answers a second for {seconds} s; "
              f"the client lost {sent - arrived} of {sent} (without the watch {bare - bare_arrived} of "
              f"{bare}); {read} copies were read, {each[-1]:.1f} us of CPU each; the "
              f"kernel had no room for copies {after['dns_lost'] - before['dns_lost']} times",
              flush=True)
    return each


TALK = """import socket, sys
s = socket.create_connection((sys.argv[1], 25), 30)
s.recv(512)
for _ in range(int(sys.argv[2])):
    s.sendall(b"NOOP\\r\\n")
    s.recv(512)
"""


def after_the_syn(gateway, address, count=20000):
    """The packets of a flow that is decided cost the gate nothing."""
    before, pid = totals(gateway), gateway.children("posternd: nfq")[0]
    used = cpu_s(pid)
    gateway.client.run(["python3", "-c", TALK, address, str(count)], timeout=300)
    used, after = cpu_s(pid) - used, totals(gateway)
    asked = sum(after[k] - before[k] for k in ("gate_proxy", "gate_direct"))
    print(f"# after the SYN: {count} commands and replies on one connection, {asked} packet asked the gate, "
          f"{used * 1000:.0f} ms of CPU of the nfq process", flush=True)


def gate(gateway, count=10000):
    """The CPU of each word on a SYN, in us."""
    before, pid = totals(gateway), gateway.children("posternd: nfq")[0]
    used, start = cpu_s(pid), time.time()
    gateway.client.run([LOAD, "syn", str(count)])
    took = time.time() - start
    time.sleep(1)
    used, after = cpu_s(pid) - used, totals(gateway)
    decided = sum(after[k] - before[k] for k in ("gate_proxy", "gate_direct"))
    each = used / max(decided, 1) * 1e6
    print(f"# SYN gate: {count} SYNs to as many addresses in {took:.1f} s, {decided} decided, "
          f"{each:.1f} us of CPU each; lost {after['gate_lost']}", flush=True)
    return each
