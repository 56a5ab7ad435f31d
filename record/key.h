/* key.h - by what a record is known again: a decision by its id and session, a session record by
 * session and action
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_KEY_H
#define RECORD_KEY_H

#include <stdbool.h>

#include "record/event.h"

#define KEY_MAX 96	/* octets: a type and two ids, of which the front counts */

struct key {
	size_t len;		/* 0: what is no decision or session record has none */
	char p[KEY_MAX];
};

void key_of_event(struct key *key, const struct event *e);

/* key_of_line: of a line of the log, written by this process or another; none when it is torn. */
void key_of_line(struct key *key, const char *line, size_t len);

#endif
