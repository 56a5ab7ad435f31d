/* link_take.c - what workers and the nfq process say, held against the contracts
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who speaks may be captured: what each kind of process does not say ends its channel, and of the
 * events those alone count that are its own. What the log says of policies, the configuration and
 * this process's health comes from here. */
#include "daemon/link.h"

#include <unistd.h>

#include "record/counters.h"

static const char not_its_own[] = "message of a type that it does not send";

void
link_broken(struct link *k, const char *why)
{
	if (k->dead)
		return;
	k->dead = true;
	k->all->events->broken(k->all->arg, k->slot, why);
}

static void
answer(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	struct link *k = arg;
	unsigned char message[WIRE_MESSAGE_MAX];
	size_t len = message_answer(message, sizeof message, id, q, recalled, fresh_ms);

	k->asking--;
	if (k->stale && !k->dead)
		link_say_stale(k);		/* first: it may remember this answer */
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
	answer(k, id, &q, NULL, 0);
}

static const char *
take_question(struct link *k, const void *p, size_t len)
{
	struct question q;

	if (!message_get_question(p, len, &q))
		return "malformed question";
	if (k->asking >= LINK_QUESTIONS_MAX) {
		answer_down(k, q.id);
		return NULL;
	}
	links_drain(k->all);	/* what was seen and proven before it was asked */
	k->asking++;
	engine_ask(k->all->engine, &q, answer, k);
	return NULL;
}

static const char *
take_sighting(struct link *k, const void *p, size_t len)
{
	struct sighting s;

	if (!message_get_sighting(p, len, &s))
		return "malformed sighting";
	engine_sighting(k->all->engine, &s);
	return NULL;
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

static const char *
take_record(struct link *k, const void *p, size_t len)
{
	struct event e;
	const void *body;
	size_t body_len;

	if (!message_get_record(p, len, &body, &body_len) || !event_decode(body, body_len, &e))
		return "malformed record";
	if (!may_report(k, e.type))
		return "an event that is not its to report";
	link_record(k, &e);
	return NULL;
}

static const char *
take_probe_step(struct link *k, const void *p, size_t len)
{
	struct links *l = k->all;
	struct probe_step step;

	if (!message_get_probe_step(p, len, &step))
		return "malformed probe step";
	for (size_t i = 0; i < PROBES_MAX; i++) {
		if (l->probes[i].link != k || l->probes[i].id != step.id)
			continue;
		if (step.last)
			l->probes[i].link = NULL;
		l->events->probe_step(l->arg, &step);
		break;
	}
	return NULL;
}

static const char *
take_hint(struct link *k, const void *p, size_t len)
{
	struct hint h;

	if (!message_get_hint(p, len, &h))
		return "malformed hint";
	engine_hint(k->all->engine, &h);
	return NULL;
}

static const char *
take_proven(struct link *k, const void *p, size_t len)
{
	struct proven session;

	if (!message_get_proven(p, len, &session))
		return "malformed session";
	engine_proven(k->all->engine, &session);
	return NULL;
}

static const char *
take_ring(struct link *k, const void *p, size_t len, int fd)
{
	return message_get_ring(p, len) ? link_take_ring(k, fd) : "malformed bell";
}

/* What each kind of process has to tell, as messages. Records are not: nobody would keep them while
 * the log fails. */
static const char *
take(struct link *k, const unsigned char *p, size_t len, int fd)
{
	bool nfq = link_is_nfq(k);

	switch (message_type(p, len)) {
	case MESSAGE_QUESTION:
		return take_question(k, p, len);
	case MESSAGE_RING:
		return take_ring(k, p, len, fd);
	case MESSAGE_SIGHTING:
	case MESSAGE_PROVEN:
		return link_take_told(k, p, len, false);
	case MESSAGE_PROBE_STEP:
		if (nfq)
			break;
		return take_probe_step(k, p, len);
	case MESSAGE_HINT:
		if (!nfq)
			break;
		return take_hint(k, p, len);
	case MESSAGE_RECORD:
	case MESSAGE_ANSWER:
	case MESSAGE_PROBE:
	case MESSAGE_STALE:
		break;
	}
	return not_its_own;
}

void
link_take(struct link *k, const unsigned char *p, size_t len, int fd)
{
	const char *why = take(k, p, len, fd);

	if (why != NULL)
		link_broken(k, why);
}

const char *
link_take_told(struct link *k, const unsigned char *p, size_t len, bool again)
{
	enum message_type type = message_type(p, len);

	if (type == MESSAGE_RECORD)
		return take_record(k, p, len);
	if (link_is_nfq(k) || (type != MESSAGE_SIGHTING && type != MESSAGE_PROVEN))
		return not_its_own;
	if (again)
		return NULL;
	return type == MESSAGE_SIGHTING ? take_sighting(k, p, len) : take_proven(k, p, len);
}
