# postern.py - a gateway: posternd in pst-gw, its interception rules, its events and posternctl
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import certs
import net
from inside import BUILD, STATE, write

POSTERND = BUILD + "/posternd"
POSTERNCTL = BUILD + "/posternctl"


def available():
    return os.path.exists(POSTERND) and os.path.exists(POSTERNCTL)


def yaml(value, indent=0):
    """A configuration as YAML, for dictionaries of dictionaries, lists and plain words."""
    text = ""
    for key, item in value.items():
        text += " " * indent + f"{json.dumps(key) if ':' in key else key}:"
        if isinstance(item, dict) and item:
            text += "\n" + yaml(item, indent + 4)
        elif isinstance(item, dict):
            text += " {}\n"
        elif isinstance(item, list):
            text += " [" + ", ".join(f'"{i}"' for i in item) + "]\n"
        else:
            text += f" {item}\n"
    return text


def merge(base, changes):
    out = dict(base)
    for key, item in changes.items():
        out[key] = merge(out.get(key, {}), item) if isinstance(item, dict) and \
            key not in ("domains", "relays") else item
        if item is None:
            del out[key]
    return out


class Gateway:
    """posternd between a client network and the internet. Options change the configuration, as in
    Gateway(network, {"mode": "monitor"})."""

    def __init__(self, network, options=None, proxied=True, start=True, prefix=()):
        self.number, self.client, self.gw = network.plug()
        self.dir = f"{STATE}/gw{self.number}"
        self.file = self.dir + "/postern.yaml"
        self.log = self.dir + "/log/decisions.jsonl"
        self.errors = self.dir + "/posternd.err"
        self.prefix = list(prefix)
        self.process = None
        self.read, self.told, self.reading = None, [], threading.Lock()
        (self.gw4, self.client4), _ = net.cable(self.number)
        prefix6 = f"2001:db8:{self.number + 1:x}::"
        self.gw6, self.client6 = prefix6 + "1", prefix6 + "2"
        self.settings = {
            "mode": "enforce", "user": "postern", "workers": 2,
            "state-dir": self.dir + "/state", "control": self.dir + "/run/control.sock",
            "intercept": {"method": "redirect", "listen": '"[::]:10025"', "interface": "lan0",
                          "from": [f"{self.gw4}/31", f"{prefix6}/64"]},
            "resolver": {"servers": [net.DNS4], "trust-ad": "yes"},
            "tls": {"ca-file": certs.ca_file()},
            "log": {"file": self.log, "journal": "no"},
        }
        self.options = options or {}
        os.makedirs(self.dir)
        self.configure()
        if proxied and start:
            self.start()
            self.intercept()

    def configure(self, **changes):
        """Writes the configuration, changed for good by what is given."""
        self.options = merge(self.options, changes)
        write(self.file, yaml(merge(self.settings, self.options)))

    def environment(self):
        return dict(os.environ, ASAN_OPTIONS="abort_on_error=1:detect_leaks=1",
                    UBSAN_OPTIONS="print_stacktrace=1")

    def start(self, timeout=60):
        """Starts posternd and waits until it says, as to systemd, that all of it serves."""
        err = open(self.errors, "a")
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.dir + "/ready"
        if os.path.exists(path):
            os.unlink(path)
        ready.bind(path)
        os.chmod(path, 0o777)	# as systemd's: posternd is not root any more
        ready.settimeout(0.1)
        self.process = self.gw.popen([*self.prefix, POSTERND, "-c", self.file], stdout=err,
                                     stderr=err, env=dict(self.environment(), NOTIFY_SOCKET=path))
        end, told = time.time() + timeout, b""
        while b"READY=1" not in told.split(b"\n"):
            if self.process.poll() is not None:
                raise RuntimeError(f"posternd ended with status {self.process.returncode}:\n"
                                   + self.stderr())
            if time.time() > end:
                raise RuntimeError("posternd does not become ready:\n" + self.stderr())
            try:
                told = ready.recv(4096)
            except TimeoutError:
                pass
        ready.close()

    def intercept(self):
        """Installs the rules; what posternctl says about it."""
        done = self.ctl("rules", "install")
        if done.returncode:
            raise RuntimeError("posternctl rules install: " + done.stdout + done.stderr)
        return done.stdout

    def intercept_by_script(self):
        """Applies the commands that posternctl prints, as somebody else's script would."""
        rules = self.ctl("rules", "show")
        if rules.returncode:
            raise RuntimeError("posternctl rules show: " + rules.stdout + rules.stderr)
        self.gw.run(["sh", "-e"], input=rules.stdout)

    def stderr(self):
        with open(self.errors, errors="replace") as f:
            return f.read()

    def ctl(self, *args, timeout=60):
        return self.gw.run([POSTERNCTL, "-c", self.file, *args], check=False, timeout=timeout,
                           env=self.environment())

    def status(self):
        """What `status --json` says."""
        return json.loads(self.ctl("status", "--json").stdout)

    def signal(self, number):
        """To posternd itself, not to nsenter, which has become it by exec."""
        os.kill(self.process.pid, number)

    def slay(self):
        """kill -9 of everything at once."""
        for pid in [self.process.pid, *self.children("posternd")]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def children(self, title):
        """Process ids of this gateway's children with that title."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    parent = int(f.read().rsplit(") ", 1)[1].split()[1])
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    line = f.read().replace(b"\0", b" ").decode("utf-8", "replace")
            except (OSError, IndexError):
                continue
            if parent == self.process.pid and title in line:
                found.append(int(pid))
        return found

    def stop(self, timeout=10):
        """SIGTERM and wait; the exit status, or None when it had to be killed."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    # Events.

    def events(self, kind=None, **where):
        """All events so far; where: rcpt_domain, verdict, ..., at the top or one level down."""
        return [e for e in self.logged() if (kind is None or e["event_type"] == kind) and
                all(look(e, k) == v for k, v in where.items())]

    def logged(self):
        """The log's events. Only what is new in the file is read; another file of the same name is
        read from its beginning."""
        with self.reading:
            try:
                with open(self.log, "rb") as f:
                    status = os.fstat(f.fileno())
                    inode, start = self.read or (None, 0)
                    if inode != status.st_ino or status.st_size < start:
                        start, self.told = 0, []
                    f.seek(start)
                    text = f.read()
            except FileNotFoundError:
                self.read, self.told = None, []
                return []
            whole = text[:text.rfind(b"\n") + 1]
            self.read = status.st_ino, start + len(whole)
            self.told = self.told + [json.loads(line) for line in whole.split(b"\n")[:-1]]
            return self.told

    def wait_event(self, kind="decision", timeout=10, count=1, **where):
        """The last of at least `count` such events; None when they do not come."""
        end = time.time() + timeout
        while True:
            found = self.events(kind, **where)
            if len(found) >= count:
                return found[-1]
            if time.time() > end:
                return None
            time.sleep(0.05)


def look(event, key):
    """event[...][key] at the top or one level down."""
    if key in event:
        return event[key]
    for value in event.values():
        if isinstance(value, dict) and key in value:
            return value[key]
    return None


def decision_id(text):
    """The decision id inside a reply."""
    m = re.search(r"postern ([0-9A-Z]{4}-[0-9A-Z]{4}):", text)
    return m[1] if m else None
