# cases_firewall.py - rules of both backends: who is caught, what is left alone, what happens without them
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import signal
import socket
import threading
import time

import client
import net
from runner import case
from witness import Witness

ENFORCE = dict(mode="enforce")
SENDER = "sender@client.example"
BODY = b"Subject: x\r\n\r\nx\r\n"
WAYS = [("redirect", "iptables"), ("redirect", "nft"), ("tproxy", "iptables"), ("tproxy", "nft")]


def gateway_of(lab, method="redirect", backend="iptables", start=True, options=None, **intercept):
    """A gateway whose rules are installed by posternctl."""
    settings = {"intercept": {"method": method, "backend": backend, **intercept}, **(options or {})}
    gateway = lab.another_gateway(settings, start=start)
    gateway.witness = Witness(lab.lab.net, gateway)
    return gateway


def reaches(gateway, address, timeout=3, ns=None):
    """The greeting that a client gets at the address, None when it gets none."""
    try:
        with client.Raw(ns or gateway.client, address, timeout=timeout) as c:
            return c.reply().text
    except (OSError, client.Closed):
        return None


def mail(lab, gateway, mx, d, address, user, ns=None):
    """One mail through the gateway: it arrives, and over TLS."""
    with client.Raw(ns or gateway.client, address) as c:
        c.greet()
        lab.same(c.greeting.code, 220, f"greeting at {address}: {c.greeting}")
        _, end = c.mail(SENDER, [d.user(user)], BODY)
        lab.check(end is not None and end.code == 250, f"{address}: {c.transcript}")
        c.quit()
    return lab.arrived(mx, d.user(user), tls=True)


def session_of(mx, user):
    """The MX's session that brought the mail to this user."""
    return [s for s in mx.sessions if any(user in r for m in s.messages for r in m.rcpts)][-1]


def verified(lab, gateway, timeout=0):
    end = time.time() + timeout
    while True:
        told = gateway.ctl("rules", "verify")
        if told.returncode == 0:
            return
        lab.check(time.time() < end, f"rules verify: {told.returncode} {told.stdout}{told.stderr}")
        time.sleep(0.2)


def state(ns):
    """Everything the firewall holds, without counters and dates."""
    text = ""
    for argv in (["iptables-save"], ["ip6tables-save"], ["nft", "-s", "list", "ruleset"],
                 ["ip", "rule"], ["ip", "-6", "rule"], ["ip", "route", "show", "table", "all"],
                 ["ip", "-6", "route", "show", "table", "all"]):
        text += f"== {' '.join(argv)}\n" + ns.run(argv).stdout
    # Counters, dates, and what the kernel does to interfaces at its own time.
    return re.sub(r"\[\d+:\d+\]|packets \d+ bytes \d+|expires \d+sec|^#.*\n|^(any|multi)cast .*\n|"
                  r"^.*fe80:.*\n", "", text, flags=re.M)


def every_way(lab, method, backend):
    gateway = gateway_of(lab, method, backend)
    mx = lab.mx(family="46")
    d = lab.domain("way", mx=[mx], sts=ENFORCE)
    verified(lab, gateway)
    for i, address in enumerate((mx.v4, mx.v6)):
        mail(lab, gateway, mx, d, address, f"u{i}")
        source = (gateway.client4, gateway.client6)[i]
        event = gateway.wait_event("decision", count=i + 1, rcpt_domain=d.name)
        lab.same((event["src_ip"], event["dest_ip"]), (source, address), "addresses in the event")
        lab.check(session_of(mx, f"u{i}").peer != source, "the MX saw the client's own address")
    # What is meant for the gateway itself, or for other ports, is none of ours.
    for address in (gateway.gw4, gateway.gw6):
        own = gateway.gw.listen(address, 25)
        lab.undo.append(own.close)
        threading.Thread(target=greet_once, args=(own, b"220 the gateway's own MTA\r\n"),
                         daemon=True).start()
        lab.has(reaches(gateway, address), "the gateway's own MTA", f"port 25 of {address}")
    # Nobody is there: nothing leaves.
    gateway.slay()
    time.sleep(0.3)
    before = len(mx.sessions)
    for address in (mx.v4, mx.v6):
        lab.same(reaches(gateway, address), None, f"{address} while posternd is dead")
    lab.same(len(mx.sessions), before, "sessions at the MX")
    lab.same(gateway.witness.count(), 0, "packets past postern")
    gateway.start()
    mail(lab, gateway, mx, d, mx.v4, "again")


