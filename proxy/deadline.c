/* deadline.c - what a session waits for may not take for ever
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which deadline has passed decides who is told what. */
#include "proxy/deadline.h"

#include "proxy/decide.h"
#include "proxy/inspect.h"
#include "daemon/moment.h"

/* next_deadline: the nearest of those that count now; 0 when there is none. */
static double
next_deadline(const struct session *s)
{
	/* While the server owes a reply the client is not the one who is late. */
	const double all[] = {
		s->up.pending_len == 0 ? s->client_deadline : 0, s->up.deadline, s->body_deadline,
		decide_deadline(s), inspect_deadline(s)
	};
	double at = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] > 0 && (at <= 0 || all[i] < at))
			at = all[i];
	return at;
}

void
deadline_arm(struct session *s)
{
	double at = next_deadline(s);

	if (at == s->armed)
		return;
	s->armed = at;
	ev_timer_stop(s->proxy->loop, &s->timer);
	if (at <= 0)
		return;
	double now = moment_now();
	ev_timer_set(&s->timer, at > now ? at - now : 0, 0);
	ev_timer_start(s->proxy->loop, &s->timer);
}

static bool
is_past(double deadline, double now)
{
	return deadline > 0 && now >= deadline;
}

/* client_late: nothing can be said into a handshake that is not finished. */
static void
client_late(struct session *s)
{
	if (s->wait == WAIT_HANDSHAKE || s->wait == WAIT_INSPECT) {
		if (!s->end_to_end)
			s->proxy->tls_failed(s->proxy->arg, &s->peer.ip);
		s->client.failed = true;
	} else {
		session_say(s, "421 4.4.2 postern: timed out");
	}
	session_end(s, "postern", "the client timed out");
}

void
deadline_passed(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct session *s = timer->data;
	double now = moment_now();

	(void)loop;
	(void)events;
	s->armed = 0;
	if (is_past(decide_deadline(s), now))
		decide_give_up(s);
	else if (is_past(inspect_deadline(s), now))
		inspect_give_up(s);
	else if (is_past(s->up.deadline, now))
		upstream_timeout(&s->up);
	else if (s->wait == WAIT_FLUSH)
		s->client.failed = true;
	else if (is_past(s->client_deadline, now) && s->up.leg.blocked)
		upstream_violation(&s->up, "takes no more of the mail");
	else if (is_past(s->client_deadline, now) || is_past(s->body_deadline, now))
		client_late(s);
	session_turn(s);
}
