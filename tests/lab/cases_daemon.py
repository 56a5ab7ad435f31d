# cases_daemon.py - processes killed, reloads, drains, rotation: no mail lost, no decision lost
# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import os
import signal
import threading
import time

import client
import postern
from inside import BUILD
from runner import case

ENFORCE = dict(mode="enforce")
SENDER = "sender@client.example"


class Load:
    """Clients that send mail after mail; every recipient is used once."""

    def __init__(self, lab, gateway, mx, d, clients=4):
        self.lab, self.gateway, self.mx, self.d = lab, gateway, mx, d
        self.lock = threading.Lock()
        self.acknowledged, self.failed, self.told = [], 0, []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]
        for t in self.threads:
            t.start()

    def run(self, i):
        n = 0
        while not self.stop.is_set():
            try:
                with self.lab.raw(self.mx, self.gateway, timeout=20) as c:
                    c.greet()
                    for _ in range(3):
                        n += 1
                        rcpt = self.d.user(f"c{i}-{n}")
                        replies, end = c.mail(SENDER, [rcpt], b"Subject: load\r\n\r\nload\r\n")
                        with self.lock:
                            if end is not None and end.code == 250:
                                self.acknowledged.append(rcpt)
                            else:
                                self.failed += 1
                                self.told.append(str(end or replies[0]))
                    c.quit()
            except Exception as e:
                with self.lock:
                    self.failed += 1
                    self.told.append(repr(e))
                time.sleep(0.05)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()

    def recovered(self, timeout=10):
        """Waits until mail flows again."""
        before = len(self.acknowledged)
        end = time.time() + timeout
        while len(self.acknowledged) < before + 5 and time.time() < end:
            time.sleep(0.05)
        self.lab.check(len(self.acknowledged) >= before + 5, f"no mail flows: {self.told[-3:]}")

    def account(self):
        """Each acknowledged mail arrived once, and has its decision once."""
        lab = self.lab
        arrived = [r for m in self.mx.messages() for r in m.rcpts]
        lab.check(len(arrived) == len(set(arrived)), "mails arrived twice")
        texts = " ".join(arrived)
        missing = [r for r in self.acknowledged if r not in texts]
        lab.check(not missing, f"acknowledged and not arrived: {missing[:5]}")
        end = time.time() + 10
        while True:
            events = self.gateway.events("decision", rcpt_domain=self.d.name)
            told = [postern.look(e, "recipient") or postern.look(e, "rcpt") for e in events]
            lost = set(self.acknowledged) - set(told)
            if not lost or time.time() > end:
                break
            time.sleep(0.2)
        lab.check(not lost, f"{len(lost)} of {len(self.acknowledged)} decisions lost: "
                  f"{sorted(lost)[:3]}; e.g. {events[-1:]}")
        ids = [e["id"] for e in events]
        lab.check(len(ids) == len(set(ids)), "a decision is logged twice")
        doubles = {r for r in told if told.count(r) > 1} if len(told) < 3000 else set()
        lab.check(not doubles, f"decisions logged twice: {sorted(doubles)[:3]}")
        lab.notes.append(f"{len(self.acknowledged)} mails acknowledged, {self.failed} failed")


def loaded(lab, options=None):
    gateway = lab.another_gateway({"log": {"recipients": "full"}, **(options or {})})
    mx = lab.mx()
    d = lab.domain("load", mx=[mx], sts=ENFORCE)
    load = Load(lab, gateway, mx, d)
    lab.undo.append(load.end)
    load.recovered()
    return gateway, load


@case("kill -9 of a worker under load: only its sessions are lost, it comes back", alone=True)
def kill_worker(lab):
    gateway, load = loaded(lab)
    workers = gateway.children("posternd: proxy")
    lab.same(len(workers), 2, "workers")
    for _ in range(3):
        os.kill(gateway.children("posternd: proxy")[0], signal.SIGKILL)
        load.recovered()
    time.sleep(1)
    load.end()
    end = time.time() + 10
    while len(gateway.children("posternd: proxy")) < 2 and time.time() < end:
        time.sleep(0.1)
    lab.same(len(gateway.children("posternd: proxy")), 2, "workers afterwards")
    load.account()


