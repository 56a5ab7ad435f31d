# cases_sts.py - MTA-STS policies: what they demand, how they are kept, what changes them
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import shutil
import time

import certs
import postern
import web
import zones
from lab import MX_KEPT
from runner import case

ENFORCE = dict(mode="enforce")


@case("sts enforce, honest MX: delivered over proven TLS (Postfix, IPv4, R28 R37)")
def honest_v4(lab):
    mx = lab.real_mx()
    d = lab.domain("honest", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user()))
    box = lab.boxed(d.user(), tls=True)
    lab.check(b"Hello.\n..two dots\n.\n.one dot\nBye.\n" in box, f"the body differs: {box!r}")
    event = lab.decision(d, "pass", "success", mode="enforce", policy_type="sts",
                         policy_domain=d.name, starttls="offered", mx_host=mx.name, sni=mx.name,
                         version="TLSv1.3", dest_port=25)
    lab.fetched(event)


@case("sts enforce, honest MX: delivered over proven TLS (Postfix, IPv6)")
def honest_v6(lab):
    mx = lab.real_mx(family="6")
    d = lab.domain("honest6", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user()))
    lab.boxed(d.user(), tls=True)
    lab.decision(d, "pass", "success", dest_ip=mx.v6, src_ip=lab.gateway.client6, mx_host=mx.name)


@case("sts enforce, honest MX: Exim and swaks are served as well")
def honest_others(lab):
    mx = lab.mx()
    d = lab.domain("others", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user("exim"), client="exim"))
    lab.arrived(mx, d.user("exim"))
    lab.sent(lab.send(d.user("swaks"), client="swaks", server=mx.v4))
    lab.arrived(mx, d.user("swaks"))


@case("sts enforce: a wildcard pattern and a wildcard certificate stand for one label (R29 R30)")
def wildcard(lab):
    n = lab.lab.number()
    mx = lab.mx(name=f"a.w{n}.example", names=[f"*.w{n}.example"])
    d = lab.domain("wild", mx=[mx], sts=dict(mode="enforce", mx=[f"*.w{n}.example"]))
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user())
    deep = lab.mx(name=f"a.b.w{n}.example", names=[f"*.w{n}.example"])
    d2 = lab.domain("deep", mx=[deep], sts=dict(mode="enforce", mx=[f"*.w{n}.example"]))
    lab.refused(lab.send(d2.user()), d2, "validation-failure", reason_code="mx-mismatch")
    lab.untouched(deep)


BAD = {"wrong-name": ("certificate-host-mismatch", "name-mismatch"),
       "expired": ("certificate-expired", "chain-expired"),
       "self-signed": ("certificate-not-trusted", "chain-untrusted"),
       "stranger": ("certificate-not-trusted", "chain-untrusted"),
       "missing-intermediate": ("certificate-not-trusted", "chain-untrusted"),
       "cn-only": ("certificate-host-mismatch", "name-mismatch"),
       "partial-wildcard": ("certificate-host-mismatch", "name-mismatch"),
       "inner-wildcard": ("certificate-host-mismatch", "name-mismatch"),
       "nul-in-name": ("certificate-host-mismatch", "name-mismatch"),
       "client-only": ("validation-failure", "chain-invalid"),
       "long-chain": ("validation-failure", "handshake-failed")}

for kind, (result, code) in BAD.items():
    @case(f"sts enforce: {kind} certificate is refused, a good one passes (R30 R31)")
    def bad_certificate(lab, kind=kind, result=result, code=code):
        mx = lab.mx(cert=kind)
        d = lab.domain(kind, mx=[mx], sts=ENFORCE)
        told = lab.send(d.user())
        enhanced = "4.7.10" if code == "handshake-failed" else "4.7.5"
        lab.refused(told, d, result, code=enhanced, reason_code=code)
        lab.untouched(mx)
        mx.use_certificate(certs.leaf("good", mx.name))
        lab.sent(lab.retry(told))
        lab.arrived(mx, d.user())
        lab.decision(d, "pass", "success", count=2)


