# cases_inspect.py - path: inspect: whose sessions stay end to end, which end here, and why
# SPDX-License-Identifier: GPL-3.0-or-later
import re
import time

import certs
import postern
import programs
import resolve
import zones
from inside import STATE
from inspecting import (ENFORCE, SENDER, case, decided, deliver, end_to_end, ended_here, known,
                        refused, session)
from lab import Told

BODY = b"Hello.\n..two dots\n.\n.one dot\nBye.\n"


# Real mail servers on both sides.

def saw(mx):
    """What Postfix, as client, said of its TLS sessions with this address: (trust, version)."""
    with open(STATE + "/postfix-tls/log", errors="replace") as f:
        return re.findall(r"(\w+) TLS connection established to \S*\[" + re.escape(mx.v4)
                          + r"\]:25: (\S+) with", f.read())


def outcomes(lab, mx, count):
    """The inspect part of each session's end, in their order."""
    lab.check(lab.gateway.wait_event("session", count=count, dest_ip=mx.v4, action="closed"),
              f"{count} sessions with {mx.v4}: {lab.gateway.events('session', dest_ip=mx.v4)}")
    return [e.get("inspect", {}) for e in lab.gateway.events("session", dest_ip=mx.v4,
                                                             action="closed")]


def resumes(lab, mx, d, send):
    """Mail after mail from one program that keeps its sessions. The DNS watch may or may not be
    quicker than the first; from the second on all is end to end, and then resumed."""
    boxes = []
    for n in range(3):
        lab.sent(send(d.user(f"u{n}")))
        boxes.append(lab.boxed(d.user(f"u{n}")))
        lab.check(boxes[n].endswith(BODY), f"the body differs: {boxes[n][-200:]!r}")
    seen = outcomes(lab, mx, 3)
    for box, s in zip(boxes, seen):	# the client's own TLS, or postern's
        version = b"TLSv1.2" if s["outcome"] == "end-to-end" else b"TLSv1.3"
        lab.check(b"using " + version + b" with cipher" in box, f"TLS at the MX: {s}")
    first = seen[0]["outcome"] == "end-to-end"
    lab.check(first or seen[0]["reason_code"] == "unmapped", f"the first: {seen[0]}")
    lab.same([s["outcome"] for s in seen[1:]], ["end-to-end"] * 2, f"{seen}")
    event = decided(lab, mx, 2 + first, mode="enforce", policy_type="sts", policy_domain=d.name,
                    mx_host=mx.name, version="TLSv1.2", starttls="offered", resumed=True)
    lab.check(len(event["tls"]["chain_sha256"]) == 2, f"the chain in {event}")
    resumed = [postern.look(e, "resumed") for e in lab.gateway.events("decision", dest_ip=mx.v4,
                                                                      path="inspect")]
    lab.same(resumed[:-1], [None] + [True] * first, "resumed, decision by decision")
    return first


@case("Postfix (OpenSSL) at TLS 1.2 towards Postfix: end to end, and its sessions are resumed")
def postfix12(lab):
    mx = lab.real_mx()
    d = lab.domain("postfix12", mx=[mx], sts=ENFORCE)
    first = resumes(lab, mx, d, lambda rcpt: lab.send(rcpt, sender="tls12@client.example"))
    # The client trusts the laboratory's root and knows nothing of postern's certificate.
    want = ["Trusted" if first else "Untrusted", "Trusted", "Trusted"]
    lab.same(saw(mx), [(trust, "TLSv1.2") for trust in want], "what the client saw")


@case("Exim (GnuTLS) at TLS 1.2 towards Postfix: end to end, and its sessions are resumed")
def exim12(lab):
    mx = lab.real_mx()
    d = lab.domain("exim12", mx=[mx], sts=ENFORCE)
    e = programs.Exim(lab.gateway.client, f"exim{lab.lab.number()}", tls=True,
                      priority="NORMAL:-VERS-ALL:+VERS-TLS1.2")
    lines = []

    def send(rcpt):
        good, text = e.send(SENDER, [rcpt], lab.message(rcpt))
        lines.append(text)
        return Told("exim", "sent" if good else "deferred", text)

    first = resumes(lab, mx, d, send)
    lab.same([re.search(r" CV=(\w+)", text)[1] for text in lines],
             ["yes" if first else "no", "yes", "yes"], f"verified, as Exim says: {lines}")
    lab.has(lines[2], r" X=TLS1\.2:\S*\* ", "resumed, as Exim says")


