/* asker.c - the worker's open questions to the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An id is a place in the table and that place's generation, so that a late answer to a withdrawn
 * question finds nobody. The place that has been free for longest is taken first: an id comes again
 * only after a quarter of a million questions. */
#include "proxy/asker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/moment.h"
#include "proxy/known.h"
#include "proxy/resumable.h"

/* Seconds beyond policy.wait until the policy process counts as down. */
#define ANSWER_GRACE 5
#define PLACE_BITS 20			/* a million open questions: far over sessions */
#define PLACE_MASK ((1u << PLACE_BITS) - 1)
#define PLACES_FIRST 64
#define QUESTION_SIZE 512	/* a domain of 255 octets or a session's name, the fixed fields */

struct place {
	struct asking *asking;		/* NULL: free */
	uint32_t generation;
	uint32_t next_free;		/* PLACE_MASK: the last */
};

struct asker {
	bool (*send)(void *arg, const void *p, size_t len);
	void *arg;
	struct place *places;
	uint32_t size, first_free, last_free;	/* PLACE_MASK: none */
	size_t unsent;
	struct known *known;
	struct resumable *resumable;
};

struct asker *
asker_new(bool (*send)(void *arg, const void *p, size_t len), void *arg)
{
	struct asker *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->send = send;
	a->arg = arg;
	a->first_free = a->last_free = PLACE_MASK;
	a->known = known_new();
	a->resumable = resumable_new();
	if (a->known != NULL && a->resumable != NULL)
		return a;
	asker_free(a);
	return NULL;
}

void
asker_free(struct asker *a)
{
	if (a == NULL)
		return;
	known_free(a->known);
	resumable_free(a->resumable);
	free(a->places);
	free(a);
}

/* release: the place is taken again after all that are free now. */
static void
release(struct asker *a, uint32_t i)
{
	a->places[i].next_free = PLACE_MASK;
	if (a->first_free == PLACE_MASK)
		a->first_free = i;
	else
		a->places[a->last_free].next_free = i;
	a->last_free = i;
}

static bool
grow(struct asker *a)
{
	uint32_t size = a->size == 0 ? PLACES_FIRST : a->size * 2;

	if (size >= PLACE_MASK)
		return false;
	struct place *places = realloc(a->places, size * sizeof(*places));
	if (places == NULL)
		return false;
	memset(places + a->size, 0, (size - a->size) * sizeof(*places));
	a->places = places;
	for (; a->size < size; a->size++)
		release(a, a->size);
	return true;
}

static void
send_one(struct asker *a, struct asking *asking)
{
	unsigned char message[QUESTION_SIZE];
	size_t len = message_question(message, sizeof(message), &asking->question);

	if (a->send(a->arg, message, len))
		asking->sent = true;
	else
		a->unsent++;
}

/* remembered: whether the question is answered by what is known here, all of it. */
static bool
remembered(struct asker *a, struct asking *asking)
{
	const struct question *q = &asking->question;
	struct demand *known = known_find(a->known, q, asking->asked);

	asking->recalled = (struct recalled){ NULL, 0 };
	if (q->recheck)
		known_forget(a->known, q);
	if (known == NULL || (q->resumes &&
	    !resumable_find(a->resumable, q->session, asking->asked, &asking->recalled)))
		return false;
	asking->demand = demand_hold(known);
	return true;
}

enum asker_result
asker_ask(struct asker *a, struct asking *asking)
{
	asking->asked = moment_now();
	if (remembered(a, asking))
		return ASKER_KNOWN;
	if (a->first_free == PLACE_MASK && !grow(a))
		return ASKER_FAILED;
	uint32_t i = a->first_free;
	struct place *place = &a->places[i];
	a->first_free = place->next_free;
	place->asking = asking;
	place->generation++;
	asking->question.id = place->generation << PLACE_BITS | i;
	asking->open = true;
	asking->sent = false;
	send_one(a, asking);
	return ASKER_ASKED;
}

double
asker_deadline(const struct asking *asking, unsigned wait_s)
{
	return asking->open ? asking->asked + wait_s + ANSWER_GRACE : 0;
}

static struct place *
find(struct asker *a, uint32_t id)
{
	uint32_t i = id & PLACE_MASK;

	if (i >= a->size || a->places[i].asking == NULL ||
	    a->places[i].asking->question.id != id)
		return NULL;
	return &a->places[i];
}

static void
vacate(struct asker *a, struct place *place)
{
	place->asking->open = false;
	place->asking = NULL;
	release(a, (uint32_t)(place - a->places));
}

void
asker_withdraw(struct asker *a, struct asking *asking)
{
	if (!asking->open)
		return;
	struct place *place = find(a, asking->question.id);
	assert(place != NULL);
	vacate(a, place);
}

void
asker_proven(struct asker *a, const struct proven *p)
{
	resumable_keep(a->resumable, p, moment_now());
}

/* keep_recalled: what another worker saw proven is worth as long as the rest of the answer. */
static void
keep_recalled(struct asker *a, const struct question *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	struct proven p = { .lifetime_s = fresh_ms / 1000, .evidence = recalled->evidence,
		.len = recalled->len };

	if (!q->resumes || recalled->len == 0)
		return;
	memcpy(p.session, q->session, sizeof(p.session));
	asker_proven(a, &p);
}

bool
asker_answer(struct asker *a, const void *p, size_t len)
{
	uint32_t id, fresh_ms;
	struct requirement *requirement;
	struct recalled recalled;

	if (!message_get_answer(p, len, &id, &requirement, &recalled, &fresh_ms))
		return false;
	struct place *place = find(a, id);
	if (place == NULL) {
		free(requirement);
		return true;
	}
	struct demand *demand = demand_new(requirement);
	if (demand == NULL)
		return false;
	struct asking *asking = place->asking;
	vacate(a, place);
	known_keep(a->known, &asking->question, demand, len, moment_now(),
	    asking->asked + fresh_ms / 1000.0);
	keep_recalled(a, &asking->question, &recalled, fresh_ms);
	asking->answered(asking, demand, &recalled);
	return true;
}

bool
asker_stale(struct asker *a, const void *p, size_t len)
{
	struct stale stale;

	if (!message_get_stale(p, len, &stale))
		return false;
	known_drop(a->known, &stale);
	return true;
}

void
asker_forget(struct asker *a)
{
	known_clear(a->known);
	resumable_clear(a->resumable);
}

void
asker_saw(struct asker *a, const struct in6_addr *ip)
{
	known_drop(a->known, &(struct stale){ .domain = "", .ip = *ip });
}

struct demand *
asker_terms(struct asker *a, const struct address *peer)
{
	return known_at(a->known, peer, moment_now());
}

void
asker_flush(struct asker *a)
{
	if (a->unsent == 0)
		return;
	a->unsent = 0;
	for (uint32_t i = 0; i < a->size; i++) {
		struct asking *asking = a->places[i].asking;
		if (asking != NULL && !asking->sent)
			send_one(a, asking);
	}
}

void
asker_resend(struct asker *a)
{
	asker_forget(a);
	for (uint32_t i = 0; i < a->size; i++)
		if (a->places[i].asking != NULL)
			a->places[i].asking->sent = false;
	a->unsent = 1;
	asker_flush(a);
}
