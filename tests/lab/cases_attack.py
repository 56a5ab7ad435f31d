# cases_attack.py - STARTTLS attacked: by somebody in the path, and by servers that behave like it
# SPDX-License-Identifier: GPL-3.0-or-later
import ssl

from runner import case

ENFORCE = dict(mode="enforce")

# how -> (result type, what the event says of STARTTLS)
PATH = {"strip": ("starttls-not-supported", "absent"),
        "mask": ("starttls-not-supported", "masked"),
        "refuse": ("starttls-not-supported", "refused"),
        "refuse-502": ("starttls-not-supported", "refused"),
        "code": ("starttls-not-supported", "refused"),
        "multi": ("starttls-not-supported", "refused"),
        "inject": ("starttls-not-supported", "injected")}

for how, (result, seen) in PATH.items():
    @case(f"attack {how} in the path to an enforced MX: refused, and delivered once it ends (R31)")
    def attacked(lab, how=how, result=result, seen=seen):
        mx = lab.real_mx()
        d = lab.domain(how, mx=[mx], sts=ENFORCE)
        with lab.attack(mx, how) as attack:
            told = lab.send(d.user())
            lab.refused(told, d, result, code="4.7.10", starttls=seen)
            lab.untouched(attack)
        lab.sent(lab.retry(told))
        lab.boxed(d.user(), tls=True)


@case("attack ehlo in the path to an enforced MX: nothing goes out, and delivered once it ends")
def ehlo_refused(lab):
    mx = lab.real_mx()
    d = lab.domain("noehlo", mx=[mx], sts=ENFORCE)
    with lab.attack(mx, "ehlo") as attack:
        told = lab.send(d.user())
        lab.deferred(told, "postern")
        lab.untouched(attack)
    lab.sent(lab.retry(told))
    lab.boxed(d.user(), tls=True)


@case("attack impostor in the path to an enforced MX: refused, and delivered once it ends")
def impostor(lab):
    mx = lab.real_mx()
    d = lab.domain("impostor", mx=[mx], sts=ENFORCE)
    with lab.attack(mx, "impostor") as attack:
        told = lab.send(d.user())
        lab.refused(told, d, "certificate-not-trusted", code="4.7.5")
        lab.untouched(attack)
    lab.sent(lab.retry(told))
    lab.boxed(d.user(), tls=True)


@case("attack reset in the path to an enforced MX: nothing goes out, and delivered once it ends")
def reset(lab):
    mx = lab.real_mx()
    d = lab.domain("reset", mx=[mx], sts=ENFORCE)
    with lab.attack(mx, "reset") as attack:
        told = lab.send(d.user())
        lab.deferred(told, "postern")
        lab.untouched(attack)
    lab.sent(lab.retry(told))


@case("attack strip: Exim and swaks are told as well")
def strip_others(lab):
    mx = lab.real_mx()
    d = lab.domain("strip", mx=[mx], sts=ENFORCE)
    with lab.attack(mx, "strip") as attack:
        told = lab.send(d.user(), client="exim")
        lab.same(told.status, "deferred", f"{told}")
        lab.has(told.text, r"451 4\.7\.10 postern .*starttls-not-supported", "Exim's log")
        told = lab.send(d.user(), client="swaks", server=mx.v4)
        lab.same(told.status, "deferred", f"{told}")
        lab.has(told.text, r"<\*\* 451 4\.7\.10 postern", "swaks' transcript")
        lab.untouched(attack)
    lab.decision(d, "refuse", "starttls-not-supported", count=2)


@case("attack strip over IPv6: refused, and delivered once it ends")
def strip_v6(lab):
    mx = lab.real_mx(family="6")
    d = lab.domain("strip6", mx=[mx], sts=ENFORCE)
    with lab.attack(mx, "strip") as attack:
        told = lab.send(d.user())
        lab.refused(told, d, "starttls-not-supported", code="4.7.10", dest_ip=mx.v6)
        lab.untouched(attack)
    lab.sent(lab.retry(told))
    lab.boxed(d.user(), tls=True)


