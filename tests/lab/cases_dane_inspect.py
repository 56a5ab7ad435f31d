# cases_dane_inspect.py - DANE on the path inspect: chains held against TLSA records in flight
# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import re
import time
from concurrent.futures import ThreadPoolExecutor

import certs
import dane_table
import flights
import rawtls
import zones
from daning import judged, proof_fault
from inside import STATE
from inspecting import (ENFORCE, TLS13, case, decided, deliver, end_to_end, ended_here, known,
                        refused, session)
from lab import MX_KEPT


def row_fault(lab, h, mail, events):
    """What is not as the row has it, in a session with TLS of the client's own."""
    row, seen = h.row, mail.certificate == certs.digest(h.mx.certificate)
    passed = [e for e in events if e["path"] == "inspect" and e["dest_ip"] == h.v4]
    other = [e for e in events if e["path"] == "upgrade" and
             e["smtp"].get("rcpt_domain") == h.d.name]
    over = [e for e in lab.gateway.events("session", helo=mail.helo, action="closed")]
    outcome = over[-1].get("inspect", {}).get("outcome") if over else "none"
    if row.want == "unusable":		# TLS is all that is demanded; end to end takes more
        ok = mail.status == "sent" and not seen and outcome == "ended-here" and not passed
        return "" if ok else f"{mail} {outcome} {passed}"
    if not row.good:
        result, code = dane_table.FAULTS[row.want]
        ok = mail.status == "deferred" and not seen and outcome == "ended-here" and not passed \
            and len(other) == 2 and all((e["decision"]["result_type"],
                                         e["decision"]["reason_code"]) == (result, code)
                                        for e in other) and not h.mx.messages(mail.rcpt)
        return "" if ok else f"{mail} {outcome} {passed} {other}"
    arrived = h.mx.messages(mail.rcpt)
    if mail.status != "sent" or not seen or outcome != "end-to-end" or len(passed) != 1 or \
            [(m.body, m.tls) for m in arrived] != [(mail.data, "TLSv1.2")]:
        return f"{mail}, the client saw the MX's certificate: {seen}, {outcome} {over} {other}"
    if passed[0]["policy"]["policy_type"] != "tlsa":
        return f"{passed}"
    return proof_fault(h, passed[0])


for title_, rows_ in (("usage, selector and matching type, good and bad", dane_table.matrix),
                      ("sets of records and certificates, and unusable records",
                       lambda: itertools.chain(dane_table.sets(), dane_table.kinds(),
                                               itertools.islice(dane_table.unusable(), 8)))):
    @case("dane: every combination of " + title_)
    def combinations(lab, rows=rows_):
        made = dane_table.hosts(lab, rows(), apart=True)

        def one(h):
            known(lab, h, h.d)
            mail = deliver(lab, h.mx, h.d, address=h.v4)
            lab.gateway.wait_event("session", helo=mail.helo, action="closed")
            return mail

        with ThreadPoolExecutor(4) as pool:
            mails = list(pool.map(one, made))
        events = lab.gateway.events("decision")
        odd = [f"{h.row}: {fault}" for h, mail in zip(made, mails)
               if (fault := row_fault(lab, h, mail, events))]
        lab.notes.append(f"{len(made)} combinations on the path inspect")
        lab.check(not odd, f"{len(odd)} of {len(made)}:\n" + "\n".join(odd))


@case("dane: Postfix at TLS 1.2 towards Postfix with 3 1 1 and 2 0 1: end to end")
def postfix(lab):
    for record in ("3 1 1", "2 0 1"):
        mx = lab.real_mx(tlsa=[record])
        d = lab.domain("postfix", mx=[mx])
        lab.check(known(lab, mx, d), "not accepted")
        lab.sent(lab.send(d.user(), sender="tls12@client.example"))
        lab.check(lab.boxed(d.user()).endswith(b"Bye.\n"), "the body differs")
        event = decided(lab, mx, mx_host=mx.name, policy_type="tlsa")
        judged(lab, event, mx, d, state="ee" if record[0] == "3" else "ta", record=record)
        with open(STATE + "/postfix-tls/log", errors="replace") as f:
            lab.has(f.read(), r"\n.* Trusted TLS connection established to \S*\[" +
                    re.escape(mx.v4), "whose session it was")


