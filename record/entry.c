/* entry.c - events on their way to people: the journal, with native fields, and standard error
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "record/entry.h"

#include <assert.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "record/escape.h"
#include "record/journal.h"

#define TEXTS 12		/* fields that are escaped */
#define LINE_SIZE 2048		/* under PIPE_BUF: a pipe that is writable takes it whole */

_Static_assert(ENTRIES_MAX <= JOURNAL_SEND_MAX && LINE_SIZE < PIPE_BUF, "what is sent at once");

void
entry_open(struct entry_writer *w, enum config_journal use, const char *path)
{
	*w = (struct entry_writer){ .journal = -1, .path = path };
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
	text_free(&w->lines);
	text_free(&w->entries);
	w->len = 0;
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

static void
add_entry(struct entry_writer *w, const struct event *e, const char *line)
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
	char *to = text_room(&w->entries, JOURNAL_ENTRY_MAX);

	if (to != NULL)
		w->entries.len += journal_encode(to, JOURNAL_ENTRY_MAX, fields,
		    sizeof fields / sizeof fields[0]);
}

void
entry_add(struct entry_writer *w, const struct event *e)
{
	char line[LINE_SIZE + 1];
	size_t len;

	assert(w->len <= ENTRIES_MAX);
	/* A session's line is the journal's alone. */
	if (w->journal >= 0 || e->type != EVENT_SESSION) {
		len = event_line(e, line, LINE_SIZE);
		if (w->journal >= 0)
			add_entry(w, e, line);
		line[len] = '\n';
		if (e->type != EVENT_SESSION)
			text_add(&w->lines, line, len + 1);
	}
	w->ends[w->len++] = (struct entry){ w->lines.len, w->entries.len };
}

void
entry_cut(struct entry_writer *w, size_t len)
{
	const struct entry nothing = { 0, 0 };
	const struct entry *last = len == 0 ? &nothing : &w->ends[len - 1];

	w->len = len;
	text_cut(&w->lines, last->line);
	text_cut(&w->entries, last->entry);
}

bool
entry_full(const struct entry_writer *w)
{
	return w->len >= ENTRIES_MAX || w->entries.len >= ENTRIES_OCTETS;
}

static void
send_entries(const struct entry_writer *w, size_t from, const bool *spared, bool *taken)
{
	struct iovec entries[ENTRIES_MAX];
	size_t which[ENTRIES_MAX], len = 0;
	bool each[ENTRIES_MAX];

	for (size_t i = from; i < w->len && len < ENTRIES_MAX; i++) {
		size_t start = i == 0 ? 0 : w->ends[i - 1].entry, size = w->ends[i].entry - start;

		if (size == 0 || (spared != NULL && spared[i]))
			continue;
		entries[len] = (struct iovec){ w->entries.p + start, size };
		which[len++] = i;
	}
	if (len > 0)
		journal_send(w->journal, w->path, entries, len, each);
	for (size_t i = 0; i < len; i++)
		taken[which[i]] = each[i];
}

static void
write_stderr(const char *lines, size_t len)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	/* A full pipe's reader has stopped reading; the policy process does not wait for him. */
	if (len == 0 || poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
		return;
	if (write(STDERR_FILENO, lines, len) < 0)
		return;
}

/* As many lines at once as a pipe takes whole. */
static void
write_lines(const struct entry_writer *w, size_t from, const bool *spared, const bool *taken)
{
	char lines[PIPE_BUF];
	size_t len = 0;

	for (size_t i = from; i < w->len; i++) {
		size_t start = i == 0 ? 0 : w->ends[i - 1].line, size = w->ends[i].line - start;

		if ((spared != NULL && spared[i]) || (taken[i] && w->stderr_is_journal))
			continue;
		if (size > sizeof lines - len) {
			write_stderr(lines, len);
			len = 0;
		}
		if (size > 0)
			memcpy(lines + len, w->lines.p + start, size);
		len += size;
	}
	write_stderr(lines, len);
}

/* Those from `from` on, and they are gone. */
static void
flush(struct entry_writer *w, size_t from, const bool *spared)
{
	bool taken[ENTRIES_MAX + 1] = { false };

	if (w->journal >= 0)
		send_entries(w, from, spared, taken);
	write_lines(w, from, spared, taken);
	entry_cut(w, from);
}

void
entry_flush(struct entry_writer *w, const bool *spared)
{
	if (w->len > 0)
		flush(w, 0, spared);
}

void
entry_write(struct entry_writer *w, const struct event *e)
{
	entry_add(w, e);
	flush(w, w->len - 1, NULL);
}
