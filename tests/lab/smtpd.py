# smtpd.py - the scripted MX: does what honest servers never do, and remembers every octet it got
# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
import re
import socket
import ssl
import struct
import threading
import time

import certs
import rawtls

LENIENT_END = re.compile(rb"(?:\r\n|\n|\r)\.(?:\r\n|\n|\r)")
EXTENSIONS = ["PIPELINING", "SIZE 104857600", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING",
              "SMTPUTF8"]


class Gone(Exception):
    """The session is over: by script, or because the peer left."""


class Message:
    def __init__(self, mail, rcpts, body, tls):
        self.mail, self.rcpts, self.body, self.tls = mail, rcpts, body, tls
        self.sha256 = hashlib.sha256(body).hexdigest()

    def __repr__(self):
        return f"<{self.mail} {self.rcpts} {len(self.body)} octets tls={self.tls}>"


class Session:
    def __init__(self, peer):
        self.peer = peer[0]
        self.tls = None		# TLS version once the handshake is done
        self.sni = None
        self.conn = None	# with Mx.raw
        self.over = False
        self.resets = False
        self.commands = []	# (line, whether TLS was on)
        self.messages = []
        self.injected = b""	# what the client had sent behind STARTTLS
        self.trouble = ""

    def reset(self):
        """The connection is reset instead of closed; with Mx.raw. The thread that reads must close
        it: a poll(2) that runs keeps the socket open without its descriptor, and goes on waiting
        when a socket of somebody else's has its number by then."""
        self.resets = True
        sock = self.conn.sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RD)	# wakes that thread, and tells the peer nothing

    def __repr__(self):
        return f"<session {self.peer} tls={self.tls} {self.commands} {self.trouble}>"


class Mx:
    """One host on one pair of addresses, port 25. Options set any attribute below.

    starttls: offer, none, masked, misspelt, greeting, 454, 502, 250, multi, inject, drop, silent,
              garbage (220, and then no TLS), long (a line without end)
    ehlo:     ok, or a reply code that refuses it; endless, mixed, barelf, huge, bad-code
    close_at: phases after which the connection is cut without a word: accept, greeting, ehlo,
              starttls, handshake, ehlo2, mail, rcpt, data, body, dot
    delay:    seconds before the answer in each of these phases
    replies:  {"RCPT": b"550 ...", "RCPT:name": ..., "DOT": ...}: replaces the good answer
    cut:      number of octets of the server's handshake that are sent before the end
    raw:      options of rawtls.Context, which does TLS then
    shape:    of its handshakes, see flights.py; needs raw"""

    starttls = "offer"
    ehlo = "ok"
    greeting = None
    extensions = EXTENSIONS
    extensions_tls = None	# None: the same
    close_at = ()
    cut = None
    bytewise = False
    lenient = False		# ends a body at a dot between any two line ends
    after_handshake = b""	# sent at once, before the client's second EHLO
    tls_max = None
    tls_min = None
    ciphers = None
    raw = None
    shape = None

    def __init__(self, network, name, addresses, cert="good", names=None, port=25, **options):
        self.name, self.cert_kind, self.port = name, cert, port
        self.names = names or [name]
        self.delay, self.replies, self.sessions = {}, {}, []
        for key, value in options.items():
            if not hasattr(self, key):
                raise TypeError(f"Mx has no option {key}")
            setattr(self, key, value)
        self.lock = threading.Condition()
        self.use_certificate(certs.leaf(cert, *self.names) if cert else None)
        self.ns, self.addresses, self.listeners = network.mx, [], []
        for address in addresses:
            self.listen(address)

    def listen(self, address):
        """Takes one more address."""
        listener = self.ns.listen(address, self.port)
        self.addresses.append(address)
        self.listeners.append(listener)
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def use_certificate(self, path):
        self.context, self.certificate = None, path
        if self.raw is not None:
            self.context = rawtls.Context(path, server=True, **self.raw)
        elif path:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(path)
            if self.tls_max or self.tls_min:
                self.context.set_ciphers(self.ciphers or "DEFAULT:@SECLEVEL=0")
                self.context.minimum_version = self.tls_min or ssl.TLSVersion.TLSv1
            if self.tls_max:
                self.context.maximum_version = self.tls_max

    def stop(self):
        """The host goes down: connections are refused from now on."""
        for listener in self.listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def accept(self, listener):
        while True:
            try:
                conn, peer = listener.accept()
            except OSError:
                return
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn.settimeout(120)
            session = Session(peer)
            with self.lock:
                self.sessions.append(session)
            threading.Thread(target=Dialogue(self, conn, session).run, daemon=True).start()

    # What a case asks afterwards.

    def messages(self, rcpt=None):
        with self.lock:
            found = [m for s in self.sessions for m in s.messages]
        return [m for m in found if rcpt is None or any(rcpt.lower() in r.lower() for r in m.rcpts)]

    def wait(self, condition, timeout=20):
        """Waits until condition(self) holds; returns its last value."""
        end = time.time() + timeout
        with self.lock:
            while not (value := condition(self)) and time.time() < end:
                self.lock.wait(0.2)
        return value

    def wait_message(self, rcpt=None, timeout=20, count=1):
        self.wait(lambda m: len(self.messages(rcpt)) >= count, timeout)
        found = self.messages(rcpt)
        return found[-1] if len(found) >= count else None

    def mail_commands(self, tls=None):
        """The MAIL, RCPT, DATA and BDAT commands that came in clear (tls=False), in TLS, or any."""
        with self.lock:
            return [c for s in self.sessions for c, t in s.commands
                    if c[:4].upper() in (b"MAIL", b"RCPT", b"DATA", b"BDAT", b"VRFY", b"EXPN")
                    and (tls is None or t == tls)]