@case("dane: TLS 1.3 ends here, and is judged by the records")
def tls13(lab):
    for record, good in (("3 1 1", True), ("3 1 1 wrong", False)):
        mx = lab.mx(raw={}, tlsa=[record])
        d = lab.domain("tls13", mx=[mx])
        lab.same(known(lab, mx, d), good, "accepted")
        mail = deliver(lab, mx, d, context=rawtls.Context(**TLS13))
        ended_here(lab, mx, mail, "tls13-offered", delivered=good)
        if good:
            judged(lab, lab.decision(d, "pass", count=2), mx, d, record=record)
        else:
            refused(lab, mx, mail, d, "tlsa-invalid", reason_code="tlsa-unmatched", count=2)


@case("dane: a certificate that somebody shows without its key proves nothing, also under usage 3")
def without_key(lab):
    mx = lab.mx(raw={}, tlsa=["3 0 1"])
    d = lab.domain("thief", mx=[mx])
    lab.check(known(lab, mx, d), "not accepted")
    end_to_end(lab, mx, deliver(lab, mx, d, "before"))
    mx.sessions.clear()
    honest = mx.certificate
    mx.use_certificate(certs.leaf("thief", mx.name))
    mx.shape = flights.stolen(honest)
    mail = deliver(lab, mx, d, "stolen")
    ended_here(lab, mx, mail, "signature-invalid", delivered=False)
    lab.deferred(mail, "451 4.7.* postern")
    lab.untouched(mx)
    lab.same(len(lab.gateway.events("decision", dest_ip=mx.v4, path="inspect")), 1, "end to end")


@case("dane: a client's session resumed after the records have changed ends here, judged anew")
def resumption(lab):
    mx = lab.mx(raw=dict(tickets=True), tlsa=["3 1 1"])
    d = lab.domain("resumed", mx=[mx])
    lab.check(known(lab, mx, d), "not accepted")
    first = deliver(lab, mx, d, "a")
    judged(lab, end_to_end(lab, mx, first, resumed=None), mx, d, record="3 1 1")
    second = deliver(lab, mx, d, "b", resume=first)
    lab.check(second.conn.resumed, f"not resumed: {second}")
    judged(lab, end_to_end(lab, mx, second, 2, resumed=True), mx, d, record="3 1 1")
    lab.tlsa(mx, "3 0 1")
    time.sleep(MX_KEPT)
    third = deliver(lab, mx, d, "c", resume=second)
    ended_here(lab, mx, third, "tlsa-other-set")
    judged(lab, lab.decision(d, "pass", count=2), mx, d, record="3 0 1")
    fourth = deliver(lab, mx, d, "d")
    judged(lab, end_to_end(lab, mx, fourth, 3, resumed=None), mx, d, record="3 0 1")
    fifth = deliver(lab, mx, d, "e", resume=fourth)
    judged(lab, end_to_end(lab, mx, fifth, 4, resumed=True), mx, d, record="3 0 1")
    lab.tlsa(mx, "3 0 1 wrong")
    time.sleep(MX_KEPT)
    sixth = deliver(lab, mx, d, "f", resume=fifth)
    ended_here(lab, mx, sixth, "tlsa-other-set", delivered=False)
    refused(lab, mx, sixth, d, "tlsa-invalid", reason_code="tlsa-unmatched", count=3)


@case("dane: the daemon is restarted: what records alone have proven is remembered", own={})
def restarted(lab):
    mx = lab.mx(raw={}, cert="thief", tlsa=["3 1 1"])
    d = lab.domain("restart", mx=[mx])
    lab.check(known(lab, mx, d), "not accepted")
    first = deliver(lab, mx, d, "a")
    judged(lab, end_to_end(lab, mx, first), mx, d, record="3 1 1")
    lab.same(lab.gateway.stop(), 0, "exit status")
    lab.gateway.start()
    second = deliver(lab, mx, d, "b", resume=first)
    lab.check(second.conn.resumed, "not resumed")
    judged(lab, end_to_end(lab, mx, second, 2, resumed=True), mx, d, record="3 1 1")


