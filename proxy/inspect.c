/* inspect.c - the client's own TLS handshake with the MX, held until the MX has proven itself
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/inspect.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/moment.h"
#include "proxy/commands.h"
#include "proxy/escort.h"
#include "proxy/report.h"

void
inspect_drop(struct session *s)
{
	struct inspect *i = s->inspect;

	if (i == NULL)
		return;
	s->inspect = NULL;
	asker_withdraw(s->proxy->asker, &i->asking);
	peek_free(i->peek);
	demand_drop(i->demand);
	free(i->recalled);
	free(i);
}

/* end_here: the client's TLS ends at postern, and the session goes on as upgrade. A server that has
 * heard STARTTLS for a handshake that does not come is of no more use. */
static bool
end_here(struct session *s, const char *code, const char *detail)
{
	if (s->up.phase == SERVER_STARTTLS || s->up.phase == SERVER_IN_FLIGHT)
		upstream_close(&s->up);
	s->ended_here = code;
	free(s->ended_here_detail);
	s->ended_here_detail = detail[0] == '\0' ? NULL : strdup(detail);
	counters_add(s->proxy->counters, s->proxy->column, COUNTER_ENDED_HERE, 1);
	inspect_drop(s);
	session_terminate(s);
	return true;
}

void
inspect_begin(struct session *s)
{
	struct inspect *i = calloc(1, sizeof(*i));

	if (i == NULL || (i->peek = peek_new(s->proxy->originator)) == NULL ||
	    !peek_bind(i->peek, &s->peer.ip, sizeof(s->peer.ip))) {
		if (i != NULL)
			peek_free(i->peek);
		free(i);
		end_here(s, "out-of-memory", "");
		return;
	}
	i->began = moment_now();
	s->inspect = i;
	s->wait = WAIT_INSPECT;
}

/* ended: whether nothing can follow what stands in the socket already. */
static bool
ended(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_state != TCP_ESTABLISHED;
}

static void
gone(struct session *s, const char *why)
{
	s->client.failed = true;
	session_end(s, "client", why);
}

static void
await_octets(int fd, int octets)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &octets, sizeof(octets));
}

/* take: the answer, from the policy process or from memory. */
static void
take(struct inspect *i, struct demand *demand, const struct recalled *recalled)
{
	i->demand = demand;
	i->policy_s = moment_now() - i->asking.asked;
	if (recalled->len > 0 && (i->recalled = malloc(recalled->len)) != NULL) {
		memcpy(i->recalled, recalled->evidence, recalled->len);
		i->recalled_len = recalled->len;
	}
	i->stage = INSPECT_STARTTLS;
}

static void
answered(struct asking *asking, struct demand *demand, const struct recalled *recalled)
{
	struct session *s = asking->arg;

	take(s->inspect, demand, recalled);
	session_turn(s);
}

static bool
ask(struct session *s)
{
	struct inspect *i = s->inspect;

	i->stage = INSPECT_ASK;
	i->asking.question = (struct question){
		.peer = s->origin, .end_to_end = true, .domain = "",
	};
	i->asking.question.resumes = peek_offered(i->peek, i->asking.question.session);
	i->asking.answered = answered;
	i->asking.arg = s;
	/* Nobody is late meanwhile but the policy process. */
	s->client_deadline = 0;
	switch (asker_ask(s->proxy->asker, &i->asking)) {
	case ASKER_KNOWN:
		take(i, i->asking.demand, &i->asking.recalled);
		return true;
	case ASKER_ASKED:
		return true;
	case ASKER_FAILED:
		break;
	}
	return end_here(s, "out-of-memory", "");
}

static bool
hello_whole(struct session *s)
{
	if (peek_offers_tls13(s->inspect->peek))
		return end_here(s, "tls13-offered", "");
	if (s->up.phase == SERVER_DEAD)
		return end_here(s, "server-gone", s->up.fault);
	if (s->up.phase != SERVER_READY || s->up.starttls != STARTTLS_NOT_TRIED ||
	    s->up.pending_len > 0)
		return end_here(s, "starttls-not-offered", "");
	return ask(s);
}

