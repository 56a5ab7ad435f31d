# cases_dane.py - DANE on the upgrade path: certificates against TLSA records, and beside them
# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import time

import certs
import dane_table
import zones
from daning import alias, judged, met, passes, post, refuses, rows_hold, twin, unproven
from lab import MX_KEPT
from runner import case


# Every combination.

for title_, rows_ in (("usage, selector and matching type, good and bad", dane_table.matrix),
                      ("sets of records: rollover, digest agility, unusable ones among them",
                       dane_table.sets),
                      ("certificates: names, dates, purposes, limits of the CA", dane_table.kinds),
                      ("records none of which is usable: TLS, and no more", dane_table.unusable)):
    @case("dane: every combination of " + title_)
    def combinations(lab, rows=rows_):
        made = dane_table.hosts(lab, rows())
        lab.notes.append(f"{len(made)} combinations on the upgrade path")
        rows_hold(lab, made)


@case("dane: the records' owner changes them and the certificate: old and new stand side by side")
def rollover(lab):
    mx = lab.mx(cert="self-signed", tlsa=["3 1 1"])
    d = lab.domain("rollover", mx=[mx])
    old = f"3 0 1 {certs.digest(mx.certificate)}"
    passes(lab, mx, d, "before")
    new = certs.leaf("thief", mx.name)
    lab.tlsa(mx, old, f"3 0 1 {certs.digest(new)}")
    # Kept answers are the old ones for a while: they hold for the old certificate.
    passes(lab, mx, d, "published", count=2)
    answers_kept()
    passes(lab, mx, d, "both", count=3, base=mx.name)
    mx.use_certificate(new)
    event = passes(lab, mx, d, "new", count=4, record=f"3 0 1 {certs.digest(new)}")
    lab.check(not event["tls"].get("resumed"), "resumed over a new certificate")
    lab.tlsa(mx, f"3 0 1 {certs.digest(new)}")
    answers_kept()
    passes(lab, mx, d, "after", count=5)


def answers_kept():
    """As long as postern keeps an MX set with its records."""
    time.sleep(MX_KEPT)


@case("dane: a certificate changed without its records is refused, put back it passes")
def changed(lab):
    mx = lab.mx(tlsa=["3 0 1"])
    d = lab.domain("changed", mx=[mx])
    passes(lab, mx, d, "a", record="3 0 1")
    good = mx.certificate
    mx.use_certificate(certs.fresh(mx.name))
    refuses(lab, mx, d, "unmatched", "b", count=2)
    mx.use_certificate(good)
    passes(lab, mx, d, "c", count=3)


# Names that count for usage 2 (RFC 7672 section 3.2.2).

@case("dane: usage 2 takes the names of MX host, next hop and where they are aliases (R104)")
def names(lab):
    n = lab.lab.number()
    target = f"target{n}.example"
    mx = lab.mx(name=target, tlsa=["2 1 1"])
    zones.change(add=[alias(f"host{n}.example", target),
                      alias(f"hop{n}.example", f"end{n}.example")])
    a = lab.domain(name=f"end{n}.example", mx=[f"host{n}.example"])
    hop = lab.domain(name=f"other{n}.example")
    hop.name = f"hop{n}.example"
    count = {a: 0, hop: 0}
    for domain, name, good in ((a, target, True), (a, f"host{n}.example", True),
                               (a, a.name, True), (hop, hop.name, True), (hop, a.name, True),
                               (hop, "*." + hop.name, False), (a, hop.name, False),
                               (a, "mx.other.example", False), (hop, target, True)):
        mx.use_certificate(certs.leaf("good", name))
        count[domain] += 1
        if good:
            passes(lab, mx, domain, f"u{count[domain]}", state="ta", base=target,
                   count=count[domain], sni=target)
        else:
            refuses(lab, mx, domain, "name", f"u{count[domain]}", count=count[domain])


@case("dane: of unsigned MX records only the host's names count, and the log says so (R91 R104)")
def names_insecure(lab):
    mx = lab.mx(tlsa=["2 1 1"])
    d = lab.domain("unsigned", mx=[mx], zone="plain.example")
    event = passes(lab, mx, d, "a", state="ta", base=mx.name)
    lab.has(event["decision"]["reason"], "MX records are not signed", f"reason of {event}")
    mx.use_certificate(certs.leaf("good", d.name))
    refuses(lab, mx, d, "name", "b", count=2)


