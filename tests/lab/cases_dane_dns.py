# cases_dane_dns.py - DANE and what DNS may do to it: errors, aliases, zones without signatures
# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
from concurrent.futures import ThreadPoolExecutor

import certs
import dane
import dnsd
import net
import programs
import zones
from daning import alias, judged, met, post
from lab import Domain
from runner import case

WRONG = "3 1 1 " + "ab" * 32
UNDECIDED = r"451 4\.4\.3 postern .*\(dnssec-invalid, (?:dane|no policy)\); not sent$"
FAULTS = ("servfail", "refused", "bogus", "drop", "cut", "garbage", "short")


class Pair:
    """A domain with two MX hosts at the addresses of two servers that all pairs share."""

    def __init__(self, label, servers, zone="example"):
        self.label = label
        self.names = [f"{label}-{n}.{'example' if i else zone}" for i, n in enumerate("ab")]
        self.servers = servers
        self.d = Domain(f"{label}-d.{zone}", self.names)

    def records(self, first=True, hosts=2, second=None):
        """Both hosts prove themselves by 3 1 1. first: the first one has its address in DNS; hosts:
        how many the domain has; second: the second one's TLSA record instead."""
        owner = [n + "." for n in self.names]
        made = [(self.d.name + ".", "MX", f"{10 + i} {n}") for i, n in enumerate(owner[:hosts])]
        made += [(o, "A", mx.v4) for o, mx in zip(owner[not first:], self.servers[not first:])]
        three = self.servers[0].three
        return made + [("_25._tcp." + o, "TLSA", text) for o, text in zip(owner, (three, second
                                                                                 or three))]


def servers(lab):
    """Two servers with one key, so that one record holds for both."""
    pair = [lab.mx("first"), lab.mx("second")]
    for mx in pair:
        mx.three = dane.record("3 1 1", mx.certificate)
    return pair


def each(work, items):
    """Side by side, since some of it waits for time-outs."""
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(work, items))


def deliveries(lab, pairs, gateway):
    """A mail to the first host of each, then one to the second: [(pair, mail, mail)]."""
    return each(lambda p: (p, post(lab, p.servers[0], p.d, "first", gateway=gateway),
                           post(lab, p.servers[1], p.d, "second", gateway=gateway)), pairs)


def one_suffers(lab, told, pattern, gateway=None, code="tlsa-undecided"):
    """The first host's mail waits, the second one's is delivered, proven."""
    gateway = gateway or lab.gateway
    for pair, first, second in told:
        lab.deferred(first, pattern)
        lab.check(not pair.servers[0].messages(first.rcpt), f"{pair.label}: arrived")
        lab.sent(second)
        lab.same(lab.arrived(pair.servers[1], second.rcpt).body, second.data, "the body")
        event = lab.decision(pair.d, "pass", "success", count=2, gateway=gateway)
        judged(lab, event, pair.servers[1], pair.d, base=pair.names[1])
        refused = gateway.events("decision", rcpt_domain=pair.d.name)[0]
        lab.same((refused["decision"]["verdict"], refused["decision"]["reason_code"]),
                 ("refuse", code), f"{pair.label}: {refused}")


# What the resolver itself says, or does not say.

@case("dane dns: an error at the TLSA question is that MX host's, the other gets the mail (R81)")
def tlsa_errors(lab):
    gateway, both = lab.lab.doubting(), servers(lab)
    pairs = [Pair(f"t{lab.lab.number()}-{how}", both) for how in FAULTS]
    zones.change(add=[r for p in pairs for r in p.records()])
    for p, how in zip(pairs, FAULTS):
        zones.doubt.spoil(how, "_25._tcp." + p.names[0], "TLSA")
    told = deliveries(lab, pairs, gateway)
    one_suffers(lab, told, UNDECIDED, gateway)
    for pair, how in zip(pairs, FAULTS):
        event = gateway.events("decision", rcpt_domain=pair.d.name)[0]
        word = "bogus" if how == "bogus" else "failed"
        lines = [line for line in event["dns"] if line.startswith("TLSA _25._tcp." + pair.names[0])]
        lab.check(lines and f": {word}, " in lines[0], f"{how}: {event['dns']}")
        if how == "bogus":
            lab.has(lines[0], "extended error 6.*made by the laboratory", "the resolver's words")
    # Truncation that TCP heals is none.
    whole = Pair(f"t{lab.lab.number()}-long", both)
    zones.change(add=whole.records())
    zones.doubt.spoil("long", "_25._tcp." + whole.names[0], "TLSA")
    lab.sent(post(lab, both[0], whole.d, gateway=gateway))
    judged(lab, lab.decision(whole.d, "pass", gateway=gateway), both[0], whole.d)
    lab.notes.append(f"{len(FAULTS)} faults of the resolver")


