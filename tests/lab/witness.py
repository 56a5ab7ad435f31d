# witness.py - stands in the internet and counts what must not come by: port 25 with a client's own address
# SPDX-License-Identifier: GPL-3.0-or-later
"""postern dials with the gateway's own address (unless source: client), so a packet to port 25 that
bears a client's address was forwarded past it."""
import re


class Witness:
    def __init__(self, network, gateway):
        self.ns = network.net
        self.name = f"WITNESS{gateway.number}"
        self.clients = (gateway.client4, gateway.client6)
        for address in self.clients:
            for port in ("--dport", "--sport"):
                way = "-s" if port == "--dport" else "-d"
                self.ns.tables(address, "-t", "raw", "-A", "PREROUTING", way, address, "-p", "tcp",
                               port, "25", "-m", "comment", "--comment", self.name + port[2:])

    def count(self, way="dport"):
        """Packets so far; dport: from the client, sport: to it."""
        total = 0
        for program in ("iptables-save", "ip6tables-save"):
            text = self.ns.run([program, "-c", "-t", "raw"]).stdout
            for line in text.splitlines():
                if re.search(rf'"?{self.name}{way}\b', line):
                    total += int(re.match(r"\[(\d+):", line)[1])
        return total
