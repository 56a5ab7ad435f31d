# processes.py - the other processes by themselves: policy (W6), nfq (W7), and parts of the worker
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import subprocess

import nfq
import postern
from workloads import PROGRAMS, said_by

W6 = {"warm": "channel_us", "cold": "cold_us", "expired": "expired_us", "start": "start_s",
      "start full": "start_full_s", "octets": "ram_per_domain"}


def w6(bench):
    said = said_by([PROGRAMS + "policy_bench", str(bench.count.domains)])
    print("\n".join("# " + line for line in said), flush=True)
    figures = next(json.loads(line) for line in said if line.startswith('{"w6"'))["w6"]
    for who, name in W6.items():
        bench.keep("W6", who, figures[name])
    bench.ok(f"policy of {figures['domains']} domains")


def w7(bench):
    network, smoke = bench.place().network, bench.mode == "smoke"
    said = said_by([PROGRAMS + "nfq_bench", "100" if smoke else "10000"])
    print("\n".join("# " + line for line in said), flush=True)
    mx = bench.place().mxs["plain", False]
    gateway = postern.Gateway(network, {"intercept": {"scope": "required", "settle": "0s"}})
    if not smoke:
        for us in nfq.dns_watch(network, gateway, bench.count.seconds):
            bench.keep("W7", "watch", us)
    bench.keep("W7", "gate", nfq.gate(gateway, 100 if smoke else 10000))
    nfq.after_the_syn(gateway, mx.address, 10 if smoke else 20000)
    gateway.stop()
    bench.ok("DNS watch and gate")


# --- parts of the worker, beside what is bare of all else: printed, nothing is kept -----------------

def parts(*programs):
    def run(bench):
        for program in programs:
            subprocess.run([PROGRAMS + program], check=True)
    return run
