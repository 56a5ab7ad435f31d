#!/usr/bin/env python3
# prove.py - that what postern is measured beside does the same: it verifies whom it sends mail to
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each that begins TLS with the MX: mails pass, each in a TLS session of its own; none passes
where the MX's root is not trusted, and none where it has another name, and what is said then is
why."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../lab")
import certs
import inside
import peers
import place
import web

MAILS = 5
OTHER = "mx.elsewhere.example"
# What is said of a root that is not trusted, of another name (None: it does not look), of a good
# MX.
SAID = {
    "stunnel": (r"unable to get (local )?issuer|self.signed certificate in certificate chain",
                r"CERT: No matching host name found|verify failed", None),
    "sslsplit": (r"certificate verify failed", None, None),
    "postfix": (r"Untrusted TLS connection established", r"Server certificate not verified",
                r"Verified TLS connection established"),
    "postern-upgrade": (r"certificate-not-trusted", r"does not name the MX host",
                        None),
}
number = bad = 0


def report(title, why):
    global number, bad
    number += 1
    bad += bool(why)
    print(f"{'not ok' if why else 'ok'} {number} - {title}", flush=True)
    if why:
        print("# " + why.replace("\n", "\n# "), flush=True)


def passes(p, who, said):
    run = p.run(who, "-n", str(MAILS))
    if (run.mails, run.full, run.resumed) != (MAILS, MAILS, 0):
        return f"{run.mails} mails, {run.full} full handshakes, {run.resumed} resumed"
    if said and len(re.findall(said, p.peers[who].said())) < MAILS:
        return f"it does not say {said}: {p.peers[who].said()}"


def refused(p, who, said):
    mx = p.mxs[p.kind, False]
    before = mx.counted()[1]
    try:
        p.run(who, "-n", str(MAILS))
        return "mails pass"
    except RuntimeError as e:
        words = f"{e} {p.peers[who].said() if who in p.peers else ''}"
    if mx.counted()[1] != before:
        return f"{mx.counted()[1] - before} mails have come"
    if not re.search(said, words):
        return f"it does not say {said}: {words}"


def leave(p, who):
    if who in p.peers:
        p.peers.pop(who).stop()
    p.settled.clear()


def main():
    place.PATIENCE = 4
    peers.Postfix.loglevel = 1
    p = place.Place(place.network(), kinds=("P-256",))
    mx, trusted = p.mxs["P-256", False], p.ca_file
    for who, (untrusted, misnamed, verified) in SAID.items():
        report(f"{who}: mails pass, each in its own TLS", passes(p, who, verified))
        leave(p, who)
        p.ca_file = certs.ca_file()	# the laboratory's, which is the policy host's, not the MX's
        report(f"{who}: none to an MX whose root is not trusted", refused(p, who, untrusted))
        leave(p, who)
        p.ca_file, name = trusted, mx.name
        if misnamed:
            mx.name = OTHER
            web.publish(mx.domain, web.policy_text(mode="enforce", mx=[OTHER]))
            report(f"{who}: none to an MX of another name", refused(p, who, misnamed))
            leave(p, who)
            mx.name = name
            web.publish(mx.domain, web.policy_text(mode="enforce", mx=[name]))
    p.stop()
    print(f"1..{number}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    inside.enter()
    main()
