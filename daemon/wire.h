/* wire.h - one cursor for the messages between processes, with a sticky error
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers are little-endian. A string is a 16-bit length, the bytes, and a NUL, so that a reader
 * can hand out C strings that point into the message; a string with a NUL inside is malformed.
 * After the first fault every further call yields 0, "" or nothing; test `bad` once at the end. */
#ifndef DAEMON_WIRE_H
#define DAEMON_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MESSAGE_MAX 65536	/* octets; one SEQPACKET message */

struct wire_reader {
	const unsigned char *p, *end;
	bool bad;
};

struct wire_writer {
	unsigned char *start, *p, *end;
	bool bad;		/* did not fit, or a string over 65534 octets */
};

void wire_read(struct wire_reader *r, const void *p, size_t len);
uint8_t wire_get8(struct wire_reader *r);
uint16_t wire_get16(struct wire_reader *r);
uint32_t wire_get32(struct wire_reader *r);
uint64_t wire_get64(struct wire_reader *r);
void wire_get_bytes(struct wire_reader *r, void *out, size_t len);
const char *wire_get_string(struct wire_reader *r);

/* wire_read_done: true when nothing was bad and nothing is left over. */
bool wire_read_done(const struct wire_reader *r);

void wire_write(struct wire_writer *w, void *p, size_t len);
void wire_put8(struct wire_writer *w, uint8_t v);
void wire_put16(struct wire_writer *w, uint16_t v);
void wire_put32(struct wire_writer *w, uint32_t v);
void wire_put64(struct wire_writer *w, uint64_t v);
void wire_put_bytes(struct wire_writer *w, const void *p, size_t len);
void wire_put_string(struct wire_writer *w, const char *s);	/* NULL is written as "" */

/* wire_written: octets written, 0 when it did not fit. */
size_t wire_written(const struct wire_writer *w);

#endif
