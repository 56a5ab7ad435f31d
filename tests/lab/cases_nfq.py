# cases_nfq.py - the DNS watch and the SYN gate: what is learnt, who goes direct, what a death costs
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import signal
import socket
import struct
import threading
import time

import client
import net
import resolve
import zones
from cases_firewall import BODY, ENFORCE, SENDER, gateway_of, mail, reaches, session_of
from runner import case


def totals(gateway):
    return gateway.status()["totals"]


def direct(lab, gateway, mx, address=None):
    """Whether a connection of the client reaches the MX as the client's own."""
    address = address or mx.v4
    before = len(mx.sessions)
    text = reaches(gateway, address, 10)
    lab.check(text is not None, f"{address}: no greeting")
    lab.check(mx.wait(lambda m: len(m.sessions) > before, 5), "the MX saw nobody")
    return mx.sessions[-1].peer in (gateway.client4, gateway.client6)


@case("DNS watch: the policy is there before the client dials, over UDP, TCP, CNAME and both families")
def ahead(lab):
    gateway = gateway_of(lab)
    n = 0
    for how in (dict(), dict(tcp=True), dict(server=net.DNS6), dict(server=net.DNS6, tcp=True)):
        mx = lab.mx(family="46")
        d = lab.domain("ahead", mx=[mx], sts=ENFORCE)
        resolve.learn(gateway.client, d.name, [mx.name], **how)
        n += 1
        event = gateway.wait_event("policy", policy_domain=d.name, action="fetched")
        lab.check(event, f"{how}: no policy was fetched: {gateway.events('policy')}")
    # The host is an alias, which RFC 5321 5.1 forbids and which is seen.
    mx = lab.mx(family="46")
    d = lab.domain("alias", mx=[mx.name.replace("mx", "also", 1)], sts=dict(mode="enforce",
                                                                          mx=["*.example"]))
    zones.change(add=[(d.hosts[0] + ".", "CNAME", mx.name + ".")])
    resolve.learn(gateway.client, d.name, [d.hosts[0]])
    lab.check(gateway.wait_event("policy", policy_domain=d.name, action="fetched"),
              "a host that is an alias: no policy was fetched")
    lab.same(gateway.events("decision"), [], "decisions before any mail")
    lab.eventually(lambda: totals(gateway)["dns_answers"] >= 3 * n, "answers counted")
    # A truncated answer teaches nothing wrong; the one over TCP that follows does.
    hosts = [lab.mx(label="long-name-so-that-the-answer-does-not-fit-into-512-octets-")
             for _ in range(8)]
    d = lab.domain("trunc", mx=hosts, sts=ENFORCE)
    answer = resolve.ask(gateway.client, d.name, "MX", payload=0)
    lab.check(resolve.truncated(answer), "the answer is not truncated")
    resolve.ask(gateway.client, d.name, "MX", tcp=True)
    lab.check(gateway.wait_event("policy", policy_domain=d.name, action="fetched"), "after TCP: nothing")


@case("DNS watch: a rotating address that our own lookup never gave is known as the MX host's")
def rotating(lab):
    gateway = gateway_of(lab)
    mx = lab.mx()
    d = lab.domain("rotate", mx=[mx], sts=ENFORCE)
    resolve.learn(gateway.client, d.name, [mx.name])
    time.sleep(0.3)
    # From now on everybody else is told another address.
    zones.change(remove=[(mx.name + ".", "A")], add=[(mx.name + ".", "A", "203.0.113.250")])
    mail(lab, gateway, mx, d, mx.v4, "u")
    event = gateway.wait_event("decision", rcpt_domain=d.name)
    lab.same(event["smtp"].get("mx_host"), mx.name, f"the MX host in {event}")


def garbage():
    yield b""
    yield b"\0"
    yield os.urandom(11)
    for i in range(60):
        yield os.urandom(12 + i * 7)
    good = resolve.question("garbage.example", "MX")
    head = good[:2] + b"\x81\x80" + good[4:]
    for i in range(len(head)):
        yield head[:i] + os.urandom(4) + head[i:]
    yield head[:6] + b"\xff\xff" + head[8:] + b"\xc0\x0c" * 700
    yield head[:6] + b"\0\1" + head[8:] + b"\xc0\x0c" + struct.pack(">HHIH", 15, 1, 60, 65535)