def ends(lab, mx, d, send, pattern):
    """Two mails of a program whose TLS cannot be proven in flight: delivered from here."""
    for n in range(2):
        lab.sent(send(d.user(f"u{n}")))
        box = lab.boxed(d.user(f"u{n}"))
        lab.check(box.endswith(BODY), f"the body differs: {box[-200:]!r}")
        lab.check(b"using TLSv1.3 with cipher" in box, "TLS at the MX is postern's")
    seen = outcomes(lab, mx, 2)
    lab.same([s["outcome"] for s in seen], ["ended-here"] * 2, f"{seen}")
    lab.has(seen[1]["reason_code"], pattern, f"{seen}")
    lab.decision(d, "pass", "success", count=2, path="upgrade", version="TLSv1.3")


for version_, word_ in (("tls10", "version-too-low"), ("tls11", "version-too-low"),
                        ("tls13", "tls13-offered")):
    @case(f"Postfix at {version_}: its TLS ends here ({word_}), the mail is delivered")
    def postfix_other(lab, version=version_, word=word_):
        mx = lab.real_mx()
        d = lab.domain("postfix-" + version, mx=[mx], sts=ENFORCE)
        known(lab, mx, d)
        lab.gateway.wait_event("session", dest_ip=mx.v4, action="closed")
        for n in range(2):
            lab.sent(lab.send(d.user(f"u{n}"), sender=version + "@client.example"))
            lab.check(lab.boxed(d.user(f"u{n}")).endswith(BODY), "the body differs")
        seen = outcomes(lab, mx, 3)[1:]
        lab.same([s["outcome"] for s in seen], ["ended-here"] * 2, f"{seen}")
        lab.same({s["reason_code"] for s in seen}, {word}, f"{seen}")
        spelt = {"tls10": "TLSv1", "tls11": "TLSv1.1", "tls13": "TLSv1.3"}[version]
        lab.same(saw(mx), [("Untrusted", spelt)] * 2, "what the client saw")
        lab.decision(d, "pass", "success", count=3, path="upgrade", version="TLSv1.3")


for priority_, word_ in (("TLS1.0", "version-too-low"), ("TLS1.1", "version-too-low"),
                         ("TLS1.3", "tls13-offered")):
    @case(f"Exim at {priority_}: its TLS ends here ({word_}), the mail is delivered")
    def exim_other(lab, priority=priority_, word=word_):
        mx = lab.real_mx()
        d = lab.domain("exim", mx=[mx], sts=ENFORCE)
        known(lab, mx, d)
        lab.gateway.wait_event("session", dest_ip=mx.v4, action="closed")
        e = programs.Exim(lab.gateway.client, f"exim{lab.lab.number()}", tls=True,
                          priority=f"NORMAL:-VERS-ALL:+VERS-{priority}")
        for n in range(2):
            good, text = e.send(SENDER, [d.user(f"u{n}")], lab.message(d.user(f"u{n}")))
            lab.check(good, text)
            lab.has(text, rf" X={re.escape(priority)}:.* CV=no", "what the client saw")
            lab.check(lab.boxed(d.user(f"u{n}")).endswith(BODY), "the body differs")
        seen = outcomes(lab, mx, 3)[1:]
        lab.same([s.get("reason_code") for s in seen], [word] * 2, f"{seen}")
        lab.decision(d, "pass", "success", count=3, path="upgrade", version="TLSv1.3")


# Which domains use an address.

@case("an unknown address: the first mail goes from here (unmapped), the next end to end; the host's "
      "other address is known by then")
