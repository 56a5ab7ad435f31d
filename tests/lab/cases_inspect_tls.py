# cases_inspect_tls.py - path: inspect and the handshake itself: split, cut, forged, replayed
# SPDX-License-Identifier: GPL-3.0-or-later
import certs
import flights
import rawtls
import runner
from inspecting import (ENFORCE, TLS12, TLS13, case, decided, deliver, end_to_end, ended_here,
                        enforced, gone_clear, in_clear, known, past_postern, session, source)

OLD = dict(versions=("1.0", "1.2"))


@runner.case("lab: scripted TLS in all its shapes, where nobody stands between", direct=True)
def unguarded(lab):
    lab.gateway = lab.another_gateway(proxied=False)
    mx = lab.mx(raw={})
    d = lab.domain("direct", mx=[mx])
    for n, (kind, suite, options) in enumerate(PROVEN):
        mx.use_certificate(certs.leaf(kind, mx.name))
        mx.shape = list(HONEST.values())[n % len(HONEST)]
        client = rawtls.Context(ciphers=suite + ":@SECLEVEL=0", **TLS12, **options)
        first = deliver(lab, mx, d, f"a{n}", context=client)
        lab.same((first.status, first.certificate), ("sent", certs.digest(mx.certificate)), suite)
        lab.same(first.conn.cipher(), suite, "cipher")
        again = deliver(lab, mx, d, f"b{n}", context=client, resume=first)
        lab.check(again.conn.resumed, f"not resumed: {again}")
        lab.same(lab.arrived(mx, again.rcpt).body, again.data, "the body")
    for name, (shape, _) in BROKEN.items():
        mx.shape = shape
        lab.same(deliver(lab, mx, d, "c").status, "failed", name)
    mx.shape = flights.only_in_flight(flights.cut(0))
    lab.same(deliver(lab, mx, d, "new", context=rawtls.Context(**TLS13)).status, "sent", "TLS 1.3")
    lab.same(deliver(lab, mx, d, "old").status, "failed", "TLS 1.2")


# Fragments. Every one of these is an honest handshake.

HONEST = {"one octet a segment": flights.in_segments(1),
          "one message a record and a segment": flights.by_message,
          "all messages in one record": flights.in_records(1 << 14),
          "records of 60 octets": flights.in_records(60),
          "segments of 5 octets": flights.in_segments(5),
          "hesitant": flights.hesitant}


@case("an honest flight in any fragments goes end to end, as ECDSA, RSA and Ed25519 sign it")
def fragments(lab):
    mx, d = enforced(lab)
    count = 0
    for kind in ("good", "rsa", "ed25519"):
        mx.use_certificate(certs.leaf(kind, mx.name))
        for name, shape in HONEST.items():
            if kind == "rsa" and "60" in name:
                shape = flights.in_records(120)
            mx.shape, count = shape, count + 1
            mail = deliver(lab, mx, d, f"u{count}")
            lab.check(mail.status == "sent", f"{kind}, {name}: {mail}")
            end_to_end(lab, mx, mail, count)


# More than an honest server does: not followed, and delivered as well, since OpenSSL can.
TOO_ODD = {"too-many-records": flights.in_records(8), "empty-record": flights.empty_records,
           "alert": flights.between(flights.WARNING)}


@case("a flight in more pieces than anybody sends is not followed; the mail is delivered from here")
def too_odd(lab):
    mx, d = enforced(lab, raw=OLD)
    for code, shape in TOO_ODD.items():
        mx.shape = shape
        ended_here(lab, mx, deliver(lab, mx, d, code), code)
    mx.shape = None
    end_to_end(lab, mx, deliver(lab, mx, d, "after"))


@case("a client's hello in pieces: of one octet, of several records, with pauses")
def client_fragments(lab):
    mx, d = enforced(lab)
    shapes = (flights.in_segments(1), flights.in_records(40), flights.in_records(7),
              flights.hesitant)
    for count, shape in enumerate(shapes, 1):
        mail = deliver(lab, mx, d, f"u{count}", shape=shape)
        end_to_end(lab, mx, mail, count)
    # One that ends inside it has said nothing that could be followed.
    before = len(mx.sessions)
    for size in (0, 1, 5, 30):
        mail = deliver(lab, mx, d, "cut", shape=flights.cut(size))
        lab.same(mail.status, "failed", f"{mail}")
        lab.same(session(lab, mail)["session"]["ended_by"], "client", "who ended it")
    lab.check(not any(c == b"STARTTLS" for s in mx.sessions[before:] for c, _ in s.commands),
              "a STARTTLS for nobody")


