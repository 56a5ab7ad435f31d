/* decide.c - from a recipient domain to a verdict, and to the recipient's way to the server
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A decision goes through three stages: ask the policy process; bring the peer to where it can be
 * judged (dial, EHLO, STARTTLS); deliver MAIL and RCPT, or refuse. Each stage is entered again
 * whenever the session has its turn, and returns when it must wait. */
#include "proxy/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/ahead.h"
#include "proxy/decision.h"
#include "proxy/report.h"
#include "daemon/moment.h"

void
decide_drop(struct session *s)
{
	struct decision *d = s->decision;

	if (d == NULL)
		return;
	s->decision = NULL;
	asker_withdraw(s->proxy->asker, &d->asking);
	demand_drop(d->demand);
	free(d->line);
	free(d);
}

void
decision_done(struct session *s)
{
	decide_drop(s);
	if (s->wait == WAIT_DECISION)
		session_await_command(s);
}

/* take: the answer, from the policy process or from memory. */
static void
take(struct session *s, struct demand *demand)
{
	struct decision *d = s->decision;

	/* What STARTTLS has shown under the one it would show again under the other. */
	d->tried = d->tried && demand_same_session(d->demand->requirement,
	    demand->requirement);
	demand_drop(d->demand);
	d->demand = demand;
	d->policy_s += moment_now() - d->asking.asked;
	d->stage = STAGE_PEER;
}

static void
answered(struct asking *asking, struct demand *demand, const struct recalled *recalled)
{
	struct session *s = asking->arg;

	(void)recalled;
	take(s, demand);
	session_turn(s);
}

static bool
ask(struct session *s, bool recheck)
{
	struct decision *d = s->decision;

	d->stage = STAGE_ASK;
	d->asking.question = (struct question){
		.peer = s->origin, .recheck = recheck, .domain = d->domain,
	};
	d->asking.answered = answered;
	d->asking.arg = s;
	switch (asker_ask(s->proxy->asker, &d->asking)) {
	case ASKER_KNOWN:
		take(s, d->asking.demand);
		return true;
	case ASKER_ASKED:
		return true;
	case ASKER_FAILED:
		return false;
	}
	return false;
}

void
decide_begin(struct session *s, const char *line, size_t len, const struct command *command)
{
	struct decision *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->line = malloc(len + 2)) == NULL) {
		free(d);
		session_say(s, "452 4.3.2 postern: out of memory");
		return;
	}
	memcpy(d->line, line, len);
	d->line[len] = '\r';
	d->line[len + 1] = '\n';
	d->line_len = len + 2;
	d->mailbox_at = (size_t)(command->path.mailbox - line);
	d->mailbox_len = command->path.mailbox_len;
	d->uses = command->uses;
	memcpy(d->domain, command->path.domain, sizeof(d->domain));
	d->began = moment_now();
	s->decision = d;
	s->mail.recipients++;
	session_await(s, WAIT_DECISION);
	if (!ask(s, false)) {
		session_say(s, "452 4.3.2 postern: out of memory");
		decision_done(s);
	}
}

double
decide_deadline(const struct session *s)
{
	const struct decision *d = s->decision;

	return d == NULL ? 0 : asker_deadline(&d->asking, s->proxy->config->policy.wait_s);
}

/* service_down: what counts while the policy process does not answer. NULL: out of memory. */
static struct demand *
service_down(bool monitor)
{
	static const struct requirement down = {
		.state = REQUIREMENT_DEFER, .defer_code = DEFER_SERVICE_DOWN,
		.policy_domain = "", .policy_id = "", .mx_host = "", .sni = "",
		.secure_domain = "", .reason = "the policy process did not answer",
	};
	struct requirement *q = malloc(sizeof(down));

	if (q == NULL)
		return NULL;
	*q = down;
	q->monitor = monitor;
	return demand_new(q);
}

void
decide_give_up(struct session *s)
{
	struct decision *d = s->decision;

	asker_withdraw(s->proxy->asker, &d->asking);
	d->policy_s += moment_now() - d->asking.asked;
	d->stage = STAGE_PEER;
	/* A re-check that brings no answer leaves the first answer in force. */
	if (d->demand != NULL)
		return;
	d->demand = service_down(s->proxy->config->mode == MODE_MONITOR);
	if (d->demand == NULL)
		session_violation(s, "421 4.3.2 postern: out of memory", "out of memory");
}

/* record: the one line about this recipient domain in this transaction. */
static void
record(struct session *s, const char *reply, enum starttls starttls, const struct proof *proof)
{
	struct decision *d = s->decision;
	char mailbox[512];
	size_t len = d->mailbox_len < sizeof(mailbox) ? d->mailbox_len : sizeof(mailbox) - 1;

	memcpy(mailbox, d->line + d->mailbox_at, len);
	mailbox[len] = '\0';
	const struct report_decision report = {
		.id = d->id, .domain = d->domain, .recipient = mailbox,
		.reply = reply == NULL ? "" : reply,
		.requirement = d->demand->requirement, .verdict = &d->verdict,
		.starttls = starttls, .proof = proof,
		.policy_ms = (uint32_t)(d->policy_s * 1000),
		.added_ms = (uint32_t)((moment_now() - d->began) * 1000),
	};
	report_decision(s, &report);
	if (d->verdict.kind == VERDICT_PASS && proof != NULL && proof->state == PROOF_TLS)
		report_sighting(s, d->demand->requirement);
}

void
decision_answer(struct session *s, const char *reply)
{
	session_say(s, reply);
	decision_done(s);
}

