/* planned.c - what this configuration asks of the firewall, for the `rules` verbs
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/planned.h"

#include <unistd.h>

int
planned_make(const struct options *o, const struct config *config, struct planned *out)
{
	char error[400];

	if (!plan_make(config, &plan_host, &out->plan, error, sizeof(error)))
		return task_fail(o, EXIT_CONFIG, error);
	if (!ruleset_make(&out->plan, &out->rules, error, sizeof(error)))
		return task_fail(o, EXIT_TEMPORARY, error);
	return EXIT_YES;
}

int
planned_root(const struct options *o)
{
	if (geteuid() == 0)
		return EXIT_YES;
	return task_fail(o, EXIT_NOT_PERMITTED, "only root may look into the firewall or change "
	    "it\nnext: the same with sudo");
}
