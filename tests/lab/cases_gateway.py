# cases_gateway.py - the gateway itself: who is served, limits, rules, relays
# SPDX-License-Identifier: GPL-3.0-or-later
import time

import certs
import client
from runner import case

ENFORCE = dict(mode="enforce")
SENDER = "sender@client.example"


@case("a direct connection to the listener is refused and logged")
def direct(lab):
    for address in (lab.gateway.gw4, lab.gateway.gw6):
        with lab.raw(address, port=10025) as c:
            reply = c.reply()
            lab.check(reply.code in (421, 554), f"greeting: {reply}")
            lab.check(c.closed(), "the connection stays open")
    lab.eventually(lambda: sum("redirect" in str(e).lower() for e in lab.gateway.events("session"))
                   >= 2, "nothing is logged")


@case("a client outside `from` gets 421 and is logged")
def outside(lab):
    gateway = lab.another_gateway()
    mx = lab.mx()
    # Another administrator's rule brings everybody, whoever they are.
    gateway.gw.run(["iptables", "-w", "-t", "nat", "-I", "PREROUTING", "-i", "lan0", "-p", "tcp",
                    "--dport", "25", "-j", "REDIRECT", "--to-ports", "10025"])
    gateway.client.run(["ip", "addr", "add", "203.0.113.99/32", "dev", "lo"])
    gateway.gw.run(["ip", "route", "add", "203.0.113.99/32", "dev", "lan0"])
    with lab.raw(mx, gateway, source="203.0.113.99") as c:
        lab.same(c.reply().code, 421, "greeting")
        lab.check(c.closed(), "the connection stays open")
    lab.eventually(lambda: any("203.0.113.99" in str(e) for e in gateway.events()),
                   "nothing is logged")
    lab.same(mx.sessions, [], "sessions at the MX")
    with lab.raw(mx, gateway) as c:
        lab.check("PIPELINING" in c.greet(), "a client inside is served")


@case("a loop: postern's own dial comes back to it, is turned away and logged")
def loop(lab):
    # The gateway's own addresses are served, and somebody redirects what leaves the gateway as well.
    gateway = lab.another_gateway({"intercept": {"from": ["192.0.2.0/24", "198.18.0.0/15",
                                                          "2001:db8::/32"]}})
    mx = lab.mx()
    rule = ["OUTPUT", "-p", "tcp", "--dport", "25", "-j", "REDIRECT", "--to-ports", "10025"]
    for address in (mx.v4, mx.v6):
        gateway.gw.tables(address, "-t", "nat", "-I", *rule)
        with lab.raw(address, gateway) as c:
            lab.has(c.reply().text, r"^421 4\.4\.1.*a loop", "greeting")
            lab.check(c.closed(), "the connection stays open")
        gateway.gw.tables(address, "-t", "nat", "-D", *rule)
    lab.eventually(lambda: sum("a loop" in str(e) for e in gateway.events("session")) >= 2,
                   "nothing is logged")
    lab.same(mx.sessions, [], "sessions at the MX")
    with lab.raw(mx, gateway) as c:
        lab.check("PIPELINING" in c.greet(), "without that rule a client is served")


@case("a connection past the rules is closed: port 25 is not forwarded")
def forwarded(lab):
    gateway = lab.another_gateway({"intercept": {"watch": "no"}})
    mx = lab.mx()
    gateway.gw.run(["iptables", "-w", "-t", "nat", "-F"])
    try:
        with lab.raw(mx, gateway, timeout=4):
            lab.check(False, "port 25 is open without the redirection")
    except OSError:
        pass
    lab.same(mx.sessions, [], "sessions at the MX")


