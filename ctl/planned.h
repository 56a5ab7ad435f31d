/* planned.h - what this configuration asks of the firewall, for the `rules` verbs
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_PLANNED_H
#define CTL_PLANNED_H

#include "ctl/task.h"
#include "nfq/plan.h"
#include "nfq/ruleset.h"

struct planned {
	struct plan plan;
	struct ruleset rules;
};

/* planned_make: EXIT_YES, or another exit code after the reason was said. *out points into config;
 * its rules are freed with ruleset_free. */
int planned_make(const struct options *o, const struct config *config, struct planned *out);

/* planned_absent: true with one line when the interface of the plan does not exist: the rules can
 * be loaded, and catch nobody. */
bool planned_absent(const struct plan *p, char *text, size_t size);

/* planned_root: EXIT_YES, or EXIT_NOT_PERMITTED after that was said. */
int planned_root(const struct options *o);

#endif
