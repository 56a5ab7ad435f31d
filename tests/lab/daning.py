# daning.py - what cases of DANE have in common: one mail, and what was said of it
# SPDX-License-Identifier: GPL-3.0-or-later
import dane
import dane_table
import zones
from inspecting import Mail, transact
from lab import Domain

ENFORCE = dict(mode="enforce")


def post(lab, mx, d, user="user", gateway=None, address=None):
    """One mail of a client that does no TLS, as a Mail: status, text, rcpt, data."""
    mail = Mail(lab, d.user(user))
    with lab.raw(address or mx.v4, gateway) as c:
        c.reply()
        transact(c, mail)
    return mail


def twin(lab, mx, records, label="twin", zone="example", below="example"):
    """One more name of a scripted MX host, `below` one that its certificate has, with TLSA records
    of its own, and a domain that uses it. It is quicker than another server."""
    n = lab.lab.number()
    host = f"h{n}.{below}"
    d = Domain(f"{label}-{n}.{zone}", [host])
    zones.change(add=[(host + ".", "A", mx.v4), (d.name + ".", "MX", f"10 {host}."),
                      *((f"_25._tcp.{host}.", "TLSA", dane.record(r, mx.certificate))
                        for r in records)])
    return d


def met(lab, mx, told, good):
    """The mail arrived as it was sent, or nothing of it did."""
    if good:
        lab.sent(told)
        lab.same(lab.arrived(mx, told.rcpt, tls=None).body, told.data, "the body")
    else:
        lab.same(told.status, "deferred", f"{told}")
        lab.check(not mx.messages(told.rcpt), f"{told.rcpt} arrived")


def judged(lab, event, mx, d, state="ee", record=None, base=None, depth=None):
    """The decision was by DANE, and its event says by which record."""
    lab.same((event["policy"]["policy_type"], event["policy"]["policy_domain"]),
             ("tlsa", d.name), f"policy of {event}")
    lab.check("source" not in event["policy"], f"source in {event}")
    lab.same(event["decision"]["reason_code"], "proven", f"reason code in {event}")
    proof = event["tls"]["dane"]
    lab.same(proof["state"], state, f"{event}")
    if record is not None:
        want = dane.record(record, mx.certificate) if len(record.split()) < 5 and \
            len(record) < 40 else record
        lab.same(proof["record"][:dane.SHORT], want[:dane.SHORT], f"the record in {event}")
    if base is not None:
        lab.same(proof["base"], base, f"{event}")
    if depth is not None:
        lab.same(proof["depth"], depth, f"{event}")
    lab.check(any(line.startswith("TLSA _25._tcp.") and ": secure, " in line
                  for line in event["dns"]), f"no TLSA answer in {event}")


def passes(lab, mx, d, user="user", count=1, address=None, sni=None, tls=True, **proof):
    """A mail is delivered over proven TLS; the decision's event."""
    told = post(lab, mx, d, user, address=address)
    lab.sent(told)
    arrived = lab.arrived(mx, told.rcpt, tls)
    lab.check(arrived.body == told.data, f"the body differs: {arrived.body[:500]!r}")
    event = lab.decision(d, "pass", "success", count=count)
    judged(lab, event, mx, d, **proof)
    if sni is not None:
        lab.same(event["tls"]["sni"], sni, f"SNI in {event}")
    return event


def refuses(lab, mx, d, fault, user="user", count=1, address=None, **where):
    """A mail is refused by DANE for one of dane_table.FAULTS, and nothing of it gets out."""
    result, code = dane_table.FAULTS[fault]
    told = post(lab, mx, d, user, address=address)
    event = lab.refused(told, d, result, code="4.7.5", count=count, reason_code=code,
                        policy_type="tlsa", **where)
    lab.has(told.text, rf"\({result}, dane\); not sent$", "the reply")
    lab.check(not mx.messages(told.rcpt), f"{told.rcpt} arrived")
    return event


def unproven(form, mx):
    """A fingerprint: "0 1" is SHA-256 of the certificate, "1 2" SHA-512 of its key."""
    return dane.record(f"3 {form}", mx.certificate).split()[3]


def alias(name, target):
    return name + ".", "CNAME", target + "."


def row_fault(lab, h, told, event):
    """What is not as the row has it; "" when all is."""
    row, decision = h.row, event["decision"]
    if not row.good:
        result, code = dane_table.FAULTS[row.want]
        want = ("refuse", result, code)
    else:
        want = ("pass", "success", "tlsa-unusable" if row.want == "unusable" else "proven")
    got = (decision["verdict"], decision["result_type"], decision["reason_code"])
    if got != want or event["policy"]["policy_type"] != "tlsa":
        return f"got {got}, want {want}: {event}"
    if row.good != (told.status == "sent"):
        return f"the client was told {told}"
    arrived = h.mx.messages(told.rcpt)
    if row.good and (len(arrived) != 1 or arrived[0].body != told.data or not arrived[0].tls):
        return f"arrived: {arrived}"
    if not row.good and arrived:
        return f"arrived: {arrived}"
    return proof_fault(h, event)


def proof_fault(h, event):
    row, proof = h.row, event["tls"].get("dane", {})
    if row.want not in ("ee", "ta"):
        return ""
    if (proof["state"], proof["base"]) != (row.want, h.name):
        return f"tls.dane: {proof}"
    if row.depth is not None and proof["depth"] != row.depth:
        return f"depth {proof['depth']}, want {row.depth}"
    texts = [t[:dane.SHORT] for t in h.texts()]
    if proof["record"][:dane.SHORT] not in texts or "wrong" in \
            row.records[texts.index(proof["record"][:dane.SHORT])]:
        return f"the record {proof['record'][:dane.SHORT]}"
    return ""


def rows_hold(lab, made):
    """A mail through the upgrade path to each host, and what came of it."""
    told = [post(lab, h, h.d) for h in made]
    events = {h.d.name: lab.gateway.wait_event("decision", rcpt_domain=h.d.name) for h in made}
    odd = [f"{h.row}: {fault}" for h, t in zip(made, told)
           if (fault := row_fault(lab, h, t, events[h.d.name]))]
    lab.check(not odd, f"{len(odd)} of {len(made)}:\n" + "\n".join(odd))