def greet_once(listener, text):
    try:
        conn, _ = listener.accept()
        conn.sendall(text)
        conn.close()
    except OSError:
        pass


for method_, backend_ in WAYS:
    case(f"{method_} by {backend_}: both families, closed without a daemon, others untouched")(
        lambda lab, m=method_, b=backend_: every_way(lab, m, b))


def client_source(lab, backend):
    gateway = gateway_of(lab, "tproxy", backend, source="client")
    mx = lab.mx(family="46")
    d = lab.domain("source", mx=[mx], sts=ENFORCE)
    for i, address in enumerate((mx.v4, mx.v6)):
        mail(lab, gateway, mx, d, address, f"u{i}")
        lab.same(session_of(mx, f"u{i}").peer, (gateway.client4, gateway.client6)[i],
                 "the address that the MX saw")
    # An attacker cannot use it to get past: the policy still decides.
    with lab.attack(mx, "strip") as attack:
        told = lab.send(d.user("b"), client="raw", server=mx.v4, gateway=gateway)
        lab.deferred(told, "starttls-not-supported")
        lab.untouched(attack)


for backend_ in ("iptables", "nft"):
    case(f"source: client by {backend_}: the MX sees the client's address, both families")(
        lambda lab, b=backend_: client_source(lab, b))


def local_mail(lab, method, backend):
    gateway = gateway_of(lab, method, backend, local="yes")
    mx = lab.mx(family="46")
    d = lab.domain("local", mx=[mx], sts=ENFORCE)
    for i, address in enumerate((mx.v4, mx.v6)):
        mail(lab, gateway, mx, d, address, f"own{i}", ns=gateway.gw)
        mail(lab, gateway, mx, d, address, f"client{i}")
    with lab.attack(mx, "strip") as attack:
        with client.Raw(gateway.gw, mx.v4) as c:
            c.greet()
            replies, _ = c.mail(SENDER, [d.user("refused")], BODY)
            lab.has(replies[-1].text, "starttls-not-supported", "the reply to local mail")
        lab.untouched(attack)
    lab.check(not any("a loop" in str(e) for e in gateway.events()), "a loop is logged")
    sessions = len(mx.sessions)
    gateway.stop()
    for address in (mx.v4, mx.v6):
        lab.same(reaches(gateway, address, ns=gateway.gw), None, "local mail without a daemon")
    lab.same(len(mx.sessions), sessions, "sessions at the MX")


for method_, backend_ in WAYS:
    case(f"local mail, {method_} by {backend_}: guarded as well, our own dials exempt, no loop")(
        lambda lab, m=method_, b=backend_: local_mail(lab, m, b))


def loop_by_hand(lab):
    """Somebody puts a redirection before ours that does not exempt our dials."""
    gateway = gateway_of(lab, local="yes")
    mx = lab.mx(family="46")
    rule = ["OUTPUT", "-p", "tcp", "--dport", "25", "-j", "REDIRECT", "--to-ports", "10025"]
    for address in (mx.v4, mx.v6):
        gateway.gw.tables(address, "-t", "nat", "-I", *rule)
        told = reaches(gateway, address, timeout=20)
        gateway.gw.tables(address, "-t", "nat", "-D", *rule)
        lab.has(told, r"^421 .*a loop", "greeting")
    lab.check(len(gateway.events("session")) < 40, "the loop went round and round")
    lab.same(mx.sessions, [], "sessions at the MX")


case("local mail: a loop made by somebody else's rule ends at once")(loop_by_hand)


