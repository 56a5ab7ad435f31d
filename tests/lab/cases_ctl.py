# cases_ctl.py - posternctl: what it says and with which exit code
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import subprocess
import time

import certs
import net
import postern
import web
from runner import case

ENFORCE = dict(mode="enforce")


def ctl(lab, code, *args, gateway=None):
    done = (gateway or lab.gateway).ctl(*args)
    lab.same(done.returncode, code, f"posternctl {' '.join(args)}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


@case("posternctl status: healthy, exit 0; without a daemon exit 3")
def status(lab):
    gateway = lab.another_gateway()
    lab.has(ctl(lab, 0, "status", gateway=gateway), "^postern: healthy", "the first line")
    json.loads(ctl(lab, 0, "status", "--json", gateway=gateway))
    gateway.stop()
    ctl(lab, 3, "status", gateway=gateway)


@case("posternctl domain: exit 0 would deliver, 1 would refuse, 6 no such domain, 75 unknown")
def domain(lab):
    mx, bad = lab.mx(), lab.mx()
    d = lab.domain("ask", mx=[mx], sts=dict(mode="enforce", id="abc7"))
    text = json.loads(ctl(lab, 0, "domain", d.name, "--json"))
    lab.same(text["domain"], d.name, "domain")
    lab.same(text["would"], "deliver", "would")
    lab.same((text["sts"]["state"], text["sts"]["id"], text["sts"]["mode"], text["sts"]["mx"]),
             ("active", "abc7", "enforce", [mx.name]), "sts")
    lab.same(text["mx"][0]["host"], mx.name, "host")
    lab.same(text["mx"][0]["addresses"], [mx.v4], "addresses")
    lab.same(text["mx"][0]["sts_match"], True, "sts_match")
    lab.same(text["mx"][0]["secure"], True, "secure")
    d2 = lab.domain("ask", mx=[bad], sts=dict(mode="enforce", mx=["mx.elsewhere.example"]))
    lab.same(json.loads(ctl(lab, 1, "domain", d2.name, "--json"))["would"], "refuse", "would")
    plain = lab.domain("ask", mx=[mx], zone="plain.example")
    text = json.loads(ctl(lab, 0, "domain", plain.name, "--json"))
    lab.same((text["sts"]["state"], text["mx"][0]["secure"]), ("none", False), "an unsigned domain")
    ctl(lab, 6, "domain", "does-not-exist.example")
    bogus = lab.domain("ask", mx=[mx], zone="bogus.example")
    lab.same(json.loads(ctl(lab, 75, "domain", bogus.name, "--json"))["would"], "defer", "would")


@case("posternctl decisions and explain: by domain, by id, with evidence; exit 6 for a foreign id")
def explain(lab):
    mx = lab.mx(cert="wrong-name")
    d = lab.domain("explain", mx=[mx], sts=ENFORCE)
    told = lab.send(d.user())
    event = lab.refused(told, d, "certificate-host-mismatch")
    number = event["id"]
    lines = ctl(lab, 0, "decisions", "--domain", d.name, "--json").splitlines()
    lab.same([json.loads(line)["id"] for line in lines if line], [number], "decisions --domain")
    lab.has(ctl(lab, 0, "decisions", "--refused", "--since", "1h"), number, "decisions --refused")
    lab.has(ctl(lab, 0, "decisions", "--id", number), d.name, "decisions --id")
    text = ctl(lab, 0, "explain", number)
    for word in (d.name, "mx.other.example", mx.name, "certificate-host-mismatch", "enforce"):
        lab.check(word in text, f"explain does not name {word}:\n{text}")
    ctl(lab, 0, "explain", number.lower().replace("-", ""))
    ctl(lab, 6, "explain", "AAAA-0000")
    ctl(lab, 2, "explain")


@case("posternctl decisions --follow shows new ones as they come")
def follow(lab):
    mx = lab.mx()
    d = lab.domain("follow", mx=[mx], sts=ENFORCE)
    argv = [postern.POSTERNCTL, "-c", lab.gateway.file, "decisions", "--follow", "--domain", d.name]
    process = lab.gateway.gw.popen([*argv, "--json"], stdout=subprocess.PIPE, text=True)
    lab.undo.append(process.kill)
    time.sleep(0.5)
    lab.sent(lab.send(d.user()))
    event = json.loads(process.stdout.readline())
    lab.same(event["smtp"]["rcpt_domain"], d.name, "the line that follows")


@case("posternctl policy list, show, refresh, forget")
def policy(lab):
    mx = lab.mx()
    d = lab.domain("policy", mx=[mx], sts=dict(mode="enforce", id="one"))
    ctl(lab, 6, "policy", "show", d.name)
    lab.sent(lab.send(d.user()))
    lab.has(ctl(lab, 0, "policy", "list"), d.name, "policy list")
    lab.has(ctl(lab, 0, "policy", "show", d.name), mx.name, "policy show")
    before = web.fetches(d.name)
    lab.republish(d, id="two", mode="testing")
    ctl(lab, 0, "policy", "refresh", d.name)
    # nginx writes its log after the answer has gone out.
    lab.eventually(lambda: web.fetches(d.name) > before, "refresh fetched nothing")
    lab.has(ctl(lab, 0, "policy", "show", d.name), "testing", "policy show")
    ctl(lab, 0, "policy", "forget", d.name)
    ctl(lab, 6, "policy", "forget", "never-seen.example")
    lab.check(lab.gateway.events("policy", policy_domain=d.name), "nothing of it is logged")


@case("posternctl probe: a real handshake, step by step; exit 0 and 1")
def probe(lab):
    mx, bad = lab.mx(), lab.mx(cert="expired")
    d = lab.domain("probe", mx=[mx], sts=ENFORCE)
    d2 = lab.domain("probe", mx=[bad], sts=ENFORCE)
    text = ctl(lab, 0, "probe", mx.name, "--domain", d.name)
    lab.has(text, r"TLSv1\.3", "probe")
    text = ctl(lab, 1, "probe", bad.name, "--domain", d2.name)
    lab.has(text, "expired|out of date", "probe")
    lab.untouched(mx, bad)


@case("posternctl mode: monitor until the next reload")
def mode(lab):
    gateway = lab.another_gateway()
    mx = lab.mx(cert="expired")
    d = lab.domain("mode", mx=[mx], sts=ENFORCE)
    lab.has(ctl(lab, 0, "mode", gateway=gateway), "enforce", "mode")
    ctl(lab, 0, "mode", "monitor", gateway=gateway)
    lab.sent(lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway))
    lab.decision(d, "would-refuse", gateway=gateway)
    ctl(lab, 0, "reload", gateway=gateway)
    lab.deferred(lab.send(d.user("b"), client="raw", server=mx.v4, gateway=gateway), "451 4.7.5")


