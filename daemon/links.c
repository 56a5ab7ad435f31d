/* links.c - the policy process's channels to the workers: questions, sightings, records, probes
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A record is acknowledged when it is in the log; acknowledgements are cumulative and go out once a
 * turn of the loop. While the log fails, records wait in the link's backlog, in their order, and
 * outlive the channel: their worker may be gone and have no other copy.
 *
 * A worker may be captured: what it says is held against the contracts, and of the events those
 * alone count that sessions make. What the log says of policies, the configuration and the daemon's
 * health comes from this process. */
#include "daemon/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/backlog.h"
#include "daemon/channel.h"

#define PROBES_MAX 8		/* at once; the control socket allows fewer */
#define EXIT_TEMPORARY 75	/* posternctl: could not find out */

struct link {
	struct links *all;
	struct link *next;
	unsigned slot;
	struct channel *channel;	/* NULL: gone, only the backlog is left */
	bool dead;			/* to be closed at the end of this turn */
	bool acknowledge;		/* an acknowledgement is due */
	uint64_t written;		/* sequence number of the last record in the log */
	size_t asking;
	struct backlog backlog;
};

struct links {
	struct ev_loop *loop;
	struct engine *engine;
	const struct links_events *events;
	void *arg;
	ev_prepare sweep;
	struct link *first;
	uint64_t messages;
	struct {
		uint32_t id;
		const struct link *link;	/* NULL: free */
	} probes[PROBES_MAX];
};

static void
broken(struct link *k, const char *why)
{
	if (k->dead)
		return;
	k->dead = true;
	k->all->events->broken(k->all->arg, k->slot, why);
}