@case("a hello as large as ML-KEM makes it: TLS 1.3 ends here; TLS 1.2 of any size goes end to end")
def large_hello(lab):
    mx, d = enforced(lab)
    for n, size in enumerate((1216, 4000, 15000)):
        large = rawtls.Context(extension=size, **TLS13)
        mail = deliver(lab, mx, d, f"new{n}", context=large)
        lab.same(mail.tls, "TLSv1.3", f"{mail}")
        ended_here(lab, mx, mail, "tls13-offered")
        large = rawtls.Context(extension=size, **TLS12)
        end_to_end(lab, mx, deliver(lab, mx, d, f"old{n}", context=large), n + 1)
    mail = deliver(lab, mx, d, "segments", context=rawtls.Context(extension=4000, **TLS13),
                   shape=flights.in_segments(900))
    ended_here(lab, mx, mail, "tls13-offered")


# Broken and forged flights. What only the client's own handshake meets, the upgrade path delivers;
# what postern's meets too is refused.

BROKEN = {
    "cut off before ServerHello": (flights.cut(0), "server-gone"),
    "cut off in a record's head": (flights.cut(3), "server-gone"),
    "cut off in ServerHello": (flights.cut(60), "server-gone"),
    "cut off in Certificate": (flights.cut(500), "server-gone"),
    "cut off before the last octet": (flights.cut(-1), "server-gone"),
    "an alert first": (flights.before(flights.HANDSHAKE_FAILURE), "alert"),
    "an alert in the middle": (flights.between(flights.HANDSHAKE_FAILURE), "alert"),
    "clear text in front": (flights.before(b"250-injected\r\n250 8BITMIME\r\n"),
                            "not-tls|injected"),
    "no certificate": (flights.without(flights.CERTIFICATE), "wrong-order"),
    "two certificates": (flights.twice(flights.CERTIFICATE), "wrong-order"),
    "no key exchange": (flights.without(flights.KEY_EXCHANGE), "wrong-order"),
    "two hellos": (flights.twice(flights.SERVER_HELLO), "wrong-order"),
    "the key exchange first": (flights.reordered, "wrong-order"),
    "TLS 1.3 chosen": (flights.chosen(flights.TLS13), "tls13-chosen"),
    "a HelloRetryRequest": (flights.chosen(flights.RETRY), "tls13-chosen"),
    "SSLv3 chosen": (flights.chosen(flights.SSL3), "version-not-offered"),
    "a downgrade's mark": (flights.chosen(flights.DOWNGRADED), "downgrade-marked"),
    "a raw key": (flights.chosen(flights.RAW_KEY), "extension-not-allowed|suite-not-offered"),
    "cut off after a pause": (flights.silent_end(1.0), "server-gone"),
}


def broken(lab, names):
    # A server that speaks TLS 1.2 at best and resumes nothing, so that our own handshake meets the
    # same.
    mx, d = enforced(lab, raw=dict(tickets=False, sessions=False, **OLD))
    for n, name in enumerate(names):
        shape, code = BROKEN[name]
        mx.shape = flights.only_in_flight(shape)
        mail = deliver(lab, mx, d, f"own{n}")
        lab.check(mail.status == "sent", f"{name}, met by the client alone: {mail}")
        ended_here(lab, mx, mail, code)
        mx.shape = shape
        before = len(mx.mail_commands())
        mail = deliver(lab, mx, d, f"both{n}")
        lab.check(mail.status == "deferred", f"{name}, met by all: {mail}")
        lab.deferred(mail, "^4[25]1 4[.][47][.].* postern")
        ended_here(lab, mx, mail, code, delivered=False)
        lab.same(len(mx.mail_commands()), before, f"{name}: mail commands at the MX")
    lab.same(gone_clear(mx), [], "in clear")
    mx.shape = None
    lab.sent(deliver(lab, mx, d, "after"))
    decided(lab, mx)


