# show.py - the demo's deliveries and its table
# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import re
import shutil
import sys
import textwrap
import time

import lab
import postern

ENFORCE = dict(mode="enforce")
SENDER = "sender@client.example"


class Table:
    """domain, what the network does, verdict, what the queue says; the last column is wrapped."""

    WIDTHS = (22, 33, 13)

    def __init__(self):
        width = shutil.get_terminal_size((120, 24)).columns
        self.last = max(34, min(width, 150) - sum(self.WIDTHS) - 3)
        self.colours = sys.stdout.isatty()

    def paint(self, text, verdict):
        colour = {"pass": 32, "refuse": 31, "would-refuse": 33}.get(verdict.strip())
        return f"\033[{colour}m{text}\033[0m" if self.colours and colour else text

    def row(self, *cells):
        columns = [textwrap.wrap(c, w, break_on_hyphens=False) or [""]
                   for c, w in zip(cells, (*self.WIDTHS, self.last))]
        for i in range(max(map(len, columns))):
            parts = [(c[i] if i < len(c) else "") for c in columns]
            padded = [p.ljust(w) for p, w in zip(parts, (*self.WIDTHS, 0))]
            padded[2] = self.paint(padded[2], parts[2])
            print(" ".join(padded).rstrip())
        sys.stdout.flush()

    def rule(self):
        print("-" * (sum(self.WIDTHS) + 3 + self.last))