static void
answer(void *arg, uint32_t id, const struct requirement *q)
{
	struct link *k = arg;
	unsigned char message[WIRE_MESSAGE_MAX];
	size_t len = message_answer(message, sizeof message, id, q);

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
	answer(k, id, &q);
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

static void
written(struct link *k, uint64_t sequence)
{
	k->written = sequence;
	k->acknowledge = true;
}

static bool
is_sessions_event(const struct event *e)
{
	return e->type == EVENT_DECISION || e->type == EVENT_SESSION;
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
	} else if (!is_sessions_event(&e)) {
		broken(k, "an event that is not a worker's to report");
	} else if (k->backlog.first == NULL && k->all->events->record(k->all->arg, &e)) {
		written(k, sequence);
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
message_cb(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct link *k = arg;

	if (fd >= 0)
		close(fd);			/* no message to us carries one */
	if (k->dead)
		return;
	k->all->messages++;
	switch (message_type(p, len)) {
	case MESSAGE_QUESTION:
		take_question(k, p, len);
		return;
	case MESSAGE_SIGHTING:
		take_sighting(k, p, len);
		return;
	case MESSAGE_RECORD:
		take_record(k, p, len);
		return;
	case MESSAGE_PROBE_STEP:
		take_probe_step(k, p, len);
		return;
	case MESSAGE_ANSWER:
	case MESSAGE_ACK:
	case MESSAGE_PROBE:
		break;
	}
	broken(k, "message of a type that workers do not send");
}

static void
closed_cb(void *arg)
{
	struct link *k = arg;

	k->dead = true;
}

static void
end_probes(struct links *l, const struct link *k)
{
	for (size_t i = 0; i < PROBES_MAX; i++) {
		const struct probe_step step = { .id = l->probes[i].id, .last = true,
			.exit = EXIT_TEMPORARY, .text = "the worker that dialled has ended" };

		if (l->probes[i].link != k)
			continue;
		l->probes[i].link = NULL;
		l->events->probe_step(l->arg, &step);
	}
}

static void
hang_up(struct link *k)
{
	engine_cancel(k->all->engine, k);
	k->asking = 0;
	channel_free(k->channel);
	k->channel = NULL;
	end_probes(k->all, k);
}

static void
acknowledge(struct link *k)
{
	unsigned char message[64];
	size_t len = message_ack(message, sizeof message, k->written);

	/* Where it does not fit now it stays due: the next one says it too. */
	if (len > 0 && channel_send(k->channel, message, len, -1))
		k->acknowledge = false;
}

/* Once a turn, before the loop waits: acknowledge, and free what has ended. */
static void
sweep_cb(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct links *l = w->data;
	struct link **at = &l->first, *k;

	(void)loop;
	(void)revents;
	while ((k = *at) != NULL) {
		if (k->channel != NULL && k->acknowledge && !k->dead)
			acknowledge(k);
		if (k->channel != NULL && k->dead)
			hang_up(k);
		if (k->channel == NULL && k->backlog.first == NULL) {
			*at = k->next;
			free(k);
		} else {
			at = &k->next;
		}
	}
}

struct links *
links_new(struct ev_loop *loop, struct engine *engine, const struct links_events *events,
    void *arg)
{
	struct links *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->loop = loop;
	l->engine = engine;
	l->events = events;
	l->arg = arg;
	ev_prepare_init(&l->sweep, sweep_cb);
	l->sweep.data = l;
	ev_prepare_start(loop, &l->sweep);
	return l;
}

void
links_free(struct links *l)
{
	if (l == NULL)
		return;
	ev_prepare_stop(l->loop, &l->sweep);
	while (l->first != NULL) {
		struct link *k = l->first;

		l->first = k->next;
		if (k->channel != NULL && k->acknowledge && !k->dead)
			acknowledge(k);
		if (k->channel != NULL)
			hang_up(k);
		backlog_clear(&k->backlog);
		free(k);
	}
	free(l);
}

bool
links_add(struct links *l, unsigned slot, int fd)
{
	static const struct channel_events events = { .message = message_cb, .closed = closed_cb };
	struct link *k = NULL;

	if (links_open(l) < LINKS_MAX)
		k = calloc(1, sizeof *k);
	if (k == NULL) {
		close(fd);
		return false;
	}
	k->all = l;
	k->slot = slot;
	k->channel = channel_new(l->loop, fd, &events, k);
	if (k->channel == NULL) {
		close(fd);
		free(k);
		return false;
	}
	k->next = l->first;
	l->first = k;
	return true;
}

bool
links_probe(struct links *l, const struct probe *p)
{
	unsigned char message[4096];
	size_t len = message_probe(message, sizeof message, p), i = 0;

	while (i < PROBES_MAX && l->probes[i].link != NULL)
		i++;
	if (len == 0 || i == PROBES_MAX)
		return false;
	/* The newest first: an old worker may be draining. */
	for (const struct link *k = l->first; k != NULL; k = k->next) {
		if (k->dead || k->channel == NULL || !channel_send(k->channel, message, len, -1))
			continue;
		l->probes[i].link = k;
		l->probes[i].id = p->id;
		return true;
	}
	return false;
}

void
links_retry(struct links *l)
{
	for (struct link *k = l->first; k != NULL; k = k->next) {
		while (k->backlog.first != NULL) {
			const struct backlog_record *r = k->backlog.first;
			struct event e;

			/* It was decoded before it was kept. */
			if (event_decode(r->event, r->len, &e) && !l->events->record(l->arg, &e))
				return;
			written(k, r->sequence);
			backlog_drop_first(&k->backlog);
		}
	}
}

bool
links_holding(const struct links *l)
{
	for (const struct link *k = l->first; k != NULL; k = k->next)
		if (k->backlog.first != NULL)
			return true;
	return false;
}

size_t
links_open(const struct links *l)
{
	size_t n = 0;

	for (const struct link *k = l->first; k != NULL; k = k->next)
		n += k->channel != NULL;
	return n;
}

size_t
links_asking(const struct links *l)
{
	size_t n = 0;

	for (const struct link *k = l->first; k != NULL; k = k->next)
		n += k->asking;
	return n;
}

uint64_t
links_messages(const struct links *l)
{
	return l->messages;
}