@case("DNS watch: garbage on port 53 disturbs nobody")
def noise(lab):
    gateway = gateway_of(lab)
    sender = lab.lab.net.mx.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sender.bind((net.WEB4, 53))
    for payload in garbage():
        sender.sendto(payload, (gateway.client4, 5353))
    sender.close()
    pids = gateway.children("posternd: nfq")
    mx = lab.mx()
    d = lab.domain("noise", mx=[mx], sts=ENFORCE)
    resolve.learn(gateway.client, d.name, [mx.name])
    lab.check(gateway.wait_event("policy", policy_domain=d.name, action="fetched"), "no longer watching")
    lab.same(gateway.children("posternd: nfq"), pids, "the nfq process")
    lab.check(totals(gateway)["dns_answers"] >= 3, "answers counted")


@case("DNS goes on while the nfq process is dead, and while it hangs", alone=True)
def dns_goes_on(lab):
    gateway = gateway_of(lab)
    d = lab.domain("goes-on", mx=[lab.mx()])
    pid = gateway.children("posternd: nfq")[0]
    os.kill(pid, signal.SIGSTOP)
    start = time.time()
    for i in range(3000):
        answer = resolve.ask(gateway.client, d.name, "MX", timeout=3)
        lab.same(resolve.rcode(answer), 0, f"answer {i} while it hangs")
    took = time.time() - start
    os.kill(pid, signal.SIGKILL)
    for i in range(200):
        resolve.ask(gateway.client, d.name, "MX", timeout=3)
    resolve.ask(gateway.client, d.name, "MX", tcp=True)
    lab.eventually(lambda: gateway.children("posternd: nfq") not in ([], [pid]), "it is not back", 15)
    lab.notes.append(f"3000 questions in {took:.1f} s while it hung")


def plain_domain(lab):
    """Nothing is demanded of it."""
    mx = lab.mx()
    return mx, lab.domain("free", mx=[mx])


def goes_direct(lab, gateway, mx, timeout=6):
    end = time.time() + timeout
    while not direct(lab, gateway, mx):
        lab.check(time.time() < end, f"{mx.v4} does not go direct: {totals(gateway)}")
        time.sleep(0.3)


def scoped(lab, method, backend="iptables"):
    gateway = gateway_of(lab, method, backend, scope="required", settle="0s")
    free, d = plain_domain(lab)
    strict = lab.mx()
    e = lab.domain("strict", mx=[strict], sts=ENFORCE)
    lab.check(not direct(lab, gateway, free), "an address about which nothing is known")
    for name, mx in ((d, free), (e, strict)):
        resolve.learn(gateway.client, name.name, [mx.name])
    goes_direct(lab, gateway, free)
    lab.check(not direct(lab, gateway, strict), "a domain with a policy goes direct")
    mail(lab, gateway, strict, e, strict.v4, "guarded")
    # Straight mail is not ours; it arrives in one piece, over a flow marked once.
    with client.Raw(gateway.client, free.v4) as c:
        c.greet()
        _, end = c.mail(SENDER, [d.user("own")], b"Subject: x\r\n\r\n" + b"y" * 70 * 3000 + b"\r\n")
        lab.same(end.code, 250, "the direct mail")
    lab.same(session_of(free, "own").peer, gateway.client4, "who brought it")
    # A second domain with a policy begins to use that address: nobody goes direct any more.
    f = lab.domain("late", mx=[free], sts=dict(mode="enforce"))
    resolve.learn(gateway.client, f.name, [free.name])
    lab.eventually(lambda: not direct(lab, gateway, free), "still direct beside a policy")
    lab.same(gateway.ctl("rules", "verify").returncode, 0, "rules verify")


