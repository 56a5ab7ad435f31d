/* prober.c - posternctl's probe: a real handshake by the data path's own code, step by step
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/prober.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/judge.h"
#include "proxy/asker.h"
#include "proxy/upstream.h"
#include "daemon/moment.h"

#define STEP_SIZE 512
#define EXIT_YES 0		/* posternctl's exit codes (INTERFACE) */
#define EXIT_NO 1
#define EXIT_UNKNOWN 75

struct run {
	struct prober *prober;
	struct run *next;
	uint32_t id;
	struct upstream up;
	struct asking asking;
	struct demand *demand;
	ev_timer timer;
	bool over;
	enum server_phase said;		/* the phase that was told last */
	char domain[DOMAIN_SIZE];
};

struct prober {
	struct proxy *proxy;
	void (*step)(void *arg, const struct probe_step *s);
	void *arg;
	struct run *runs;
	size_t open;
};

struct prober *
prober_new(struct proxy *proxy, void (*step)(void *arg, const struct probe_step *s), void *arg)
{
	struct prober *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->proxy = proxy;
	p->step = step;
	p->arg = arg;
	return p;
}

static void
release(struct run *r)
{
	upstream_close(&r->up);
	asker_withdraw(r->prober->proxy->asker, &r->asking);
	ev_timer_stop(r->prober->proxy->loop, &r->timer);
	demand_drop(r->demand);
	free(r);
}

/* sweep: frees the runs that are over; never called from inside one. */
static void
sweep(struct prober *p)
{
	for (struct run **at = &p->runs; *at != NULL;) {
		struct run *r = *at;
		if (!r->over) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		p->open--;
		release(r);
	}
}

void
prober_free(struct prober *p)
{
	if (p == NULL)
		return;
	for (struct run *r = p->runs; r != NULL; r = r->next)
		r->over = true;
	sweep(p);
	free(p);
}

size_t
prober_open(const struct prober *p)
{
	return p->open;
}

__attribute__((format(printf, 4, 5))) static void
say(struct run *r, bool last, uint8_t code, const char *format, ...)
{
	char text[STEP_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	const struct probe_step step = { r->id, last, code, text };
	r->prober->step(r->prober->arg, &step);
	if (last)
		r->over = true;
}

static void
say_proof(struct run *r)
{
	const struct proof *p = r->up.proof;

	say(r, false, 0, "TLS: %s %s, SNI %s%s", p->version, p->cipher,
	    p->sni[0] != '\0' ? p->sni : "(none)", p->resumed ? ", resumed" : "");
	say(r, false, 0, "certificate: %s, issued by %s, chain %s%s%s", p->subject, p->issuer,
	    proof_chain_name(p->chain), p->detail[0] != '\0' ? ": " : "", p->detail);
	for (size_t i = 0; i < p->names_len; i++)
		say(r, false, 0, "certificate name: %s", p->names[i]);
}

static void
say_dane(struct run *r)
{
	const struct tlsa_set *set = &r->demand->requirement->tlsa;
	const struct proof *p = r->up.proof;
	char record[TLSA_TEXT_SIZE], where[32] = "the leaf";

	if (set->len == 0)
		return;
	if ((p->dane != PROOF_DANE_EE && p->dane != PROOF_DANE_TA) ||
	    p->dane_record >= set->len || p->dane_base >= set->bases_len) {
		say(r, false, 0, "DANE: %s%s%s", proof_dane_name(p->dane),
		    p->dane_detail[0] != '\0' ? ": " : "", p->dane_detail);
		return;
	}
	if (p->dane_depth > 0)
		snprintf(where, sizeof(where), "the chain at depth %u", p->dane_depth);
	say(r, false, 0, "DANE: %s of %s matches %s",
	    tlsa_text(&set->records[p->dane_record], record), set->bases[p->dane_base], where);
}

static void
conclude(struct run *r)
{
	static const struct proof no_tls = { .state = PROOF_NO_TLS };
	const struct requirement *q = r->demand->requirement;
	struct verdict v;

	judge(q, r->up.starttls, r->up.proof != NULL ? r->up.proof : &no_tls, &v);
	if (r->up.proof != NULL && r->up.proof->state == PROOF_TLS) {
		say_proof(r);
		say_dane(r);
	}
	say(r, false, 0, "STARTTLS: %s", starttls_name(r->up.starttls));
	if (q->state == REQUIREMENT_DEFER)
		say(r, true, EXIT_UNKNOWN, "undecided: %s", v.reason);
	else if (v.kind == VERDICT_PASS)
		say(r, true, EXIT_YES, "would deliver: %s %s", result_type_name(v.result_type),
		    v.reason);
	else
		say(r, true, EXIT_NO, "would %s: %s %s",
		    v.kind == VERDICT_REFUSE ? "refuse" : "deliver, but reported",
		    result_type_name(v.result_type), v.reason);
}

static void
dead(struct run *r)
{
	bool outcome = r->up.starttls == STARTTLS_WRONG_CODE ||
	    r->up.starttls == STARTTLS_INJECTED || r->up.starttls == STARTTLS_REFUSED ||
	    r->up.proof != NULL;

	if (outcome)
		conclude(r);
	else
		say(r, true, EXIT_UNKNOWN, "no session: %s%s%s", r->up.fault,
		    r->up.said[0] != '\0' ? ": " : "", r->up.said);
}

static void
phase_reached(struct run *r)
{
	switch (r->up.phase) {
	case SERVER_GREETED:
		say(r, false, 0, "greeting: %s", r->up.said);
		upstream_hello(&r->up, "postern.invalid");
		break;
	case SERVER_READY:
		say(r, false, 0, "EHLO: %s", r->up.said);
		if (r->up.starttls == STARTTLS_NOT_TRIED && judge_wants_tls(r->demand->requirement))
			upstream_starttls(&r->up, r->demand);
		else
			conclude(r);
		break;
	case SERVER_SECURED:
		conclude(r);
		break;
	case SERVER_DEAD:
		dead(r);
		break;
	case SERVER_DIAL:
	case SERVER_GREETING:
	case SERVER_EHLO:
	case SERVER_HELO:
	case SERVER_STARTTLS:
	case SERVER_HANDSHAKE:
	case SERVER_IN_FLIGHT:
	case SERVER_EHLO_TLS:
	case SERVER_QUIT:
		break;
	}
}

static void
turn(struct run *r)
{
	struct ev_loop *loop = r->prober->proxy->loop;
	enum pending_kind kind;
	struct reply_line line;

	while (!r->over) {
		enum upstream_event event = upstream_next(&r->up, &kind, &line);
		if (event == UPSTREAM_NOTHING)
			break;
		phase_reached(r);
	}
	if (r->over) {
		/* Freed by the timer, outside of every callback of the upstream. */
		upstream_close(&r->up);
		ev_timer_stop(loop, &r->timer);
		ev_timer_set(&r->timer, 0, 0);
		ev_timer_start(loop, &r->timer);
		return;
	}
	bool dialling = r->up.phase == SERVER_DIAL;
	leg_flush(&r->up.leg);
	leg_watch(&r->up.leg, loop, !dialling, dialling);
	ev_timer_stop(loop, &r->timer);
	if (r->up.deadline > 0) {
		double now = moment_now();
		ev_timer_set(&r->timer, r->up.deadline > now ? r->up.deadline - now : 0, 0);
		ev_timer_start(loop, &r->timer);
	}
}

static void
ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct run *r = io->data;

	(void)loop;
	(void)events;
	r->up.leg.readable = true;
	turn(r);
}

