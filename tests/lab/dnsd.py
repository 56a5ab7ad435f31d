# dnsd.py - a name server that passes questions on, and spoils the answers it was told to spoil
# SPDX-License-Identifier: GPL-3.0-or-later
"""It stands before an authoritative server, or before the resolver as what a gateway asks. Honest
servers fail now and then; here they fail when a case says so, for one name and type at a time.

    servfail  the answer is SERVFAIL, refused REFUSED
    bogus     SERVFAIL with the extended error "DNSSEC Bogus", as a validating resolver says it
    unsigned  signatures and proofs are missing: bogus for whoever validates
    forged    the same, and the data is another
    drop      no answer, over UDP and TCP
    cut       truncated over UDP, and over TCP the connection ends without a word
    long      truncated over UDP, whole over TCP: what an honest server does
    late      the honest answer, after LATE seconds
    garbage   not a DNS message, behind the id
    short     the message ends in the middle of a record
    alias     of an alias the CNAME record alone, not what it leads to
    blind     the AD bit is missing: a resolver that does not validate"""
import socket
import struct
import threading
import time

import resolve

TYPES = {**resolve.TYPES, "NS": 2, "TXT": 16, "TLSA": 52}
HOW = ["servfail", "refused", "bogus", "unsigned", "forged", "drop", "cut", "long", "late",
       "garbage", "short", "alias", "blind"]
LATE = 2
QR, TC, AD = 0x80, 0x02, 0x20		# in the third, third and fourth octet
EDE_TEXT = b"made by the laboratory"
EDE_BOGUS = struct.pack(">HHH", 15, 2 + len(EDE_TEXT), 6) + EDE_TEXT	# RFC 8914


def asked(query):
    """The question's name without a last dot in lower case, its type, and where it ends."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0], at + 5


def without_do(query, end):
    """The query with the DO bit of its OPT record cleared."""
    opt = query.find(b"\0\0\x29", end)
    return query if opt < 0 else query[:opt + 7] + bytes([query[opt + 7] & 0x7f]) + query[opt + 8:]


class Server:
    """Listens on one IPv4 address of pst-mx, port 53. `upstream` is (address, port)."""

    def __init__(self, network, address, upstream):
        self.ns, self.upstream = network.mx, upstream
        self.rules = {}		# (name, type) -> one of HOW
        self.everywhere = None	# one of HOW for all questions that no rule names
        self.idle = 20		# seconds after which a TCP connection is closed
        self.seen = []		# (name, type) of every question
        self.udp = self.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 53))
        self.tcp = self.ns.listen(address, 53)
        threading.Thread(target=self.datagrams, daemon=True).start()
        threading.Thread(target=self.connections, daemon=True).start()

    def spoil(self, how, name, *kinds):
        """From now on these questions are answered like that; None: honestly."""
        assert how is None or how in HOW, how
        for kind in kinds:
            self.rules[name.lower(), TYPES[kind]] = how

    def times(self, name, kind):
        """How often the question was asked."""
        return self.seen.count((name.lower(), TYPES[kind]))

    def rule(self, query):
        name, kind, _ = asked(query)
        self.seen.append((name, kind))
        return self.rules.get((name, kind), self.everywhere)

    def datagrams(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            threading.Thread(target=self.datagram, args=(query, peer), daemon=True).start()

    def datagram(self, query, peer):
        how = self.rule(query)
        if how == "drop":
            return
        if how in ("cut", "long"):
            end = asked(query)[2]
            self.udp.sendto(query[:2] + bytes([query[2] | QR | TC, query[3] | 0x80]) +
                            query[4:6] + b"\0\0\0\0\0\0" + query[12:end], peer)
            return
        if (answer := self.answer(query, how, False)) is not None:
            self.udp.sendto(answer, peer)

    def connections(self):
        while True:
            conn, _ = self.tcp.accept()
            threading.Thread(target=self.connection, args=(conn,), daemon=True).start()

    def connection(self, conn):
        conn.settimeout(self.idle)
        try:
            with conn, conn.makefile("rb") as f:
                while len(size := f.read(2)) == 2:
                    query = f.read(struct.unpack(">H", size)[0])
                    how = self.rule(query)
                    if how == "cut":
                        return
                    if how == "drop":
                        continue
                    if (answer := self.answer(query, how, True)) is not None:
                        conn.sendall(struct.pack(">H", len(answer)) + answer)
        except OSError:
            pass

    def answer(self, query, how, tcp):
        """The answer to send, or None when upstream has none."""
        name, kind, end = asked(query)
        if how in ("servfail", "refused", "bogus"):
            return failure(query, end, 5 if how == "refused" else 2, how == "bogus")
        if how == "garbage":
            return query[:2] + b"\xff" * 60
        if how in ("unsigned", "forged"):
            query = without_do(query, end)
        if how == "late":
            time.sleep(LATE)
        if how == "alias":
            query = query[:end - 4] + struct.pack(">H", TYPES["CNAME"]) + query[end - 2:]
        answer = self.ask(query, tcp)
        if answer is None:
            return None
        if how == "alias":
            answer = answer[:end - 4] + struct.pack(">H", kind) + answer[end - 2:]
        if how == "blind":
            answer = answer[:3] + bytes([answer[3] & ~AD]) + answer[4:]
        if how == "short":
            answer = answer[:end + (len(answer) - end) // 2]
        if how == "forged":
            answer = forged(answer, end)
        return answer

    def ask(self, query, tcp):
        """What upstream says."""
        with self.ns.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
            s.settimeout(15)
            try:
                s.connect(self.upstream)
                if not tcp:
                    s.send(query)
                    return s.recv(65535)
                s.sendall(struct.pack(">H", len(query)) + query)
                with s.makefile("rb") as f:
                    return f.read(struct.unpack(">H", f.read(2))[0])
            except (OSError, struct.error):
                return None


def failure(query, end, rcode, bogus):
    head = query[:2] + bytes([query[2] | QR, 0x80 | rcode]) + query[4:6] + b"\0\0\0\0"
    if not bogus:
        return head + b"\0\0" + query[12:end]
    return head + b"\0\1" + query[12:end] + b"\0" + \
        struct.pack(">HHIH", 41, 1232, 0, len(EDE_BOGUS)) + EDE_BOGUS


def forged(answer, end):
    """The first octet of the first answer's data is changed; the second where that is a length."""
    if not struct.unpack(">H", answer[6:8])[0]:
        return answer
    at = end
    while answer[at]:
        if answer[at] & 0xc0:
            at += 1
            break
        at += 1 + answer[at]
    kind = struct.unpack(">H", answer[at + 1:at + 3])[0]
    at += 12 if kind in (TYPES["CNAME"], TYPES["NS"]) else 11
    return answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1:]
