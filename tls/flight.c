/* flight.c - what a server says in clear, in the order in which it must come
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/flight.h"

#include <stdlib.h>
#include <string.h>

#include "tls/peek.h"
#include "tls/record.h"

#define MESSAGE_CHANGE_CIPHER_SPEC 256	/* no handshake message, with a place among them */
#define ALERT_WARNING 1
#define ALERT_CLOSE_NOTIFY 0
#define HELD_MIN 4096			/* octets; most flights of ECDSA certificates fit */

static bool
is_echoed(const struct flight *f, const struct client_hello *client)
{
	size_t len = client->session_id.left;

	return len > 0 && f->hello.session_id.left == len &&
	    memcmp(f->hello.session_id.p, client->session_id.p, len) == 0;
}

/* RFC 5246 7.4.1.3 and RFC 5077 3.4: who resumes repeats the session id offered, if there was one.
 * A ticket alone may be taken without a word. */
static bool
may_resume(const struct flight *f, const struct client_hello *client)
{
	if (client->session_id.left > 0)
		return is_echoed(f, client);
	return client->ticket.left > 0;
}

static bool
may_resume_ticketed(const struct flight *f, const struct client_hello *client)
{
	return may_resume(f, client) && f->hello.ticket;
}

static bool
may_resume_plainly(const struct flight *f, const struct client_hello *client)
{
	return may_resume(f, client) && !f->hello.ticket;
}

static bool
may_show(const struct flight *f, const struct client_hello *client)
{
	return !is_echoed(f, client);
}

static bool
may_staple(const struct flight *f, const struct client_hello *client)
{
	(void)client;
	return f->hello.status;
}

static bool
must_sign(const struct flight *f, const struct client_hello *client)
{
	(void)client;
	return f->suite.exchange == SUITE_DHE || f->suite.exchange == SUITE_ECDHE;
}

static bool
need_not_sign(const struct flight *f, const struct client_hello *client)
{
	return !must_sign(f, client);
}

static bool
has_announced(const struct flight *f, const struct client_hello *client)
{
	(void)client;
	return f->hello.ticket;
}

/* RFC 5246 7.3, RFC 5077 3.1, RFC 6066 section 8. A server that has announced a ticket and then
 * forgets it in a handshake that was let through is left to the client. */
static const struct rule {
	enum flight_step from;
	unsigned type;
	enum flight_step to;
	bool (*when)(const struct flight *f, const struct client_hello *client);
} rules[] = {
	{ FLIGHT_START, HANDSHAKE_SERVER_HELLO, FLIGHT_ANSWERED, NULL },
	{ FLIGHT_ANSWERED, HANDSHAKE_CERTIFICATE, FLIGHT_SHOWN, may_show },
	{ FLIGHT_ANSWERED, HANDSHAKE_NEW_SESSION_TICKET, FLIGHT_TICKETED, may_resume_ticketed },
	{ FLIGHT_ANSWERED, MESSAGE_CHANGE_CIPHER_SPEC, FLIGHT_SEALING, may_resume_plainly },
	{ FLIGHT_SHOWN, HANDSHAKE_CERTIFICATE_STATUS, FLIGHT_STAPLED, may_staple },
	{ FLIGHT_SHOWN, HANDSHAKE_SERVER_KEY_EXCHANGE, FLIGHT_SIGNED, must_sign },
	{ FLIGHT_SHOWN, HANDSHAKE_CERTIFICATE_REQUEST, FLIGHT_ASKED, need_not_sign },
	{ FLIGHT_SHOWN, HANDSHAKE_SERVER_HELLO_DONE, FLIGHT_ENDED, need_not_sign },
	{ FLIGHT_STAPLED, HANDSHAKE_SERVER_KEY_EXCHANGE, FLIGHT_SIGNED, must_sign },
	{ FLIGHT_STAPLED, HANDSHAKE_CERTIFICATE_REQUEST, FLIGHT_ASKED, need_not_sign },
	{ FLIGHT_STAPLED, HANDSHAKE_SERVER_HELLO_DONE, FLIGHT_ENDED, need_not_sign },
	{ FLIGHT_SIGNED, HANDSHAKE_CERTIFICATE_REQUEST, FLIGHT_ASKED, NULL },
	{ FLIGHT_SIGNED, HANDSHAKE_SERVER_HELLO_DONE, FLIGHT_ENDED, NULL },
	{ FLIGHT_ASKED, HANDSHAKE_SERVER_HELLO_DONE, FLIGHT_ENDED, NULL },
	{ FLIGHT_PASSED, HANDSHAKE_NEW_SESSION_TICKET, FLIGHT_TICKETED, has_announced },
	{ FLIGHT_PASSED, MESSAGE_CHANGE_CIPHER_SPEC, FLIGHT_SEALING, NULL },
	{ FLIGHT_TICKETED, MESSAGE_CHANGE_CIPHER_SPEC, FLIGHT_SEALING, NULL },
};

