/* event_line.c - an event as one line for a human
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/event.h"

#include <string.h>

#include "record/digits.h"
#include "record/escape.h"

#define FIELD_SIZE 400		/* of one text in the line; the whole of it is in the log file */

struct line {
	char *out;
	size_t len, size;
};

/* Text that is ours or was escaped; what does not fit is cut. */
static void
add_octets(struct line *l, const char *text, size_t len)
{
	size_t room = l->size - l->len - 1;

	if (len > room)
		len = room;
	memcpy(l->out + l->len, text, len);
	l->len += len;
	l->out[l->len] = '\0';
}

static void
add(struct line *l, const char *text)
{
	add_octets(l, text, strlen(text));
}

/* before TEXT, nothing when there is no text. */
static void
add_text(struct line *l, const char *before, const char *text)
{
	char escaped[FIELD_SIZE];

	if (text[0] == '\0')
		return;
	add(l, before);
	add_octets(l, escaped, escape_ascii(escaped, sizeof escaped, text));
}

static void
add_number(struct line *l, const char *before, uint64_t v, const char *after)
{
	char digits[DIGITS_NUMBER_MAX];
	size_t len = (size_t)(digits_number(digits, v) - digits);

	add(l, before);
	add_octets(l, digits, len);
	add(l, after);
}

static void
add_addresses(struct line *l, const struct event *e)
{
	char text[ADDRESS_TEXT_SIZE];

	if (e->src.port != 0) {
		add(l, " ");
		add_octets(l, text, (size_t)(digits_ip(text, &e->src.ip) - text));
	}
	if (e->dest.port != 0) {
		add(l, " -> ");
		add_octets(l, text, (size_t)(digits_address(text, &e->dest) - text));
	}
}

/* What follows the verdict for a reader in a hurry: did the mail go? */
static const char *
outcome(const struct event *e)
{
	if (strcmp(e->verdict, "refuse") == 0)
		return "; not sent";
	if (strcmp(e->verdict, "would-refuse") == 0)
		return "; sent all the same";
	return "";
}

/* With path: inspect: whose TLS session it was, and why not the MX's own. */
static void
add_inspect(struct line *l, const struct event *e)
{
	if (strcmp(e->inspect_outcome, "end-to-end") == 0)
		add(l, ", end to end");
	else
		add_text(l, "; TLS ended here: ", e->inspect_code);
}

static void
add_decision(struct line *l, const struct event *e)
{
	const char *by = e->policy_mode[0] != '\0' ? e->policy_mode : e->policy_source;

	add_text(l, "", e->id[0] != '\0' ? e->id : "-");
	add_text(l, " ", e->verdict);
	add_addresses(l, e);
	add_text(l, " ", e->rcpt_domain);
	add_text(l, " via ", e->mx_host);
	add_text(l, ": ", e->result_type);
	if (e->policy_type[0] != '\0') {
		add_text(l, " (", e->policy_type);
		add_text(l, " ", strcmp(by, "none") != 0 ? by : "");
		add(l, ")");
	}
	add_text(l, ": ", e->reason);
	if (strcmp(e->verdict, "pass") == 0)
		add_text(l, ", ", e->tls_version);
	add_inspect(l, e);
	add(l, outcome(e));
}

static void
add_session(struct line *l, const struct event *e)
{
	add_text(l, "session ", e->session_id);
	add_text(l, " ", e->action);
	add_addresses(l, e);
	add_text(l, " by ", e->ended_by);
	add_text(l, ": ", e->reason[0] != '\0' ? e->reason : e->detail);
	add_inspect(l, e);
	if (strcmp(e->action, "opened") == 0)
		return;
	if (strcmp(e->inspect_outcome, "end-to-end") == 0) {	/* messages are not seen */
		add_number(l, "; ", e->bytes_in, " octets in");
		add_number(l, ", ", e->bytes_out, " out");
	} else {
		add_number(l, "; ", e->messages, " messages");
	}
	add_number(l, ", ", e->duration_ms, " ms");
}

static void
add_notice(struct line *l, const struct event *e)
{
	add(l, event_type_name(e->type));
	add_text(l, " ", e->action);
	add_text(l, " ", e->domain);
	add_addresses(l, e);
	add_text(l, ": ", e->detail);
}

size_t
event_line(const struct event *e, char *out, size_t size)
{
	struct line l = { .out = out, .size = size };

	if (size == 0)
		return 0;
	out[0] = '\0';
	switch (e->type) {
	case EVENT_DECISION:
		add_decision(&l, e);
		break;
	case EVENT_SESSION:
		add_session(&l, e);
		break;
	case EVENT_POLICY:
	case EVENT_RULES:
	case EVENT_CONFIG:
	case EVENT_HEALTH:
	case EVENT_REPORT:
		add_notice(&l, e);
		break;
	}
	return l.len;
}
