/* tunnel.c - a session that passes end to end: what is left of it while the kernel moves its octets
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/passage.h"
#include "proxy/report.h"

struct tunnel {
	struct passage passage;
	struct proxy *proxy;
	struct tunnel *next, *previous;
	struct address peer, origin;
	double opened;
	uint64_t bytes_in, bytes_out;	/* before the kernel took over */
	char *hello;
	char id[ID_SESSION_SIZE];
};

static void
over(struct passage *passage)
{
	static const char *const sides[] = {
		[PASSAGE_CLIENT] = "client", [PASSAGE_SERVER] = "server",
	};
	struct tunnel *t = passage->arg;
	struct proxy *p = t->proxy;
	const struct report_end end = {
		.id = t->id, .hello = t->hello, .peer = t->peer, .origin = t->origin,
		.opened = t->opened, .end_to_end = true,
		.ended_by = passage->timed_out ? "postern" : sides[passage->ended_by],
		.why = passage->why,
		.bytes_in = t->bytes_in + passage->way[PASSAGE_CLIENT].octets,
		.bytes_out = t->bytes_out + passage->way[PASSAGE_SERVER].octets,
	};

	passage_close(passage);
	report_end(p, &end);
	if (t->previous != NULL)
		t->previous->next = t->next;
	else
		p->tunnels = t->next;
	if (t->next != NULL)
		t->next->previous = t->previous;
	t->next = p->tunnels_ended;
	p->tunnels_ended = t;
}

void
tunnel_begin(struct session *s)
{
	struct proxy *p = s->proxy;
	struct tunnel *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		s->client.failed = true;
		session_end(s, "postern", "out of memory");
		return;
	}
	t->proxy = p;
	t->peer = s->peer;
	t->origin = s->origin;
	t->opened = s->opened;
	t->bytes_in = s->client.bytes_in;
	t->bytes_out = s->client.bytes_out;
	t->hello = s->hello;
	s->hello = NULL;
	memcpy(t->id, s->id, sizeof(t->id));
	int client = leg_release(&s->client, p->loop);
	int server = leg_release(&s->up.leg, p->loop);
	if ((t->next = p->tunnels) != NULL)
		t->next->previous = t;
	p->tunnels = t;
	s->handed_over = s->ended = true;
	passage_open(&t->passage, p->loop, &p->pipes, client, server, over, t);
	if (p->closing)
		passage_hurry(&t->passage, TUNNEL_LULL_S);
}

void
tunnel_reap(struct proxy *p)
{
	struct tunnel *t;

	while ((t = p->tunnels_ended) != NULL) {
		p->tunnels_ended = t->next;
		session_vacate(p, &t->peer);
		free(t->hello);
		free(t);
	}
}

void
tunnel_shutdown(struct proxy *p)
{
	for (struct tunnel *t = p->tunnels; t != NULL; t = t->next)
		passage_hurry(&t->passage, TUNNEL_LULL_S);
}
