# cases_inspect_resume.py - path: inspect and sessions resumed: by whom, of whom, and renegotiated
# SPDX-License-Identifier: GPL-3.0-or-later
import certs
import flights
import rawtls
from inspecting import (SENDER, TLS12, case, decided, deliver, end_to_end, ended_here, enforced,
                        gone_clear, in_clear, known, past_postern, session, source)

SUITE = "ECDHE-ECDSA-AES256-GCM-SHA384"		# c0 2c


for tickets_ in (True, False):
    @case(f"resumption by {'ticket' if tickets_ else 'session id'}: remembered ones pass")
    def resumption(lab, tickets=tickets_):
        mx, d = enforced(lab, raw=dict(tickets=tickets))
        first = deliver(lab, mx, d, "a")
        end_to_end(lab, mx, first, resumed=None)
        for count in (2, 3, 4):
            mail = deliver(lab, mx, d, f"b{count}", resume=first)
            lab.check(mail.conn.resumed, f"not resumed: {mail}")
            # The chain is that of the handshake behind it; the names as well.
            end_to_end(lab, mx, mail, count, resumed=True, names=mx.name, mx_host=mx.name)
            first = mail if count == 3 else first
        # In pieces, like any flight.
        mx.shape = flights.in_segments(1)
        mail = deliver(lab, mx, d, "pieces", resume=first)
        lab.check(mail.conn.resumed, f"not resumed: {mail}")
        end_to_end(lab, mx, mail, 5, resumed=True)
        # The server has forgotten it: a full handshake, proven as such.
        mx.shape = None
        mx.use_certificate(mx.certificate)
        mail = deliver(lab, mx, d, "forgotten", resume=first)
        lab.check(not mail.conn.resumed, "resumed")
        end_to_end(lab, mx, mail, 6, resumed=None)


@case("resumption of a session that postern has not seen: ended here (not-remembered), delivered")
def strange_session(lab):
    for tickets in (True, False):
        mx, d = enforced(lab, raw=dict(tickets=tickets))
        client = rawtls.Context(**TLS12)
        strange = past_postern(lab, mx, client)
        mail = deliver(lab, mx, d, resume=strange, context=client)
        ended_here(lab, mx, mail, "not-remembered")
        # postern's own ticket, which the client now has, means nothing to the MX.
        end_to_end(lab, mx, deliver(lab, mx, d, "own", resume=mail), resumed=None)


@case("a resumption that is claimed by somebody without its secret: it comes to nothing")
def pretended(lab):
    mx, d = enforced(lab, raw=dict(tickets=False), family="46")
    client = source(lab)
    to = dict(address=mx.v6, source=client)
    lab.check(known(lab, mx, d, mx.v6), "not accepted")
    context = rawtls.Context(ciphers=SUITE + ":@SECLEVEL=0", **TLS12)
    first = deliver(lab, mx, d, "a", context=context, **to)
    end_to_end(lab, mx, first, address=mx.v6)
    mx.sessions.clear()
    mx.shape = flights.pretended(b"\xc0\x2c")
    mail = deliver(lab, mx, d, "b", context=context, resume=first, **to)
    lab.same(mail.status, "failed", f"{mail}")
    lab.untouched(mx)
    mail = in_clear(lab, mx, d, "c", **to)
    lab.deferred(mail, "451 4.7.* postern")
    lab.untouched(mx)
    # Without a remembered session it does not even pass.
    mx.shape = None
    strange = past_postern(lab, mx, context)
    mx.shape = flights.only_in_flight(flights.pretended(b"\xc0\x2c"))
    ended_here(lab, mx, deliver(lab, mx, d, "d", context=context, resume=strange, address=mx.v6),
               "not-remembered")


@case("a ticket that somebody changed on its way is not remembered")
def changed_ticket(lab):
    mx, d = enforced(lab, family="46")
    to = dict(address=mx.v6, source=source(lab))
    lab.check(known(lab, mx, d, mx.v6), "not accepted")
    mx.shape = flights.only_in_flight(flights.flipped_ticket)
    mail = deliver(lab, mx, d, "a", **to)
    lab.same(mail.status, "failed", f"the client took it: {mail}")
    decided(lab, mx, address=mx.v6)
    session(lab, mail, "end-to-end")
    mx.shape = None
    lab.sent(in_clear(lab, mx, d, "b", **to))
    lab.same(gone_clear(mx), [], "in clear")


@case("renegotiation by the client and by the server passes, at once and between two mails")
def renegotiation(lab):
    mx, d = enforced(lab, raw=dict(renegotiate=True))
    for count, who in enumerate(("client", "server", "client at once"), 1):
        helo = f"c{lab.lab.number()}.client.example"
        with lab.raw(mx) as c:
            c.greet(helo)
            c.starttls(context=rawtls.Context(**TLS12))
            lab.same(c.conn.certificate, certs.digest(mx.certificate), "the certificate")
            server = mx.wait(lambda m: m.sessions[-1].conn, 5)
            for n in range(2):
                if who == "server":
                    server.renegotiate_soon = True
                elif n or who == "client at once":
                    c.conn.renegotiate()
                c.hello()
                rcpt = d.user(f"{count}{n}")
                data = lab.message(rcpt)
                _, end = c.mail(SENDER, [rcpt], data)
                lab.check(end is not None and end.code == 250, f"{who}: {c.transcript}")
                lab.same(lab.arrived(mx, rcpt).body, data, "the body")
            c.quit()
        session(lab, helo, "end-to-end")
    decided(lab, mx, 3)
