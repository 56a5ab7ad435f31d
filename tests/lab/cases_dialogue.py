# cases_dialogue.py - the SMTP dialogue: old clients, extensions, several recipients, bodies
# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
import random
import socket
import ssl
import time

import client
from runner import case

ENFORCE = dict(mode="enforce")
SENDER = "sender@client.example"


def pair(lab, mx, sts=ENFORCE):
    """A domain that mx may serve, and one whose policy names another host."""
    good = lab.domain("good", mx=[mx], sts=sts)
    bad = lab.domain("bad", mx=[mx], sts=dict(mode="enforce", mx=["mx.elsewhere.example"]))
    return good, bad


@case("a client that knows HELO only: its mail goes out over proven TLS")
def helo(lab):
    mx = lab.mx()
    d = lab.domain("helo", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        lab.same(c.greet(ehlo=False), [], "a HELO reply of one line")
        _, end = c.mail(SENDER, [d.user()], b"Subject: helo\r\n\r\nhello\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
        c.quit()
    lab.arrived(mx, d.user(), tls=True)
    lab.decision(d, "pass", "success", starttls="offered", helo="raw.client.example")
    lab.check(mx.sessions[-1].commands[0][0].startswith(b"EHLO"), "the server heard no EHLO")


@case("two domains in one session: one passes, one is refused")
def two_in_session(lab):
    mx = lab.mx()
    good, bad = pair(lab, mx)
    with lab.raw(mx) as c:
        c.greet()
        for rcpt, code in ((good, 250), (bad, 451), (good, 250)):
            replies, end = c.mail(SENDER, [rcpt.user()], b"Subject: x\r\n\r\nx\r\n")
            lab.same(replies[0].code, code, f"{c.transcript}")
        c.quit()
    lab.arrived(mx, good.user(), count=2)
    lab.check(not mx.messages(bad.user()), "the refused recipient's mail arrived")
    lab.decision(good, "pass", count=2)
    lab.decision(bad, "refuse", reason_code="mx-mismatch")


@case("two domains in one transaction: one recipient passes, one is refused")
def two_in_transaction(lab):
    mx = lab.mx()
    for first, tag in ((0, "a"), (1, "b")):
        both = pair(lab, mx)
        with lab.raw(mx) as c:
            c.greet()
            order = [both[first], both[1 - first]]
            replies, end = c.mail(SENDER, [r.user(tag) for r in order], b"Subject: x\r\n\r\nx\r\n")
            got = {r.name: reply.code for r, reply in zip(order, replies)}
            lab.same(got, {both[0].name: 250, both[1].name: 451}, f"{c.transcript}")
            lab.same(end.code, 250, f"{c.transcript}")
            c.quit()
        message = lab.arrived(mx, both[0].user(tag))
        lab.same(len(message.rcpts), 1, "recipients that arrived")
        lab.decision(both[0], "pass")
        lab.decision(both[1], "refuse")


@case("many recipients of one domain: one decision, each recipient's own reply")
def many_recipients(lab):
    mx = lab.mx(replies={"RCPT:no": b"550 5.1.1 no such user\r\n"})
    d = lab.domain("many", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        names = [d.user(n) for n in ("a", "b", "no", "c")]
        replies, end = c.mail(SENDER, names, b"Subject: x\r\n\r\nx\r\n")
        lab.same([r.code for r in replies], [250, 250, 550, 250], f"{c.transcript}")
        c.quit()
    lab.same(len(lab.arrived(mx, d.user("a")).rcpts), 3, "recipients")
    lab.decision(d, "pass")


@case("pipelined MAIL, RCPT and DATA: replies in order, refused recipients get no body")
def pipelined(lab):
    mx = lab.mx()
    good, bad = pair(lab, mx)
    with lab.raw(mx) as c:
        lab.check("PIPELINING" in c.greet(), "PIPELINING is offered")
        c.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{good.user('p')}>\r\n"
               f"RCPT TO:<{bad.user('p')}>\r\nRCPT TO:<{good.user('q')}>\r\nDATA\r\n".encode())
        codes = [c.reply().code for _ in range(5)]
        lab.same(codes, [250, 250, 451, 250, 354], f"{c.transcript}")
        c.send(b"Subject: p\r\n\r\npipelined\r\n.\r\nQUIT\r\n")
        lab.same([c.reply().code, c.reply().code], [250, 221], f"{c.transcript}")
    lab.same(len(lab.arrived(mx, good.user("p")).rcpts), 2, "recipients")


@case("pipelined DATA after refused recipients only: 503, the body is never taken")
def pipelined_refused(lab):
    mx = lab.mx()
    good, bad = pair(lab, mx)
    with lab.raw(mx) as c:
        c.greet()
        c.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{bad.user()}>\r\nDATA\r\nRSET\r\n".encode())
        codes = [c.reply().code for _ in range(4)]
        lab.check(codes[:2] == [250, 451] and codes[2] in (503, 554) and codes[3] == 250,
                  f"{c.transcript}")
        _, end = c.mail(SENDER, [good.user()], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
    lab.check(not mx.messages(bad.user()), "a refused mail arrived")


@case("several messages in a session, with RSET, NOOP and VRFY between them")
def several(lab):
    mx = lab.mx()
    d = lab.domain("several", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        lab.same(c.cmd("NOOP").code, 250, "NOOP")
        lab.same(c.cmd(f"VRFY {d.user()}").code, 252, "VRFY before a verdict")
        for i in range(5):
            _, end = c.mail(SENDER, [d.user(f"m{i}")], b"Subject: %d\r\n\r\nbody %d\r\n" % (i, i))
            lab.same(end.code, 250, f"{c.transcript}")
            lab.same(c.cmd("RSET").code, 250, "RSET")
        c.quit()
    for i in range(5):
        body = lab.arrived(mx, d.user(f"m{i}")).body
        lab.same(body, b"Subject: %d\r\n\r\nbody %d\r\n" % (i, i), "the body")
    lab.same(len(mx.sessions), 1, "sessions at the MX")
    lab.decision(d, "pass", count=5)
    lab.check(not any(b"VRFY" in s for s, tls in mx.sessions[0].commands if not tls),
              "VRFY went out in clear")


@case("client STARTTLS, modern: own certificate, TLS 1.3, mail arrives")
def client_tls(lab):
    mx = lab.mx()
    d = lab.domain("ctls", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        lab.check("STARTTLS" in c.greet(), f"STARTTLS is not offered: {c.ehlo_reply}")
        c.starttls()
        lab.same(c.tls, "TLSv1.3", "TLS version")
        lab.check("STARTTLS" not in c.hello(), "STARTTLS is offered twice")
        _, end = c.mail(SENDER, [d.user()], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
        c.quit()
    lab.arrived(mx, d.user(), tls=True)


@case("client STARTTLS, TLS 1.0 with SECLEVEL=0: an old client is served, the MX sees modern TLS")
def client_old_tls(lab):
    mx = lab.mx(tls_min=ssl.TLSVersion.TLSv1_2, ciphers="DEFAULT")
    d = lab.domain("ctls10", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        c.starttls(minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1, seclevel=0)
        lab.same(c.tls, "TLSv1", "TLS version")
        c.hello()
        _, end = c.mail(SENDER, [d.user()], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
    lab.same(lab.arrived(mx, d.user()).tls, "TLSv1.3", "TLS version at the MX")


@case("client tls: none offers no STARTTLS; AUTH and XCLIENT never pass")
def auth(lab):
    gateway = lab.another_gateway({"client": {"tls": "none"}})
    mx = lab.mx(extensions=["PIPELINING", "AUTH PLAIN LOGIN", "XCLIENT NAME ADDR", "XFORWARD NAME",
                            "SIZE 1000000", "X-UNKNOWN", "8BITMIME"])
    d = lab.domain("auth", mx=[mx], sts=ENFORCE)
    with lab.raw(mx, gateway) as c:
        words = " ".join(c.greet())
        for word in ("STARTTLS", "AUTH", "XCLIENT", "XFORWARD", "X-UNKNOWN"):
            lab.check(word not in words, f"{word} is offered: {words}")
        lab.has(words, "SIZE 1000000", "extensions")
        lab.same(c.cmd("AUTH PLAIN AGEAYgBj").code, 502, "AUTH")
        lab.same(c.cmd("STARTTLS").code, 502, "STARTTLS")
        lab.check(c.cmd("XCLIENT ADDR=192.0.2.9").code >= 500, "XCLIENT")
        _, end = c.mail(SENDER, [d.user()], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
    lab.arrived(mx, d.user())
    seen = b" ".join(line for line, _ in mx.sessions[-1].commands)
    lab.check(b"AUTH" not in seen and b"XCLIENT" not in seen, "AUTH or XCLIENT went out")


ENDS = {"LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CR.CR": b"\r.\r", "CR.CRLF": b"\r.\r\n",
        "CRLF.LF": b"\r\n.\n", "CRLF.CR": b"\r\n.\r", "LF.CR": b"\n.\r", "CR.LF": b"\r.\n",
        "CRLF NUL .CRLF": b"\r\n\0.\r\n", "CRLF. NUL CRLF": b"\r\n.\0\r\n"}

for label, end in ENDS.items():
    @case(f"smuggling with {label}: refused, nothing reaches a lenient server (CVE-2023-51764)")
    def smuggling(lab, end=end):
        mx = lab.mx(lenient=True)
        d = lab.domain("smuggle", mx=[mx], sts=ENFORCE)
        evil = (f"MAIL FROM:<evil@client.example>\r\nRCPT TO:<{d.user('smuggled')}>\r\nDATA\r\n"
                "Subject: smuggled\r\n\r\nsmuggled").encode()
        with lab.raw(mx) as c:
            c.greet()
            c.cmd(f"MAIL FROM:<{SENDER}>")
            c.cmd(f"RCPT TO:<{d.user()}>")
            lab.same(c.cmd("DATA").code, 354, f"{c.transcript}")
            c.send(b"Subject: outer\r\n\r\nouter" + end + evil + b"\r\n.\r\n")
            reply = c.reply()
            lab.has(reply.text, "^554 5.6.0", "the end of data")
        time.sleep(0.3)
        lab.check(not mx.messages(), f"arrived: {mx.messages()}")


@case("smuggling cut at every octet between segments is refused all the same")
def smuggling_segments(lab):
    for end in (b"\n.\n", b"\r\n.\n", b"\r.\r\n"):
        for split in range(1, len(end)):
            mx = lab.mx(lenient=True)
            d = lab.domain("smuggle", mx=[mx], sts=ENFORCE)
            with lab.raw(mx) as c:
                c.greet()
                c.cmd(f"MAIL FROM:<{SENDER}>")
                c.cmd(f"RCPT TO:<{d.user()}>")
                c.cmd("DATA")
                c.send(b"Subject: outer\r\n\r\nouter" + end[:split])
                time.sleep(0.1)
                c.send(end[split:] + b"tail\r\n.\r\n")
                lab.has(c.reply().text, "^554 5.6.0", "the end of data")
            time.sleep(0.1)
            lab.check(not mx.messages(), f"arrived: {mx.messages()}")


@case("a body with bare CR, bare LF, NUL and dots elsewhere passes byte for byte")
def odd_body(lab):
    mx = lab.mx()
    d = lab.domain("odd", mx=[mx], sts=ENFORCE)
    body = (b"Subject: odd\r\n\r\na\nb\rc\0d\r\n.leading\r\n..\r\n...\r\nx.\r\n\n\n\r\r\r\n" +
            bytes(range(256)).replace(b"\n.", b"") + b"\r\n.\r\n\r\n")
    with lab.raw(mx) as c:
        c.greet()
        _, end = c.mail(SENDER, [d.user()], body)
        lab.same(end.code, 250, f"{c.transcript}")
    lab.same(lab.arrived(mx, d.user()).body, body, "the body")


@case("an empty body, a body of one dot, and a body in single octets pass unchanged")
def small_bodies(lab):
    mx = lab.mx()
    d = lab.domain("small", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        for i, body in enumerate((b"", b".\r\n", b"a", b"Subject: x\r\n\r\nslow and steady\r\n")):
            c.cmd(f"MAIL FROM:<{SENDER}>")
            c.cmd(f"RCPT TO:<{d.user(str(i))}>")
            lab.same(c.cmd("DATA").code, 354, f"{c.transcript}")
            data = client.stuff(body) + b".\r\n" if body else b".\r\n"
            for octet in data:
                c.send(bytes([octet]))
                time.sleep(0.002)
            lab.same(c.reply().code, 250, f"{c.transcript}")
            want = body if not body or body.endswith(b"\r\n") else body + b"\r\n"
            lab.same(lab.arrived(mx, d.user(str(i))).body, want, "the body")


@case("BDAT: chunks are counted, not read for ends; several chunks are one mail (RFC 3030)")
def bdat(lab):
    mx = lab.mx()
    d = lab.domain("bdat", mx=[mx], sts=ENFORCE)
    chunks = [b"Subject: x\r\n\r\n.\r\nMAIL FROM:<evil@client.example>\r\n.\r\n", b"",
              b"\n.\n\0" * 9, b"last without an end of line"]
    with lab.raw(mx) as c:
        lab.check("CHUNKING" in c.greet(), "CHUNKING is offered")
        c.cmd(f"MAIL FROM:<{SENDER}>")
        c.cmd(f"RCPT TO:<{d.user()}>")
        for chunk in chunks[:-1]:
            c.send(b"BDAT %d\r\n" % len(chunk) + chunk)
            lab.same(c.reply().code, 250, f"{c.transcript}")
        c.send(b"BDAT %d LAST\r\n" % len(chunks[-1]) + chunks[-1])
        lab.same(c.reply().code, 250, f"{c.transcript}")
        c.quit()
    lab.same(lab.arrived(mx, d.user()).body, b"".join(chunks), "the body")


@case("BDAT after a refused recipient: the chunk is swallowed, not sent, not read as commands")
def bdat_refused(lab):
    mx = lab.mx()
    good, bad = pair(lab, mx)
    evil = f"MAIL FROM:<evil@client.example>\r\nRCPT TO:<{good.user('evil')}>\r\n".encode()
    with lab.raw(mx) as c:
        c.greet()
        c.cmd(f"MAIL FROM:<{SENDER}>")
        lab.same(c.cmd(f"RCPT TO:<{bad.user()}>").code, 451, f"{c.transcript}")
        c.send(b"BDAT %d LAST\r\n" % len(evil) + evil)
        lab.check(c.reply().code in (503, 554), f"{c.transcript}")
        lab.same(c.cmd("RSET").code, 250, f"{c.transcript}")
    seen = [line for s in mx.sessions for line, _ in s.commands if b"evil" in line]
    lab.check(not seen, f"arrived: {seen}")


@case("8BITMIME, SIZE, DSN and SMTPUTF8 parameters arrive as they were given")
def parameters(lab):
    mx = lab.mx()
    d = lab.domain("params", mx=[mx], sts=ENFORCE)
    body = "Subject: gr\u00fc\u00dfe\r\n\r\n\u00e4\u00f6\u00fc\r\n".encode()
    mail = f"MAIL FROM:<{SENDER}> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159"
    rcpt = f"RCPT TO:<gr\u00fc\u00dfe@{d.name}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@b.example"
    with lab.raw(mx) as c:
        words = c.greet()
        for word in ("8BITMIME", "DSN", "SMTPUTF8", "SIZE 104857600", "ENHANCEDSTATUSCODES"):
            lab.check(word in words, f"{word} is not offered: {words}")
        lab.same(c.cmd(mail).code, 250, f"{c.transcript}")
        lab.same(c.cmd(rcpt).code, 250, f"{c.transcript}")
        lab.same(c.cmd("DATA").code, 354, f"{c.transcript}")
        c.send(body + b".\r\n")
        lab.same(c.reply().code, 250, f"{c.transcript}")
    message = lab.arrived(mx, d.name)
    lab.same((message.mail, message.rcpts[0], message.body), (mail, rcpt, body), "what arrived")


@case("an extension the server dropped after TLS is a 451, not a surprise")
def dropped_extension(lab):
    mx = lab.mx(extensions_tls=["PIPELINING", "SIZE 100000"])
    d = lab.domain("dropped", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        first = c.cmd(f"MAIL FROM:<{SENDER}> BODY=8BITMIME SMTPUTF8")
        reply = c.cmd(f"RCPT TO:<{d.user()}>") if first.code == 250 else first
        lab.has(reply.text, "^451 4.7.0 postern", "RCPT")
        c.cmd("RSET")
        _, end = c.mail(SENDER, [d.user("plain")], b"Subject: x\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
    lab.arrived(mx, d.user("plain"))


HIDING = ['<user@{bad}.>', '<user@@{bad}>', '<"user@{good}"@{bad}>', '<@{good}:user@{bad}>',
          '<user@{good}@{bad}>', '<user@{bad}%{good}>', '<user @{bad}>', 'user@{bad}', '<{bad}>',
          '<user@{bad}', '<user@{bad}>>', '<user@{bad},x@{good}>', '<user@[{good}]>',
          '<user%{bad}@{bad}>', '<user@{BAD}>', '<user@{good}\0@{bad}>']


@case("recipient syntax hides no domain: what is odd is refused or judged by its own domain")
def hiding(lab):
    mx = lab.mx()
    good, bad = pair(lab, mx)
    for spelt in HIDING:
        text = spelt.format(good=good.name, bad=bad.name, BAD=bad.name.upper())
        with lab.raw(mx) as c:
            c.greet()
            c.cmd(f"MAIL FROM:<{SENDER}>")
            try:
                reply = c.cmd(f"RCPT TO:{text}")
                lab.check(reply.code >= 400, f"RCPT TO:{text}: {reply}")
            except client.Closed:
                pass	# NUL may end the session
    seen = [c for c in mx.mail_commands() if bad.name.encode() in c.lower()]
    lab.check(not seen, f"arrived: {seen}")


@case("bare LF, NUL and overlong lines in commands end the session or are refused")
def bad_commands(lab):
    mx = lab.mx()
    d = lab.domain("lines", mx=[mx], sts=ENFORCE)
    for line in (b"MAIL FROM:<%s>\nRCPT TO:<%s>\r\n" % (SENDER.encode(), d.user("lf").encode()),
                 b"NOOP \0\r\n", b"MAIL FROM:<" + b"a" * 5000 + b"@x.example>\r\n",
                 b"MAIL FROM:<%s>\rRCPT TO:<%s>\r\n" % (SENDER.encode(), d.user("cr").encode())):
        with lab.raw(mx) as c:
            c.greet()
            c.send(line)
            try:
                lab.check(c.reply().code >= 400, f"{line[:60]!r}: {c.transcript}")
            except client.Closed:
                pass
    lab.untouched(mx)


def lines(size, seed):
    """A body of that size, of lines that cannot be guessed, some with leading dots."""
    source = random.Random(seed)
    block = b"".join((b"." if i % 7 == 0 else b"") + source.randbytes(36).hex().encode() + b"\r\n"
                     for i in range(14000))
    return (block * (size // len(block) + 1))[:size - 2] + b"\r\n"


@case("64 MiB byte for byte, client in clear", alone=True)
def big(lab):
    big_body(lab, False)


@case("64 MiB byte for byte, client over TLS", alone=True)
def big_tls(lab):
    big_body(lab, True)


def big_body(lab, tls):
    mx = lab.mx()
    d = lab.domain("big", mx=[mx], sts=ENFORCE)
    body = lines(64 << 20, 1)
    with lab.raw(mx, timeout=120) as c:
        c.greet()
        if tls:
            c.starttls()
            c.hello()
        start = time.time()
        _, end = c.mail(SENDER, [d.user()], body)
        lab.same(end.code, 250, f"{end}")
        lab.notes.append(f"{(64 << 20) / 1e6 / (time.time() - start):.0f} MB/s")
    message = lab.arrived(mx, d.user(), tls=True)
    lab.same(message.sha256, hashlib.sha256(body).hexdigest(), "sha256")


@case("a client that half-closes after QUIT still gets its replies")
def half_close(lab):
    mx = lab.mx()
    d = lab.domain("half", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        c.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{d.user()}>\r\nDATA\r\n".encode())
        lab.same([c.reply().code for _ in range(3)], [250, 250, 354], f"{c.transcript}")
        c.send(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
        c.conn.shutdown(socket.SHUT_WR)
        lab.same([c.reply().code, c.reply().code], [250, 221], f"{c.transcript}")
    lab.arrived(mx, d.user())


@case("a client that vanishes inside the body leaves no mail behind")
def vanish(lab):
    mx = lab.mx()
    d = lab.domain("vanish", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        c.cmd(f"MAIL FROM:<{SENDER}>")
        c.cmd(f"RCPT TO:<{d.user()}>")
        c.cmd("DATA")
        c.send(b"Subject: half\r\n\r\nhalf a mail\r\n")
    time.sleep(1)
    lab.check(not mx.messages(), "half a mail arrived")


for phase in ("greeting", "ehlo", "ehlo2", "mail", "rcpt", "data", "body", "dot"):
    @case(f"a server that drops the connection at {phase}: the client keeps its mail")
    def drops(lab, phase=phase):
        mx = lab.mx(close_at=(phase,))
        d = lab.domain("drops", mx=[mx], sts=ENFORCE)
        try:
            told = lab.send(d.user(), client="raw", server=mx.v4)
            lab.same(told.status, "deferred", f"{told}")
        except client.Closed:
            lab.check(phase in ("body", "dot"), f"no reply when the server drops at {phase}")
        except OSError:
            lab.check(phase in ("body", "dot"), f"reset when the server drops at {phase}")
        lab.check(not mx.messages(), "stored")


@case("a server that greets 421 or 554, or is down: 421 4.4.1, and Postfix goes to the next MX")
def mx_down(lab):
    for how in (dict(greeting=b"421 4.3.2 closing\r\n"), dict(greeting=b"554 5.3.2 go away\r\n"),
                dict(listen=False), dict(ehlo="502")):
        first, second = lab.mx("first", **how), lab.mx("second")
        d = lab.domain("next", mx=[first, second], sts=ENFORCE)
        lab.sent(lab.send(d.user()))
        lab.arrived(second, d.user(), tls=True)
        if "ehlo" in how:
            continue
        with lab.raw(first) as c:
            lab.has(c.reply().text, r"^421 4\.4\.1 ", f"greeting with {how}")


@case("a refused first MX: Postfix and Exim go on to the second, which passes (R35 R42)")
def next_mx(lab):
    for sender in ("postfix", "exim"):
        first, second = lab.mx("first", cert="expired"), lab.mx("second")
        d = lab.domain("next", mx=[first, second], sts=ENFORCE)
        lab.sent(lab.send(d.user(), client=sender))
        lab.arrived(second, d.user(), tls=True)
        lab.decision(d, "pass", count=2, mx_host=second.name)
        lab.untouched(first)


@case("permanent replies of the server reach the client unchanged")
def permanent(lab):
    mx = lab.mx(replies={"RCPT:no": b"550-5.1.1 no such\r\n550 5.1.1 user\r\n",
                         "DOT": b"552 5.3.4 too big\r\n"})
    d = lab.domain("perm", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        replies, end = c.mail(SENDER, [d.user("no"), d.user()], b"Subject: x\r\n\r\nx\r\n")
        lab.same(replies[0].lines, ["550-5.1.1 no such", "550 5.1.1 user"], "RCPT")
        lab.same(end.text, "552 5.3.4 too big", "the end of data")


@case("a MAIL that the server refuses is told at RCPT")
def mail_refused(lab):
    mx = lab.mx(replies={"MAIL": b"550 5.7.1 no mail from you\r\n"})
    d = lab.domain("mailno", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        replies, _ = c.mail(SENDER, [d.user()], b"x\r\n")
        lab.has(replies[0].text, "^550 5.7.1 no mail from you", "RCPT")


@case("the null sender and postmaster pass")
def null_sender(lab):
    mx = lab.mx()
    d = lab.domain("null", mx=[mx], sts=ENFORCE)
    with lab.raw(mx) as c:
        c.greet()
        _, end = c.mail("", [d.user("postmaster")], b"Subject: bounce\r\n\r\nx\r\n")
        lab.same(end.code, 250, f"{c.transcript}")
    lab.has(lab.arrived(mx, d.user("postmaster")).mail, "^MAIL FROM:<>", "the sender")