@case("sts enforce: the real Postfix with a wrong, expired or self-signed certificate is refused")
def bad_real(lab):
    for host, result in (("wrongname.real.example", "certificate-host-mismatch"),
                         ("expired.real.example", "certificate-expired"),
                         ("selfsigned.real.example", "certificate-not-trusted"),
                         ("nochain.real.example", "certificate-not-trusted"),
                         ("plain.real.example", "starttls-not-supported")):
        d = lab.domain("real", mx=[host], sts=ENFORCE)
        lab.refused(lab.send(d.user()), d, result)


@case("sts testing: a wrong certificate is reported, the mail is delivered (R32)")
def testing(lab):
    mx = lab.mx(cert="wrong-name")
    d = lab.domain("testing", mx=[mx], sts=dict(mode="testing"))
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=True)
    lab.decision(d, "would-refuse", "certificate-host-mismatch", policy_type="sts")
    good = lab.mx()
    d2 = lab.domain("testing", mx=[good], sts=dict(mode="testing"))
    lab.sent(lab.send(d2.user()))
    lab.arrived(good, d2.user(), tls=True)
    lab.decision(d2, "pass", "success")


@case("sts testing: no STARTTLS is reported, the mail goes out in clear (R32)")
def testing_clear(lab):
    mx = lab.mx(starttls="none")
    d = lab.domain("testing", mx=[mx], sts=dict(mode="testing"))
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=False)
    lab.decision(d, "would-refuse", "starttls-not-supported")


@case("sts none: as without a policy (R33)")
def none(lab):
    mx = lab.mx(starttls="none")
    d = lab.domain("none", mx=[mx], sts=dict(mode="none"))
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=False)
    lab.decision(d, "pass", "success")


@case("no policy: TLS where it is offered, clear text where it is not")
def no_policy(lab):
    with_tls, without = lab.mx(cert="self-signed"), lab.mx(starttls="none")
    a, b = lab.domain("may", mx=[with_tls]), lab.domain("may", mx=[without])
    lab.sent(lab.send(a.user()))
    lab.arrived(with_tls, a.user(), tls=True)
    lab.decision(a, "pass", "success", policy_type="no-policy-found", starttls="offered")
    lab.sent(lab.send(b.user()))
    lab.arrived(without, b.user(), tls=False)
    lab.decision(b, "pass", "success", policy_type="no-policy-found", starttls="absent")


@case("sts enforce: the parent's policy does not bind a subdomain (R27)")
def parent(lab):
    mx = lab.mx(starttls="none")
    d = lab.domain("parent", mx=[mx], sts=ENFORCE)
    sub = lab.domain(name="sub." + d.name, mx=[mx])
    lab.sent(lab.send(sub.user()))
    lab.arrived(mx, sub.user(), tls=False)
    lab.refused(lab.send(d.user()), d, "starttls-not-supported", code="4.7.10")


@case("MX hijack: a forged MX with a perfect certificate of its own is refused (R28)")
def hijack(lab):
    mx, evil = lab.real_mx(), lab.mx("evil")
    d = lab.domain("hijack", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user("before")))
    lab.boxed(d.user("before"))
    lab.set_mx(d, [evil.name])
    told = lab.send(d.user())
    lab.refused(told, d, "validation-failure", reason_code="mx-mismatch", mx_host=evil.name,
                count=2)
    lab.untouched(evil)
    lab.set_mx(d, [mx.name])
    lab.sent(lab.retry(told))
    lab.boxed(d.user())


@case("MX hijack: the right name at the attacker's address needs the right certificate")
def hijack_address(lab):
    mx = lab.mx()
    d = lab.domain("hijack", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user("before")))
    evil = lab.mx("evil")
    zones.change(remove=[(mx.name + ".", "A")], add=[(mx.name + ".", "A", evil.v4)])
    time.sleep(MX_KEPT)
    told = lab.send(d.user())
    lab.refused(told, d, "certificate-host-mismatch", reason_code="name-mismatch", count=2)
    lab.untouched(evil)


