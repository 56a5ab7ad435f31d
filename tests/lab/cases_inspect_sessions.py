# cases_inspect_sessions.py - path: inspect over a session's life: retries, bulk, ends, restarts
# SPDX-License-Identifier: GPL-3.0-or-later
import socket
import struct
import threading
import time

import certs
import rawtls
from inspecting import (ENFORCE, SENDER, TLS12, case, decided, deliver, end_to_end, ended_here,
                        gone_clear, in_clear, known, own_session, refused, session, source)


# A client that goes on in clear text after it disliked something.

@case("a client that dislikes our certificate and retries in clear: refused while the MX is bad")
def clear_retry(lab):
    mx = lab.mx(raw={}, cert="expired", family="46")
    d = lab.domain("retry", mx=[mx], sts=ENFORCE)
    known(lab, mx, d, mx.v6)
    strict, client = rawtls.Context(ca=certs.ca_file(), **TLS12), source(lab)
    to = dict(address=mx.v6, source=client)
    mail = deliver(lab, mx, d, context=strict, **to)
    lab.same(mail.status, "failed", f"the client took the certificate: {mail}")
    mail = in_clear(lab, mx, d, **to)
    refused(lab, mx, mail, d, "certificate-expired", code="4.7.5", count=2)
    lab.untouched(mx)
    mx.use_certificate(certs.leaf("good", mx.name))
    mail = in_clear(lab, mx, d, "good", **to)
    lab.sent(mail)
    lab.same(lab.arrived(mx, mail.rcpt, tls=True).body, mail.data, "the body")
    lab.same(gone_clear(mx), [], "in clear")


@case("a client that dislikes the MX's own certificate and retries in clear: never in clear")
def clear_retry_passed(lab):
    mx = lab.mx(raw={}, family="46")
    d = lab.domain("retry", mx=[mx], sts=ENFORCE)
    lab.check(known(lab, mx, d, mx.v6), "not accepted")
    strict, client = rawtls.Context(ca=f"{certs.DIR}/stranger.pem", **TLS12), source(lab)
    to = dict(address=mx.v6, source=client)
    mail = deliver(lab, mx, d, context=strict, **to)
    lab.same(mail.status, "failed", f"the client took the certificate: {mail}")
    decided(lab, mx, address=mx.v6)
    mail = in_clear(lab, mx, d, **to)
    lab.sent(mail)
    lab.same(lab.arrived(mx, mail.rcpt, tls=True).body, mail.data, "the body")
    mx.starttls = "none"
    refused(lab, mx, in_clear(lab, mx, d, "b", **to), d, "starttls-not-supported", count=3)
    lab.same(gone_clear(mx), [], "in clear")
    mx.starttls = "offer"
    end_to_end(lab, mx, deliver(lab, mx, d, "after", **to), 2, mx.v6)


# Sessions as such.