def older(lab, backend, tracked, **intercept):
    gateway = gateway_of(lab, backend=backend, start=False, **intercept)
    if tracked:
        for address in (gateway.client4, gateway.client6):
            gateway.gw.tables(address, "-A", "FORWARD", "-m", "conntrack", "--ctstate", "NEW")
    mx = lab.mx(family="46")
    held = [client.Raw(gateway.client, address) for address in (mx.v4, mx.v6)]
    for c in held:
        c.greet()
        lab.same(c.cmd("NOOP").code, 250, "the direct connection before the rules")
    gateway.start()
    told = gateway.intercept()
    if tracked:
        lab.has(told, r"older than the rules: 2\b", "what the installation says")
    started = gateway.witness.count()
    for c in held:
        try:
            c.send(b"NOOP\r\n")
        except OSError:
            pass
        lab.check(c.closed(5), "the older connection goes on")
    time.sleep(0.5)
    lab.same(gateway.witness.count(), started, "packets of the older connections past postern")
    seen = [[c for c, _ in s.commands].count(b"NOOP") for s in mx.sessions]
    lab.same(seen, [1, 1], "NOOPs that the MX got")


for backend_ in ("iptables", "nft"):
    for tracked_ in (True, False):
        case(f"connections older than the rules are cut, {backend_}" +
             ("" if tracked_ else ", unknown to conntrack as well"))(
            lambda lab, b=backend_, t=tracked_: older(lab, b, t))


case("connections older than the rules are cut, when-down: open, unknown to conntrack as well")(
    lambda lab: older(lab, "iptables", False, **{"when-down": "open"}))


def others(lab, backend):
    """Somebody else's rules, in all tables and in the very chains ours are called from."""
    gateway = gateway_of(lab, backend=backend, start=False)
    for address in (gateway.client4, gateway.client6):
        for rule in (["-t", "filter", "-A", "FORWARD", "-p", "tcp", "--dport", "587", "-j", "ACCEPT"],
                     ["-t", "filter", "-N", "POSTERNX"],
                     ["-t", "filter", "-A", "POSTERNX", "-p", "tcp", "--dport", "25", "-j", "RETURN"],
                     ["-t", "filter", "-A", "INPUT", "-j", "POSTERNX"],
                     ["-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "8025", "-j",
                      "REDIRECT", "--to-ports", "80"],
                     ["-t", "nat", "-A", "POSTROUTING", "-o", "wan7", "-j", "MASQUERADE"],
                     ["-t", "mangle", "-A", "PREROUTING", "-i", "eth9", "-j", "MARK", "--set-xmark",
                      "0x7/0xff"],
                     ["-t", "mangle", "-A", "POSTROUTING", "-o", "eth9", "-j", "RETURN"],
                     ["-t", "mangle", "-A", "OUTPUT", "-p", "udp", "-j", "RETURN"],
                     ["-t", "raw", "-A", "PREROUTING", "-i", "eth9", "-j", "NOTRACK"]):
            gateway.gw.tables(address, *rule)
    gateway.gw.run(["nft", "-f", "-"], input="table inet somebody {\n chain c {\n type filter hook "
                   "forward priority 5\n tcp dport 25 counter\n }\n}\n")
    gateway.gw.run(["ip", "rule", "add", "pref", "22", "fwmark", "7/0xff", "lookup", "77"])
    before = state(gateway.gw)
    gateway.start()
    for _ in range(2):
        gateway.intercept()
    verified(lab, gateway)
    during = state(gateway.gw)
    lab.check(during != before, "nothing was installed")
    mx = lab.mx()
    lab.has(reaches(gateway, mx.v4), "^220", "a client with the rules in place")
    told = gateway.ctl("rules", "remove")
    lab.same(told.returncode, 0, told.stdout + told.stderr)
    time.sleep(1)
    lab.same(state(gateway.gw), before, "everything after the removal")
    told = gateway.ctl("rules", "remove")
    lab.same(told.returncode, 0, "removing what is not there")
    lab.same(gateway.ctl("rules", "verify").returncode, 1, "verify without rules")
    lab.has(reaches(gateway, mx.v4), "^220", "a client without our rules goes direct")
    lab.check(gateway.witness.count() > 0, "the witness sees nothing")


for backend_ in ("iptables", "nft"):
    case(f"install and remove leave other people's rules to the byte, {backend_}")(
        lambda lab, b=backend_: others(lab, b))


