/* dns.c - questions to the configured resolvers: c-ares on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One c-ares channel for each server, so that it is known who answered (whose AD bit it is) and so
 * that a SERVFAIL keeps its extended error. c-ares sends, repeats, and goes to TCP when an answer
 * is truncated; the packets are made with the AD bit set and read by answer.c. */
#include "policy/dns.h"

#include <ares.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TIMEOUT_MS 2000		/* the first try; the second waits twice as long */
#define TRIES 2			/* for each server: six seconds, within policy.wait */
#define EDNS_SIZE 1232		/* octets that pass every path unfragmented */
#define TICK_S 0.25		/* how often time-outs are looked for, while there can be some */
#define SOCKETS_MAX 16		/* per server: UDP, and TCP connections */

struct request {
	struct dns *dns;
	struct world_query *query;	/* NULL: cancelled */
	struct request *next;		/* in waiting or late */
	size_t server, tried;		/* which, and how many so far */
	unsigned aliases;
	bool sending;
	enum answer_type type;
	char name[ANSWER_NAME_SIZE];
	char problem[ANSWER_PROBLEM_SIZE];
};

struct socket_watch {
	struct ev_io io;
	struct server *server;
	ares_socket_t fd;
	bool used;
};

struct server {
	struct dns *dns;
	ares_channel channel;
	bool trusted;
	struct socket_watch sockets[SOCKETS_MAX];
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

static void
on_socket(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct socket_watch *s = w->data;

	(void)loop;
	ares_process_fd(s->server->channel, events & EV_READ ? s->fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? s->fd : ARES_SOCKET_BAD);
}

/* c-ares says what it wants to know of a socket; neither: it is about to be closed. */
static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct server *server = arg;
	struct socket_watch *found = NULL;
	struct ev_loop *loop = server->dns->loop;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct socket_watch *s = &server->sockets[i];

		if (s->used && s->fd == fd) {
			found = s;
			break;
		}
		if (!s->used && found == NULL)
			found = s;
	}
	if (found == NULL)
		return;		/* its questions time out */
	if (found->used)
		ev_io_stop(loop, &found->io);
	found->used = readable || writable;
	if (!found->used)
		return;
	found->fd = fd;
	found->server = server;
	ev_io_init(&found->io, on_socket, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	found->io.data = found;
	ev_io_start(loop, &found->io);
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

/* The answer of one server: believed, or the next server is asked. */
static void
settle(struct request *r)
{
	struct dns *d = r->dns;
	struct answer *a = &d->answer;

	if (a->state == ANSWER_FAILED && ++r->tried < d->servers_len && r->query != NULL) {
		r->server = (r->server + 1) % d->servers_len;
		send_request(r);
		return;
	}
	if (a->state != ANSWER_FAILED)
		d->preferred = r->server;
	if (a->dangling && r->aliases < ANSWER_ALIASES_MAX && r->query != NULL) {
		memcpy(r->name, a->name, sizeof(r->name));
		r->aliases++;
		r->tried = 0;
		send_request(r);
		return;
	}
	a->secure = a->secure && d->servers[r->server].trusted && r->aliases == 0;
	finish(r, a);
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *packet, int len)
{
	struct request *r = arg;
	struct dns *d = r->dns;

	(void)timeouts;
	landed(d);
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
	    ares_create_query(r->name, 1, (int)r->type, id, 1, &packet, &len, EDNS_SIZE) !=
	    ARES_SUCCESS) {
		fail_late(r, "the name cannot be asked for");
		return;
	}
	packet[3] |= 0x20;	/* AD: RFC 6840 section 5.7 */
	if (d->flying++ == 0)
		ev_timer_again(d->loop, &d->tick);
	r->sending = true;
	ares_send(d->servers[r->server].channel, packet, len, on_answer, r);
	/* Still ours: what fails inside ares_send is kept on the late list. */
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
		ares_process_fd(d->servers[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
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
server_open(struct server *s, const struct address *a)
{
	struct ares_options options = { 0 };
	struct ares_addr_port_node node = { 0 };
	char no_lookups[] = "b";

	options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
	    ARES_FLAG_NOALIASES;
	options.timeout = TIMEOUT_MS;
	options.tries = TRIES;
	options.ednspsz = EDNS_SIZE;
	options.lookups = no_lookups;
	options.sock_state_cb = on_socket_state;
	options.sock_state_cb_data = s;
	if (ares_init_options(&s->channel, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS)
		return false;
	node.udp_port = node.tcp_port = a->port;
	if (address_is_v4(&a->ip)) {
		node.family = AF_INET;
		memcpy(&node.addr.addr4, a->ip.s6_addr + 12, 4);
	} else {
		node.family = AF_INET6;
		memcpy(&node.addr.addr6, a->ip.s6_addr, 16);
	}
	return ares_set_servers_ports(s->channel, &node) == ARES_SUCCESS;
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
		struct server *s = &d->servers[i];

		s->dns = d;
		s->trusted = config->resolver.trust_ad == TRUST_AD_YES ||
		    (config->resolver.trust_ad == TRUST_AD_AUTO &&
		    address_is_loopback(&config->resolver.servers[i].ip));
		d->servers_len++;
		if (server_open(s, &config->resolver.servers[i]))
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
		if (d->servers[i].channel != NULL)
			ares_destroy(d->servers[i].channel);
	while ((r = list_take(&d->waiting)) != NULL || (r = list_take(&d->late)) != NULL)
		free(r);
	ev_timer_stop(d->loop, &d->tick);
	ev_clear_pending(d->loop, &d->wake);
	ares_library_cleanup();
	free(d);
}
