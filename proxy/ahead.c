/* ahead.c - TLS with the MX, begun while the client is still talking
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/ahead.h"

#include "proxy/decision.h"

/* With path: inspect a client in the clear may still ask for TLS of its own with this server. */
static bool
is_ours(const struct session *s)
{
	return !s->proxy->config->inspect || s->client.tls != NULL;
}

void
ahead_begin(struct session *s)
{
	const struct upstream *up = &s->up;
	struct demand *terms;

	/* One failed handshake is enough for a client whose mail went on in clear text. */
	if (up->phase != SERVER_READY || up->starttls != STARTTLS_NOT_TRIED ||
	    up->pending_len > 0 || up->leg.tls != NULL || s->broken != NULL || !is_ours(s))
		return;
	terms = asker_terms(s->proxy->asker, &s->origin);
	if (terms == NULL)
		return;
	ahead_over(s);
	s->ahead = demand_hold(terms);
	upstream_starttls(&s->up, terms);
}

void
ahead_secured(struct session *s)
{
	if (s->ahead != NULL && (s->decision == NULL || s->decision->stage == STAGE_ASK))
		upstream_hello(&s->up, s->hello);
}

bool
ahead_tried(const struct session *s, const struct requirement *q)
{
	if (s->ahead == NULL)
		return false;
	switch (s->up.starttls) {
	/* Answers to the word STARTTLS, before any name was said. */
	case STARTTLS_REFUSED:
	case STARTTLS_WRONG_CODE:
	case STARTTLS_INJECTED:
		return true;
	case STARTTLS_NOT_TRIED:
	case STARTTLS_OFFERED:
	case STARTTLS_ABSENT:
	case STARTTLS_MASKED:
		break;
	}
	return demand_same_terms(s->ahead->requirement, q);
}

void
ahead_over(struct session *s)
{
	demand_drop(s->ahead);
	s->ahead = NULL;
}