@case("32 MiB end to end, byte for byte, over both families; the event counts them")
def bulk(lab):
    mx = lab.mx(raw={}, family="46")
    d = lab.domain("bulk", mx=[mx])
    line = b"0123456789abcdef" * 4 + b"\r\n"
    body = line * ((32 << 20) // len(line) + 1)
    for address, user in ((mx.v4, "v4"), (mx.v6, "v6")):
        known(lab, mx, d, address)
        mail = deliver(lab, mx, d, user, address=address, body=body)
        end_to_end(lab, mx, mail, address=address)
        over = session(lab, mail)["session"]
        size = len(mail.data)
        lab.check(size < over["bytes_in"] < size * 1.03, f"{over} for {size} octets")
        lab.check(1000 < over["bytes_out"] < 20000, f"{over}")


@case("half-close: a client that has said all it wants to say still gets its replies")
def half_close(lab):
    mx = lab.mx(raw={}, delay={"dot": 0.5})
    d = lab.domain("half", mx=[mx])
    known(lab, mx, d)
    for how in ("client", "server"):
        with own_session(lab, mx) as (c, helo):
            if how == "client":
                c.send(b"MAIL FROM:<a@client.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" %
                       d.user(how).encode())
                lab.same([c.reply().code for _ in range(3)], [250, 250, 354], "replies")
                c.send(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
                c.conn.shutdown(socket.SHUT_WR)
                lab.same([c.reply().code for _ in range(2)], [250, 221], "replies after the end")
            else:
                server = mx.sessions[-1]
                server.conn.sock.shutdown(socket.SHUT_WR)
                lab.check(c.closed(5), "the server's end does not come through")
                before = len(server.commands)
                c.send(b"NOOP still here\r\n")
                lab.check(mx.wait(lambda m: len(server.commands) > before, 5),
                          "what the client says no longer reaches the server")
        event = session(lab, helo, "end-to-end")
        lab.same(event["session"]["ended_by"], how, f"{event}")
    lab.arrived(mx, d.user("client"))


@case("a reset on one side reaches the other, and the event says who ended it")
def reset(lab):
    mx = lab.mx(raw={})
    d = lab.domain("reset", mx=[mx])
    known(lab, mx, d)
    for settled in (False, True):
        for who in ("client", "server"):
            with own_session(lab, mx) as (c, helo):
                server = mx.sessions[-1]
                if settled:
                    lab.same(c.cmd("NOOP").code, 250, "NOOP")
                if who == "server":
                    server.reset()
                else:
                    sock = c.conn.sock
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    sock.close()
                lab.check(c.closed(5) if who == "server" else
                          mx.wait(lambda m: server.over, 5), f"a reset by the {who} is kept back")
            event = session(lab, helo, "end-to-end")
            lab.same(event["session"]["ended_by"], who, f"{event}")


@case("the daemon is restarted between two mails: the resumed session passes again", own={})
def restarted(lab):
    mx = lab.mx(raw={})
    d = lab.domain("restart", mx=[mx], sts=ENFORCE)
    known(lab, mx, d)
    first = deliver(lab, mx, d, "a")
    end_to_end(lab, mx, first)
    lab.same(lab.gateway.stop(), 0, "exit status")
    lab.gateway.start()
    second = deliver(lab, mx, d, "b", resume=first)
    lab.check(second.conn.resumed, "not resumed")
    end_to_end(lab, mx, second, 2, resumed=True, policy_domain=d.name)
    # Other trust anchors: what was proven under the old ones counts no longer.
    bundle = f"{lab.gateway.dir}/bundle.pem"
    with open(bundle, "w") as f:
        f.write(certs.read(certs.ca_file()) + certs.read(certs.DIR + "/stranger.pem"))
    lab.gateway.configure(tls={"ca-file": bundle})
    lab.same(lab.gateway.ctl("reload").returncode, 0, "reload")
    time.sleep(0.5)
    third = deliver(lab, mx, d, "c", resume=second)
    ended_here(lab, mx, third, "not-remembered")
    fourth = deliver(lab, mx, d, "d")
    end_to_end(lab, mx, fourth, 3, resumed=None)
    # A policy that is forgotten is fetched again: the domain uses the address all the same.
    lab.same(lab.gateway.ctl("policy", "forget", d.name).returncode, 0, "policy forget")
    fifth = deliver(lab, mx, d, "e", resume=fourth)
    end_to_end(lab, mx, fifth, 4, resumed=True, policy_domain=d.name)


@case("SIGTERM with a session end to end: it may finish its mail, an idle one ends in time", own={})
def drained(lab):
    mx = lab.mx(raw={}, delay={"dot": 1})
    d = lab.domain("drain", mx=[mx])
    known(lab, mx, d)
    start, status = time.time(), []
    stopper = threading.Thread(target=lambda: status.append(lab.gateway.stop(20)))
    with own_session(lab, mx) as (fresh, _), own_session(lab, mx) as (idle, _), \
            own_session(lab, mx) as (busy, _):
        # One that has said nothing since its EHLO, one between two mails, one within a mail.
        lab.same(idle.cmd("NOOP").code, 250, "NOOP")
        for line, code in ((f"MAIL FROM:<{SENDER}>", 250), (f"RCPT TO:<{d.user()}>", 250),
                           ("DATA", 354)):
            lab.same(busy.cmd(line).code, code, line)
        busy.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
        stopper.start()
        lab.same(busy.reply().code, 250, "the reply to a mail under way")
        busy.quit()
        lab.check(idle.closed(15) and fresh.closed(15), "idle sessions stay open")
        stopper.join()
    lab.same(status, [0], "exit status")
    lab.notes.append(f"stopped after {time.time() - start:.1f} s")
    lab.arrived(mx, d.user())
    lab.eventually(lambda: len(lab.gateway.events("session", dest_ip=mx.v4, action="closed",
                                                  path="inspect")) == 3, "the sessions' events")


@case("tls.min-version 1.0: an old client passes end to end where nothing is demanded, not else",
      own={"tls": {"min-version": '"1.0"'}})
def old_minimum(lab):
    old = dict(versions=("1.0", "1.1"))
    mx, strict = lab.mx(raw={}), lab.mx(raw={})
    d, e = lab.domain("old", mx=[mx]), lab.domain("old", mx=[strict], sts=ENFORCE)
    known(lab, mx, d), known(lab, strict, e)
    mail = deliver(lab, mx, d, context=rawtls.Context(**old))
    end_to_end(lab, mx, mail, version="TLSv1.1")
    mail = deliver(lab, strict, e, context=rawtls.Context(**old))
    ended_here(lab, strict, mail, "version-too-low")
    # What an old session has proven does not satisfy a policy that is published afterwards.
    sessions = rawtls.Context(**old)
    first = deliver(lab, mx, d, "first", context=sessions)
    end_to_end(lab, mx, first, 2, version="TLSv1.1")
    again = deliver(lab, mx, d, "again", context=sessions, resume=first)
    end_to_end(lab, mx, again, 3, version="TLSv1.1", resumed=True)
    f = lab.domain("new", mx=[mx], sts=ENFORCE)
    lab.check(known(lab, mx, f), "not accepted")
    ended_here(lab, mx, deliver(lab, mx, d, "last", context=sessions, resume=first),
               "version-too-low")


@case("a relay's own name decides for its address, whoever the recipient is")
def relay(lab):
    mx, elsewhere = lab.mx("relay", raw={}), lab.mx(raw={})
    d = lab.domain("relayed", mx=[elsewhere], sts=ENFORCE)
    lab.gateway = lab.another_gateway({"path": "inspect", "relays": {mx.name: {"level": "secure"}}})
    end_to_end(lab, mx, deliver(lab, mx, d), source="relay", policy_type="local")
    mx.use_certificate(certs.leaf("wrong-name", mx.name))
    mail = deliver(lab, mx, d, "b")
    ended_here(lab, mx, mail, "name-mismatch", delivered=False)
    refused(lab, mx, mail, d, "certificate-host-mismatch", code="4.7.5", source="relay")
    lab.untouched(*[])


@case("mode monitor: what is not proven is delivered from here, as would-refuse",
      own={"mode": "monitor"})
def monitor(lab):
    mx = lab.mx(cert="expired", raw={})
    d = lab.domain("monitor", mx=[mx], sts=ENFORCE)
    lab.check(known(lab, mx, d), "not accepted")
    ended_here(lab, mx, deliver(lab, mx, d), "expired|chain-expired|certificate-expired")
    lab.decision(d, "would-refuse", "certificate-expired", count=2)
    mx.use_certificate(certs.leaf("good", mx.name))
    end_to_end(lab, mx, deliver(lab, mx, d, "after"))
