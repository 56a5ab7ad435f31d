# flights.py - what becomes of a server's TLS handshake on its way out: shapes for rawtls.Conn
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shape is called with the connection and each batch of octets that OpenSSL would send during the
handshake. It yields pieces: octets, each sent in a segment of its own, a float for a pause in
seconds, None to hang up."""
import base64
import re

HANDSHAKE, CHANGE, ALERT = 22, 20, 21
SERVER_HELLO, NEW_TICKET, CERTIFICATE, KEY_EXCHANGE, HELLO_DONE = 2, 4, 11, 12, 14
HANDSHAKE_FAILURE = bytes.fromhex("15030300020228")
WARNING = bytes.fromhex("1503030002015a")	# user_canceled
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def record(kind, payload, version=b"\x03\x03"):
    return bytes([kind]) + version + len(payload).to_bytes(2, "big") + payload


def records(octets):
    """(kind, payload) of each."""
    while octets:
        size = int.from_bytes(octets[3:5], "big")
        yield octets[0], octets[5:5 + size]
        octets = octets[5 + size:]


def split(octets):
    """The handshake messages in clear, together, and the records behind them as they are."""
    clear = b""
    while octets and octets[0] == HANDSHAKE:
        size = 5 + int.from_bytes(octets[3:5], "big")
        clear, octets = clear + octets[5:size], octets[size:]
    return clear, octets


def messages(clear):
    """The messages, with their heads."""
    while clear:
        size = 4 + int.from_bytes(clear[1:4], "big")
        yield clear[:size]
        clear = clear[size:]


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def in_flight(conn):
    """Whether this is the client's own handshake: postern's offers TLS 1.3, theirs does not."""
    at = 5 + 4 + 2 + 32
    at += 1 + conn.hello[at]
    at += 2 + int.from_bytes(conn.hello[at:at + 2], "big")
    at += 1 + conn.hello[at] + 2
    while at < len(conn.hello):
        kind, size = conn.hello[at:at + 2], int.from_bytes(conn.hello[at + 2:at + 4], "big")
        if kind == b"\x00\x2b" and b"\x03\x04" in conn.hello[at + 4:at + 4 + size]:
            return False
        at += 4 + size
    return True


def only_in_flight(shape):
    """Honest towards postern itself."""
    def chosen_shape(conn, octets):
        return shape(conn, octets) if in_flight(conn) else [octets]
    return chosen_shape


# Honest ones, in other clothes.

def in_records(size):
    """As many records as are needed for `size` octets each."""
    def shape(conn, octets):
        clear, rest = split(octets)
        yield b"".join(record(HANDSHAKE, clear[i:i + size])
                       for i in range(0, len(clear), size)) + rest
    return shape


def by_message(conn, octets):
    """A record and a segment for each message."""
    clear, rest = split(octets)
    yield from [record(HANDSHAKE, m) for m in messages(clear)]
    if rest:
        yield rest


def in_segments(size):
    def shape(conn, octets):
        for i in range(0, len(octets), size):
            yield octets[i:i + size]
            yield 0.0003
    return shape


def hesitant(conn, octets):
    """A pause inside a head, inside a message and before the last octet."""
    for start, end in ((0, 3), (3, 40), (40, -1)):
        yield octets[start:end]
        yield 0.1
    yield octets[-1:]


def empty_records(conn, octets):
    """Records of no octets between the messages, which no honest server sends."""
    clear, rest = split(octets)
    yield b"".join(record(HANDSHAKE, m) + record(HANDSHAKE, b"") for m in messages(clear)) + rest


# Others.

def cut(size, after=1):
    """The end after so many octets of a flight."""
    def shape(conn, octets):
        if conn.flights < after:
            yield octets
        else:
            yield octets[:size]
            yield None
    return shape


def silent_end(seconds):
    """The last octets do not come, nor anything else, for that long; then the end."""
    def shape(conn, octets):
        yield octets[:-2]
        yield seconds
        yield None
    return shape


def before(octets_before):
    """Octets in front of the ServerHello."""
    def shape(conn, octets):
        yield (octets_before if conn.flights == 1 else b"") + octets
    return shape


def between(what):
    """Octets behind the first message."""
    def shape(conn, octets):
        clear, rest = split(octets)
        if conn.flights > 1:
            yield octets
            return
        first, *others = messages(clear)
        yield record(HANDSHAKE, first) + what + record(HANDSHAKE, b"".join(others)) + rest
    return shape


def reordered(conn, octets):
    """The certificate behind the key exchange."""
    clear, rest = split(octets)
    parts = list(messages(clear))
    if conn.flights == 1 and len(parts) > 3:
        parts[1], parts[2] = parts[2], parts[1]
    yield record(HANDSHAKE, b"".join(parts)) + rest if parts else rest


def without(kind):
    """A message is missing."""
    def shape(conn, octets):
        clear, rest = split(octets)
        clear = b"".join(m for m in messages(clear) if m[0] != kind)
        yield (record(HANDSHAKE, clear) if clear else b"") + rest
    return shape


def twice(kind):
    def shape(conn, octets):
        clear, rest = split(octets)
        clear = b"".join(m * (1 + (m[0] == kind)) for m in messages(clear))
        yield (record(HANDSHAKE, clear) if clear else b"") + rest
    return shape


def hello_of(version, extensions=b"", random=b"\x5a" * 32, suite=b"\xc0\x2f"):
    body = version + random + b"\0" + suite + b"\0"
    if extensions:
        body += len(extensions).to_bytes(2, "big") + extensions
    return message(SERVER_HELLO, body)


def chosen(hello):
    """The server's hello is replaced."""
    def shape(conn, octets):
        clear, rest = split(octets)
        parts = list(messages(clear))
        if parts and parts[0][0] == SERVER_HELLO:
            parts[0] = hello
        yield (record(HANDSHAKE, b"".join(parts)) if parts else b"") + rest
    return shape