@case("dane dns: truncation that TCP does not heal is an error of that host alone, too (R81)")
def tlsa_cut(lab):
    gateway, both = lab.lab.doubting(), servers(lab)
    pairs = [Pair(f"t{lab.lab.number()}-cut", both) for _ in range(8)]
    zones.change(add=[r for p in pairs for r in p.records()])
    for p in pairs:
        zones.doubt.spoil("cut", "_25._tcp." + p.names[0], "TLSA")
    one_suffers(lab, deliveries(lab, pairs, gateway), UNDECIDED, gateway)


@case("dane dns: a resolver that closes an idle TCP connection: what it is asked over UDP goes on")
def tcp_idle(lab):
    gateway, both = lab.lab.doubting(), servers(lab)
    whole, late = (Pair(f"i{lab.lab.number()}-{how}", both) for how in ("long", "late"))
    zones.change(add=whole.records() + late.records())
    zones.doubt.spoil("long", "_25._tcp." + whole.names[0], "TLSA")
    zones.doubt.spoil("late", "_25._tcp." + late.names[0], "TLSA")
    zones.doubt.idle = 0.7
    try:
        for told in each(lambda p: post(lab, both[0], p.d, gateway=gateway), (whole, late)):
            lab.sent(told)
    finally:
        zones.doubt.idle = 20


@case("dane dns: an error at the address question: nothing through that MX host (R80)")
def address_errors(lab):
    gateway, both = lab.lab.doubting(), servers(lab)
    pairs = [Pair(f"a{lab.lab.number()}-{how}", both) for how in FAULTS]
    alone = [Pair(f"l{lab.lab.number()}-{how}", both) for how in FAULTS]
    # Whose address it is cannot be said: the other host's records count, which it does not meet.
    other = "3 0 1 " + certs.digest(both[1].certificate)
    zones.change(add=[r for p in alone for r in p.records(hosts=1)] +
                 [r for p in pairs for r in p.records(second=other)])
    for p, how in [*zip(pairs, FAULTS), *zip(alone, FAULTS)]:
        zones.doubt.spoil(how, p.names[0], "A")
    told = each(lambda p: (p, post(lab, both[0], p.d, "first", gateway=gateway)), alone)
    for p, first in told:
        lab.deferred(first, UNDECIDED)
        lab.decision(p.d, "refuse", "dnssec-invalid", gateway=gateway, reason_code="tlsa-undecided")
    one_suffers(lab, deliveries(lab, pairs, gateway),
                r"451 4\.7\.5 postern .*\(tlsa-invalid, dane\)", gateway, "tlsa-unmatched")
    lab.same(both[0].mail_commands(), [], "at the first host")
    lab.notes.append(f"{2 * len(FAULTS)} faults of the resolver")


@case("dane dns: whoever breaks AAAA does not switch DANE off")
def aaaa_errors(lab):
    gateway, (mx, _) = lab.lab.doubting(), servers(lab)
    rows = [(how, good) for how in FAULTS for good in (True, False)]
    made, records = [], []
    for how, good in rows:
        name = f"v6-{lab.lab.number()}-{how}.example"
        d = Domain("d." + name, [name])
        records += [(name + ".", "A", mx.v4), (d.name + ".", "MX", f"10 {name}."),
                    (f"_25._tcp.{name}.", "TLSA", mx.three if good else WRONG)]
        zones.doubt.spoil(how, name, "AAAA")
        made.append((d, good))
    zones.change(add=records)
    for (d, good), told in zip(made, each(lambda m: post(lab, mx, m[0], gateway=gateway), made)):
        met(lab, mx, told, good)
        lab.decision(d, "pass" if good else "refuse", "success" if good else "tlsa-invalid",
                     gateway=gateway, policy_type="tlsa")
    lab.notes.append(f"{len(rows)} faults of the resolver")


