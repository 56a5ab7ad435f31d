/* commands.c - what the client says, carried out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/judge.h"
#include "proxy/ahead.h"
#include "proxy/decide.h"
#include "proxy/line.h"
#include "proxy/transfer.h"
#include "daemon/moment.h"

#define HELLO_REPLY_SIZE 1024
#define NAME_MAX_OCTETS 255

/* What the client may rely on: our own STARTTLS, and of the rest what the server offers. */
static bool
offers_tls(const struct session *s)
{
	const struct proxy *p = s->proxy;

	return p->terminator != NULL && s->client.tls == NULL && s->esmtp &&
	    !p->tls_unwanted(p->arg, &s->peer.ip);
}

/* server_name: the word behind the code of the EHLO reply, else the origin's address. */
static const char *
server_name(struct session *s)
{
	const char *said = s->up.said;

	if (s->server_name == NULL && said[0] == '2' && strlen(said) > 4) {
		size_t len = strcspn(said + 4, " ");
		s->server_name = strndup(said + 4, len > NAME_MAX_OCTETS ? NAME_MAX_OCTETS : len);
	}
	return s->server_name != NULL && s->server_name[0] != '\0' ? s->server_name : "postern";
}

void
commands_hello_reply(struct session *s)
{
	char reply[HELLO_REPLY_SIZE];
	const char *name = server_name(s);

	s->phase = CLIENT_READY;
	if (!s->esmtp) {
		s->offered = 0;
		session_sayf(s, "250 %s", name);
		return;
	}
	bool tls = offers_tls(s);
	s->offered = s->up.capability.extensions & ~(unsigned)EXT_STARTTLS;
	if (tls)
		s->offered |= EXT_STARTTLS;
	size_t len = capability_offer(&s->up.capability, tls, name, reply, sizeof(reply));
	leg_put(&s->client, reply, len);
}

/* abandon: the transaction ends here, and at the server where it has heard of it. */
static void
abandon(struct session *s)
{
	if (s->mail.sent && s->up.phase == SERVER_READY)
		upstream_send(&s->up, PENDING_HIDDEN_RSET, "RSET\r\n", 6);
	session_reset(s);
}

static void
hello(struct session *s, const struct command *c)
{
	char *name;

	/* What it offers was never heard, and nothing must be said in its name. */
	if (s->up.phase == SERVER_DEAD && s->hello == NULL) {
		session_sayf(s, "421 4.4.1 postern: lost the connection to the MX: %s",
		    s->up.fault);
		session_end(s, "server", s->up.fault);
		return;
	}
	name = strndup(c->argument, c->argument_len);
	if (name == NULL) {
		session_say(s, "452 4.3.2 postern: out of memory");
		return;
	}
	abandon(s);
	free(s->hello);
	s->hello = name;
	s->up.name = name;
	s->esmtp = c->verb == VERB_EHLO;
	if (s->up.phase == SERVER_GREETED) {
		session_await(s, WAIT_HELLO);
		upstream_hello(&s->up, s->hello);
	} else {
		commands_hello_reply(s);
		ahead_begin(s);
	}
}

static void
starttls(struct session *s)
{
	/* CVE-2011-0411: what was pipelined behind STARTTLS came in clear text. */
	if (leg_unread(&s->client) > 0) {
		session_violation(s, "503 5.5.1 postern: nothing may follow STARTTLS",
		    "octets behind STARTTLS from the client");
		return;
	}
	session_say(s, "220 2.0.0 ready to start TLS");
	session_await(s, WAIT_TLS);
	s->client_deadline = moment_now() + HANDSHAKE_TIMEOUT;
}

static void
keep_mail(struct session *s, const char *line, size_t len, const struct command *c)
{
	if (!envelope_mail(&s->mail, line, len, c->uses)) {
		session_say(s, "452 4.3.2 postern: out of memory");
		return;
	}
	s->phase = CLIENT_MAIL;
	session_say(s, "250 2.1.0 sender noted");
}

/* direct: the command without its source route (RFC 5321 4.1.1.3, appendix C): only the mailbox was
 * judged, so only the mailbox may be sent. Returns the new length. */
static size_t
direct(char out[COMMANDS_LINE_MAX], const char *line, size_t len, const struct path *path)
{
	const char *rest = path->mailbox + path->mailbox_len;
	int n = snprintf(out, COMMANDS_LINE_MAX, "RCPT TO:<%.*s%.*s", (int)path->mailbox_len,
	    path->mailbox, (int)(line + len - rest), rest);

	return (size_t)n;
}

/* recipient: true when the command is done with; false: it must wait. */
static bool
recipient(struct session *s, const char *line, size_t len, const struct command *c)
{
	const struct envelope_domain *known = envelope_find(&s->mail, c->path.domain);
	char without_route[COMMANDS_LINE_MAX];
	struct command judged = *c;

	if (c->path.source_route) {
		len = direct(without_route, line, len, &c->path);
		line = without_route;
		judged.path.mailbox = line + strlen("RCPT TO:<");
	}
	bool utf8 = (c->uses & ~s->mail.uses & EXT_SMTPUTF8) != 0;
	if (known != NULL && known->reply == NULL && s->mail.mail_refused == NULL && !utf8 &&
	    s->mail.recipients < ENVELOPE_RECIPIENTS_MAX)
		return decide_recipient(s, line, len, c->uses);
	/* Whatever is answered here must not overtake the server's replies. */
	if (s->up.pending_len > 0)
		return false;
	if (s->mail.recipients >= ENVELOPE_RECIPIENTS_MAX)
		session_say(s, "452 4.5.3 postern: too many recipients");
	else if (utf8)
		session_say(s, "553 5.6.7 postern: MAIL was without SMTPUTF8");
	else if (known != NULL && known->reply != NULL)
		session_say(s, known->reply);
	else if (s->mail.mail_refused != NULL)
		session_say(s, s->mail.mail_refused);
	else
		decide_begin(s, line, len, &judged);
	return true;
}

