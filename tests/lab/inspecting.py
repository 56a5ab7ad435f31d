# inspecting.py - what cases of path: inspect have in common: how a mail went, and what proves it
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose TLS session it was is told by three witnesses: the certificate that the client saw, the
MX's own view, and the events."""
import contextlib

import certs
import client
import postern
import rawtls
import runner
from lab import Told

ENFORCE = dict(mode="enforce")
SENDER = "sender@client.example"
TLS12 = dict(versions=("1.2", "1.2"))
TLS13 = dict(versions=("1.2", "1.3"))


def case(name, own=None, **how):
    """A case on the gateway with path: inspect that all share; own: options of one for itself."""
    def mark(function):
        def start(lab):
            if own is None:
                lab.gateway = lab.lab.inspecting()
                lab.postfix = lab.gateway.postfix
            else:
                lab.gateway = lab.another_gateway({"path": "inspect", **own})
            function(lab)
        return runner.case("inspect: " + name, **how)(start)
    return mark


class Mail(Told):
    """One scripted delivery. conn: the client's TLS connection; certificate: what it was shown;
    helo: by which its events are found, as REDIRECT changes source ports that are taken twice."""

    def __init__(self, lab, rcpt, body=None):
        super().__init__("raw", "failed", "no handshake")
        self.rcpt, self.data = rcpt, lab.message(rcpt, body)
        self.helo = f"c{lab.lab.number()}.client.example"
        self.conn = self.certificate = None
        self.tls = ""


def deliver(lab, mx, d, user="user", context=None, address=None, body=None, source=None, **wrap):
    """STARTTLS, the handshake and one mail. A handshake that fails leaves the status "failed".

    context: a rawtls.Context (TLS 1.2 alone); wrap: what its connections take, as resume=MAIL."""
    mail = Mail(lab, d.user(user), body)
    if isinstance(wrap.get("resume"), Mail):
        wrap["resume"] = wrap["resume"].conn
    with lab.raw(address or mx.v4, source=source) as c:
        words = c.greet(mail.helo)
        if "STARTTLS" not in words:
            mail.text = f"no STARTTLS: {c.greeting} {words}"
            return mail
        try:
            reply = c.starttls(context=context or rawtls.Context(**TLS12), **wrap)
        except (rawtls.Fault, OSError) as e:
            mail.text = str(e)
            return mail
        lab.check(c.tls, f"STARTTLS: {reply}")
        mail.conn, mail.tls, mail.certificate = c.conn, c.tls, c.conn.certificate
        transact(c, mail)
    return mail


def transact(c, mail):
    """EHLO, one mail and QUIT, in clear or in TLS."""
    c.hello(mail.helo)
    replies, end = c.mail(SENDER, [mail.rcpt], mail.data)
    last = end if end is not None else replies[-1]
    mail.status = "sent" if last.code == 250 else "deferred" if last.code < 500 else "bounced"
    mail.text = last.text
    try:
        c.quit()
    except rawtls.Fault:
        pass


def in_clear(lab, mx, d, user="user", source=None, address=None):
    """A mail without STARTTLS. From its RCPT on postern knows that the domain uses the address."""
    mail = Mail(lab, d.user(user))
    with lab.raw(address or mx.v4, source=source) as c:
        c.reply()
        transact(c, mail)
    return mail


def known(lab, mx, d, address=None):
    """postern learns that the domain uses this address; whether it would let mail go there."""
    with lab.raw(address or mx.v4) as c:
        c.greet()
        c.cmd(f"MAIL FROM:<{SENDER}>")
        reply = c.cmd("RCPT TO:<" + d.user("known") + ">")
        c.quit()
    return reply.code == 250


def enforced(lab, **mx):
    """An MX and a domain with a policy, known to postern."""
    mx = lab.mx(raw=mx.pop("raw", {}), **mx)
    d = lab.domain("tls", mx=[mx], sts=ENFORCE)
    lab.check(known(lab, mx, d), "not accepted")
    return mx, d


@contextlib.contextmanager
def own_session(lab, mx):
    """A client's own TLS session with the MX, behind its second EHLO, as (client, helo)."""
    helo = f"c{lab.lab.number()}.client.example"
    with lab.raw(mx) as c:
        c.greet(helo)
        c.starttls(context=rawtls.Context(**TLS12))
        lab.same(c.conn.certificate, certs.digest(mx.certificate), "the certificate")
        c.hello(helo)
        yield c, helo


