/* stream.h - a TLS session over a non-blocking socket, either side
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One small set of verbs around OpenSSL; the caller owns the socket and the event loop, and waits
 * for what a verb says it wants. The process must ignore SIGPIPE. STREAM_CUT and STREAM_FAILED are
 * final: every verb returns them again. */
#ifndef TLS_STREAM_H
#define TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct stream;

enum stream_result {
	STREAM_OK,
	STREAM_WANT_READ,
	STREAM_WANT_WRITE,
	STREAM_CLOSED,		/* the peer ended the session properly (close_notify) */
	STREAM_CUT,		/* the connection ended without close_notify */
	STREAM_FAILED		/* protocol error or alert: stream_error says which */
};

enum stream_result stream_handshake(struct stream *s);
/* stream_defer: what the last step of the handshake has to send waits for the first write, and goes
 * with it, or for stream_flush: who has nothing to say at once must call that. */
void stream_defer(struct stream *s);

/* stream_read: up to len octets into buf, *got > 0 on STREAM_OK. Records are taken off the socket
 * ahead, by the handshake too: the socket says nothing about what is left to be read before
 * STREAM_WANT_READ, or stream_more is false. */
enum stream_result stream_read(struct stream *s, void *buf, size_t len, size_t *got);

/* stream_write: on STREAM_OK *put octets were taken (may be fewer than len). After WANT_* call
 * again with the same octets at the front; the buffer may have moved and may have grown. Of what
 * was taken, encrypted, the socket may have refused a rest; nothing more is taken before that. */
enum stream_result stream_write(struct stream *s, const void *buf, size_t len, size_t *put);

/* stream_waiting: octets taken that have not been sent. stream_flush sends them: STREAM_OK when
 * none is left, else STREAM_WANT_WRITE, or the end. */
size_t stream_waiting(const struct stream *s);
enum stream_result stream_flush(struct stream *s);

/* stream_pending: octets decrypted and not yet read; there may be whole records behind them. */
size_t stream_pending(const struct stream *s);
/* stream_more: whether anything taken off the socket waits to be read, whole or not; where nothing
 * does, the socket says again when there is more. */
bool stream_more(const struct stream *s);

/* stream_shutdown: sends close_notify once, never waits for the peer's. Nothing can be written
 * behind it, and the socket should be closed once nothing is waiting.
 * stream_last: what is written from now on waits for it, to be sent with it. */
void stream_last(struct stream *s);
void stream_shutdown(struct stream *s);

/* stream_error: the reason of the last STREAM_FAILED or STREAM_CUT in OpenSSL's words (a static or
 * stream-owned string, printable ASCII). */
const char *stream_error(const struct stream *s);

/* stream_version, stream_cipher: after the handshake, static strings. */
const char *stream_version(const struct stream *s);
const char *stream_cipher(const struct stream *s);

/* stream_free: before the socket is closed, which is the caller's; NULL is allowed. */
void stream_free(struct stream *s);

#endif