@case("dane: without MX records the domain is the host, also as an alias of one (R105)")
def implicit(lab):
    mx = lab.mx("implicit", tlsa=["3 1 1"])
    d = lab.domain(name=mx.name)
    passes(lab, mx, d, base=mx.name)
    n = lab.lab.number()
    end = lab.mx("end", tlsa=["2 1 1"])
    hop = lab.domain(name=f"start{n}.example")
    zones.change(add=[alias(hop.name, end.name)])
    passes(lab, end, hop, "a", state="ta", base=end.name)
    end.use_certificate(certs.leaf("good", hop.name))
    passes(lab, end, hop, "b", state="ta", base=end.name, count=2)
    end.use_certificate(certs.leaf("wrong-name"))
    refuses(lab, end, hop, "name", "c", count=3)
    bad = lab.mx("implicit", tlsa=["3 1 1 wrong"])
    refuses(lab, bad, lab.domain(name=bad.name), "unmatched")


@case("dane: a null MX is never a target, whatever TLSA records there are")
def null_mx(lab):
    mx = lab.mx(tlsa=["3 1 1"])
    d = lab.domain(name=mx.name)
    zones.change(add=[(d.name + ".", "MX", "0 .")])
    lab.deferred(post(lab, mx, d), "451 4.7.0 postern")
    lab.untouched(mx)
    lab.decision(d, "refuse", reason_code="null-mx")


# STARTTLS.

@case("dane: no STARTTLS is refused, with usable records and with unusable ones (R84 R85 R98)")
def no_starttls(lab):
    for how in ("none", "masked", "454", "502", "multi", "inject", "drop"):
        mx = lab.mx(starttls=how)
        for records in (["3 1 1"], ["2 0 1 wrong"], ["1 1 1"], ["3 1 7 abcd", "0 0 1 root"]):
            d = twin(lab, mx, records, "stripped")
            told = post(lab, mx, d)
            if how == "drop":	# whoever cuts the connection gets no decision
                lab.deferred(told, "421 4.4.1 postern")
                lab.untouched(mx)
                continue
            lab.deferred(told, r"451 4\.7\.10 postern .*\(starttls-not-supported, dane\); not sent")
            lab.untouched(mx)
            lab.decision(d, "refuse", "starttls-not-supported", policy_type="tlsa")
    lab.notes.append("28 combinations of records and faults of STARTTLS")


@case("dane: a handshake that fails is refused, with usable records and with unusable ones")
def no_handshake(lab):
    for records in (["3 1 1"], ["1 1 1"]):
        for more in (dict(starttls="garbage"), dict(cut=100)):
            mx = lab.mx(tlsa=records, **more)
            d = lab.domain("broken", mx=[mx])
            lab.deferred(post(lab, mx, d), r"451 4\.7\.10 postern .*\(validation-failure, dane\)")
            lab.untouched(mx)


for how_, result_ in (("strip", "starttls-not-supported"), ("mask", "starttls-not-supported"),
                      ("refuse", "starttls-not-supported"), ("impostor", "tlsa-invalid")):
    @case(f"dane: attack {how_} in the path to the real Postfix is refused; honest mail passes")
    def attacked(lab, how=how_, result=result_):
        mx = lab.real_mx(tlsa=["3 1 1"])
        d = lab.domain("attacked", mx=[mx])
        with lab.attack(mx, how) as attack:
            told = lab.send(d.user())
            lab.refused(told, d, result, policy_type="tlsa")
            lab.untouched(attack)
        lab.sent(lab.retry(told))
        lab.boxed(d.user(), tls=True)
        judged(lab, lab.decision(d, "pass", "success", count=2), mx, d, record="3 1 1")


# Real Postfix on both sides.

@case("dane: Postfix to Postfix with 3 1 1, 2 0 1 and 2 0 0: delivered, byte for byte")
def postfix(lab):
    for records, state in ((["3 1 1"], "ee"), (["2 0 1"], "ta"), (["2 0 0 root"], "ta"),
                           (["3 1 1 wrong", "2 1 2"], "ta")):
        mx = lab.real_mx(tlsa=records, family="6" if state == "ee" else "4")
        d = lab.domain("postfix", mx=[mx])
        lab.sent(lab.send(d.user()))
        box = lab.boxed(d.user(), tls=True)
        lab.check(b"Hello.\n..two dots\n.\n.one dot\nBye.\n" in box, f"the body differs: {box!r}")
        judged(lab, lab.decision(d, "pass", "success"), mx, d, state=state)
    bad = lab.real_mx(tlsa=["3 1 1 wrong", "2 1 1 wrong"])
    d = lab.domain("postfix", mx=[bad])
    lab.refused(lab.send(d.user()), d, "tlsa-invalid", code="4.7.5", reason_code="tlsa-unmatched")


