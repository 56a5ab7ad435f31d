/* verbs.c - what the control socket can be asked: names, who may, and what carries it out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/verbs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/moment.h"
#include "policy/domain.h"
#include "record/event.h"

enum verb_who { READS, CHANGES };

static const struct {
	const char *name;
	enum verb_who who;
	bool named;		/* is about a domain or host */
	void (*run)(struct connection *c, const struct request *r);
} verbs[] = {
	{ "status",		READS,		false,	verb_status },
	{ "domain",		READS,		true,	verb_domain },
	{ "probe",		READS,		true,	verb_probe },
	{ "decisions",		READS,		false,	verb_decisions },
	{ "policy-list",	READS,		false,	verb_policy_list },
	{ "policy-show",	READS,		true,	verb_policy_show },
	{ "policy-refresh",	CHANGES,	true,	verb_policy_refresh },
	{ "policy-forget",	CHANGES,	true,	verb_policy_forget },
	{ "policy-acknowledge",	CHANGES,	false,	verb_policy_acknowledge },
	{ "mode",		READS,		false,	verb_mode },
	{ "mode-set",		CHANGES,	false,	verb_mode_set },
	{ "reload",		CHANGES,	false,	verb_reload },
};

/* The policy process runs as `user`, so its own id is the one that may. */
static bool
may_change(const struct connection *c)
{
	uid_t uid = connection_peer(c)->uid;

	return uid == 0 || uid == geteuid();
}

void
verbs_run(struct connection *c, const struct request *r)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(r->verb, verbs[i].name) != 0)
			continue;
		if (verbs[i].who == CHANGES && !may_change(c))
			connection_fail(c, EXIT_NOT_PERMITTED,
			    "only root and the daemon's user may change something");
		else if (verbs[i].named && r->name[0] == '\0')
			connection_fail(c, EXIT_USAGE, "no name");
		else
			verbs[i].run(c, r);
		return;
	}
	connection_fail(c, EXIT_USAGE, "this posternd does not know that verb");
}

bool
verbs_name(struct connection *c, const char *text, char name[REQUEST_TEXT_SIZE])
{
	enum domain_result result;
	char error[128];

	_Static_assert(REQUEST_TEXT_SIZE == DOMAIN_SIZE, "a name fits a request");
	result = domain_normalise(name, text, strlen(text), true);
	if (result == DOMAIN_OK)
		return true;
	snprintf(error, sizeof(error), "not a domain name: %s", domain_result_text(result));
	connection_fail(c, EXIT_USAGE, error);
	return false;
}

void
verbs_record(struct connection *c, const char *action, const char *domain, const char *what)
{
	const struct server_context *context = server_context_of(connection_server(c));
	const struct ucred *peer = connection_peer(c);
	struct event e;
	char detail[EVENT_TEXT_MAX];

	snprintf(detail, sizeof(detail), "%s, asked by uid %lu, pid %ld", what,
	    (unsigned long)peer->uid, (long)peer->pid);
	event_clear(&e);
	e.type = EVENT_CONFIG;
	e.time_us = moment_wall_us();
	e.action = action;
	e.domain = domain;
	e.detail = detail;
	/* Where the disk refuses it, `status` says so (log_problem). */
	(void)log_event(context->log, &e, NULL);
}