for method_ in ("redirect", "tproxy"):
    case(f"scope: required, {method_}: direct where nothing is demanded, else through postern")(
        lambda lab, m=method_: scoped(lab, m))


@case("scope: required: an administrator's rule and forgetting count at once")
def scoped_changes(lab):
    free, d = plain_domain(lab)
    gateway = gateway_of(lab, scope="required", settle="0s")
    resolve.learn(gateway.client, d.name, [free.name])
    goes_direct(lab, gateway, free)
    gateway.configure(domains={d.name: {"level": "encrypt", "reason": '"ticket"'}})
    gateway.signal(signal.SIGHUP)
    time.sleep(1.5)
    resolve.learn(gateway.client, d.name, [free.name])
    lab.eventually(lambda: not direct(lab, gateway, free), "direct beside a rule")


@case("scope: required: what a client was told counts for the SYN that follows at once")
def told_and_dialled(lab):
    free, d = plain_domain(lab)
    gateway = gateway_of(lab, scope="required", settle="0s")
    resolve.learn(gateway.client, d.name, [free.name])
    goes_direct(lab, gateway, free)
    # Another domain's host at the same address; its policy demands something.
    host = free.name.replace("mx", "other", 1)
    zones.change(add=[(host + ".", "A", free.v4)])
    e = lab.domain("other", mx=[host], sts=dict(mode="enforce", mx=["*.example"]))
    query = resolve.question(e.name, "MX")

    def told():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as q, \
             socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            q.settimeout(5)
            s.settimeout(5)
            q.connect((net.DNS4, 53))
            q.send(query)
            q.recv(65535)
            s.connect((free.v4, 25))
            s.recv(512)

    before = len(free.sessions)
    gateway.client.call(told)
    lab.check(free.wait(lambda m: len(m.sessions) > before, 5), "the MX saw nobody")
    lab.check(free.sessions[-1].peer != gateway.client4,
              "the answer was known to the client before it was known to the gate")


@case("scope: required: after a start nothing goes direct until unseen answers have lapsed (settle)")
def settle(lab):
    free, d = plain_domain(lab)
    gateway = gateway_of(lab, scope="required", settle="6s")
    start = time.time()
    resolve.learn(gateway.client, d.name, [free.name])
    time.sleep(1)
    while time.time() - start < 4:
        lab.check(not direct(lab, gateway, free), "direct at once")
        time.sleep(0.5)
    goes_direct(lab, gateway, free, 15)


@case("scope: required by nft is refused where the kernel has no nft queue, and changes nothing")
def nft_queue(lab):
    gateway = gateway_of(lab, backend="nft", start=False, scope="required", settle="0s")
    told = gateway.ctl("rules", "install")	# both ways end in an assertion
    if told.returncode == 0:
        lab.notes.append("this kernel has nft's queue")
        gateway.start()
        free, d = plain_domain(lab)
        resolve.learn(gateway.client, d.name, [free.name])
        goes_direct(lab, gateway, free)
        return
    lab.has(told.stdout + told.stderr, "queue", "the reason")
    lab.same(gateway.gw.run(["nft", "list", "ruleset"]).stdout.strip(), "", "what was left behind")


@case("closed with a gate: a dead or hung gate lets nothing out", alone=True)
def gate_closed(lab):
    gateway = gateway_of(lab, scope="required", settle="0s")
    free, d = plain_domain(lab)
    resolve.learn(gateway.client, d.name, [free.name])
    goes_direct(lab, gateway, free)
    pid = gateway.children("posternd: nfq")[0]
    os.kill(pid, signal.SIGSTOP)
    before, seen = len(free.sessions), gateway.witness.count()
    lab.same(reaches(gateway, free.v4, 2), None, "a client while the gate hangs")
    lab.same(gateway.witness.count(), seen, "packets past postern")
    lab.same(len(free.sessions), before, "sessions at the MX")
    lab.eventually(lambda: gateway.children("posternd: nfq") not in ([], [pid]),
                   "the hung gate is not replaced", 20)
    lab.eventually(lambda: reaches(gateway, free.v4, 3) is not None, "no mail afterwards", 15)
    gateway.slay()
    time.sleep(0.3)
    seen = gateway.witness.count()
    lab.same(reaches(gateway, free.v4, 2), None, "a client when everything is dead")
    lab.same(gateway.witness.count(), seen, "packets past postern")


