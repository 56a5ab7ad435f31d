/* hello.c - a ClientHello as it came, records and all
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/hello.h"

#include <stdlib.h>
#include <string.h>

#include "tls/flight.h"
#include "tls/record.h"

static enum peek_hello
refuse(struct hello *h, const char *fault)
{
	h->fault = fault;
	return PEEK_HELLO_BAD;
}

static enum peek_hello
keep(struct hello *h, const void *octets, size_t len, const struct handshake_message *m)
{
	if (m->type != HANDSHAKE_CLIENT_HELLO)
		return refuse(h, "wrong-order");
	if (client_hello_parse(m->body, m->len, &h->client) != CLIENT_HELLO_OK)
		return refuse(h, "hello-malformed");
	h->octets = malloc(len);
	if (!h->octets)
		return refuse(h, "no-memory");
	memcpy(h->octets, octets, len);
	h->len = len;
	return PEEK_HELLO_WHOLE;
}

/* Until the end of the record that is not whole yet. */
static enum peek_hello
want_more(struct hello *h, const uint8_t *octets, size_t at, size_t len, size_t *want)
{
	*want = at + RECORD_HEADER;
	if (len - at >= RECORD_HEADER)
		*want += (size_t)octets[at + 3] << 8 | octets[at + 4];
	return *want > PEEK_HELLO_MAX ? refuse(h, "too-long") : PEEK_HELLO_MORE;
}

enum peek_hello
hello_read(struct hello *h, const void *octets, size_t len, size_t *want)
{
	const uint8_t *start = octets;
	struct handshake_message m;
	size_t at = 0;

	handshake_clear(&h->message);
	for (unsigned records = 0; records < PEEK_RECORDS_MAX; records++) {
		struct record r;
		size_t used;
		enum record_result result = record_next(start + at, len - at, &r, &used);
		enum handshake_result message;

		if (result == RECORD_MORE)
			return want_more(h, start, at, len, want);
		if (result != RECORD_OK)
			return refuse(h, flight_record_fault(result));
		if (r.type != RECORD_HANDSHAKE)
			return refuse(h, r.type == RECORD_ALERT ? "alert" : "wrong-order");
		at += used;
		if (at > PEEK_HELLO_MAX)
			return refuse(h, "too-long");
		message = handshake_add(&h->message, r.fragment, r.len);
		if (message == HANDSHAKE_OK)
			message = handshake_next(&h->message, &m);
		if (message == HANDSHAKE_TOO_LONG)
			return refuse(h, "too-long");
		if (message == HANDSHAKE_OK)
			return at == len && !handshake_unfinished(&h->message) ?
			    keep(h, octets, len, &m) : refuse(h, "octets-behind-hello");
	}
	return refuse(h, "too-many-records");
}

void
hello_let_go(struct hello *h)
{
	free(h->octets);
	h->octets = NULL;
	h->len = 0;
	handshake_clear(&h->message);
}
