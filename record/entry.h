/* entry.h - events on their way to people: the journal, with native fields, and standard error
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Neither may hold up a decision: what they do not take at once is lost there, the file has it. */
#ifndef RECORD_ENTRY_H
#define RECORD_ENTRY_H

#include "daemon/config.h"
#include "record/event.h"

#define ENTRIES_MAX 128			/* kept before they are written */
#define ENTRIES_OCTETS (256u << 10)	/* the entry that goes over it is the last */

struct entry_writer {
	int journal;			/* -1: not used */
	const char *path;		/* of the journal's socket */
	bool stderr_is_journal;
	struct text lines, entries;	/* for standard error, with newlines; for the journal */
	size_t len;
	struct entry {
		size_t line, entry;	/* where they end */
	} ends[ENTRIES_MAX + 1];	/* one more for entry_write */
};

/* entry_open: `auto` uses the journal where its socket exists. */
void entry_open(struct entry_writer *w, enum config_journal use, const char *path);
void entry_close(struct entry_writer *w);

/* entry_add: to be sent to the journal, and to standard error unless that ends in the journal too,
 * by entry_flush. Standard error is spared the sessions' opening and closing. Where memory runs out
 * the copy goes without. entry_cut: only the first len stay, of those that were added. */
void entry_add(struct entry_writer *w, const struct event *e);
void entry_cut(struct entry_writer *w, size_t len);
bool entry_full(const struct entry_writer *w);

/* entry_flush: sends those for which `spared` (may be NULL) is not true. */
void entry_flush(struct entry_writer *w, const bool *spared);

/* entry_write: this one now, past those that wait. */
void entry_write(struct entry_writer *w, const struct event *e);

#endif