def session(lab, mail, outcome=None):
    """The event of the session's end. mail: a Mail, or the client's name."""
    helo = mail if isinstance(mail, str) else mail.helo
    event = lab.gateway.wait_event("session", helo=helo, action="closed")
    lab.check(event, f"no end of the session of {helo} is logged")
    if outcome:
        lab.same(event["inspect"]["outcome"], outcome, f"{event}")
    return event


def decided(lab, mx, count=1, address=None, **where):
    """The decision on the path inspect: that there are `count`, and what the last says."""
    address = address or mx.v4
    event = lab.gateway.wait_event("decision", count=count, dest_ip=address, path="inspect")
    found = lab.gateway.events("decision", dest_ip=address, path="inspect")
    lab.check(event, f"{count} decisions on the path inspect to {address}: {found}")
    lab.same(len(found), count, f"decisions on the path inspect to {address}")
    lab.same(event["decision"]["verdict"], "pass", f"verdict {event}")
    lab.check("rcpt_domain" not in event.get("smtp", {}), f"a recipient's domain: {event}")
    for key, value in where.items():
        lab.same(postern.look(event, key), value, f"{key} in {event}")
    return event


def end_to_end(lab, mx, mail, count=1, address=None, **where):
    """The mail arrived over the client's own TLS session with the MX; the decision's event."""
    lab.sent(mail)
    lab.same(mail.certificate, certs.digest(mx.certificate), "the certificate the client saw")
    lab.same(mail.tls, where.get("version", "TLSv1.2"), "TLS version at the client")
    arrived = lab.arrived(mx, mail.rcpt)
    lab.check(arrived.body == mail.data, f"the body differs: {arrived.body[:500]!r}")
    lab.same(arrived.tls, mail.tls, "TLS version at the MX")
    event = decided(lab, mx, count, address, **{"version": "TLSv1.2", **where})
    # A resumption shows no certificate; the chain is that of the handshake behind it.
    lab.same(event["tls"]["chain_sha256"][0], mail.certificate, "the chain in the decision")
    over = session(lab, mail)
    lab.same(over.get("path"), "inspect", f"path in {over}")
    lab.same(over["inspect"], {"outcome": "end-to-end"}, f"{over}")
    lab.same(event["session_id"], over["session_id"], "the session's id in both events")
    return event


def ended_here(lab, mx, mail, code, delivered=True):
    """The client's TLS ended at postern, for this reason; the mail was delivered all the same.
    delivered: False when it is refused."""
    over = session(lab, mail)
    lab.same(over.get("path"), "upgrade", f"path in {over}")
    lab.same(over.get("inspect", {}).get("outcome"), "ended-here", f"inspect in {over}, {mail}")
    if code is not None:
        lab.has(over["inspect"]["reason_code"], f"^(?:{code})$", f"reason code in {over}")
    if mail.status != "failed" and mx.certificate is not None:
        lab.check(mail.certificate != certs.digest(mx.certificate), "the client saw the MX's own")
    if delivered:
        lab.sent(mail)
        arrived = lab.arrived(mx, mail.rcpt)
        lab.check(arrived.body == mail.data, f"the body differs: {arrived.body[:500]!r}")
    return over


def refused(lab, mx, mail, d, result, code="4.7", **where):
    """Refused at RCPT with its reason; nothing of it reached the MX."""
    event = lab.refused(mail, d, result, code, **where)
    lab.same(event.get("path"), "upgrade", f"path in {event}")
    lab.check(not mx.messages(mail.rcpt), f"{mail.rcpt} arrived")
    return event


def source(lab):
    """Another client of the gateway: it has an address of its own, and so no history."""
    address = f"{lab.gateway.client6[:-1]}{0x100 + lab.lab.number():x}"
    # Deprecated (RFC 4862 5.5.4), so that nobody has it who did not ask for it: of many addresses
    # the newest is the one that the others would go out from.
    lab.gateway.client.run(["ip", "-6", "addr", "add", address + "/64", "dev", "eth0", "nodad",
                            "preferred_lft", "0"])
    return address


def past_postern(lab, mx, context):
    """A TLS session with the MX from elsewhere in the internet, past every gateway; over now."""
    with client.Raw(lab.lab.net.net, mx.v4) as c:
        c.greet()
        c.starttls(context=context)
        c.hello()
        conn = c.conn
        c.quit()
    lab.same(conn.certificate, certs.digest(mx.certificate), "the certificate past postern")
    return conn


def gone_clear(mx):
    """Mail commands that reached the MX without TLS."""
    return mx.mail_commands(tls=False)
