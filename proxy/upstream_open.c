/* upstream_open.c - how the leg towards the MX comes to be: the dial and the TLS handshake
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/upstream_open.h"
#include "daemon/moment.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool
upstream_dial(struct upstream *u, const struct address *peer,
    void (*ready)(struct ev_loop *loop, ev_io *io, int events), void *arg)
{
	upstream_close(u);
	u->fault = "";
	u->said[0] = '\0';
	u->hung_up = false;
	u->peer = *peer;
	u->starttls = STARTTLS_NOT_TRIED;
	memset(&u->capability, 0, sizeof(u->capability));
	memset(&u->hearing, 0, sizeof(u->hearing));
	int fd = socket(address_is_v4(&peer->ip) ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	/* Dialogue is many small writes, and they are made whole here. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	u->dialled = moment_now();
	u->connected = u->secured = 0;
	leg_open(&u->leg, u->loop, fd, ready, arg);
	upstream_enter(u, SERVER_DIAL);
	const char *fault = dial_connect(&u->dial, fd, peer);
	if (fault != NULL)
		u->leg.error = fault, u->leg.failed = true;
	return true;
}

enum upstream_event
upstream_dial_step(struct upstream *u)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (u->leg.failed)
		return upstream_died(u, u->leg.error);
	if (!u->leg.readable)
		return UPSTREAM_NOTHING;
	if (getsockopt(u->leg.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
		return upstream_died(u, dial_error(error));
	u->connected = moment_now();
	upstream_enter(u, SERVER_GREETING);
	return UPSTREAM_CHANGED;
}

/* take_proof: what the handshake showed, finished or not. */
static bool
take_proof(struct upstream *u)
{
	u->proof = calloc(1, sizeof(*u->proof));
	if (u->proof == NULL)
		return false;
	originate_proof(u->leg.tls, u->proof);
	return true;
}

enum upstream_event
upstream_handshake_step(struct upstream *u)
{
	enum leg_result r = leg_handshake(&u->leg);

	if (r == LEG_AGAIN)
		return UPSTREAM_NOTHING;
	if (!take_proof(u))
		return upstream_died(u, "out of memory");
	u->secured = moment_now();
	if (r != LEG_OK) {
		u->leg.failed = true;
		return upstream_died(u, "TLS handshake failed");
	}
	u->leg.readable = true;
	upstream_enter(u, SERVER_SECURED);
	return UPSTREAM_CHANGED;
}

void
upstream_timeout(struct upstream *u)
{
	/* A handshake that is never finished has failed like any other. */
	if (u->phase == SERVER_HANDSHAKE)
		take_proof(u);
	upstream_violation(u, "timed out");
}

enum upstream_event
upstream_begin_tls(struct upstream *u)
{
	const struct requirement *q;

	/* Nor can it answer what has not been sent yet. */
	if (leg_unread(&u->leg) > 0 || leg_waiting(&u->leg) > 0) {
		u->starttls = STARTTLS_INJECTED;
		u->leg.failed = true;
		return upstream_died(u, "octets behind the 220 of STARTTLS");
	}
	u->said[0] = '\0';	/* a fault from here on is not its answer to STARTTLS */
	if (u->in_flight) {
		upstream_enter(u, SERVER_IN_FLIGHT);
		return UPSTREAM_CHANGED;
	}
	q = u->demand->requirement;
	u->leg.tls = originate(u->originator, u->leg.fd, q->sni, &u->peer.ip,
	    sizeof(u->peer.ip), judge_demands_tls(q), &q->tlsa);
	if (u->leg.tls == NULL)
		return upstream_died(u, "out of memory");
	demand_drop(u->demand);
	u->demand = NULL;
	u->starttls = STARTTLS_OFFERED;
	return UPSTREAM_CHANGED;
}
