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

/* log_event: writes it once: a decision or session record whose key was written before is skipped
 * (returns LOG_DUPLICATE). `evidence` may be NULL; it is stolen and added as "evidence".
 * LOG_FAILED: the disk refused; the event must not be acknowledged and log_problem says why. */
enum log_result { LOG_WRITTEN, LOG_DUPLICATE, LOG_FAILED };
enum log_result log_event(struct log *l, const struct event *e, json_t *evidence);

/* log_reopen: after rotation (the file was moved away); the old file stays open on failure. */
bool log_reopen(struct log *l);
const char *log_problem(const struct log *l);	/* "" when all is well */

/* log_watch: `line` gets each JSON line as written, for followers; one watcher. */
void log_watch(struct log *l, void (*line)(void *arg, const char *json, size_t len), void *arg);

#endif