class Demo:
    def __init__(self):
        self.table = Table()
        self.lab = lab.Lab()
        self.case = lab.Case(self.lab, "demo")
        self.wrong = 0
        self.explained = None

    def domain(self, label, host, sts=ENFORCE, **more):
        return self.case.domain(name=label + ".example", mx=[host], sts=sts, **more)

    def queue(self, told):
        """In the words of Postfix, without its own frame around them."""
        text = re.sub(r"^host \S+ said: ", "", told.text)
        text = re.sub(r" \(in reply to (.*) command\)$", r" (at \1)", text)
        return {"sent": "delivered: ", "bounced": "BOUNCED: "}.get(told.status, "queued: ") + text

    def show(self, d, does, want, told, count=1):
        event = self.lab.gateway.wait_event("decision", count=count, rcpt_domain=d.name)
        verdict = event["decision"]["verdict"] if event else "no decision"
        if verdict != want or (want == "refuse") != (told.status == "deferred"):
            verdict += f" (NOT {want})"
            self.wrong += 1
        self.table.row(d.name, does, verdict, self.queue(told))
        return event

    def deliver(self, label, does, want, host, attack=None, **more):
        """One mail of the legacy Postfix, with the attacker in the path or without."""
        d = self.domain(label, host, **more)
        with self.case.attack(host, attack) if attack else contextlib.nullcontext():
            return self.show(d, does, want, self.case.send(d.user()))

    def helo_only(self):
        mx = self.case.mx("mx")
        d = self.domain("helo-only", mx)
        with self.case.raw(mx) as c:
            c.greet("scanner.client.example", ehlo=False)
            _, end = c.mail(SENDER, [d.user()], b"Subject: scan\r\n\r\nscan\r\n")
            c.quit()
        self.show(d, "the client is a scanner that knows HELO only", "pass",
                  lab.Told("scanner", "sent" if end and end.code == 250 else "deferred",
                           end.text if end else c.transcript[-1]))

    def hijacked(self):
        mx, evil = self.case.real_mx(), self.case.mx("mail.evil")
        d = self.domain("hijacked", mx)
        self.case.send(d.user("before"))
        self.case.set_mx(d, [evil.name])
        self.show(d, f"DNS is forged: MX {evil.name}, with a perfect certificate of its own",
                  "refuse", self.case.send(d.user()), 2)

    def cached(self):
        mx = self.case.real_mx()
        d = self.domain("cached", mx, own=True)
        self.case.send(d.user("before"))
        self.case.block(d, "REJECT")
        self.case.txt(d, None)
        with self.case.attack(mx, "strip"):
            self.show(d, "policy host blocked, TXT suppressed, STARTTLS stripped; policy cached",
                      "refuse", self.case.send(d.user()), 2)
        self.show(d, "policy host blocked, TXT suppressed; policy cached", "pass",
                  self.case.send(d.user("after")), 3)

    def passing(self, d, host, does, count):
        """One mail of a Postfix that does TLS itself, and what became of its TLS session."""
        gateway = self.lab.inspecting()
        told = self.case.send(d.user(f"u{count}"), sender="tls12@client.example")
        event = gateway.wait_event("session", count=count, dest_ip=host.v4, action="closed")
        outcome = (event or {}).get("inspect", {}).get("outcome", "no session")
        self.table.row(d.name, does, outcome, self.queue(told))
        return outcome

    def inspected(self):
        """path: inspect: the first mail tells whose address it is; from then on TLS stays whole."""
        host = self.case.real_mx()
        self.case.gateway = self.lab.inspecting()
        self.case.postfix = self.case.gateway.postfix
        d = self.domain("whole", host)
        self.passing(d, host, "path: inspect; the client does TLS 1.2 itself: first mail", 1)
        outcome = self.passing(d, host, "the same: its TLS session with the MX stays its own", 2)
        with self.case.attack(host, "impostor"):
            attacked = self.passing(d, host, "the same: the attacker answers with a certificate of "
                                    "his own", 3)
        self.wrong += outcome != "end-to-end" or attacked != "ended-here"

    def run(self):
        real, case = self.case.real_mx, self.case
        print(f"The laboratory is up after {self.lab.took:.1f} s: a legacy Postfix that never uses "
              "TLS, the gateway with\npostern, signed DNS, policy hosts, mail exchangers, and an "
              "attacker in the path.\n")
        self.table.row("domain", "what the network does", "verdict", "what the MTA's queue says")
        self.table.rule()
        self.deliver("honest", "nothing: honest MX, policy enforce", "pass", real())
        event = self.deliver("stripped", "STARTTLS is removed from the EHLO reply", "refuse",
                             real(), "strip")
        self.explained = event and event["id"]
        self.deliver("masked", "STARTTLS is overwritten: 250-XXXXXXXA", "refuse", real(), "mask")
        self.deliver("refused", "STARTTLS is answered 454", "refuse", real(), "refuse")
        self.deliver("wrong-name", "the certificate is for another host", "refuse",
                     case.mx(cert="wrong-name"))
        self.deliver("expired", "the certificate has expired", "refuse", case.mx(cert="expired"))
        self.deliver("self-signed", "the attacker ends TLS with a certificate of his own", "refuse",
                     real(), "impostor")
        self.hijacked()
        self.deliver("testing", "wrong certificate, but policy testing", "would-refuse",
                     case.mx(cert="wrong-name"), sts=dict(mode="testing"))
        self.deliver("no-policy", "no policy, self-signed certificate", "pass",
                     case.mx(cert="self-signed"), sts=None)
        self.helo_only()
        self.cached()
        self.deliver("dane", "nothing: no policy, no CA; signed TLSA records name the key", "pass",
                     case.mx(cert="self-signed", tlsa=["3 1 1"]), sts=None)
        self.deliver("dane-attacked", "TLSA records too; the attacker ends TLS with his own key",
                     "refuse", real(tlsa=["3 1 1"]), "impostor", sts=None)
        self.table.rule()
        self.inspected()
        self.table.rule()

    def explain(self):
        if self.explained:
            print(f"\n$ posternctl explain {self.explained}\n")
            print(self.lab.gateway.ctl("explain", self.explained).stdout, flush=True)


def main():
    start = time.time()
    if not postern.available():
        print("build/posternd is missing: run make", file=sys.stderr)
        return 1
    try:
        demo = Demo()
        demo.run()
        demo.explain()
    except KeyboardInterrupt:
        print("\ninterrupted; nothing is left behind")
        return 130
    print(f"{time.time() - start:.0f} s; every namespace, process and file of this is gone now.")
    if demo.wrong:
        print(f"{demo.wrong} deliveries did not end as they should have.")
        demo.lab.keep_logs()
    return 1 if demo.wrong else 0
