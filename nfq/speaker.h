/* speaker.h - what the nfq process and the policy process say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions and hints are lost without harm while nobody listens; events wait (record/queue.h). */
#ifndef NFQ_SPEAKER_H
#define NFQ_SPEAKER_H

#include <ev.h>
#include <stdbool.h>

#include "policy/message.h"
#include "record/counters.h"
#include "record/event.h"

struct speaker_events {
	void (*answer)(void *arg, uint32_t id, const struct requirement *q);
	/* what was answered before counts no more */
	void (*stale)(void *arg, const struct stale *what);
	void (*renewed)(void *arg);	/* a new policy process, which has heard nothing yet */
};

struct speaker;

struct speaker *speaker_new(struct ev_loop *loop, struct counters *counters, int column,
    const struct speaker_events *events, void *arg);
void speaker_free(struct speaker *s);	/* NULL is allowed */

void speaker_listener(struct speaker *s, int fd);	/* takes over fd, in place of the former */

void speaker_ask(struct speaker *s, uint32_t id, const char *domain, const struct in6_addr *ip);
bool speaker_hint(struct speaker *s, const struct hint *h);	/* false: not now */

/* speaker_event: with the time of now; what finds no room is dropped and counted. */
void speaker_event(struct speaker *s, struct event *e);
void speaker_notice(struct speaker *s, enum event_type type, const char *action,
    const char *detail, bool alarm);
void speaker_count(struct speaker *s, enum counter which, int64_t n);
bool speaker_done(const struct speaker *s);	/* every event is written */

#endif
