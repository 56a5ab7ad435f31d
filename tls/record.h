/* record.h - TLS records as they pass by (RFC 5246 section 6.2)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pure: no I/O, no allocation. */
#ifndef TLS_RECORD_H
#define TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_HEADER 5
#define RECORD_CLEAR_MAX 16384		/* octets of a fragment in clear text */
#define RECORD_SEALED_MAX (16384 + 2048)	/* of an encrypted one, TLS <= 1.2 */

enum record_type {
	RECORD_CHANGE_CIPHER_SPEC = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_APPLICATION_DATA
};

struct record {
	enum record_type type;
	uint16_t version;
	const uint8_t *fragment;
	size_t len;
};

enum record_result {
	RECORD_OK,
	RECORD_MORE,
	RECORD_NOT_TLS,		/* no record begins like this: plain text, SSLv2 */
	RECORD_EMPTY,		/* a fragment of length 0, which no handshake needs */
	RECORD_TOO_LONG
};

/* record_next: the whole record in clear text at the front of the octets; *used is then its length
 * with the header. What cannot become one is said as soon as it can be. */
enum record_result record_next(const void *p, size_t len, struct record *out, size_t *used);

/* Of encrypted records only their headers are of interest. */
struct record_track {
	uint8_t header[RECORD_HEADER];
	uint8_t have;			/* octets of the header */
	uint32_t left;			/* of the fragment */
};

/* record_track: follows any cut of the stream. Returns a set of 1 << (type - 20) of the records
 * that began in these octets (whose header ended there); 0 in between. *bad is written each time:
 * true for ever once no record can begin like that. */
unsigned record_track(struct record_track *t, const void *p, size_t len, bool *bad);

#endif
