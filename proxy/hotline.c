/* hotline.c - what a worker and the policy process say to each other
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/hotline.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/channel.h"
#include "proxy/prober.h"

#define MESSAGE_SIZE 1024	/* a sighting or a probe's step */
#define PROVEN_SIZE (MESSAGE_EVIDENCE_MAX + 128)

struct hotline {
	struct proxy *proxy;
	struct prober *prober;
	struct channel *policy, *closed;	/* closed: to be freed outside its callback */
};

static bool
send_policy(void *arg, const void *p, size_t len)
{
	struct hotline *h = arg;

	return h->policy != NULL && len > 0 && channel_send(h->policy, p, len, -1);
}

static bool
send_ring(void *arg, const void *p, size_t len, int fd)
{
	struct hotline *h = arg;

	return h->policy != NULL && channel_send(h->policy, p, len, fd);
}

/* tell: what needs no answer goes the way of the records, which is the cheapest. */
static void
tell(struct hotline *h, const void *p, size_t len)
{
	if (len > 0 && !queue_put(h->proxy->records, p, len))
		send_policy(h, p, len);
}

static void
policy_message(void *arg, const unsigned char *p, size_t len, int fd)
{
	struct hotline *h = arg;
	struct probe probe;

	if (fd >= 0)
		close(fd);
	switch (message_type(p, len)) {
	case MESSAGE_ANSWER:
		asker_answer(h->proxy->asker, p, len);
		break;
	case MESSAGE_STALE:
		asker_stale(h->proxy->asker, p, len);
		break;
	case MESSAGE_PROBE:
		if (message_get_probe(p, len, &probe))
			prober_start(h->prober, &probe);
		break;
	case MESSAGE_QUESTION:
	case MESSAGE_SIGHTING:
	case MESSAGE_RECORD:
	case MESSAGE_RING:
	case MESSAGE_PROBE_STEP:
	case MESSAGE_HINT:
	case MESSAGE_PROVEN:
		break;
	}
}

static void
policy_closed(void *arg)
{
	struct hotline *h = arg;

	/* The parent passes a new end; until then questions and records wait. */
	h->closed = h->policy;
	h->policy = NULL;
	asker_forget(h->proxy->asker);
}

static void
policy_drained(void *arg)
{
	struct hotline *h = arg;

	asker_flush(h->proxy->asker);
	queue_flush(h->proxy->records);
}

static void
probe_step(void *arg, const struct probe_step *s)
{
	unsigned char message[MESSAGE_SIZE];

	send_policy(arg, message, message_probe_step(message, sizeof(message), s));
}

struct hotline *
hotline_new(struct proxy *proxy)
{
	struct hotline *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->proxy = proxy;
	proxy->asker = asker_new(send_policy, h);
	proxy->records = queue_new(send_ring, h);
	h->prober = prober_new(proxy, probe_step, h);
	if (proxy->asker == NULL || proxy->records == NULL || h->prober == NULL) {
		hotline_free(h);
		return NULL;
	}
	return h;
}

void
hotline_free(struct hotline *h)
{
	if (h == NULL)
		return;
	channel_free(h->policy);
	channel_free(h->closed);
	prober_free(h->prober);
	queue_free(h->proxy->records);
	asker_free(h->proxy->asker);
	free(h);
}

void
hotline_connect(struct hotline *h, int fd)
{
	static const struct channel_events events = {
		policy_message, policy_closed, policy_drained
	};

	channel_free(h->policy);
	h->policy = channel_new(h->proxy->loop, fd, &events, h);
	if (h->policy == NULL) {
		close(fd);
		asker_forget(h->proxy->asker);
		return;
	}
	/* In this order: what was seen counts for what is asked. */
	queue_resend(h->proxy->records);
	asker_resend(h->proxy->asker);
}

void
hotline_sweep(struct hotline *h)
{
	channel_free(h->closed);
	h->closed = NULL;
}

/* A lost sighting is made up by the next one. */
void
hotline_sighting(struct hotline *h, const struct sighting *s)
{
	unsigned char message[MESSAGE_SIZE];

	tell(h, message, message_sighting(message, sizeof(message), s));
}

/* A lost one costs its client a full handshake, or its TLS ends here. */
void
hotline_proven(struct hotline *h, const struct proven *p)
{
	unsigned char message[PROVEN_SIZE];

	tell(h, message, message_proven(message, sizeof(message), p));
}

bool
hotline_idle(const struct hotline *h)
{
	return prober_open(h->prober) == 0;
}

bool
hotline_done(const struct hotline *h)
{
	return hotline_idle(h) && queue_length(h->proxy->records) == 0;
}
