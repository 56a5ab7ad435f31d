/* log.c - where events are written: the file first, then journal, standard error and followers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the file took is written; the others are copies. What was written is known by its key: a
 * decision by its id and session, a session record by session and action. */
#include "record/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/entry.h"
#include "record/journal.h"
#include "record/logfile.h"
#include "record/seen.h"

#define KEY_SIZE 128		/* two ids and a word; what is longer was not made by id.c */
#define LINE_START 4096		/* octets of a usual line */

struct log {
	struct logfile *file;
	struct seen *seen;
	struct entry_writer entries;
	bool full_recipient, domain_too;
	char *line;		/* the line being made */
	size_t len, size;
	char *problem;
	bool no_memory, failing;
	void (*watch)(void *arg, const char *json, size_t len);
	void *watch_arg;
};

/* "" for an event that has no key. */
static void
key_make(char key[KEY_SIZE], const char *type, const char *session, const char *which)
{
	key[0] = '\0';
	if (which[0] != '\0' && (strcmp(type, "decision") == 0 || session[0] != '\0'))
		snprintf(key, KEY_SIZE, "%.10s %.40s %.40s", type, session, which);
}

static void
key_of_event(char key[KEY_SIZE], const struct event *e)
{
	key[0] = '\0';
	if (e->type == EVENT_DECISION)
		key_make(key, "decision", e->session_id, e->id);
	if (e->type == EVENT_SESSION)
		key_make(key, "session", e->session_id, e->action);
}

/* A line that another process wrote, or this one before it was replaced. */
static void
remember_line(void *arg, const char *line, size_t len)
{
	struct log *l = arg;
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *type = "", *session = "", *which = "";
	char key[KEY_SIZE] = "";

	if (json_unpack(o, "{s:s, s?s}", "event_type", &type, "session_id", &session) == 0) {
		if (strcmp(type, "decision") == 0)
			(void)json_unpack(o, "{s:s}", "id", &which);
		if (strcmp(type, "session") == 0)
			(void)json_unpack(o, "{s:{s:s}}", "session", "action", &which);
		key_make(key, type, session, which);
	}
	if (key[0] != '\0')
		seen_add(l->seen, key, strlen(key));
	json_decref(o);
}

struct log *
log_open(const struct config *config, char *error, size_t error_size)
{
	struct log *l = calloc(1, sizeof *l);

	if (l != NULL) {
		entry_open(&l->entries, config->log.journal, JOURNAL_SOCKET);
		l->full_recipient = config->log.recipients == RECIPIENTS_FULL;
		l->domain_too = config->log.recipients != RECIPIENTS_NONE;
		l->seen = seen_new();
		l->file = logfile_new(config->log.file, remember_line, l);
	}
	if (l == NULL || l->seen == NULL || l->file == NULL) {
		snprintf(error, error_size, "out of memory");
		log_close(l);
		return NULL;
	}
	if (!logfile_open(l->file)) {
		snprintf(error, error_size, "%s", logfile_problem(l->file));
		log_close(l);
		return NULL;
	}
	return l;
}

void
log_close(struct log *l)
{
	if (l == NULL)
		return;
	entry_close(&l->entries);
	logfile_free(l->file);
	seen_free(l->seen);
	free(l->problem);
	free(l->line);
	free(l);
}

static int
line_add(const char *p, size_t len, void *arg)
{
	struct log *l = arg;

	if (len > l->size - l->len) {
		size_t size = (l->size + len) * 2 + LINE_START;
		char *bigger = realloc(l->line, size);

		if (bigger == NULL)
			return -1;
		l->line = bigger;
		l->size = size;
	}
	memcpy(l->line + l->len, p, len);
	l->len += len;
	return 0;
}

/* The JSON line with its newline in l->line. ASCII only: policy texts and the like among the
 * evidence may hold what moves a terminal. */
static bool
line_make(struct log *l, const struct event *e, json_t *evidence)
{
	json_t *o = event_json(e, l->full_recipient, l->domain_too);
	bool fine = o != NULL;

	l->len = 0;
	if (fine && evidence != NULL && l->domain_too)
		fine = json_object_set(o, "evidence", evidence) == 0;
	fine = fine && json_dump_callback(o, line_add, l, JSON_COMPACT | JSON_ENSURE_ASCII) == 0 &&
	    line_add("\n", 1, l) == 0;
	json_decref(o);
	return fine;
}

/* For the journal and standard error, which have no switches of their own: `recipients: none`. */
static void
show(struct log *l, const struct event *e)
{
	struct event shown = *e;

	if (!l->domain_too)
		shown.rcpt_domain = shown.reply = shown.inspect_detail = shown.dns =
		    shown.dane_record = shown.dane_base = "";
	entry_write(&l->entries, &shown);
}

/* The trouble itself goes where it can be seen, when it begins and when it ends. */
static void
tell(struct log *l, bool failing)
{
	struct event e;
	struct timespec now;

	if (l->failing == failing)
		return;
	l->failing = failing;
	clock_gettime(CLOCK_REALTIME, &now);
	event_clear(&e);
	e.type = EVENT_HEALTH;
	e.time_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	e.alarm = failing;
	e.action = failing ? "log-failed" : "log-recovered";
	e.detail = failing ? log_problem(l) : "decisions are written again";
	entry_write(&l->entries, &e);
}

static enum log_result
append(struct log *l, const char *key)
{
	enum log_result result = LOG_FAILED;

	logfile_begin(l->file);
	if (key[0] != '\0' && seen_has(l->seen, key, strlen(key)))
		result = LOG_DUPLICATE;
	else if (logfile_append(l->file, l->line, l->len))
		result = LOG_WRITTEN;
	logfile_end(l->file);
	return result;
}

enum log_result
log_event(struct log *l, const struct event *e, json_t *evidence)
{
	enum log_result result;
	char key[KEY_SIZE];

	key_of_event(key, e);
	if (key[0] != '\0' && seen_has(l->seen, key, strlen(key))) {
		json_decref(evidence);
		return LOG_DUPLICATE;
	}
	l->no_memory = !line_make(l, e, evidence);
	json_decref(evidence);
	result = l->no_memory ? LOG_FAILED : append(l, key);
	tell(l, result == LOG_FAILED);
	if (result != LOG_WRITTEN)
		return result;
	if (key[0] != '\0')
		seen_add(l->seen, key, strlen(key));
	show(l, e);
	if (l->watch != NULL)
		l->watch(l->watch_arg, l->line, l->len - 1);
	return LOG_WRITTEN;
}

bool
log_reopen(struct log *l)
{
	bool fine = logfile_open(l->file);

	/* The next write clears the file's problem; that the old file is in use does not pass. */
	free(l->problem);
	l->problem = fine ? NULL : strdup(logfile_problem(l->file));
	return fine;
}

const char *
log_problem(const struct log *l)
{
	if (l->no_memory)
		return "out of memory while writing the log";
	if (logfile_problem(l->file)[0] != '\0' || l->problem == NULL)
		return logfile_problem(l->file);
	return l->problem;
}

void
log_watch(struct log *l, void (*line)(void *arg, const char *json, size_t len), void *arg)
{
	l->watch = line;
	l->watch_arg = arg;
}
