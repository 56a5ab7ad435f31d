/* program.h - running one of the firewall's programs: text in, text out, bounded in time and size
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_PROGRAM_H
#define NFQ_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_SECONDS 20		/* xtables' lock may be held by a long reload */
#define PROGRAM_OUTPUT_MAX (8 << 20)	/* a rule set of 100,000 lines */

struct program_result {
	int status;		/* exit status; 128 + signal; 127 when not started */
	char *out;		/* NUL-terminated; never NULL after true */
	char error[512];	/* the first lines of its stderr, or why it did not run */
};

/* program_run: looks argv[0] up in the usual directories (/usr/sbin:/usr/bin:/sbin:/bin, not PATH);
 * environment is LC_ALL=C alone. `in` may be NULL. In the network namespace `netns` unless that is
 * -1 (a descriptor). True when it ran and ended with status 0. program_free either way. */
bool program_run(const char *const argv[], const char *in, int netns, struct program_result *r);
void program_free(struct program_result *r);

/* program_exists: where it is, or NULL. */
const char *program_exists(const char *name, char path[128]);

#endif
