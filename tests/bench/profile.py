# profile.py - where the CPU of postern's worker goes: by library, and how often it asks the kernel
# SPDX-License-Identifier: GPL-3.0-or-later
"""take() does a work once more when its rounds are counted, and perf looks on: the system's, or the one
that tests/bench/unpack has brought. Where perf cannot run (another kernel, no permission) the time in
the kernel is told from the rest, which every kernel counts."""
import functools
import glob
import io
import os
import re
import shutil
import signal
import subprocess
import time

import cpu
import table
from inside import STATE
from peers import LIBRARIES, ROOT
from table import INSPECT, UPGRADE

RATE, SHOWN = "4000", 16	# samples a second of CPU, and lines of a report that is shown whole
MORE, LEAST = 2, 4		# times the sessions of a round, and sessions: a thousand samples or so
BEGINS, ENDS = 0.5, 30		# seconds until perf is at work, and within which it has to end
SYSCALLS = "raw_syscalls:sys_enter"


def call(program, *argv):
    """How perf is run, for subprocess."""
    own = program.startswith(ROOT)
    return {"args": [program, *argv], "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
            "env": dict(os.environ, LD_LIBRARY_PATH=LIBRARIES) if own else None}


def record(data):
    return "record", "-q", "-B", "-N", "-e", "cpu-clock", "-F", RATE, "-o", data


@functools.cache
def perf():
    """The perf that works here, or None. /usr/bin/perf may be a script that asks for this very kernel's;
    what it stands for lies beside it."""
    for program in (ROOT + "usr/bin/perf", *sorted(glob.glob("/usr/bin/perf_[0-9]*")), shutil.which("perf")):
        if program and os.access(program, os.X_OK):
            done = subprocess.run(**call(program, *record(STATE + "/perf-try"), "--", "true"),
                                  stdout=subprocess.DEVNULL)
            if done.returncode == 0:
                return program
    return None


class Watch:
    """Processes that are looked at from now on."""

    def __init__(self, pids):
        self.pids, self.data, self.counted = pids, STATE + "/perf-data", STATE + "/perf-stat"
        self.programs = []
        for path in (self.data, self.counted):
            if os.path.exists(path):
                os.remove(path)
        if perf():
            of = ("-p", ",".join(map(str, pids)))
            for argv in ((*record(self.data), *of),
                         ("stat", "-x,", "-e", SYSCALLS, "-o", self.counted, *of)):
                self.programs.append(subprocess.Popen(**call(perf(), *argv), stdout=subprocess.DEVNULL))
            time.sleep(BEGINS)
        self.before = self.times()

    def times(self):
        return [sum(each) for each in zip(*map(cpu.times, self.pids))]

    def stop(self):
        self.used = [after - before for before, after in zip(self.before, self.times())]
        for program in self.programs:
            program.send_signal(signal.SIGINT)
        for program in self.programs:
            program.wait(ENDS)

    def report(self, key):
        if not self.programs:
            return ""
        return subprocess.run(**call(perf(), "report", "--stdio", "-q", "-i", self.data, "--sort", key),
                              stdout=subprocess.PIPE, text=True).stdout

    def syscalls(self):
        """How many, None where they cannot be counted."""
        try:
            with open(self.counted) as f:
                return counted(f.read())
        except FileNotFoundError:
            return None

    def line(self):
        return in_words(shares(self.report("dso"))) or split(*self.used)


def part(dso):
    """What is told apart: the kernel with its modules, a library, postern itself."""
    if dso in ("[unknown]", "[vdso]"):
        return "other"
    if dso.startswith(("[", "vmlinux")) or dso.endswith(".ko"):
        return "kernel"
    return "postern" if dso.startswith("posternd") else re.sub(r"(-[\d.]+)?\.so.*", "", dso)


def shares(report):
    """{part: percent} of what perf report says by dso."""
    found = {}
    for percent, dso in re.findall(r"^\s*([\d.]+)%\s+(\S+)", report, re.M):
        found[part(dso)] = found.get(part(dso), 0) + float(percent)
    return found


def in_words(found):
    """From the greatest on; what is below one percent is left out."""
    return ", ".join(f"{name} {percent:.0f} %" for name, percent in
                     sorted(found.items(), key=lambda each: -each[1]) if percent >= 1)


def split(user, kernel):
    """The same from the process's clocks, for a machine without perf."""
    share = 100 * kernel / max(user + kernel, 1e-9)
    return f"kernel {share:.0f} %, all else {100 - share:.0f} % (without perf)"