for part_ in range(3):
    @case(f"broken flights, {part_ + 1} of 3: delivered where our own handshake is good, not else")
    def broken_part(lab, part=part_):
        broken(lab, list(BROKEN)[part::3])


@case("without a policy a broken flight is no reason to refuse: delivered as upgrade would")
def broken_free(lab):
    mx = lab.mx(raw={})
    d = lab.domain("free", mx=[mx])
    known(lab, mx, d)
    end_to_end(lab, mx, deliver(lab, mx, d, "before"))
    for n, name in enumerate(("cut off in Certificate", "an alert first", "TLS 1.3 chosen")):
        mx.shape = flights.only_in_flight(BROKEN[name][0])
        ended_here(lab, mx, deliver(lab, mx, d, f"u{n}"), BROKEN[name][1])


# Somebody who has the certificate, which is public, but not its key.

def thief(lab, **options):
    """(the domain, its MX, whose place somebody else has taken)."""
    mx, d = enforced(lab, **options)
    end_to_end(lab, mx, deliver(lab, mx, d, "before"))
    mx.sessions.clear()
    return mx, d


def robbed(lab, mx, d, code, n=0):
    mail = deliver(lab, mx, d, f"r{n}")
    ended_here(lab, mx, mail, code, delivered=False)
    lab.deferred(mail, "451 4.7.* postern")
    lab.untouched(mx)
    lab.same(len(lab.gateway.events("decision", dest_ip=mx.v4, path="inspect")), 1, "end to end")


@case("a certificate shown by somebody without its key: never end to end, refused, nothing arrives")
def without_key(lab):
    mx, d = thief(lab)
    honest, flight = mx.certificate, []
    # Another key's signature, below the honest chain.
    mx.use_certificate(certs.leaf("thief", mx.name))
    mx.shape = flights.stolen(honest)
    robbed(lab, mx, d, "signature-invalid")
    # What the honest server once said to somebody else, octet for octet.
    mx.use_certificate(honest)
    mx.shape = flights.kept(flight)
    past_postern(lab, mx, rawtls.Context(**TLS12))
    mx.sessions.clear()
    mx.shape = flights.replayed(flight[0])
    robbed(lab, mx, d, "signature-invalid", 1)
    # The honest server is back.
    mx.shape = None
    end_to_end(lab, mx, deliver(lab, mx, d, "after"), 2)


@case("RSA key exchange with a certificate without its key: it passes, and comes to nothing")
def without_key_rsa(lab):
    # The proof is the server's Finished, which only the holder of the key can make, and which the
    # client itself verifies (RFC 5246 7.4.7.1): there is nothing to sign.
    mx, d = enforced(lab, cert="rsa", family="46")
    client = source(lab)
    plain = rawtls.Context(ciphers="AES128-GCM-SHA256:@SECLEVEL=0", **TLS12)
    lab.check(known(lab, mx, d, mx.v6), "not accepted")
    end_to_end(lab, mx, deliver(lab, mx, d, "before", context=plain, address=mx.v6), address=mx.v6,
               cipher="AES128-GCM-SHA256")
    mx.sessions.clear()
    honest = mx.certificate
    with open(certs.DIR + "/rsa-thief.pem", "w") as f:
        f.write(certs.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mx",
                              "-keyout", "-"))
    mx.use_certificate(certs.DIR + "/rsa-thief.pem")
    mx.shape = flights.stolen(honest)
    to = dict(address=mx.v6, source=client)
    mail = deliver(lab, mx, d, "thief", context=plain, **to)
    lab.same(mail.status, "failed", f"{mail}")
    mail = in_clear(lab, mx, d, "clear", **to)
    lab.deferred(mail, "451 4.7.* postern")
    lab.untouched(mx)


# Key exchanges: each proves the key in its own way.

