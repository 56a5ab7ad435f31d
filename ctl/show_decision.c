/* show_decision.c - a decision as one line, and in full with its evidence
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "ctl/advice.h"
#include "ctl/show.h"
#include "ctl/show_dane.h"
#include "ctl/terminal.h"

static const json_t *
part(const json_t *decision, const char *key)
{
	return json_object_get(decision, key);
}

/* "2026-11-21T14:02:19.418233Z" as "2026-11-21 14:02:19Z" */
static void
show_time(FILE *out, const char *timestamp)
{
	size_t date = strcspn(timestamp, "T"), clock;

	terminal_octets(out, timestamp, date);
	if (timestamp[date] == '\0')
		return;
	timestamp += date + 1;
	clock = strcspn(timestamp, ".Z");
	putc(' ', out);
	terminal_octets(out, timestamp, clock);
	putc('Z', out);
}

static bool
is_unread(const json_t *decision)
{
	return strcmp(terminal_member(part(decision, "inspect"), "outcome"), "end-to-end") == 0;
}

/* Of a session that passed end to end the domain is not known. */
static void
show_domain_column(FILE *out, const json_t *decision, const char *domain)
{
	if (domain[0] == '\0')
		domain = is_unread(decision) ? "(end to end)" : "-";
	terminal_column(out, domain, 24);
}

void
show_decision(FILE *out, const json_t *decision)
{
	const json_t *d = part(decision, "decision"), *smtp = part(decision, "smtp");
	const char *domain = terminal_member(smtp, "rcpt_domain");
	const char *host = terminal_member(smtp, "mx_host");
	const char *ended = terminal_member(part(decision, "inspect"), "reason_code");

	show_time(out, terminal_member(decision, "timestamp"));
	putc(' ', out);
	terminal_column(out, terminal_member(decision, "id"), 10);
	terminal_column(out, terminal_member(d, "verdict"), 13);
	show_domain_column(out, decision, domain);
	fputs(" at ", out);
	terminal_text(out, host[0] != '\0' ? host : terminal_member(decision, "dest_ip"));
	fputs(" (", out);
	terminal_text(out, terminal_member(d, "result_type"));
	putc(')', out);
	if (terminal_member(d, "reason")[0] != '\0') {
		fputs(": ", out);
		terminal_text(out, terminal_member(d, "reason"));
	}
	if (ended[0] != '\0') {
		fputs("; TLS ended here: ", out);
		terminal_text(out, ended);
	}
	putc('\n', out);
}

static void
field(FILE *out, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	fprintf(out, "  %-14s ", label);
	terminal_text(out, text);
	putc('\n', out);
}

static void
show_peer(FILE *out, const char *label, const json_t *decision, const char *ip, const char *port)
{
	const char *address = terminal_member(decision, ip);

	if (address[0] == '\0')
		return;
	fprintf(out, "  %-14s ", label);
	terminal_text(out, address);
	fprintf(out, " port %lld\n",
	    (long long)json_integer_value(json_object_get(decision, port)));
}

/* Everything a section holds, so that nothing recorded stays unseen. */
static void
show_section(FILE *out, const char *heading, const json_t *section)
{
	if (json_object_size(section) == 0 && json_array_size(section) == 0 &&
	    !json_is_string(section))
		return;
	fprintf(out, "%s\n", heading);
	terminal_tree(out, section, 2);
}

/* How it stands against TLSA records is told in words, below. */
static void
show_tls(FILE *out, const json_t *tls)
{
	json_t *rest = json_copy((json_t *)tls);

	if (json_is_object(json_object_get(rest, "dane")))
		json_object_del(rest, "dane");
	show_section(out, "TLS", rest);
	json_decref(rest);
}

static void
show_names(FILE *out, const json_t *tls)
{
	const char *names = terminal_member(tls, "names");

	if (names[0] == '\0' && json_object_size(tls) > 0 &&
	    json_array_size(json_object_get(tls, "chain_sha256")) > 0)
		field(out, "cert. names", "none (a common name does not count)");
	else
		field(out, "cert. names", names);
}

static void
show_head(FILE *out, const json_t *decision)
{
	const json_t *d = part(decision, "decision");

	fputs("decision ", out);
	terminal_text(out, terminal_member(decision, "id"));
	fputs(": ", out);
	terminal_text(out, terminal_member(d, "verdict"));
	fputs(" (", out);
	terminal_text(out, terminal_member(d, "result_type"));
	if (terminal_member(d, "reason_code")[0] != '\0') {
		fputs(", ", out);
		terminal_text(out, terminal_member(d, "reason_code"));
	}
	fputs(")\n", out);
	fprintf(out, "  %-14s ", "when");
	show_time(out, terminal_member(decision, "timestamp"));
	putc('\n', out);
	show_peer(out, "client", decision, "src_ip", "src_port");
	show_peer(out, "server", decision, "dest_ip", "dest_port");
	field(out, "session", terminal_member(decision, "session_id"));
	field(out, "mode", terminal_member(d, "mode"));
	field(out, "reason", terminal_member(d, "reason"));
	field(out, "reply", terminal_member(d, "reply"));
	show_names(out, part(decision, "tls"));
}

void
show_explain(FILE *out, const json_t *decision)
{
	show_head(out, decision);
	show_section(out, "SMTP", part(decision, "smtp"));
	show_section(out, "policy", part(decision, "policy"));
	show_tls(out, part(decision, "tls"));
	show_dane_proof(out, decision);
	show_section(out, "DNS answers", part(decision, "dns"));
	show_section(out, "inspect", part(decision, "inspect"));
	fputs(advice_inspect(decision), out);
	show_section(out, "milliseconds", part(decision, "time_ms"));
	field(out, "detail", terminal_member(decision, "detail"));
	if (part(decision, "evidence") != NULL)
		show_section(out, "evidence", part(decision, "evidence"));
	else
		fputs("evidence\n  none was recorded with this decision\n", out);
	fputs("next step\n", out);
	fputs(advice_for(decision), out);
}
