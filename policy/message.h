/* message.h - what workers and the policy process say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each SEQPACKET message is an 8-bit type and its fields (daemon/wire.h). Decoded strings point
 * into the message. Encoders return the length, 0 when it does not fit; decoders return false
 * for anything malformed, including trailing octets. */
#ifndef POLICY_MESSAGE_H
#define POLICY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"
#include "policy/requirement.h"

enum message_type {
	MESSAGE_QUESTION = 1,	/* worker: what must this peer prove? */
	MESSAGE_ANSWER,		/* policy: the requirement */
	MESSAGE_SIGHTING,	/* worker: this MX host offered STARTTLS, authenticated or not */
	MESSAGE_RECORD,		/* worker, nfq, in the ring alone: an event */
	MESSAGE_RING,		/* worker, nfq: its ring (daemon/ring.h), with a descriptor; without
				 * one its bell: there is something in it */
	MESSAGE_PROBE,		/* policy: dial this address and say step by step what you see */
	MESSAGE_PROBE_STEP,	/* worker: one step, or the last */
	MESSAGE_HINT,		/* nfq: a client's DNS answer named this domain, host, address */
	MESSAGE_STALE,		/* policy: what was answered before may be wrong now */
	MESSAGE_PROVEN		/* worker: a TLS session in flight, and what its server proved */
};

#define MESSAGE_NAME 32		/* of a TLS session: a hash (tls/peek.h) */
#define MESSAGE_EVIDENCE_MAX 8192

struct question {
	uint32_t id;		/* chosen by the asker, echoed in the answer */
	struct address peer;	/* where the client meant to go */
	bool recheck;		/* before a refusal: read the policy id again, refetch */
	bool probe;		/* an administrator's: no mail, so it says nothing of who uses
				 * the address */
	/* The client's TLS shall stay its own, so that no recipient will be seen: what all the
	 * domains known to use this address demand, and the MX host's name where none demands
	 * anything. `domain` is "" then. */
	bool end_to_end;
	bool resumes;		/* with end_to_end: `session` is the name of one it may resume */
	uint8_t session[MESSAGE_NAME];
	const char *domain;	/* recipient's, normalised; "" for none or an address literal */
};

/* The answer's second part: what is remembered of question.session; len 0: nothing. */
struct recalled {
	const void *evidence;
	size_t len;
};

/* And its third, fresh_ms: so long after the question was sent, and no longer than until a
 * MESSAGE_STALE concerns it, the requirement answers the same question again: the same domain and
 * address (port too; end to end: the same address), no recheck, no probe. 0: not at all. Of what
 * was recalled nothing is said. `age_s` grows meanwhile. */

struct proven {
	uint8_t session[MESSAGE_NAME];
	uint32_t lifetime_s;
	const void *evidence;	/* opaque here (tls/peek.h), at most MESSAGE_EVIDENCE_MAX octets */
	size_t len;
};

struct sighting {
	struct address peer;
	const char *mx_host;	/* "" when not mapped: then the address alone is remembered */
};

struct probe {
	uint32_t id;
	struct address peer;
	const char *mx_host;	/* as asked for */
	const char *domain;
};

struct probe_step {
	uint32_t id;
	bool last;
	uint8_t exit;		/* with last: posternctl's exit code */
	const char *text;	/* one line, printable */
};

/* From the wire, so it never weakens what is demanded: it chooses a name, and fetches early. */
struct hint {
	const char *domain;
	const char *mx_host;	/* "" with the domain alone: then no address either */
	struct address peer;	/* port 0 */
	uint32_t ttl_s;
};

/* What was answered before may be wrong now: all that was asked about this domain at any address,
 * and all that was asked about this address for any domain, or end to end; about everything where
 * neither is said. A domain alone does not concern answers end to end: where it does change one,
 * its address is said too, by itself. */
struct stale {
	const char *domain;	/* "" for none */
	struct in6_addr ip;	/* :: for none */
};

/* message_type: of a received message; 0 when empty or unknown. */
enum message_type message_type(const void *p, size_t len);

size_t message_question(void *out, size_t size, const struct question *q);
bool message_get_question(const void *p, size_t len, struct question *out);
size_t message_answer(void *out, size_t size, uint32_t id, const struct requirement *q,
    const struct recalled *recalled, uint32_t fresh_ms);	/* recalled NULL: nothing */
/* *out is one block for free(); NULL after false. *recalled points into the message. */
bool message_get_answer(const void *p, size_t len, uint32_t *id, struct requirement **out,
    struct recalled *recalled, uint32_t *fresh_ms);
size_t message_sighting(void *out, size_t size, const struct sighting *s);
bool message_get_sighting(const void *p, size_t len, struct sighting *out);
/* The event's own encoding (record/event.h) follows, opaque here. */
size_t message_record(void *out, size_t size, const void *event, size_t len);
bool message_get_record(const void *p, size_t len, const void **event, size_t *event_len);
size_t message_ring(void *out, size_t size);
bool message_get_ring(const void *p, size_t len);
size_t message_probe(void *out, size_t size, const struct probe *q);
bool message_get_probe(const void *p, size_t len, struct probe *out);
size_t message_probe_step(void *out, size_t size, const struct probe_step *s);
bool message_get_probe_step(const void *p, size_t len, struct probe_step *out);
size_t message_hint(void *out, size_t size, const struct hint *h);
bool message_get_hint(const void *p, size_t len, struct hint *out);
size_t message_proven(void *out, size_t size, const struct proven *p);
bool message_get_proven(const void *p, size_t len, struct proven *out);
size_t message_stale(void *out, size_t size, const struct stale *s);
bool message_get_stale(const void *p, size_t len, struct stale *out);

#endif
