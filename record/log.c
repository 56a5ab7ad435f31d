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

#include "record/batch.h"
#include "record/entry.h"
#include "record/journal.h"
#include "record/key.h"
#include "record/logfile.h"
#include "record/seen.h"

_Static_assert(BATCH_MAX <= ENTRIES_MAX, "each line of a batch has its copies");

struct log {
	struct logfile *file;
	struct seen *seen;
	struct entry_writer entries;	/* one for each line of the batch */
	struct batch batch;
	bool full_recipient, domain_too;
	bool others;		/* somebody else has written since the batch was last looked at */
	char *problem;
	bool no_memory, failing;
	void (*watch)(void *arg, const char *json, size_t len);
	void *watch_arg;
};

static uint64_t
hash(const struct log *l, const struct key *key)
{
	return key->len == 0 ? 0 : seen_hash(l->seen, key->p, key->len);
}

/* A line that another process wrote, or this one before it was replaced. */
static void
remember_line(void *arg, const char *line, size_t len)
{
	struct log *l = arg;
	struct key key;

	key_of_line(&key, line, len);
	if (key.len > 0)
		seen_add(l->seen, hash(l, &key));
	l->others = true;
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
	batch_free(&l->batch);
	logfile_free(l->file);
	seen_free(l->seen);
	free(l->problem);
	free(l);
}

static int
evidence_add(const char *p, size_t len, void *arg)
{
	text_add(arg, p, len);
	return 0;
}

/* The JSON line with its newline behind those of the batch. ASCII only: policy texts and the like
 * among the evidence may hold what moves a terminal. */
static bool
line_make(struct log *l, const struct event *e, const json_t *evidence)
{
	static const char before[] = ",\"evidence\":";
	struct text *lines = &l->batch.lines;

	if (!event_text(lines, e, l->full_recipient, l->domain_too))
		return false;
	if (evidence != NULL && l->domain_too) {
		lines->len--;			/* into the object, before its bracket */
		text_add(lines, before, sizeof before - 1);
		if (json_dump_callback(evidence, evidence_add, lines,
		    JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
			return false;
		text_add(lines, "}", 1);
	}
	text_add(lines, "\n", 1);
	return !lines->bad;
}

/* For the journal and standard error, which have no switches of their own: `recipients: none`. */
static void
show(struct log *l, const struct event *e)
{
	struct event shown;

	if (l->domain_too) {
		entry_add(&l->entries, e);
		return;
	}
	shown = *e;
	shown.rcpt_domain = shown.reply = shown.inspect_detail = shown.dns = shown.dane_record =
	    shown.dane_base = "";
	entry_add(&l->entries, &shown);
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

static void
cut(struct log *l, size_t len)
{
	batch_cut(&l->batch, len);
	entry_cut(&l->entries, len);
}

enum log_result
log_add(struct log *l, const struct event *e, json_t *evidence)
{
	enum log_result result = LOG_FAILED;
	size_t len = l->batch.len;
	struct key key;
	uint64_t h;

	key_of_event(&key, e);
	h = hash(l, &key);
	if (h != 0 && (seen_has(l->seen, h) || batch_has(&l->batch, h))) {
		result = LOG_DUPLICATE;
	} else if (!log_full(l)) {
		l->no_memory = !line_make(l, e, evidence);
		if (!l->no_memory) {
			batch_add(&l->batch, h);
			show(l, e);
			result = LOG_WRITTEN;
		} else {
			cut(l, len);
			tell(l, true);
		}
	}
	json_decref(evidence);
	return result;
}

bool
log_full(const struct log *l)
{
	return batch_full(&l->batch) || entry_full(&l->entries) ||
	    (l->batch.len > 0 && !logfile_is_regular(l->file));
}

/* Into the file; what somebody else has written meanwhile goes without. */
static bool
append(struct log *l)
{
	struct batch *b = &l->batch;
	bool fine = true;

	l->others = false;
	logfile_begin(l->file);
	for (size_t i = 0; l->others && i < b->len; i++)
		if (b->keys[i] != 0 && seen_has(l->seen, b->keys[i]))
			batch_empty(b, i);
	if (b->lines.len > 0)
		fine = logfile_append(l->file, b->lines.p, b->lines.len);
	logfile_end(l->file);
	return fine;
}

/* Writes the batch, which is the caller's to cut then. */
static bool
write_batch(struct log *l)
{
	const struct batch *b = &l->batch;
	bool known[BATCH_MAX] = { false };

	if (b->len == 0)
		return true;
	if (!append(l)) {
		tell(l, true);
		return false;
	}
	tell(l, false);
	for (size_t i = 0; i < b->len; i++) {
		size_t len;
		const char *line = batch_line(b, i, &len);

		known[i] = len == 0;
		if (b->keys[i] != 0)
			seen_add(l->seen, b->keys[i]);
		if (len > 0 && l->watch != NULL)
			l->watch(l->watch_arg, line, len - 1);
	}
	entry_flush(&l->entries, known);
	return true;
}

bool
log_flush(struct log *l)
{
	bool fine = write_batch(l);

	cut(l, 0);
	return fine;
}

enum log_result
log_event(struct log *l, const struct event *e, json_t *evidence)
{
	enum log_result result;
	size_t before, len;

	if (log_full(l)) {
		if (!write_batch(l)) {
			json_decref(evidence);
			return LOG_FAILED;
		}
		cut(l, 0);
	}
	before = l->batch.len;
	result = log_add(l, e, evidence);
	if (result == LOG_FAILED)
		return LOG_FAILED;
	if (!write_batch(l)) {
		cut(l, before);
		return LOG_FAILED;
	}
	if (result == LOG_WRITTEN) {
		batch_line(&l->batch, before, &len);
		result = len == 0 ? LOG_DUPLICATE : LOG_WRITTEN;
	}
	cut(l, 0);
	return result;
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
