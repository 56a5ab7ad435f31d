# rawtls.py - TLS by OpenSSL with the handshake in our hands: cut, split, replaced or replayed
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSL never touches the socket here. What it wants to send during a handshake goes through a
`shape` (see flights.py), which says in what pieces and in what form it leaves. Python's own ssl
cannot renegotiate, knows no PSK and no custom extensions, so libssl is called directly."""
import contextlib
import ctypes
import hashlib
import socket
import time

VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}
PSK = b"\x17" * 16

# From OpenSSL's ssl.h and tls1.h.
CACHE_MODE, SERVER_NAME, GROUPS, SIGALGS, DH_AUTO, MIN_VERSION, MAX_VERSION = \
    44, 55, 92, 98, 118, 123, 124
ERROR_WANT_READ, ERROR_ZERO_RETURN = 2, 6
LEGACY_SERVER_CONNECT, ALLOW_CLIENT_RENEGOTIATION, NO_TICKET = 1 << 2, 1 << 8, 1 << 14
IN_CLIENT_HELLO = 0x80

P, I, S, U = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint
PSK_SERVER = ctypes.CFUNCTYPE(U, P, S, P, U)
PSK_CLIENT = ctypes.CFUNCTYPE(U, P, S, P, U, P, U)
ADD_EXTENSION = ctypes.CFUNCTYPE(I, P, U, U, ctypes.POINTER(P), ctypes.POINTER(ctypes.c_size_t), P,
                                 ctypes.c_size_t, P, P)
TAKE_EXTENSION = ctypes.CFUNCTYPE(I, P, U, U, P, ctypes.c_size_t, P, ctypes.c_size_t, P, P)

libssl = ctypes.CDLL("libssl.so.3")
libcrypto = ctypes.CDLL("libcrypto.so.3")

PROTOTYPES = {
    "TLS_server_method": (P,), "TLS_client_method": (P,),
    "SSL_CTX_new": (P, P), "SSL_CTX_free": (None, P),
    "SSL_CTX_ctrl": (ctypes.c_long, P, I, ctypes.c_long, P),
    "SSL_CTX_set_options": (ctypes.c_uint64, P, ctypes.c_uint64),
    "SSL_CTX_use_certificate_chain_file": (I, P, S), "SSL_CTX_use_PrivateKey_file": (I, P, S, I),
    "SSL_CTX_set_cipher_list": (I, P, S), "SSL_CTX_load_verify_locations": (I, P, S, S),
    "SSL_CTX_set_verify": (None, P, I, P),
    "SSL_CTX_set_session_id_context": (I, P, S, U),
    "SSL_CTX_set_psk_server_callback": (None, P, PSK_SERVER),
    "SSL_CTX_set_psk_client_callback": (None, P, PSK_CLIENT),
    "SSL_CTX_add_custom_ext": (I, P, U, U, ADD_EXTENSION, P, P, TAKE_EXTENSION, P),
    "SSL_new": (P, P), "SSL_free": (None, P), "SSL_set_bio": (None, P, P, P),
    "SSL_ctrl": (ctypes.c_long, P, I, ctypes.c_long, P),
    "SSL_set_accept_state": (None, P), "SSL_set_connect_state": (None, P),
    "SSL_do_handshake": (I, P), "SSL_read": (I, P, P, I), "SSL_peek": (I, P, P, I),
    "SSL_write": (I, P, S, I),
    "SSL_shutdown": (I, P), "SSL_set_shutdown": (None, P, I), "SSL_get_error": (I, P, I),
    "SSL_get_version": (S, P),
    "SSL_renegotiate": (I, P), "SSL_renegotiate_pending": (I, P),
    "SSL_session_reused": (I, P), "SSL_get1_session": (P, P), "SSL_set_session": (I, P, P),
    "SSL_get_servername": (S, P, I), "SSL_get1_peer_certificate": (P, P),
    "SSL_get_current_cipher": (P, P), "SSL_CIPHER_get_name": (S, P),
    "BIO_new": (P, P), "BIO_s_mem": (P,), "BIO_write": (I, P, S, I), "BIO_read": (I, P, P, I),
    "BIO_ctrl_pending": (ctypes.c_size_t, P),
    "i2d_X509": (I, P, ctypes.POINTER(P)), "X509_free": (None, P), "CRYPTO_free": (None, P, S, I),
    "ERR_get_error": (ctypes.c_ulong,), "ERR_clear_error": (None,),
    "ERR_error_string_n": (None, ctypes.c_ulong, P, ctypes.c_size_t),
}


class Functions:
    def __init__(self):
        for name, (result, *arguments) in PROTOTYPES.items():
            library = libcrypto if name[:3] in ("BIO", "i2d", "X50", "CRY", "ERR") else libssl
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)


c = Functions()


class Fault(OSError):
    """The handshake or the session failed; the text is OpenSSL's."""


