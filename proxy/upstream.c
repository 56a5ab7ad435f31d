/* upstream.c - the session's leg towards the MX: dial, greeting, EHLO, STARTTLS, relayed commands
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/upstream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/upstream_open.h"
#include "daemon/moment.h"

/* Seconds until the reply, RFC 5321 4.5.3.2. */
static const unsigned pending_timeout[] = {
	[PENDING_MAIL] = 300, [PENDING_RCPT] = 300, [PENDING_DATA] = 120, [PENDING_BODY] = 600,
	[PENDING_CHUNK] = 600, [PENDING_RSET] = 300, [PENDING_NOOP] = 300,
	[PENDING_HIDDEN_RSET] = 300,
};

void
upstream_init(struct upstream *u, struct ev_loop *loop, struct originator *originator)
{
	memset(u, 0, sizeof(*u));
	u->loop = loop;
	u->originator = originator;
	u->phase = SERVER_DEAD;
	u->leg.fd = -1;
	u->fault = "";
}

void
upstream_enter(struct upstream *u, enum server_phase phase)
{
	unsigned timeout = server_timeout(phase);

	u->phase = phase;
	u->deadline = timeout == 0 ? 0 : moment_now() + timeout;
	memset(&u->reply, 0, sizeof(u->reply));
}

void
upstream_die(struct upstream *u, const char *why)
{
	leg_close(&u->leg, u->loop);
	dial_over(&u->dial);
	demand_drop(u->demand);
	u->demand = NULL;
	upstream_enter(u, SERVER_DEAD);
	u->owed = u->pending_len;
	if (u->owed > 0 && u->pending[u->pending_first] == PENDING_HIDDEN_RSET)
		u->owed--;
	u->pending_len = 0;
	u->unsaid = true;
	if (u->fault[0] == '\0')
		u->fault = why;
}

static void
say(struct upstream *u, const char *verb, const char *argument)
{
	leg_put(&u->leg, verb, strlen(verb));
	leg_put(&u->leg, argument, strlen(argument));
	leg_put(&u->leg, "\r\n", 2);
}

static void
forget_proof(struct upstream *u)
{
	if (u->proof == NULL)
		return;
	proof_clear(u->proof);
	free(u->proof);
	u->proof = NULL;
}

void
upstream_close(struct upstream *u)
{
	upstream_die(u, "");
	u->unsaid = false;
	forget_proof(u);
}

void
upstream_violation(struct upstream *u, const char *why)
{
	u->fault = "";
	u->leg.failed = true;
	upstream_die(u, why);
}

enum upstream_event
upstream_died(struct upstream *u, const char *why)
{
	upstream_die(u, why);
	u->unsaid = false;
	return UPSTREAM_DIED;
}

static enum upstream_event
violated(struct upstream *u, const char *why)
{
	upstream_violation(u, why);
	u->unsaid = false;
	return UPSTREAM_DIED;
}

/* keep_said: what the server said, printable ASCII only: for the log and for our own greeting. */
static void
keep_said(struct upstream *u, const struct reply_line *line)
{
	int n = snprintf(u->said, sizeof(u->said), "%d ", line->code);

	for (size_t i = 0; i < line->text_len && n < (int)sizeof(u->said) - 1; i++) {
		char c = line->text[i];
		u->said[n++] = (char)(c >= ' ' && c <= '~' ? c : '?');
	}
	u->said[n] = '\0';
}

static void
note_starttls(struct upstream *u)
{
	if (u->capability.extensions & EXT_STARTTLS)
		u->starttls = STARTTLS_NOT_TRIED;
	else
		u->starttls = u->capability.masked ? STARTTLS_MASKED : STARTTLS_ABSENT;
}

