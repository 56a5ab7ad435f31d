# certs.py - the laboratory's certification authority: a root, an intermediate, good and bad leaves
# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
import itertools
import os
import re
import ssl
import subprocess
import threading

from inside import STATE, write

DIR = STATE + "/certs"
CONF = """[ca]
default_ca = lab
[lab]
database = {dir}/{issuer}.index
serial = {dir}/{issuer}.serial
new_certs_dir = {dir}
default_md = sha256
policy = any
copy_extensions = copyall
unique_subject = no
[any]
commonName = supplied
"""

lock = threading.Lock()
made = {}
numbers = itertools.count()	# of files


def openssl(*args, input=None):
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, input=input)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(args)}\n{done.stderr}")
    return done.stdout


def authority(name, issuer=None, path="", usage="keyCertSign,cRLSign", names=None, expired=False,
              rsa=False):
    """DIR/name.pem and .key. path: a path length limit; names: those that it may certify (None:
    all, as every domain here is ours)."""
    key, cert = f"{DIR}/{name}.key", f"{DIR}/{name}.pem"
    if rsa:
        openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    else:
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    signer = ["-CA", f"{DIR}/{issuer}.pem", "-CAkey", f"{DIR}/{issuer}.key"] if issuer else []
    subject = ["-new", "-key", key, "-subj", f"/CN=postern lab {name}",
               "-addext", f"basicConstraints=critical,CA:TRUE{path}",
               "-addext", f"keyUsage=critical,{usage}"]
    if names:
        subject += ["-addext", f"nameConstraints=critical,permitted;DNS:{names}"]
    write(f"{DIR}/{name}.index", "")
    write(f"{DIR}/{name}.serial", "01\n")
    write(f"{DIR}/{name}.conf", CONF.format(dir=DIR, issuer=name))
    if expired:
        how = ["-cert", f"{DIR}/{issuer}.pem", "-keyfile", f"{DIR}/{issuer}.key"] if issuer else \
            ["-selfsign", "-keyfile", key]
        signed_in_the_past(subject, issuer or name, cert, *how)
    else:
        openssl("req", "-x509", *subject, "-days", "30", "-out", cert, *signer)


def signed_in_the_past(subject, issuer, cert, *signer):
    """A certificate that has expired; `req -x509` makes none."""
    openssl("req", *subject, "-out", cert + ".csr")
    openssl("ca", "-batch", "-notext", "-config", f"{DIR}/{issuer}.conf", *signer,
            "-startdate", "20240101000000Z", "-enddate", "20240301000000Z",
            "-in", cert + ".csr", "-out", cert)


def setup():
    """The root that gateways trust (ca_file), its intermediate, and a root nobody trusts."""
    os.makedirs(DIR, exist_ok=True)
    authority("root")
    authority("intermediate", "root")
    authority("stranger")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key_file())
    openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
            key_file("rsa"))
    openssl("genpkey", "-algorithm", "ed25519", "-out", key_file("ed25519"))
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key_file("thief"))
    for kind in ("good", "rsa", "ed25519", "thief"):
        os.chmod(key_file(kind), 0o644)


def ca_file():
    return f"{DIR}/root.pem"


def key_file(kind="good"):
    own = kind in ("rsa", "ed25519", "thief")
    return f"{DIR}/leaf-{kind}.key" if own else f"{DIR}/leaf.key"


def read(path):
    with open(path) as f:
        return f.read()


def leaf(kind, *names):
    """A file with key and chain for a server called names[0].

    kind: good, expired, self-signed, stranger (an unknown root), missing-intermediate, cn-only,
    wrong-name (a good certificate, but for other.example), partial-wildcard (m*.example),
    inner-wildcard (mx.*.example), nul-in-name, client-only (not for servers), long-chain (14
    certificates), rsa and ed25519 (good, with such a key; the others' is of the curve P-256),
    thief (self-signed with a key that is nobody else's), or one of CHAINS."""
    if kind == "wrong-name":
        kind, names = "good", ("mx.other.example",)
    with lock:
        if (kind, names) in made:
            return made[kind, names]
        path = make(kind, names)
        made[kind, names] = path
        return path


def alternative(kind, names):
    """The value of subjectAltName."""
    first, rest = names[0].split(".", 1)
    if kind == "nul-in-name":
        octets = names[0].encode() + b"\0.evil.example"
        inside = bytes([0x82, len(octets)]) + octets
        return "DER:" + (bytes([0x30, len(inside)]) + inside).hex(":")
    if kind == "partial-wildcard":
        names = [f"{first[0]}*.{rest}"]
    if kind == "inner-wildcard":
        names = [f"{first}.*.{rest.split('.', 1)[1]}" if rest.count(".") else f"{first}.*"]
    return ",".join("DNS:" + n for n in names)


