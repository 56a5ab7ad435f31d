/* verb_policy.c - the cached policies: list, show, refresh, forget, acknowledge
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/verbs.h"

static struct engine *
engine_of(const struct connection *c)
{
	return server_context_of(connection_server(c))->engine;
}

void
verb_policy_list(struct connection *c, const struct request *r)
{
	json_t *list = engine_policy_list(engine_of(c));

	(void)r;
	if (list == NULL)
		connection_fail(c, EXIT_TEMPORARY, "the store gives no list");
	else
		connection_end(c, EXIT_YES, list);
}

void
verb_policy_show(struct connection *c, const struct request *r)
{
	char name[REQUEST_TEXT_SIZE];
	json_t *policy;

	if (!verbs_name(c, r->name, name))
		return;
	policy = engine_policy_show(engine_of(c), name);
	if (policy == NULL)
		connection_fail(c, EXIT_UNKNOWN, "no policy of that domain is known");
	else
		connection_end(c, EXIT_YES, policy);
}

/* A domain that has no policy is an answer (no); a fetch that failed is none. */
static enum exit_code
exit_of(const json_t *result)
{
	const char *outcome = json_string_value(json_object_get(result, "outcome"));

	if (outcome == NULL || strcmp(outcome, "failed") == 0)
		return EXIT_TEMPORARY;
	return strcmp(outcome, "none") == 0 ? EXIT_NO : EXIT_YES;
}

static void
refreshed(void *arg, json_t *result)
{
	struct connection *c = connection_resume(arg);

	if (c == NULL)
		json_decref(result);
	else if (result == NULL)
		connection_fail(c, EXIT_TEMPORARY, "the policy engine gave no answer");
	else
		connection_end(c, exit_of(result), result);
}

void
verb_policy_refresh(struct connection *c, const struct request *r)
{
	char name[REQUEST_TEXT_SIZE], what[REQUEST_TEXT_SIZE + 64];
	struct pending *p;

	if (!verbs_name(c, r->name, name))
		return;
	p = connection_pend(c);
	if (p == NULL) {
		connection_fail(c, EXIT_TEMPORARY, "out of memory");
		return;
	}
	/* Now, since the client may be gone when the answer comes. */
	snprintf(what, sizeof(what), "policy of %s to be fetched", name);
	verbs_record(c, "refresh", name, what);
	engine_policy_refresh(engine_of(c), name, refreshed, p);
}

void
verb_policy_forget(struct connection *c, const struct request *r)
{
	char name[REQUEST_TEXT_SIZE], what[REQUEST_TEXT_SIZE + 64];

	if (!verbs_name(c, r->name, name))
		return;
	if (!engine_policy_forget(engine_of(c), name)) {
		connection_fail(c, EXIT_UNKNOWN, "nothing is known of that name");
		return;
	}
	snprintf(what, sizeof(what), "policy and STARTTLS memory of %s forgotten", name);
	verbs_record(c, "forget", name, what);
	connection_end(c, EXIT_YES, json_pack("{s:s}", "forgotten", name));
}

void
verb_policy_acknowledge(struct connection *c, const struct request *r)
{
	(void)r;
	switch (engine_acknowledge(engine_of(c))) {
	case ENGINE_ACKNOWLEDGED:
		verbs_record(c, "acknowledge", "", "the loss of a broken store acknowledged");
		connection_end(c, EXIT_YES, json_pack("{s:b}", "acknowledged", 1));
		return;
	case ENGINE_NOTHING_TO_ACKNOWLEDGE:
		connection_end(c, EXIT_NO, json_pack("{s:b}", "acknowledged", 0));
		return;
	case ENGINE_NOT_ACKNOWLEDGED:
		connection_fail(c, EXIT_TEMPORARY,
		    "policy.degraded cannot be removed from state-dir");
		return;
	}
}