PROVEN = [("good", "ECDHE-ECDSA-AES128-GCM-SHA256", {}), ("good", "ECDHE-ECDSA-CHACHA20-POLY1305",
                                                          {"groups": "P-256"}),
          ("good", "ECDHE-ECDSA-AES128-SHA", {"groups": "P-384:P-256"}),
          ("ed25519", "ECDHE-ECDSA-AES128-GCM-SHA256", {}),
          ("rsa", "ECDHE-RSA-AES256-GCM-SHA384", {"sigalgs": "RSA+SHA256"}),
          ("rsa", "ECDHE-RSA-AES256-GCM-SHA384", {"sigalgs": "rsa_pss_rsae_sha512"}),
          ("rsa", "DHE-RSA-AES128-GCM-SHA256", {"sigalgs": "RSA+SHA384"}),
          ("rsa", "DHE-RSA-AES256-SHA256", {"sigalgs": "rsa_pss_rsae_sha256"}),
          ("rsa", "AES128-GCM-SHA256", {}), ("rsa", "AES256-SHA", {})]


@case("key exchanges by ECDHE, DHE and RSA with every kind of signature: proven, end to end")
def exchanges(lab):
    mx, d = enforced(lab)
    for count, (kind, suite, options) in enumerate(PROVEN, 1):
        mx.use_certificate(certs.leaf(kind, mx.name))
        client = rawtls.Context(ciphers=suite + ":@SECLEVEL=0", **TLS12, **options)
        mail = deliver(lab, mx, d, f"u{count}", context=client)
        lab.check(mail.status == "sent", f"{kind} {suite} {options}: {mail}")
        end_to_end(lab, mx, mail, count, cipher=suite)


@case("what proves no key or proves it badly ends here: small groups, SHA-1, anonymous, PSK")
def unproven(lab):
    mx, d = enforced(lab, cert="rsa", raw=dict(small_dh=True, psk=True,
                                               ciphers="ALL:PSK:@SECLEVEL=0"))
    for suite, options, code in (
            ("DHE-RSA-AES128-GCM-SHA256", {}, "group-unfit"),
            ("ECDHE-RSA-AES128-GCM-SHA256", {"sigalgs": "RSA+SHA1"}, "signature-weak"),
            ("ADH-AES128-GCM-SHA256", {}, "suite-unproven"),
            ("AECDH-AES128-SHA", {}, "suite-unproven"),
            ("PSK-AES128-GCM-SHA256", {"psk": True}, "suite-unproven"),
            ("DHE-PSK-AES128-GCM-SHA256", {"psk": True}, "suite-unproven"),
            ("RSA-PSK-AES128-GCM-SHA256", {"psk": True}, "suite-unproven")):
        # The suite alone at the MX; what postern can speak with the client comes behind it.
        client = rawtls.Context(ciphers=suite + ":ECDHE:@SECLEVEL=0", **TLS12, **options)
        mail = deliver(lab, mx, d, suite, context=client)
        lab.check(mail.status == "sent", f"{suite}: {mail}")
        ended_here(lab, mx, mail, code)
    # SHA-1 counts where nobody demands proof (R38 speaks of policies).
    free = lab.mx(raw={}, cert="rsa")
    e = lab.domain("free", mx=[free])
    known(lab, free, e)
    client = rawtls.Context(ciphers="ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", sigalgs="RSA+SHA1",
                            **TLS12)
    first = deliver(lab, free, e, "free", context=client)
    end_to_end(lab, free, first)
    again = deliver(lab, free, e, "again", context=client, resume=first)
    end_to_end(lab, free, again, 2, resumed=True)
    # ... and is worth nothing any more where somebody begins to.
    f = lab.domain("late", mx=[free], sts=ENFORCE)
    lab.check(known(lab, free, f), "not accepted")
    ended_here(lab, free, deliver(lab, free, e, "last", context=client, resume=first),
               "signature-weak")


@case("a server that speaks anonymous TLS alone: refused under enforce, as upgrade would")
def anonymous(lab):
    mx, d = enforced(lab)
    mx.raw = dict(ciphers="aNULL:@SECLEVEL=0", **OLD)
    mx.use_certificate(mx.certificate)
    client = rawtls.Context(ciphers="ALL:@SECLEVEL=0", **TLS12)
    mail = deliver(lab, mx, d, context=client)
    ended_here(lab, mx, mail, "suite-unproven", delivered=False)
    lab.deferred(mail, "451 4.7.* postern")
    lab.same(gone_clear(mx), [], "in clear")
