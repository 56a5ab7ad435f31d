/* speaker.c - what the nfq process and the policy process say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/speaker.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/channel.h"
#include "daemon/moment.h"
#include "record/queue.h"

#define MESSAGE_SIZE 1024	/* two names of 255 octets, an address */
#define HINTS_WAITING_MAX (CHANNEL_QUEUE_MAX / 4)	/* the rest is for questions and events */

struct speaker {
	struct ev_loop *loop;
	struct counters *counters;
	int column;
	const struct speaker_events *events;
	void *arg;
	struct channel *channel, *closed;	/* closed: to be freed outside its callback */
	struct queue *records;
	ev_prepare reap;
};

static bool
send_message(void *arg, const void *p, size_t len, int fd)
{
	struct speaker *s = arg;

	return s->channel != NULL && channel_send(s->channel, p, len, fd);
}

static void
take_answer(struct speaker *s, const unsigned char *p, size_t len)
{
	struct recalled recalled;
	struct requirement *q;
	uint32_t id, fresh_ms;

	if (!message_get_answer(p, len, &id, &q, &recalled, &fresh_ms))
		return;
	s->events->answer(s->arg, id, q);
	free(q);
}

static void
on_message(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct speaker *s = arg;
	struct stale what;

	if (fd >= 0)
		close(fd);
	switch (message_type(p, len)) {
	case MESSAGE_ANSWER:
		take_answer(s, p, len);
		break;
	case MESSAGE_STALE:
		if (message_get_stale(p, len, &what))
			s->events->stale(s->arg, &what);
		break;
	case MESSAGE_QUESTION:
	case MESSAGE_SIGHTING:
	case MESSAGE_RECORD:
	case MESSAGE_RING:
	case MESSAGE_PROBE:
	case MESSAGE_PROBE_STEP:
	case MESSAGE_HINT:
	case MESSAGE_PROVEN:
		break;		/* not said to us */
	}
}

static void
on_closed(void *arg)
{
	struct speaker *s = arg;

	/* The parent passes a new end; what was answered stays true until then. */
	s->closed = s->channel;
	s->channel = NULL;
}

static void
on_drained(void *arg)
{
	struct speaker *s = arg;

	queue_flush(s->records);
}

static void
between_turns(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct speaker *s = prepare->data;

	(void)loop;
	(void)events;
	channel_free(s->closed);
	s->closed = NULL;
}

struct speaker *
speaker_new(struct ev_loop *loop, struct counters *counters, int column,
    const struct speaker_events *events, void *arg)
{
	struct speaker *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->counters = counters;
	s->column = column;
	s->events = events;
	s->arg = arg;
	s->records = queue_new(send_message, s);
	if (s->records == NULL) {
		free(s);
		return NULL;
	}
	ev_prepare_init(&s->reap, between_turns);
	s->reap.data = s;
	ev_prepare_start(loop, &s->reap);
	return s;
}

void
speaker_free(struct speaker *s)
{
	if (s == NULL)
		return;
	ev_prepare_stop(s->loop, &s->reap);
	channel_free(s->channel);
	channel_free(s->closed);
	queue_free(s->records);
	free(s);
}

void
speaker_listener(struct speaker *s, int fd)
{
	static const struct channel_events events = { on_message, on_closed, on_drained };

	channel_free(s->channel);
	s->channel = channel_new(s->loop, fd, &events, s);
	if (s->channel == NULL) {
		close(fd);
		return;
	}
	s->events->renewed(s->arg);
	queue_resend(s->records);
}

void
speaker_ask(struct speaker *s, uint32_t id, const char *domain, const struct in6_addr *ip)
{
	const struct question q = { .id = id, .peer = { .ip = *ip }, .domain = domain };
	unsigned char message[MESSAGE_SIZE];
	size_t len = message_question(message, sizeof(message), &q);

	if (len > 0)
		send_message(s, message, len, -1);
}

bool
speaker_hint(struct speaker *s, const struct hint *h)
{
	unsigned char message[MESSAGE_SIZE];
	size_t len;

	if (s->channel == NULL || channel_waiting(s->channel) > HINTS_WAITING_MAX)
		return false;
	len = message_hint(message, sizeof(message), h);
	return len == 0 || send_message(s, message, len, -1);
}

void
speaker_count(struct speaker *s, enum counter which, int64_t n)
{
	counters_add(s->counters, s->column, which, n);
}

void
speaker_event(struct speaker *s, struct event *e)
{
	e->time_us = moment_wall_us();
	if (!queue_add(s->records, e))
		speaker_count(s, COUNTER_RECORDS_DROPPED, 1);
}

void
speaker_notice(struct speaker *s, enum event_type type, const char *action, const char *detail,
    bool alarm)
{
	struct event e;

	event_clear(&e);
	e.type = type;
	e.action = action;
	e.detail = detail;
	e.alarm = alarm;
	speaker_event(s, &e);
}

bool
speaker_done(const struct speaker *s)
{
	return queue_length(s->records) == 0;
}
