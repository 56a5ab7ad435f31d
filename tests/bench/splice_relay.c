/* splice_relay.c - the bare relay as a program, in the place of a transparent proxy
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * splice_relay PORT PIPE: takes what is redirected to PORT to where it meant to go, through pipes of
 * so many octets; looks at nothing, writes nothing down. Says "ready" once it listens. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>

#include <linux/netfilter_ipv4.h>

#include "tests/bench/bare_relay.h"

#define FILES 100000

struct relayed {
	struct bare_pair pair;
	struct relayed *next;
};

static struct relayed *all;

static void
take(struct bare *b, int door)
{
	struct sockaddr_in origin;
	socklen_t len = sizeof(origin);
	int client = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (client < 0)
		return;
	bare_need(getsockopt(client, SOL_IP, SO_ORIGINAL_DST, &origin, &len) == 0, "origin");
	int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bare_need(server >= 0 && (connect(server, (struct sockaddr *)&origin, len) == 0 ||
	    errno == EINPROGRESS), "connect");
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	struct relayed *r = calloc(1, sizeof(*r));
	bare_need(r != NULL, "calloc");
	bare_open(b, &r->pair, client, server);
	r->next = all;
	all = r;
}

/* reap: those that are over, between two turns, as events of both ends may be in one. */
static void
reap(void)
{
	struct relayed **at = &all, *r;

	while ((r = *at) != NULL)
		if (r->pair.over) {
			*at = r->next;
			free(r);
		} else {
			at = &r->next;
		}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct rlimit files = { FILES, FILES };
	struct bare b = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct epoll_event events[BARE_EVENTS], event = { .events = EPOLLIN };
	int door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (argc != 3) {
		fprintf(stderr, "usage: splice_relay PORT PIPE\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	b.pipe_size = (size_t)atoi(argv[2]);
	bare_need(bind(door, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(door, 4096) == 0,
	    "listen");
	bare_need(epoll_ctl(b.epoll, EPOLL_CTL_ADD, door, &event) == 0, "epoll_ctl");
	puts("ready");
	fflush(stdout);
	for (;;) {
		size_t open = b.open;
		int n = epoll_wait(b.epoll, events, BARE_EVENTS, -1);
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == NULL)
				take(&b, door);
			else
				bare_ready(&b, events[i].data.ptr, events[i].events);
		if (b.open < open)
			reap();
	}
}
