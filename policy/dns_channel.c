/* dns_channel.c - one resolver: c-ares and its sockets on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * c-ares sends and repeats. Where it goes to TCP by itself, a connection that breaks takes every
 * question to that resolver with it; so TCP has a channel of its own, and trouble there concerns
 * the truncated answers alone. */
#include "policy/dns_channel.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 2000		/* the first try; the second waits twice as long */
#define TRIES 2			/* six seconds, within policy.wait */
#define SOCKETS_MAX 16		/* UDP, and TCP connections */

enum { UDP, TCP, WAYS };

/* What c-ares knows of; each way has its own. */
struct way {
	struct dns_channel *channel;
	ares_channel ares;
};

struct socket_watch {
	struct ev_io io;
	struct way *way;
	ares_socket_t fd;
	bool used;
};

struct dns_channel {
	struct ev_loop *loop;
	struct way ways[WAYS];
	struct socket_watch sockets[SOCKETS_MAX];
};

static void
on_socket(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct socket_watch *s = w->data;

	(void)loop;
	ares_process_fd(s->way->ares, events & EV_READ ? s->fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? s->fd : ARES_SOCKET_BAD);
}

/* c-ares says what it wants to know of a socket; neither: it is about to be closed. */
static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct way *way = arg;
	struct dns_channel *c = way->channel;
	struct socket_watch *found = NULL;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct socket_watch *s = &c->sockets[i];

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
		ev_io_stop(c->loop, &found->io);
	found->used = readable || writable;
	if (!found->used)
		return;
	found->fd = fd;
	found->way = way;
	ev_io_init(&found->io, on_socket, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	found->io.data = found;
	ev_io_start(c->loop, &found->io);
}

static bool
point_at(const struct way *way, const struct address *server)
{
	struct ares_addr_port_node node = { 0 };

	node.udp_port = node.tcp_port = server->port;
	if (address_is_v4(&server->ip)) {
		node.family = AF_INET;
		memcpy(&node.addr.addr4, server->ip.s6_addr + 12, 4);
	} else {
		node.family = AF_INET6;
		memcpy(&node.addr.addr6, server->ip.s6_addr, 16);
	}
	return ares_set_servers_ports(way->ares, &node) == ARES_SUCCESS;
}

static bool
open_way(struct way *way, int flag, const struct address *server)
{
	struct ares_options options = { 0 };
	char no_lookups[] = "b";

	options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
	    ARES_FLAG_NOALIASES | flag;
	options.timeout = TIMEOUT_MS;
	options.tries = TRIES;
	options.ednspsz = DNS_CHANNEL_EDNS_SIZE;
	options.lookups = no_lookups;
	options.sock_state_cb = on_socket_state;
	options.sock_state_cb_data = way;
	if (ares_init_options(&way->ares, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) ==
	    ARES_SUCCESS)
		return point_at(way, server);
	way->ares = NULL;
	return false;
}

struct dns_channel *
dns_channel_new(struct ev_loop *loop, const struct address *server)
{
	struct dns_channel *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->loop = loop;
	c->ways[UDP].channel = c->ways[TCP].channel = c;
	if (open_way(&c->ways[UDP], ARES_FLAG_IGNTC, server) &&
	    open_way(&c->ways[TCP], ARES_FLAG_USEVC, server))
		return c;
	dns_channel_free(c);
	return NULL;
}

void
dns_channel_free(struct dns_channel *c)
{
	for (int i = 0; c != NULL && i < WAYS; i++)
		if (c->ways[i].ares != NULL)
			ares_destroy(c->ways[i].ares);
	free(c);
}

void
dns_channel_send(struct dns_channel *c, bool tcp, const unsigned char *packet, int len,
    ares_callback done, void *arg)
{
	ares_send(c->ways[tcp ? TCP : UDP].ares, packet, len, done, arg);
}

/* By its TC bit, or as more came than we had asked for, of which c-ares keeps the beginning. */
bool
dns_channel_truncated(const unsigned char *packet, int len)
{
	return len >= DNS_CHANNEL_EDNS_SIZE || (len > 2 && packet[2] & 0x02);
}

void
dns_channel_tick(struct dns_channel *c)
{
	for (int i = 0; i < WAYS; i++)
		ares_process_fd(c->ways[i].ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
