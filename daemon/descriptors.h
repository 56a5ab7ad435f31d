/* descriptors.h - the process's table of open files
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_DESCRIPTORS_H
#define DAEMON_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

/* descriptors_standard: 0 becomes /dev/null; 1 and 2 are opened on it where they are closed, so
 * that no socket can be taken for stderr. */
bool descriptors_standard(void);

/* descriptors_raise: room for `sessions` sessions in one process, with the hard limit where that is
 * allowed. False when less had to do; *got tells the limit in force. */
bool descriptors_raise(unsigned sessions, unsigned long *got);

/* descriptors_close_others: all but 0, 1, 2 and the n of keep[] (-1 is skipped; sorts keep[]).
 * False with errno where the kernel refuses, as old containers do with calls they do not know. */
bool descriptors_close_others(int *keep, size_t n);

#endif