/* hello_step: looked at, not taken: it must stand there still for OpenSSL if TLS is to end here. */
static bool
hello_step(struct session *s)
{
	struct inspect *i = s->inspect;
	unsigned char octets[PEEK_HELLO_MAX + 1];
	size_t want = 0;
	bool woken = s->client.readable;
	ssize_t n = recv(s->client.fd, octets, sizeof(octets), MSG_PEEK | MSG_DONTWAIT);

	s->client.readable = false;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		gone(s, n == 0 ? "closed instead of a TLS handshake" : "connection reset");
		return true;
	}
	if (n < 0)
		return false;
	switch (peek_client(i->peek, octets, (size_t)n, &want)) {
	case PEEK_HELLO_MORE:
		if (ended(s->client.fd)) {
			gone(s, "closed inside its ClientHello");
			return true;
		}
		/* Urgent octets (RFC 6093) or a kernel short of memory: the socket is readable for
		 * ever, and no more is to be seen. OpenSSL takes what there is. */
		if (woken && (size_t)n == i->seen)
			break;
		i->seen = (size_t)n;
		await_octets(s->client.fd, (int)want);
		return false;
	case PEEK_HELLO_WHOLE:
		await_octets(s->client.fd, 1);
		return hello_whole(s);
	case PEEK_HELLO_BAD:
		break;
	}
	await_octets(s->client.fd, 1);
	return end_here(s, "client-hello", peek_fault(i->peek));
}

/* starttls_step: from the policy's answer to the server's, and the client's hello on its way. */
static bool
starttls_step(struct session *s)
{
	struct inspect *i = s->inspect;
	size_t len;

	switch (s->up.phase) {
	case SERVER_READY:
		if (s->up.starttls != STARTTLS_NOT_TRIED)
			return end_here(s, "starttls-refused", s->up.said);
		if (i->demand->requirement->state != REQUIREMENT_READY)
			return end_here(s, i->demand->requirement->defer_code == DEFER_UNMAPPED ?
			    "unmapped" : "no-answer", i->demand->requirement->reason);
		upstream_starttls_in_flight(&s->up);
		return true;
	case SERVER_IN_FLIGHT:
		if (!upstream_silent(&s->up))
			return end_here(s, "injected", s->up.fault);
		const char *hello = peek_hello(i->peek, &len);
		leg_put(&s->up.leg, hello, len);
		s->up.leg.bulk = true;	/* certificates come */
		i->stage = INSPECT_FLIGHT;
		return true;
	case SERVER_DEAD:
		return end_here(s, s->up.starttls == STARTTLS_INJECTED ? "injected" :
		    "server-gone", s->up.fault);
	case SERVER_STARTTLS:
	case SERVER_DIAL:
	case SERVER_GREETING:
	case SERVER_GREETED:
	case SERVER_EHLO:
	case SERVER_HELO:
	case SERVER_HANDSHAKE:
	case SERVER_SECURED:
	case SERVER_EHLO_TLS:
	case SERVER_QUIT:
		return false;
	}
	return false;
}

static void
record(struct session *s, const struct verdict *verdict, const struct proof *proof)
{
	const struct inspect *i = s->inspect;
	char id[ID_DECISION_SIZE];

	id_decision(&s->proxy->ids, id);
	s->up.secured = moment_now();
	const struct report_decision report = {
		.id = id, .domain = "", .recipient = "", .reply = "", .end_to_end = true,
		.requirement = i->demand->requirement, .verdict = verdict,
		.starttls = STARTTLS_OFFERED, .proof = proof,
		.policy_ms = (uint32_t)(i->policy_s * 1000),
		.added_ms = (uint32_t)((s->up.secured - i->began) * 1000),
	};
	s->end_to_end = true;
	counters_add(s->proxy->counters, s->proxy->column, COUNTER_END_TO_END, 1);
	report_decision(s, &report);
	report_sighting(s, i->demand->requirement);
}

