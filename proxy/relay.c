/* relay.c - what the server says, carried to the client
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/relay.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/ahead.h"
#include "proxy/commands.h"
#include "proxy/origin.h"
#include "proxy/transfer.h"

static void
unreachable(struct session *s)
{
	char where[ADDRESS_TEXT_SIZE];

	session_sayf(s, "421 4.4.1 postern: cannot reach the MX %s: %s%s%s",
	    address_print_ip(&s->origin.ip, where), s->up.fault,
	    s->up.said[0] != '\0' ? ": " : "", s->up.said);
	session_end(s, "server", s->up.fault);
}

/* lost: the transaction or a reply went down with the server. */
static void
lost(struct session *s)
{
	session_sayf(s, "421 4.4.2 postern: lost the connection to the MX: %s%s%s", s->up.fault,
	    s->up.hung_up ? ": " : "", s->up.hung_up ? s->up.said : "");
	session_end(s, "server", s->up.fault);
}

void
relay_server_gone(struct session *s)
{
	switch (s->wait) {
	case WAIT_GREETING:
	case WAIT_HELLO:
		unreachable(s);
		break;
	case WAIT_DATA:
		lost(s);
		break;
	case WAIT_COMMAND:
		/* With nothing under way the next recipient's decision dials anew. */
		if (s->up.owed > 0 || s->mail.sent)
			lost(s);
		break;
	case WAIT_BODY:
	case WAIT_CHUNK:
		/* A server that refuses in the middle of the data says so and hangs up. */
		transfer_abort(s, s->up.hung_up && s->up.said[0] >= '4' ? s->up.said :
		    "451 4.4.2 postern: lost the connection to the MX");
		break;
	case WAIT_QUIT:
		session_say(s, "221 2.0.0 bye");
		session_end(s, "client", "QUIT");
		break;
	case WAIT_DECISION:
	case WAIT_TLS:
	case WAIT_INSPECT:
	case WAIT_HANDSHAKE:
	case WAIT_SKIP_BODY:
	case WAIT_SKIP_CHUNK:
	case WAIT_FLUSH:
		break;
	}
}

/* came_back: a dial of ours that was slow to put its port on record was taken for a program's at
 * the door. Should it still not be on record, the next round of the loop is. */
static bool
came_back(struct session *s)
{
	char ip[ADDRESS_TEXT_SIZE];

	if (!s->local || s->wait != WAIT_GREETING || s->up.phase != SERVER_GREETING ||
	    !counters_dialled(s->proxy->counters, s->peer.port))
		return false;
	session_sayf(s, "421 4.7.0 postern: %s: %s", address_print_ip(&s->peer.ip, ip),
	    origin_result_text(ORIGIN_LOOP));
	counters_add(s->proxy->counters, s->proxy->column, COUNTER_REJECTED_CLIENT, 1);
	session_end(s, "postern", origin_result_text(ORIGIN_LOOP));
	return true;
}

static bool
phase_changed(struct session *s)
{
	if (came_back(s))
		return true;
	if (s->up.phase == SERVER_GREETED && s->wait == WAIT_GREETING) {
		session_say(s, s->up.said);
		session_await_command(s);
	} else if (s->up.phase == SERVER_READY && s->wait == WAIT_HELLO) {
		commands_hello_reply(s);
		session_await_command(s);
		ahead_begin(s);
	} else if (s->up.phase == SERVER_SECURED) {
		ahead_secured(s);
	}
	return true;
}

/* mail_reply: MAIL was answered to the client long ago; a refusal becomes the answer to RCPT. */
static void
mail_reply(struct session *s, const struct reply_line *line)
{
	if (!line->last || line->code < 400)
		return;
	free(s->mail.mail_refused);
	s->mail.mail_refused = strndup(leg_data(&s->up.leg), line->line_len - 2);
}

static void
rcpt_reply(struct session *s, const struct reply_line *line)
{
	if (s->mail.mail_refused != NULL) {
		if (line->last)
			session_say(s, s->mail.mail_refused);
		return;
	}
	leg_put(&s->client, leg_data(&s->up.leg), line->line_len);
	if (line->last && line->code < 300 && s->mail.sent) {
		s->mail.accepted++;
		s->phase = CLIENT_RCPT;
	}
}

static void
data_reply(struct session *s, const struct reply_line *line)
{
	leg_put(&s->client, leg_data(&s->up.leg), line->line_len);
	if (!line->last)
		return;
	if (line->code == 354)
		transfer_body(s);
	else
		session_await_command(s);
}

/* end_reply: the server's word on the whole message: it alone makes the transaction's end. */
static void
end_reply(struct session *s, const struct reply_line *line)
{
	leg_put(&s->client, leg_data(&s->up.leg), line->line_len);
	if (!line->last)
		return;
	s->messages += line->code < 300;
	session_reset(s);
}

static void
chunk_reply(struct session *s, const struct reply_line *line)
{
	if (s->chunk_last) {
		end_reply(s, line);
		return;
	}
	leg_put(&s->client, leg_data(&s->up.leg), line->line_len);
	if (line->last && line->code < 300)
		s->phase = CLIENT_BDAT;
}

/* fits: the codes a server may answer this command with. */
static bool
fits(enum pending_kind kind, int code)
{
	return kind == PENDING_DATA ? code == 354 || code >= 400 : code < 300 || code >= 400;
}

static void
relay_line(struct session *s, enum pending_kind kind, const struct reply_line *line)
{
	switch (kind) {
	case PENDING_MAIL:
		mail_reply(s, line);
		break;
	case PENDING_RCPT:
		rcpt_reply(s, line);
		break;
	case PENDING_DATA:
		data_reply(s, line);
		break;
	case PENDING_BODY:
		end_reply(s, line);
		break;
	case PENDING_CHUNK:
		chunk_reply(s, line);
		break;
	case PENDING_RSET:
	case PENDING_NOOP:
		leg_put(&s->client, leg_data(&s->up.leg), line->line_len);
		break;
	case PENDING_HIDDEN_RSET:
		break;
	}
}

static void
one_line(struct session *s, enum pending_kind kind, const struct reply_line *line)
{
	bool last = line->last, closing = line->code == 421 && last;

	if (!fits(kind, line->code)) {
		upstream_violation(&s->up, "a reply that does not fit its command");
		return;
	}
	relay_line(s, kind, line);
	if (s->wait == WAIT_FLUSH)
		return;
	upstream_line_done(&s->up, line);
	if (closing && kind != PENDING_MAIL)
		session_end(s, "server", "421 from the MX");
	else if (last && s->wait == WAIT_COMMAND)
		session_await_command(s);
}

bool
relay_step(struct session *s)
{
	enum pending_kind kind;
	struct reply_line line;

	if (s->wait == WAIT_FLUSH)
		return false;
	/* A client that does not read need not be told more, but that the server has gone. */
	if (s->up.phase != SERVER_DEAD && leg_waiting(&s->client) >= LEG_OUT_HIGH)
		return false;
	switch (upstream_next(&s->up, &kind, &line)) {
	case UPSTREAM_NOTHING:
		return false;
	case UPSTREAM_CHANGED:
		return phase_changed(s);
	case UPSTREAM_LINE:
		one_line(s, kind, &line);
		return true;
	case UPSTREAM_DIED:
		relay_server_gone(s);
		return true;
	}
	return false;
}