static void
refuse(struct session *s, enum starttls starttls, const struct proof *proof)
{
	struct decision *d = s->decision;
	char reply[VERDICT_REPLY_MAX + 1];

	verdict_reply(reply, sizeof(reply), d->id, d->domain, d->demand->requirement, &d->verdict);
	record(s, reply, starttls, proof);
	if (proof != NULL && proof->state == PROOF_TLS)
		originate_forget(s->proxy->originator, proof->sni, &s->origin.ip,
		    sizeof(s->origin.ip), proof->dane_digest);
	if (!envelope_decide(&s->mail, d->domain, reply))
		session_violation(s, "421 4.3.2 postern: out of memory", "out of memory");
	else
		decision_answer(s, reply);
}

bool
decision_redial(struct session *s)
{
	struct decision *d = s->decision;

	if (s->mail.sent || d->dials >= DECISION_DIALS_MAX)
		return false;
	d->dials++;
	d->tried = false;
	session_dial(s);
	return true;
}

/* recheckable: where what decides was learnt, and may have changed since: a policy (RFC 8461 5.1),
 * TLSA records that were rolled over. */
static bool
recheckable(const struct requirement *q)
{
	return q->policy_type == POLICY_STS || q->policy_type == POLICY_TLSA ||
	    q->level == LEVEL_DANE || q->level == LEVEL_DANE_ONLY || q->tlsa_unusable;
}

/* tried: whether the peer has had its chance to satisfy this requirement on this connection. */
static bool
tried(const struct session *s)
{
	return s->decision->tried || ahead_tried(s, s->decision->demand->requirement);
}

/* again: a verdict against the peer is not the last word while another TLS session, or newer
 * knowledge than the cached, might change it. True: wait for that. */
static bool
again(struct session *s)
{
	struct decision *d = s->decision;

	if (d->demand->requirement->state == REQUIREMENT_DEFER)
		return false;
	if ((d->verdict.other_session || s->ahead != NULL) && !tried(s) && decision_redial(s))
		return true;
	if (d->rechecked || !recheckable(d->demand->requirement))
		return false;
	d->rechecked = true;
	if (ask(s, true))
		return true;
	d->stage = STAGE_PEER;
	return false;
}

/* judge_peer: the verdict on what the peer has shown; true when the decision has moved. */
static bool
judge_peer(struct session *s, enum starttls starttls, const struct proof *proof)
{
	static const struct proof no_tls = { .state = PROOF_NO_TLS };
	struct decision *d = s->decision;

	judge(d->demand->requirement, starttls, proof != NULL ? proof : &no_tls, &d->verdict);
	if (d->verdict.kind != VERDICT_PASS && again(s))
		return true;
	if (d->demand->requirement->state == REQUIREMENT_READY)
		ahead_over(s);
	id_decision(&s->proxy->ids, d->id);
	if (d->verdict.kind == VERDICT_REFUSE) {
		refuse(s, starttls, proof);
		return true;
	}
	record(s, NULL, starttls, proof);
	d->stage = STAGE_DELIVER;
	d->clear = s->up.phase == SERVER_DEAD;
	d->tls = upstream_tls(&s->up);
	d->dials = 0;
	return true;
}

bool
decision_lost(struct session *s)
{
	session_sayf(s, "421 4.4.1 postern: lost the connection to the MX: %s%s%s", s->up.fault,
	    s->up.said[0] != '\0' ? ": " : "", s->up.said);
	session_end(s, "server", s->up.fault);
	return true;
}

/* dead_peer: judged where its death is the outcome of STARTTLS, else dialled again. */
static bool
dead_peer(struct session *s)
{
	struct upstream *up = &s->up;
	bool outcome = up->starttls == STARTTLS_WRONG_CODE ||
	    up->starttls == STARTTLS_INJECTED || up->starttls == STARTTLS_REFUSED ||
	    (up->proof != NULL && up->proof->state == PROOF_HANDSHAKE_FAILED);

	if (outcome && tried(s))
		return judge_peer(s, up->starttls, up->proof);
	/* It died of itself, before this decision or since: one more try, no more. */
	if (s->decision->dials == 0 && decision_redial(s))
		return true;
	return decision_lost(s);
}

/* ready_peer: in clear text STARTTLS is tried where it is offered and wanted. */
static bool
ready_peer(struct session *s)
{
	struct decision *d = s->decision;
	struct upstream *up = &s->up;
	const struct requirement *q = d->demand->requirement;

	if (up->leg.tls != NULL || up->starttls != STARTTLS_NOT_TRIED || !judge_wants_tls(q))
		return judge_peer(s, up->starttls, up->proof);
	/* One failed handshake is enough for mail that may go in clear text. */
	if (s->broken != NULL && !judge_demands_tls(q)) {
		d->tried = true;
		return judge_peer(s, STARTTLS_OFFERED, s->broken);
	}
	if (s->mail.sent)
		return judge_peer(s, up->starttls, up->proof);
	d->tried = true;
	upstream_starttls(up, d->demand);
	return true;
}

static bool
peer_step(struct session *s)
{
	const struct requirement *q = s->decision->demand->requirement;

	/* Nothing may be sent, so nothing is tried; monitor lets it pass, over TLS if it can. */
	if (q->state == REQUIREMENT_DEFER && !q->monitor)
		return judge_peer(s, s->up.starttls, NULL);
	switch (s->up.phase) {
	case SERVER_DEAD:
		return dead_peer(s);
	case SERVER_GREETED:
		upstream_hello(&s->up, s->hello);
		return true;
	case SERVER_READY:
		return ready_peer(s);
	case SERVER_SECURED:
		return judge_peer(s, s->up.starttls, s->up.proof);
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

bool
decide_step(struct session *s)
{
	switch (s->decision->stage) {
	case STAGE_ASK:
		return false;
	case STAGE_PEER:
		return peer_step(s);
	case STAGE_DELIVER:
		return deliver_step(s);
	}
	return false;
}