/* advance: a whole reply in a phase that is ours; its lines are consumed already. */
static enum upstream_event
advance(struct upstream *u)
{
	enum server_phase was = u->phase;
	struct server_step step = server_step(was, u->reply.code, u->reply.lines);

	if (was == SERVER_STARTTLS && step.outcome != SERVER_GOES_ON)
		u->starttls = step.outcome == SERVER_DECLINED ? STARTTLS_REFUSED :
		    STARTTLS_WRONG_CODE;
	if (step.next == SERVER_DEAD)
		return upstream_died(u, step.outcome == SERVER_VIOLATED ? "unexpected reply" :
		    "refused by the MX");
	upstream_enter(u, step.next);
	if (was != SERVER_STARTTLS && u->phase == SERVER_READY)
		u->capability = u->hearing;
	if (was == SERVER_EHLO || was == SERVER_HELO)
		note_starttls(u);
	if (u->phase == SERVER_HELO)
		say(u, "HELO ", u->name);
	return u->phase == SERVER_HANDSHAKE ? upstream_begin_tls(u) : UPSTREAM_CHANGED;
}

/* own_line: one line of a reply to what postern itself said. */
static enum upstream_event
own_line(struct upstream *u, const struct reply_line *line)
{
	bool last = line->last;

	if (u->phase == SERVER_READY) {
		/* Nothing is owed: the server closes (RFC 5321 3.8), or speaks out of turn. */
		keep_said(u, line);
		u->hung_up = true;
		return violated(u, line->code == 421 ? "closed by the MX" :
		    "a reply to no command");
	}
	if (u->reply.lines == 1 || line->code >= 400)
		keep_said(u, line);
	else if (u->phase == SERVER_EHLO || u->phase == SERVER_EHLO_TLS)
		capability_line(&u->hearing, line->text, line->text_len);
	leg_consume(&u->leg, line->line_len);
	return last ? advance(u) : UPSTREAM_NOTHING;
}

static enum upstream_event
no_line(struct upstream *u, enum leg_result r)
{
	if (r == LEG_AGAIN)
		return UPSTREAM_NOTHING;
	return upstream_died(u, r == LEG_EOF ? "the MX closed the connection" : u->leg.error);
}

/* reply_step: takes lines off what was read until something happened. */
static enum upstream_event
reply_step(struct upstream *u, enum pending_kind *kind, struct reply_line *line)
{
	enum upstream_event event = UPSTREAM_NOTHING;

	while (event == UPSTREAM_NOTHING) {
		enum reply_result r = REPLY_MORE;
		line->line_len = 0;
		if (leg_unread(&u->leg) > 0)
			r = reply_next(&u->reply, leg_data(&u->leg), leg_unread(&u->leg), line);
		if (r != REPLY_DONE && r != REPLY_MORE)
			return violated(u, reply_result_text(r));
		if (line->line_len == 0) {
			enum leg_result filled = leg_fill(&u->leg);
			if (filled != LEG_OK)
				return no_line(u, filled);
		} else if (u->phase == SERVER_READY && u->pending_len > 0) {
			*kind = u->pending[u->pending_first];
			return UPSTREAM_LINE;
		} else {
			event = own_line(u, line);
		}
	}
	return event;
}

enum upstream_event
upstream_next(struct upstream *u, enum pending_kind *kind, struct reply_line *line)
{
	switch (u->phase) {
	case SERVER_DIAL:
		return upstream_dial_step(u);
	case SERVER_HANDSHAKE:
		return upstream_handshake_step(u);
	case SERVER_SECURED:	/* whatever comes now is looked at before the second EHLO */
	case SERVER_IN_FLIGHT:
		return UPSTREAM_NOTHING;
	case SERVER_DEAD:
		if (!u->unsaid)
			return UPSTREAM_NOTHING;
		u->unsaid = false;
		return UPSTREAM_DIED;
	case SERVER_GREETING:
	case SERVER_GREETED:
	case SERVER_EHLO:
	case SERVER_HELO:
	case SERVER_READY:
	case SERVER_STARTTLS:
	case SERVER_EHLO_TLS:
	case SERVER_QUIT:
		return reply_step(u, kind, line);
	}
	return UPSTREAM_NOTHING;
}

static void
await_next(struct upstream *u)
{
	u->deadline = u->pending_len == 0 ? 0 :
	    moment_now() + pending_timeout[u->pending[u->pending_first]];
}

