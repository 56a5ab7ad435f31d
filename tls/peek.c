/* peek.c - a TLS handshake between two others, read in flight, and what it proves
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/peek.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/evidence.h"
#include "tls/flight.h"
#include "tls/hello.h"
#include "tls/keepsake.h"
#include "tls/talk.h"
#include "tls/witness.h"

struct peek {
	struct originator *originator;
	uint8_t scope[KEEPSAKE_SCOPE];	/* of the names */
	struct hello hello;
	bool offers;			/* a session to be resumed, by this name */
	uint8_t offered[PEEK_NAME];
	struct flight flight;
	const char *fault;		/* static, or NULL */
	struct evidence *evidence;	/* of this handshake, or of the one it resumes */
	bool weak;			/* its key was proven with a broken digest */
	struct talk talk;
};

struct peek *
peek_new(struct originator *o)
{
	struct peek *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->originator = o;
	if (peek_bind(p, NULL, 0))
		return p;
	free(p);
	return NULL;
}

bool
peek_bind(struct peek *p, const void *client, size_t len)
{
	assert(!p->hello.octets);
	return keepsake_scope(originator_trust(p->originator), client, len, p->scope);
}

/* What was read is not needed any more; what was understood stays. */
static void
forget_octets(struct peek *p)
{
	hello_let_go(&p->hello);
	flight_let_go(&p->flight);
}

void
peek_free(struct peek *p)
{
	if (!p)
		return;
	forget_octets(p);
	evidence_release(p->evidence);
	keepsake_clear(&p->talk.keepsake);
	free(p);
}

/* A ticket, where there is one, is the session offered; the id then only serves to recognise the
 * answer (RFC 5077 3.4). */
static void
name_offered(struct peek *p)
{
	const struct client_hello *c = &p->hello.client;

	if (c->ticket.left > 0)
		p->offers = keepsake_name(p->scope, KEEPSAKE_TICKET, &c->ticket, p->offered);
	else if (c->session_id.left > 0)
		p->offers = keepsake_name(p->scope, KEEPSAKE_ID, &c->session_id, p->offered);
}

enum peek_hello
peek_client(struct peek *p, const void *octets, size_t len, size_t *want)
{
	enum peek_hello r;

	assert(!p->hello.octets && !p->fault);
	r = hello_read(&p->hello, octets, len, want);
	if (r == PEEK_HELLO_WHOLE)
		name_offered(p);
	p->fault = p->hello.fault;
	return r;
}

const void *
peek_hello(const struct peek *p, size_t *len)
{
	*len = p->hello.len;
	return p->hello.octets;
}

bool
peek_offers_tls13(const struct peek *p)
{
	return p->hello.client.offers_tls13;
}

const char *
peek_sni(const struct peek *p)
{
	return p->hello.client.sni;
}

bool
peek_offered(const struct peek *p, uint8_t name[PEEK_NAME])
{
	if (p->offers)
		memcpy(name, p->offered, PEEK_NAME);
	return p->offers;
}

static enum peek_flight
refuse_flight(struct peek *p, const char *fault)
{
	p->fault = fault;
	return PEEK_BAD;
}

/* A server that resumes is the first to change to encryption; some of that may have come too. */
static enum peek_flight
take_resumption(struct peek *p)
{
	const struct flight *f = &p->flight;

	assert(flight_resumes(f));
	talk_server(&p->talk, f->octets + f->at, f->len - f->at);
	if (p->talk.state != PEEK_WATCHING)
		return refuse_flight(p, p->talk.state == PEEK_BROKEN ? "not-tls" : "alert");
	keepsake_note(&p->talk.keepsake, p->scope, f);
	return PEEK_RESUMED;
}

enum peek_flight
peek_server(struct peek *p, const void *octets, size_t len)
{
	assert(p->hello.octets && !p->fault && p->flight.step != FLIGHT_ENDED);
	switch (flight_add(&p->flight, &p->hello.client, octets, len)) {
	case FLIGHT_MORE:
		return PEEK_MORE;
	case FLIGHT_DONE:
		return PEEK_FULL;
	case FLIGHT_SEALED:
		return take_resumption(p);
	case FLIGHT_BAD:
		break;
	}
	return refuse_flight(p, p->flight.fault);
}

const void *
peek_held(const struct peek *p, size_t *len)
{
	*len = p->flight.len;
	return p->flight.octets;
}

void
peek_let_go(struct peek *p)
{
	forget_octets(p);
}

