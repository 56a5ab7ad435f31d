/* link_take.c - what workers and the nfq process say, held against the contracts
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who speaks may be captured: what each kind of process does not say ends its channel, and of the
 * events those alone count that are its own. What the log says of policies, the configuration and
 * this process's health comes from here. */
#include "daemon/link.h"

#include <unistd.h>

#include "record/counters.h"

static void
broken(struct link *k, const char *why)
{
	if (k->dead)
		return;
	k->dead = true;
	k->all->events->broken(k->all->arg, k->slot, why);
}

static void
answer(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled)
{
	struct link *k = arg;
	unsigned char message[WIRE_MESSAGE_MAX];
	size_t len = message_answer(message, sizeof message, id, q, recalled);

	k->asking--;
	/* A worker that reads no answers times out by itself and defers. */
	if (!k->dead && len > 0)
		(void)channel_send(k->channel, message, len, -1);
}

static void
answer_down(struct link *k, uint32_t id)
{
	const struct requirement q = { .state = REQUIREMENT_DEFER,
		.defer_code = DEFER_SERVICE_DOWN, .level = LEVEL_MAY, .policy_domain = "",
		.policy_id = "", .mx_host = "", .sni = "", .secure_domain = "",
		.reason = "too many questions at once" };

	k->asking++;
	answer(k, id, &q, NULL);
}

static void
take_question(struct link *k, const void *p, size_t len)
{
	struct question q;

	if (!message_get_question(p, len, &q)) {
		broken(k, "malformed question");
	} else if (k->asking >= LINK_QUESTIONS_MAX) {
		answer_down(k, q.id);
	} else {
		k->asking++;
		engine_ask(k->all->engine, &q, answer, k);
	}
}

static void
take_sighting(struct link *k, const void *p, size_t len)
{
	struct sighting s;

	if (message_get_sighting(p, len, &s))
		engine_sighting(k->all->engine, &s);
	else
		broken(k, "malformed sighting");
}

void
link_written(struct link *k, uint64_t sequence)
{
	k->written = sequence;
	k->acknowledge = true;
}

bool
link_is_nfq(const struct link *k)
{
	return k->slot == COUNTERS_NFQ;
}

/* Sessions are a worker's to report, the firewall and its health the nfq process's. */
static bool
may_report(const struct link *k, enum event_type type)
{
	if (link_is_nfq(k))
		return type == EVENT_RULES || type == EVENT_HEALTH;
	return type == EVENT_DECISION || type == EVENT_SESSION;
}

static void
take_record(struct link *k, const void *p, size_t len)
{
	struct event e;
	uint64_t sequence;
	const void *body;
	size_t body_len;

	if (!message_get_record(p, len, &sequence, &body, &body_len) ||
	    !event_decode(body, body_len, &e)) {
		broken(k, "malformed record");
	} else if (!may_report(k, e.type)) {
		broken(k, "an event that is not its to report");
	} else if (k->backlog.first == NULL && k->all->events->record(k->all->arg, &e)) {
		link_written(k, sequence);
	} else if (backlog_add(&k->backlog, sequence, body, body_len)) {
		k->all->events->held(k->all->arg);
	} else {
		/* Not acknowledged, so the worker still has it, for the next channel. */
		broken(k, "more records than can be kept while the log cannot be written");
	}
}

static void
take_probe_step(struct link *k, const void *p, size_t len)
{
	struct links *l = k->all;
	struct probe_step step;

	if (!message_get_probe_step(p, len, &step)) {
		broken(k, "malformed probe step");
		return;
	}
	for (size_t i = 0; i < PROBES_MAX; i++) {
		if (l->probes[i].link != k || l->probes[i].id != step.id)
			continue;
		if (step.last)
			l->probes[i].link = NULL;
		l->events->probe_step(l->arg, &step);
		return;
	}
}

static void
take_hint(struct link *k, const void *p, size_t len)
{
	struct hint h;

	if (message_get_hint(p, len, &h))
		engine_hint(k->all->engine, &h);
	else
		broken(k, "malformed hint");
}

static void
take_proven(struct link *k, const void *p, size_t len)
{
	struct proven session;

	if (message_get_proven(p, len, &session))
		engine_proven(k->all->engine, &session);
	else
		broken(k, "malformed session");
}

/* may_say: what only workers, or only the nfq process, have to tell. */
static bool
may_say(const struct link *k, enum message_type type)
{
	switch (type) {
	case MESSAGE_QUESTION:
	case MESSAGE_RECORD:
		return true;
	case MESSAGE_SIGHTING:
	case MESSAGE_PROBE_STEP:
	case MESSAGE_PROVEN:
		return !link_is_nfq(k);
	case MESSAGE_HINT:
		return link_is_nfq(k);
	case MESSAGE_ANSWER:
	case MESSAGE_ACK:
	case MESSAGE_PROBE:
	case MESSAGE_STALE:
		break;
	}
	return false;
}

void
link_take(struct link *k, const unsigned char *p, size_t len)
{
	enum message_type type = message_type(p, len);

	if (!may_say(k, type)) {
		broken(k, "message of a type that it does not send");
		return;
	}
	switch (type) {
	case MESSAGE_QUESTION:
		take_question(k, p, len);
		break;
	case MESSAGE_SIGHTING:
		take_sighting(k, p, len);
		break;
	case MESSAGE_RECORD:
		take_record(k, p, len);
		break;
	case MESSAGE_PROBE_STEP:
		take_probe_step(k, p, len);
		break;
	case MESSAGE_HINT:
		take_hint(k, p, len);
		break;
	case MESSAGE_PROVEN:
		take_proven(k, p, len);
		break;
	case MESSAGE_ANSWER:
	case MESSAGE_ACK:
	case MESSAGE_PROBE:
	case MESSAGE_STALE:
		break;
	}
}