@case("dane: Postfix goes on to the MX host that proves itself, in the order of preference (R89)")
def next_mx(lab):
    good, bad, plain = lab.mx(tlsa=["3 1 1"]), lab.mx(tlsa=["3 1 1 wrong"]), lab.mx(starttls="none")
    d = lab.domain("next", mx=[bad, good])
    lab.sent(lab.send(d.user()))
    lab.arrived(good, d.user(), tls=True)
    lab.untouched(bad)
    # The second host has no records: nothing is demanded of it, and nobody reorders.
    d = lab.domain("next", mx=[bad, plain])
    lab.sent(lab.send(d.user()))
    lab.arrived(plain, d.user(), tls=False)
    d = lab.domain("next", mx=[plain, good])
    lab.sent(lab.send(d.user()))
    lab.arrived(plain, d.user(), tls=False)
    lab.same(len(good.messages(d.user())), 0, "mails at the second MX host")


# Beside DANE: MTA-STS, in all combinations.

def both_worlds(lab, gateway, both):
    """DANE pass, fail, absent with STS pass, fail (two ways), absent; and testing."""
    below = f"b{lab.lab.number()}.example"
    servers = {kind: lab.mx(cert=kind, names=["*." + below]) for kind in ("good", "self-signed")}
    rows = []
    for records, sts in itertools.product((["3 1 1"], ["3 1 1 wrong"], []),
                                          ("pass", "pattern", "chain", "absent", "testing")):
        # A policy that matches, one that names another host, one with no trusted certificate.
        mx = servers["self-signed" if sts == "chain" else "good"]
        d = twin(lab, mx, records, "both", below=below)
        if sts != "absent":
            lab.domain(name=d.name, sts=dict(
                mode="testing" if sts == "testing" else "enforce",
                mx=["mx.elsewhere.example"] if sts in ("pattern", "testing") else d.hosts))
        rows.append((records, sts, mx, d))
    for records, sts, mx, d in rows:
        dane = "absent" if not records else "fail" if "wrong" in records[0] else "pass"
        sts_holds = sts in ("pass", "absent", "testing")
        if dane == "fail" and not (both and sts == "pattern"):
            want = ("refuse", "tlsa-invalid", "tlsa-unmatched", "tlsa")
        elif (dane == "absent" or both) and not sts_holds:	# the pattern is looked at first
            want = ("refuse", "validation-failure", "mx-mismatch") if sts == "pattern" else \
                ("refuse", "certificate-not-trusted", "chain-untrusted")
            want += ("sts" if dane == "absent" else "tlsa",)
        elif dane == "pass":
            want = ("pass", "success", "proven", "tlsa")
        elif sts == "pass":
            want = ("pass", "success", "proven", "sts")
        elif sts == "testing":
            want = ("would-refuse", "validation-failure", "mx-mismatch", "sts")
        else:
            want = ("pass", "success", "tls-unauthenticated", "no-policy-found")
        told = post(lab, mx, d, gateway=gateway)
        event = lab.decision(d, want[0], gateway=gateway)
        lab.same((event["decision"]["verdict"], event["decision"]["result_type"],
                  event["decision"]["reason_code"], event["policy"]["policy_type"]), want,
                 f"DANE {dane}, STS {sts}, both {both}: {event}")
        if want[0] == "refuse":
            source = "sts enforce" if dane == "absent" else "dane and sts" if both and \
                sts not in ("absent", "testing") else "dane"
            lab.deferred(told, rf"451 4\.7\.\d+ postern .* \({want[1]}, {source}\); not sent$")
        met(lab, mx, told, want[0] != "refuse")
        if dane == "pass" and sts == "pattern" and not both:
            lab.has(event["decision"]["reason"], "MTA-STS policy does not name", f"{event}")
    lab.notes.append(f"{len(rows)} combinations of DANE and MTA-STS, both: {both}")


@case("dane and sts: each passing, failing, absent or testing; STS never overrides DANE (R1)")
def beside_sts(lab):
    both_worlds(lab, lab.gateway, False)


@case("dane and sts, policy.both: each passing, failing, absent or testing: both must be met")
def with_sts(lab):
    both_worlds(lab, lab.another_gateway({"policy": {"both": "yes"}}), True)


