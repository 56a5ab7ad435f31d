/* talk.c - two peers talking under encryption, watched until one is known to have heard the other
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/talk.h"

static bool
has(unsigned began, enum record_type type)
{
	return began >> (type - RECORD_CHANGE_CIPHER_SPEC) & 1;
}

void
talk_end(struct talk *t, enum peek_talk state)
{
	t->state = state;
	keepsake_clear(&t->keepsake);
}

void
talk_evidence(struct talk *t, const struct evidence *e, bool weak)
{
	if (!keepsake_fill(&t->keepsake, e, weak))
		talk_end(t, PEEK_SETTLED);
}

void
talk_server(struct talk *t, const void *octets, size_t len)
{
	bool bad = false;
	unsigned began = record_track(&t->server, octets, len, &bad);

	if (bad)
		talk_end(t, PEEK_BROKEN);
	else if (has(began, RECORD_ALERT))
		talk_end(t, PEEK_SETTLED);
	else if (has(began, RECORD_APPLICATION_DATA) && t->asked && t->client.have == 0 &&
	    t->client.left == 0)
		t->answered = true;	/* a record under way already would be no reply to it */
}

void
talk_client(struct talk *t, const void *octets, size_t len)
{
	bool bad = false;
	unsigned began = record_track(&t->client, octets, len, &bad);

	if (bad)
		talk_end(t, PEEK_BROKEN);
	else if (t->answered && has(began, RECORD_APPLICATION_DATA))
		t->state = PEEK_SETTLED;
	else if (has(began, RECORD_ALERT))
		talk_end(t, PEEK_SETTLED);
	else if (has(began, RECORD_CHANGE_CIPHER_SPEC))
		t->sealed = true;
	t->asked |= t->sealed && has(began, RECORD_APPLICATION_DATA);
}