@case("rules install --confirm: undone unless confirmed")
def confirm(lab):
    gateway = gateway_of(lab)
    gateway.ctl("rules", "remove")
    time.sleep(0.5)
    before = state(gateway.gw)
    told = gateway.ctl("rules", "install", "--confirm", "3s")
    lab.same(told.returncode, 0, told.stdout + told.stderr)
    verified(lab, gateway)
    lab.eventually(lambda: state(gateway.gw) == before, "not undone after 3 s")
    time.sleep(1)
    lab.same(state(gateway.gw), before, "they came back")
    lab.same(gateway.ctl("rules", "confirm").returncode, 1, "nothing to confirm")
    lab.same(gateway.ctl("rules", "install", "--confirm", "3s").returncode, 0, "the second time")
    told = gateway.ctl("rules", "confirm")
    lab.same(told.returncode, 0, told.stdout + told.stderr)
    time.sleep(4)
    verified(lab, gateway)
    # Undoing a change means the rules of before, not none.
    gateway.configure(intercept={"backend": "nft"})
    lab.same(gateway.ctl("rules", "install", "--confirm", "6s").returncode, 0, "another backend")
    verified(lab, gateway)
    time.sleep(6)
    gateway.configure(intercept={"backend": "iptables"})
    verified(lab, gateway, 8)


@case("rules verify names what is missing and what is too much")
def verify(lab):
    gateway = gateway_of(lab, watch="no")
    verified(lab, gateway)
    gateway.gw.run(["iptables", "-w", "-t", "nat", "-F", "POSTERN"])
    told = gateway.ctl("rules", "verify")
    lab.same(told.returncode, 1, told.stdout)
    lab.has(told.stdout, r"missing.*REDIRECT", "the difference")
    gateway.intercept()
    gateway.gw.run(["ip6tables", "-w", "-t", "filter", "-I", "POSTERN", "-j", "ACCEPT"])
    told = gateway.ctl("rules", "verify")
    lab.same(told.returncode, 1, told.stdout)
    lab.has(told.stdout, r"unexpected.*ACCEPT", "the difference")
    gateway.intercept()
    verified(lab, gateway)
    gateway.gw.run(["ip", "rule", "del", "pref", "23"])
    told = gateway.ctl("rules", "verify", "--json")
    lab.same(told.returncode, 1, told.stdout)
    lab.has(json.dumps(json.loads(told.stdout)), "prohibit", "the route rule")
    gateway.intercept()
    gateway.gw.run(["iptables", "-w", "-t", "nat", "-I", "PREROUTING", "-p", "tcp", "--dport", "25",
                    "-j", "RETURN"])
    told = gateway.ctl("rules", "verify")
    lab.has(told.stdout, r"before ours", "somebody else's rule in front")