@case("dane: policy.dane: no asks for no TLSA records and demands nothing")
def off(lab):
    mx = lab.mx(tlsa=["3 1 1 wrong"])
    d, e = lab.domain("off", mx=[mx]), lab.domain("off", mx=[mx])
    gateway = lab.another_gateway({"policy": {"dane": "no"}})
    lab.sent(post(lab, mx, d, gateway=gateway))
    event = lab.decision(d, "pass", gateway=gateway, policy_type="no-policy-found")
    lab.check("TLSA" not in str(event.get("dns")), f"{event}")
    refuses(lab, mx, e, "unmatched")


@case("dane: mode monitor delivers what would be refused, and says so")
def monitor(lab):
    gateway = lab.another_gateway({"mode": "monitor"})
    for more, result in ((dict(tlsa=["3 1 1 wrong"]), "tlsa-invalid"),
                         (dict(tlsa=["3 1 1"], starttls="none"), "starttls-not-supported")):
        mx = lab.mx(**more)
        d = lab.domain("monitor", mx=[mx])
        lab.sent(post(lab, mx, d, gateway=gateway))
        lab.decision(d, "would-refuse", result, gateway=gateway, policy_type="tlsa")


# Rules.

@case("rules dane and dane-only, for domains and a relay: what they demand of which hosts")
def dane_rules(lab):
    hosts = {"usable": lab.mx(tlsa=["3 1 1"]), "wrong": lab.mx(tlsa=["3 1 1 wrong"]),
             "none": lab.mx(), "unusable": lab.mx(tlsa=["1 1 1"]), "clear": lab.mx(starttls="none")}
    domains, rules = {}, {}
    for level, (name, mx), zone in itertools.product(("dane", "dane-only"), hosts.items(),
                                                     ("example", "plain.example")):
        # What MTA-STS says does not count.
        d = lab.domain("ruled", mx=[mx], zone=zone, sts=dict(mode="enforce", mx=["a.b.example"])
                       if name in ("usable", "clear") else None)
        domains[level, name, zone] = d, mx
        rules[d.name] = {"level": level, "reason": "the case"}
    gateway = lab.another_gateway({"domains": rules})
    for (level, name, zone), (d, mx) in domains.items():
        only, signed = level == "dane-only", zone == "example"
        want = {"usable": "proven", "wrong": "tlsa-unmatched", "unusable": "tlsa-unusable"}.get(
            name, "dane-required" if only else "")
        if only and not signed and name in ("usable", "wrong"):
            want = "dane-required"	# R90: nobody knows that it is the domain's host
        told = post(lab, mx, d, gateway=gateway)
        good = want in ("proven", "") or (want == "tlsa-unusable" and not only)
        event = lab.decision(d, "pass" if good else "refuse", gateway=gateway, policy_type="local",
                             source="rule")
        lab.check(want in ("", event["decision"]["reason_code"]), f"{level} {name} {zone}: {event}")
        result = {"dane-required": "dane-required", "tlsa-unmatched": "tlsa-invalid",
                  "tlsa-unusable": "tlsa-invalid"}.get("" if good else want, "success")
        lab.same(event["decision"]["result_type"], result, f"{level} {name} {zone}: {event}")
        met(lab, mx, told, good)
    lab.notes.append(f"{len(domains)} combinations of level, host and zone")


@case("rule fingerprint: certificate or key, SHA-256 or SHA-512, several; names do not count")
def fingerprints(lab):
    mx, other = lab.mx(cert="expired"), lab.mx(cert="thief")
    prints = {form: unproven(form, mx) for form in ("0 1", "1 1", "0 2", "1 2")}
    wrong = [unproven(form, other) for form in ("0 1", "1 2")]
    rows = [*(([f], True) for f in prints.values()), (wrong, False),
            ([*wrong, prints["1 1"]], True),
            ([prints["0 1"], wrong[1]], True), ([wrong[0], prints["0 2"]], True)]
    domains = [(lab.domain("pinned", mx=[mx]), match, good) for match, good in rows]
    gateway = lab.another_gateway(
        {"domains": {d.name: {"level": "fingerprint", "match": m, "reason": "the case"}
                     for d, m, _ in domains}})
    for d, match, good in domains:
        told = post(lab, mx, d, gateway=gateway)
        if good:
            lab.decision(d, "pass", "success", gateway=gateway, policy_type="local")
        else:
            lab.deferred(told, r"451 4\.7\.5 postern .*\(certificate-not-trusted, rule\); not sent")
            lab.decision(d, "refuse", reason_code="fingerprint-unmatched", gateway=gateway)
        met(lab, mx, told, good)