@case("dane: STARTTLS gone or broken under TLSA records: the client is shielded, and refused")
def starttls(lab):
    for how, records in itertools.product(("none", "masked", "454", "inject"),
                                          (["2 1 1"], ["1 1 1"])):
        mx = lab.mx(raw={}, tlsa=records)
        d = lab.domain("starttls", mx=[mx])
        lab.check(known(lab, mx, d), "not accepted")
        mx.starttls = how
        mail = deliver(lab, mx, d)
        ended_here(lab, mx, mail, None, delivered=False)
        refused(lab, mx, mail, d, "starttls-not-supported", code="4.7.10", policy_type="tlsa",
                count=2)
        lab.same(len(mx.messages()), 0, "mails")


@case("dane: an attacker with a certificate of his own in the path to Postfix is refused")
def attacked(lab):
    mx = lab.real_mx(tlsa=["3 1 1"])
    d = lab.domain("attacked", mx=[mx])
    lab.check(known(lab, mx, d), "not accepted")
    with lab.attack(mx, "impostor") as attack:
        mail = deliver(lab, mx, d)
        lab.same(session(lab, mail)["inspect"]["outcome"], "ended-here", f"{mail}")
        lab.refused(mail, d, "tlsa-invalid", count=2)
        lab.untouched(attack)
    lab.sent(deliver(lab, mx, d, "after"))
    lab.boxed(d.user("after"))
    judged(lab, decided(lab, mx), mx, d, record="3 1 1")


@case("dane: domains that share an address: one set of records end to end, two never")
def shared(lab):
    mx = lab.mx(raw={}, tlsa=["3 1 1"])
    a, b = (lab.domain("shared", mx=[mx]) for _ in range(2))
    lab.check(known(lab, mx, a) and known(lab, mx, b), "not accepted")
    end_to_end(lab, mx, deliver(lab, mx, a, "a"), policy_type="tlsa")
    end_to_end(lab, mx, deliver(lab, mx, b, "b"), 2, policy_type="tlsa")
    other = f"other{lab.lab.number()}.example"
    zones.change(add=[(other + ".", "A", mx.v4)])
    lab.tlsa(mx, "3 0 1 wrong", name=other)
    c = lab.domain("shared", mx=[other])
    lab.check(not known(lab, mx, c), "accepted")
    ended_here(lab, mx, deliver(lab, mx, a, "a2"), None)
    mail = deliver(lab, mx, c, "c")
    ended_here(lab, mx, mail, None, delivered=False)
    refused(lab, mx, mail, c, "tlsa-invalid", reason_code="tlsa-unmatched", count=2)


@case("dane and sts in flight: STS never overrides DANE; with policy.both each must be met")
def beside_sts(lab):
    both = lab.another_gateway({"path": "inspect", "policy": {"both": "yes"}})
    alone = lab.gateway
    for records, pattern in itertools.product((["3 1 1"], ["3 1 1 wrong"]), (True, False)):
        mx = lab.mx(raw={}, tlsa=records)
        d = lab.domain("both", mx=[mx], sts=ENFORCE if pattern else
                       dict(mode="enforce", mx=["mx.elsewhere.example"]))
        for gateway in (alone, both):
            lab.gateway = gateway
            good = len(records[0]) < 7 and (pattern or gateway is alone)
            lab.same(known(lab, mx, d), good, f"accepted: {records} {pattern}")
            mail = deliver(lab, mx, d, f"u{gateway.number}")
            if good:
                end_to_end(lab, mx, mail, policy_type="tlsa")
            else:
                ended_here(lab, mx, mail, None, delivered=False)
                # Where both fail, the host that the policy does not name is said first.
                sts = gateway is both and not pattern
                refused(lab, mx, mail, d, "validation-failure" if sts else "tlsa-invalid",
                        policy_type="tlsa", count=2)