@case("kill -9 of the policy process under load: no decision is lost or doubled", alone=True)
def kill_policy(lab):
    gateway, load = loaded(lab)
    for _ in range(3):
        # Mail goes on without one, for a while: workers remember its answers.
        lab.eventually(lambda: len(gateway.children("posternd: policy")) == 1, "no policy process", 20)
        os.kill(gateway.children("posternd: policy")[0], signal.SIGKILL)
        load.recovered(20)
    load.end()
    load.account()
    lab.check(gateway.ctl("status").returncode in (0, 1), "status does not answer")


@case("a hung worker and a hung policy process are noticed and replaced", first=True)
def hung(lab):
    gateway = lab.another_gateway({"workers": 1})
    mx = lab.mx()
    d = lab.domain("hung", mx=[mx], sts=ENFORCE)
    titles = ("posternd: proxy", "posternd: policy")
    old = {t: gateway.children(t) for t in titles}
    for pids in old.values():
        lab.same(len(pids), 1, f"processes {old}")
        os.kill(pids[0], signal.SIGSTOP)
    # Somebody at the door, since a hang that nobody could notice is none. Asked every 10 s, and
    # killed when there is no answer for 30 s (daemon/supervise.c).
    with lab.raw(mx, gateway):
        end = time.time() + 60
        while any(gateway.children(t) in ([], old[t]) for t in titles) and time.time() < end:
            time.sleep(0.3)
    new = {t: gateway.children(t) for t in titles}
    lab.check(all(new[t] not in ([], old[t]) for t in titles), f"hung {old}, now {new}")
    time.sleep(1)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))


@case("SIGHUP under load: open sessions go on, nothing fails", alone=True)
def reload(lab):
    gateway, load = loaded(lab)
    with lab.raw(load.mx, gateway) as c:
        c.greet()
        for _ in range(3):
            gateway.signal(signal.SIGHUP)
            load.recovered()
        _, end = c.mail(SENDER, [load.d.user("open")], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"the session from before: {c.transcript}")
        c.quit()
    load.acknowledged.append(load.d.user("open"))
    load.end()
    lab.same(load.failed, 0, f"failures, such as {load.told[:3]}")
    load.account()


@case("kill -9 of posternd: its children end, and what they had to say is on record")
def kill_parent(lab):
    mx = lab.mx()
    gateway = lab.another_gateway({"workers": 1})
    children = gateway.children("posternd: ")
    policy = gateway.children("posternd: policy")[0]
    with contextlib.ExitStack() as sessions:
        clients = [sessions.enter_context(lab.raw(mx, gateway)) for _ in range(80)]
        for c in clients:
            c.greet()
        os.kill(policy, signal.SIGSTOP)
        for c in clients:
            c.quit()
        time.sleep(0.5)
        gateway.process.kill()
        gateway.process.wait()
        time.sleep(0.5)
        os.kill(policy, signal.SIGCONT)
    end = time.time() + 8
    while any(os.path.exists(f"/proc/{pid}") for pid in children) and time.time() < end:
        time.sleep(0.1)
    lab.same([pid for pid in children if os.path.exists(f"/proc/{pid}")], [], "children left")
    lab.same(len(gateway.events("session", action="closed")), 80, "sessions closed on record")


@case("reload to fewer workers while sessions are open: nobody waits at a closed door")
def reload_fewer(lab):
    mx = lab.mx()
    gateway = lab.another_gateway({"workers": 3})
    with contextlib.ExitStack() as sessions:
        for _ in range(9):		# on every worker, in all likelihood
            sessions.enter_context(lab.raw(mx, gateway)).greet()
        gateway.configure(workers=1)
        lab.same(gateway.ctl("reload").returncode, 0, "posternctl reload")
        end = time.time() + 5
        while len(gateway.children("posternd: proxy")) < 4 and time.time() < end:
            time.sleep(0.1)
        time.sleep(0.5)
        for _ in range(12):
            with lab.raw(mx, gateway, timeout=5) as c:
                c.greet()
                c.quit()


