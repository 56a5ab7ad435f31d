/* report.c - the session's records: decisions, and its end
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/report.h"
#include "daemon/moment.h"

#include <stdio.h>
#include <string.h>

#define NAMES_SIZE 512		/* of the certificate's names in a record; more are cut */

/* What an event's strings are made of while it is written. */
struct texts {
	char names[NAMES_SIZE];
	char dns[EVENT_DNS_MAX + 1];
	char record[TLSA_TEXT_SIZE];
};

static uint32_t
milliseconds(double from, double to)
{
	return from > 0 && to > from ? (uint32_t)((to - from) * 1000) : 0;
}

/* fill_path: the path it took in the end, and with path: inspect why. */
static void
fill_path(struct event *e, bool end_to_end, const char *ended_here, const char *detail)
{
	e->path = end_to_end ? "inspect" : "upgrade";
	if (!end_to_end && ended_here == NULL)
		return;
	e->inspect_outcome = end_to_end ? "end-to-end" : "ended-here";
	e->inspect_code = end_to_end ? "" : ended_here;
	e->inspect_detail = end_to_end || detail == NULL ? "" : detail;
}

static void
fill_session(struct event *e, const struct session *s, bool end_to_end)
{
	e->time_us = moment_wall_us();
	e->session_id = s->id;
	e->src = s->peer;
	e->dest = s->origin;
	e->helo = s->hello == NULL ? "" : s->hello;
	fill_path(e, end_to_end, s->ended_here, s->ended_here_detail);
}

static void
fill_policy(struct event *e, const struct requirement *q, const struct verdict *v)
{
	e->mx_host = q->mx_host;
	e->policy_type = policy_type_name(v->by_memory ? POLICY_NONE_FOUND : q->policy_type);
	e->policy_domain = q->policy_domain;
	e->policy_id = q->policy_id;
	e->policy_age_s = q->age_s;
	if (q->policy_type == POLICY_STS)
		e->policy_mode = sts_mode_name(q->sts_mode);
	if (v->by_memory)
		e->policy_source = policy_source_name(SOURCE_MEMORY);
	else if (q->source != SOURCE_NONE)
		e->policy_source = policy_source_name(q->source);
}

/* fill_dns: what does not fit is left out by the line. */
static void
fill_dns(struct event *e, const struct requirement *q, char dns[EVENT_DNS_MAX + 1])
{
	size_t at = 0;

	dns[0] = '\0';
	e->dns = dns;
	for (size_t i = 0; i < q->answers_len; i++) {
		if (q->answers[i][0] == '\0')
			continue;
		int n = snprintf(dns + at, EVENT_DNS_MAX + 1 - at, "%s%s", at == 0 ? "" : "\n",
		    q->answers[i]);
		if (n < 0 || (size_t)n > EVENT_DNS_MAX - at) {
			char *end = strrchr(dns, '\n');
			*(end == NULL ? dns : end) = '\0';
			return;
		}
		at += (size_t)n;
	}
}

static void
fill_names(const struct proof *p, char names[NAMES_SIZE])
{
	size_t at = 0;

	names[0] = '\0';
	for (size_t i = 0; i < p->names_len; i++) {
		int n = snprintf(names + at, NAMES_SIZE - at, "%s%s", i == 0 ? "" : " ",
		    p->names[i]);
		if (n < 0 || (size_t)n >= NAMES_SIZE - at)
			return;
		at += (size_t)n;
	}
}

/* fill_dane: how the chain stands against the records that this requirement has. */
static void
fill_dane(struct event *e, const struct proof *p, const struct requirement *q,
    char record[TLSA_TEXT_SIZE])
{
	if (p->dane == PROOF_DANE_NOT_ASKED || q->tlsa.len == 0)
		return;
	e->dane_state = proof_dane_name(p->dane);
	e->dane_detail = p->dane_detail;
	if (!tlsa_same(&q->tlsa, p->dane_digest)) {
		e->dane_detail = "of other TLSA records";
		return;
	}
	if ((p->dane != PROOF_DANE_EE && p->dane != PROOF_DANE_TA) ||
	    p->dane_record >= q->tlsa.len || p->dane_base >= q->tlsa.bases_len)
		return;
	e->dane_record = tlsa_text(&q->tlsa.records[p->dane_record], record);
	e->dane_base = q->tlsa.bases[p->dane_base];
	e->dane_depth = p->dane_depth;
}

