/* planned.c - what this configuration asks of the firewall, for the `rules` verbs
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/planned.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Firewalls know an interface by its first name alone: rules with another one catch nothing. */
static bool
other_name(const char *interface, char *error, size_t error_size)
{
	unsigned index = interface != NULL ? if_nametoindex(interface) : 0;
	char name[IF_NAMESIZE];

	if (index == 0 || if_indextoname(index, name) == NULL || strcmp(name, interface) == 0)
		return false;
	snprintf(error, error_size, "intercept.interface: %.50s is another name of %s, which the "
	    "firewall does not know\nnext: interface: %s", interface, name, name);
	return true;
}

int
planned_make(const struct options *o, const struct config *config, struct planned *out)
{
	char error[400];

	if (!plan_make(config, &plan_host, &out->plan, error, sizeof(error)) ||
	    other_name(out->plan.interface, error, sizeof(error)))
		return task_fail(o, EXIT_CONFIG, error);
	if (!ruleset_make(&out->plan, &out->rules, error, sizeof(error)))
		return task_fail(o, EXIT_TEMPORARY, error);
	return EXIT_YES;
}

bool
planned_absent(const struct plan *p, char *text, size_t size)
{
	size_t len = p->interface != NULL ? strlen(p->interface) : 0;

	if (len == 0 || p->interface[len - 1] == '+' || if_nametoindex(p->interface) != 0 ||
	    errno != ENODEV)
		return false;
	snprintf(text, size, "there is no interface \"%.60s\" now: until there is, nobody's mail "
	    "is caught", p->interface);
	return true;
}

int
planned_root(const struct options *o)
{
	if (geteuid() == 0)
		return EXIT_YES;
	return task_fail(o, EXIT_NOT_PERMITTED, "only root may look into the firewall or change "
	    "it\nnext: the same with sudo");
}
