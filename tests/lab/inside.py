# inside.py - puts the laboratory into mount, network and process namespaces of its own
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole laboratory is one process tree in private namespaces. Whatever it does to /etc, /usr,
/run and the network is seen by itself alone, and is gone with its last process: after the end,
after ^C, and after kill -9 of any part of it. Nothing has to be cleaned up, and two laboratories
can run side by side."""
import ctypes
import os
import signal
import socket
import subprocess
import sys

LAB = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(LAB))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
ROOT = os.path.join(TOP, "build/lab/root")	# what tests/lab/unpack unpacked
STATE = "/run/pst"				# a tmpfs inside, invisible outside
MARK = "PST_INSIDE"

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)

# Users the unpacked packages would have made, and the daemon's own.
USERS = {"postfix": 9001, "postdrop": 9002, "Debian-exim": 9003, "postern": 9004, "store": 9005}


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def outside():
    """Runs this program again inside, and passes on how it ended."""
    if os.geteuid() != 0:
        sys.exit("the laboratory needs root for its network namespaces: sudo make check")
    if not os.path.isdir(ROOT + "/usr"):
        sys.exit("the laboratory's programs are missing: run tests/lab/unpack")
    argv = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork",
            "--kill-child=KILL", "--mount-proc", sys.executable] + sys.argv
    # ^C is for the work inside alone (see enter); what stands around it waits for its end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(argv, env=dict(os.environ, **{MARK: "1"}), preexec_fn=die_with_parent)

    def end(signum, frame):
        child.kill()
        sys.exit(128 + signum)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    sys.exit(child.wait())


def reap():
    """Process 1 of the laboratory only collects orphans; its one child does the work."""
    work = os.fork()
    if work == 0:
        return
    while True:
        pid, status = os.wait()
        if pid == work:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


def mount(*args):
    subprocess.run(["mount", *args], check=True)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def dress():
    """A private /run, and /usr and /etc with the unpacked programs and their users laid over."""
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    for name in ("netns", "lock", "pst/etc", "pst/work"):
        os.makedirs("/run/" + name)
    mount("-t", "overlay", "overlay", "-o", f"lowerdir={ROOT}/usr:/usr", "/usr")
    mount("-t", "overlay", "overlay", "-o",
          f"lowerdir=/etc,upperdir={STATE}/etc,workdir={STATE}/work", "/etc")
    with open("/etc/passwd") as f:
        passwd = f.read()
    with open("/etc/group") as f:
        group = f.read()
    for name, number in USERS.items():
        if f"\n{name}:" not in passwd:
            passwd += f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
        if f"\n{name}:" not in group:
            group += f"{name}:x:{number}:\n"
    write("/etc/passwd", passwd)
    write("/etc/group", group)
    write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
          "services: files\nprotocols: files\n")
    write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    os.makedirs("/etc/postfix", exist_ok=True)
    socket.sethostname("lab")


def enter():
    """Returns only inside; call it first of all."""
    if os.environ.pop(MARK, None) is None:
        outside()
    reap()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    dress()