static bool
advance(struct flight *f, const struct client_hello *client, unsigned type)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const struct rule *r = &rules[i];

		if (r->from == f->step && r->type == type && (!r->when || r->when(f, client))) {
			f->step = r->to;
			return true;
		}
	}
	f->fault = "wrong-order";
	return false;
}

/* The message's octets move when more of them come; what the ServerHello says has to stay. */
static bool
take_hello(struct flight *f, const struct client_hello *client, const struct handshake_message *m)
{
	enum server_hello_result r = server_hello_parse(m->body, m->len, client, &f->hello);
	size_t id_len = f->hello.session_id.left;

	if (r != SERVER_HELLO_OK || id_len > FLIGHT_ID_MAX) {
		f->fault = server_hello_result_text(r == SERVER_HELLO_OK ? SERVER_HELLO_BAD : r);
		return false;
	}
	memcpy(f->random, f->hello.random, FLIGHT_RANDOM);
	f->hello.random = f->random;
	if (id_len > 0)
		memcpy(f->session_id, f->hello.session_id.p, id_len);
	f->hello.session_id = octets_of(f->session_id, id_len);
	suite_find(f->hello.suite, &f->suite);
	if (f->suite.exchange == SUITE_UNPROVEN)
		f->fault = "suite-unproven";
	return !f->fault;
}

static bool
take_certificates(struct flight *f, const struct handshake_message *m)
{
	struct octets list[SERVER_HELLO_CERTIFICATES_MAX];
	size_t count;

	if (!server_certificates(m->body, m->len, list, &count))
		f->fault = "certificates-unusable";
	return !f->fault;
}

static bool
take(struct flight *f, const struct client_hello *client, const struct handshake_message *m)
{
	struct flight_part part = { (size_t)(m->body - f->messages.octets), m->len };

	if (!advance(f, client, m->type))
		return false;
	switch (m->type) {
	case HANDSHAKE_SERVER_HELLO:
		return take_hello(f, client, m);
	case HANDSHAKE_CERTIFICATE:
		f->certificates = part;
		return take_certificates(f, m);
	case HANDSHAKE_SERVER_KEY_EXCHANGE:
		f->exchange = part;
		return true;
	case HANDSHAKE_NEW_SESSION_TICKET:
		f->ticket = part;
		return true;
	case HANDSHAKE_SERVER_HELLO_DONE:
		f->fault = m->len == 0 ? NULL : "malformed";
		return !f->fault;
	default:
		return true;
	}
}

static bool
take_handshake(struct flight *f, const struct client_hello *client, const struct record *r)
{
	struct handshake_message m;
	enum handshake_result result = handshake_add(&f->messages, r->fragment, r->len);

	if (result != HANDSHAKE_TOO_LONG)
		while ((result = handshake_next(&f->messages, &m)) == HANDSHAKE_OK)
			if (!take(f, client, &m))
				return false;
	if (result == HANDSHAKE_TOO_LONG)
		f->fault = "too-long";
	return !f->fault;
}

