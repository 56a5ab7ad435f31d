/* batch.h - lines on their way into the log file together
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include <stdint.h>

#include "record/text.h"

/* By then the lock and the write are a small part of the whole, and what a dead process may have
 * written without telling is far less than what is read back (LOGFILE_TAIL_MAX). */
#define BATCH_MAX 128		/* lines */
#define BATCH_OCTETS (256u << 10)	/* the line that goes over it is the last */

struct batch {
	struct text lines;		/* each with its newline */
	size_t len;
	size_t ends[BATCH_MAX];		/* of each line in `lines` */
	uint64_t keys[BATCH_MAX];	/* 0: the line has none (seen.h) */
};

void batch_free(struct batch *b);
bool batch_full(const struct batch *b);
bool batch_has(const struct batch *b, uint64_t key);

/* batch_add: what was put behind the last line in b->lines is a line now. */
void batch_add(struct batch *b, uint64_t key);

/* batch_line: line i with its newline; no octets when it was emptied. */
const char *batch_line(const struct batch *b, size_t i, size_t *len);

/* batch_empty: line i goes without its octets; the others keep their numbers. */
void batch_empty(struct batch *b, size_t i);

/* batch_cut: only the first len lines stay, and nothing behind them. */
void batch_cut(struct batch *b, size_t len);

#endif