static void
late(struct run *r)
{
	const char *doing = r->up.phase == SERVER_DEAD ? "asking the policy" :
	    server_doing(r->up.phase);

	upstream_timeout(&r->up);
	if (r->up.proof != NULL)	/* in the handshake */
		conclude(r);
	else
		say(r, true, EXIT_UNKNOWN, "%s: timed out", doing);
	upstream_close(&r->up);
}

static void
expired(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct run *r = timer->data;

	(void)loop;
	(void)events;
	if (!r->over)
		late(r);
	sweep(r->prober);
}

static void
say_requirement(struct run *r)
{
	const struct requirement *q = r->demand->requirement;
	char record[TLSA_TEXT_SIZE];

	say(r, false, 0, "policy for %s: %s%s%s, level %s%s, MX host %s", r->domain,
	    policy_type_name(q->policy_type), q->policy_type == POLICY_STS ? " " : "",
	    q->policy_type == POLICY_STS ? sts_mode_name(q->sts_mode) : "", level_name(q->level),
	    q->tlsa_unusable ? " (none of its TLSA records can be used)" : "",
	    q->mx_host[0] != '\0' ? q->mx_host : "(this address is none of its MX hosts)");
	for (size_t i = 0; i < q->tlsa.len; i++)
		say(r, false, 0, "TLSA of %s: %s", q->tlsa.bases[q->tlsa.records[i].base],
		    tlsa_text(&q->tlsa.records[i], record));
}

static void
answered(struct asking *asking, struct demand *demand, const struct recalled *recalled)
{
	struct run *r = asking->arg;
	char text[ADDRESS_TEXT_SIZE];

	(void)recalled;
	r->demand = demand;
	say_requirement(r);
	say(r, false, 0, "connecting to %s", address_print(&asking->question.peer, text));
	if (!upstream_dial(&r->up, &asking->question.peer, ready, r))
		say(r, true, EXIT_UNKNOWN, "no session: out of descriptors");
	turn(r);
}

void
prober_start(struct prober *p, const struct probe *probe)
{
	struct run *r = calloc(1, sizeof(*r));

	if (r == NULL || p->open >= PROBER_MAX) {
		const struct probe_step step = { probe->id, true, EXIT_UNKNOWN,
		    "too many probes are under way" };
		free(r);
		p->step(p->arg, &step);
		return;
	}
	r->prober = p;
	r->id = probe->id;
	snprintf(r->domain, sizeof(r->domain), "%s", probe->domain);
	upstream_init(&r->up, p->proxy->loop, p->proxy->originator);
	dial_plan(&r->up.dial, p->proxy->config, p->proxy->counters, NULL);
	ev_timer_init(&r->timer, expired, p->proxy->config->policy.wait_s + 5, 0);
	r->timer.data = r;
	ev_timer_start(p->proxy->loop, &r->timer);
	r->asking.question = (struct question){ .peer = probe->peer, .probe = true,
	    .domain = r->domain };
	r->asking.answered = answered;
	r->asking.arg = r;
	r->next = p->runs;
	p->runs = r;
	p->open++;
	/* A probe's answer is never from memory. */
	if (asker_ask(p->proxy->asker, &r->asking) != ASKER_ASKED)
		say(r, true, EXIT_UNKNOWN, "out of memory");
}