static void
fill_tls(struct event *e, const struct proof *p, char names[NAMES_SIZE])
{
	e->tls_detail = p->detail;
	e->tls_sni = p->sni;
	if (p->state != PROOF_TLS)
		return;
	e->tls_version = p->version;
	e->tls_cipher = p->cipher;
	e->tls_subject = p->subject;
	e->tls_issuer = p->issuer;
	e->tls_not_after = p->not_after;
	e->tls_resumed = p->resumed;
	e->chain_len = (uint8_t)p->chain_len;
	memcpy(e->chain_sha256, p->chain_sha256, p->chain_len * sizeof(p->chain_sha256[0]));
	fill_names(p, names);
	e->tls_names = names;
}

static void
count(struct session *s, enum verdict_kind kind)
{
	static const enum counter which[] = {
		[VERDICT_PASS] = COUNTER_PASSED, [VERDICT_REFUSE] = COUNTER_REFUSED,
		[VERDICT_WOULD_REFUSE] = COUNTER_WOULD_REFUSE,
	};

	counters_add(s->proxy->counters, s->proxy->column, which[kind], 1);
}

static void
add(struct proxy *p, const struct event *e)
{
	if (!queue_add(p->records, e))
		counters_add(p->counters, p->column, COUNTER_RECORDS_DROPPED, 1);
}

void
report_decision(struct session *s, const struct report_decision *d)
{
	struct event e;
	struct texts texts;

	event_clear(&e);
	e.type = EVENT_DECISION;
	fill_session(&e, s, d->end_to_end);
	fill_policy(&e, d->requirement, d->verdict);
	fill_dns(&e, d->requirement, texts.dns);
	if (d->proof != NULL && d->proof->state != PROOF_NO_TLS)
		fill_tls(&e, d->proof, texts.names);
	if (d->proof != NULL && d->proof->state == PROOF_TLS)
		fill_dane(&e, d->proof, d->requirement, texts.record);
	e.id = d->id;
	e.verdict = verdict_kind_name(d->verdict->kind);
	e.mode = d->requirement->monitor ? "monitor" : "enforce";
	e.result_type = result_type_name(d->verdict->result_type);
	e.reason_code = d->verdict->reason_code;
	e.reason = d->verdict->reason;
	e.reply = d->reply;
	e.rcpt_domain = d->domain;
	e.recipient = d->recipient;
	e.starttls = starttls_name(d->starttls);
	if (d->starttls == STARTTLS_REFUSED || d->starttls == STARTTLS_WRONG_CODE)
		e.server_reply = s->up.said;
	e.policy_ms = d->policy_ms;
	e.connect_ms = milliseconds(s->up.dialled, s->up.connected);
	e.tls_ms = milliseconds(s->up.connected, s->up.secured);
	e.added_ms = d->added_ms;
	add(s->proxy, &e);
	count(s, d->verdict->kind);
}

void
report_sighting(struct session *s, const struct requirement *q)
{
	const struct sighting seen = { s->origin, q->mx_host };

	if (s->proxy->sighting == NULL)
		return;
	/* What was answered before the first sighting would let the next stripping pass. */
	if (!q->remembered && !judge_demands_tls(q))
		asker_saw(s->proxy->asker, &s->origin.ip);
	s->proxy->sighting(s->proxy->arg, &seen);
}

void
report_end(struct proxy *proxy, const struct report_end *end)
{
	struct event e;

	event_clear(&e);
	e.type = EVENT_SESSION;
	e.time_us = moment_wall_us();
	e.session_id = end->id;
	e.src = end->peer;
	e.dest = end->origin;
	e.helo = end->hello == NULL ? "" : end->hello;
	fill_path(&e, end->end_to_end, end->ended_here, end->ended_here_detail);
	e.action = "closed";
	e.ended_by = end->ended_by;
	e.detail = end->why;
	e.bytes_in = end->bytes_in;
	e.bytes_out = end->bytes_out;
	e.messages = end->messages;
	e.duration_ms = milliseconds(end->opened, moment_now());
	add(proxy, &e);
	counters_add(proxy->counters, proxy->column, COUNTER_MESSAGES, end->messages);
}

void
report_rejected(struct proxy *proxy, const struct address *peer, const struct address *origin,
    const char *why)
{
	struct event e;
	char id[ID_SESSION_SIZE];

	event_clear(&e);
	e.type = EVENT_SESSION;
	e.time_us = moment_wall_us();
	id_session(&proxy->ids, id, e.time_us / 1000);
	e.session_id = id;
	e.path = "upgrade";
	e.src = *peer;
	if (origin != NULL)
		e.dest = *origin;
	e.action = "closed";
	e.ended_by = "postern";
	e.detail = why;
	add(proxy, &e);
}
