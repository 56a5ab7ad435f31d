/* leaks.c - port-25 traffic that reached the guard: counted, and said
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/leaks.h"

#include <stdio.h>
#include <stdlib.h>

#include "nfq/copies.h"
#include "nfq/mark.h"
#include "nfq/packet.h"

#define HEADER_OCTETS 128	/* IPv6 with extension headers, and TCP's ports */
#define TOGETHER 16		/* a flood wakes us a sixteenth as often */
#define DETAIL_SIZE 160

struct leaks {
	struct ev_loop *loop;
	struct speaker *speaker;
	bool passes;
	struct copies *copies;
	bool said;
	double said_s;
	unsigned long long unsaid;	/* since then */
};

static void
say(struct leaks *l, const unsigned char *p, size_t len)
{
	struct packet packet;
	struct event e;
	char detail[DETAIL_SIZE], more[64] = "";

	event_clear(&e);
	if (packet_read(p, len, &packet) == PACKET_OK) {
		e.src = packet.src;
		e.dest = packet.dst;
	}
	if (l->unsaid > 0)
		snprintf(more, sizeof(more), "; %llu more since the last notice", l->unsaid);
	snprintf(detail, sizeof(detail), "mail past postern: %s%s", l->passes ?
	    "a connection went out unguarded (when-down: open)" :
	    "a packet was stopped by the guard", more);
	e.type = EVENT_RULES;
	e.action = "leak";
	e.detail = detail;
	e.alarm = true;
	speaker_event(l->speaker, &e);
	l->unsaid = 0;
}

static void
packet(void *arg, const unsigned char *p, size_t len)
{
	struct leaks *l = arg;
	double now_s = ev_now(l->loop);

	speaker_count(l->speaker, COUNTER_LEAKS, 1);
	/* A clock set back must not silence it. */
	if (l->said && now_s >= l->said_s && now_s - l->said_s < LEAKS_EVENT_S) {
		l->unsaid++;
		return;
	}
	l->said = true;
	l->said_s = now_s;
	say(l, p, len);
}

static void
missing(void *arg, uint32_t n)
{
	struct leaks *l = arg;

	l->unsaid += n;
	speaker_count(l->speaker, COUNTER_LEAKS, n);
}

struct leaks *
leaks_open(struct ev_loop *loop, struct speaker *speaker, bool passes, char *error,
    size_t error_size)
{
	static const struct copies_events events = { .packet = packet, .missing = missing };
	static const struct copies_start start = { NFQ_LEAK_GROUP, HEADER_OCTETS, TOGETHER, 0 };
	struct leaks *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	l->loop = loop;
	l->speaker = speaker;
	l->passes = passes;
	l->copies = copies_open(loop, &start, &events, l, error, error_size);
	if (l->copies == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
leaks_close(struct leaks *l)
{
	if (l == NULL)
		return;
	copies_close(l->copies);
	free(l);
}
