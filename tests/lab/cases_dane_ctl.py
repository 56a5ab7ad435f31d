# cases_dane_ctl.py - DANE as an administrator sees it: posternctl domain, explain, probe, status
# SPDX-License-Identifier: GPL-3.0-or-later
import json

import certs
import dane
import zones
from cases_ctl import ctl
from daning import passes, post, refuses
from runner import case


def asked(lab, code, d):
    """What `posternctl domain` says: (the JSON, the text)."""
    return (json.loads(ctl(lab, code, "domain", d.name, "--json")),
            ctl(lab, code, "domain", d.name))


@case("posternctl domain: which host, which record, would it deliver, of a DANE domain")
def domain(lab):
    mx, second = lab.mx(tlsa=["3 1 1", "2 0 1"]), lab.mx(starttls="none")
    d = lab.domain("ask", mx=[mx, second])
    report, text = asked(lab, 0, d)
    lab.same(report["would"], "deliver", f"{report}")
    first, other = report["mx"]
    lab.same((first["host"], first["secure"], first["dane"]["state"], first["dane"]["base"]),
             (mx.name, True, "usable", mx.name), f"{report}")
    lab.same(sorted(first["dane"]["records"]),
             sorted(dane.record(r, mx.certificate) for r in ("3 1 1", "2 0 1")), "records")
    lab.same(other["dane"], {"state": "none"}, f"{report}")
    for word in (mx.name, dane.record("3 1 1", mx.certificate)[:60], "usable", "deliver",
                 second.name):
        lab.check(word in text, f"it does not name {word}:\n{text}")


@case("posternctl domain: unusable, unsigned, missing and bogus TLSA records; exit 0 and 75")
def states(lab):
    odd, plain = lab.mx(tlsa=["1 1 1"]), lab.mx(zone="plain.example", tlsa=["3 1 1"])
    report, _ = asked(lab, 0, lab.domain("ask", mx=[odd, plain]))
    lab.same([m["dane"]["state"] for m in report["mx"]], ["unusable", "insecure"], f"{report}")
    bad = lab.mx(zone="odd.example", tlsa=["3 1 1"])
    zones.odd.spoil("forged", "_25._tcp." + bad.name, "TLSA")
    report, text = asked(lab, 75, lab.domain("ask", mx=[bad]))
    lab.same((report["would"], report["mx"][0]["dane"]["state"]), ("defer", "error"), f"{report}")
    lab.has(text, "bogus", "the text")
    report, _ = asked(lab, 0, lab.domain("ask", mx=[bad, odd]))
    lab.same([m["dane"]["state"] for m in report["mx"]], ["error", "unusable"], f"{report}")
    d = lab.domain("ask", mx=[odd], zone="odd.example")
    zones.odd.spoil("forged", d.name, "MX")
    report, _ = asked(lab, 75, d)
    lab.same(report["would"], "defer", f"{report}")


@case("posternctl explain: a refusal and a pass by DANE, with DNS answers, record and next step")
def explain(lab):
    mx = lab.mx(tlsa=["3 1 1 wrong"])
    d = lab.domain("explain", mx=[mx])
    event = refuses(lab, mx, d, "unmatched")
    text = ctl(lab, 0, "explain", event["id"])
    for word in (d.name, mx.name, "tlsa-invalid", "tlsa-unmatched", certs.digest(mx.certificate),
                 f"TLSA _25._tcp.{mx.name}: secure, 1 record", f"MX {d.name}: secure, 1 record",
                 f"A {mx.name}: secure"):
        lab.check(word in text, f"explain does not name {word}:\n{text}")
    good = lab.mx(tlsa=["2 1 1"])
    d = lab.domain("explain", mx=[good])
    event = passes(lab, good, d, state="ta", depth=1)
    text = ctl(lab, 0, "explain", event["id"])
    for word in (dane.record("2 1 1", good.certificate)[:60], good.name, "pass"):
        lab.check(word in text, f"explain does not name {word}:\n{text}")


@case("posternctl explain: TLSA answers that are bogus, and unusable records")
def explain_dns(lab):
    mx = lab.mx(zone="odd.example", tlsa=["3 1 1"])
    zones.odd.spoil("unsigned", "_25._tcp." + mx.name, "TLSA")
    d = lab.domain("explain", mx=[mx])
    told = post(lab, mx, d)
    lab.deferred(told, "451 4.4.3 postern")
    event = lab.decision(d, "refuse", "dnssec-invalid", reason_code="tlsa-undecided")
    text = ctl(lab, 0, "explain", event["id"])
    lab.has(text, rf"TLSA _25\._tcp\.{mx.name}: bogus, ", "explain")
    odd = lab.mx(cert="self-signed", tlsa=["1 1 1", "3 1 1 abcd"])
    d = lab.domain("explain", mx=[odd])
    lab.sent(post(lab, odd, d))
    event = lab.decision(d, "pass", reason_code="tlsa-unusable", policy_type="tlsa")
    lab.has(ctl(lab, 0, "explain", event["id"]), "2 of them not usable", "explain")


@case("posternctl probe: a DANE host, honest and not; exit 0 and 1")
def probe(lab):
    mx, bad = lab.mx(tlsa=["3 1 1"], cert="self-signed"), lab.mx(tlsa=["3 1 1 wrong"])
    text = ctl(lab, 0, "probe", mx.name, "--domain", lab.domain("probe", mx=[mx]).name)
    lab.has(text, r"TLSv1\.3", "probe")
    text = ctl(lab, 1, "probe", bad.name, "--domain", lab.domain("probe", mx=[bad]).name)
    lab.has(text, "tlsa-(invalid|unmatched)|TLSA", "probe")
    lab.untouched(mx, bad)
