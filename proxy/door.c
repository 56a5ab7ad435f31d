/* door.c - who may come in: every connection before it becomes a session
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/door.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/origin.h"
#include "proxy/report.h"

#define SAY_SIZE 256

/* turn_away: one honest line, and the end. The reply may get lost with a reset if the client has
 * spoken first; an SMTP client does not. */
static void
turn_away(struct proxy *p, int fd, const struct address *peer, const struct address *origin,
    const char *code, const char *why)
{
	char line[SAY_SIZE], ip[ADDRESS_TEXT_SIZE];
	int n = snprintf(line, sizeof(line), "421 %s postern: %s: %s\r\n", code,
	    address_print_ip(&peer->ip, ip), why);

	if (n > 0)
		(void)send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	report_rejected(p, peer, origin, why);
}

static bool
served(const struct config *c, const struct in6_addr *ip)
{
	for (size_t i = 0; i < c->intercept.from_len; i++)
		if (network_contains(&c->intercept.from[i], ip))
			return true;
	return false;
}

struct visitor {
	struct address peer, origin;
	bool known;		/* origin is set */
	bool local;		/* a program on this host */
};

/* A dial of ours that was slower to say so than its connection came is seen by relay.c. */
static bool
own_dial(const struct proxy *p, const struct address *peer)
{
	return !p->config->intercept.local || counters_dialled(p->counters, peer->port);
}

/* stranger: why this connection is none of ours, NULL if it is. */
static const char *
stranger(struct proxy *p, int fd, struct visitor *v)
{
	const struct config *c = p->config;
	enum origin_result r = origin_find(fd, c->intercept.listen.port, SMTP_PORT, &v->origin);

	v->known = r == ORIGIN_OK || r == ORIGIN_PORT || r == ORIGIN_LOCAL;
	v->local = r == ORIGIN_LOCAL;
	if (v->local)
		return own_dial(p, &v->peer) ? origin_result_text(ORIGIN_LOOP) : NULL;
	if (!served(c, &v->peer.ip))
		return "not a client that is served here (intercept.from)";
	return r == ORIGIN_OK ? NULL : origin_result_text(r);
}

static const char *
full(struct proxy *p, const struct in6_addr *ip)
{
	switch (counters_client_enter(p->counters, p->column, ip, p->config->limits.sessions,
	    p->config->limits.sessions_per_client)) {
	case COUNTERS_OK:
		return NULL;
	case COUNTERS_FULL:
		return "too many sessions (limits.sessions)";
	case COUNTERS_CLIENT_FULL:
		return "too many sessions of this client (limits.sessions-per-client)";
	}
	return NULL;
}

bool
door_enter(struct proxy *p, int fd, const struct sockaddr *from)
{
	struct visitor v;

	memset(&v, 0, sizeof(v));
	if (!address_from_sockaddr(&v.peer, from)) {
		close(fd);
		return true;
	}
	const char *why = stranger(p, fd, &v);
	if (why != NULL) {
		counters_add(p->counters, p->column, COUNTER_REJECTED_CLIENT, 1);
		turn_away(p, fd, &v.peer, v.known ? &v.origin : NULL, "4.7.0", why);
		return true;
	}
	why = full(p, &v.peer.ip);
	if (why != NULL) {
		counters_add(p->counters, p->column, COUNTER_REJECTED_LIMIT, 1);
		turn_away(p, fd, &v.peer, &v.origin, "4.3.2", why);
		return true;
	}
	if (session_new(p, fd, &v.peer, &v.origin, v.local) != NULL)
		return true;
	counters_client_leave(p->counters, p->column, &v.peer.ip);
	counters_add(p->counters, p->column, COUNTER_REJECTED_LIMIT, 1);
	turn_away(p, fd, &v.peer, &v.origin, "4.3.2", "out of descriptors or memory");
	return false;
}