@case("when-down: open: guarded while postern lives, unprotected and said so when it does not",
      alone=True)
def open_door(lab):
    gateway = gateway_of(lab, **{"when-down": "open"})
    mx = lab.mx(family="46")
    d = lab.domain("open", mx=[mx], sts=ENFORCE)
    for i, address in enumerate((mx.v4, mx.v6)):
        mail(lab, gateway, mx, d, address, f"u{i}")
    lab.same(gateway.witness.count(), 0, "packets past a living postern")
    lab.has(gateway.ctl("status").stdout, "open", "status names when-down")
    # The gate hangs: SYNs wait until it is killed, then mail flows.
    os.kill(gateway.children("posternd: nfq")[0], signal.SIGSTOP)
    lab.check(reaches(gateway, mx.v4, 25) is not None, "no mail after the gate hung")
    lab.eventually(lambda: not direct(lab, gateway, mx), "the hung gate is not replaced", 20)
    mail(lab, gateway, mx, d, mx.v4, "back")
    gateway.slay()
    time.sleep(0.3)
    for address in (mx.v4, mx.v6):
        lab.check(direct(lab, gateway, mx, address), f"{address} is closed with open")
    with client.Raw(gateway.client, mx.v4) as old:
        old.greet()
        gateway.start()
        lab.same(old.cmd("NOOP").code, 250, "a session begun unguarded goes on")
    mail(lab, gateway, mx, d, mx.v6, "again")
    told = gateway.ctl("rules", "verify")
    lab.has(told.stdout, r"guard: [1-9]", "what the guard has seen")


@case("when-down: open: no worker accepts, mail flows and the log says so loudly", alone=True)
def open_without_workers(lab):
    gateway = gateway_of(lab, options={"workers": 1}, **{"when-down": "open"})
    mx = lab.mx()
    d = lab.domain("nobody", mx=[mx], sts=ENFORCE)
    mail(lab, gateway, mx, d, mx.v4, "u")
    stop = threading.Event()

    def kill():
        while not stop.is_set():
            for pid in gateway.children("posternd: proxy"):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        lab.eventually(lambda: reaches(gateway, mx.v4, 1) and mx.sessions[-1].peer ==
                       gateway.client4, "mail does not flow", 30)
        lab.eventually(lambda: any("unguarded" in str(e) for e in gateway.events("rules")),
                       "no event says so", 15)
        lab.has(gateway.ctl("status").stdout, "unguarded", "status")
    finally:
        stop.set()
        killer.join()
    lab.eventually(lambda: not direct(lab, gateway, mx), "it does not recover", 40)


@case("the gate with 10,000 destinations: each is decided, unknown ones go through postern",
      alone=True)
def many(lab):
    gateway = gateway_of(lab, scope="required", settle="0s")
    before = totals(gateway)
    lab.lab.net.net.run(["ip", "route", "add", "blackhole", "198.19.0.0/16"], check=False)

    def storm():
        for i in range(10000):
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                s.connect((f"198.19.{i // 250}.{i % 250 + 1}", 25))
            except BlockingIOError:
                pass
            if i % 100 == 99:
                time.sleep(0.02)
            s.close()

    start = time.time()
    gateway.client.call(storm)
    lab.eventually(lambda: totals(gateway)["gate_proxy"] - before["gate_proxy"] >= 9900,
                   f"decided: {totals(gateway)}", 20)
    lab.same(totals(gateway)["gate_lost"], 0, "SYNs lost")
    lab.same(gateway.witness.count(), 0, "packets past postern")
    free, d = plain_domain(lab)
    resolve.learn(gateway.client, d.name, [free.name])
    goes_direct(lab, gateway, free, 15)
    lab.notes.append(f"10,000 SYNs in {time.time() - start:.1f} s")