def counted(said):
    """The number in what `perf stat -x,` says."""
    found = re.search(rf"^(\d+),[^,]*,{SYSCALLS}", said, re.M)
    return int(found[1]) if found else None


def take(bench, work, who, unit, *sent, **how):
    """The bench does not fail for want of it. unit: as Bench.turns has it."""
    try:
        words = once_more(bench, work, who, unit, *sent, **how)
    except (RuntimeError, OSError, subprocess.SubprocessError) as e:
        bench.notes.append(f"{work}, {who}: no profile: {str(e)[:120]!r}")
        return
    bench.profiles[f"{work}, {who}"] = words
    print(f"{work}, {who}: worker: {words}", flush=True)


def once_more(bench, work, who, unit, sessions, *options, **how):
    watch = Watch(bench.place().peer(who).pids["worker"])
    try:
        run = bench.sent(work, who, max(MORE * sessions, LEAST), *options, **how)
    finally:
        watch.stop()
    calls = watch.syscalls()
    if not calls:
        return watch.line()
    each = calls / unit.of(run)
    return f"{watch.line()}; {each:,.{1 if each < 100 else 0}f} system calls {unit.name}"


# --- by name: the worker and the policy process in W1, by function too ------------------------------

def profile(bench):
    if perf() is None:
        raise RuntimeError("perf cannot run here (Debian: linux-perf)")
    for who in (UPGRADE, INSPECT):
        options = (who, "-n", str(4 * bench.count.sessions), "-c", "32", "-s", "4096")
        bench.place().run(*options)	# warm
        for name, pids in bench.place().peer(who).pids.items():
            watch = Watch(pids)
            bench.place().run(*options)
            watch.stop()
            for key in ("dso", "dso,symbol"):
                said = watch.report(key).splitlines()
                print(f"# W1, {who}, {name}, by {key}:")
                print("\n".join([line.rstrip(" -") for line in said if line.strip()][:SHOWN]), flush=True)


# --- by made-up figures: what is shown of them ------------------------------------------------------

REPORT = """
    40.04%  [kernel.kallsyms]
    24.00%  libcrypto.so.3
    20.60%  [nf_conntrack]
     6.21%  libc.so.6
     5.51%  posternd
     1.60%  libev.so.4.0.0
     0.30%  [vdso]
     0.02%  libssl-1.1.so


"""
LINE = "kernel 61 %, libcrypto 24 %, libc 6 %, postern 6 %, libev 2 %"
STAT = f"# started on Sun\n\n5400,,{SYSCALLS},624341,100.00,,\n"
MADE_UP = {
    "machine": "no machine", "mode": "part of a made-up", "date": "1970-01-01", "rounds": 2,
    "figures": {
        "W1 inspect full 32": {"relay": [400, 420], INSPECT: [600, 660], table.SIGNATURE: [123]},
        "W2 upgrade": {UPGRADE: [50, 100], "stunnel": [100, 125]},
        "W4 inspect": {INSPECT: [0.5, 0.5]}},
    "profiles": {f"W1 inspect full 32, {INSPECT}": LINE, f"W2 upgrade, {UPGRADE}": split(0.4, 0.6)}}
SAID = ("1 targets met, 3 missed", "1.537 x, target 1.05 x", "worker: " + LINE, "takes 123 us in this run",
        "Without it 1.237 x.", "75 us, target 60 us", "0.67 x, target 0.48 x",
        "worker: kernel 60 %, all else 40 % (without perf)", "noisy")


def made_up(bench):
    """A report of perf in a line, and a table with all that it says of what is missed."""
    for got, wanted in ((in_words(shares(REPORT)), LINE), (in_words(shares("")), ""), (counted(STAT), 5400),
                        (counted(STAT.replace("5400", "<not counted>")), None),
                        (sum(shares(REPORT).values()) > 98, True)):
        if got != wanted:
            raise RuntimeError(f"a report of perf: {got!r}, not {wanted!r}")
    bench.ok("a report of perf in a line")
    out = io.StringIO()
    table.show(MADE_UP, out)
    shown = " ".join(out.getvalue().split())
    for words in SAID:
        if words not in shown:
            raise RuntimeError(f"the table of made-up figures lacks {words!r}:\n{out.getvalue()}")
    if "inspect W4" in shown.partition("Why missed")[2]:
        raise RuntimeError("the table of made-up figures says why of a target that is met")
    bench.ok("a table of made-up figures, and why a target is missed")
