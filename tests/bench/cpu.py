# cpu.py - where a program is run for the bench: its namespace and processor, and what it uses of it
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU is counted by a control group of version 2, which has the threads and the processes that have
ended too, and of which even a machine with version 1 has a tree. Where none can be made the clocks
of the living processes are read instead. A group that a killed bench left behind is empty, and goes
when another bench begins."""
import glob
import os
import signal
import tempfile
import time

TWO = (os.cpu_count() or 1) > 1
BETWEEN, ENDS = 1, 0	# the processors of what stands between, and of load and MX
NAME = "pst-bench-"


def tree():
    with open("/proc/self/mounts") as f:
        return next((line.split()[1] for line in f if line.split()[2] == "cgroup2"), None)


def clean():
    for group in glob.glob(f"{tree()}/{NAME}*"):
        try:
            if time.time() - os.stat(group).st_mtime > 600:
                os.rmdir(group)
        except OSError:
            pass	# somebody's who is at work


def make_group():
    """The path of a new group, None where there can be none."""
    if tree() is None:
        return None
    try:
        group = tempfile.mkdtemp(prefix=NAME, dir=tree())
        os.stat(group + "/cgroup.procs")
        return group
    except OSError:
        return None


def clock_us(pid):
    """Of all its threads, ended ones too, to the nanosecond (clock_getcpuclockid)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1000


def times(pid):
    """Seconds it has been at work itself, and in the kernel for it."""
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rsplit(") ", 1)[1].split()
    return [int(word) / os.sysconf("SC_CLK_TCK") for word in words[11:13]]


def children():
    """{pid: [its children]} of the whole laboratory."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                found.setdefault(int(f.read().rsplit(") ", 1)[1].split()[1]), []).append(int(pid))
        except OSError:
            pass
    return found


def end_it(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass	# it has ended by itself


class Seat:
    """A namespace's processes that are counted together. It starts them as a net.Namespace does,
    each on `processor`."""

    def __init__(self, ns, processor=BETWEEN):
        self.ns, self.first, self.group = ns, [], make_group()
        self.argv = ["taskset", "-c", str(processor)] if TWO else []
        if self.group:
            self.argv = ["sh", "-c", 'echo $$ >"$0" && exec "$@"', self.group + "/cgroup.procs",
                         *self.argv]

    def popen(self, argv, **options):
        process = self.ns.popen([*self.argv, *argv], **options)
        self.first.append(process.pid)
        return process

    def pids(self):
        if self.group:
            with open(self.group + "/cgroup.procs") as f:
                return [int(line) for line in f]
        below, found = children(), list(self.first)
        for pid in found:
            found += below.get(pid, [])
        return found

    def used_us(self):
        if self.group is None:
            return sum(map(clock_us, self.pids()))
        with open(self.group + "/cpu.stat") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("usage_usec "))

    def leave(self):
        """Ends what is left of its processes."""
        end = time.time() + 5
        while time.time() < end:
            left = [pid for pid in self.pids() if os.path.exists(f"/proc/{pid}/exe")]
            for pid in left:
                end_it(pid)
            if not left and self.gone():
                return
            time.sleep(0.02)

    def gone(self):
        """Takes the group away, which is not to be had while the last of it is on its way out."""
        try:
            if self.group:
                os.rmdir(self.group)
            return True
        except OSError:
            return False