TLS13 = hello_of(b"\x03\x03", bytes.fromhex("002b00020304"))
RETRY = hello_of(b"\x03\x03", bytes.fromhex("002b00020304"), RETRY_RANDOM)
SSL3 = hello_of(b"\x03\x00")
DOWNGRADED = hello_of(b"\x03\x02", b"", b"\x5a" * 24 + b"DOWNGRD\x00", b"\xc0\x0a")
RAW_KEY = hello_of(b"\x03\x03", bytes.fromhex("0014000102"))


# Somebody without the key.

def certificates(path):
    """The Certificate message for the chain in this file."""
    with open(path) as f:
        blocks = re.findall("-----BEGIN CERTIFICATE-----(.*?)-----END", f.read(), re.S)
    chain = b"".join(len(der).to_bytes(3, "big") + der for der in map(base64.b64decode, blocks))
    return message(CERTIFICATE, len(chain).to_bytes(3, "big") + chain)


def stolen(path):
    """The honest chain in the place of our own; the signature stays ours."""
    honest = certificates(path)

    def shape(conn, octets):
        clear, rest = split(octets)
        clear = b"".join(honest if m[0] == CERTIFICATE else m for m in messages(clear))
        yield (record(HANDSHAKE, clear) if clear else b"") + rest
    return shape


def replayed(flight):
    """What the honest server once said to somebody else."""
    def shape(conn, octets):
        yield flight
    return shape


def kept(into):
    """An honest flight that is remembered."""
    def shape(conn, octets):
        into.append(octets)
        yield octets
    return shape


def pretended(suite):
    """The session that the client offers is resumed, without its secret."""
    def shape(conn, octets):
        offered = conn.hello[43:44 + conn.hello[43]]
        body = b"\x03\x03" + b"\x5a" * 32 + offered + suite + b"\0"
        # The extended master secret goes with the session (RFC 7627 5.3).
        body += bytes.fromhex("0009ff01000100") + bytes.fromhex("00170000")
        yield record(HANDSHAKE, message(SERVER_HELLO, body)) + record(CHANGE, b"\x01") + \
            record(HANDSHAKE, b"\x00" * 40)
    return shape


def flipped_ticket(conn, octets):
    """An octet of the NewSessionTicket is changed on the way."""
    clear, rest = split(octets)
    clear = b"".join(m[:-1] + bytes([m[-1] ^ 1]) if m[0] == NEW_TICKET else m
                     for m in messages(clear))
    yield (record(HANDSHAKE, clear) if clear else b"") + rest