def long_chain():
    """The name of an authority twelve below the intermediate, and the certificates between."""
    if not os.path.exists(f"{DIR}/link11.pem"):
        for i in range(12):
            authority(f"link{i}", f"link{i - 1}" if i else "intermediate")
    return "link11", "".join(read(f"{DIR}/link{i}.pem") for i in range(11, -1, -1))


# Chains that are sent with their last certificate, the trust anchor: authorities from the leaf on.
CHAINS = {"whole": ["intermediate", "root"], "private": ["private-sub", "private"],
          "short-path": ["short-sub", "short"], "no-signing": ["no-signing"],
          "constrained": ["constrained"], "expired-ta": ["expired"],
          "expired-link": ["expired-sub", "private"]}
AUTHORITIES = {"private": {}, "private-sub": dict(issuer="private"),
               "short": dict(path=",pathlen:0"), "short-sub": dict(issuer="short"),
               "no-signing": dict(usage="cRLSign"),
               "constrained": dict(names="elsewhere.example"), "expired": dict(expired=True),
               "expired-sub": dict(issuer="private", expired=True)}


def chain_of(kind):
    """The name of the authority that issues such a leaf, and the certificates that are sent."""
    if kind == "long-chain":
        last, chain = long_chain()
        return last, chain + read(f"{DIR}/intermediate.pem")
    for name in reversed(CHAINS.get(kind, [])):
        if not os.path.exists(f"{DIR}/{name}.pem"):
            authority(name, **AUTHORITIES[name])
    if kind in CHAINS:
        return CHAINS[kind][0], "".join(read(f"{DIR}/{name}.pem") for name in CHAINS[kind])
    if kind in ("self-signed", "thief"):
        return None, ""
    if kind == "stranger":
        return "stranger", ""
    return "intermediate", "" if kind == "missing-intermediate" else read(f"{DIR}/intermediate.pem")


def make(kind, names):
    # Every certificate has a serial number of its own, so the same name made twice differs.
    path = f"{DIR}/{next(numbers)}-{names[0].replace('*', '_')}-{kind}.pem"
    san = [] if kind == "cn-only" else ["-addext", "subjectAltName=" + alternative(kind, names)]
    purpose = "clientAuth" if kind == "client-only" else "serverAuth,clientAuth"
    subject = ["-key", key_file(kind), "-subj", "/CN=" + (names[0] if kind == "cn-only" else "mx"),
               "-addext", "basicConstraints=critical,CA:FALSE",
               "-addext", "extendedKeyUsage=" + purpose, *san]
    issuer, chain = chain_of(kind)
    signer = ["-CA", f"{DIR}/{issuer}.pem", "-CAkey", f"{DIR}/{issuer}.key"] if issuer else []
    if kind == "expired":
        signed_in_the_past(["-new", *subject], issuer, path + ".crt", "-cert",
                           f"{DIR}/{issuer}.pem", "-keyfile", f"{DIR}/{issuer}.key")
    else:
        openssl("req", "-x509", "-new", *subject, *signer, "-days", "20", "-out", path + ".crt")
    write(path, read(key_file(kind)) + read(path + ".crt") + chain)
    return path


def fresh(*names):
    """A good certificate that was not there before: what a renewal looks like."""
    with lock:
        made.pop(("good", names), None)
    return leaf("good", *names)


def digest(path):
    """SHA-256 of the first certificate in a file, in hexadecimal."""
    pem = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", read(path), re.S)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[0])).hexdigest()


def public(key, name):
    """The file of a server as public authorities certify most: an RSA-2048 root (public_ca_file)
    and intermediate, which is sent, and a leaf with the key that leaf(key, ...) has."""
    with lock:
        if not os.path.exists(public_ca_file()):
            authority("public", rsa=True)
            authority("public-issuer", "public", path=",pathlen:0", rsa=True)
        path = f"{DIR}/{name}-public-{key}.pem"
        openssl("req", "-x509", "-new", "-key", key_file(key), "-subj", f"/CN={name}",
                "-days", "20", "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", "keyUsage=critical,digitalSignature",
                "-addext", "extendedKeyUsage=serverAuth", "-addext", f"subjectAltName=DNS:{name}",
                "-CA", f"{DIR}/public-issuer.pem", "-CAkey", f"{DIR}/public-issuer.key",
                "-out", path + ".crt")
        write(path, read(key_file(key)) + read(path + ".crt") + read(f"{DIR}/public-issuer.pem"))
        return path


def public_ca_file():
    return f"{DIR}/public.pem"
