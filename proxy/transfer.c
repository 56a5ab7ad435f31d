/* transfer.c - mail data on its way from the client to the MX, octet for octet
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nothing is copied: what body_scan has cleared at the front of the client's buffer is written to
 * the server from there, and the client is read again when there is room. */
#include "proxy/transfer.h"
#include "daemon/moment.h"

#include <stdlib.h>
#include <string.h>

static double
in(double seconds)
{
	return moment_now() + seconds;
}

static void
begin(struct session *s, enum session_wait wait)
{
	s->wait = wait;
	s->cleared = 0;
	s->client_deadline = in(TRANSFER_BLOCK_TIMEOUT);
	s->body_deadline = in(TRANSFER_BODY_TIMEOUT);
}

void
transfer_body(struct session *s)
{
	body_start(&s->body);
	s->body_result = BODY_MORE;
	s->client.bulk = true;
	begin(s, WAIT_BODY);
}

void
transfer_chunk(struct session *s, const char *line, size_t len, uint64_t size, bool last)
{
	leg_put(&s->up.leg, line, len);
	s->chunk_left = size;
	s->chunk_last = last;
	begin(s, WAIT_CHUNK);
}

static void
say_later(struct session *s, const char *reply)
{
	free(s->late_reply);
	s->late_reply = strdup(reply);
}

void
transfer_skip_chunk(struct session *s, uint64_t size, const char *reply)
{
	s->chunk_left = size;
	say_later(s, reply);
	begin(s, WAIT_SKIP_CHUNK);
}

void
transfer_abort(struct session *s, const char *reply)
{
	say_later(s, reply);
	session_reset(s);
	s->wait = s->wait == WAIT_CHUNK ? WAIT_SKIP_CHUNK : WAIT_SKIP_BODY;
}

/* end_skip: all is swallowed; the client hears what became of it. */
static bool
end_skip(struct session *s)
{
	s->body_deadline = 0;
	s->cleared = 0;
	session_say(s, s->late_reply != NULL ? s->late_reply : "451 4.3.2 postern: out of memory");
	session_await_command(s);
	return true;
}

/* end_data: the server has it all and owes its word. */
static bool
end_data(struct session *s, enum pending_kind kind)
{
	s->body_deadline = 0;
	upstream_expect(&s->up, kind);
	session_await_command(s);
	return true;
}

/* pass: moves up to len octets, taking them off what is left; true when something changed. */
static bool
pass(struct session *s, size_t len)
{
	size_t put;
	enum leg_result r = leg_pass(&s->up.leg, leg_data(&s->client), len, &put);

	leg_consume(&s->client, put);
	s->body_octets += put;
	if (s->wait == WAIT_BODY)
		s->cleared -= put;
	else
		s->chunk_left -= put;
	if (put > 0)
		s->client_deadline = in(TRANSFER_BLOCK_TIMEOUT);
	/* A connection that has failed says so, and what the server said last, in relay_step. */
	(void)r;
	return put > 0;
}

static bool
body_step(struct session *s)
{
	bool moved = false;

	if (s->cleared == 0 && s->body_result == BODY_MORE && leg_unread(&s->client) > 0) {
		s->body_result = body_scan(&s->body, leg_data(&s->client),
		    leg_unread(&s->client), &s->cleared);
		moved = s->cleared > 0 || s->body_result != BODY_MORE;
	}
	if (s->cleared > 0)
		moved |= pass(s, s->cleared);
	if (s->wait != WAIT_BODY || s->cleared > 0)
		return moved;
	if (s->body_result == BODY_END)
		return end_data(s, PENDING_BODY);
	if (s->body_result == BODY_SMUGGLED) {
		/* The server must never see an end: it is dropped in the middle of the mail. */
		upstream_violation(&s->up, "SMTP smuggling by the client");
		transfer_abort(s, "554 5.6.0 postern: a lone dot between line ends that are not "
		    "CRLF (SMTP smuggling); nothing was sent");
		return true;
	}
	return moved;
}

static bool
skip_body_step(struct session *s)
{
	int end = s->body_result == BODY_END;
	size_t len = s->cleared;	/* scanned already, and not to be scanned again */

	leg_consume(&s->client, len);
	s->cleared = 0;
	if (!end && leg_unread(&s->client) > 0) {
		size_t skipped = body_skip(&s->body, leg_data(&s->client),
		    leg_unread(&s->client), &end);
		leg_consume(&s->client, skipped);
		len += skipped;
	}
	if (len > 0)
		s->client_deadline = in(TRANSFER_BLOCK_TIMEOUT);
	return end ? end_skip(s) : len > 0;
}

/* chunk_len: what of the chunk lies in the buffer. */
static size_t
chunk_len(const struct session *s)
{
	size_t len = leg_unread(&s->client);

	return len < s->chunk_left ? len : (size_t)s->chunk_left;
}

static bool
chunk_step(struct session *s)
{
	size_t len = chunk_len(s);
	bool moved = len > 0 && pass(s, len);

	if (s->wait == WAIT_CHUNK && s->chunk_left == 0)
		return end_data(s, PENDING_CHUNK);
	return moved;
}

static bool
skip_chunk_step(struct session *s)
{
	size_t len = chunk_len(s);

	if (len > 0)
		leg_consume(&s->client, len);
	s->chunk_left -= len;
	return s->chunk_left == 0 ? end_skip(s) : len > 0;
}

bool
transfer_step(struct session *s)
{
	switch (s->wait) {
	case WAIT_BODY:
		return body_step(s);
	case WAIT_SKIP_BODY:
		return skip_body_step(s);
	case WAIT_CHUNK:
		return chunk_step(s);
	case WAIT_SKIP_CHUNK:
		return skip_chunk_step(s);
	case WAIT_GREETING:
	case WAIT_COMMAND:
	case WAIT_HELLO:
	case WAIT_TLS:
	case WAIT_INSPECT:
	case WAIT_HANDSHAKE:
	case WAIT_DECISION:
	case WAIT_DATA:
	case WAIT_QUIT:
	case WAIT_FLUSH:
		break;
	}
	return false;
}
