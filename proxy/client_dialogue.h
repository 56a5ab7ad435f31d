/* client_dialogue.h - the dialogue with the client as one table and one pure stepper
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table stands in the order of RFC 5321 4.1.1. The stepper says what a command means now; the
 * session does it, and moves to another phase only when the server's reply has said so. */
#ifndef PROXY_CLIENT_DIALOGUE_H
#define PROXY_CLIENT_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/command.h"

enum client_phase {
	CLIENT_CONNECTED,	/* greeted, no HELO or EHLO yet */
	CLIENT_READY,		/* no transaction */
	CLIENT_MAIL,		/* MAIL is kept, no recipient accepted */
	CLIENT_RCPT,		/* at least one recipient accepted */
	CLIENT_BDAT		/* some chunk has been accepted */
};

enum client_action {
	CLIENT_REPLY,		/* step.reply is the answer; nothing else happens */
	CLIENT_HELLO,		/* (re)open the dialogue */
	CLIENT_STARTTLS,
	CLIENT_KEEP_MAIL,
	CLIENT_RECIPIENT,
	CLIENT_DATA,
	CLIENT_CHUNK,		/* BDAT, recipients accepted */
	CLIENT_SKIP_CHUNK,	/* BDAT out of order: the chunk is swallowed, then step.reply */
	CLIENT_RESET,
	CLIENT_NOOP,
	CLIENT_QUIT
};

/* What the stepper must know beside the command. */
struct client_facts {
	enum client_phase phase;
	bool tls;			/* the client's side is under TLS */
	bool starttls_offered;
	unsigned extensions;		/* offered to the client */
};

struct client_step {
	enum client_action action;
	/* May be answered only when every earlier command has had its reply; all but RCPT are. */
	bool in_order;
	bool fault;			/* counts against the client */
	const char *reply;		/* static, without CRLF; NULL with most actions */
};

/* client_step: command_parse's result and command decide, with the facts. */
struct client_step client_step(const struct client_facts *facts, enum command_result result,
    const struct command *command);

#endif
