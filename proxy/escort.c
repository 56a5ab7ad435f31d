/* escort.c - a proven handshake on its last steps, copied until there is nothing more to learn
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/escort.h"

#include <string.h>
#include <sys/socket.h>

#include "daemon/moment.h"
#include "proxy/commands.h"
#include "proxy/inspect.h"
#include "proxy/tunnel.h"

bool
escort_begin(struct session *s)
{
	struct inspect *i = s->inspect;
	unsigned char taken[PEEK_HELLO_MAX];
	size_t len;

	peek_hello(i->peek, &len);
	if (recv(s->client.fd, taken, len, MSG_DONTWAIT) != (ssize_t)len) {
		s->client.failed = true;
		session_end(s, "client", "connection reset");
		return false;
	}
	s->client.bytes_in += len;
	s->client.readable = true;
	s->up.deadline = 0;
	s->client_deadline = moment_now() + HANDSHAKE_TIMEOUT;
	i->stage = INSPECT_ESCORT;
	return true;
}

/* remember: what the server handed out may be resumed one day, with what it has proven now. */
static void
remember(struct session *s)
{
	struct inspect *i = s->inspect;
	struct peek_session sessions[PEEK_SESSIONS_MAX];
	unsigned char evidence[PEEK_EVIDENCE_MAX];
	size_t count = peek_sessions(i->peek, sessions);
	size_t len = count == 0 ? 0 : peek_evidence(i->peek, evidence, sizeof(evidence));

	for (size_t k = 0; len > 0 && k < count; k++) {
		struct proven proven = { .lifetime_s = sessions[k].lifetime_s,
			.evidence = evidence, .len = len };

		memcpy(proven.session, sessions[k].name, sizeof(proven.session));
		asker_proven(s->proxy->asker, &proven);
		s->proxy->proven(s->proxy->arg, &proven);
	}
}

/* watch: each octet once, before anybody else has it. False: a server's that must not reach the
 * client (a ChangeCipherSpec out of turn, CVE-2014-0224; no TLS). */
static bool
watch(struct session *s, const struct leg *from)
{
	struct inspect *i = s->inspect;
	bool server = from == &s->up.leg;
	size_t *watched = &i->watched[server];

	if (i->talk == PEEK_WATCHING && *watched < leg_unread(from)) {
		i->talk = peek_watch(i->peek, server, leg_data(from) + *watched,
		    leg_unread(from) - *watched);
		if (i->talk == PEEK_SETTLED)
			remember(s);
		if (i->talk == PEEK_BROKEN && server)
			return false;
	}
	*watched = leg_unread(from);
	return true;
}

/* copy: from one side to the other what is there, as far as the other takes it. */
static bool
copy(struct session *s, struct leg *from, struct leg *to)
{
	size_t put;

	if (leg_unread(from) == 0 && (to->blocked || leg_fill(from) != LEG_OK))
		return false;
	if (!watch(s, from)) {
		s->client.failed = true;
		session_end(s, "postern", "the MX broke its TLS handshake");
		return true;
	}
	if (leg_pass(to, leg_data(from), leg_unread(from), &put) == LEG_FAILED || put == 0)
		return false;
	leg_consume(from, put);
	s->inspect->watched[from == &s->up.leg] -= put;
	s->client_deadline = moment_now() + COMMANDS_TIMEOUT;
	return true;
}

/* deliver: the server's flight, as it was held. */
static bool
deliver(struct session *s)
{
	struct inspect *i = s->inspect;
	size_t len, put;
	const char *held = peek_held(i->peek, &len);

	leg_pass(&s->client, held + i->passed, len - i->passed, &put);
	i->passed += put;
	if (i->passed == len) {
		i->delivered = true;
		peek_let_go(i->peek);
		/* A resumption without a new ticket has taught all it will. */
		i->talk = peek_watch(i->peek, false, NULL, 0);
	}
	return put > 0;
}

static bool
drained(const struct leg *leg)
{
	return leg_unread(leg) == 0 && leg_waiting(leg) == 0 && !leg->blocked;
}

bool
escort_step(struct session *s)
{
	struct inspect *i = s->inspect;
	struct leg *client = &s->client, *server = &s->up.leg;
	bool moved;

	/* What peek_watch keeps of the server's second flight is with the client already. */
	if (!i->delivered) {
		moved = deliver(s);
	} else {
		moved = copy(s, client, server);
		moved |= copy(s, server, client);
	}
	if (moved || client->failed || !i->delivered)
		return moved;
	if (server->failed && leg_unread(server) == 0) {
		/* Nothing more can be said to the client: its session is not ours. */
		client->failed = true;
		session_end(s, "server", s->up.phase == SERVER_DEAD ? s->up.fault : server->error);
		return true;
	}
	/* What would still be learnt is not worth to stay for when the process is to end. */
	bool over = i->talk != PEEK_WATCHING || client->eof || server->eof || s->proxy->closing;
	if (!over || !drained(client) || !drained(server))
		return false;
	tunnel_begin(s);
	return true;
}

void
escort_wants(const struct session *s, bool *client, bool *server)
{
	bool delivered = s->inspect->delivered;

	*client = delivered && !s->up.leg.blocked && leg_unread(&s->client) == 0;
	*server = delivered && !s->client.blocked && leg_unread(&s->up.leg) == 0;
}