def unmapped(lab):
    mx = lab.mx(raw={}, family="46")
    d = lab.domain("unmapped", mx=[mx])
    ended_here(lab, mx, deliver(lab, mx, d, "v4a"), "unmapped")
    for address, name in ((mx.v4, "v4"), (mx.v6, "v6")):
        second = deliver(lab, mx, d, name + "b", address=address, sni=mx.name)
        event = end_to_end(lab, mx, second, address=address, mx_host=mx.name, dest_ip=address,
                           policy_type="no-policy-found", sni=mx.name, names=mx.name)
        lab.same(event["decision"]["reason_code"], "proven", f"{event}")
    lab.same([s.sni for s in mx.sessions if s.tls == "TLSv1.2"], [mx.name] * 2, "SNI at the MX")


@case("DNS watch: the first mail to an address already goes end to end")
def watched(lab):
    mx = lab.mx(raw={})
    d = lab.domain("watched", mx=[mx], sts=ENFORCE)
    resolve.learn(lab.gateway.client, d.name, [mx.name])
    lab.check(lab.gateway.wait_event("policy", policy_domain=d.name, action="fetched"), "no fetch")
    time.sleep(0.5)		# the answers behind the first
    end_to_end(lab, mx, deliver(lab, mx, d), policy_type="sts", policy_domain=d.name,
               mode="enforce", mx_host=mx.name, policy_mode=None)


@case("domains of one host share its address end to end; one of another host's name ends that")
def shared_address(lab):
    mx = lab.mx(raw={})
    a = lab.domain("shared", mx=[mx], sts=ENFORCE)
    b = lab.domain("shared", mx=[mx])
    lab.check(known(lab, mx, a) and known(lab, mx, b), "not delivered")
    end_to_end(lab, mx, deliver(lab, mx, a, "a"), policy_type="sts")
    end_to_end(lab, mx, deliver(lab, mx, b, "b"), count=2, policy_type="sts")
    other = f"other{lab.lab.number()}.example"
    zones.change(add=[(other + ".", "A", mx.v4)])
    c = lab.domain("shared", mx=[other])
    lab.check(known(lab, mx, c), "not delivered")
    for n, d in enumerate((a, b, c)):
        ended_here(lab, mx, deliver(lab, mx, d, f"c{n}"), "unmapped")


@case("a domain whose policy a host does not meet uses its address too: nobody passes unseen")
def stricter_neighbour(lab):
    mx = lab.mx(raw={})
    a = lab.domain("before", mx=[mx])
    known(lab, mx, a)
    end_to_end(lab, mx, deliver(lab, mx, a, "a"))
    b = lab.domain("strict", mx=[mx], sts=dict(mode="enforce", mx=["mx.elsewhere.example"]))
    lab.check(not known(lab, mx, b), "accepted")
    mail = deliver(lab, mx, b, "b")
    ended_here(lab, mx, mail, None, delivered=False)
    refused(lab, mx, mail, b, "validation-failure", reason_code="mx-mismatch", count=2)
    ended_here(lab, mx, deliver(lab, mx, a, "a2"), None)


@case("MX hijack: a forged MX with a perfect certificate of its own never goes end to end (R28)")
def hijack(lab):
    honest, evil = lab.mx(raw={}), lab.mx("evil", raw={})
    d = lab.domain("hijack", mx=[honest], sts=ENFORCE)
    lab.check(known(lab, honest, d), "not delivered")
    lab.set_mx(d, [evil.name])
    for n in range(2):
        mail = deliver(lab, evil, d, f"u{n}")
        ended_here(lab, evil, mail, None, delivered=False)
        refused(lab, evil, mail, d, "validation-failure", reason_code="mx-mismatch", count=2 + n)
    lab.untouched(evil)
    lab.same(lab.gateway.events("decision", dest_ip=evil.v4, path="inspect"), [], "end to end")
    lab.set_mx(d, [honest.name])
    end_to_end(lab, honest, deliver(lab, honest, d, "after"), policy_type="sts")


# Certificates.

