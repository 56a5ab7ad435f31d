/* server_dialogue.c - the dialogue with the MX as one table and one pure stepper
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/server_dialogue.h"

/* One row a phase: what is awaited, for how long, and where each class of reply leads. */
struct row {
	const char *doing;
	unsigned timeout_s;
	int code;			/* the reply that goes on; 0: none is awaited */
	enum server_phase next;
	/* An honest no: 4yz and 5yz lead here (SERVER_DEAD: the session is over). */
	enum server_phase on_4yz, on_5yz;
	bool one_line;			/* the good reply must be a single line */
};

static const struct row rows[] = {
	[SERVER_DIAL] = { "connecting to the MX", 30, 0, SERVER_GREETING,
	    SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_GREETING] = { "waiting for the greeting", 300, 220, SERVER_GREETED,
	    SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_GREETED] = { "waiting for the client's EHLO", 0, 0, SERVER_EHLO,
	    SERVER_DEAD, SERVER_DEAD, false },
	/* A server that refuses EHLO is asked with HELO, and then offers no STARTTLS. */
	[SERVER_EHLO] = { "waiting for the reply to EHLO", 300, 250, SERVER_READY,
	    SERVER_DEAD, SERVER_HELO, false },
	[SERVER_HELO] = { "waiting for the reply to HELO", 300, 250, SERVER_READY,
	    SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_READY] = { "relaying", 0, 0, SERVER_READY, SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_STARTTLS] = { "waiting for the reply to STARTTLS", 120, 220, SERVER_HANDSHAKE,
	    SERVER_READY, SERVER_READY, true },
	[SERVER_HANDSHAKE] = { "in the TLS handshake with the MX", 120, 0, SERVER_SECURED,
	    SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_IN_FLIGHT] = { "in the client's TLS handshake with the MX", 120, 0,
	    SERVER_IN_FLIGHT, SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_SECURED] = { "judging the MX", 0, 0, SERVER_EHLO_TLS,
	    SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_EHLO_TLS] = { "waiting for the reply to EHLO after STARTTLS", 300, 250,
	    SERVER_READY, SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_QUIT] = { "waiting for the reply to QUIT", 10, 221, SERVER_DEAD,
	    SERVER_DEAD, SERVER_DEAD, false },
	[SERVER_DEAD] = { "the MX is gone", 0, 0, SERVER_DEAD, SERVER_DEAD, SERVER_DEAD, false },
};

struct server_step
server_step(enum server_phase phase, int code, unsigned lines)
{
	const struct row *row = &rows[phase];
	const struct server_step violated = { SERVER_DEAD, SERVER_VIOLATED };

	if (row->code == 0)
		return violated;
	if (code == row->code) {
		if (row->one_line && lines != 1)
			return violated;
		return (struct server_step){ row->next, SERVER_GOES_ON };
	}
	if (code == 421)	/* RFC 5321 3.8: the server closes the channel */
		return (struct server_step){ SERVER_DEAD, SERVER_DECLINED };
	if (code >= 400 && code <= 499)
		return (struct server_step){ row->on_4yz, SERVER_DECLINED };
	if (code >= 500 && code <= 599)
		return (struct server_step){ row->on_5yz, SERVER_DECLINED };
	return violated;
}

const char *
server_doing(enum server_phase phase)
{
	return rows[phase].doing;
}

unsigned
server_timeout(enum server_phase phase)
{
	return rows[phase].timeout_s;
}
