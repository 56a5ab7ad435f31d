/* deliver.c - a recipient that has passed, on its way to the server
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one place that sends MAIL and RCPT. What was judged on a TLS session goes over that session
 * or not at all; clear text over a new connection only where the failure of STARTTLS itself was
 * judged and let pass. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/decide.h"
#include "proxy/decision.h"

static const char extension_gone[] =
    "451 4.7.0 postern: the MX does not offer an extension after STARTTLS that it offered before";

/* keep_broken: the failed opportunistic handshake's proof, for the records of what follows in clear
 * text. */
static void
keep_broken(struct session *s)
{
	if (s->up.proof == NULL || s->up.proof->state != PROOF_HANDSHAKE_FAILED)
		return;
	if (s->broken != NULL) {
		proof_clear(s->broken);
		free(s->broken);
	}
	s->broken = s->up.proof;
	s->up.proof = NULL;
}

bool
decide_recipient(struct session *s, const char *line, size_t len, unsigned uses)
{
	/* Behind a body or a chunk it would belong to no transaction. */
	if (!upstream_may_send(&s->up) || upstream_owes_end(&s->up))
		return false;
	if ((uses & ~s->up.capability.extensions) != 0) {
		if (s->up.pending_len > 0)
			return false;
		session_say(s, extension_gone);
		return true;
	}
	leg_put(&s->up.leg, line, len);
	upstream_send(&s->up, PENDING_RCPT, "\r\n", 2);
	s->mail.recipients++;
	return true;
}

/* remember: keeps the domain's verdict for the transaction's other recipients. */
static bool
remember(struct session *s, const char *reply)
{
	if (envelope_decide(&s->mail, s->decision->domain, reply))
		return true;
	session_violation(s, "421 4.3.2 postern: out of memory", "out of memory");
	return false;
}

/* begin_envelope: the kept MAIL, if the server still offers what it needs: it may offer less after
 * STARTTLS than before. */
static bool
begin_envelope(struct session *s)
{
	struct upstream *up = &s->up;

	if (((s->mail.uses | s->decision->uses) & ~up->capability.extensions) != 0) {
		if (remember(s, extension_gone))
			decision_answer(s, extension_gone);
		return true;
	}
	if (!remember(s, NULL))
		return true;
	s->mail.sent = true;
	upstream_send(up, PENDING_MAIL, s->mail.mail, strlen(s->mail.mail));
	return true;
}

/* relay_envelope: MAIL, then the recipient, as far as the server's PIPELINING lets us. */
static bool
relay_envelope(struct session *s)
{
	struct decision *d = s->decision;

	assert(d->clear || upstream_tls(&s->up) == d->tls);
	if (!s->mail.sent)
		return begin_envelope(s);
	if (s->mail.mail_refused != NULL) {
		decision_answer(s, s->mail.mail_refused);
		return true;
	}
	if (!upstream_may_send(&s->up))
		return false;
	if (envelope_find(&s->mail, d->domain) == NULL && !remember(s, NULL))
		return true;
	upstream_send(&s->up, PENDING_RCPT, d->line, d->line_len);
	decision_done(s);
	return true;
}

bool
deliver_step(struct session *s)
{
	switch (s->up.phase) {
	case SERVER_DEAD:
		if (!s->decision->clear)
			return decision_lost(s);
		keep_broken(s);
		return decision_redial(s) ? true : decision_lost(s);
	case SERVER_GREETED:
	case SERVER_SECURED:
		upstream_hello(&s->up, s->hello);
		return true;
	case SERVER_READY:
		return relay_envelope(s);
	case SERVER_DIAL:
	case SERVER_GREETING:
	case SERVER_EHLO:
	case SERVER_HELO:
	case SERVER_STARTTLS:
	case SERVER_HANDSHAKE:
	case SERVER_IN_FLIGHT:
	case SERVER_EHLO_TLS:
	case SERVER_QUIT:
		return false;
	}
	return false;
}
