/* leg.h - one side of a session: a socket, perhaps under TLS, with its two bounded buffers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Buffers exist only while they hold something, so an idle leg costs its struct alone. A leg never
 * calls anybody: the session asks it to fill, flush and pass, and tells it what to watch. */
#ifndef PROXY_LEG_H
#define PROXY_LEG_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/stream.h"

/* Four TLS records: enough for bulk, and the most a client can make us keep unread. */
#define LEG_IN_SIZE 65536
/* Dialogue: commands and replies. As small as what malloc() hands out without looking about. */
#define LEG_IN_FIRST 1024
/* What may wait for a slow reader: reading from the other side stops far below it. */
#define LEG_OUT_MAX 65536
#define LEG_OUT_HIGH 16384

enum leg_result {
	LEG_OK,
	LEG_AGAIN,		/* the socket must become ready first */
	LEG_EOF,		/* the peer has ended its direction */
	LEG_FAILED		/* the connection is gone: leg->error says why */
};

struct leg {
	int fd;			/* -1: closed */
	struct stream *tls;	/* NULL: clear text */
	ev_io io;
	char *in, *out;
	uint32_t in_start, in_end, in_size;
	uint32_t out_start, out_end, out_size;
	bool readable;		/* the socket may have something to read */
	bool bulk;		/* the latest filling did not fit into LEG_IN_FIRST, or none will */
	bool last;		/* what is sent now goes with the connection's end */
	bool eof, failed;
	bool tls_write;		/* the handshake, or reading, needs the socket writable first */
	bool blocked;		/* leg_pass could not write all */
	const char *error;	/* static */
	uint64_t bytes_in, bytes_out;
};

/* leg_open: takes over a non-blocking socket; `ready` is called by the loop with io->data = arg. */
void leg_open(struct leg *leg, struct ev_loop *loop, int fd,
    void (*ready)(struct ev_loop *loop, ev_io *io, int events), void *arg);

/* leg_close: TLS says goodbye, the socket is closed, buffers are freed. May be called twice.
 * leg_closing: it will be called once what waits is sent: the end needs no packet of its own.
 * Nothing may be put after the next leg_flush, which has TLS say goodbye. */
void leg_closing(struct leg *leg);
void leg_close(struct leg *leg, struct ev_loop *loop);

/* leg_release: gives the socket back, open and unwatched; buffers are freed. The leg is closed. */
int leg_release(struct leg *leg, struct ev_loop *loop);

/* leg_fill: reads what there is, as far as the buffer holds it. LEG_OK: something new. In clear
 * text also after a write has failed: the peer's last words may still be there. */
enum leg_result leg_fill(struct leg *leg);
size_t leg_unread(const struct leg *leg);
const char *leg_data(const struct leg *leg);	/* leg_unread octets */
void leg_consume(struct leg *leg, size_t len);
bool leg_full(const struct leg *leg);

/* leg_put: appends to what is to be sent; false when LEG_OUT_MAX would be passed or memory is out
 * (the leg is then failed). */
bool leg_put(struct leg *leg, const char *p, size_t len);
size_t leg_waiting(const struct leg *leg);	/* octets, also those that TLS holds */
enum leg_result leg_flush(struct leg *leg);

const char *leg_error_text(int error);	/* errno of a connection, in words; static */

bool leg_gone(const struct leg *leg);	/* open, but failed or at its end */

/* leg_pass: writes straight from the caller's octets once nothing is waiting; *put octets are gone.
 * After LEG_AGAIN the rest must be shown again, unchanged at its front. */
enum leg_result leg_pass(struct leg *leg, const char *p, size_t len, size_t *put);

/* leg_handshake: one step of the TLS handshake of leg->tls. */
enum leg_result leg_handshake(struct leg *leg);

/* leg_watch: sets what the loop waits for: reading if `read` and there is room, writing if
 * something is waiting or `write`. */
void leg_watch(struct leg *leg, struct ev_loop *loop, bool read, bool write);

#endif