@case("posternctl usage, configuration and permission: exit 2, 4 and 5")
def codes(lab):
    ctl(lab, 2, "frobnicate")
    ctl(lab, 2, "domain")
    ctl(lab, 0, "check-config", lab.gateway.file)
    with open(lab.gateway.dir + "/bad.yaml", "w") as f:
        f.write("intercept:\n  form: [192.0.2.0/24]\n")
    text = ctl(lab, 4, "check-config", lab.gateway.dir + "/bad.yaml")
    lab.has(text, r"bad\.yaml:2:3: error: .*did you mean.*from", "check-config")
    argv = [postern.POSTERNCTL, "-c", lab.gateway.file]
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    done = lab.gateway.gw.run([*nobody, *argv, "status"], check=False)
    lab.same(done.returncode, 5, f"status as nobody: {done.stdout}{done.stderr}")
    reader = ["setpriv", "--reuid", "65534", "--regid", "9004", "--clear-groups"]
    done = lab.gateway.gw.run([*reader, *argv, "status"], check=False)
    lab.same(done.returncode, 0, f"status in the group: {done.stdout}{done.stderr}")
    done = lab.gateway.gw.run([*reader, *argv, "mode", "monitor"], check=False)
    lab.same(done.returncode, 5, f"mode in the group: {done.stdout}{done.stderr}")


@case("posternd -t: says every error with place and exit 4; a good file is exit 0")
def check_file(lab):
    def run(text):
        with open(lab.gateway.dir + f"/t{lab.lab.number()}.yaml", "w") as f:
            f.write(text)
        return lab.gateway.gw.run([postern.POSTERND, "-c", f.name, "-t"], check=False)
    good = lab.gateway.gw.run([postern.POSTERND, "-c", lab.gateway.file, "-t"], check=False)
    lab.same(good.returncode, 0, f"posternd -t: {good.stderr}")
    bad = run("mode: enforced\nintercept: { from: [192.0.2.1/24] }\nworkers: many\n")
    lab.same(bad.returncode, 4, f"posternd -t: {bad.stderr}")
    lab.has(bad.stderr + bad.stdout, r":1:7: error:", "mode")
    lab.has(bad.stderr + bad.stdout, r":3:10: error:", "workers")


@case("posternctl rules show: both families, and nothing else is needed")
def rules(lab):
    gateway = lab.another_gateway()
    text = ctl(lab, 0, "rules", "show", gateway=gateway)
    lab.has(text, "ip6tables", "rules")
    lab.has(text, r"REDIRECT --to-ports 10025", "rules")

    def installed():
        return [line for program in ("iptables-save", "ip6tables-save")
                for line in gateway.gw.run([program]).stdout.splitlines() if line.startswith("-A")]

    before = installed()
    gateway.intercept()
    lab.same(installed(), before, "rules after applying them twice")


@case("the resolver fails: what is cached still counts, the rest is undecided, status says so",
      alone=True)
def resolver_down(lab):
    mx = lab.mx()
    gateway = lab.another_gateway({"policy": {"wait": "3s"}})
    d = lab.domain("cachedns", mx=[mx], sts=ENFORCE)
    lab.sent(lab.send(d.user("first"), client="raw", server=mx.v4, gateway=gateway))
    rule = ["FORWARD", "-d", net.DNS4, "-p", "udp", "--dport", "53", "-j", "DROP"]
    lab.lab.net.net.tables(net.DNS4, "-I", *rule)
    lab.undo.append(lambda: lab.lab.net.net.tables(net.DNS4, "-D", *rule))
    mx.use_certificate(certs.leaf("expired", mx.name))
    time.sleep(1.5)
    told = lab.send(d.user(), client="raw", server=mx.v4, gateway=gateway, timeout=60)
    lab.deferred(told, "451 4.7.5|451 4.4.3|451 4.7.0")
    lab.check(not mx.messages(d.user()), "a mail went out")
