# mxs.py - MXs that are not as most are: with leaves never seen before, without STARTTLS, far away
# SPDX-License-Identifier: GPL-3.0-or-later
import socket
import ssl
import subprocess
import sys
import threading
import time

import certs
import cpu
import peers
import place
import zones

FRESH, PLAIN, FAR = 10, 11, 12	# of place.FIRST
NEARER, FARTHER = 0.02, 0.1	# seconds: how far FarMx may be


class FreshMx(place.Mx):
    """Each session is shown a certificate that nobody has seen, of an issuer that was."""

    def __init__(self, ns):
        self.kind, self.tickets = "fresh", False
        self.name, self.domain, self.user = "mx-fresh.example", "fresh.example", "user@fresh.example"
        self.address = f"203.0.113.{place.FIRST + FRESH}"
        self.seat = cpu.Seat(ns, cpu.ENDS)
        self.process = peers.ready(self.seat.popen(
            [peers.BENCH + "smtp_sink", "-f", certs.DIR + "/public-issuer.key",
             certs.public(place.KINDS["P-256"], self.name), self.address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))


PLAIN_MX = """import asyncio, sys

async def serve(reader, writer):
    writer.write(b"220 plain.example ESMTP\\r\\n")
    try:
        while line := await reader.readline():
            ehlo = line[:4] == b"EHLO"
            writer.write(b"250-plain.example\\r\\n250 PIPELINING\\r\\n" if ehlo else b"250 ok\\r\\n")
            if line[:4] == b"QUIT":
                break
    except ConnectionError:
        pass
    writer.close()

async def main():
    server = await asyncio.start_server(serve, sys.argv[1], 25, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


class PlainMx(place.Mx):
    """Without STARTTLS and without a policy; it takes commands and no mail."""

    def __init__(self, ns):
        self.name, self.domain, self.user = "mx-plain.example", "plain.example", "user@plain.example"
        self.address = f"203.0.113.{place.FIRST + PLAIN}"
        self.seat = cpu.Seat(ns, cpu.ENDS)
        self.process = peers.ready(self.seat.popen([sys.executable, "-c", PLAIN_MX, self.address],
                                                   stdout=subprocess.PIPE, text=True))

    def publish(self):
        zones.change(add=[(self.name + ".", "A", self.address),
                          (self.domain + ".", "MX", f"10 {self.name}.")])


class FarMx(place.Mx):
    """Each answer takes `away` seconds, that to a ClientHello too."""

    def __init__(self, ns):
        self.away = NEARER
        self.name, self.domain, self.user = "mx-far.example", "far.example", "user@far.example"
        self.address = f"203.0.113.{place.FIRST + FAR}"
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certs.public(place.KINDS["P-256"], self.name))
        self.listener = ns.listen(self.address, 25)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn = self.listener.accept()[0]
            except OSError:
                return
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        try:
            self.talk(conn)
        except OSError:
            conn.close()

    def talk(self, conn):
        lines, data, tls = b"", False, False

        def say(*replies):
            time.sleep(self.away)
            conn.sendall(b"".join(r + b"\r\n" for r in replies))

        say(b"220 far.example ESMTP")
        while octets := conn.recv(4096):
            lines += octets
            replies = []
            while b"\n" in lines:
                line, _, lines = lines.partition(b"\n")
                verb = line[:4].upper()
                if data:
                    data = line != b".\r"
                    replies += [] if data else [b"250 taken"]
                elif verb == b"STAR":
                    say(b"220 go ahead")
                    conn.recv(1, socket.MSG_PEEK)
                    time.sleep(self.away)
                    conn, tls = self.tls.wrap_socket(conn, server_side=True), True
                else:
                    data = verb == b"DATA"
                    replies += [b"250-far.example", b"250-PIPELINING", b"250 8BITMIME" if tls else
                                b"250 STARTTLS"] if verb == b"EHLO" else \
                        [b"354 go ahead" if data else b"221 bye" if verb == b"QUIT" else b"250 ok"]
            if replies:
                say(*replies)
        conn.close()

    def stop(self):
        self.listener.close()


def add(p):
    """All of them, before what stands between begins: it may have to know them."""
    for kind, make in (("fresh", FreshMx), ("plain", PlainMx), ("far", FarMx)):
        p.mxs[kind, False] = mx = make(p.network.mx)
        mx.publish()
