/* dns.c - questions to the configured resolvers: c-ares on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One c-ares channel for each server, so that it is known who answered (whose AD bit it is) and so
 * that a SERVFAIL keeps its extended error. The packets are made with the AD bit set and read by
 * answer.c. */
#include "policy/dns.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "policy/dns_chain.h"
#include "policy/dns_channel.h"

#define TICK_S 0.25		/* how often time-outs are looked for, while there can be some */

struct request {
	struct dns *dns;
	struct world_query *query;	/* NULL: cancelled */
	struct request *next;		/* in waiting or late */
	size_t server, tried;		/* which, and how many so far */
	struct dns_chain chain;		/* of aliases before this question */
	bool sending, tcp;
	bool unchecked;			/* asked again without validation; see explain */
	enum answer_type type;
	char name[ANSWER_NAME_SIZE];
	char problem[ANSWER_PROBLEM_SIZE];
};

struct server {
	struct dns_channel *channel;
	bool trusted;
};

struct list {
	struct request *first, **end;
	size_t len;
};

struct dns {
	struct ev_loop *loop;
	struct ev_timer tick, wake;
	struct server servers[CONFIG_RESOLVERS_MAX];
	size_t servers_len, preferred;
	size_t flying;
	bool closing;
	struct list waiting, late;	/* not yet sent; failed while being sent */
	struct answer answer;
};

static void send_request(struct request *r);

static void
list_add(struct list *l, struct request *r)
{
	r->next = NULL;
	*l->end = r;
	l->end = &r->next;
	l->len++;
}

static struct request *
list_take(struct list *l)
{
	struct request *r = l->first;

	if (r != NULL) {
		l->first = r->next;
		if (l->first == NULL)
			l->end = &l->first;
		l->len--;
	}
	return r;
}

/* The request is over, or goes on elsewhere; from then on it takes no place. */
static void
landed(struct dns *d)
{
	assert(d->flying > 0);
	if (--d->flying == 0)
		ev_timer_stop(d->loop, &d->tick);
	if (d->waiting.len > 0 && !d->closing)
		ev_feed_event(d->loop, &d->wake, EV_TIMER);
}

static void
finish(struct request *r, const struct answer *a)
{
	struct world_query *q = r->query;

	free(r);
	if (q == NULL)
		return;
	q->running = NULL;
	q->done(q->arg, a);
}

/* Keeps what the resolver said beside. */
static void
unproven(struct answer *a, const char *servfail)
{
	char problem[ANSWER_PROBLEM_SIZE];

	snprintf(problem, sizeof(problem), "%.80s, but an answer where nothing is validated",
	    servfail);
	answer_bogus(a, problem);
}

/* A resolver need not say that it was validation that failed (RFC 8914), and by default unbound
 * does not. So the same one is asked once more with checking disabled (RFC 4035 section 3.2.2):
 * where that finds an answer, only its proof was missing. The answer itself is never used. A
 * resolver that recovers between the two is taken for bogus: that fails closed, for as long as mx.c
 * keeps it. False: the answer is still to come. */
static bool
explain(struct request *r)
{
	struct answer *a = &r->dns->answer;

	if (r->unchecked) {
		r->unchecked = false;
		if (a->state == ANSWER_FAILED)
			answer_fail(a, r->problem);
		else
			unproven(a, r->problem);
		return true;
	}
	if (!a->unexplained || r->query == NULL)
		return true;
	r->unchecked = true;
	memcpy(r->problem, a->problem, sizeof(r->problem));
	send_request(r);
	return false;
}

/* The answer of one server: believed, or the next server is asked. */
static void
settle(struct request *r)
{
	struct dns *d = r->dns;
	struct answer *a = &d->answer;

	if (!explain(r))
		return;
	if (a->state == ANSWER_FAILED && ++r->tried < d->servers_len && r->query != NULL) {
		r->server = (r->server + 1) % d->servers_len;
		send_request(r);
		return;
	}
	if (a->state != ANSWER_FAILED)
		d->preferred = r->server;
	a->secure = a->secure && d->servers[r->server].trusted;
	if (r->query != NULL && dns_chain_goes_on(&r->chain, a)) {
		memcpy(r->name, a->name, sizeof(r->name));
		r->tried = 0;
		send_request(r);
		return;
	}
	dns_chain_end(&r->chain, a);
	finish(r, a);
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *packet, int len)
{
	struct request *r = arg;
	struct dns *d = r->dns;

	bool tcp = r->tcp;

	(void)timeouts;
	landed(d);
	r->tcp = false;		/* the next question, if there is one, is another */
	if (d->closing) {
		free(r);
		return;
	}
	if (r->sending) {
		snprintf(r->problem, sizeof(r->problem), "%s", ares_strerror(status));
		list_add(&d->late, r);
		ev_feed_event(d->loop, &d->wake, EV_TIMER);
		return;
	}
	if (packet != NULL && !tcp && r->query != NULL && dns_channel_truncated(packet, len)) {
		r->tcp = true;
		send_request(r);
		return;
	}
	if (packet != NULL && len > 0 && status == ARES_SUCCESS)
		answer_parse(&d->answer, packet, (size_t)len, r->name, r->type);
	else
		answer_fail(&d->answer, status == ARES_ETIMEOUT ? "timeout" :
		    ares_strerror(status));
	settle(r);
}