@case("the policy process cannot start after a reload: on record, and mended without a restart")
def unstartable(lab):
    mx = lab.mx()
    d = lab.domain("unstartable", mx=[mx], sts=ENFORCE)
    gateway = lab.another_gateway()
    store = gateway.dir + "/state/store.mdb"
    started = len(gateway.events("health", action="started"))
    os.rename(store, store + ".kept")
    os.mkdir(store)
    gateway.signal(signal.SIGHUP)
    event = gateway.wait_event("health", action="start-failed")
    lab.check(event and event["health"].get("alarm") and "store.mdb" in event["detail"],
              f"the failure on record: {event}")
    lab.same(len(gateway.events("health", action="started")), started, "starts on record")
    lab.same(gateway.ctl("status").returncode, 3, "status meanwhile")
    os.rmdir(store)
    os.rename(store + ".kept", store)
    lab.check(gateway.wait_event("health", action="started", count=started + 1, timeout=20),
              "it does not come back")
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))


@case("reload takes a changed configuration")
def reload_change(lab):
    mx = lab.mx(cert="expired")
    d = lab.domain("reload", mx=[mx], sts=ENFORCE)
    gateway = lab.another_gateway()
    lab.refused(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway), d,
                "certificate-expired", gateway=gateway)
    gateway.configure(domains={d.name: {"level": "may", "reason": '"ticket 1"'}})
    done = gateway.ctl("reload")
    lab.same(done.returncode, 0, f"posternctl reload: {done.stderr}")
    lab.sent(lab.send(d.user("b"), client="raw", server=mx.v4, gateway=gateway))
    lab.decision(d, "pass", gateway=gateway, count=2, source="rule")


@case("reload with a broken configuration: the running one stays, and status says so")
def reload_broken(lab):
    mx = lab.mx(cert="expired")
    d = lab.domain("broken", mx=[mx], sts=ENFORCE)
    gateway = lab.another_gateway()
    with open(gateway.file, "a") as f:
        f.write("mood: enforce\n")
    check = gateway.ctl("check-config", gateway.file)
    lab.same(check.returncode, 4, f"check-config: {check.stdout}{check.stderr}")
    lab.has(check.stdout + check.stderr, rf"{gateway.file}:\d+:1: error: .*mood", "check-config")
    gateway.signal(signal.SIGHUP)
    end = time.time() + 8
    time.sleep(1)
    gateway.configure()		# posternctl itself needs a good file to find the socket
    while gateway.ctl("status").returncode != 1 and time.time() < end:
        time.sleep(0.2)
    lab.same(gateway.ctl("status").returncode, 1, "status after a refused reload")
    lab.refused(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway), d,
                "certificate-expired", gateway=gateway)
    lab.same(gateway.ctl("reload").returncode, 0, "reload of the mended file")
    lab.same(gateway.ctl("status").returncode, 0, "status after the mended one")


@case("SIGTERM drains: an open transaction ends well, new clients are turned away, status 0")
def drain(lab):
    mx = lab.mx()
    d = lab.domain("drain", mx=[mx], sts=ENFORCE)
    gateway = lab.another_gateway()
    with lab.raw(mx, gateway) as c:
        c.greet()
        c.cmd(f"MAIL FROM:<{SENDER}>")
        lab.same(c.cmd(f"RCPT TO:<{d.user()}>").code, 250, f"{c.transcript}")
        lab.same(c.cmd("DATA").code, 354, f"{c.transcript}")
        c.send(b"Subject: x\r\n\r\nfirst half\r\n")
        gateway.signal(signal.SIGTERM)
        time.sleep(0.7)
        try:
            with lab.raw(mx, gateway, timeout=3) as other:
                lab.same(other.reply().code, 421, "a new client's greeting")
        except (OSError, client.Closed):
            pass	# not let in at all is as good
        c.send(b"second half\r\n.\r\n")
        lab.same(c.reply().code, 250, f"{c.transcript}")
        c.quit()
    lab.same(gateway.process.wait(15), 0, "posternd's exit status")
    lab.arrived(mx, d.user())
    lab.decision(d, "pass", gateway=gateway)
    try:
        with lab.raw(mx, gateway, timeout=3) as c:
            lab.check(False, "a connection without posternd")
    except OSError:
        pass	# closed: REDIRECT without a listener is a reset