def cached(lab, **sts):
    """A domain whose enforce policy postern has in its cache, with an MX of its own."""
    mx = lab.real_mx()
    d = lab.domain("cached", mx=[mx], sts=dict(mode="enforce", **sts), own=True)
    lab.sent(lab.send(d.user("first")))
    lab.fetched(lab.decision(d, "pass", "success"))
    return d, mx


def still_enforced(lab, d, mx):
    """The cached policy refuses under attack, and lets honest mail pass."""
    with lab.attack(mx, "strip") as attack:
        told = lab.send(d.user())
        lab.refused(told, d, "starttls-not-supported", code="4.7.10", source="cache", count=2)
        lab.untouched(attack)
    lab.sent(lab.retry(told))
    lab.boxed(d.user(), tls=True)
    lab.decision(d, "pass", "success", source="cache", count=3)


@case("sts cached: the policy host is down, the policy stays in force (R24)")
def host_down(lab):
    d, mx = cached(lab)
    lab.block(d, "REJECT")
    still_enforced(lab, d, mx)


@case("sts cached: the TXT record is gone, the policy stays in force (R7)")
def txt_gone(lab):
    d, mx = cached(lab)
    lab.txt(d, None)
    still_enforced(lab, d, mx)


@case("sts cached: the TXT record is malformed, the policy stays in force (R6 R7)")
def txt_bad(lab):
    d, mx = cached(lab)
    lab.txt(d, "v=STSv1; id=not an id;")
    still_enforced(lab, d, mx)


@case("sts cached: the TXT id is flipped and port 443 is blocked, the policy stays in force (R24)")
def id_flipped(lab):
    d, mx = cached(lab)
    lab.block(d, "REJECT")
    lab.txt(d, "v=STSv1; id=forged1;")
    still_enforced(lab, d, mx)


@case("sts cached: the policy host turns malicious certificates out, the policy stays (R19)")
def host_wrong_certificate(lab):
    d, mx = cached(lab)
    path = f"{web.DIR}/mta-sts.{d.name}.pem"
    shutil.copy(certs.leaf("self-signed", "mta-sts." + d.name), path + ".new")
    os.rename(path + ".new", path)
    web.publish(d.name, web.policy_text("none"))
    lab.txt(d, "v=STSv1; id=2;")
    still_enforced(lab, d, mx)


def not_in_force(lab, **sts):
    """With a policy that cannot be had, mail goes on as if there were none (R23)."""
    mx = lab.mx(starttls="none")
    d = lab.domain("odd", mx=[mx], sts=dict(mode="enforce", **sts))
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=False)
    lab.decision(d, "pass", policy_type="no-policy-found")
    shown = lab.gateway.ctl("domain", d.name, "--json").stdout
    return d, mx, shown


@case("sts fetch: a redirect is not followed (R20)")
def redirect(lab):
    d, mx, shown = not_in_force(lab, odd="redirect")
    lab.has(shown, "sts-policy-fetch-error|sts-policy-invalid", "posternctl domain")
    lab.same(d.odd.requests >= 1, True, "requests")


@case("sts fetch: a wrong media type is no policy (R11)")
def media_type(lab):
    _, _, shown = not_in_force(lab, odd="html")
    lab.has(shown, "sts-policy-(fetch-error|invalid)", "posternctl domain")


@case("sts fetch: a body over 64 KiB is no policy (R22)")
def huge(lab):
    _, _, shown = not_in_force(lab, odd="huge")
    lab.has(shown, "sts-policy-(fetch-error|invalid)", "posternctl domain")


@case("sts fetch: status 500 is no policy (R20)")
def status_500(lab):
    not_in_force(lab, odd="status-500")


@case("sts fetch: no policy file is no policy (R23)")
def status_404(lab):
    mx = lab.mx(starttls="none")
    d = lab.domain("gone", mx=[mx], sts=ENFORCE)
    web.publish(d.name, None)
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=False)


for kind in ("self-signed", "expired", "wrong-name", "cn-only"):
    @case(f"sts fetch: a policy host with a {kind} certificate is not believed (R19)")
    def web_certificate(lab, kind=kind):
        _, _, shown = not_in_force(lab, cert=kind)
        lab.has(shown, "sts-webpki-invalid|sts-policy-fetch-error", "posternctl domain")