@case("dane dns: an error at the alias question of a host with unsigned addresses (R83)")
def alias_errors(lab):
    gateway, both = lab.lab.doubting(), servers(lab)
    pairs = [Pair(f"c{lab.lab.number()}-{how}", both) for how in FAULTS]
    unsigned = [(f"{p.label}.plain.example.", "A", both[0].v4) for p in pairs]
    zones.change(add=[r for p in pairs for r in p.records(first=False)] + unsigned +
                 [alias(p.names[0], f"{p.label}.plain.example") for p in pairs])
    for p, how in zip(pairs, FAULTS):
        zones.doubt.spoil(how, p.names[0], "CNAME")
    one_suffers(lab, deliveries(lab, pairs, gateway), UNDECIDED, gateway)
    lab.notes.append(f"{len(FAULTS)} faults of the resolver")


@case("dane dns: an error at the MX question delays the domain, whichever host (R79)")
def mx_errors(lab):
    gateway, both = lab.lab.doubting(), servers(lab)
    pairs = [Pair(f"m{lab.lab.number()}-{how}", both) for how in FAULTS]
    zones.change(add=[r for p in pairs for r in p.records()])
    for p, how in zip(pairs, FAULTS):
        zones.doubt.spoil(how, p.d.name, "MX")
    for (p, *told), how in zip(deliveries(lab, pairs, gateway), FAULTS):
        for mail in told:
            lab.deferred(mail, r"451 4\.4\.3 postern ")
        result, code = ("dnssec-invalid", "dnssec-bogus") if how == "bogus" else \
            ("validation-failure", "dns-undecided")
        lab.decision(p.d, "refuse", result, gateway=gateway, count=2, reason_code=code)
    lab.untouched(*both)
    lab.notes.append(f"{len(FAULTS)} faults of the resolver")


# What unbound makes of a name server that fails, or of one that somebody speaks for.

SERVERS = ("servfail", "refused", "unsigned", "forged", "cut", "garbage", "short")


@case("dane dns: a name server's fault at the TLSA question: Postfix goes on to the other MX host")
def server_tlsa(lab):
    both = servers(lab)
    pairs = [Pair(f"ot{lab.lab.number()}-{how}", both, "odd.example") for how in SERVERS]
    lost = Pair(f"ot{lab.lab.number()}-drop", both, "lost.example")
    zones.change(add=[r for p in (*pairs, lost) for r in p.records()])
    for p, how in [*zip(pairs, SERVERS), (lost, "drop")]:
        zones.odd.spoil(how, "_25._tcp." + p.names[0], "TLSA")
    for p, told in zip((*pairs, lost), each(lambda p: lab.send(p.d.user()), (*pairs, lost))):
        lab.sent(told)
        lab.arrived(both[1], p.d.user(), tls=True)
        event = lab.decision(p.d, "pass", "success", count=2)
        judged(lab, event, both[1], p.d, base=p.names[1])
        refused = lab.gateway.events("decision", rcpt_domain=p.d.name)[0]
        lab.same((refused["decision"]["result_type"], refused["decision"]["reason_code"]),
                 ("dnssec-invalid", "tlsa-undecided"), f"{p.label}: {refused}")
        word = "bogus" if p.label.endswith(("unsigned", "forged")) else "failed|bogus"
        lab.has("\n".join(refused["dns"]), rf"TLSA \S+: (?:{word}), ", f"DNS in {refused}")
    lab.same(both[0].mail_commands(), [], "at the first host")
    lab.notes.append(f"{len(SERVERS) + 1} faults of a name server")


@case("dane dns: a name server's fault at the MX and address questions: never delivered unproven")
def server_others(lab):
    both = servers(lab)
    made, records = [], []
    for kind, how in itertools.product(("MX", "A"), (*SERVERS, "drop")):
        p = Pair(f"o{lab.lab.number()}-{how}", both, "lost.example" if how == "drop" else
                 "odd.example")
        records += p.records(hosts=2 if kind == "MX" else 1)
        zones.odd.spoil(how, p.d.name if kind == "MX" else p.names[0], kind)
        made.append((p, kind, how))
    zones.change(add=records)
    for (p, kind, how), told in zip(made, each(lambda m: post(lab, both[0], m[0].d), made)):
        lab.deferred(told, r"451 4\.4\.3 postern ")
        bogus = how in ("unsigned", "forged")
        event = lab.decision(p.d, "refuse")
        want = "tlsa-undecided" if kind == "A" else "dnssec-bogus" if bogus else "dns-undecided"
        lab.check(event["decision"]["reason_code"] == want or
                  (not bogus and event["decision"]["reason_code"] == "dnssec-bogus"),
                  f"{kind} {how}: {event}")
    lab.untouched(*both)
    lab.notes.append(f"{len(made)} faults of a name server")