@case("rules for one family alone are refused while the other is on")
def one_family(lab):
    gateway = gateway_of(lab, start=False)
    gateway.configure(intercept={"from": [f"{gateway.gw4}/31"]})
    before = state(gateway.gw)
    told = gateway.ctl("rules", "install")
    lab.check(told.returncode not in (0, 5), f"{told.returncode} {told.stdout}{told.stderr}")
    lab.has(told.stdout + told.stderr, "IPv6", "the reason")
    lab.same(state(gateway.gw), before, "something was installed")
    gateway.gw.run(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"])
    told = gateway.ctl("rules", "install")
    lab.same(told.returncode, 0, told.stdout + told.stderr)


@case("a typo in the configuration, a missing program: rules install says so and changes nothing")
def typo(lab):
    gateway = gateway_of(lab, start=False)
    before = state(gateway.gw)
    gateway.configure(intercept={"metod": "redirect"})
    told = gateway.ctl("rules", "install")
    lab.same(told.returncode, 4, told.stdout + told.stderr)
    lab.has(told.stderr, "did you mean", "the error")
    lab.same(state(gateway.gw), before, "something was installed")


class Pusher:
    """A client that tries again and again to get out, on both families, and holds nothing back."""

    def __init__(self, gateway, mx):
        self.gateway, self.addresses = gateway, (mx.v4, mx.v6)
        self.stop, self.tries = threading.Event(), 0
        self.threads = [threading.Thread(target=self.run, args=(a,)) for a in self.addresses * 2]
        for t in self.threads:
            t.start()

    def run(self, address):
        while not self.stop.is_set():
            self.tries += 1
            try:
                with client.Raw(self.gateway.client, address, timeout=0.4) as c:
                    c.reply()
            except (OSError, client.Closed):
                time.sleep(0.002)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()


FLUSHES = [("iptables -t nat -F", "iptables"), ("iptables -F", "iptables"),
           ("iptables -t mangle -F", "iptables"), ("ip6tables -t nat -F", "ip6tables"),
           ("ip rule del pref 23", ""), ("nft flush ruleset", "nft")]


def flushed(lab, method, backend):
    gateway = gateway_of(lab, method, backend)
    mx = lab.mx(family="46")
    d = lab.domain("flush", mx=[mx], sts=ENFORCE)
    verified(lab, gateway)
    pusher = Pusher(gateway, mx)
    lab.undo.append(pusher.end)
    count = 0
    for command, program in FLUSHES:
        if backend == "nft" and "tables" in command:
            command, program = "nft delete table inet postern", "nft"
        elif method == "tproxy" and "nat" in command:
            command = command.replace("nat", "mangle")
        gateway.gw.run(command.split())
        verified(lab, gateway, 8)
        count += 1
        lab.eventually(lambda: len([e for e in gateway.events("rules") if "restored" in str(e)]) >=
                       count, f"{command}: no event rules/restored: {gateway.events('rules')[-2:]}")
        last = [e for e in gateway.events("rules") if "restored" in str(e)][-1]
        if program:
            lab.has(json.dumps(last), rf"\b{program}", f"the program behind {command}")
    pusher.end()
    lab.check(pusher.tries > 10, f"only {pusher.tries} tries")
    lab.same(gateway.witness.count(), 0, f"packets past postern in {pusher.tries} tries")
    mail(lab, gateway, mx, d, mx.v4, "after")
    lab.notes.append(f"{pusher.tries} connections while the rules were flushed {count} times")


for method_, backend_ in WAYS:
    case(f"rules flushed under load, {method_} by {backend_}: no leak, back, the program named",
         alone=True)(lambda lab, m=method_, b=backend_: flushed(lab, m, b))


def from_alone(lab, method, backend):
    """No interface is named: clients are told by their addresses."""
    gateway = gateway_of(lab, method, backend, interface=None)
    mx = lab.mx(family="46")
    d = lab.domain("from", mx=[mx], sts=ENFORCE)
    verified(lab, gateway)
    for i, address in enumerate((mx.v4, mx.v6)):
        mail(lab, gateway, mx, d, address, f"u{i}")
    # Somebody else behind this host is not our client, and goes where he went before.
    stranger = f"198.18.1.{gateway.number + 1}"
    gateway.client.run(["ip", "addr", "add", stranger, "dev", "lo"])
    gateway.gw.run(["ip", "route", "add", stranger, "via", gateway.client4])
    lab.lab.net.net.run(["ip", "route", "add", stranger, "via", net.cable(gateway.number)[1][1]])
    with lab.raw(mx, gateway, source=stranger) as c:
        lab.has(c.reply().text, "^220", "greeting")
    lab.same(mx.sessions[-1].peer, stranger, "who the MX saw")
    gateway.slay()
    for address in (mx.v4, mx.v6):
        lab.same(reaches(gateway, address), None, f"{address} while posternd is dead")
    gateway.gw.run(["nft", "flush", "ruleset"])
    for address in (mx.v4, mx.v6):
        lab.same(reaches(gateway, address), None, f"{address} with nothing but routing rules")
    lab.same(gateway.witness.count(), 0, "packets past postern")


for method_, backend_ in WAYS:
    case(f"clients by `from` alone, {method_} by {backend_}: caught, others left, closed")(
        lambda lab, m=method_, b=backend_: from_alone(lab, m, b))


@case("the guard alone holds and counts: status is degraded and says leaks")
def guard(lab):
    gateway = gateway_of(lab, watch="yes")
    mx = lab.mx()
    lab.same(gateway.status()["totals"]["leaks"], 0, "leaks before")
    note = gateway.dir + "/run.rules"
    lab.check(os.path.exists(note), f"{note} is missing")
    os.rename(note, note + ".away")		# nobody restores
    for table in ("nat", "filter"):
        gateway.gw.run(["iptables", "-w", "-t", table, "-F", "POSTERN"])
    lab.same(reaches(gateway, mx.v4, 2), None, "a client with nothing but the guard")
    lab.eventually(lambda: gateway.status()["totals"]["leaks"] > 0, "no leak is counted")
    lab.same(gateway.witness.count(), 0, "packets past postern")
    told = gateway.ctl("status")
    lab.same(told.returncode, 1, "status")
    lab.has(told.stdout, "went past postern", "what status says")
    event = gateway.wait_event("rules", action="leak")
    lab.check(event, f"no event: {gateway.events('rules')}")
    lab.same((event["src_ip"], event["dest_ip"]), (gateway.client4, mx.v4), "addresses")


@case("doctor: nothing to complain of, then each fault by name with its remedy")
def doctor(lab):
    gateway = gateway_of(lab)
    told = gateway.ctl("doctor")
    lab.check(not re.search("^fault", told.stdout, re.M), told.stdout)
    gateway.gw.run(["iptables", "-w", "-t", "nat", "-I", "PREROUTING", "-p", "tcp", "--dport", "25",
                    "-j", "REDIRECT", "--to-ports", "2525"])
    told = gateway.ctl("doctor")
    lab.has(told.stdout, r"others: .*2525", "another redirection")
    gateway.gw.run(["sysctl", "-qw", "net.ipv4.ip_forward=0"])
    lab.has(gateway.ctl("doctor").stdout, r"warning forwarding: .*ip_forward = 0", "forwarding")
    gateway.ctl("rules", "remove")
    gateway.slay()
    told = gateway.ctl("doctor", "--json")
    lab.same(told.returncode, 1, told.stdout)
    found = json.loads(told.stdout)
    states = {c["name"]: c for c in found}
    lab.same(states["daemon"]["state"], "fault", f"{states['daemon']}")
    lab.check(states["daemon"]["remedy"], "no remedy")


@case("rules show, run by sh, are what rules install makes; twice is once")
def script(lab):
    gateway = gateway_of(lab, start=False)
    gateway.intercept_by_script()
    verified(lab, gateway)
    gateway.intercept_by_script()
    verified(lab, gateway)


@case("each process killed and stopped in turn: closed holds, mail comes back", alone=True)
def processes(lab):
    gateway = gateway_of(lab)
    mx = lab.mx(family="46")
    d = lab.domain("turn", mx=[mx], sts=ENFORCE)
    pusher = Pusher(gateway, mx)
    lab.undo.append(pusher.end)
    n = 0
    for title in ("posternd: proxy", "posternd: policy", "posternd: nfq"):
        for number in (signal.SIGKILL, signal.SIGSTOP):
            pids = gateway.children(title)
            lab.check(pids, f"no {title}")
            for pid in pids:
                os.kill(pid, number)
            time.sleep(1)
            if number == signal.SIGSTOP:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
            lab.eventually(lambda: len(gateway.children(title)) == len(pids),
                           f"{title} is not back", 15)
            n += 1
            lab.eventually(lambda: "220" in (reaches(gateway, mx.v4, 5) or ""), f"{title}: no mail",
                           20)
            mail(lab, gateway, mx, d, mx.v4, f"u{n}")
    os.kill(gateway.process.pid, signal.SIGSTOP)
    time.sleep(1)
    os.kill(gateway.process.pid, signal.SIGCONT)
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait()
    time.sleep(1)
    lab.same(reaches(gateway, mx.v4), None, "a client when everything is dead")
    gateway.start()		# half-started it lets nobody pass either
    mail(lab, gateway, mx, d, mx.v6, "end")
    pusher.end()
    lab.same(gateway.witness.count(), 0, f"packets past postern in {pusher.tries} tries")
    lab.same(gateway.status()["totals"]["leaks"], 0, "leaks that status shows")
