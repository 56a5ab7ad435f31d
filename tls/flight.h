/* flight.h - what a server says in clear, in the order in which it must come (RFC 5246 7.3)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From its ServerHello to its ChangeCipherSpec, however it was cut into records. Whoever would let
 * something else pass would have another idea of the handshake than the client has, so whatever is
 * out of its order is the end. Never does I/O. */
#ifndef TLS_FLIGHT_H
#define TLS_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/client_hello.h"
#include "tls/handshake.h"
#include "tls/record.h"
#include "tls/server_hello.h"
#include "tls/suite.h"

#define FLIGHT_RANDOM 32
#define FLIGHT_ID_MAX 32

enum flight_step {
	FLIGHT_START, FLIGHT_ANSWERED, FLIGHT_SHOWN, FLIGHT_STAPLED, FLIGHT_SIGNED, FLIGHT_ASKED,
	FLIGHT_ENDED, FLIGHT_PASSED, FLIGHT_TICKETED, FLIGHT_SEALING
};

struct flight_part {
	size_t at, len;		/* within messages.octets */
};

struct flight {
	uint8_t *octets;	/* as they came, records and all */
	size_t len, size, at;	/* at: the first not read yet */
	unsigned records;
	struct handshake messages;
	enum flight_step step;
	struct server_hello hello;	/* from FLIGHT_ANSWERED on; points into the two below */
	uint8_t random[FLIGHT_RANDOM], session_id[FLIGHT_ID_MAX];
	struct suite suite;
	struct flight_part certificates, exchange, ticket;	/* len 0: there was none */
	const char *fault;	/* a reason code, static; NULL while there is none */
};

enum flight_result {
	FLIGHT_MORE,
	FLIGHT_DONE,		/* ServerHelloDone, and nothing behind it */
	FLIGHT_SEALED,		/* ChangeCipherSpec; what is behind `at` is encrypted */
	FLIGHT_BAD
};

/* flight_add: the next octets, kept until flight_let_go. FLIGHT_DONE comes once, the calls after it
 * go on towards FLIGHT_SEALED; after that one or FLIGHT_BAD there is none. All zero is a flight of
 * which nothing has come. */
enum flight_result flight_add(struct flight *f, const struct client_hello *client,
    const void *octets, size_t len);

/* flight_resumes: whether FLIGHT_SEALED came without a certificate. */
bool flight_resumes(const struct flight *f);

/* flight_body: the body of a message kept. */
const uint8_t *flight_body(const struct flight *f, const struct flight_part *part);

/* flight_record_fault: a reason code; NULL where there is no fault. */
const char *flight_record_fault(enum record_result r);

/* flight_let_go: frees the octets and messages; what was understood of them stays. */
void flight_let_go(struct flight *f);

#endif
