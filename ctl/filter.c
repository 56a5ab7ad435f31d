/* filter.c - which decisions of the log somebody wants to see
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/filter.h"

#include <string.h>

#include "ctl/terminal.h"

void
filter_since(struct filter *f, time_t now, unsigned long s)
{
	time_t from = (unsigned long)now > s ? now - (time_t)s : 0;
	struct tm tm;

	f->since[0] = '\0';
	if (gmtime_r(&from, &tm) == NULL ||
	    strftime(f->since, sizeof(f->since), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		f->since[0] = '\0';
}

bool
filter_match(const struct filter *f, const json_t *event)
{
	const json_t *decision = json_object_get(event, "decision");
	const char *verdict = terminal_member(decision, "verdict");

	if (strcmp(terminal_member(event, "event_type"), "decision") != 0)
		return false;
	if (f->refused && strcmp(verdict, "refuse") != 0 && strcmp(verdict, "would-refuse") != 0)
		return false;
	if (f->id[0] != '\0' && strcmp(terminal_member(event, "id"), f->id) != 0)
		return false;
	if (f->domain[0] != '\0' && strcmp(f->domain,
	    terminal_member(json_object_get(event, "smtp"), "rcpt_domain")) != 0 &&
	    strcmp(f->domain,
	    terminal_member(json_object_get(event, "policy"), "policy_domain")) != 0)
		return false;
	/* One fixed form, so that the order of the text is the order of time. */
	return f->since[0] == '\0' || strcmp(terminal_member(event, "timestamp"), f->since) >= 0;
}
