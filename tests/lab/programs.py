# programs.py - the real mail servers: Postfix as legacy client and as honest MX, Exim, swaks
# SPDX-License-Identifier: GPL-3.0-or-later
import glob
import json
import os
import re
import socket
import subprocess
import threading
import time

import certs
import client
import net
from inside import STATE, USERS, write

MASTER = """pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

COMMON = """compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = /run
inet_protocols = all
in_flow_delay = 0
message_size_limit = 134217728
mailbox_size_limit = 0
virtual_mailbox_limit = 0
alias_maps =
alias_database =
local_recipient_maps =
smtputf8_enable = yes
notify_classes =
biff = no
"""

# A retry is made only when a case asks for it.
CLIENT = """myhostname = {hostname}
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
mydestination =
relay_domains =
smtpd_relay_restrictions = permit_mynetworks,reject
smtpd_recipient_restrictions =
transport_maps = inline:{{ client.example=discard: }}
smtp_tls_security_level = {tls}
smtp_tls_loglevel = 1
smtp_connection_cache_on_demand = no
smtp_connect_timeout = 8s
smtp_helo_timeout = 60s
queue_run_delay = 1h
minimal_backoff_time = 1h
maximal_backoff_time = 2h
smtp_destination_concurrency_limit = 20
initial_destination_concurrency = 20
qmgr_message_active_limit = 500
smtp_address_preference = ipv4
smtp_balance_inet_protocols = no
smtp_randomize_addresses = no
"""

MX = """myhostname = mx.real.example
inet_interfaces = all
mydestination =
virtual_mailbox_domains = regexp:{dir}/all
virtual_mailbox_maps = regexp:{dir}/boxes
virtual_mailbox_base = {dir}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
smtpd_relay_restrictions = permit_auth_destination,reject
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtpd_tls_session_cache_database =
smtpd_tls_chain_files = {cert}
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
"""


class Postfix:
    """One Postfix instance, started without its start-up scripts."""

    def __init__(self, ns, name, main, services):
        self.ns, self.name = ns, name
        self.dir = f"{STATE}/{name}"
        self.etc = self.dir + "/etc"
        self.seen, self.statuses, self.changed = 0, {}, threading.Condition()
        self.prepare()
        write(self.etc + "/main.cf", COMMON.format(dir=self.dir) + main)
        write(self.etc + "/master.cf", services + MASTER)
        self.process = ns.popen(["/usr/lib/postfix/sbin/master", "-c", self.etc, "-d"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=open(self.dir + "/err", "w"))
        threading.Thread(target=self.follow, daemon=True).start()

    def prepare(self):
        queue = self.dir + "/queue"
        for name in ("active bounce corrupt defer deferred flush hold incoming private saved "
                     "trace pid public maildrop").split():
            os.makedirs(f"{queue}/{name}")
            os.chmod(f"{queue}/{name}", 0o700)
            if name != "pid":
                os.chown(f"{queue}/{name}", USERS["postfix"], 0)
        os.chown(queue + "/public", USERS["postfix"], USERS["postdrop"])
        os.chmod(queue + "/public", 0o710)
        os.chown(queue + "/maildrop", USERS["postfix"], USERS["postdrop"])
        os.chmod(queue + "/maildrop", 0o730)
        os.makedirs(self.dir + "/data")
        os.chown(self.dir + "/data", USERS["postfix"], USERS["postfix"])
        os.chmod(self.dir, 0o755)

    def follow(self):
        """Collects what the log says of each recipient of each queue file."""
        line = re.compile(r" ([0-9A-Za-z]+): to=<([^>]*)>.*?relay=([^,]*),.*?dsn=([^,]*), "
                          r"status=(\w+) \((.*)\)$")
        path = self.dir + "/log"
        while not os.path.exists(path):
            time.sleep(0.02)
        with open(path, errors="replace") as f:
            rest = ""
            while True:
                text = f.readline()
                if not text:
                    time.sleep(0.03)
                    continue
                rest += text
                if not rest.endswith("\n"):
                    continue
                m = line.search(rest.rstrip("\n"))
                rest = ""
                if m:
                    with self.changed:
                        self.statuses.setdefault(m[1], []).append(
                            {"to": m[2], "relay": m[3], "dsn": m[4], "status": m[5], "text": m[6]})
                        self.changed.notify_all()

    def wait_ready(self, address, port=25):
        wait_port(self.ns, address, port)

    def submit(self, sender, rcpts, body, options=""):
        """Hands a message over on the loopback; returns the queue id."""
        with client.Raw(self.ns, "127.0.0.1", timeout=60) as c:
            c.greet("client.example")
            replies, end = c.mail(sender, rcpts, body, options)
            if end is None or end.code != 250:
                raise RuntimeError(f"Postfix did not take the mail: {c.transcript}")
            c.quit()
        return re.search(r"queued as (\w+)", end.text)[1]

    def outcome(self, qid, count=1, after=0, timeout=60):
        """The log's last word on each recipient of a queue id, once `count` words were spoken."""
        end = time.time() + timeout
        with self.changed:
            while len(self.statuses.get(qid, [])) < after + count and time.time() < end:
                self.changed.wait(0.3)
            return list(self.statuses.get(qid, []))[after:]

    def queue(self):
        done = self.ns.run(["postqueue", "-c", self.etc, "-j"])
        return [json.loads(line) for line in done.stdout.splitlines()]

    def queue_reason(self, qid, rcpt):
        """What `postqueue -j` gives as the reason of a delay, "" when the mail is not there."""
        for entry in self.queue():
            if entry["queue_id"] == qid:
                for r in entry["recipients"]:
                    if r["address"].lower() == rcpt.lower():
                        return r.get("delay_reason", "")
        return ""

    def retry(self, qid):
        self.ns.run(["postqueue", "-c", self.etc, "-i", qid], check=False)

    def forget(self, qid):
        self.ns.run(["postsuper", "-c", self.etc, "-d", qid], check=False)


