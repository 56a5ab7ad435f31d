/* title.h - the name by which ps shows a process
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_TITLE_H
#define DAEMON_TITLE_H

#include <stdbool.h>
#include <stddef.h>

struct title {
	char *start;		/* the arguments, and the environment behind them */
	size_t size;		/* 0: titles cannot be set */
	size_t arguments;	/* octets of the arguments alone */
	char **copies[2];	/* of both, as long as the process lives */
};

/* title_take: takes over the memory of argv and environ; both are copied elsewhere first, argv[]
 * and environ point to the copies, which live as long as the process. False when out of memory:
 * nothing has changed then. */
bool title_take(struct title *t, int argc, char **argv);

/* title_set: from now on this is what ps shows; cut where the memory ends. */
void title_set(const struct title *t, const char *text);

#endif