# What the server does -> (with enforce, the event's word; without a policy: "clear", or "refused").
SERVER = {"none": ("absent", "clear"), "masked": ("masked", "refused"),
          "misspelt": (None, None), "greeting": ("absent", "clear"), "454": ("refused", "clear"),
          "502": ("refused", "clear"), "250": ("refused", "refused"),
          "multi": ("refused", "refused"), "inject": ("injected", "refused"),
          "drop": (None, None), "garbage": (None, None)}

for how, (seen, opportunistic) in SERVER.items():
    @case(f"server with STARTTLS {how}: refused under enforce")
    def server_enforced(lab, how=how, seen=seen):
        mx = lab.mx(starttls=how)
        d = lab.domain("srv-" + how, mx=[mx], sts=ENFORCE)
        told = lab.send(d.user())
        lab.deferred(told, "postern")
        lab.untouched(mx)
        if seen:
            lab.decision(d, "refuse", "starttls-not-supported", starttls=seen)

    if opportunistic:
        @case(f"server with STARTTLS {how}: {opportunistic} without a policy")
        def server_opportunistic(lab, how=how, seen=seen, opportunistic=opportunistic):
            mx = lab.mx(starttls=how)
            d = lab.domain("srv-" + how, mx=[mx])
            told = lab.send(d.user())
            if opportunistic == "clear":
                lab.sent(told)
                lab.arrived(mx, d.user(), tls=False)
                lab.decision(d, "pass", policy_type="no-policy-found", starttls=seen)
            else:
                lab.refused(told, d, "starttls-not-supported", code="4.7.10", starttls=seen)
                lab.untouched(mx)


@case("STARTTLS memory: a host that offered it and does not now is refused; forget lets it pass")
def memory(lab):
    mx = lab.mx()
    d = lab.domain("memory", mx=[mx])
    lab.sent(lab.send(d.user("first")))
    lab.arrived(mx, d.user("first"), tls=True)
    with lab.attack(mx, "strip") as attack:
        told = lab.send(d.user())
        lab.refused(told, d, "starttls-not-supported", code="4.7.10", source="memory",
                    policy_type="no-policy-found", reason_code="starttls-remembered", count=2)
        lab.untouched(attack)
        lab.same(lab.gateway.ctl("policy", "forget", mx.name).returncode, 0, "policy forget")
        lab.sent(lab.retry(told))
    lab.arrived(mx, d.user(), tls=False)


@case("stripping: log lets masked and remembered hosts pass, and says so")
def stripping_log(lab):
    gateway = lab.another_gateway({"policy": {"stripping": "log"}})
    mx, masked = lab.mx(), lab.mx(starttls="masked")
    d, d2 = lab.domain("log", mx=[mx]), lab.domain("log", mx=[masked])
    lab.sent(lab.send(d2.user(), client="raw", server=masked.v4, gateway=gateway))
    lab.decision(d2, "pass", gateway=gateway, starttls="masked", reason_code="starttls-masked")
    lab.sent(lab.send(d.user("first"), client="raw", server=mx.v4, gateway=gateway))
    with lab.attack(mx, "strip"):
        lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.arrived(mx, d.user(), tls=False)
    lab.decision(d, "pass", gateway=gateway, reason_code="starttls-remembered", count=2)