const char *
peek_fault(const struct peek *p)
{
	return p->fault ? p->fault : "";
}

static bool
fill(const struct peek *p, struct proof *out)
{
	if (!witness_fill(p->evidence, &p->flight, p->fault, out))
		return false;
	snprintf(out->sni, sizeof out->sni, "%s", p->hello.client.sni);
	return true;
}

bool
peek_prove(struct peek *p, bool strict, const struct tlsa_set *tlsa, struct proof *out)
{
	struct witness w;

	assert(p->flight.step == FLIGHT_ENDED && !p->evidence);
	proof_clear(out);
	if (!witness_hear(p->originator, &p->hello.client, &p->flight, tlsa, &w))
		return false;
	p->evidence = w.evidence;
	p->weak = w.weak;
	p->fault = w.fault ? w.fault : witness_weigh(&p->evidence, &p->flight,
	    originator_min_version(p->originator), strict, p->weak);
	if (!fill(p, out))
		return false;
	if (!p->evidence)
		proof_dane_missing(out, tlsa, p->fault);
	return true;
}

/* The server's part in clear is over, and what it proves is known. */
static void
hand_over(struct peek *p)
{
	if (p->evidence)
		talk_evidence(&p->talk, p->evidence, p->weak);
	else
		talk_end(&p->talk, PEEK_SETTLED);
	evidence_release(p->evidence);
	p->evidence = NULL;
}

bool
peek_recall(struct peek *p, const void *evidence, size_t len, bool strict, struct proof *out)
{
	bool ok;

	assert(flight_resumes(&p->flight) && !p->evidence);
	proof_clear(out);
	p->evidence = keepsake_recall(evidence, len, &p->weak);
	if (!p->evidence)
		return false;
	p->fault = witness_weigh(&p->evidence, &p->flight,
	    originator_min_version(p->originator), strict, p->weak);
	ok = fill(p, out);
	hand_over(p);
	return ok;
}

/* A change to encryption before the client's own is what CVE-2014-0224 begins with. */
static void
seal(struct peek *p)
{
	const struct flight *f = &p->flight;

	if (!p->talk.sealed) {
		talk_end(&p->talk, PEEK_BROKEN);
		return;
	}
	keepsake_note(&p->talk.keepsake, p->scope, f);
	hand_over(p);
	if (p->talk.state == PEEK_WATCHING)
		talk_server(&p->talk, f->octets + f->at, f->len - f->at);
	flight_let_go(&p->flight);
}

/* After ServerHelloDone. An alert is for the client to understand. */
static void
watch_clear(struct peek *p, const void *octets, size_t len)
{
	switch (flight_add(&p->flight, &p->hello.client, octets, len)) {
	case FLIGHT_MORE:
	case FLIGHT_DONE:
		return;
	case FLIGHT_SEALED:
		seal(p);
		return;
	case FLIGHT_BAD:
		talk_end(&p->talk, strcmp(p->flight.fault, "alert") == 0 ? PEEK_SETTLED :
		    PEEK_BROKEN);
		return;
	}
}

enum peek_talk
peek_watch(struct peek *p, bool from_server, const void *octets, size_t len)
{
	if (p->talk.state != PEEK_WATCHING)
		return p->talk.state;
	if (!from_server)
		talk_client(&p->talk, octets, len);
	else if (p->flight.step == FLIGHT_SEALING)
		talk_server(&p->talk, octets, len);
	else
		watch_clear(p, octets, len);
	return p->talk.state;
}

size_t
peek_sessions(const struct peek *p, struct peek_session out[PEEK_SESSIONS_MAX])
{
	const struct keepsake *k = &p->talk.keepsake;
	time_t now = time(NULL);

	if (p->talk.state != PEEK_SETTLED || k->evidence_len == 0 || now >= k->until)
		return 0;
	for (size_t i = 0; i < k->count; i++) {
		out[i] = k->sessions[i];
		if ((time_t)out[i].lifetime_s > k->until - now)
			out[i].lifetime_s = (uint32_t)(k->until - now);
	}
	return k->count;
}

size_t
peek_evidence(const struct peek *p, void *out, size_t size)
{
	const struct keepsake *k = &p->talk.keepsake;

	if (p->talk.state != PEEK_SETTLED || k->evidence_len == 0 || k->evidence_len > size)
		return 0;
	memcpy(out, k->evidence, k->evidence_len);
	return k->evidence_len;
}