class Dialogue:
    """One connection."""

    def __init__(self, mx, conn, session):
        self.mx, self.conn, self.session = mx, conn, session
        self.buffer = bytearray()
        self.mail, self.rcpts, self.chunks = None, [], bytearray()

    def run(self):
        try:
            self.talk()
        except Gone:
            pass
        except (OSError, ValueError) as e:
            self.session.trouble = repr(e)
        try:
            if not self.session.resets:
                self.conn.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.conn.close()
        with self.mx.lock:
            self.session.over = True
            self.mx.lock.notify_all()

    # Octets.

    def send(self, data):
        if self.mx.bytewise:
            for i in range(len(data)):
                self.conn.sendall(data[i:i + 1])
                time.sleep(0.001)
        else:
            self.conn.sendall(data)

    def fill(self):
        data = self.conn.recv(1 << 18)
        if not data:
            raise Gone
        self.buffer += data

    def line(self):
        while (end := self.buffer.find(b"\n")) < 0:
            self.fill()
        line = bytes(self.buffer[:end + 1])
        del self.buffer[:end + 1]
        return line.rstrip(b"\r\n")

    def phase(self, name):
        if name in self.mx.delay:
            time.sleep(self.mx.delay[name])
        if name in self.mx.close_at:
            raise Gone

    def answer(self, phase, default, *keys):
        """The scripted reply for this phase, or the good one."""
        self.phase(phase)
        for key in keys:
            if key in self.mx.replies:
                default = self.mx.replies[key]
                break
        self.send(default)
        return default

    # The dialogue.

    def talk(self):
        self.phase("accept")
        greeting = self.mx.greeting
        if greeting is None:
            greeting = b"220 " + self.mx.name.encode() + b" ESMTP lab"
            greeting += b" STARTTLS\r\n" if self.mx.starttls == "greeting" else b"\r\n"
        self.phase("greeting")
        self.send(greeting)
        if greeting[:1] != b"2":
            # A server that greets with 4xx or 5xx waits for QUIT.
            while self.line().upper() != b"QUIT":
                self.send(b"503 5.5.1 no\r\n")
            self.send(b"221 2.0.0 bye\r\n")
            raise Gone
        while True:
            line = self.line()
            with self.mx.lock:
                self.session.commands.append((line, self.session.tls is not None))
                self.mx.lock.notify_all()
            verb = line[:4].upper()
            handler = getattr(self, "do_" + verb.decode("ascii", "replace").strip().lower(), None)
            if handler is None:
                self.send(b"502 5.5.2 unknown\r\n")
            else:
                handler(line)

    def capabilities(self):
        mx = self.mx
        words = list(mx.extensions)
        if self.session.tls:
            return words if mx.extensions_tls is None else mx.extensions_tls
        if mx.starttls == "masked":
            words.append("XXXXXXXA")
        elif mx.starttls == "misspelt":
            words.append("STARTLS")
        elif mx.starttls not in ("none", "greeting"):
            words.append("STARTTLS")
        return words

    def do_ehlo(self, line):
        mx = self.mx
        self.reset()
        self.phase("ehlo2" if self.session.tls else "ehlo")
        lines = [mx.name.encode()] + [w.encode() for w in self.capabilities()]
        reply = b"".join(b"250-" + w + b"\r\n" for w in lines[:-1]) + b"250 " + lines[-1] + b"\r\n"
        if mx.ehlo == "ok" or (self.session.tls and mx.ehlo not in ("endless", "huge")):
            self.send(reply)
        elif mx.ehlo == "endless":
            while True:
                self.send(b"250-X-MORE and more and more\r\n" * 500)
        elif mx.ehlo == "huge":
            self.send(b"250-" + b"X" * 3000000 + b"\r\n" + reply)
        elif mx.ehlo == "mixed":
            self.send(reply.replace(b"250-STARTTLS", b"250-OTHER").replace(b"250 ", b"550 "))
        elif mx.ehlo == "barelf":
            self.send(reply.replace(b"\r\n", b"\n"))
        elif mx.ehlo == "bad-code":
            self.send(b"25x hello\r\n")
        else:
            self.send(mx.ehlo.encode() + b" 5.5.1 no EHLO here\r\n")

    def do_helo(self, line):
        self.reset()
        self.send(b"250 " + self.mx.name.encode() + b"\r\n")

    def do_star(self, line):
        how = self.mx.starttls
        self.phase("starttls")
        replies = {"454": b"454 4.7.0 TLS not available\r\n",
                   "502": b"502 5.5.1 not implemented\r\n",
                   "none": b"502 5.5.1 not implemented\r\n", "masked": b"502 5.5.1 what?\r\n",
                   "250": b"250 2.0.0 go\r\n", "multi": b"220-ready\r\n220 go\r\n",
                   "inject": b"220 2.0.0 go\r\n250-injected\r\n250 8BITMIME\r\n"}
        if how == "drop":
            raise Gone
        if how == "silent":
            time.sleep(600)
        if how == "long":
            while True:
                self.send(b"220 " + b"a" * 65536)
        if how == "garbage":
            self.send(b"220 go\r\n")
            time.sleep(0.2)
            self.send(b"This is not TLS at all, but some plain text.\r\n" * 20)
            raise Gone
        self.send(replies.get(how, b"220 2.0.0 go\r\n"))
        if how in ("454", "502", "none", "masked"):
            return
        self.session.injected = bytes(self.buffer)
        self.buffer.clear()
        self.phase("handshake")
        self.handshake()

    def handshake(self):
        context, session = self.mx.context, self.session
        if self.mx.raw is not None:
            session.conn = rawtls.Conn(context, self.conn, shape=self.mx.shape)
            session.conn.handshake()
            self.conn, session.tls, session.sni = session.conn, session.conn.version(), \
                session.conn.sni
            self.reset()
            return

        def sni(sock, name, context):
            session.sni = name or ""

        context.sni_callback = sni
        if self.mx.cut is not None:
            self.cut_handshake(context)
        self.conn = context.wrap_socket(self.conn, server_side=True)
        session.tls = self.conn.version()
        self.reset()
        if self.mx.after_handshake:
            self.send(self.mx.after_handshake)

    def cut_handshake(self, context):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        left = self.mx.cut
        while left > 0:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            data = outgoing.read()[:left]
            self.conn.sendall(data)
            left -= len(data)
            if left <= 0 or done:
                break
            got = self.conn.recv(65536)
            if not got:
                break
            incoming.write(got)
        raise Gone

    def reset(self):
        self.mail, self.rcpts, self.chunks = None, [], bytearray()

    def do_mail(self, line):
        reply = self.answer("mail", b"250 2.1.0 ok\r\n", "MAIL")
        if reply[:1] == b"2":
            self.reset()
            self.mail = line.decode("utf-8", "replace")

    def do_rcpt(self, line):
        text = line.decode("utf-8", "replace")
        local = re.match(r"RCPT TO:<\"?([^@\">]*)", text, re.I)
        key = "RCPT:" + (local.group(1) if local else "")
        reply = self.answer("rcpt", b"250 2.1.5 ok\r\n", key, "RCPT")
        if reply[:1] == b"2":
            self.rcpts.append(text)

    def do_data(self, line):
        if not self.rcpts and "DATA" not in self.mx.replies:
            self.send(b"503 5.5.1 no recipients\r\n")
            return
        reply = self.answer("data", b"354 go\r\n", "DATA")
        if reply[:1] != b"3":
            return
        self.store(self.body())

    def store(self, body):
        self.phase("dot")
        message = Message(self.mail, self.rcpts, body, self.session.tls)
        reply = self.mx.replies.get("DOT", b"250 2.0.0 stored\r\n")
        with self.mx.lock:
            if reply[:1] == b"2":
                self.session.messages.append(message)
            self.mx.lock.notify_all()
        self.send(reply)
        self.reset()

    def body(self):
        """Up to the end of data; dots unstuffed."""
        seen = 0
        while True:
            # The CRLF that ends DATA counts as the one before the dot.
            if self.buffer[:3] == b".\r\n":
                del self.buffer[:3]
                return b""
            if self.mx.lenient:
                found = LENIENT_END.search(self.buffer, max(0, seen - 5))
                start, end = found.span() if found else (-1, -1)
                # A CR that ends the match may have its LF still to come.
                if found and self.buffer[end - 1:end] == b"\r" and end == len(self.buffer):
                    start = -1
            else:
                start = self.buffer.find(b"\r\n.\r\n", max(0, seen - 5))
                end = start + 5
            if start >= 0:
                break
            seen = len(self.buffer)
            self.phase("body")
            self.fill()
        body = bytes(self.buffer[:start + 2])
        del self.buffer[:end]
        body = body.replace(b"\r\n..", b"\r\n.")
        return body[1:] if body[:2] == b".." else body

    def do_bdat(self, line):
        words = line.split()
        size = int(words[1])
        while len(self.buffer) < size:
            self.fill()
        self.chunks += self.buffer[:size]
        del self.buffer[:size]
        if not self.rcpts:
            self.send(b"503 5.5.1 no recipients\r\n")
        elif len(words) > 2 and words[2].upper() == b"LAST":
            self.store(bytes(self.chunks))
        else:
            self.send(b"250 2.0.0 chunk\r\n")

    def do_rset(self, line):
        self.reset()
        self.send(b"250 2.0.0 ok\r\n")

    def do_noop(self, line):
        self.send(b"250 2.0.0 ok\r\n")

    def do_vrfy(self, line):
        self.send(b"252 2.0.0 perhaps\r\n")

    def do_quit(self, line):
        self.send(b"221 2.0.0 bye\r\n")
        raise Gone
