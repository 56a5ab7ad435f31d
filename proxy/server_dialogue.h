/* server_dialogue.h - the dialogue with the MX as one table and one pure stepper
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Covers what postern itself says to open a session (RFC 5321 3.1, 3.2; RFC 3207). What it relays
 * afterwards is a queue of commands that await their replies (proxy/upstream.h). */
#ifndef PROXY_SERVER_DIALOGUE_H
#define PROXY_SERVER_DIALOGUE_H

#include <stdbool.h>

enum server_phase {
	SERVER_DIAL,		/* TCP connect is under way */
	SERVER_GREETING,
	SERVER_GREETED,		/* waits for the client's EHLO */
	SERVER_EHLO,
	SERVER_HELO,		/* the server refused EHLO */
	SERVER_READY,		/* commands may be relayed */
	SERVER_STARTTLS,
	SERVER_HANDSHAKE,
	SERVER_IN_FLIGHT,	/* the client's handshake, not ours (proxy/inspect.h) */
	SERVER_SECURED,		/* handshake finished; waits for the verdict */
	SERVER_EHLO_TLS,	/* the second EHLO (RFC 3207 4.2) */
	SERVER_QUIT,
	SERVER_DEAD
};

enum server_outcome {
	SERVER_GOES_ON,		/* enter step.next, say what its row says */
	SERVER_DECLINED,	/* the server said no, honestly: step.next tells where we are */
	SERVER_VIOLATED		/* a code or form no server sends here: SERVER_DEAD */
};

struct server_step {
	enum server_phase next;
	enum server_outcome outcome;
};

/* server_step: what a whole reply means in this phase. `lines` is how many it had. Phases that
 * expect no reply take any as a violation. */
struct server_step server_step(enum server_phase phase, int code, unsigned lines);

/* The columns of the table. */
const char *server_doing(enum server_phase phase);	/* "waiting for the greeting" */
/* server_timeout: seconds the server may take, RFC 5321 4.5.3.2; 0 where nothing is awaited. */
unsigned server_timeout(enum server_phase phase);

#endif
