# lab.py - the laboratory as a whole, and what a case may do in it
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re
import shutil
import threading
import time

import attacker
import certs
import client
import dane
import net
import postern
import programs
import smtpd
import web
import zones
from inside import STATE, TOP


MX_KEPT = 5.2	# seconds for which postern keeps an MX set at least (policy/mx.c)


class Failure(Exception):
    """A case did not see what it expected."""


class Domain:
    def __init__(self, name, hosts):
        self.name, self.hosts = name, hosts
        self.id = "1"
        self.web4, self.web6 = net.WEB4, net.WEB6
        self.odd = None

    def user(self, local="user"):
        return f"{local}@{self.name}"


class RealMx:
    """A name of the real Postfix."""

    def __init__(self, name, v4, v6):
        self.name, self.v4, self.v6, self.addresses = name, v4, v6, [v4, v6]
        self.certificate = certs.leaf("good", *programs.real_names("mx.real.example"))


class Told:
    """How a sending MTA fared. status: sent, deferred or bounced; text: its own reason."""

    def __init__(self, client_name, status, text, qid="", rcpts=()):
        self.client, self.status, self.text, self.qid = client_name, status, text, qid
        self.rcpts = rcpts	# for each recipient: {"to", "status", "text", ...}

    def __repr__(self):
        return f"<{self.client}: {self.status}: {self.text}>"


class Lab:
    """Servers, and one gateway with a legacy Postfix behind it."""

    def __init__(self, proxied=True, options=None):
        start = time.time()
        os.makedirs(STATE, exist_ok=True)
        self.proxied = proxied
        self.net = net.Net()
        certs.setup()
        zones.setup(self.net)
        web.setup(self.net)
        self.gateway = postern.Gateway(self.net, options, start=False)
        self.inspector = self.doubter = None
        self.postfix_mx = programs.postfix_mx(self.net.mx)
        self.postfix = programs.postfix_client(self.gateway.client, "postfix-client")
        self.lock = threading.Lock()
        self.count = 0
        programs.wait_dns(self.net.mx)
        zones.change(add=list(programs.real_records()))
        self.postfix.wait_ready("127.0.0.1")
        programs.wait_port(self.net.mx, net.WEB4, 443)
        for octet, _ in programs.REAL.values():
            programs.wait_port(self.net.mx, programs.real_addresses(octet)[0], 25)
        if proxied:
            self.gateway.start()
            self.gateway.intercept()
        self.took = time.time() - start

    def number(self):
        with self.lock:
            self.count += 1
            return self.count

    def inspecting(self):
        """The gateway with path: inspect, with a Postfix behind it that speaks TLS."""
        with self.lock:
            if self.inspector is None:
                gateway = postern.Gateway(self.net, {"path": "inspect"})
                gateway.postfix = programs.postfix_tls_client(gateway.client, "postfix-tls")
                gateway.postfix.wait_ready("127.0.0.1")
                self.inspector = gateway
            return self.inspector

    def doubting(self):
        """The gateway whose resolver spoils the answers that zones.doubt is told to."""
        with self.lock:
            if self.doubter is None:
                self.doubter = postern.Gateway(self.net, {"resolver": {"servers": [net.DOUBT4]}})
            return self.doubter

    def keep_logs(self):
        """Copies what helps after a failure to build/lab/logs, which outlives the laboratory."""
        logs = TOP + "/build/lab/logs"
        shutil.rmtree(logs, ignore_errors=True)
        os.makedirs(logs)
        for folder, names in [("dns", ["unbound.log", "knot.log"]),
                              ("web", ["access.log", "error.log"]),
                              ("postfix-mx", ["log"]), ("postfix-client", ["log"]),
                              ("postfix-tls", ["log"])]:
            for name in names:
                if os.path.exists(f"{STATE}/{folder}/{name}"):
                    shutil.copy(f"{STATE}/{folder}/{name}", f"{logs}/{folder}-{name}")
        for n in range(self.net.gateways):
            for name in ("posternd.err", "postern.yaml", "log/decisions.jsonl"):
                if os.path.exists(f"{STATE}/gw{n}/{name}"):
                    shutil.copy(f"{STATE}/gw{n}/{name}", f"{logs}/gw{n}-{os.path.basename(name)}")


