/* session.c - one SMTP session: its life, and the turn in which everything happens
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/ahead.h"
#include "proxy/commands.h"
#include "proxy/deadline.h"
#include "proxy/decide.h"
#include "proxy/inspect.h"
#include "proxy/relay.h"
#include "proxy/report.h"
#include "proxy/transfer.h"
#include "proxy/tunnel.h"
#include "daemon/moment.h"

/* Steps in one turn: a client that pipelines without end must let other sessions have theirs. */
#define TURN_STEPS_MAX 256
#define FLUSH_TIMEOUT 30	/* seconds for a last reply to go out */
#define SAY_MAX 1024

static void
client_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct session *s = io->data;

	(void)loop;
	if (events & EV_READ)
		s->client.readable = true;
	session_turn(s);
}

static void
upstream_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct session *s = io->data;

	(void)loop;
	if ((events & EV_READ) || s->up.phase == SERVER_DIAL)
		s->up.leg.readable = true;
	session_turn(s);
}

void
session_say(struct session *s, const char *line)
{
	leg_put(&s->client, line, strlen(line));
	leg_put(&s->client, "\r\n", 2);
}

void
session_sayf(struct session *s, const char *format, ...)
{
	char line[SAY_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	session_say(s, line);
}

void
session_end(struct session *s, const char *ended_by, const char *why)
{
	if (s->wait == WAIT_FLUSH)
		return;
	s->ended_by = ended_by;
	s->why = why;
	s->wait = WAIT_FLUSH;
	s->client_deadline = moment_now() + FLUSH_TIMEOUT;
	s->body_deadline = 0;
	decide_drop(s);
	inspect_drop(s);
	upstream_close(&s->up);
	leg_closing(&s->client);
}

void
session_violation(struct session *s, const char *reply, const char *why)
{
	session_say(s, reply);
	session_end(s, "postern", why);
}

void
session_reset(struct session *s)
{
	envelope_clear(&s->mail);
	if (s->phase != CLIENT_CONNECTED)
		s->phase = CLIENT_READY;
}

void
session_await_command(struct session *s)
{
	s->wait = WAIT_COMMAND;
	s->client_deadline = moment_now() + COMMANDS_TIMEOUT;
}

void
session_await(struct session *s, enum session_wait wait)
{
	s->wait = wait;
	s->client_deadline = 0;
}

void
session_dial(struct session *s)
{
	ahead_over(s);
	if (upstream_dial(&s->up, &s->origin, upstream_ready, s))
		return;
	session_say(s, "421 4.3.2 postern: out of descriptors, try again later");
	session_end(s, "postern", "out of descriptors");
}

void
session_terminate(struct session *s)
{
	s->client.tls = terminate(s->proxy->terminator, s->client.fd);
	if (s->client.tls == NULL) {
		session_end(s, "postern", "out of memory");
		return;
	}
	s->wait = WAIT_HANDSHAKE;
	s->client_deadline = moment_now() + HANDSHAKE_TIMEOUT;
}

/* begin_handshake: our 220 first, then the client's handshake, with the MX or with us. */
static bool
begin_handshake(struct session *s)
{
	if (leg_flush(&s->client) != LEG_OK)
		return false;
	if (s->proxy->config->inspect)
		inspect_begin(s);
	else
		session_terminate(s);
	return true;
}

static bool
client_handshake_step(struct session *s)
{
	enum leg_result r = leg_handshake(&s->client);
	if (r == LEG_AGAIN)
		return false;
	if (r != LEG_OK) {
		s->proxy->tls_failed(s->proxy->arg, &s->peer.ip);
		s->client.failed = true;
		session_end(s, "client", "TLS handshake with the client failed");
		return true;
	}
	/* RFC 3207 4.2: what was said before counts for nothing. */
	s->client.readable = true;
	s->esmtp = false;
	session_reset(s);
	s->phase = CLIENT_CONNECTED;
	session_await_command(s);
	return true;
}

/* client_step_once: one step of the client's side. */
static bool
client_step_once(struct session *s)
{
	switch (s->wait) {
	case WAIT_COMMAND:
		return commands_step(s);
	case WAIT_TLS:
		return begin_handshake(s);
	case WAIT_INSPECT:
		return inspect_step(s);
	case WAIT_HANDSHAKE:
		return client_handshake_step(s);
	case WAIT_BODY:
	case WAIT_SKIP_BODY:
	case WAIT_CHUNK:
	case WAIT_SKIP_CHUNK:
		return transfer_step(s);
	case WAIT_DECISION:
		return decide_step(s);
	case WAIT_GREETING:
	case WAIT_HELLO:
	case WAIT_DATA:
	case WAIT_QUIT:
	case WAIT_FLUSH:
		return false;
	}
	return false;
}

/* client_fill: reads what the client has sent; what follows our 220 to STARTTLS is for TLS. */
static bool
client_fill(struct session *s)
{
	if (s->wait == WAIT_TLS || s->wait == WAIT_INSPECT || s->wait == WAIT_HANDSHAKE ||
	    !s->client.readable || leg_full(&s->client))
		return false;
	return leg_fill(&s->client) == LEG_OK;
}

/* client_gone: the client's end while nothing of it is left to be done. */
static void
client_gone(struct session *s)
{
	if (s->client.failed) {
		s->ended_by = s->wait == WAIT_FLUSH ? s->ended_by : "client";
		s->why = s->wait == WAIT_FLUSH ? s->why : s->client.error;
		s->ended = true;
		return;
	}
	bool data = s->wait == WAIT_BODY || s->wait == WAIT_CHUNK || s->wait == WAIT_SKIP_BODY ||
	    s->wait == WAIT_SKIP_CHUNK;
	/* Half-closed: what it asked for before is still answered. */
	if (!s->client.eof || s->up.pending_len > 0 || s->up.leg.blocked)
		return;
	if (data)
		session_end(s, "client", "closed inside mail data");
	else if ((s->wait == WAIT_COMMAND && leg_waiting(&s->client) < LEG_OUT_HIGH) ||
	    (s->wait == WAIT_GREETING && leg_unread(&s->client) == 0))
		session_end(s, "client", "closed without QUIT");
}

static void
watch(struct session *s)
{
	struct ev_loop *loop = s->proxy->loop;
	bool dialling = s->up.phase == SERVER_DIAL;
	/* What a server says before the second EHLO is looked at when that is due. */
	bool listen = !dialling && s->up.phase != SERVER_SECURED &&
	    leg_waiting(&s->client) < LEG_OUT_HIGH;

	bool hear = s->wait != WAIT_FLUSH && s->wait != WAIT_TLS;

	if (s->wait == WAIT_INSPECT)
		inspect_wants(s, &hear, &listen);
	leg_watch(&s->client, loop, hear, false);
	leg_watch(&s->up.leg, loop, listen, dialling);
}

static void
record_end(const struct session *s)
{
	const struct report_end end = {
		.id = s->id, .hello = s->hello, .peer = s->peer, .origin = s->origin,
		.opened = s->opened, .ended_here = s->ended_here,
		.ended_here_detail = s->ended_here_detail,
		.end_to_end = s->end_to_end,
		.ended_by = s->ended_by, .why = s->why, .bytes_in = s->client.bytes_in,
		.bytes_out = s->client.bytes_out, .messages = s->messages,
	};

	report_end(s->proxy, &end);
}

static void
finish(struct session *s)
{
	struct proxy *p = s->proxy;

	if (!s->handed_over)
		record_end(s);
	decide_drop(s);
	inspect_drop(s);
	upstream_close(&s->up);
	leg_close(&s->client, p->loop);
	ev_timer_stop(p->loop, &s->timer);
	if (s->previous != NULL)
		s->previous->next = s->next;
	else
		p->sessions = s->next;
	if (s->next != NULL)
		s->next->previous = s->previous;
	s->next = p->ended;
	p->ended = s;
}

void
session_turn(struct session *s)
{
	unsigned steps = 0;
	bool moved = true;

	if (s->ended)
		return;
	client_fill(s);
	while (moved && !s->ended && steps++ < TURN_STEPS_MAX) {
		moved = relay_step(s);
		moved |= client_step_once(s);
		moved = moved || client_fill(s);
		if (!moved)
			client_gone(s);
	}
	/* A server that is gone is seen at once, not when it is late. */
	leg_flush(&s->up.leg);
	if (leg_gone(&s->up.leg))
		moved |= relay_step(s);
	leg_flush(&s->client);
	if (s->client.failed)
		client_gone(s);
	if (s->wait == WAIT_FLUSH && leg_waiting(&s->client) == 0)
		s->ended = true;
	if (s->ended) {
		finish(s);
		return;
	}
	watch(s);
	deadline_arm(s);
	if (moved)
		ev_feed_event(s->proxy->loop, &s->client.io, EV_READ);
}

struct session *
session_new(struct proxy *proxy, int fd, const struct address *peer,
    const struct address *origin, bool local)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->proxy = proxy;
	s->peer = *peer;
	s->origin = *origin;
	s->local = local;
	s->opened = moment_now();
	s->wait = WAIT_GREETING;
	s->ended_by = "postern";
	s->why = "";
	ev_timer_init(&s->timer, deadline_passed, 0, 0);
	s->timer.data = s;
	upstream_init(&s->up, proxy->loop, proxy->originator);
	dial_plan(&s->up.dial, proxy->config, proxy->counters, local ? NULL : &peer->ip);
	if (!upstream_dial(&s->up, origin, upstream_ready, s)) {
		free(s);
		return NULL;
	}
	id_session(&proxy->ids, s->id, moment_wall_us() / 1000);
	leg_open(&s->client, proxy->loop, fd, client_ready, s);
	s->next = proxy->sessions;
	if (s->next != NULL)
		s->next->previous = s;
	proxy->sessions = s;
	proxy->open++;
	session_turn(s);
	return s;
}

void
session_reap(struct proxy *proxy)
{
	struct session *s;

	while ((s = proxy->ended) != NULL) {
		proxy->ended = s->next;
		if (s->broken != NULL)
			proof_clear(s->broken);
		free(s->broken);
		envelope_clear(&s->mail);
		ahead_over(s);
		free(s->hello);
		free(s->server_name);
		free(s->late_reply);
		free(s->ended_here_detail);
		if (!s->handed_over)
			session_vacate(proxy, &s->peer);
		free(s);
	}
	tunnel_reap(proxy);
}

void
session_vacate(struct proxy *proxy, const struct address *peer)
{
	counters_client_leave(proxy->counters, proxy->column, &peer->ip);
	proxy->open--;
	proxy->left(proxy->arg);
}

void
session_shutdown(struct proxy *proxy)
{
	struct session *s, *next;

	proxy->closing = true;
	for (s = proxy->sessions; s != NULL; s = next) {
		next = s->next;
		session_turn(s);
	}
	tunnel_shutdown(proxy);
}