/* A message must not span it: half of it would be in clear, half encrypted. */
static bool
take_change(struct flight *f, const struct client_hello *client, const struct record *r)
{
	if (r->len != 1 || r->fragment[0] != 1) {
		f->fault = "malformed";
		return false;
	}
	if (handshake_unfinished(&f->messages)) {
		f->fault = "wrong-order";
		return false;
	}
	return advance(f, client, MESSAGE_CHANGE_CIPHER_SPEC);
}

/* What is read now is said to a client that has heard the flight. */
static bool
has_passed(const struct flight *f)
{
	return f->step == FLIGHT_PASSED || (f->step == FLIGHT_TICKETED && f->certificates.len > 0);
}

/* A client goes on after one of those (RFC 5246 7.2), and so must who watches what comes next. */
static bool
is_mere_warning(const struct record *r)
{
	return r->fragment[0] == ALERT_WARNING && r->fragment[1] != ALERT_CLOSE_NOTIFY;
}

static bool
take_record(struct flight *f, const struct client_hello *client, const struct record *r)
{
	if (++f->records > PEEK_RECORDS_MAX) {
		f->fault = "too-many-records";
		return false;
	}
	if (f->step != FLIGHT_START && r->version != f->hello.version) {
		f->fault = "record-version";
		return false;
	}
	switch (r->type) {
	case RECORD_HANDSHAKE:
		return take_handshake(f, client, r);
	case RECORD_CHANGE_CIPHER_SPEC:
		return take_change(f, client, r);
	case RECORD_ALERT:
		if (has_passed(f) && is_mere_warning(r))
			return true;
		f->fault = "alert";
		return false;
	case RECORD_APPLICATION_DATA:
		f->fault = "wrong-order";
		return false;
	}
	f->fault = "not-tls";
	return false;
}

const char *
flight_record_fault(enum record_result r)
{
	switch (r) {
	case RECORD_OK:
	case RECORD_MORE:
		return NULL;
	case RECORD_NOT_TLS:
		return "not-tls";
	case RECORD_EMPTY:
		return "empty-record";
	case RECORD_TOO_LONG:
		return "too-long";
	}
	return "not-tls";
}

static bool
keep(struct flight *f, const void *octets, size_t len)
{
	size_t size = f->size ? f->size : HELD_MIN;
	uint8_t *more;

	while (size - f->len < len)
		size *= 2;
	if (size != f->size) {
		more = realloc(f->octets, size);
		if (!more)
			return false;
		f->octets = more;
		f->size = size;
	}
	if (len > 0)
		memcpy(f->octets + f->len, octets, len);
	f->len += len;
	return true;
}

enum flight_result
flight_add(struct flight *f, const struct client_hello *client, const void *octets, size_t len)
{
	struct record r;
	size_t used;

	if (f->step == FLIGHT_ENDED)
		f->step = FLIGHT_PASSED;
	if (!keep(f, octets, len)) {
		f->fault = "no-memory";
		return FLIGHT_BAD;
	}
	for (;;) {
		enum record_result result = record_next(f->octets + f->at, f->len - f->at, &r,
		    &used);

		if (result == RECORD_MORE)
			break;
		f->fault = flight_record_fault(result);
		if (f->fault || !take_record(f, client, &r))
			return FLIGHT_BAD;
		f->at += used;
		if (f->step == FLIGHT_SEALING)
			return FLIGHT_SEALED;
	}
	if (f->step != FLIGHT_ENDED)
		return FLIGHT_MORE;
	if (f->at == f->len && !handshake_unfinished(&f->messages))
		return FLIGHT_DONE;
	f->fault = "wrong-order";
	return FLIGHT_BAD;
}

bool
flight_resumes(const struct flight *f)
{
	return f->step == FLIGHT_SEALING && f->certificates.len == 0;
}

const uint8_t *
flight_body(const struct flight *f, const struct flight_part *part)
{
	return f->messages.octets + part->at;
}

void
flight_let_go(struct flight *f)
{
	free(f->octets);
	f->octets = NULL;
	f->len = f->size = f->at = 0;
	handshake_clear(&f->messages);
	f->exchange = f->ticket = (struct flight_part){ 0, 0 };
}
