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

/* stream_read: up to len octets into buf, *got > 0 on STREAM_OK. Records are taken off the socket
 * ahead, by the handshake too: the socket says nothing about what is left to be read before
 * STREAM_WANT_READ, or stream_more is false. */
enum stream_result stream_read(struct stream *s, void *buf, size_t len, size_t *got);

/* stream_write: on STREAM_OK *put octets were taken (may be fewer than len). After WANT_* call
 * again with the same octets at the front; the buffer may have moved and may have grown. */
enum stream_result stream_write(struct stream *s, const void *buf, size_t len, size_t *put);

/* stream_pending: octets decrypted and not yet read; there may be whole records behind them. */
size_t stream_pending(const struct stream *s);
/* stream_more: whether anything taken off the socket waits to be read, whole or not; where nothing
 * does, the socket says again when there is more. */
bool stream_more(const struct stream *s);

/* stream_shutdown: sends close_notify once, never waits for the peer's. */
void stream_shutdown(struct stream *s);

/* stream_error: the reason of the last STREAM_FAILED or STREAM_CUT in OpenSSL's words (a static or
 * stream-owned string, printable ASCII). */
const char *stream_error(const struct stream *s);

/* stream_version, stream_cipher: after the handshake, static strings. */
const char *stream_version(const struct stream *s);
const char *stream_cipher(const struct stream *s);

void stream_free(struct stream *s);	/* does not close the socket; NULL is allowed */

#endif