@case("dane dns: the resolver's own words for a forged answer are in the event (RFC 8914)")
def resolvers_words(lab):
    process = zones.resolver(lab.lab.net, "ede", net.EDE4, ede="yes")
    lab.undo.append(process.kill)
    programs.wait_dns(lab.lab.net.mx, server=net.EDE4)
    gateway = lab.another_gateway({"resolver": {"servers": [net.EDE4], "trust-ad": "yes"}})
    both = servers(lab)
    for how in ("forged", "unsigned"):
        p = Pair(f"e{lab.lab.number()}-{how}", both, "odd.example")
        zones.change(add=p.records())
        zones.odd.spoil(how, "_25._tcp." + p.names[0], "TLSA")
        lab.deferred(post(lab, both[0], p.d, gateway=gateway), UNDECIDED)
        event = lab.decision(p.d, "refuse", gateway=gateway)
        lab.has("\n".join(event["dns"]), r"TLSA \S+: bogus, .*extended error \d+", f"{event}")
        text = gateway.ctl("explain", event["id"]).stdout
        lab.has(text, r"TLSA \S+: bogus, .*extended error \d+", "explain")


# Aliases and zones without signatures.

ZONES = {"s": "example", "p": "plain.example"}


def chain(label, kinds):
    """Names, one in each zone, of which each is an alias of the next."""
    return [f"{label}-{i}.{ZONES[k]}" for i, k in enumerate(kinds)]


def candidates(kinds, names):
    """The TLSA base domains in their order (RFC 7672 section 2.2.2)."""
    if "p" not in kinds:
        return names[:1] if len(names) == 1 else [names[-1], names[0]]
    return [names[0]] if kinds[0] == "s" and len(kinds) > 1 else []


@case("dane dns: aliases of the MX host, with an unsigned zone at each link (R82 R94 R95)")
def host_aliases(lab):
    mx, made, added = servers(lab)[0], [], []
    # Where the right record stands, and where wrong ones do: first name, one between, last name.
    layouts = [("right", "wrong", "wrong"), ("wrong", "wrong", "right"), ("right", "wrong", ""),
               ("wrong", "right", ""), ("", "wrong", "")]
    for length in (1, 2, 3):
        for kinds, layout in itertools.product(itertools.product("sp", repeat=length), layouts):
            names = chain(f"l{lab.lab.number()}", kinds)
            d = Domain(f"d-{names[0].split('.')[0]}.example", names[:1])
            records = [(d.name + ".", "MX", f"10 {names[0]}."), (names[-1] + ".", "A", mx.v4)]
            records += [alias(a, b) for a, b in zip(names, names[1:])]
            have = dict(zip(names, layout[::2] if length == 2 else layout))
            records += [(f"_25._tcp.{n}.", "TLSA", mx.three if w == "right" else WRONG)
                        for n, w in have.items() if w]
            added += records
            base = next((c for c in candidates(kinds, names) if have[c]), None)
            made.append((d, kinds, layout, base, have.get(base)))
    zones.change(add=added)
    for d, kinds, layout, base, what in made:
        told = post(lab, mx, d)
        met(lab, mx, told, what != "wrong")
        event = lab.decision(d, "refuse" if what == "wrong" else "pass")
        where = f"{kinds} {layout}: {event}"
        lab.same(event["policy"]["policy_type"], "tlsa" if base else "no-policy-found", where)
        if what == "right":
            lab.same((event["tls"]["dane"]["base"], event["tls"]["sni"]), (base, base), where)
        if what == "wrong":
            lab.same(event["tls"]["sni"], base, where)
        asked = [line.split()[1][9:-1] for line in event["dns"] if line.startswith("TLSA ")]
        lab.check(asked == candidates(kinds, chain_of(event))[:len(asked)],
                  f"questions: {asked}, {where}")
    lab.notes.append(f"{len(made)} chains of aliases")