def reason():
    text = ctypes.create_string_buffer(256)
    c.ERR_error_string_n(c.ERR_get_error(), text, 256)
    return text.value.decode()


def good(result, what):
    if result <= 0:
        raise Fault(f"{what}: {reason()}")


class Context:
    """What sessions have in common. certificate: a file with chain and key makes it a server.

    versions: the lowest and the highest. ciphers, groups, sigalgs: OpenSSL's lists. tickets,
    sessions: whether a server gives tickets, session ids. small_dh: a group of 1024 bits.
    renegotiate: a server lets the client. extension: that many octets more in the client's hello.
    ca: verify the peer against this file. psk: a key both sides know."""

    def __init__(self, certificate=None, versions=("1.0", "1.3"), ciphers="DEFAULT:@SECLEVEL=0",
                 groups=None, sigalgs=None, tickets=True, sessions=True, small_dh=False,
                 renegotiate=False, extension=0, ca=None, psk=False, server=None):
        self.server = bool(certificate) if server is None else server
        method = c.TLS_server_method() if self.server else c.TLS_client_method()
        self.handle = c.SSL_CTX_new(method)
        c.SSL_CTX_ctrl(self.handle, MIN_VERSION, VERSIONS[versions[0]], None)
        c.SSL_CTX_ctrl(self.handle, MAX_VERSION, VERSIONS[versions[1]], None)
        c.SSL_CTX_ctrl(self.handle, DH_AUTO, 2 if small_dh else 1, None)
        c.SSL_CTX_ctrl(self.handle, CACHE_MODE, 2 if self.server and sessions else 0, None)
        c.SSL_CTX_set_options(self.handle, LEGACY_SERVER_CONNECT | (0 if tickets else NO_TICKET) |
                              (ALLOW_CLIENT_RENEGOTIATION if renegotiate else 0))
        c.SSL_CTX_set_session_id_context(self.handle, b"lab", 3)
        good(c.SSL_CTX_set_cipher_list(self.handle, ciphers.encode()), ciphers)
        if groups:
            good(c.SSL_CTX_ctrl(self.handle, GROUPS, 0, groups.encode()), groups)
        if sigalgs:
            good(c.SSL_CTX_ctrl(self.handle, SIGALGS, 0, sigalgs.encode()), sigalgs)
        if certificate:
            path = certificate.encode()
            good(c.SSL_CTX_use_certificate_chain_file(self.handle, path), certificate)
            good(c.SSL_CTX_use_PrivateKey_file(self.handle, path, 1), certificate)
        if ca:
            good(c.SSL_CTX_load_verify_locations(self.handle, ca.encode(), None), ca)
            c.SSL_CTX_set_verify(self.handle, 1, None)
        self.kept = []	# what C calls back into must live as long as the context
        if psk:
            self.share_key()
        if extension:
            self.add_extension(extension)

    def share_key(self):
        def server(ssl, identity, out, size):
            if identity != b"lab":	# TLS 1.3 offers tickets under the same roof
                return 0
            ctypes.memmove(out, PSK, len(PSK))
            return len(PSK)

        def client(ssl, hint, identity, identity_size, out, size):
            ctypes.memmove(identity, b"lab\0", 4)
            ctypes.memmove(out, PSK, len(PSK))
            return len(PSK)

        self.kept += [PSK_SERVER(server), PSK_CLIENT(client)]
        if self.server:
            c.SSL_CTX_set_psk_server_callback(self.handle, self.kept[0])
        else:
            c.SSL_CTX_set_psk_client_callback(self.handle, self.kept[1])

    def add_extension(self, size):
        octets = ctypes.create_string_buffer(size)

        def add(ssl, kind, where, out, length, *_):
            out[0], length[0] = ctypes.cast(octets, P), size
            return 1

        self.kept += [octets, ADD_EXTENSION(add), TAKE_EXTENSION(lambda *_: 1)]
        good(c.SSL_CTX_add_custom_ext(self.handle, 0xfe07, IN_CLIENT_HELLO, self.kept[1], None,
                                      None, self.kept[2], None), "extension")

    def wrap(self, sock, **options):
        """The handshake over this socket; the connection afterwards."""
        conn = Conn(self, sock, **options)
        conn.handshake()
        return conn


