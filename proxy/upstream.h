/* upstream.h - the session's leg towards the MX: dial, greeting, EHLO, STARTTLS, relayed commands
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Driven by the session, which calls upstream_next until nothing more happens; it never calls back.
 * The invariant it keeps: whenever a command is sent and no reply is owed, nothing may be waiting
 * to be read, or the server (or somebody on the path) has spoken out of turn. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"
#include "policy/judge.h"
#include "proxy/capability.h"
#include "proxy/command.h"
#include "proxy/demand.h"
#include "proxy/dial.h"
#include "proxy/leg.h"
#include "proxy/reply.h"
#include "proxy/server_dialogue.h"
#include "tls/originate.h"

/* Commands sent whose replies are owed. A client that pipelines more waits. */
#define UPSTREAM_PENDING_MAX 64
#define UPSTREAM_SAID_SIZE 160		/* of a server's refusal, kept for the log */

/* What a pending reply answers, beside the verbs. */
enum pending_kind {
	PENDING_MAIL, PENDING_RCPT, PENDING_DATA, PENDING_BODY, PENDING_CHUNK, PENDING_RSET,
	PENDING_NOOP, PENDING_HIDDEN_RSET
};

struct upstream {
	struct leg leg;
	struct ev_loop *loop;
	struct originator *originator;
	struct address peer;
	struct dial dial;		/* dial_plan's, after upstream_init; else plain */
	enum server_phase phase;
	enum starttls starttls;
	struct capability capability;	/* of the latest EHLO that was answered */
	struct capability hearing;	/* of one that is being answered */
	struct reply reply;
	struct proof *proof;		/* NULL: no handshake was tried on this connection */
	const char *fault;		/* why it is SERVER_DEAD; static or "" */
	double deadline;		/* moment_now() at which waiting ends; 0: nothing awaited */
	double dialled, connected, secured;	/* moment_now() of each, for the event's times */
	uint8_t pending[UPSTREAM_PENDING_MAX];
	uint8_t pending_first, pending_len;
	uint8_t owed;			/* replies to the client that were pending when it died */
	bool unsaid;			/* SERVER_DEAD, and upstream_next has not told yet */
	bool hung_up;			/* `said` is what it said last, unasked, in the session */
	const char *name;		/* for EHLO; the session's */
	struct demand *demand;		/* what STARTTLS was said for, until the handshake begins */
	bool in_flight;			/* behind STARTTLS the client's own handshake follows */
	char said[UPSTREAM_SAID_SIZE];	/* greeting, EHLO's first line, or refusal; printable */
};

enum upstream_event {
	UPSTREAM_NOTHING,	/* more octets, or a command, are needed */
	UPSTREAM_CHANGED,	/* the phase is another one */
	UPSTREAM_LINE,		/* a line of the reply to the oldest pending command */
	UPSTREAM_DIED		/* SERVER_DEAD, said once */
};

void upstream_init(struct upstream *u, struct ev_loop *loop, struct originator *originator);

/* upstream_dial: closes what was and connects to peer. False when there is no descriptor or no
 * memory: our fault, not the peer's; other failures show as SERVER_DEAD. */
bool upstream_dial(struct upstream *u, const struct address *peer,
    void (*ready)(struct ev_loop *loop, ev_io *io, int events), void *arg);
void upstream_close(struct upstream *u);	/* to SERVER_DEAD without an event */

/* upstream_next: one thing that happened. With UPSTREAM_LINE *kind and *line are set; the line is
 * consumed by upstream_line_done. */
enum upstream_event upstream_next(struct upstream *u, enum pending_kind *kind,
    struct reply_line *line);
void upstream_line_done(struct upstream *u, const struct reply_line *line);

/* upstream_hello: EHLO with `name`, which must outlive the leg. From SERVER_GREETED, or from
 * SERVER_SECURED where anything the server said already is an injection (then SERVER_DEAD). */
void upstream_hello(struct upstream *u, const char *name);

/* upstream_starttls: from SERVER_READY in clear text, if offered. With the SNI, the TLSA records
 * and the strictness of this requirement, which it holds for so long. */
void upstream_starttls(struct upstream *u, struct demand *demand);

/* upstream_starttls_in_flight: the same for the client's own handshake: SERVER_IN_FLIGHT then, in
 * which the leg is the caller's. upstream_silent: nothing was said behind the 220 so far; false:
 * somebody did, and the connection is over (STARTTLS_INJECTED). */
void upstream_starttls_in_flight(struct upstream *u);
bool upstream_silent(struct upstream *u);

/* upstream_may_send: whether one more command may go out now (PIPELINING, room). */
bool upstream_may_send(const struct upstream *u);
/* upstream_owes_end: whether a reply is owed that may end the transaction (body, chunk). */
bool upstream_owes_end(const struct upstream *u);
void upstream_send(struct upstream *u, enum pending_kind kind, const char *line, size_t len);
/* upstream_expect: a reply to what was not sent as one command: a body, a chunk. */
void upstream_expect(struct upstream *u, enum pending_kind kind);
void upstream_quit(struct upstream *u);
bool upstream_tls(const struct upstream *u);
/* upstream_violation: ends the connection because of `why`; upstream_next tells. Any verb that
 * sends may do so, where the server has spoken out of turn. */
void upstream_violation(struct upstream *u, const char *why);
/* upstream_timeout: the deadline has passed. */
void upstream_timeout(struct upstream *u);

#endif
