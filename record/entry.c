/* entry.c - events on their way to people: the journal, with native fields, and standard error
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/entry.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "record/escape.h"
#include "record/journal.h"

#define TEXTS 12		/* fields that are escaped */
#define LINE_SIZE 2048		/* under PIPE_BUF: a pipe that is writable takes it whole */

void
entry_open(struct entry_writer *w, enum config_journal use, const char *path)
{
	w->journal = -1;
	w->path = path;
	w->stderr_is_journal = journal_is_stderr();
	if (use == JOURNAL_YES || (use == JOURNAL_AUTO && access(path, F_OK) == 0))
		w->journal = journal_open();
}

void
entry_close(struct entry_writer *w)
{
	if (w->journal >= 0)
		close(w->journal);
	w->journal = -1;
}

/* syslog(3): 4 warning, 5 notice, 6 info, 7 debug. */
static const char *
priority(const struct event *e)
{
	if (e->type == EVENT_SESSION)
		return "7";
	if (e->alarm || strcmp(e->verdict, "refuse") == 0)
		return "4";
	return strcmp(e->verdict, "would-refuse") == 0 ? "5" : "6";
}

static bool
send_entry(struct entry_writer *w, const struct event *e, const char *line)
{
	char client[ADDRESS_TEXT_SIZE] = "", server[ADDRESS_TEXT_SIZE] = "";
	const char *domain = e->rcpt_domain[0] != '\0' ? e->rcpt_domain : e->domain;
	char text[TEXTS][EVENT_TEXT_MAX + 1];
	const char *const raw[TEXTS] = { e->id, e->session_id, domain, e->mx_host, e->reason,
	    e->reply, e->detail, e->policy_id, e->inspect_detail, e->dane_detail, e->dane_record,
	    e->dane_base };

	for (size_t i = 0; i < TEXTS; i++)
		escape_utf8(text[i], sizeof text[i], raw[i]);
	if (e->src.port != 0)
		address_print(&e->src, client);
	if (e->dest.port != 0)
		address_print(&e->dest, server);
	const struct journal_field fields[] = {
		{ "MESSAGE", line }, { "PRIORITY", priority(e) },
		{ "SYSLOG_IDENTIFIER", "posternd" },
		{ "POSTERN_EVENT", event_type_name(e->type) },
		{ "POSTERN_ID", text[0] }, { "POSTERN_SESSION_ID", text[1] },
		{ "POSTERN_VERDICT", e->verdict }, { "POSTERN_MODE", e->mode },
		{ "POSTERN_RESULT_TYPE", e->result_type },
		{ "POSTERN_REASON_CODE", e->reason_code },
		{ "POSTERN_DOMAIN", text[2] }, { "POSTERN_MX_HOST", text[3] },
		{ "POSTERN_REASON", text[4] }, { "POSTERN_REPLY", text[5] },
		{ "POSTERN_DETAIL", text[6] }, { "POSTERN_ACTION", e->action },
		{ "POSTERN_CLIENT", client }, { "POSTERN_SERVER", server },
		{ "POSTERN_STARTTLS", e->starttls },
		{ "POSTERN_POLICY_TYPE", e->policy_type },
		{ "POSTERN_POLICY_MODE", e->policy_mode }, { "POSTERN_POLICY_ID", text[7] },
		{ "POSTERN_POLICY_SOURCE", e->policy_source },
		{ "POSTERN_TLS_VERSION", e->tls_version },
		{ "POSTERN_TLS_CIPHER", e->tls_cipher },
		{ "POSTERN_DANE", e->dane_state }, { "POSTERN_DANE_DETAIL", text[9] },
		{ "POSTERN_DANE_RECORD", text[10] }, { "POSTERN_DANE_BASE", text[11] },
		{ "POSTERN_PATH", e->path }, { "POSTERN_INSPECT_OUTCOME", e->inspect_outcome },
		{ "POSTERN_INSPECT_REASON_CODE", e->inspect_code },
		{ "POSTERN_INSPECT_DETAIL", text[8] },
	};
	return journal_send(w->journal, w->path, fields, sizeof fields / sizeof fields[0]);
}

static void
write_stderr(const char *line, size_t len)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	/* A full pipe's reader has stopped reading; the policy process does not wait for him. */
	if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
		return;
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void
entry_write(struct entry_writer *w, const struct event *e)
{
	char line[LINE_SIZE + 1];
	size_t len = event_line(e, line, LINE_SIZE);
	bool taken = w->journal >= 0 && send_entry(w, e, line);

	if (e->type == EVENT_SESSION || (taken && w->stderr_is_journal))
		return;
	line[len] = '\n';
	write_stderr(line, len + 1);
}