@case("dane dns: aliases that the resolver does not follow: every link counts all the same (R82)")
def unfollowed(lab):
    gateway, mx, made, added = lab.lab.doubting(), servers(lab)[0], [], []
    for length in (2, 3):
        for kinds in itertools.product("sp", repeat=length):
            names = chain(f"u{lab.lab.number()}", kinds)
            d = Domain(f"d-{names[0].split('.')[0]}.example", names[:1])
            added += [(d.name + ".", "MX", f"10 {names[0]}."), (names[-1] + ".", "A", mx.v4),
                      *(alias(a, b) for a, b in zip(names, names[1:])),
                      (f"_25._tcp.{names[-1]}.", "TLSA", mx.three),
                      *((f"_25._tcp.{n}.", "TLSA", WRONG) for n in names[:-1])]
            for name in names[:-1]:
                zones.doubt.spoil("alias", name, "A", "AAAA")
            made.append((d, kinds, names))
    zones.change(add=added)
    for d, kinds, names in made:
        base = next(iter(candidates(kinds, names)), None)
        told = post(lab, mx, d, gateway=gateway)
        met(lab, mx, told, base != names[0])
        event = lab.decision(d, "refuse" if base == names[0] else "pass", gateway=gateway,
                             policy_type="tlsa" if base else "no-policy-found")
        if base == names[-1]:
            judged(lab, event, mx, d, base=base)
    lab.notes.append(f"{len(made)} chains of aliases")


def chain_of(event):
    """The MX host and where its alias leads, as the event's answers name them."""
    line = next(row for row in event["dns"] if row.startswith("A "))
    first = line.split()[1][:-1]
    return [first, line.split("alias of ")[1]] if "alias of " in line else [first]


@case("dane dns: aliases of the TLSA records, with an unsigned zone at each link (R97)")
def tlsa_aliases(lab):
    mx, made, added = servers(lab)[0], [], []
    for length, right in itertools.product((1, 2, 3), (True, False)):
        for kinds in itertools.product("sp", repeat=length):
            n = lab.lab.number()
            host, names = f"t{n}.example", chain(f"x{n}", kinds)
            d = Domain(f"d{n}.example", [host])
            added += [(d.name + ".", "MX", f"10 {host}."), (host + ".", "A", mx.v4),
                      alias("_25._tcp." + host, names[0]),
                      *(alias(a, b) for a, b in zip(names, names[1:])),
                      (names[-1] + ".", "TLSA", mx.three if right else WRONG)]
            made.append((d, host, kinds, right))
    zones.change(add=added)
    for d, host, kinds, right in made:
        secure = "p" not in kinds
        told = post(lab, mx, d)
        met(lab, mx, told, right or not secure)
        event = lab.decision(d, "pass" if right or not secure else "refuse",
                             policy_type="tlsa" if secure else "no-policy-found")
        if secure and right:
            lab.same(event["tls"]["dane"]["base"], host, f"{kinds}: {event}")
    lab.notes.append(f"{len(made)} chains of aliases")


@case("dane dns: an expanded name with unsigned or no records: the original name's count (R95)")
def second_candidate(lab):
    mx = servers(lab)[0]
    n = lab.lab.number()
    for i, (what, state) in enumerate((("unsigned", "pass"), ("none", "pass"), ("unusable", "pass"),
                                       ("wrong", "refuse"))):
        host, target = f"h{n}-{i}.example", f"e{n}-{i}.example"
        d = Domain(f"d{n}-{i}.example", [host])
        owner = f"_25._tcp.{target}"
        zones.change(add=[(d.name + ".", "MX", f"10 {host}."), alias(host, target),
                          (target + ".", "A", mx.v4), (f"_25._tcp.{host}.", "TLSA", mx.three),
                          *{"unsigned": [alias(owner, f"u{n}.plain.example"),
                                         (f"u{n}.plain.example.", "TLSA", WRONG)],
                            "none": [], "unusable": [(owner + ".", "TLSA", "1 1 1 " + "ab" * 32)],
                            "wrong": [(owner + ".", "TLSA", WRONG)]}[what]])
        told = post(lab, mx, d)
        met(lab, mx, told, state == "pass")
        event = lab.decision(d, state, policy_type="tlsa")
        if what in ("unsigned", "none"):
            judged(lab, event, mx, d, base=host)
        if what == "unusable":
            lab.same(event["decision"]["reason_code"], "tlsa-unusable", f"{event}")


