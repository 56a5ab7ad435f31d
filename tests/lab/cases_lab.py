# cases_lab.py - the laboratory itself: without a proxy attacks succeed and honest mail arrives
# SPDX-License-Identifier: GPL-3.0-or-later
from runner import case


def unguarded(lab):
    """A client network whose gateway only forwards."""
    return lab.another_gateway(proxied=False)


@case("lab: an honest MX is reached over TLS without a proxy (swaks, IPv4)", direct=True)
def honest_direct(lab):
    d = lab.domain("direct", mx=["mx.real.example"], sts=dict(mode="enforce"))
    told = lab.send(d.user(), client="swaks", server="203.0.113.25", gateway=unguarded(lab),
                    options=["--tls"])
    lab.sent(told)
    lab.boxed(d.user(), tls=True)


@case("lab: the attacker in the path gets mail in clear where nobody guards", direct=True)
def attack_direct(lab):
    mx = lab.real_mx()
    d = lab.domain("direct", mx=[mx], sts=dict(mode="enforce"))
    gateway = unguarded(lab)
    with lab.attack(mx, "strip") as attack:
        lab.sent(lab.send(d.user(), client="exim", gateway=gateway, options=dict(tls=True)))
    lab.check(attack.mail_commands(), "the attacker saw nothing")
    lab.boxed(d.user(), tls=False)


@case("lab: DNS is validated: signed, unsigned and bogus zones", direct=True)
def validation(lab):
    def ask(name):
        return lab.gateway.gw.run(["kdig", "@203.0.113.53", "+dnssec", name, "MX"]).stdout
    signed = lab.domain("signed", mx=["mx.real.example"])
    plain = lab.domain("unsigned", mx=["mx.real.example"], zone="plain.example")
    bogus = lab.domain("bogus", mx=["mx.real.example"], zone="bogus.example")
    lab.has(ask(signed.name), r"Flags: qr rd ra ad;", "a signed name")
    lab.has(ask(plain.name), r"Flags: qr rd ra;.*\n(.*\n)*.*mx\.real\.example", "an unsigned name")
    lab.has(ask(bogus.name), r"SERVFAIL", "a bogus name")