class Conn:
    """A TLS connection that can be used like a socket.

    shape: see flights.py. resume: a Conn whose session is to be resumed. sni: the name to send."""

    def __init__(self, context, sock, shape=None, resume=None, sni=None):
        self.context, self.sock, self.shape = context, sock, shape
        self.flights = 0	# batches of the handshake that were sent
        self.hello = b""	# a server: what came before our first flight
        self.renegotiate_soon = False
        self.resumed, self.certificate, self.sni = False, None, ""
        self.handle = c.SSL_new(context.handle)
        self.incoming, self.outgoing = c.BIO_new(c.BIO_s_mem()), c.BIO_new(c.BIO_s_mem())
        c.SSL_set_bio(self.handle, self.incoming, self.outgoing)
        (c.SSL_set_accept_state if context.server else c.SSL_set_connect_state)(self.handle)
        if resume is not None:
            session = c.SSL_get1_session(resume.handle)
            good(c.SSL_set_session(self.handle, session), "session")
        if sni:
            c.SSL_ctrl(self.handle, SERVER_NAME, 0, sni.encode())

    def __del__(self):
        if getattr(self, "handle", None):
            c.SSL_set_shutdown(self.handle, 3)	# or its session could not be resumed any more
            c.SSL_free(self.handle)

    def pending(self):
        """What OpenSSL wants to send."""
        size = c.BIO_ctrl_pending(self.outgoing)
        buffer = ctypes.create_string_buffer(size or 1)
        got = c.BIO_read(self.outgoing, buffer, size) if size else 0
        return buffer.raw[:got]

    def push(self):
        octets = self.pending()
        if not octets:
            return
        self.flights += 1
        for piece in self.shape(self, octets) if self.shape else [octets]:
            if piece is None:
                raise Fault("cut off, as the script says")
            time.sleep(piece) if isinstance(piece, float) else self.sock.sendall(piece)

    def pull(self):
        """More octets from the peer; False at its end."""
        data = self.sock.recv(1 << 17)
        if self.flights == 0:
            self.hello += data
        if data:
            c.BIO_write(self.incoming, data, len(data))
        return bool(data)

    def handshake(self):
        while True:
            c.ERR_clear_error()
            result = c.SSL_do_handshake(self.handle)
            error = c.SSL_get_error(self.handle, result)
            if result != 1 and error != ERROR_WANT_READ:
                why = reason()
                with contextlib.suppress(OSError):
                    self.push()		# the alert
                raise Fault(f"handshake: {why}")
            self.push()
            if result == 1:
                break
            if not self.pull():
                raise Fault("handshake: the peer closed the connection")
        self.shape = None
        self.resumed = bool(c.SSL_session_reused(self.handle))
        self.sni = (c.SSL_get_servername(self.handle, 0) or b"").decode()
        self.certificate = self.peer_digest()

    def peer_digest(self):
        """SHA-256 of the peer's certificate, in hexadecimal; None where it showed none."""
        x509 = c.SSL_get1_peer_certificate(self.handle)
        if not x509:
            return None
        out = P()
        size = c.i2d_X509(x509, ctypes.byref(out))
        digest = hashlib.sha256(ctypes.string_at(out, size)).hexdigest()
        c.CRYPTO_free(out, b"", 0)
        c.X509_free(x509)
        return digest

    def version(self):
        return c.SSL_get_version(self.handle).decode()

    def cipher(self):
        return c.SSL_CIPHER_get_name(c.SSL_get_current_cipher(self.handle)).decode()

    def sendall(self, data):
        if self.renegotiate_soon:
            self.renegotiate_soon = False
            self.renegotiate()
        data = bytes(data)
        for start in range(0, len(data), 1 << 16):
            piece = data[start:start + (1 << 16)]
            good(c.SSL_write(self.handle, piece, len(piece)), "write")
            self.push()

    def recv(self, size):
        buffer = ctypes.create_string_buffer(size)
        while True:
            c.ERR_clear_error()
            got = c.SSL_read(self.handle, buffer, size)
            self.push()
            if got > 0:
                return ctypes.string_at(buffer, got)
            error = c.SSL_get_error(self.handle, got)
            if error == ERROR_ZERO_RETURN:
                return b""
            if error != ERROR_WANT_READ:
                raise Fault(f"read: {reason()}")
            if not self.pull():
                return b""

    def renegotiate(self):
        """A second handshake; nothing else is expected meanwhile."""
        good(c.SSL_renegotiate(self.handle), "renegotiate")
        while c.SSL_renegotiate_pending(self.handle):
            c.ERR_clear_error()
            result = c.SSL_do_handshake(self.handle)
            if result == 1:
                # A server's first step is a request alone; reading does the rest.
                result = c.SSL_peek(self.handle, ctypes.create_string_buffer(1), 1)
            error = c.SSL_get_error(self.handle, result)
            self.push()
            if result > 0 or not c.SSL_renegotiate_pending(self.handle):
                break	# over, or data came first: recv does the rest
            if error != ERROR_WANT_READ:
                raise Fault(f"renegotiate: {reason()}")
            if not self.pull():
                raise Fault("renegotiate: the peer closed the connection")

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def setsockopt(self, *args):
        self.sock.setsockopt(*args)

    def shutdown(self, how):
        """Our end of the session, and of the connection."""
        if how != socket.SHUT_RD:
            c.SSL_shutdown(self.handle)
            with contextlib.suppress(OSError):
                self.push()
        self.sock.shutdown(how)

    def close(self):
        self.sock.close()
