/* entry.h - events on their way to people: the journal, with native fields, and standard error
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Neither may hold up a decision: what they do not take at once is lost there, the file has it. */
#ifndef RECORD_ENTRY_H
#define RECORD_ENTRY_H

#include "daemon/config.h"
#include "record/event.h"

struct entry_writer {
	int journal;			/* -1: not used */
	const char *path;		/* of the journal's socket */
	bool stderr_is_journal;
};

/* entry_open: `auto` uses the journal where its socket exists. */
void entry_open(struct entry_writer *w, enum config_journal use, const char *path);
void entry_close(struct entry_writer *w);

/* entry_write: to the journal, and to standard error unless that ends in the journal too. Standard
 * error is spared the sessions' opening and closing. */
void entry_write(struct entry_writer *w, const struct event *e);

#endif
