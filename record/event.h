/* event.h - what happened, as one flat value with a wire form and a JSON form
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Strings that come from the network are kept as they came; escaping and capping is the business of
 * the forms. After event_decode strings point into the message. NULL is never stored: "" means
 * absent and leaves the field out of the JSON. */
#ifndef RECORD_EVENT_H
#define RECORD_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"
#include "record/text.h"

enum event_type {
	EVENT_DECISION = 1, EVENT_SESSION, EVENT_POLICY, EVENT_RULES, EVENT_CONFIG, EVENT_HEALTH,
	EVENT_REPORT
};

#define EVENT_CHAIN_MAX 12
#define EVENT_DNS_MAX 4096	/* eight of the longest answers */

struct event {
	enum event_type type;
	uint64_t time_us;		/* since the epoch, UTC */
	bool alarm;			/* for notices: warning instead of info */
	const char *id;			/* decision id "K7Q2-M4XD" */
	const char *session_id;		/* 26 characters */
	const char *path;		/* "upgrade" | "inspect" */
	struct address src, dest;	/* port 0: absent */

	/* decision.*: names as INTERFACE.md prints them */
	const char *verdict, *mode, *result_type, *reason_code, *reason, *reply;
	/* smtp.* ; recipient is written according to log.recipients */
	const char *helo, *rcpt_domain, *recipient, *mx_host, *starttls, *server_reply;
	/* policy.* */
	const char *policy_type, *policy_domain, *policy_mode, *policy_id, *policy_source;
	uint32_t policy_age_s;
	const char *dns;		/* what DNS answered, in lines; an array in the JSON. Cut to
					 * EVENT_DNS_MAX octets at a line end */
	/* tls.* */
	const char *tls_version, *tls_cipher, *tls_sni, *tls_detail, *tls_subject, *tls_issuer;
	const char *tls_names;		/* presented DNS-IDs, space separated, cut */
	int64_t tls_not_after;		/* 0: absent */
	bool tls_resumed;
	/* tls.dane.*: how the chain stands against the TLSA records ("ee", "ta", "unmatched"), why
	 * not, which record ("3 1 1 ab.."), of which base, and where the chain met it */
	const char *dane_state, *dane_detail, *dane_record, *dane_base;
	uint8_t dane_depth;
	uint8_t chain_len;
	uint8_t chain_sha256[EVENT_CHAIN_MAX][32];
	/* inspect.*: outcome "end-to-end" | "ended-here"; code and detail say why the latter */
	const char *inspect_outcome, *inspect_code, *inspect_detail;
	/* time_ms.* */
	uint32_t policy_ms, connect_ms, tls_ms, added_ms;

	/* session, and notices: */
	const char *action;		/* session: opened | closed; policy: fetched, ... */
	const char *ended_by;		/* client | server | postern */
	const char *detail;		/* one line; for notices the message itself, for
					 * sessions why they ended, where reason is "" */
	const char *domain;		/* notices */
	uint64_t bytes_in, bytes_out;	/* client to server, server to client, as relayed */
	uint32_t messages, duration_ms;
};

/* event_clear: everything absent, strings "". */
void event_clear(struct event *e);

/* event_encode: octets written, 0 when it does not fit. event_decode: false when malformed. On the
 * wire a string is cut a little above EVENT_TEXT_MAX, so that no peer can write so much that its
 * decision falls out of the log: an event of any content fits into one message with
 * EVENT_RECORD_SPARE octets left for what goes round it. */
#define EVENT_RECORD_SPARE 64
size_t event_encode(void *out, size_t size, const struct event *e);
bool event_decode(const void *p, size_t len, struct event *out);

const char *event_type_name(enum event_type t);		/* "decision", ... */

/* event_text: adds the JSON object of INTERFACE.md to the text, ASCII alone and without a newline;
 * false when out of memory, the text is as before then. `full_recipient` and `domain_too` follow
 * log.recipients; without `domain_too` a decision goes without smtp.rcpt_domain,
 * policy.policy_domain, its reply and dns, which name the domain, tls.dane.record and
 * tls.dane.base, which tell it, and inspect.detail, which may name some. Text is made valid UTF-8
 * and capped at EVENT_TEXT_MAX octets, in dns line by line. */
#define EVENT_TEXT_MAX 1024
bool event_text(struct text *t, const struct event *e, bool full_recipient, bool domain_too);

/* event_line: one human line without newline, printable ASCII, cut to size. Returns its length. */
size_t event_line(const struct event *e, char *out, size_t size);

#endif