FAULTS = {"expired": "certificate-expired", "self-signed": "certificate-not-trusted",
          "wrong-name": "certificate-host-mismatch", "stranger": "certificate-not-trusted",
          "missing-intermediate": "certificate-not-trusted",
          "client-only": "validation-failure", "cn-only": "certificate-host-mismatch"}

for kind_, result_ in FAULTS.items():
    @case(f"a certificate that is {kind_}: ended here; refused under enforce, else delivered")
    def faulty(lab, kind=kind_, result=result_):
        mx, free = lab.mx(cert=kind, raw={}), lab.mx(cert=kind, raw={})
        d, e = lab.domain("fault", mx=[mx], sts=ENFORCE), lab.domain("fault", mx=[free])
        lab.check(not known(lab, mx, d) and known(lab, free, e), "the upgrade path")
        mail = deliver(lab, mx, d)
        ended_here(lab, mx, mail, None, delivered=False)
        refused(lab, mx, mail, d, result, code="4.7.5", count=2)
        lab.untouched(mx)
        over = ended_here(lab, free, deliver(lab, free, e), None)
        lab.notes.append(f"{over['inspect']}")
        lab.decision(e, "pass", "success", count=2, path="upgrade")
        # The same host, once it is in order.
        mx.use_certificate(certs.leaf("good", mx.name))
        end_to_end(lab, mx, deliver(lab, mx, d, "after"), policy_type="sts")


@case("testing: a fault is reported and the mail delivered from here; good hosts: end to end")
def testing(lab):
    mx = lab.mx(cert="wrong-name", raw={})
    d = lab.domain("testing", mx=[mx], sts=dict(mode="testing"))
    known(lab, mx, d)
    ended_here(lab, mx, deliver(lab, mx, d), "name-mismatch")
    lab.decision(d, "would-refuse", "certificate-host-mismatch", count=2)
    mx.use_certificate(certs.leaf("good", mx.name))
    end_to_end(lab, mx, deliver(lab, mx, d, "after"))


# STARTTLS, before there is TLS.

STARTTLS = {"none": ("starttls-not-offered", "absent"),
            "masked": ("starttls-not-offered", "masked"),
            "454": ("starttls-refused", "refused"), "502": ("starttls-refused", "refused"),
            "250": ("starttls-refused|server-gone", "refused"),
            "multi": ("starttls-refused|server-gone|injected", "refused"),
            "inject": ("injected|server-gone", "injected")}

for how_, (code_, seen_) in STARTTLS.items():
    @case(f"server with STARTTLS {how_}: the client is shielded, refused under enforce")
    def starttls(lab, how=how_, code=code_, seen=seen_):
        mx = lab.mx(raw={})
        d = lab.domain("starttls", mx=[mx], sts=ENFORCE)
        lab.check(known(lab, mx, d), "not accepted")
        mx.starttls = how
        mail = deliver(lab, mx, d)
        ended_here(lab, mx, mail, code, delivered=False)
        refused(lab, mx, mail, d, "starttls-not-supported", code="4.7.10", starttls=seen, count=2)
        lab.same(len(mx.messages()), 0, "mails")
        mx.starttls = "offer"
        end_to_end(lab, mx, deliver(lab, mx, d, "after"))


for how_ in ("strip", "mask", "refuse", "inject", "impostor"):
    @case(f"attack {how_} in the path to Postfix: ended here and refused, then end to end again")
    def attacked(lab, how=how_):
        mx = lab.real_mx()
        d = lab.domain("attacked", mx=[mx], sts=ENFORCE)
        lab.check(known(lab, mx, d), "not accepted")
        with lab.attack(mx, how) as attack:
            mail = deliver(lab, mx, d)
            lab.same(session(lab, mail)["inspect"]["outcome"], "ended-here", f"{mail}")
            refused_real = lab.refused(mail, d, "certificate-not-trusted" if how == "impostor" else
                                       "starttls-not-supported", count=2)
            lab.untouched(attack)
        lab.check(refused_real["path"] == "upgrade", f"{refused_real}")
        lab.sent(deliver(lab, mx, d, "after"))
        lab.boxed(d.user("after"))
        decided(lab, mx, version="TLSv1.2", policy_type="sts")
