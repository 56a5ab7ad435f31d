/* log.h - where events are written: file, journal, stderr; by the policy process alone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_LOG_H
#define RECORD_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"
#include "record/event.h"

struct log;

/* log_open: opens log.file for appending (its tail is read for the ids already written, a torn last
 * line is ended), the journal's socket and stderr. NULL with the reason in error. */
struct log *log_open(const struct config *config, char *error, size_t error_size);
void log_close(struct log *l);

/* Events are written in batches: one lock and one write for many of them.
 *
 * log_add: puts the event into the batch. A decision or session record whose key was written before
 * or is in the batch already is skipped: LOG_DUPLICATE. LOG_FAILED: it cannot be taken now, because
 * the batch is full (log_full) or memory is; the batch stays as it was. `evidence` may be NULL; it
 * is stolen, and added as "evidence".
 * log_flush: writes the batch. True: all that log_add answered LOG_WRITTEN or LOG_DUPLICATE for is
 * in the file, and may be acknowledged, not before. False: none of it counts, the batch is empty
 * again, and log_problem says why. With nothing in the batch: true.
 * log_full: nothing more goes in before log_flush. */
enum log_result { LOG_WRITTEN, LOG_DUPLICATE, LOG_FAILED };
enum log_result log_add(struct log *l, const struct event *e, json_t *evidence);
bool log_flush(struct log *l);
bool log_full(const struct log *l);

/* log_event: one event, written at once, and what is in the batch with it, in order. LOG_FAILED:
 * the event must not be acknowledged; what was in the batch before stays there. */
enum log_result log_event(struct log *l, const struct event *e, json_t *evidence);

/* log_reopen: after rotation (the file was moved away); the old file stays open on failure. */
bool log_reopen(struct log *l);
const char *log_problem(const struct log *l);	/* "" when all is well */

/* log_watch: `line` gets each JSON line as written, for followers; one watcher. It must not write
 * to the log. */
void log_watch(struct log *l, void (*line)(void *arg, const char *json, size_t len), void *arg);

#endif
