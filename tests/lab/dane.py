# dane.py - TLSA records computed from certificates, and what cases of DANE have in common
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records are made here without OpenSSL's DANE, which is what they are to test."""
import base64
import functools
import hashlib
import re

import certs

SHORT = 150	# characters of a record that are compared: events cut long ones


@functools.lru_cache(maxsize=None)
def ders(path):
    """The certificates of a file, leaf first."""
    return [base64.b64decode(b) for b in
            re.findall("-----BEGIN CERTIFICATE-----(.*?)-----END", certs.read(path), re.S)]


def element(der, at):
    """Where the contents of the DER element begin, and where it ends."""
    size, start = der[at + 1], at + 2
    if size & 0x80:
        start += size & 0x7f
        size = int.from_bytes(der[at + 2:start], "big")
    return start, start + size


def public_key(der):
    """The SubjectPublicKeyInfo: the field behind the subject (RFC 5280 section 4.1)."""
    at = element(der, element(der, 0)[0])[0]
    if der[at] == 0xa0:		# version
        at = element(der, at)[1]
    for _ in ("serial", "algorithm", "issuer", "validity", "subject"):
        at = element(der, at)[1]
    return der[at:element(der, at)[1]]


def record(text, path):
    """TLSA rdata for the certificates of a file, as "3 1 1", with a fourth word at will:

    leaf (the default of usage 3), issuer (that of the others: the next one that is sent, if any),
    an authority's name (root, intermediate, ...), wrong (another certificate), or the data itself,
    in hexadecimal with an even number of digits."""
    usage, selector, matching, *of = text.split()
    of = of[0] if of else "leaf" if usage in ("1", "3") else "issuer"
    if re.fullmatch("([0-9a-f]{2})+", of):
        return text
    if of in ("leaf", "issuer"):
        der = ders(path)[-1 if of == "issuer" and len(ders(path)) < 2 else of == "issuer"]
    else:
        der = ders(f"{certs.DIR}/{'stranger' if of == 'wrong' else of}.pem")[0]
    data = public_key(der) if selector == "1" else der
    if matching in ("1", "2"):
        data = (hashlib.sha256 if matching == "1" else hashlib.sha512)(data).digest()
    return f"{usage} {selector} {matching} {data.hex()}"