@case("sessions-per-client: the next one gets 421, the old ones go on")
def per_client(lab):
    gateway = lab.another_gateway({"limits": {"sessions-per-client": 5}})
    mx = lab.mx()
    d = lab.domain("limit", mx=[mx], sts=ENFORCE)
    held = [lab.raw(mx, gateway) for _ in range(5)]
    for c in held:
        c.greet()
    with lab.raw(mx, gateway) as c:
        lab.has(c.reply().text, "^421 4.3.2", "the sixth greeting")
    for i, c in enumerate(held):
        _, end = c.mail(SENDER, [d.user(f"u{i}")], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
        c.quit()
    time.sleep(0.5)
    with lab.raw(mx, gateway) as c:
        c.greet()
        lab.same(c.greeting.code, 220, "after the others left")


@case("limits.sessions: the daemon's own limit answers 421, the old ones go on")
def total_limit(lab):
    gateway = lab.another_gateway({"limits": {"sessions": 6}})
    mx = lab.mx()
    held = [lab.raw(mx, gateway) for _ in range(6)]
    for c in held:
        c.greet()
        lab.same(c.greeting.code, 220, "a greeting within the limit")
    with lab.raw(mx, gateway) as c:
        lab.has(c.reply().text, "^421 4.3.2", "the seventh greeting")
    for c in held:
        lab.same(c.cmd("NOOP").code, 250, "an old session")
        c.close()


@case("descriptors run out: new sessions wait or get 421, old ones go on, it recovers", alone=True)
def descriptors(lab):
    gateway = lab.another_gateway({"limits": {"sessions-per-client": 1000}, "workers": 1},
                                  prefix=["prlimit", "--nofile=96:96"])
    mx = lab.mx()
    d = lab.domain("fds", mx=[mx], sts=ENFORCE)
    with lab.raw(mx, gateway) as old:
        old.greet()
        flood = []
        for _ in range(200):
            try:
                flood.append(client.Raw(gateway.client, mx.v4, timeout=2))
            except OSError:
                break
        time.sleep(1)
        _, end = old.mail(SENDER, [d.user("old")], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"the old session: {old.transcript}")
        lab.check(gateway.process.poll() is None, "posternd died")
        for c in flood:
            c.close()
    time.sleep(2)
    lab.sent(lab.send(d.user("after"), client="raw", server=mx.v4, gateway=gateway))


def ruled(lab, level, d, relay=None, **extra):
    """A gateway with one rule for the domain."""
    return lab.another_gateway({"domains": {d.name: {"level": level, "reason": '"ticket 4711"',
                                                     **extra}}})


@case("rule none: clear text even though a policy demands more, with the reason in the log")
def rule_none(lab):
    mx = lab.mx(cert="expired")
    d = lab.domain("rule", mx=[mx], sts=ENFORCE)
    gateway = ruled(lab, "none", d)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.arrived(mx, d.user(), tls=False)
    event = lab.decision(d, "pass", gateway=gateway, policy_type="local", source="rule")
    lab.same(event["smtp"]["starttls"], "not-tried", "starttls")


@case("rule may: TLS where offered, proof not demanded")
def rule_may(lab):
    mx = lab.mx(cert="expired")
    d = lab.domain("rule", mx=[mx], sts=ENFORCE)
    gateway = ruled(lab, "may", d)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.arrived(mx, d.user(), tls=True)
    lab.decision(d, "pass", gateway=gateway, policy_type="local", source="rule")


@case("rule encrypt: any certificate, but never clear text")
def rule_encrypt(lab):
    mx = lab.mx(cert="expired")
    d = lab.domain("rule", mx=[mx])
    gateway = ruled(lab, "encrypt", d, until="2099-12-31")
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.arrived(mx, d.user(), tls=True)
    with lab.attack(mx, "strip") as attack:
        told = lab.send(d.user("b"), client="raw", server=mx.v4, gateway=gateway)
        lab.refused(told, d, "starttls-not-supported", code="4.7.10", gateway=gateway,
                    source="rule", count=2)
        lab.untouched(attack)


@case("rule verify: the MX host's name, with no policy published")
def rule_verify(lab):
    mx = lab.mx()
    d = lab.domain("rule", mx=[mx])
    gateway = ruled(lab, "verify", d)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    mx.use_certificate(certs.leaf("wrong-name", mx.name))
    told = lab.send(d.user("b"), client="raw", server=mx.v4, gateway=gateway)
    lab.refused(told, d, "certificate-host-mismatch", code="4.7.5", gateway=gateway, count=2)


@case("rule secure: the domain's own name or one label below it")
def rule_secure(lab):
    n = lab.lab.number()
    name = f"secure-{n}.example"
    inside = lab.mx(name="mx." + name)
    d = lab.domain(name=name, mx=[inside])
    gateway = ruled(lab, "secure", d)
    lab.sent(lab.send(d.user(), client="raw", server=inside.v4, gateway=gateway))
    lab.arrived(inside, d.user(), tls=True)
    foreign = lab.mx()
    lab.set_mx(d, [foreign.name])
    told = lab.send(d.user("b"), client="raw", server=foreign.v4, gateway=gateway)
    lab.refused(told, d, "certificate-host-mismatch", code="4.7.5", gateway=gateway, count=2)
    lab.untouched(foreign)


@case("a lapsed rule does not count")
def rule_lapsed(lab):
    mx = lab.mx(cert="expired")
    d = lab.domain("rule", mx=[mx], sts=ENFORCE)
    gateway = ruled(lab, "none", d, until="2020-01-01")
    told = lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway)
    lab.refused(told, d, "certificate-expired", code="4.7.5", gateway=gateway)


