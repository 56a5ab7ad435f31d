/* client_dialogue.c - the dialogue with the client as one table and one pure stepper
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/client_dialogue.h"

#define IN(phase) (1u << (phase))
#define ANY (IN(CLIENT_CONNECTED) | IN(CLIENT_READY) | IN(CLIENT_MAIL) | IN(CLIENT_RCPT) | \
    IN(CLIENT_BDAT))
#define NONE 0u

/* One row a command: where it is allowed, what it does there, what is said elsewhere. */
struct row {
	unsigned phases;
	enum client_action action;
	const char *reply;		/* with CLIENT_REPLY */
	const char *elsewhere;
};

static const char need_hello[] = "503 5.5.1 send HELO or EHLO first";
static const char need_mail[] = "503 5.5.1 need MAIL";
static const char need_rcpt[] = "503 5.5.1 no recipient was accepted";
static const char nested_mail[] = "503 5.5.1 a transaction is open already";
static const char in_chunks[] = "503 5.5.1 BDAT has begun";

static const struct row rows[] = {
	[VERB_EHLO] = { ANY, CLIENT_HELLO, NULL, NULL },
	[VERB_HELO] = { ANY, CLIENT_HELLO, NULL, NULL },
	[VERB_MAIL] = { IN(CLIENT_READY), CLIENT_KEEP_MAIL, NULL, nested_mail },
	[VERB_RCPT] = { IN(CLIENT_MAIL) | IN(CLIENT_RCPT), CLIENT_RECIPIENT, NULL, need_mail },
	[VERB_DATA] = { IN(CLIENT_RCPT), CLIENT_DATA, NULL, need_rcpt },
	[VERB_RSET] = { ANY, CLIENT_RESET, NULL, NULL },
	[VERB_VRFY] = { ANY, CLIENT_REPLY,
	    "252 2.5.2 cannot verify, will take the message and try", NULL },
	[VERB_EXPN] = { NONE, CLIENT_REPLY, NULL, "502 5.5.1 not implemented" },
	[VERB_HELP] = { ANY, CLIENT_REPLY, "214 2.0.0 see RFC 5321", NULL },
	[VERB_NOOP] = { ANY, CLIENT_NOOP, NULL, NULL },
	[VERB_QUIT] = { ANY, CLIENT_QUIT, NULL, NULL },
	[VERB_STARTTLS] = { IN(CLIENT_READY) | IN(CLIENT_CONNECTED), CLIENT_STARTTLS, NULL,
	    "503 5.5.1 not inside a transaction" },
	[VERB_BDAT] = { IN(CLIENT_RCPT) | IN(CLIENT_BDAT), CLIENT_CHUNK, NULL, need_rcpt },
	[VERB_AUTH] = { NONE, CLIENT_REPLY, NULL, "502 5.5.1 AUTH is not available here" },
	[VERB_ETRN] = { NONE, CLIENT_REPLY, NULL, "502 5.5.1 not implemented" },
	[VERB_UNKNOWN] = { NONE, CLIENT_REPLY, NULL, "500 5.5.2 command not recognised" },
};

static struct client_step
says(const char *reply)
{
	return (struct client_step){ CLIENT_REPLY, true, true, reply };
}

/* syntax_reply: the answer to a command that command_parse did not take; NULL when it did. */
static const char *
syntax_reply(enum command_result result, enum verb verb)
{
	switch (result) {
	case COMMAND_OK:
		return NULL;
	case COMMAND_SYNTAX:
		return verb == VERB_UNKNOWN ? "500 5.5.2 command not recognised" :
		    "501 5.5.2 syntax error in the arguments";
	case COMMAND_PARAMETER:
		return "555 5.5.4 unsupported parameter";
	case COMMAND_PATH:
		return verb == VERB_RCPT ? "501 5.1.3 bad recipient address" :
		    "501 5.1.7 bad sender address";
	case COMMAND_NOT_ASCII:
		return "500 5.5.2 only ASCII outside SMTPUTF8";
	}
	return NULL;
}

static const char *
elsewhere(const struct row *row, const struct client_facts *facts, enum verb verb)
{
	if (facts->phase == CLIENT_CONNECTED && row->phases != NONE && verb != VERB_STARTTLS)
		return need_hello;
	if (facts->phase == CLIENT_BDAT && (verb == VERB_DATA || verb == VERB_RCPT))
		return in_chunks;
	if (verb == VERB_DATA && facts->phase == CLIENT_READY)
		return need_mail;
	return row->elsewhere;
}

struct client_step
client_step(const struct client_facts *facts, enum command_result result,
    const struct command *command)
{
	const struct row *row = &rows[command->verb];
	const char *wrong = syntax_reply(result, command->verb);

	if (wrong != NULL && row->phases == NONE)
		wrong = row->elsewhere;
	if (wrong != NULL)
		return says(wrong);
	if (!(row->phases & IN(facts->phase))) {
		struct client_step step = says(elsewhere(row, facts, command->verb));
		if (command->verb == VERB_BDAT)
			step.action = CLIENT_SKIP_CHUNK;
		return step;
	}
	if (command->verb == VERB_STARTTLS && facts->tls)
		return says("503 5.5.1 TLS is active already");
	if (command->verb == VERB_STARTTLS && !facts->starttls_offered)
		return says("502 5.5.1 STARTTLS is not available");
	if ((command->uses & ~facts->extensions) != 0) {
		struct client_step step = says("555 5.5.4 that extension was not offered");
		if (command->verb == VERB_BDAT)	/* the chunk comes all the same */
			step.action = CLIENT_SKIP_CHUNK;
		return step;
	}
	return (struct client_step){ row->action, command->verb != VERB_RCPT, false, row->reply };
}
