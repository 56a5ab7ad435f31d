# dane_table.py - combinations of TLSA records and certificates, and hosts that have them
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three look at the same table: Postfix's own DANE (so that the table is right), the upgrade path
and the inspect path."""
import dane
import smtpd
import zones
from lab import Domain

# What is wrong: RFC 8460's result type, and our reason code.
FAULTS = {"unmatched": ("tlsa-invalid", "tlsa-unmatched"),
          "expired": ("certificate-expired", "chain-expired"),
          "invalid": ("certificate-not-trusted", "chain-invalid"),
          "name": ("certificate-host-mismatch", "name-mismatch")}
EXACT = ("cn-only", "partial-wildcard", "inner-wildcard", "nul-in-name")


class Row:
    """A certificate (see certs.leaf), records (see dane.record), and what comes of them: "ee" or
    "ta", as the usage is that matches; "unusable", or one of FAULTS. depth: where the chain meets the
    record, None where that is not told."""

    def __init__(self, kind, records, want, depth=None):
        self.kind, self.want = kind, want
        self.records = [records] if isinstance(records, str) else records
        self.depth = 0 if want == "ee" else depth

    def __repr__(self):
        return f"{self.kind} certificate, {', '.join(self.records)}: {self.want}"

    @property
    def good(self):
        return self.want not in FAULTS


FORMS = [f"{selector} {matching}" for selector in "01" for matching in "012"]


def matrix():
    """Every usage, selector and matching type, good and bad, alone and while keys change."""
    for form in FORMS:
        yield Row("whole", f"3 {form}", "ee")
        yield Row("whole", f"3 {form} wrong", "unmatched")
        yield Row("whole", f"2 {form} intermediate", "ta", 1)
        yield Row("whole", f"2 {form} root", "ta", 2)
        yield Row("whole", f"2 {form} wrong", "unmatched")
        yield Row("private", f"2 {form} private", "ta", 2)	# a CA that nobody trusts
        yield Row("whole", [f"3 {form} wrong", f"3 {form}"], "ee")
        yield Row("whole", [f"2 {form} wrong", f"2 {form}"], "ta", 1)
        yield Row("whole", f"2 {form} leaf", "unmatched")	# it is no trust anchor
        yield Row("whole", f"3 {form} intermediate", "unmatched")
        yield Row("wrong-name", f"3 {form}", "ee")
        yield Row("wrong-name", f"2 {form}", "name")
        yield Row("expired", f"3 {form}", "ee")
        yield Row("expired", f"2 {form}", "expired")
        # A trust anchor that is not sent: only what DNS has in full is known (RFC 7671 5.2.3).
        full = form.endswith("0")
        yield Row("missing-intermediate", f"2 {form} intermediate", "ta" if full else "unmatched")
        yield Row("good", f"2 {form} root", "ta" if full else "unmatched")
        yield Row("missing-intermediate", f"2 {form} root", "unmatched")


def kinds():
    """Certificates of every kind."""
    for kind in ("self-signed", "thief", "stranger", "cn-only", "client-only", "rsa", "ed25519",
                 "partial-wildcard", "nul-in-name"):
        yield Row(kind, "3 1 1", "ee")
        yield Row(kind, "3 0 2", "ee")
    for kind in ("cn-only", "partial-wildcard", "inner-wildcard", "nul-in-name"):
        yield Row(kind, "2 1 1", "name")
    yield Row("rsa", "2 0 1", "ta", 1)
    yield Row("ed25519", "2 1 2", "ta", 1)
    yield Row("self-signed", "2 0 1 leaf", "unmatched")
    yield Row("short-path", "2 0 1 short-sub", "ta", 1)
    for anchor in ("2 0 1 short", "2 0 0 short"):	# a path length of 0, and one below
        yield Row("short-path", anchor, "invalid")
    yield Row("no-signing", "2 0 1 no-signing", "invalid")	# its key usage does not allow it
    yield Row("constrained", "2 0 1 constrained", "invalid")	# for names elsewhere
    yield Row("expired-ta", "2 0 1 expired", "expired")
    yield Row("expired-link", "2 0 1 private", "expired")
    yield Row("expired-link", "2 1 1 expired-sub", "expired")	# the anchor itself
    for kind in ("short-path", "no-signing", "constrained", "expired-ta"):
        yield Row(kind, "3 1 1", "ee")


MANY = [f"3 1 2 {i:02x}" + "ab" * 63 for i in range(24)]


def sets():
    """Sets of several records."""
    for records, want in [
            (["3 1 1", "3 1 1 wrong"], "ee"), (["3 1 1 wrong", "2 0 1"], "ta"),
            (["2 0 1 wrong", "3 0 2"], "ee"), (["3 1 1 wrong", "2 1 1 wrong"], "unmatched"),
            (["3 1 1 wrong", "3 0 1 wrong", "2 1 1 wrong", "2 0 2 root"], "ta"),
            # Digest agility (RFC 7671 section 9): of one usage and selector the strongest counts.
            (["3 1 2 wrong", "3 1 1"], "unmatched"), (["3 1 2", "3 1 1 wrong"], "ee"),
            (["3 1 2 wrong", "3 0 1"], "ee"), (["3 1 2 wrong", "3 1 0"], "ee"),
            (["2 1 2 wrong", "2 1 1"], "unmatched"), (["2 1 2 wrong", "3 1 1"], "ee"),
            # What cannot be used is as if it were not there, also the stronger digest.
            (["1 1 1", "3 1 1"], "ee"), (["1 1 1", "3 1 1 wrong"], "unmatched"),
            (["0 0 1 root", "3 1 1 wrong"], "unmatched"), (["3 1 2 abcd", "3 1 1"], "ee"),
            (["3 1 7 abcd", "3 1 1 wrong"], "unmatched"), (["3 1 255 abcd", "3 0 1"], "ee"),
            # More than one datagram holds, so that it comes over TCP.
            ([*MANY, "3 1 2"], "ee"), (MANY, "unmatched"),
            (["2 0 0 " + a for a in ("wrong", "root", "leaf", "intermediate")], "ta")]:
        yield Row("whole", records, want)


UNUSABLE = ["0 0 1 root", "0 1 0 root", "1 1 1", "1 0 0", "4 1 1", "255 0 1", "3 2 1", "3 255 1",
            "2 2 0", "3 1 3", "3 0 255", "3 1 1 abcd", "3 0 1 " + "ab" * 33, "3 1 2 " + "ab" * 32,
            "2 0 2 " + "ab" * 63, "2 0 0 abcd", "2 1 0 3003020101", "3 1 0 00"]


def unusable():
    """TLS is demanded, and nothing of its certificate."""
    for kind in ("self-signed", "expired"):
        for records in UNUSABLE:
            yield Row(kind, records, "unusable")
        yield Row(kind, UNUSABLE[:8], "unusable")


class Host:
    """A row's MX host, and a domain of its own that uses it."""

    def __init__(self, row, name, mx, v4):
        self.row, self.name, self.mx, self.v4 = row, name, mx, v4
        self.certificate, self.d = mx.certificate, Domain("d." + name, [name])

    def records(self):
        return [(self.name + ".", "A", self.v4), (self.d.name + ".", "MX", f"10 {self.name}."),
                *((f"_25._tcp.{self.name}.", "TLSA", text) for text in self.texts())]

    def texts(self):
        return [dane.record(r, self.certificate) for r in self.row.records]


def hosts(lab, rows, apart=False):
    """A host for each row. Those of one certificate share a server; apart: each has an address of
    its own, so that nothing but its domain uses it."""
    n, made, servers = lab.lab.number(), [], {}
    for i, row in enumerate(rows):
        below = f"{row.kind}{n}.example"
        names = (f"h{i}.{below}" if row.kind in EXACT else "*." + below,)
        if (row.kind, names) not in servers:
            servers[row.kind, names] = smtpd.Mx(lab.lab.net, below, [], cert=row.kind, names=names)
            lab.mxs.append(servers[row.kind, names])
        mx = servers[row.kind, names]
        if apart or not mx.addresses:
            address = lab.lab.net.server_addresses()[0]
            mx.listen(address)
        made.append(Host(row, f"h{i}.{below}", mx, mx.addresses[-1]))
    zones.change(add=[r for h in made for r in h.records()])
    return made