/* judge_flight: the same verdict as on the upgrade path, on what was seen instead of done. */
static bool
judge_flight(struct session *s, bool seen, const struct proof *proof)
{
	struct inspect *i = s->inspect;
	struct verdict verdict;

	if (!seen)
		return end_here(s, "out-of-memory", "");
	judge(i->demand->requirement, STARTTLS_OFFERED, proof, &verdict);
	if (verdict.kind != VERDICT_PASS || proof->state != PROOF_TLS)
		return end_here(s, proof->chain == CHAIN_INVALID && peek_fault(i->peek)[0] != '\0' ?
		    peek_fault(i->peek) : verdict.reason_code, verdict.reason);
	if (!escort_begin(s))
		return true;
	record(s, &verdict, proof);
	return true;
}

static bool
flight_seen(struct session *s, enum peek_flight flight)
{
	struct inspect *i = s->inspect;
	struct proof proof = { .state = PROOF_NO_TLS };
	bool strict = !i->demand->requirement->raised, seen, moved = true;

	switch (flight) {
	case PEEK_MORE:
		break;
	case PEEK_FULL:
		seen = peek_prove(i->peek, strict, &i->demand->requirement->tlsa, &proof);
		moved = judge_flight(s, seen, &proof);
		break;
	case PEEK_RESUMED:
		if (i->recalled == NULL)
			return end_here(s, "not-remembered", "");
		if (!peek_recall(i->peek, i->recalled, i->recalled_len, strict, &proof))
			return end_here(s, "not-remembered", "what is remembered cannot be read");
		moved = judge_flight(s, true, &proof);
		break;
	case PEEK_BAD:
		return end_here(s, peek_fault(i->peek), "");
	}
	proof_clear(&proof);
	return moved;
}

static bool
flight_step(struct session *s)
{
	struct leg *leg = &s->up.leg;

	if (s->up.phase != SERVER_IN_FLIGHT)
		return end_here(s, "server-gone", s->up.fault);
	enum leg_result r = leg_fill(leg);
	if (r == LEG_AGAIN)
		return false;
	if (r != LEG_OK)
		return end_here(s, "server-gone", r == LEG_EOF ? "the MX closed the connection" :
		    leg->error);
	enum peek_flight flight = peek_server(s->inspect->peek, leg_data(leg), leg_unread(leg));
	leg_consume(leg, leg_unread(leg));
	return flight_seen(s, flight);
}

bool
inspect_step(struct session *s)
{
	switch (s->inspect->stage) {
	case INSPECT_HELLO:
		return hello_step(s);
	case INSPECT_ASK:
		return false;
	case INSPECT_STARTTLS:
		return starttls_step(s);
	case INSPECT_FLIGHT:
		return flight_step(s);
	case INSPECT_ESCORT:
		return escort_step(s);
	}
	return false;
}

void
inspect_wants(const struct session *s, bool *client, bool *server)
{
	switch (s->inspect->stage) {
	case INSPECT_HELLO:
		*client = true;
		break;
	/* The client's hello stands unread in its socket: that must wake nobody. */
	case INSPECT_ASK:
	case INSPECT_STARTTLS:
	case INSPECT_FLIGHT:
		*client = false;
		*server = true;
		break;
	case INSPECT_ESCORT:
		escort_wants(s, client, server);
		break;
	}
}

double
inspect_deadline(const struct session *s)
{
	const struct inspect *i = s->inspect;

	return i == NULL ? 0 : asker_deadline(&i->asking, s->proxy->config->policy.wait_s);
}

void
inspect_give_up(struct session *s)
{
	end_here(s, "no-answer", "the policy process did not answer");
}