@case("relay: the smart host's level decides, recipient domains do not (R26)")
def relay(lab):
    good, bad = lab.mx("relay"), lab.mx("relay", cert="wrong-name")
    elsewhere = lab.mx()
    d = lab.domain("relayed", mx=[elsewhere], sts=ENFORCE)
    gateway = lab.another_gateway({"relays": {good.name: {"level": "secure"},
                                              bad.name: {"level": "secure"}}})
    lab.sent(lab.send(d.user(), client="raw", server=good.v4, gateway=gateway))
    lab.arrived(good, d.user(), tls=True)
    lab.decision(d, "pass", gateway=gateway, source="relay", policy_type="local")
    told = lab.send(d.user("b"), client="raw", server=bad.v4, gateway=gateway)
    lab.refused(told, d, "certificate-host-mismatch", code="4.7.5", gateway=gateway, source="relay",
                count=2)
    lab.untouched(bad)


@case("policy.no-policy: encrypt never sends in clear")
def no_policy_encrypt(lab):
    gateway = lab.another_gateway({"policy": {"no-policy": "encrypt"}})
    mx, clear = lab.mx(cert="self-signed"), lab.mx(starttls="none")
    d, d2 = lab.domain("enc", mx=[mx]), lab.domain("enc", mx=[clear])
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    told = lab.send(d2.user(), client="raw", server=clear.v4, gateway=gateway)
    lab.refused(told, d2, "starttls-not-supported", code="4.7.10", gateway=gateway)
    lab.untouched(clear)


@case("an address literal and an address that no MX lookup maps: opportunistic, or strictest")
def unmapped(lab):
    mx, listed = lab.mx(), lab.mx()
    d = lab.domain("unmapped", mx=[listed], sts=ENFORCE)
    # The client went to an address that DNS does not give for the domain: who answers there must
    # prove itself as one of the domain's hosts.
    told = lab.send(d.user(), client="raw", server=mx.v4)
    lab.refused(told, d, "certificate-host-mismatch", code="4.7.5")
    lab.untouched(mx)
    with lab.raw(mx) as c:
        c.greet()
        _, end = c.mail(SENDER, [f"user@[{mx.v4}]"], b"Subject: x\r\n\r\nx\r\n")
        lab.check(end is not None and end.code == 250, f"{c.transcript}")
    lab.arrived(mx, mx.v4, tls=True)


@case("a slow client and a slow server do not hold up others")
def slow(lab):
    mx = lab.mx(delay={"ehlo": 3})
    quick = lab.mx()
    d = lab.domain("quick", mx=[quick], sts=ENFORCE)
    with lab.raw(mx) as a, lab.raw(quick) as b:
        a.reply()
        a.send(b"EHLO slow.client.example\r\n")
        b.reply()
        b.send(b"EH")
        start = time.time()
        lab.sent(lab.send(d.user(), client="raw", server=quick.v4))
        lab.check(time.time() - start < 2.5, f"took {time.time() - start:.1f} s")
        lab.same(a.reply().code, 250, "the slow server's EHLO")