for name, text in {"no version": "mode: enforce\nmx: mx.example\nmax_age: 86400\n",
                   "an unknown mode": "version: STSv1\nmode: Enforce\nmx: mx.example\nmax_age: 1\n",
                   "no mx": "version: STSv1\nmode: enforce\nmax_age: 86400\n",
                   "a byte order mark": "\ufeffversion: STSv1\nmode: enforce\nmx: a.b\nmax_age: 9\n"
                   }.items():
    @case(f"sts fetch: a policy with {name} is invalid (R12-R18)")
    def invalid(lab, text=text):
        _, _, shown = not_in_force(lab, text=text)
        lab.has(shown, "sts-policy-invalid", "posternctl domain")


@case("sts fetch: unknown fields, LF, blanks behind values and duplicates are fine (R16 R17)")
def liberal(lab):
    mx = lab.mx()
    text = (f"version: STSv1\nmode: enforce  \nmode: none\nfuture: yes\nmx: {mx.name}\n"
            "max_age: 86400\nmax_age: x")
    d = lab.domain("liberal", mx=[mx], sts=dict(mode="enforce", text=text))
    lab.sent(lab.send(d.user()))
    lab.decision(d, "pass", policy_type="sts", mode="enforce")
    with lab.attack(mx, "strip"):
        lab.refused(lab.send(d.user("b")), d, "starttls-not-supported", count=2)


@case("sts record: joined strings are one, two records are none (R6 R8)")
def records(lab):
    mx = lab.mx(starttls="none")
    joined = lab.domain("joined", mx=[mx], sts=dict(mode="enforce", txt='v=STSv1; " "id=ab12;'))
    lab.refused(lab.send(joined.user()), joined, "starttls-not-supported")
    two = lab.domain("two", mx=[mx], sts=ENFORCE)
    zones.change(add=[(f"_mta-sts.{two.name}.", "TXT", '"v=STSv1; id=other;"')])
    lab.sent(lab.send(two.user()))
    lab.decision(two, "pass", policy_type="no-policy-found")


@case("sts record: a CNAME at _mta-sts is followed (R9)")
def alias(lab):
    mx = lab.mx(starttls="none")
    d = lab.domain("alias", mx=[mx], sts=dict(mode="enforce", txt=None))
    zones.change(add=[(f"_mta-sts.{d.name}.", "CNAME", f"_sts-of-{d.name}."),
                      (f"_sts-of-{d.name}.", "TXT", '"v=STSv1; id=1;"')])
    lab.refused(lab.send(d.user()), d, "starttls-not-supported")


@case("sts fetch: a slow policy host delays the first mail, which is then delivered (policy.wait)")
def slow_host(lab):
    gateway = lab.another_gateway({"policy": {"wait": "2s"}})
    mx = lab.mx()
    d = lab.domain("slow", mx=[mx], sts=dict(mode="enforce", odd="slow", delay=6))
    told = lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway)
    lab.deferred(told, "451 4.7.0 postern")
    lab.untouched(mx)
    lab.decision(d, "refuse", gateway=gateway, reason_code="policy-pending")
    time.sleep(6)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.arrived(mx, d.user(), tls=True)
    lab.decision(d, "pass", gateway=gateway, count=2, policy_type="sts")


@case("sts recheck: the owner went from enforce to none, found before refusing (R34 R41)")
def enforce_to_none(lab):
    mx = lab.mx()
    d = lab.domain("tonone", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user("first")))
    mx.use_certificate(certs.leaf("expired", mx.name))
    lab.republish(d, id="2", mode="none")
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=True)
    lab.decision(d, "pass", count=2)


@case("sts recheck: the MX moved and the owner changed the policy with it (R34)")
def new_mx(lab):
    old, new = lab.mx("old"), lab.mx("new")
    d = lab.domain("moved", mx=[old], sts=ENFORCE)
    lab.sent(lab.send(d.user("first")))
    lab.set_mx(d, [new.name])
    d.hosts = [new.name]
    lab.republish(d, id="2", mode="enforce")
    lab.sent(lab.send(d.user()))
    lab.arrived(new, d.user(), tls=True)


