/* outbox.h - what waits for a client to read it, descriptors included
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_OUTBOX_H
#define CTL_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/buffer.h"

#define OUTBOX_FILES_MAX 2	/* the log and its predecessor */

struct outbox {
	struct buffer octets;
	int files[OUTBOX_FILES_MAX];
	size_t files_len;
};

/* outbox_files: descriptors to go with the first octets, taken over; the outbox is still empty. */
void outbox_files(struct outbox *o, const int *files, size_t len);

bool outbox_put(struct outbox *o, const char *p, size_t len);	/* false: out of memory */
size_t outbox_length(const struct outbox *o);

/* outbox_send: what the kernel takes now. OUTBOX_STUCK: it took nothing. */
enum outbox_result { OUTBOX_EMPTY, OUTBOX_MORE, OUTBOX_STUCK, OUTBOX_BROKEN };
enum outbox_result outbox_send(struct outbox *o, int fd);

void outbox_clear(struct outbox *o);	/* frees, and closes what was not sent */

#endif