void
upstream_line_done(struct upstream *u, const struct reply_line *line)
{
	bool last = line->last;

	leg_consume(&u->leg, line->line_len);
	if (!last)
		return;
	memset(&u->reply, 0, sizeof(u->reply));
	u->pending_first = (uint8_t)((u->pending_first + 1) % UPSTREAM_PENDING_MAX);
	u->pending_len--;
	await_next(u);
}

/* quiet: nothing may wait to be read when we speak and no reply is owed. */
static bool
quiet(struct upstream *u)
{
	if (leg_unread(&u->leg) == 0)
		return true;
	upstream_violation(u, "a reply before its command");
	return false;
}

void
upstream_hello(struct upstream *u, const char *name)
{
	u->name = name;
	if (u->phase == SERVER_SECURED) {
		u->leg.readable = true;
		leg_fill(&u->leg);
		if (leg_unread(&u->leg) > 0) {
			u->starttls = STARTTLS_INJECTED;
			upstream_violation(u, "the MX spoke before the second EHLO");
			return;
		}
		memset(&u->hearing, 0, sizeof(u->hearing));
		upstream_enter(u, SERVER_EHLO_TLS);
	} else {
		assert(u->phase == SERVER_GREETED);
		upstream_enter(u, SERVER_EHLO);
		if (!quiet(u))
			return;
	}
	say(u, "EHLO ", name);
}

static void
starttls(struct upstream *u, struct demand *demand)
{
	assert(u->phase == SERVER_READY && u->pending_len == 0 && u->leg.tls == NULL);
	if (!quiet(u))
		return;
	u->in_flight = demand == NULL;
	u->demand = demand == NULL ? NULL : demand_hold(demand);
	upstream_enter(u, SERVER_STARTTLS);
	say(u, "STARTTLS", "");
}

void
upstream_starttls(struct upstream *u, struct demand *demand)
{
	assert(demand != NULL);
	starttls(u, demand);
}

void
upstream_starttls_in_flight(struct upstream *u)
{
	starttls(u, NULL);
}

bool
upstream_silent(struct upstream *u)
{
	u->leg.readable = true;
	leg_fill(&u->leg);
	if (leg_unread(&u->leg) == 0)
		return true;
	u->starttls = STARTTLS_INJECTED;
	upstream_violation(u, "octets behind the 220 of STARTTLS");
	return false;
}

bool
upstream_may_send(const struct upstream *u)
{
	if (u->phase != SERVER_READY || u->pending_len == UPSTREAM_PENDING_MAX)
		return false;
	return u->pending_len == 0 || (u->capability.extensions & EXT_PIPELINING);
}

bool
upstream_owes_end(const struct upstream *u)
{
	/* They are sent when nothing is pending, so they are always the oldest. */
	return u->pending_len > 0 && (u->pending[u->pending_first] == PENDING_BODY ||
	    u->pending[u->pending_first] == PENDING_CHUNK);
}

void
upstream_expect(struct upstream *u, enum pending_kind kind)
{
	assert(u->pending_len < UPSTREAM_PENDING_MAX);
	u->pending[(u->pending_first + u->pending_len) % UPSTREAM_PENDING_MAX] = (uint8_t)kind;
	if (u->pending_len++ == 0)
		await_next(u);
}

void
upstream_send(struct upstream *u, enum pending_kind kind, const char *line, size_t len)
{
	assert(u->phase == SERVER_READY);
	if (u->pending_len == 0 && !quiet(u)) {
		u->owed = kind != PENDING_HIDDEN_RSET;
		return;
	}
	leg_put(&u->leg, line, len);
	upstream_expect(u, kind);
}

void
upstream_quit(struct upstream *u)
{
	if (u->phase != SERVER_READY || u->pending_len > 0 || leg_unread(&u->leg) > 0) {
		upstream_close(u);
		return;
	}
	upstream_enter(u, SERVER_QUIT);
	say(u, "QUIT", "");
}

bool
upstream_tls(const struct upstream *u)
{
	return u->leg.tls != NULL && u->phase != SERVER_HANDSHAKE;
}