@case("mode monitor: a refusal becomes would-refuse and the mail is delivered")
def monitor(lab):
    gateway = lab.another_gateway({"mode": "monitor"})
    mx = lab.mx(cert="wrong-name")
    d = lab.domain("monitor", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.arrived(mx, d.user(), tls=True)
    lab.decision(d, "would-refuse", "certificate-host-mismatch", gateway=gateway)
    with lab.attack(mx, "strip"):
        lab.sent(lab.send(d.user("b"), client="raw", server=mx.v4, gateway=gateway))
    lab.decision(d, "would-refuse", "starttls-not-supported", gateway=gateway, count=2)


@case("handshake cut off after any number of octets: refused under enforce, never in clear")
def cut(lab):
    for cut in (0, 1, 5, 6, 60, 127, 200, 500, 900, 1200):
        mx = lab.mx(cut=cut)
        d = lab.domain("cut", mx=[mx], sts=ENFORCE)
        told = lab.send(d.user(), client="raw", server=mx.v4)
        lab.deferred(told, "postern")
        lab.untouched(mx)
        lab.same(len(mx.sessions), 1, f"dials with a cut at {cut}: one more would be in clear")


@case("handshake failed without a policy: one more dial, in clear text, and the log says so")
def clear_retry(lab):
    mx = lab.mx(cut=5)
    d = lab.domain("retry", mx=[mx])
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4))
    lab.arrived(mx, d.user(), tls=False)
    lab.decision(d, "pass", reason_code="handshake-failed")


@case("a server of TLS 1.0 and 1.1: refused under enforce (R38)")
def old_tls(lab):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        mx = lab.mx(tls_max=version)
        d = lab.domain("oldtls", mx=[mx], sts=ENFORCE)
        lab.deferred(lab.send(d.user(), client="raw", server=mx.v4), "postern")
        lab.untouched(mx)


@case("a server of TLS 1.2 passes under enforce")
def tls12(lab):
    mx = lab.mx(tls_max=ssl.TLSVersion.TLSv1_2)
    d = lab.domain("tls12", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user()))
    lab.decision(d, "pass", version="TLSv1.2")


@case("server data before our second EHLO: one reply too many, no mail is taken for delivered")
def early_data(lab):
    # What is there when the second EHLO is due is refused (tests/scenarios/early-server-data.txt). Here
    # it crosses our EHLO on the wire, which nobody can tell from a quick answer; the server has proven
    # itself by then. Its replies are one ahead, and the one that does not fit ends the session.
    mx = lab.mx(after_handshake=b"250-evil\r\n250 PIPELINING\r\n")
    d = lab.domain("early", mx=[mx], sts=ENFORCE)
    lab.deferred(lab.send(d.user(), client="raw", server=mx.v4), "postern")
    lab.check(not mx.messages(d.user()), "a mail was taken for delivered")


@case("commands behind a client's STARTTLS are dropped, not believed (CVE-2011-0411)")
def client_injection(lab):
    mx = lab.mx()
    d = lab.domain("cve", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        c.send(b"STARTTLS\r\nMAIL FROM:<evil@client.example>\r\nRCPT TO:<%s>\r\n"
               % d.user("evil").encode())
        first = c.reply()
        if first.code == 220:
            lab.check(not c.buffer, f"octets behind the 220: {c.buffer!r}")
            try:
                c.handshake()
                c.hello()
                replies, end = c.mail("a@client.example", [d.user()], b"x\r\n")
                lab.same(end.code, 250, f"{c.transcript}")
            except OSError:
                pass	# to end the session there is as good
    lab.check(not mx.messages("evil"), "the injected transaction was carried out")


for how in ("endless", "mixed", "barelf", "huge", "bad-code"):
    @case(f"server with an EHLO reply that is {how}: nothing goes out, the session ends")
    def bad_ehlo(lab, how=how):
        mx = lab.mx(ehlo=how)
        d = lab.domain("ehlo-" + how, mx=[mx], sts=ENFORCE)
        told = lab.send(d.user(), client="raw", server=mx.v4)
        lab.deferred(told, "")
        lab.untouched(mx)


@case("server that answers one octet a segment: served like any other")
def bytewise(lab):
    mx = lab.mx(bytewise=True)
    d = lab.domain("bytewise", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user()))
    lab.arrived(mx, d.user(), tls=True)


@case("server with a STARTTLS reply without end: bounded, nothing goes out")
def endless_line(lab):
    mx = lab.mx(starttls="long")
    d = lab.domain("long", mx=[mx], sts=ENFORCE)
    lab.deferred(lab.send(d.user(), client="raw", server=mx.v4), "")
    lab.untouched(mx)