class Case:
    """One case's view of the laboratory: what it makes is its own and is gone after it."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.gateway = lab.gateway
        self.postfix = lab.postfix
        self.mxs, self.undo = [], []
        self.owners = set()	# of TLSA records
        self.notes = []

    def close(self):
        for action in reversed(self.undo):
            try:
                action()
            except Exception as e:
                self.notes.append(f"while cleaning up: {e}")
        for mx in self.mxs:
            mx.stop()

    # The world.

    def mx(self, label="mx", zone="example", name=None, port=25, listen=True, family="4",
           tlsa=(), **options):
        """A scripted MX with a name and a certificate of its own. It listens on both its addresses;
        `family` says which are in DNS: "4", "6" or "46". tlsa: see dane.record."""
        name = name or f"{label}{self.lab.number()}.{zone}"
        v4, v6 = self.lab.net.server_addresses()
        mx = smtpd.Mx(self.lab.net, name, [v4, v6], port=port, **options)
        mx.v4, mx.v6 = v4, v6
        self.tlsa(mx, *tlsa, more=[(name + ".", kind, address) for digit, kind, address in
                                   (("4", "A", v4), ("6", "AAAA", v6)) if digit in family])
        if not listen:
            mx.stop()
        self.mxs.append(mx)
        return mx

    def tlsa(self, mx, *records, name=None, more=()):
        """The TLSA records of an MX host, or of another name for it, become these. more: records of
        any kind that are added in the same transaction."""
        owner = f"_25._tcp.{name or mx.name}."
        zones.change(remove=[(owner, "TLSA")] if owner in self.owners else [],
                     add=[*((owner, "TLSA", dane.record(r, mx.certificate)) for r in records),
                          *more])
        self.owners = self.owners - {owner} | ({owner} if records else set())

    def real_mx(self, family="4", tlsa=()):
        """A fresh name and address of the real Postfix MX, so that it can be attacked alone."""
        name = f"mx{self.lab.number()}.real.example"
        mx = RealMx(name, *self.lab.net.server_addresses())
        for address, target in ((mx.v4, programs.real_addresses(25)[0]),
                                (mx.v6, f"[{programs.real_addresses(25)[1]}]")):
            self.lab.net.mx.tables(address, "-t", "nat", "-A", "PREROUTING", "-d", address, "-p",
                                   "tcp", "--dport", "25", "-j", "DNAT", "--to-destination", target)
        self.tlsa(mx, *tlsa, more=[(name + ".", kind, address) for digit, kind, address in
                                   (("4", "A", mx.v4), ("6", "AAAA", mx.v6)) if digit in family])
        return mx

    def domain(self, label="d", mx=(), sts=None, zone="example", name=None, own=False):
        """A domain with MX records and, with sts, a policy.

        mx: scripted MXs or host names, first preferred. sts: mode, mx (patterns; default: the MX
        hosts), max_age, id, text (instead of these), txt (instead of the usual record; None: none),
        odd (see web.OddWeb), delay, cert (of the policy host). own: a policy host address of its
        own, so that it can be blocked."""
        d = Domain(name or f"{label}-{self.lab.number()}.{zone}",
                   [m if isinstance(m, str) else m.name for m in mx])
        records = [(d.name + ".", "MX", f"{10 * (i + 1)} {h}.") for i, h in enumerate(d.hosts)]
        if sts is not None:
            sts = dict(sts)
            txt = sts.pop("txt", f"v=STSv1; id={sts.get('id', '1')};")
            d.id = sts.pop("id", "1")
            odd, delay = sts.pop("odd", None), sts.pop("delay", 0)
            cert = sts.pop("cert", "good")
            d.text = sts.pop("text", None)
            if d.text is None:
                sts.setdefault("mx", d.hosts if sts.get("mode") != "none" else [])
                d.text = web.policy_text(**sts)
            if own or odd:
                d.web4, d.web6 = self.lab.net.server_addresses()
            if txt is not None:
                records.append((f"_mta-sts.{d.name}.", "TXT", f'"{txt}"'))
            records += [(f"mta-sts.{d.name}.", "A", d.web4), (f"mta-sts.{d.name}.", "AAAA", d.web6)]
            if odd:
                d.odd = web.OddWeb(self.lab.net, [d.web4, d.web6], d.name, d.text, odd, delay, cert)
            else:
                web.publish(d.name, d.text, cert)
        zones.change(add=records)
        return d

    def republish(self, d, id=None, **policy):
        """The domain's owner changes policy and, unless id is None, the id in DNS."""
        policy.setdefault("mx", d.hosts if policy.get("mode") != "none" else [])
        web.publish(d.name, web.policy_text(**policy))
        if id is not None:
            self.txt(d, f"v=STSv1; id={id};")

    def txt(self, d, text):
        """Changes the policy's TXT record; None takes it away."""
        owner = f"_mta-sts.{d.name}."
        zones.change(remove=[(owner, "TXT")], add=[(owner, "TXT", f'"{text}"')] if text else [])

    def set_mx(self, d, hosts):
        """Changes the MX records, and waits until postern asks for them again."""
        zones.change(remove=[(d.name + ".", "MX")],
                     add=[(d.name + ".", "MX", f"{10 * (i + 1)} {h}.")
                          for i, h in enumerate(hosts)])
        time.sleep(MX_KEPT)

    def block(self, d, how="DROP"):
        """The path to the domain's policy host is cut; DROP: silence, REJECT: refused."""
        target = ["-j", "DROP"] if how == "DROP" else ["-j", "REJECT", "--reject-with", "tcp-reset"]
        for address in (d.web4, d.web6):
            rule = ["FORWARD", "-d", address, "-p", "tcp", "--dport", "443", *target]
            self.lab.net.net.tables(address, "-I", *rule)
            self.undo.append(lambda a=address, r=rule: self.lab.net.net.tables(a, "-D", *r))

    def attack(self, mx, how):
        """The attacker in the path to an MX."""
        return attacker.Attack(self.lab.net, mx.addresses, how)

    def another_gateway(self, options=None, **how):
        """A gateway with a configuration of its own; its client network is empty."""
        gateway = postern.Gateway(self.lab.net, options, **how)
        self.undo.append(gateway.stop)
        return gateway

    # Sending.

    def message(self, rcpt, body=None):
        return (f"From: <sender@client.example>\r\nTo: <{rcpt}>\r\nSubject: {self.name}\r\n"
                f"Message-ID: <{time.time_ns()}@client.example>\r\n\r\n").encode() + \
            (body if body is not None else b"Hello.\r\n..two dots\r\n.\r\n.one dot\r\nBye.\r\n")

    def send(self, to, client="postfix", body=None, gateway=None, sender="sender@client.example",
             server=None, options=(), timeout=60):
        """Sends a mail as a legacy client would, and says what the client was told.

        client: postfix, exim, or swaks and raw, which need `server`, an MX address."""
        rcpts = [to] if isinstance(to, str) else list(to)
        gateway = gateway or self.gateway
        data = self.message(rcpts[0], body)
        if client == "postfix":
            qid = self.postfix.submit(sender, rcpts, data)
            self.undo.append(lambda: self.postfix.forget(qid))
            return self.postfix_told(qid, rcpts, 0, timeout)
        if client == "exim":
            e = programs.Exim(gateway.client, f"exim{self.lab.number()}", **dict(options))
            good, text = e.send(sender, rcpts, data)
            return Told(client, "sent" if good else "deferred" if "==" in text else "bounced", text)
        if client == "swaks":
            status, text = programs.swaks(gateway.client, server, sender, rcpts, data, *options)
            return Told(client, "sent" if status == 0 else "deferred", text)
        with self.raw(server, gateway) as c:
            c.greet()
            if c.greeting.code != 220 or c.ehlo_reply.code != 250:
                reply = c.ehlo_reply if c.greeting.code == 220 else c.greeting
                return Told(client, "deferred" if reply.code < 500 else "bounced", reply.text)
            replies, end = c.mail(sender, rcpts, data)
            last = end if end is not None else replies[-1]
            text = " | ".join(r.text for r in [*replies, *([end] if end is not None else [])])
            return Told(client, "sent" if last.code == 250 else "deferred" if last.code < 500 else
                        "bounced", text, rcpts=replies)

    def postfix_told(self, qid, rcpts, after, timeout):
        words = self.postfix.outcome(qid, len(rcpts), after, timeout)
        if len(words) < len(rcpts):
            return Told("postfix", "nothing", f"no outcome within {timeout} s", qid, words)
        worst = sorted(words, key=lambda w: ["sent", "deferred", "bounced"].index(w["status"]))[-1]
        text = worst["text"]
        if worst["status"] == "deferred":
            # The queue is where an administrator looks; qmgr files it just after the log line.
            end = time.time() + 5
            while not (reason := self.postfix.queue_reason(qid, worst["to"])) and time.time() < end:
                time.sleep(0.1)
            text = reason or text
        return Told("postfix", worst["status"], text, qid, words)

    def retry(self, told, count=1, timeout=60):
        """Postfix tries the mail again."""
        after = len(self.postfix.statuses.get(told.qid, []))
        self.postfix.retry(told.qid)
        return self.postfix_told(told.qid, [None] * count, after, timeout)

    def raw(self, address, gateway=None, timeout=30, **options):
        if not isinstance(address, str):
            address = address.v4
        return client.Raw((gateway or self.gateway).client, address, timeout=timeout, **options)

    # What must hold.

    def check(self, condition, what):
        if not condition:
            raise Failure(what)

    def same(self, got, want, what):
        if got != want:
            raise Failure(f"{what}: got {got!r}, want {want!r}")

    def has(self, text, pattern, what):
        if not re.search(pattern, text or ""):
            raise Failure(f"{what}: /{pattern}/ is not in {text!r}")

    def eventually(self, condition, what, timeout=8):
        """Waits until condition() holds."""
        end = time.time() + timeout
        while not condition():
            self.check(time.time() < end, what)
            time.sleep(0.1)

    def sent(self, told):
        self.same(told.status, "sent", f"{told}")

    def deferred(self, told, pattern=""):
        self.same(told.status, "deferred", f"{told}")
        self.has(told.text, pattern, "what the client was told")
        return postern.decision_id(told.text)

    def arrived(self, mx, rcpt, tls=True, timeout=15, count=1):
        """The mail is at the scripted MX, over TLS or in clear."""
        message = mx.wait_message(rcpt, timeout, count)
        self.check(message, f"nothing for {rcpt} arrived at {mx.name}: {mx.sessions}")
        self.same(len(mx.messages(rcpt)), count, f"messages for {rcpt}")
        if tls is not None:
            self.same(bool(message.tls), tls, "TLS on arrival")
        return message

    def boxed(self, rcpt, tls=True, timeout=15, count=1):
        """The mail is in the real MX's maildir; the last one's octets."""
        found = programs.mailbox(rcpt, timeout, count)
        self.same(len(found), count, f"mails for {rcpt} at the real MX")
        if tls is not None:
            top = found[-1].split(b"\nReceived:")[1]
            self.same(b"using TLSv1" in top, tls, f"TLS in {top!r}")
        return found[-1]

    def untouched(self, *peers):
        """No MAIL, RCPT or DATA reached any of these MXs or attackers."""
        for peer in peers:
            seen = peer.mail_commands()
            self.check(not seen, f"{peer} saw {seen}")

    def decision(self, domain, verdict, result_type=None, gateway=None, timeout=10, count=1,
                 **where):
        """The decision's event: that there is exactly `count`, and what its last says."""
        gateway = gateway or self.gateway
        name = domain if isinstance(domain, str) else domain.name
        event = gateway.wait_event("decision", timeout, count, rcpt_domain=name)
        self.check(event, f"no decision on {name} is logged")
        self.same(len(gateway.events("decision", rcpt_domain=name)), count, f"decisions on {name}")
        self.same(event["decision"]["verdict"], verdict, f"verdict {event}")
        if result_type is not None:
            self.same(event["decision"]["result_type"], result_type, f"result type {event}")
        for key, value in where.items():
            self.same(postern.look(event, key), value, f"{key} in {event}")
        return event

    def fetched(self, event):
        """The policy behind this decision was fetched just once, for this very mail: by the question, or
        ahead of it by the DNS watch, which saw the client look the domain up."""
        domain = event["policy"]["policy_domain"]
        self.check(event["policy"]["source"] in ("fetched", "cache"), f"source in {event}")
        self.check(self.gateway.wait_event("policy", policy_domain=domain, action="fetched"),
                   f"the policy of {domain} was not fetched")
        self.same(len(self.gateway.events("policy", policy_domain=domain)), 1, f"fetches of {domain}")

    def refused(self, told, domain, result_type, code="4.7", **where):
        """The client was told, with the id and the reason, and the log has the same decision."""
        name = domain if isinstance(domain, str) else domain.name
        number = self.deferred(told, rf"451 {re.escape(code)}[.\d]* postern "
                               rf"[0-9A-Z]{{4}}-[0-9A-Z]{{4}}: {re.escape(name)} "
                               rf".*\({result_type}, .*\); not sent")
        event = self.decision(domain, "refuse", result_type, **where)
        self.same(event["id"], number, "the id in reply and event")
        return event