/* to_server: a command that the server answers once it is in the session, else we do. */
static void
to_server(struct session *s, enum pending_kind kind, const char *line, const char *reply)
{
	if (s->mail.sent && s->up.phase == SERVER_READY)
		upstream_send(&s->up, kind, line, strlen(line));
	else
		session_say(s, reply);
}

static void
data(struct session *s)
{
	if (s->up.phase != SERVER_READY) {
		session_violation(s, "421 4.4.2 postern: lost the connection to the MX",
		    "the MX went away");
		return;
	}
	upstream_send(&s->up, PENDING_DATA, "DATA\r\n", 6);
	session_await(s, WAIT_DATA);
}

/* chunk: the server, or somebody on the path, offered CHUNKING before STARTTLS; a server that does
 * not offer it after STARTTLS would read the chunk as commands. */
static void
chunk(struct session *s, const char *line, size_t len, const struct command *c)
{
	if ((c->uses & ~s->up.capability.extensions) != 0)
		transfer_skip_chunk(s, c->size, "451 4.7.0 postern: the MX does not offer CHUNKING "
		    "after STARTTLS");
	else
		transfer_chunk(s, line, len + 2, c->size, c->last);
}

static void
quit(struct session *s)
{
	upstream_quit(&s->up);
	if (s->up.phase == SERVER_QUIT) {
		session_await(s, WAIT_QUIT);
		return;
	}
	session_say(s, "221 2.0.0 bye");
	session_end(s, "client", "QUIT");
}

static void
fault(struct session *s)
{
	if (++s->faults >= COMMANDS_FAULTS_MAX)
		session_violation(s, "421 4.7.0 postern: too many errors", "too many errors");
}

/* perform: the step that the table names; false when the command must wait. The line is consumed
 * before anything that reads on behind it. */
static bool
perform(struct session *s, const struct client_step *step, const struct command *c,
    const char *line, size_t len)
{
	switch (step->action) {
	case CLIENT_REPLY:
		session_say(s, step->reply);
		break;
	case CLIENT_HELLO:
		hello(s, c);
		break;
	case CLIENT_STARTTLS:
		break;
	case CLIENT_KEEP_MAIL:
		keep_mail(s, line, len, c);
		break;
	case CLIENT_RECIPIENT:
		return recipient(s, line, len, c);
	case CLIENT_DATA:
		data(s);
		break;
	case CLIENT_CHUNK:
		chunk(s, line, len, c);
		break;
	case CLIENT_SKIP_CHUNK:
		transfer_skip_chunk(s, c->size, step->reply);
		break;
	case CLIENT_RESET:
		to_server(s, PENDING_RSET, "RSET\r\n", "250 2.0.0 reset");
		session_reset(s);
		break;
	case CLIENT_NOOP:
		to_server(s, PENDING_NOOP, "NOOP\r\n", "250 2.0.0 ok");
		break;
	case CLIENT_QUIT:
		quit(s);
		break;
	}
	return true;
}

/* carry_out: one whole line, CRLF included; false when it must wait. */
static bool
carry_out(struct session *s, size_t line_len)
{
	const char *line = leg_data(&s->client);
	struct command c;
	enum path_result why = PATH_OK;
	enum command_result r = command_parse(line, line_len - 2, &c, &why);
	const struct client_facts facts = {
		.phase = s->phase, .tls = s->client.tls != NULL,
		.starttls_offered = (s->offered & EXT_STARTTLS) != 0, .extensions = s->offered,
	};
	struct client_step step = client_step(&facts, r, &c);

	if (step.in_order && s->up.pending_len > 0)
		return false;
	if (!perform(s, &step, &c, line, line_len - 2))
		return false;
	leg_consume(&s->client, line_len);
	if (step.action == CLIENT_STARTTLS)
		starttls(s);
	if (step.fault)
		fault(s);
	return true;
}

static void
bad_line(struct session *s, enum line_result r)
{
	session_sayf(s, "500 5.5.2 postern: %s in a command", line_result_text(r));
	session_end(s, "postern", line_result_text(r));
}

bool
commands_step(struct session *s)
{
	size_t line_len;

	if (s->proxy->closing && s->mail.mail == NULL && s->up.pending_len == 0) {
		session_violation(s, "421 4.3.2 postern: shutting down", "shutting down");
		return true;
	}
	if (leg_unread(&s->client) == 0 || leg_waiting(&s->client) >= LEG_OUT_HIGH ||
	    leg_waiting(&s->up.leg) >= LEG_OUT_HIGH)
		return false;
	enum line_result r = line_scan(leg_data(&s->client), leg_unread(&s->client),
	    COMMANDS_LINE_MAX, &s->scanned, &line_len);
	if (r == LINE_MORE)
		return false;
	if (r != LINE_OK) {
		if (s->up.pending_len > 0)
			return false;
		bad_line(s, r);
		return true;
	}
	if (!carry_out(s, line_len))
		return false;
	s->scanned = 0;
	if (s->wait == WAIT_COMMAND)
		session_await_command(s);
	return true;
}
