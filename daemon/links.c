/* links.c - the policy process's channels to the workers and the nfq process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions and answers are messages; records come by a ring (link_ring.c), which outlives the
 * channel: its worker may be gone and have left something in it. */
#include "daemon/links.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/link.h"

#define EXIT_TEMPORARY 75	/* posternctl: could not find out */

static void
message_cb(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct link *k = arg;

	if (!k->dead) {
		k->all->messages++;
		link_take(k, p, len, fd);
	}
	if (fd >= 0)
		close(fd);
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
	link_end_ring(k);
}

void
link_say_stale(struct link *k)
{
	static const struct stale all = { .domain = "" };
	unsigned char message[64];

	k->stale = !channel_send(k->channel, message, message_stale(message, sizeof message, &all),
	    -1);
}

/* Once a turn, before the loop waits: frees what has ended. */
static void
sweep_cb(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct links *l = w->data;
	struct link **at = &l->first, *k;

	(void)loop;
	(void)revents;
	while ((k = *at) != NULL) {
		if (k->channel != NULL && k->stale && !k->dead)
			link_say_stale(k);
		if (k->channel != NULL && k->dead)
			hang_up(k);
		k->taken = 0;
		if (link_over(k)) {
			*at = k->next;
			ring_free(k->ring);
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
	ev_init(&l->look, links_look);
	l->look.repeat = RING_LOOK_S;
	l->look.data = l;
	return l;
}

void
links_free(struct links *l)
{
	if (l == NULL)
		return;
	(void)links_flush(l);
	ev_prepare_stop(l->loop, &l->sweep);
	ev_timer_stop(l->loop, &l->look);
	while (l->first != NULL) {
		struct link *k = l->first;

		l->first = k->next;
		if (k->channel != NULL) {
			engine_cancel(l->engine, k);
			channel_free(k->channel);
		}
		ring_free(k->ring);
		free(k);
	}
	free(l);
}

bool
links_add(struct links *l, unsigned slot, int fd)
{
	static const struct channel_events events = { .message = message_cb,
		.closed = closed_cb };
	struct link *k = NULL;

	if (links_open(l) < LINKS_MAX)
		k = calloc(1, sizeof *k);
	if (k == NULL) {
		close(fd);
		return false;
	}
	k->all = l;
	k->slot = slot;
	/* What it heard from a predecessor of ours; a worker forgets that by itself. */
	k->stale = link_is_nfq(k);
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
		if (k->dead || k->channel == NULL || link_is_nfq(k) ||
		    !channel_send(k->channel, message, len, -1))
			continue;
		l->probes[i].link = k;
		l->probes[i].id = p->id;
		return true;
	}
	return false;
}

void
links_stale(struct links *l, const struct stale *what)
{
	bool all = what->domain[0] == '\0' && IN6_IS_ADDR_UNSPECIFIED(&what->ip);
	unsigned char message[512];
	size_t len = message_stale(message, sizeof message, what);

	for (struct link *k = l == NULL ? NULL : l->first; k != NULL; k = k->next)
		if (k->channel != NULL && !k->stale)
			k->stale = all || len == 0 || !channel_send(k->channel, message, len, -1);
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
