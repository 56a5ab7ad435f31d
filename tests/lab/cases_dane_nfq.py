# cases_dane_nfq.py - DANE and the SYN gate: what TLSA records demand never goes direct
# SPDX-License-Identifier: GPL-3.0-or-later
import time

import resolve
import zones
from cases_firewall import gateway_of
from cases_nfq import direct, goes_direct, plain_domain
from daning import judged, post
from runner import case


@case("scope: required: what TLSA records demand, or failed to say, goes through postern")
def scoped(lab):
    gateway = gateway_of(lab, scope="required", settle="0s")
    free, d = plain_domain(lab)
    odd = lab.mx(zone="odd.example", tlsa=["3 1 1"])
    zones.odd.spoil("servfail", "_25._tcp." + odd.name, "TLSA")
    strict = [(mx, lab.domain("strict", mx=[mx])) for mx in
              (lab.mx(tlsa=["3 1 1"]), lab.mx(tlsa=["2 1 1 wrong"]), lab.mx(tlsa=["1 1 1"]), odd)]
    plain = lab.mx(zone="plain.example", tlsa=["3 1 1 wrong"])	# not signed: it does not count
    for mx, domain in [(free, d), *strict, (plain, lab.domain("free", mx=[plain]))]:
        resolve.learn(gateway.client, domain.name, domain.hosts)
    goes_direct(lab, gateway, free)
    goes_direct(lab, gateway, plain)
    for _ in range(3):
        for mx, domain in strict:
            lab.check(not direct(lab, gateway, mx), f"{mx.name} goes direct")
        time.sleep(0.4)
    lab.sent(post(lab, *strict[0], gateway=gateway))
    judged(lab, lab.decision(strict[0][1], "pass", gateway=gateway), *strict[0], record="3 1 1")
    lab.deferred(post(lab, strict[1][0], strict[1][1], gateway=gateway), "tlsa-invalid, dane")
    lab.deferred(post(lab, odd, strict[3][1], gateway=gateway), "dnssec-invalid")
