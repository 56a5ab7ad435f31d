# web.py - policy hosts: nginx for the honest ones, a scripted server for the rest
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx answers on port 443 of every server address that nothing else holds, so a policy host
that is to be blocked gets an address of its own. The certificate is chosen by SNI, the policy by
Host."""
import os
import shutil
import socket
import ssl
import threading
import time

import certs
from inside import STATE, write

DIR = STATE + "/web"

NGINX = """daemon off;
worker_processes 1;
user root;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 512; }}
http {{
    log_format lab '$host $status $ssl_server_name $request';
    access_log {dir}/access.log lab;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    types {{ text/plain txt; }}
    server {{
        listen 0.0.0.0:443 ssl reuseport;
        listen [::]:443 ssl reuseport;
        ssl_certificate {dir}/$ssl_server_name.pem;
        ssl_certificate_key {dir}/$ssl_server_name.pem;
        root {dir}/site/$host;
    }}
}}
"""


def setup(network):
    os.makedirs(DIR + "/site", exist_ok=True)
    write(DIR + "/nginx.conf", NGINX.format(dir=DIR))
    with open(DIR + "/out", "w") as out:
        network.mx.popen(["nginx", "-c", DIR + "/nginx.conf", "-e", DIR + "/error.log"], stdout=out,
                         stderr=out)


def policy_text(mode="enforce", mx=(), max_age=86400, version="STSv1"):
    return "".join(f"{k}: {v}\r\n" for k, v in [("version", version), ("mode", mode)]
                   + [("mx", m) for m in mx] + [("max_age", max_age)])


def publish(domain, text, cert="good"):
    """Puts a policy on nginx; None takes it away (404)."""
    host = "mta-sts." + domain
    path = f"{DIR}/{host}.pem"
    if not os.path.exists(path):
        # For the kinds wrong-name and the like the file still has the name nginx looks for.
        shutil.copy(certs.leaf(cert, host), path)
    place = f"{DIR}/site/{host}/.well-known/mta-sts.txt"
    if text is None:
        os.path.exists(place) and os.unlink(place)
    else:
        write(place + ".new", text)
        os.rename(place + ".new", place)


def fetches(domain):
    """How often nginx was asked for the domain's policy, whatever the answer."""
    try:
        with open(DIR + "/access.log") as f:
            return sum(line.startswith(f"mta-sts.{domain} ") for line in f)
    except FileNotFoundError:
        return 0


class OddWeb:
    """A policy host that misbehaves.

    how: redirect (302 to elsewhere with a good policy), html (wrong media type), huge (over 64
    KiB), slow (answers after `delay` seconds), hang (accepts and never answers), status-500, drip
    (an octet a second)"""

    def __init__(self, network, addresses, domain, text, how, delay=0, cert="good"):
        self.text, self.how, self.delay = text.encode(), how, delay
        self.requests = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certs.leaf(cert, "mta-sts." + domain))
        for address in addresses:
            listener = network.mx.call(self.listen, address)
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    @staticmethod
    def listen(address):
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)	# beside nginx's wildcard
        if ":" in address:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, 443))
        s.listen(64)
        return s

    def accept(self, listener):
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=self.guard, args=(conn,), daemon=True).start()

    def guard(self, conn):
        try:
            conn.settimeout(120)
            self.serve(self.context.wrap_socket(conn, server_side=True))
        except OSError:
            conn.close()

    def serve(self, conn):
        request = b""
        while b"\r\n\r\n" not in request:
            data = conn.recv(4096)
            if not data:
                return
            request += data
        self.requests += 1
        kind, status, body, extra = b"text/plain", b"200 OK", self.text, b""
        if self.how == "redirect":
            if b"GET /elsewhere" not in request:
                host = request.lower().split(b"host: ")[1].split(b"\r\n")[0]
                status, body = b"302 Found", b""
                extra = b"Location: https://" + host + b"/elsewhere\r\n"
        elif self.how == "html":
            kind = b"text/html"
        elif self.how == "huge":
            body = self.text + b"comment: " + b"x" * 100 + b"\r\n"
            body += b"ext: " + b"y" * 200000 + b"\r\n"
        elif self.how == "status-500":
            status = b"500 Internal Server Error"
        elif self.how == "slow":
            time.sleep(self.delay)
        elif self.how == "hang":
            time.sleep(600)
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: " + kind + b"\r\n" + extra
        head += b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        if self.how == "drip":
            for octet in head + body:
                conn.sendall(bytes([octet]))
                time.sleep(1)
        conn.sendall(head + body)
        conn.close()