@case("a relay with level dane, dane-only or fingerprint: recipients' domains do not matter")
def relays(lab):
    good, wrong, none = lab.mx(tlsa=["3 1 1"]), lab.mx(tlsa=["3 0 1 wrong"]), lab.mx()
    pinned, other = lab.mx(cert="self-signed"), lab.mx(cert="thief")
    key = unproven("1 1", pinned)
    relays = {good.name: {"level": "dane-only"}, wrong.name: {"level": "dane"},
              none.name: {"level": "dane-only"},
              pinned.name: {"level": "fingerprint", "match": [key]},
              other.name: {"level": "fingerprint", "match": [key]}}
    gateway = lab.another_gateway({"relays": relays})
    for mx, code in ((good, None), (wrong, "tlsa-unmatched"), (none, "dane-required"),
                     (pinned, None), (other, "fingerprint-unmatched")):
        d = lab.domain("relayed", mx=["mx.real.example"],
                       sts=dict(mode="enforce", mx=["nobody.example"]))
        told = post(lab, mx, d, gateway=gateway)
        lab.decision(d, "refuse" if code else "pass", gateway=gateway, source="relay",
                     reason_code=code or "proven")
        met(lab, mx, told, code is None)


# One session, several domains; resumption.

@case("dane: domains of other TLSA records in one session: each is judged by its own")
def several(lab):
    n = lab.lab.number()
    mx = lab.mx(name=f"a{n}.example", names=[f"*.s{n}.example"], tlsa=["3 1 1"])
    zones.change(add=[(f"b{n}.example.", "A", mx.v4), (f"c{n}.example.", "A", mx.v4)])
    a = lab.domain("one", mx=[mx])
    b = lab.domain("two", mx=[f"b{n}.example"])
    c = lab.domain("three", mx=[f"c{n}.example"])
    lab.tlsa(mx, "3 0 1", name=f"b{n}.example")
    lab.tlsa(mx, "3 0 1 wrong", name=f"c{n}.example")
    with lab.raw(mx) as s:
        s.greet()
        s.cmd("MAIL FROM:<sender@client.example>")
        lab.same(s.cmd(f"RCPT TO:<{a.user()}>").code, 250, "RCPT")
        lab.same(s.cmd(f"RCPT TO:<{c.user()}>").code, 451, "RCPT of a domain with other records")
        lab.same(s.cmd(f"RCPT TO:<{b.user()}>").code, 451, "RCPT of a domain with other records")
        s.cmd("RSET")
        for d, code in ((b, 250), (c, 451), (a, 250)):
            rcpt = d.user("later")
            replies, end = s.mail("sender@client.example", [rcpt], lab.message(rcpt))
            lab.same(replies[0].code, code, f"a mail of its own: {replies} {end}")
        s.quit()
    lab.arrived(mx, b.user("later"))
    lab.arrived(mx, a.user("later"))
    lab.same(len(mx.messages(c.user("later"))), 0, "mails")


@case("dane: a set of records that has changed is met by a full handshake, and judged anew")
def resumption(lab):
    lab.gateway = lab.another_gateway({"workers": 1})	# each remembers its own sessions
    mx = lab.mx(tlsa=["3 1 1"])
    d = lab.domain("resumed", mx=[mx])
    passes(lab, mx, d, "a", record="3 1 1")
    event = passes(lab, mx, d, "b", count=2, record="3 1 1")
    lab.same(event["tls"].get("resumed"), True, f"the second session: {event}")
    lab.tlsa(mx, "3 0 1")
    answers_kept()
    event = passes(lab, mx, d, "c", count=3, record="3 0 1")
    lab.check(not event["tls"].get("resumed"), f"resumed over other records: {event}")
    event = passes(lab, mx, d, "d", count=4, record="3 0 1")
    lab.same(event["tls"].get("resumed"), True, f"the fourth session: {event}")
    lab.tlsa(mx, "3 0 1 wrong")
    answers_kept()
    refuses(lab, mx, d, "unmatched", "e", count=5)
    lab.tlsa(mx)
    answers_kept()
    told = post(lab, mx, d, "f")
    lab.sent(told)
    lab.decision(d, "pass", count=6, policy_type="no-policy-found")
