/* session.h - one SMTP session: the client's leg, the MX's leg, and what waits between them
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything a session does happens in session_turn, called when a socket is ready, an answer has
 * come or a deadline has passed. It lets the upstream, the decision and the client take steps until
 * none can, then flushes what was written and says what to wait for. Nobody frees a session inside:
 * it is marked ended, and the loop frees it after the turn. */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/config.h"
#include "proxy/asker.h"
#include "proxy/body.h"
#include "proxy/client_dialogue.h"
#include "proxy/envelope.h"
#include "proxy/leg.h"
#include "proxy/pipes.h"
#include "proxy/upstream.h"
#include "record/counters.h"
#include "record/id.h"
#include "record/queue.h"
#include "tls/originate.h"
#include "tls/terminate.h"

struct decision;
struct inspect;
struct session;
struct tunnel;

/* What all sessions of a worker share. */
struct proxy {
	struct ev_loop *loop;
	const struct config *config;
	struct counters *counters;
	int column;
	struct originator *originator;
	struct terminator *terminator;	/* NULL: client.tls none */
	struct asker *asker;
	struct queue *records;
	struct id_source ids;
	void (*sighting)(void *arg, const struct sighting *s);
	void (*left)(void *arg);	/* a session was freed */
	/* A client's handshake with us failed; and whether one did within the hour. */
	void (*tls_failed)(void *arg, const struct in6_addr *client);
	bool (*tls_unwanted)(void *arg, const struct in6_addr *client);
	void *arg;
	void (*proven)(void *arg, const struct proven *p);	/* of a TLS session in flight */
	struct pipes pipes;
	struct tunnel *tunnels, *tunnels_ended;	/* sessions that the kernel carries on */
	struct session *sessions;	/* open ones */
	struct session *ended;		/* to be freed after this turn of the loop */
	size_t open;
	bool closing;			/* shutting down: 421 at the next chance */
};

/* What the client's side waits for. */
enum session_wait {
	WAIT_GREETING,		/* the server's greeting; the client hears nothing before */
	WAIT_COMMAND,
	WAIT_HELLO,		/* the server's reply to EHLO */
	WAIT_TLS,		/* our 220 to go out, then the client's handshake */
	WAIT_INSPECT,		/* the client's handshake with the MX (proxy/inspect.h) */
	WAIT_HANDSHAKE,		/* with us */
	WAIT_DECISION,		/* policy, or what it takes to satisfy it */
	WAIT_DATA,		/* the server's 354 */
	WAIT_BODY,		/* mail data to pass */
	WAIT_SKIP_BODY,		/* mail data to swallow, then session->verdict_on_body */
	WAIT_CHUNK, WAIT_SKIP_CHUNK,
	WAIT_QUIT,		/* the server's 221 */
	WAIT_FLUSH		/* what was said to go out, then the end */
};

struct session {
	struct proxy *proxy;
	struct session *next, *previous;
	struct leg client;
	struct upstream up;
	ev_timer timer;
	struct address peer, origin;
	enum client_phase phase;
	enum session_wait wait;
	bool esmtp, ended;
	bool local;			/* of a program on this host (intercept.local) */
	uint8_t faults;
	unsigned offered;		/* extensions in our EHLO reply */
	size_t scanned;			/* of an unfinished command line */
	char *hello;			/* the client's name; NULL before HELO */
	char *server_name;		/* first word of the server's EHLO reply */
	struct envelope mail;
	struct decision *decision;	/* with WAIT_DECISION */
	struct demand *ahead;		/* what TLS was begun for before any recipient; NULL */
	struct inspect *inspect;	/* with WAIT_INSPECT */
	const char *ended_here;		/* why the client's TLS is not its own; static, NULL */
	char *ended_here_detail;	/* NULL */
	bool end_to_end;		/* it stayed its own */
	bool handed_over;		/* a tunnel has the sockets, the place and the record */
	struct proof *broken;		/* an opportunistic handshake that failed; clear since */
	struct body body;
	size_t cleared;			/* octets at the front of client.in that may be passed */
	enum body_result body_result;
	uint64_t chunk_left;
	bool chunk_last;
	char *late_reply;		/* with WAIT_SKIP_*: said at the end; with CRLF */
	double opened, client_deadline, body_deadline, armed;
	uint64_t body_octets;
	uint32_t messages;
	const char *ended_by, *why;	/* static, for the record */
	char id[ID_SESSION_SIZE];
};

/* session_new: takes over the client's non-blocking socket and dials the origin. `local`: a program
 * on this host. NULL when there is no memory or no descriptor; the socket is then the caller's
 * still. */
struct session *session_new(struct proxy *proxy, int fd, const struct address *peer,
    const struct address *origin, bool local);
void session_turn(struct session *s);

/* session_reap: frees what has ended, tunnels too; called by the loop between turns. */
void session_reap(struct proxy *proxy);
/* session_vacate: its place among the open ones is free again. */
void session_vacate(struct proxy *proxy, const struct address *peer);

/* session_shutdown: 421 to every client that has no transaction open; others at its end. */
void session_shutdown(struct proxy *proxy);

/* For the parts of a session (commands.c, decide.c, transfer.c). */

/* session_say: a reply line to the client, CRLF is added. */
void session_say(struct session *s, const char *line);
void session_sayf(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* session_end: nothing more is read; the session ends when all is flushed. */
void session_end(struct session *s, const char *ended_by, const char *why);
/* session_reset: the transaction is over on our side. */
void session_reset(struct session *s);
void session_await_command(struct session *s);
/* session_await: something else than the client is waited for. */
void session_await(struct session *s, enum session_wait wait);
/* session_terminate: the client's TLS handshake, with us. */
void session_terminate(struct session *s);
/* session_dial: a new connection to the origin; where there is no descriptor the session ends. */
void session_dial(struct session *s);
/* session_fault: the client broke the protocol beyond mending: reply and end. */
void session_violation(struct session *s, const char *reply, const char *why);

#endif
