# client.py - a raw SMTP client for what no MTA would send
# SPDX-License-Identifier: GPL-3.0-or-later
import socket
import ssl
import time


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3]) if lines and lines[-1][:3].isdigit() else 0
        self.text = " / ".join(lines)

    def __repr__(self):
        return f"<{self.text}>"


class Closed(Exception):
    """The other side ended the connection."""


class Raw:
    def __init__(self, ns, address, port=25, timeout=30, source=None):
        self.conn = ns.connect(address, port, timeout, source)
        self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.transcript = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.conn.close()

    def send(self, data):
        self.conn.sendall(data)

    def fill(self):
        try:
            data = self.conn.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def reply(self):
        """One whole reply."""
        lines = []
        while True:
            while b"\n" not in self.buffer:
                self.fill()
            line, _, self.buffer = self.buffer.partition(b"\n")
            lines.append(line.rstrip(b"\r").decode("utf-8", "replace"))
            if len(line) < 4 or line[3:4] != b"-":
                break
        reply = Reply(lines)
        self.transcript.append("<- " + reply.text)
        return reply

    def cmd(self, line):
        if isinstance(line, str):
            line = line.encode()
        self.transcript.append("-> " + line.decode("utf-8", "replace"))
        self.send(line + b"\r\n")
        return self.reply()

    def greet(self, name="raw.client.example", ehlo=True):
        """Greeting and EHLO; returns the extensions."""
        self.greeting = self.reply()
        if self.greeting.code != 220:
            return []
        return self.hello(name, ehlo)

    def hello(self, name="raw.client.example", ehlo=True):
        self.ehlo_reply = self.cmd(("EHLO " if ehlo else "HELO ") + name)
        return [line[4:].strip() for line in self.ehlo_reply.lines[1:]]

    def starttls(self, **options):
        """STARTTLS and handshake; the reply to the command. options: minimum, maximum, seclevel; or
        context, a rawtls.Context, and what its connections take."""
        reply = self.cmd("STARTTLS")
        if reply.code == 220:
            self.handshake(**options)
        return reply

    def handshake(self, minimum=None, maximum=None, seclevel=None, context=None, **options):
        if self.buffer:
            raise AssertionError(f"octets in the clear before TLS: {self.buffer!r}")
        if context is not None:
            self.conn = context.wrap(self.conn, **options)
            self.tls = self.conn.version()
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if seclevel is not None:
            context.set_ciphers(f"DEFAULT:@SECLEVEL={seclevel}")
        if minimum:
            context.minimum_version = minimum
        if maximum:
            context.maximum_version = maximum
        self.conn = context.wrap_socket(self.conn)
        self.tls = self.conn.version()

    def mail(self, sender, rcpts, body, options=""):
        """A whole transaction; (replies to RCPT, reply to the end of data or to DATA, or None)."""
        first = self.cmd(f"MAIL FROM:<{sender}>{options}")
        if first.code != 250:
            return [first] * len(rcpts), None
        replies = [self.cmd(f"RCPT TO:<{r}>") for r in rcpts]
        if not any(r.code // 100 == 2 for r in replies):
            try:
                self.cmd("RSET")
            except (Closed, OSError):
                pass	# after a 421, or where nothing good can follow
            return replies, None
        reply = self.cmd("DATA")
        if reply.code == 354:
            self.send(stuff(body) + b".\r\n")
            reply = self.reply()
        return replies, reply

    def quit(self):
        try:
            self.cmd("QUIT")
        except (Closed, OSError):
            pass
        self.close()

    def closed(self, timeout=10):
        """Whether the other side ends the connection within the time; what it said is kept."""
        end = time.time() + timeout
        try:
            while time.time() < end:
                self.conn.settimeout(max(0.1, end - time.time()))
                self.fill()
        except Closed:
            return True
        except TimeoutError:
            pass
        except OSError:
            return True
        return False


def stuff(body):
    """Dots doubled, and a line end at the end."""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..")