@case("log rotation: the file is moved, reload opens a new one, no decision is lost")
def rotation(lab):
    mx = lab.mx()
    gateway = lab.another_gateway()
    domains = [lab.domain("rot", mx=[mx], sts=ENFORCE) for _ in range(3)]
    def send(i):
        lab.sent(lab.send(domains[i].user(), client="raw", server=mx.v4, gateway=gateway))
    send(0)
    lab.decision(domains[0], "pass", gateway=gateway)
    os.rename(gateway.log, gateway.log + ".1")
    send(1)
    time.sleep(0.5)
    done = gateway.ctl("reload")
    lab.same(done.returncode, 0, f"posternctl reload: {done.stdout}{done.stderr}")
    send(2)
    lab.decision(domains[2], "pass", gateway=gateway)
    with open(gateway.log + ".1") as f:
        old = f.read()
    with open(gateway.log) as f:
        new = f.read()
    for i in range(3):
        lab.same((old + new).count(f'"rcpt_domain":"{domains[i].name}"') +
                 (old + new).count(f'"rcpt_domain": "{domains[i].name}"'), 1, f"decisions on {i}")


@case("posternd stopped and started again: policies and memory are kept (R24)")
def restart(lab):
    mx, plain = lab.mx(), lab.mx()
    d = lab.domain("kept", mx=[mx], sts=ENFORCE, own=True)
    d2 = lab.domain("remembered", mx=[plain])
    gateway = lab.another_gateway()
    for x, host in ((d, mx), (d2, plain)):
        lab.sent(lab.send(x.user("first"), client="raw", server=host.v4, gateway=gateway))
    time.sleep(0.5)
    lab.same(gateway.stop(), 0, "exit status")
    lab.block(d, "REJECT")
    gateway.start()
    with lab.attack(mx, "strip"), lab.attack(plain, "strip"):
        told = lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway)
        lab.refused(told, d, "starttls-not-supported", gateway=gateway, source="cache", count=2)
        told = lab.send(d2.user(), client="raw", server=plain.v4, gateway=gateway)
        lab.refused(told, d2, "starttls-not-supported", gateway=gateway, source="memory", count=2)


@case("a damaged store is set aside, and status says degraded")
def damaged(lab):
    mx = lab.mx()
    d = lab.domain("damaged", mx=[mx], sts=ENFORCE)
    gateway = lab.another_gateway()
    lab.sent(lab.send(d.user("first"), client="raw", server=mx.v4, gateway=gateway))
    time.sleep(0.5)
    gateway.stop()
    for folder, _, names in os.walk(gateway.dir + "/state"):
        for name in names:
            if name.endswith("mdb") and "lock" not in name:
                with open(f"{folder}/{name}", "r+b") as f:
                    size = f.seek(0, 2)
                    f.seek(0)
                    f.write(b"\xa5" * size)
    gateway.start(timeout=30)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.same(gateway.ctl("status").returncode, 1, "status")


@case("no process runs as root with capabilities, and none keeps new privileges")
def privileges(lab):
    gateway = lab.gateway
    pids = gateway.children("posternd: proxy") + gateway.children("posternd: policy")
    lab.same(len(pids), 3, "children")
    for pid in pids + [gateway.process.pid]:
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.split(":", 1) for line in f if ":" in line)
        lab.check("0" not in status["Uid"].split(), f"{pid}: Uid {status['Uid']}")
        lab.same(int(status["CapEff"], 16), 0, f"effective capabilities of {pid}")
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            text = f.read()
        lab.has(text, r"NoNewPrivs:\s1", f"{pid}")
    if "sanitize" not in BUILD:	# sanitizers need what is forbidden
        for pid in gateway.children("posternd: proxy"):
            with open(f"/proc/{pid}/status") as f:
                lab.has(f.read(), r"Seccomp:\s2", f"worker {pid}")
