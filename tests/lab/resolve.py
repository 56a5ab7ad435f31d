# resolve.py - a client's own DNS questions, over UDP or TCP, through the gateway
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import socket
import struct

import net

TYPES = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28}


def question(name, kind, payload=1232):
    """A query; payload 0: without EDNS, so that a long answer is truncated."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    opt = b"\0" + struct.pack(">HHIH", 41, payload, 0, 0) if payload else b""
    return (os.urandom(2) + struct.pack(">HHHHH", 0x0100, 1, 0, 0, bool(opt)) + labels +
            struct.pack(">HH", TYPES[kind], 1) + opt)


def ask(ns, name, kind, server=net.DNS4, tcp=False, timeout=5, payload=1232):
    """The answer's octets."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    query = question(name, kind, payload)
    with ns.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((server, 53))
        if not tcp:
            s.send(query)
            return s.recv(65535)
        s.sendall(struct.pack(">H", len(query)) + query)
        with s.makefile("rb") as f:
            return f.read(struct.unpack(">H", f.read(2))[0])


def truncated(answer):
    return bool(answer[2] & 2)


def rcode(answer):
    return answer[3] & 15


def learn(ns, domain, hosts, **how):
    """What an MTA asks before it dials: the MX set, and the addresses of each host."""
    ask(ns, domain, "MX", **how)
    for host in hosts:
        ask(ns, host, "A", **how)
        ask(ns, host, "AAAA", **how)
