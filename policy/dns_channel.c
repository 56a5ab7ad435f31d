/* dns_channel.c - one resolver: c-ares and its sockets on the loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * c-ares sends, repeats, and goes to TCP when an answer is truncated. */
#include "policy/dns_channel.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 2000		/* the first try; the second waits twice as long */
#define TRIES 2			/* six seconds, within policy.wait */
#define SOCKETS_MAX 16		/* UDP, and TCP connections */

struct socket_watch {
	struct ev_io io;
	struct dns_channel *channel;
	ares_socket_t fd;
	bool used;
};

struct dns_channel {
	struct ev_loop *loop;
	ares_channel ares;
	struct socket_watch sockets[SOCKETS_MAX];
};

static void
on_socket(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct socket_watch *s = w->data;

	(void)loop;
	ares_process_fd(s->channel->ares, events & EV_READ ? s->fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? s->fd : ARES_SOCKET_BAD);
}

/* c-ares says what it wants to know of a socket; neither: it is about to be closed. */
static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns_channel *c = arg;
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
	found->channel = c;
	ev_io_init(&found->io, on_socket, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	found->io.data = found;
	ev_io_start(c->loop, &found->io);
}

static bool
point_at(struct dns_channel *c, const struct address *server)
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
	return ares_set_servers_ports(c->ares, &node) == ARES_SUCCESS;
}

struct dns_channel *
dns_channel_new(struct ev_loop *loop, const struct address *server)
{
	struct dns_channel *c = calloc(1, sizeof(*c));
	struct ares_options options = { 0 };
	char no_lookups[] = "b";

	if (c == NULL)
		return NULL;
	c->loop = loop;
	options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
	    ARES_FLAG_NOALIASES;
	options.timeout = TIMEOUT_MS;
	options.tries = TRIES;
	options.ednspsz = DNS_CHANNEL_EDNS_SIZE;
	options.lookups = no_lookups;
	options.sock_state_cb = on_socket_state;
	options.sock_state_cb_data = c;
	if (ares_init_options(&c->ares, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS)
		c->ares = NULL;
	if (c->ares != NULL && point_at(c, server))
		return c;
	dns_channel_free(c);
	return NULL;
}

void
dns_channel_free(struct dns_channel *c)
{
	if (c != NULL && c->ares != NULL)
		ares_destroy(c->ares);
	free(c);
}

void
dns_channel_send(struct dns_channel *c, const unsigned char *packet, int len, ares_callback done,
    void *arg)
{
	ares_send(c->ares, packet, len, done, arg);
}

void
dns_channel_tick(struct dns_channel *c)
{
	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