@case("dane dns: no TLSA question for unsigned hosts (R92), none before the addresses")
def questions(lab):
    gateway, mx = lab.lab.doubting(), servers(lab)[0]
    n = lab.lab.number()
    signed, plain, empty = f"q{n}.example", f"q{n}.plain.example", f"r{n}.example"
    d = Domain(f"d{n}.example", [signed, plain, empty])
    zones.change(add=[(d.name + ".", "MX", f"10 {h}.") for h in d.hosts] +
                 [(h + ".", "A", mx.v4) for h in (signed, plain)])
    lab.sent(post(lab, mx, d, gateway=gateway))
    seen, kind = zones.doubt.seen, {1: "A", 28: "AAAA", 52: "TLSA", 5: "CNAME"}
    asked = [(name, kind.get(t, t)) for name, t in seen if str(n) in name]
    lab.same([a for a in asked if a[1] in ("TLSA", "CNAME")], [("_25._tcp." + signed, "TLSA")],
             f"questions: {asked}")
    for family in ("A", "AAAA"):
        lab.check(asked.index((signed, family)) < asked.index(("_25._tcp." + signed, "TLSA")),
                  f"questions: {asked}")
    d = Domain("none-" + d.name, [signed])
    zones.change(add=[(d.name + ".", "MX", f"10 {signed}.")])
    off = lab.another_gateway({"resolver": {"servers": [net.DOUBT4]}, "policy": {"dane": "no"}})
    before = zones.doubt.times("_25._tcp." + signed, "TLSA")
    lab.sent(post(lab, mx, d, gateway=off))
    lab.same(zones.doubt.times("_25._tcp." + signed, "TLSA"), before, "questions with dane: no")


# The resolver as a whole.

def dane_is(lab, gateway, state):
    """What status says of DANE."""
    status = gateway.status()
    lab.same(status["dane"]["state"], state, f"dane in status: {status}")
    return status


@case("dane: a resolver that does not validate, or is not trusted: unavailable, said so")
def unavailable(lab):
    process = zones.resolver(lab.lab.net, "blind", net.BLIND4, validates=False)
    lab.undo.append(process.kill)
    programs.wait_port(lab.lab.net.mx, net.BLIND4, 53)
    for resolver in ({"servers": [net.BLIND4], "trust-ad": "yes"},
                     {"servers": [net.DNS4], "trust-ad": "no"}, {"servers": [net.DNS4],
                                                                 "trust-ad": "auto"}):
        gateway = lab.another_gateway({"resolver": resolver})
        mx, clear = lab.mx(tlsa=["3 1 1 wrong"]), lab.mx(starttls="none", tlsa=["3 1 1"])
        strict = lab.mx(tlsa=["3 1 1 wrong"], cert="self-signed")
        d, e = lab.domain("blind", mx=[mx]), lab.domain("blind", mx=[clear])
        f = lab.domain("blind", mx=[strict], sts=dict(mode="enforce"))
        lab.check(gateway.wait_event("health", action="dane"), "nothing is logged")
        dane_is(lab, gateway, "unavailable")
        lab.has(gateway.ctl("status").stdout, r"DANE\s+NOT IN FORCE: ", "status")
        for mx_, domain in ((mx, d), (clear, e)):
            told = post(lab, mx_, domain, gateway=gateway)
            met(lab, mx_, told, True)
            lab.decision(domain, "pass", "success", gateway=gateway, policy_type="no-policy-found")
        lab.deferred(post(lab, strict, f, gateway=gateway), "certificate-not-trusted, sts enforce")


@case("dane: the resolver stops validating: an alarm; validation comes back: said so", first=True)
def canary(lab):
    address = lab.lab.net.server_addresses()[0]
    resolver = dnsd.Server(lab.lab.net, address, (net.DNS4, 53))
    gateway = lab.another_gateway({"resolver": {"servers": [address]}})
    mx = lab.mx(tlsa=["3 1 1 wrong"])
    d = lab.domain("canary", mx=[mx])
    lab.eventually(lambda: gateway.status()["dane"]["state"] == "available", "not available")
    lab.same(dane_is(lab, gateway, "available")["healthy"], True, "healthy")
    lab.deferred(post(lab, mx, d, gateway=gateway), "tlsa-invalid, dane")
    count = len(gateway.events("health", action="dane"))
    resolver.everywhere = "blind"
    event = gateway.wait_event("health", action="dane", count=count + 1, timeout=70)
    lab.check(event, "the loss is not logged")
    lab.has(str(event), "alarm", "the event")
    lab.sent(post(lab, mx, d, "meanwhile", gateway=gateway))
    status = dane_is(lab, gateway, "unavailable")
    lab.same(status["healthy"], False, f"{status}")
    lab.check(any("DANE" in p for p in status["problems"]), f"{status['problems']}")
    lab.same(gateway.ctl("status").returncode, 1, "exit status of posternctl status")
    resolver.everywhere = None
    event = gateway.wait_event("health", action="dane", count=count + 2, timeout=70)
    lab.check(event, "the return is not logged")
    status = dane_is(lab, gateway, "available")
    lab.same(status["healthy"], True, f"{status}")
    lab.deferred(post(lab, mx, d, "later", gateway=gateway), "tlsa-invalid, dane")