@case("sts: a policy published later replaces one an attacker planted (R44)")
def planted(lab):
    mx = lab.mx()
    d = lab.domain("planted", mx=[mx], sts=dict(mode="enforce", mx=["mx.evil.example"],
                                                 max_age=31557600))
    told = lab.send(d.user())
    lab.refused(told, d, "validation-failure", reason_code="mx-mismatch")
    lab.republish(d, id="2", mode="enforce")
    lab.gateway.ctl("policy", "refresh", d.name)
    lab.sent(lab.retry(told))


@case("sts enforce: a renewed certificate passes at once")
def renewed(lab):
    mx = lab.mx()
    d = lab.domain("renewed", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user("first")))
    first = lab.decision(d, "pass")
    mx.use_certificate(certs.fresh(mx.name))
    lab.sent(lab.send(d.user()))
    second = lab.decision(d, "pass", count=2)
    lab.check(first["tls"]["chain_sha256"][0] != second["tls"]["chain_sha256"][0],
              "the log does not tell the two certificates apart")


@case("MX records of a bogus zone: undecided, never delivered")
def bogus(lab):
    mx = lab.mx()
    d = lab.domain("bogus", mx=[mx], sts=ENFORCE, zone="bogus.example")
    told = lab.send(d.user(), client="raw", server=mx.v4)
    lab.deferred(told, "451 4.4.3 postern")
    lab.untouched(mx)
    lab.decision(d, "refuse", "dnssec-invalid", reason_code="dnssec-bogus")


@case("null MX: never a target (RFC 7505, R149)")
def null_mx(lab):
    mx = lab.mx()
    d = lab.domain("nullmx")
    zones.change(add=[(d.name + ".", "MX", "0 .")])
    told = lab.send(d.user(), client="raw", server=mx.v4)
    lab.deferred(told, "451 4.7.0 postern")
    lab.untouched(mx)
    lab.decision(d, "refuse", reason_code="null-mx")


@case("implicit MX: the domain is its own host, and its pattern is matched (RFC 5321 5.1)")
def implicit_mx(lab):
    mx = lab.mx("implicit")
    d = lab.domain(name=mx.name, sts=dict(mode="enforce", mx=[mx.name]))
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=True)
    lab.decision(d, "pass", mx_host=mx.name, policy_type="sts")
    other = lab.mx("implicit")
    d2 = lab.domain(name=other.name, sts=dict(mode="enforce", mx=["mx.elsewhere.example"]))
    lab.refused(lab.send(d2.user()), d2, "validation-failure", reason_code="mx-mismatch")


@case("a U-label in the recipient hides no policy: it is that of the A-label")
def u_label(lab):
    mx = lab.mx(starttls="none")
    wide = f"user@b\u00fccher{lab.lab.number()}.example"
    d = lab.domain(name=wide.split("@")[1].encode("idna").decode(), mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        c.cmd("MAIL FROM:<a@client.example> SMTPUTF8")
        reply = c.cmd(f"RCPT TO:<{wide}>".encode())
        lab.has(reply.text, f"^451 4.7.10 postern .*: {d.name} ", "RCPT")
    lab.untouched(mx)


@case("the decision names what stands behind it: policy id, certificate chain, times")
def evidence(lab):
    mx = lab.mx()
    d = lab.domain("evidence", mx=[mx], sts=dict(mode="enforce", id="20261121T1"))
    lab.sent(lab.send(d.user()))
    e = lab.decision(d, "pass")
    lab.same(e["policy"]["id"], "20261121T1", "policy id")
    lab.same(len(e["tls"]["chain_sha256"]), 2, "chain length")
    lab.check(e["tls"]["not_after"] > "2026", "not_after")
    lab.check(set(e["time_ms"]) >= {"policy", "connect", "tls", "added"}, f"times: {e['time_ms']}")
    lab.check(e["timestamp"].endswith("Z") and e["v"] == 1 and e["path"] == "upgrade", f"{e}")
    lab.check(postern.look(e, "rcpt_domain") == d.name and "user@" not in str(e),
              "log.recipients: domain keeps the local part out")
