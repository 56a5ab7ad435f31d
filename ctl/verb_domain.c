/* verb_domain.c - what postern would demand of a domain's hosts now
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/verbs.h"

/* INTERFACE: 0 would deliver, 1 refuse, 75 could not find out, 6 no such domain. */
static enum exit_code
exit_of(const json_t *report)
{
	const char *would = json_string_value(json_object_get(report, "would"));

	if (json_is_false(json_object_get(report, "exists")))
		return EXIT_UNKNOWN;
	if (would != NULL && strcmp(would, "deliver") == 0)
		return EXIT_YES;
	if (would != NULL && strcmp(would, "refuse") == 0)
		return EXIT_NO;
	return EXIT_TEMPORARY;
}

/* What the engine does not say, as it is about no domain: whether DANE and MTA-STS must both be
 * met. */
static void
answered(struct connection *c, json_t *report)
{
	const struct config *config = server_context_of(connection_server(c))->config;

	json_object_set_new(report, "both", json_boolean(config->policy.both));
	connection_end(c, exit_of(report), report);
}

static void
done(void *arg, json_t *report)
{
	struct connection *c = connection_resume(arg);

	if (c == NULL)
		json_decref(report);
	else if (report == NULL)
		connection_fail(c, EXIT_TEMPORARY, "the policy engine gave no answer");
	else
		answered(c, report);
}

void
verb_domain(struct connection *c, const struct request *r)
{
	const struct server_context *context = server_context_of(connection_server(c));
	char name[REQUEST_TEXT_SIZE];
	struct pending *p;

	if (!verbs_name(c, r->name, name))
		return;
	p = connection_pend(c);
	if (p == NULL)
		connection_fail(c, EXIT_TEMPORARY, "out of memory");
	else
		engine_domain(context->engine, name, done, p);
}