def postfix_client(ns, name, tls="none", extra="", services=""):
    p = Postfix(ns, name, CLIENT.format(hostname="legacy.client.example", tls=tls) + extra,
                "127.0.0.1:25 inet n - n - - smtpd\n" + services)
    return p


# What each sender's mail leaves with: sender@ with what Postfix takes by itself.
TLS_SENDERS = {"tls10@client.example": "TLSv1", "tls11@client.example": "TLSv1.1",
               "tls12@client.example": "TLSv1.2", "tls13@client.example": "TLSv1.3"}


def postfix_tls_client(ns, name):
    """A Postfix that speaks TLS, remembers its sessions, and obeys TLS_SENDERS."""
    transports, services = "", ""
    for sender, version in TLS_SENDERS.items():
        transport = sender.split("@")[0]
        transports += f" {sender}={transport}:,"
        services += (f"{transport} unix - - n - - smtp\n"
                     f" -o smtp_tls_protocols=>={version},<={version}\n")
    extra = f"""sender_dependent_default_transport_maps = inline:{{{transports.rstrip(",")} }}
smtp_tls_CAfile = {certs.ca_file()}
smtp_tls_session_cache_database = btree:$data_directory/sessions
tls_medium_cipherlist = DEFAULT:@SECLEVEL=0
"""
    return postfix_client(ns, name, "may", extra, services)


# The real MX and its badly kept siblings: host name -> (last octet, certificate kind or None).
# Any *.real.example may be given to the first one (Case.real_mx).
REAL = {"mx.real.example": (25, "good"), "wrongname.real.example": (26, "wrong-name"),
        "expired.real.example": (27, "expired"), "selfsigned.real.example": (28, "self-signed"),
        "nochain.real.example": (29, "missing-intermediate"), "plain.real.example": (30, None)}


def real_names(host):
    return ["*.real.example"] if host == "mx.real.example" else [host]


def real_addresses(octet):
    return f"203.0.113.{octet}", f"2001:db8:113::{octet}"


def real_records():
    """One address for each host, so that one delivery is one attempt."""
    for host, (octet, _) in REAL.items():
        yield host + ".", "A", real_addresses(octet)[0]


def postfix_mx(ns):
    directory = STATE + "/postfix-mx"
    services = ""
    for host, (octet, kind) in REAL.items():
        for address in real_addresses(octet):
            spelt = f"[{address}]" if ":" in address else address
            services += f"{spelt}:25 inet n - n - - smtpd\n -o myhostname={host}\n"
            services += " -o smtpd_tls_security_level=none\n" if kind is None else \
                f" -o smtpd_tls_chain_files={certs.leaf(kind, *real_names(host))}\n"
    p = Postfix(ns, "postfix-mx", MX.format(dir=directory, uid=USERS["store"],
                cert=certs.leaf("good", *real_names("mx.real.example"))), services)
    write(directory + "/all", "/./ yes\n")
    # One maildir for all: regular expressions may not choose a path by what the sender wrote.
    write(directory + "/boxes", "/./ all/\n")
    os.makedirs(directory + "/mail", exist_ok=True)
    os.chown(directory + "/mail", USERS["store"], USERS["store"])
    return p


