# peers.py - what may stand between client and MX: postern, and what would be used in its stead
# SPDX-License-Identifier: GPL-3.0-or-later
"""One class for each. Each has a gateway and a client network of its own, takes port 25 by
REDIRECT, as postern does, and sits on a processor (cpu.Seat)."""
import os
import subprocess
import time

import certs
import client
import cpu
import inside
import postern
import programs
from inside import TOP, write

BENCH = inside.BUILD + "/bench/"
ROOT = TOP + "/build/lab/peers/"	# what tests/bench/unpack unpacked
LIBRARIES = ":".join(f"{ROOT}{at}lib/{os.uname().machine}-linux-gnu" for at in ("usr/", ""))
PORT = 10025		# where a peer listens
IDLE = 6000		# sessions that may be open at once


def ready(process):
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{process.args} did not start")
    return process


class Peer:
    """clear: its client speaks clear text, and it begins TLS with the MX itself. at_once: the most
    sessions that it can have open."""
    clear, at_once = False, None

    def __init__(self, place):
        self.gateway = place.gateway()
        self.client, self.gw, self.dir = self.gateway.client, self.gateway.gw, self.gateway.dir
        self.mxs, self.ca_file = list(place.mxs.values()), place.ca_file
        self.processes = []
        self.seat = cpu.Seat(self.gw)
        self.start()

    def run(self, *argv, **options):
        """Starts one of its programs."""
        process = self.seat.popen(list(argv), **options)
        self.processes.append(process)
        return process

    def unpacked(self, program, *argv, by=(), **environment):
        """Runs one of those that tests/bench/unpack brought; what it says is in errors()."""
        with open(self.dir + "/err", "a") as err:
            self.run(*by, ROOT + program, *argv, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                     env=dict(os.environ, LD_LIBRARY_PATH=LIBRARIES, **environment))

    def ports(self):
        """A port for each MX, for those that are told where to go, and port 25 of its address comes
        to it."""
        for i, mx in enumerate(self.mxs):
            self.take(mx, PORT + i)
        return [(PORT + i, mx) for i, mx in enumerate(self.mxs)]

    def wait(self, seconds=15):
        """Until it listens; nobody connects, for sslsplit would do so to itself."""
        end = time.time() + seconds
        while str(PORT) not in self.gw.run(["ss", "-Hltn", f"sport = :{PORT}"]).stdout:
            if time.time() > end or self.processes[-1].poll() is not None:
                raise RuntimeError(f"{type(self).__name__} does not listen: {self.errors()}")
            time.sleep(0.05)

    def take(self, mx=None, port=PORT):
        """Port 25 of that MX, or of all, comes to the peer."""
        where = ["-d", mx.address] if mx else []
        self.gw.tables("", "-t", "nat", "-A", "PREROUTING", "-i", "lan0", "-p", "tcp", *where,
                       "--dport", "25", "-j", "REDIRECT", "--to-ports", str(port))

    def clocks(self):
        """{part: us so far} of the parts it tells apart."""
        return {}

    def settle(self, mx):
        """What must have happened once before the first session with that MX."""

    def used_us(self):
        return self.seat.used_us()

    def passed(self):
        """Sessions that went end to end, where that is counted."""
        return 0

    def said(self):
        try:
            with open(self.dir + "/err", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def errors(self):
        return self.said()[-1000:]

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.seat.leave()


class Nothing(Peer):
    """Load and MX by themselves."""

    def __init__(self):
        pass

    def used_us(self):
        return 0

    def errors(self):
        return ""


class Relay(Peer):
    """The bare splice relay, with pipes of the kernel's own size."""

    def start(self, pipe=65536):
        ready(self.run(BENCH + "splice_relay", str(PORT), str(pipe), stdout=subprocess.PIPE,
                       text=True))
        self.take()


class BigRelay(Relay):
    """The same with pipes of 256 KiB."""

    def start(self):
        Relay.start(self, 262144)


HAPROXY = """global
    nbthread 1
    maxconn {most}
defaults
    mode tcp
    timeout connect 10s
    timeout client 10m
    timeout server 10m
{options}"""


class Haproxy(Peer):
    """Copies: its default."""
    options = ""

    def start(self):
        text = HAPROXY.format(most=IDLE, options=self.options)
        for port, mx in self.ports():
            text += f"listen mx{port}\n    bind 0.0.0.0:{port}\n    server mx {mx.address}:25\n"
        self.unpacked("usr/sbin/haproxy", "-db", "-f", write(self.dir + "/haproxy.cfg", text))
        self.wait()


class HaproxySplice(Haproxy):
    """Splices all; left to itself (splice-auto) it splices nothing of a mail, of 8 MiB neither."""
    options = "    option splice-request\n    option splice-response\n"


STUNNEL = """foreground = yes
pid =
syslog = no
debug = warning
"""

SERVICE = """[mx{port}]
client = yes
accept = 0.0.0.0:{port}
connect = {mx.address}:25
protocol = smtp
sni = {mx.name}
CAfile = {ca_file}
verifyChain = yes
checkHost = {mx.name}
"""


class Stunnel(Peer):
    """Begins TLS with the MX for a client in clear text, and verifies it; one thread a session."""
    clear = True

    def start(self):
        text = STUNNEL + "".join(SERVICE.format(port=port, mx=mx, ca_file=self.ca_file)
                                 for port, mx in self.ports())
        self.unpacked("usr/bin/stunnel4", write(self.dir + "/stunnel.conf", text))
        self.wait()


class Sslsplit(Peer):
    """Sees the client's STARTTLS and has TLS of its own with both; it verifies the MX's chain, and
    can do no more: not its name.

    One of its threads calls connect() for another, and it dies ("readcb called when other end not
    connected") where that one is woken by an MX as near as this before the call is back. So none of
    them may displace another (SCHED_FIFO). Of many sessions at once it loses some all the same."""
    at_once = 1

    def start(self):
        certs.authority(f"sslsplit{self.gateway.number}")
        own = f"{certs.DIR}/sslsplit{self.gateway.number}"
        self.unpacked("usr/bin/sslsplit", "-u", "root", "-k", own + ".key", "-c", own + ".pem",
                      "-o", "VerifyPeer=yes", "autossl", "0.0.0.0", str(PORT), "netfilter",
                      by=("chrt", "-f", "1"), SSL_CERT_FILE=self.ca_file)
        self.take()
        self.wait()


RELAY = """myhostname = relay.example
inet_interfaces = all
mydestination =
mynetworks = 192.0.2.0/24, 198.18.0.0/15
relay_domains = {domains}
transport_maps = inline:{{ {transports} }}
smtpd_relay_restrictions = permit_mynetworks,reject
smtpd_recipient_restrictions =
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtp_tls_security_level = secure
smtp_tls_policy_maps = inline:{{ {policies} }}
smtp_tls_CAfile = {ca_file}
smtp_tls_session_cache_database = btree:$data_directory/sessions
smtp_tls_loglevel = {loglevel}
default_process_limit = 300
max_idle = 1h
max_use = 1000000
"""


class Postfix(Peer):
    """A relay that stores and forwards, with `secure` for its next hop. Each mail has a connection
    of its own, for as it comes Postfix reuses none with TLS."""
    clear, loglevel = True, 0

    def start(self):
        hops = {mx: f"[{mx.address}]:25" for mx in self.mxs}
        self.postfix = programs.Postfix(self.seat, f"gw{self.gateway.number}/postfix", RELAY.format(
            domains=" ".join(mx.domain for mx in self.mxs), ca_file=self.ca_file,
            transports=", ".join(f"{mx.domain}=smtp:{hops[mx]}" for mx in self.mxs),
            policies=", ".join(f"{{ {hops[mx]} = secure match={mx.name} }}" for mx in self.mxs),
            loglevel=self.loglevel), f"{PORT} inet n - n - - smtpd\n")
        self.processes.append(self.postfix.process)
        self.take()
        self.wait()

    def said(self):
        with open(self.postfix.dir + "/log", errors="replace") as f:
            return f.read()


class Postern(Peer):
    """parts: worker, policy, others."""
    path = "upgrade"

    def __init__(self, place):
        self.gateway = place.gateway(postern.merge({
            "path": self.path, "workers": 1, "tls": {"ca-file": place.ca_file},
            "limits": {"sessions": IDLE, "sessions-per-client": IDLE}}, place.options))
        self.client, self.gw = self.gateway.client, self.gateway.gw
        self.seat = cpu.Seat(self.gw)
        self.gateway.prefix = self.seat.argv
        self.gateway.start()
        self.gateway.intercept()
        self.seat.first.append(self.gateway.process.pid)
        self.pids = {"worker": self.gateway.children("posternd: proxy"),
                     "policy": self.gateway.children("posternd: policy")}

    def clocks(self):
        return {part: sum(map(cpu.clock_us, pids)) for part, pids in self.pids.items()}

    def settle(self, mx):
        """One recipient seen in clear: postern knows the domain and its policy from then on."""
        with client.Raw(self.client, mx.address) as c:
            c.greet()
            c.cmd("MAIL FROM:<sender@client.example>")
            reply = c.cmd(f"RCPT TO:<{mx.user}>")
            if reply.code != 250:
                raise RuntimeError(f"{mx.user}: {reply}")
            c.cmd("QUIT")

    def said(self):
        return self.gateway.stderr()

    def stop(self):
        self.gateway.stop()
        self.seat.leave()


class Upgrade(Postern):
    clear = True


class Inspect(Postern):
    path = "inspect"

    def passed(self):
        return self.gateway.status()["totals"]["end_to_end"]


ALL = {"postern-upgrade": Upgrade, "postern-inspect": Inspect, "relay": Relay, "relay256": BigRelay,
       "haproxy": Haproxy, "haproxy-splice": HaproxySplice,
       "stunnel": Stunnel, "sslsplit": Sslsplit, "postfix": Postfix}