static void
fail_late(struct request *r, const char *problem)
{
	snprintf(r->problem, sizeof(r->problem), "%s", problem);
	list_add(&r->dns->late, r);
	ev_feed_event(r->dns->loop, &r->dns->wake, EV_TIMER);
}

static void
send_request(struct request *r)
{
	struct dns *d = r->dns;
	unsigned char *packet;
	uint16_t id = 0;
	int len;

	if (d->flying >= DNS_FLIGHT_MAX) {
		if (d->waiting.len < DNS_WAITING_MAX)
			list_add(&d->waiting, r);
		else
			fail_late(r, "too many questions under way");
		return;
	}
	if (getrandom(&id, sizeof(id), 0) != sizeof(id) ||
	    ares_create_query(r->name, 1, (int)r->type, id, 1, &packet, &len,
	    DNS_CHANNEL_EDNS_SIZE) != ARES_SUCCESS) {
		fail_late(r, "the name cannot be asked for");
		return;
	}
	packet[3] |= r->unchecked ? 0x10 : 0x20;	/* CD; AD: RFC 6840 section 5.7 */
	if (d->flying++ == 0)
		ev_timer_again(d->loop, &d->tick);
	r->sending = true;
	dns_channel_send(d->servers[r->server].channel, r->tcp, packet, len, on_answer, r);
	/* Still ours: what fails inside that call is kept on the late list. */
	r->sending = false;
	ares_free_string(packet);
}

static void
on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct dns *d = w->data;

	(void)loop;
	(void)events;
	for (size_t i = 0; i < d->servers_len; i++)
		dns_channel_tick(d->servers[i].channel);
}

static void
on_wake(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct dns *d = w->data;
	size_t late = d->late.len;

	(void)loop;
	(void)events;
	while (late-- > 0) {
		struct request *r = list_take(&d->late);

		answer_fail(&d->answer, r->problem);
		settle(r);
	}
	while (d->flying < DNS_FLIGHT_MAX && d->waiting.len > 0) {
		struct request *r = list_take(&d->waiting);

		if (r->query == NULL)
			free(r);
		else
			send_request(r);
	}
}

void
dns_query(struct dns *d, struct world_query *q, const char *name, enum answer_type type)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();	/* the parent starts a new policy process */
	assert(q->running == NULL && strlen(name) < sizeof(r->name));
	r->dns = d;
	r->query = q;
	r->type = type;
	r->chain.ttl = UINT32_MAX;
	r->server = d->preferred;
	memcpy(r->name, name, strlen(name) + 1);
	q->running = r;
	send_request(r);
}

void
dns_cancel(struct dns *d, struct world_query *q)
{
	struct request *r = q->running;

	(void)d;
	if (r != NULL)
		r->query = NULL;
	q->running = NULL;
}

static bool
believed(const struct config *config, size_t server)
{
	return config->resolver.trust_ad == TRUST_AD_YES ||
	    (config->resolver.trust_ad == TRUST_AD_AUTO &&
	    address_is_loopback(&config->resolver.servers[server].ip));
}

/* Whether only servers that are believed may be asked. What others answer looks unsigned, so that
 * whoever makes the believed ones fail would switch DANE off: error is never absence. */
static bool
particular(const struct config *config)
{
	for (size_t i = 0; i < config->resolver.servers_len; i++)
		if (config->policy.dane && believed(config, i))
			return true;
	return false;
}

struct dns *
dns_new(struct ev_loop *loop, const struct config *config, char *error, size_t error_size)
{
	struct dns *d = calloc(1, sizeof(*d));

	if (d == NULL || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		snprintf(error, error_size, "out of memory");
		free(d);
		return NULL;
	}
	d->loop = loop;
	d->waiting.end = &d->waiting.first;
	d->late.end = &d->late.first;
	ev_timer_init(&d->tick, on_tick, 0., TICK_S);
	ev_timer_init(&d->wake, on_wake, 0., 0.);
	d->tick.data = d->wake.data = d;
	for (size_t i = 0; i < config->resolver.servers_len && i < CONFIG_RESOLVERS_MAX; i++) {
		struct server *s = &d->servers[d->servers_len];

		s->trusted = believed(config, i);
		if (!s->trusted && particular(config))
			continue;
		d->servers_len++;
		s->channel = dns_channel_new(loop, &config->resolver.servers[i]);
		if (s->channel != NULL)
			continue;
		snprintf(error, error_size, "the resolver library does not start");
		dns_free(d);
		return NULL;
	}
	return d;
}

void
dns_free(struct dns *d)
{
	struct request *r;

	if (d == NULL)
		return;
	d->closing = true;
	for (size_t i = 0; i < d->servers_len; i++)
		dns_channel_free(d->servers[i].channel);
	while ((r = list_take(&d->waiting)) != NULL || (r = list_take(&d->late)) != NULL)
		free(r);
	ev_timer_stop(d->loop, &d->tick);
	ev_clear_pending(d->loop, &d->wake);
	ares_library_cleanup();
	free(d);
}
