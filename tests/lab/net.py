# net.py - the laboratory's networks: namespaces, addresses, routes, and sockets opened inside them
# SPDX-License-Identifier: GPL-3.0-or-later
"""
    pst-client N -- pst-gw N --+
                               pst-net ("the internet", where the attacker sits) -- pst-mx
    pst-client M -- pst-gw M --+

pst-mx answers on every address of the server networks: scripted MXs, real Postfix, DNS, nginx. Each
gateway has a client network of its own. All addresses are of the ranges for documentation."""
import ctypes
import os
import socket
import subprocess
import threading

from inside import libc, die_with_parent

CLONE_NEWNET = 0x40000000

SERVERS4 = ["203.0.113.0/24", "198.51.100.0/24", "198.19.0.0/16"]
SERVERS6 = "2001:db8:113::/64"
DNS4, DNS6 = "203.0.113.53", "2001:db8:113::53"		# the validating resolver
AUTH4, AUTH6 = "203.0.113.54", "2001:db8:113::54"	# the authoritative server
ODD4 = "203.0.113.55"	# the authoritative server that spoils answers (dnsd.py)
DOUBT4 = "203.0.113.56"	# the same as a resolver, before the validating one
BLIND4 = "203.0.113.57"	# a resolver that does not validate
EDE4 = "203.0.113.58"	# one that says why it fails (RFC 8914)
WEB4, WEB6 = "203.0.113.80", "2001:db8:113::80"		# nginx, the policy host
POSTFIX4, POSTFIX6 = "203.0.113.25", "2001:db8:113::25"	# the real MX; .26 ... for its siblings

SYSCTL = """net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0
net.ipv6.conf.default.accept_dad=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0
net.ipv4.ip_nonlocal_bind=1 net.ipv6.ip_nonlocal_bind=1"""


def sh(script):
    """Runs a shell script to its end; what it prints is shown only when it fails."""
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script}\n{done.stdout}{done.stderr}")
    return done.stdout


class Namespace:
    def __init__(self, name):
        self.name = name
        self.path = "/run/netns/" + name
        sh(f"ip netns add {name}; ip -n {name} link set lo up")
        self.run(["sysctl", "-qw", *SYSCTL.split()], check=False)

    def argv(self, argv):
        return ["nsenter", "--net=" + self.path, "--"] + list(argv)

    def popen(self, argv, **options):
        return subprocess.Popen(self.argv(argv), preexec_fn=die_with_parent, **options)

    def run(self, argv, check=True, input=None, timeout=60, env=None):
        done = subprocess.run(self.argv(argv), capture_output=True, text=True, input=input,
                              timeout=timeout, errors="replace", env=env)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: status {done.returncode}\n"
                               f"{done.stdout}{done.stderr}")
        return done

    def call(self, function, *args):
        """Calls function in a thread that is in this namespace. Sockets it makes stay in it."""
        result = []

        def inside():
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if libc.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                result.append(function(*args))
            except BaseException as e:
                result.append(e)
            finally:
                os.close(fd)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]

    def socket(self, family, kind=socket.SOCK_STREAM):
        return self.call(socket.socket, family, kind)

    def listen(self, address, port, backlog=256):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        s = self.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, port))
        s.listen(backlog)
        return s

    def connect(self, address, port, timeout=30, source=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        s = self.socket(family)
        s.settimeout(timeout)
        if source:
            s.bind((source, 0))
        try:
            s.connect((address, port))
        except BaseException:
            s.close()
            raise
        return s

    def tables(self, address, *rule):
        """Applies one rule with iptables or ip6tables, whichever `address` asks for."""
        program = "ip6tables" if ":" in address else "iptables"
        self.run([program, "-w", *rule])


def link(a, a_name, a_addresses, b, b_name, b_addresses):
    """A cable between two namespaces."""
    script = [f"ip link add {a_name} netns {a.name} type veth peer name {b_name} netns {b.name}"]
    for ns, name, addresses in ((a, a_name, a_addresses), (b, b_name, b_addresses)):
        for address in addresses:
            nodad = "nodad" if ":" in address else ""
            script.append(f"ip -n {ns.name} addr add {address} dev {name} {nodad}")
        script.append(f"ip -n {ns.name} link set {name} up")
    sh("\n".join(script))


def cable(n):
    """A gateway's IPv4 addresses, two for each cable (RFC 3021): ((gateway, client), (internet,
    gateway)). The lower half of a network is for clients, the upper for uplinks."""
    base, i = ("192.0.2.", n) if n < 64 else ("198.18.0.", n - 64)
    return ((f"{base}{2 * i}", f"{base}{2 * i + 1}"),
            (f"{base}{128 + 2 * i}", f"{base}{129 + 2 * i}"))


class Net:
    """The internet and its servers; gateways are plugged in later."""

    def __init__(self):
        self.net = Namespace("pst-net")
        self.mx = Namespace("pst-mx")
        link(self.net, "mx0", ["203.0.113.2/31", "2001:db8:ff::1/64"],
             self.mx, "eth0", ["203.0.113.3/31", "2001:db8:ff::2/64"])
        sh(f"""ip -n pst-net -6 route add {SERVERS6} via 2001:db8:ff::2
            ip -n pst-mx route add default via 203.0.113.2
            ip -n pst-mx -6 route add default via 2001:db8:ff::1
            ip -n pst-mx -6 route add local {SERVERS6} dev lo""")
        for servers in SERVERS4:
            sh(f"""ip -n pst-net route add {servers} via 203.0.113.3
                ip -n pst-mx route add local {servers} dev lo""")
        self.lock = threading.Lock()
        self.gateways = 0
        self.hosts = 100	# addresses below belong to the fixed servers

    def server_addresses(self):
        """A fresh pair of server addresses."""
        with self.lock:
            self.hosts += 1
            n = self.hosts
        if n < 255:
            v4 = f"203.0.113.{n}"
        else:
            v4 = f"198.51.100.{n - 250}" if n <= 500 else f"198.19.{n >> 8}.{n & 255}"
        return v4, f"2001:db8:113::{n:x}"

    def plug(self):
        """A new gateway with its client network: (number, client, gateway)."""
        with self.lock:
            n = self.gateways
            self.gateways += 1
        if n > 126:
            raise RuntimeError("the client networks are used up")
        client, gw = Namespace(f"pst-client{n}"), Namespace(f"pst-gw{n}")
        lan, wan = cable(n)
        link(client, "eth0", [f"{lan[1]}/31", f"2001:db8:{n + 1:x}::2/64"],
             gw, "lan0", [f"{lan[0]}/31", f"2001:db8:{n + 1:x}::1/64"])
        link(gw, "wan0", [f"{wan[1]}/31", f"2001:db8:fe:{n:x}::2/64"],
             self.net, f"gw{n}", [f"{wan[0]}/31", f"2001:db8:fe:{n:x}::1/64"])
        sh(f"""ip -n {client.name} route add default via {lan[0]}
            ip -n {client.name} -6 route add default via 2001:db8:{n + 1:x}::1
            ip -n {gw.name} route add default via {wan[0]}
            ip -n {gw.name} -6 route add default via 2001:db8:fe:{n:x}::1
            ip -n pst-net route add {lan[0]}/31 via {wan[1]}
            ip -n pst-net -6 route add 2001:db8:{n + 1:x}::/64 via 2001:db8:fe:{n:x}::2""")
        return n, client, gw
