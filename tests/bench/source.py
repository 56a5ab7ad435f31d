# source.py - clear text as Postfix's own measuring programs send and take it
# SPDX-License-Identifier: GPL-3.0-or-later
"""What smtp_load and smtp_sink measure without TLS, measured a second time by programs that are not
ours. add() comes before what stands between begins: some of them have to know the MX."""
import subprocess
import time

import cpu
import place
import programs
import zones

NUMBER = 13	# of place.FIRST
KIND = "smtp-sink"


class SinkMx(place.Mx):
    """smtp-sink: no STARTTLS, no policy."""

    def __init__(self, ns):
        self.name, self.domain, self.user = "mx-sink.example", "sink.example", "user@sink.example"
        self.address = f"203.0.113.{place.FIRST + NUMBER}"
        self.seat = cpu.Seat(ns, cpu.ENDS)
        self.process = self.seat.popen(["smtp-sink", "-u", "postfix", f"{self.address}:25", "1024"])
        programs.wait_port(ns, self.address, 25)

    def publish(self):
        zones.change(add=[(self.name + ".", "A", self.address),
                          (self.domain + ".", "MX", f"10 {self.name}.")])


def add(p):
    p.mxs[KIND, False] = mx = SinkMx(p.network.mx)
    mx.publish()


def run(p, who, sessions, at_once, octets=4096):
    """One mail a session. (CPU in us of what stands between, seconds)"""
    mx, peer = p.ends(who, KIND, False)
    ns = peer.client if peer else p.network.net
    used, start = peer.used_us() if peer else 0, time.time()
    done = subprocess.run(ns.argv([
        "smtp-source", "-4", "-s", str(at_once), "-m", str(sessions), "-l", str(octets),
        "-f", "sender@client.example", "-t", mx.user, f"{mx.address}:25"]), capture_output=True,
        text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{who}: smtp-source: {done.stdout}{done.stderr}")
    took = time.time() - start
    time.sleep(0.1)		# what is written down after the sessions' end
    return (peer.used_us() if peer else 0) - used, took