def mailbox(rcpt, timeout=10, count=1):
    """The messages that the real MX stored for a recipient, as octets with LF line ends."""
    end = time.time() + timeout
    wanted = f"\nDelivered-To: {rcpt}\n".encode()
    while True:
        found = []
        for path in glob.glob(STATE + "/postfix-mx/mail/all/new/*"):
            with open(path, "rb") as f:
                message = f.read()
            if wanted in b"\n" + message[:2000]:
                found.append(message)
        if len(found) >= count or time.time() > end:
            return found
        time.sleep(0.05)


EXIM = """primary_hostname = legacy.client.example
spool_directory = {dir}
log_file_path = {dir}/%slog
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
domainlist local_domains =
hosts_require_alpn =
chunking_advertise_hosts =
log_selector = +smtp_confirmation +tls_certificate_verified +tls_peerdn +tls_resumption
keep_environment =
add_environment = <; PATH=/bin:/usr/bin
disable_ipv6 = {no6}
dns_dnssec_ok = 0
begin routers
out:
  driver = dnslookup
  domains = *
  transport = smtp
  ignore_target_hosts = 0.0.0.0 : 127.0.0.0/8
  no_more
begin transports
smtp:
  driver = smtp
  hosts_avoid_tls = {avoid}
  hosts_try_chunking = {chunking}
  hosts_try_dane =
  tls_resumption_hosts = *
  tls_verify_certificates = {ca}
  tls_require_ciphers = {priority}
begin retry
* * F,2h,1h
begin rewrite
begin acl
"""


class Exim:
    """Exim as a sending MTA: each message is delivered in the foreground."""

    def __init__(self, ns, name, tls=False, chunking=True, ipv6=False, priority="NORMAL"):
        self.ns, self.dir = ns, f"{STATE}/{name}"
        os.makedirs(self.dir)
        os.chown(self.dir, USERS["Debian-exim"], USERS["Debian-exim"])
        os.makedirs("/etc/exim4", exist_ok=True)
        with open("/etc/exim4/trusted_configs", "a") as f:
            f.write(self.dir + "/exim.conf\n")
        self.conf = write(self.dir + "/exim.conf", EXIM.format(
            dir=self.dir, avoid="" if tls else "*", chunking="*" if chunking else "",
            no6="false" if ipv6 else "true", ca=certs.ca_file(), priority=priority))

    def send(self, sender, rcpts, body):
        """(whether all was delivered, what the main log says of it)."""
        before = self.log()
        self.ns.run(["exim4", "-C", self.conf, "-odf", "-oi", "-f", sender, *rcpts], check=False,
                    input=body.decode("latin-1").replace("\r\n", "\n"), timeout=90)
        text = self.log()[len(before):]
        mine = "\n".join(line for line in text.splitlines()
                         if any(r in line for r in rcpts) or "Completed" in line)
        return all(re.search(r"=> " + re.escape(r), mine) for r in rcpts), mine

    def log(self):
        try:
            with open(self.dir + "/mainlog", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def queue(self):
        return self.ns.run(["exim4", "-C", self.conf, "-bp"], check=False).stdout


def swaks(ns, server, sender, rcpts, body, *options, timeout=60):
    """(exit status, transcript). The body is the whole message, header included."""
    argv = ["swaks", "--server", server, "--from", sender, "--to", ",".join(rcpts), "--ehlo",
            "legacy.client.example", "--data", "-", "--timeout", "45", *options]
    done = subprocess.run(ns.argv(argv), input=body.replace(b"\r\n", b"\n"), capture_output=True,
                          timeout=timeout)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def wait_port(ns, address, port, timeout=15):
    end = time.time() + timeout
    while True:
        try:
            ns.connect(address, port, 2).close()
            return
        except OSError:
            if time.time() > end:
                raise RuntimeError(f"nothing answers at {address} port {port}")
            time.sleep(0.03)


def wait_dns(ns, name="ns.example", timeout=15, server=net.DNS4):
    """Until the resolver gives validated answers."""
    query = b"\x12\x34\x01\x20\0\1\0\0\0\0\0\0"
    query += b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0\0\1\0\1"
    end = time.time() + timeout
    while time.time() < end:
        s = ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(0.3)
        try:
            s.sendto(query, (server, 53))
            answer = s.recv(4096)
            if answer[3] & 0x0f == 0 and answer[3] & 0x20:
                return
            time.sleep(0.05)
        except OSError:
            time.sleep(0.05)
        finally:
            s.close()
    raise RuntimeError("the resolver does not validate")
