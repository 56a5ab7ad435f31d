/* link_ring.c - what the workers' rings hold, into the log in batches
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message stays in its ring until the log has all that was read with it; so a policy process that
 * dies loses nothing, and its successor reads it again. While the log fails records stay where they
 * are, and outlive their worker there; what else is in the ring is heeded nevertheless.
 *
 * A ring that had nothing for some looks sleeps: then its writer rings. */
#include "daemon/link.h"

#include "daemon/wire.h"

#define READ_BURST 128		/* messages of one ring a turn: others get theirs; a busy worker
				 * writes twenty between two looks */
#define BATCH_MAX 256		/* records; what was written and not yet said to be is well within
				 * the end of the log that a successor reads (LOGFILE_TAIL_MAX) */
#define LOOKS_EMPTY 4		/* in a row, before a ring sleeps */

static void
stay_awake(struct links *l)
{
	if (!ev_is_active(&l->look))
		ev_timer_again(l->loop, &l->look);
}

/* fail: the log takes nothing: what was read without being written is for links_retry. */
static void
fail(struct links *l)
{
	l->failing = true;
	for (struct link *k = l->first; k != NULL; k = k->next) {
		if (k->ring == NULL)
			continue;
		ring_again(k->ring);
		ring_skip(k->ring);
	}
	l->events->held(l->arg);
}

bool
links_flush(struct links *l)
{
	bool fine = !l->failing;

	if (fine && l->batch > 0) {
		l->batch = 0;
		fine = l->events->flush(l->arg);
		if (!fine)
			fail(l);
	}
	for (struct link *k = l->first; fine && k != NULL; k = k->next)
		if (k->ring != NULL)
			ring_done(k->ring);
	return fine;
}

void
link_record(struct link *k, const struct event *e)
{
	struct links *l = k->all;

	if (l->failing)
		return;
	if (l->events->record(l->arg, e)) {
		l->batch++;
		return;
	}
	/* Perhaps the batch is full. */
	ring_unread(k->ring);
	if (l->batch == 0)
		fail(l);
	else
		(void)links_flush(l);
}

/* read_one: false when there is nothing more to read. */
static bool
read_one(struct link *k)
{
	unsigned char message[WIRE_MESSAGE_MAX];
	const char *why = NULL;
	size_t len;

	switch (ring_read(k->ring, message, &len)) {
	case RING_EMPTY:
		return false;
	case RING_BROKEN:
		why = "a ring that it cannot have written";
		break;
	case RING_NEW:
		why = link_take_told(k, message, len, false);
		break;
	case RING_SEEN:
		why = link_take_told(k, message, len, true);
		break;
	}
	k->taken++;
	k->all->messages++;
	if (why == NULL)
		return true;
	ring_unread(k->ring);
	ring_cut(k->ring);		/* nothing after it counts */
	link_broken(k, why);
	return false;
}

/* True when there was something. */
static bool
drain(struct link *k)
{
	unsigned before = k->taken;

	k->drained = false;
	while (!k->drained && k->taken < READ_BURST) {
		k->drained = !read_one(k);
		if (k->all->batch >= BATCH_MAX)
			(void)links_flush(k->all);
	}
	return k->taken > before;
}

void
links_drain(struct links *l)
{
	for (struct link *k = l->first; k != NULL; k = k->next) {
		if (k->ring == NULL || !drain(k))
			continue;
		k->asleep = false;
		stay_awake(l);
	}
}

const char *
link_take_ring(struct link *k, int fd)
{
	if ((fd >= 0) == (k->ring != NULL))
		return fd < 0 ? "a bell without a ring" : "a second ring";
	if (fd < 0 && !k->asleep)
		return NULL;			/* it is looked into anyway */
	if (fd >= 0)
		k->ring = ring_open(fd);
	if (k->ring == NULL)
		return "no ring that can be read";
	k->asleep = false;
	k->looks = 0;
	(void)drain(k);
	(void)links_flush(k->all);
	stay_awake(k->all);
	return NULL;
}

/* May it wait until the bell rings? */
static bool
sleeps(struct link *k, bool had_some)
{
	if (k->channel == NULL)
		return k->drained;		/* nobody left to ring */
	k->looks = had_some ? 0 : k->looks + 1;
	k->asleep = k->looks >= LOOKS_EMPTY && ring_sleep(k->ring);
	return k->asleep;
}

void
links_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct links *l = w->data;
	bool awake = false;

	(void)revents;
	for (struct link *k = l->first; k != NULL; k = k->next)
		if (k->ring != NULL && !sleeps(k, drain(k)))
			awake = true;
	(void)links_flush(l);
	if (!awake)
		ev_timer_stop(loop, w);
}

void
link_end_ring(struct link *k)
{
	if (k->ring == NULL)
		return;
	ring_end(k->ring);
	(void)drain(k);
	(void)links_flush(k->all);
	stay_awake(k->all);
}

bool
link_over(const struct link *k)
{
	return k->channel == NULL && (k->ring == NULL ||
	    (k->drained && !k->all->failing && ring_settled(k->ring)));
}

void
links_retry(struct links *l)
{
	if (!l->failing)
		return;
	l->failing = false;
	for (struct link *k = l->first; k != NULL; k = k->next)
		if (k->ring != NULL)
			ring_again(k->ring);
	links_drain(l);
	(void)links_flush(l);
}

bool
links_holding(const struct links *l)
{
	bool holding = l->failing;

	for (const struct link *k = l->first; k != NULL; k = k->next)
		holding = holding || (k->channel == NULL && !link_over(k));
	return holding;
}
