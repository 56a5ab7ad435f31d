/* fake_engine.h - a policy engine and a log of a few lines, for tests of the control socket
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Defines what policy/engine.h and record/log.h declare and ctl/ calls; each test program that
 * includes it is one of its own. */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include <stdlib.h>
#include <string.h>

#include "policy/engine.h"
#include "record/log.h"

#define HOSTILE "x\x1b[2J\x07y"	/* what must not reach a terminal */

struct engine {
	enum config_mode mode;
	bool unhealthy;
	int forgotten;
	enum engine_acknowledged acknowledged;	/* what it says once; then there is nothing */
	void (*domain_done)(void *arg, json_t *report);	/* of slow.example, kept */
	void *domain_arg;
};

struct log {
	const char *problem;
	int events;
	char action[32], detail[1024];
};

void
engine_set_mode(struct engine *e, enum config_mode mode)
{
	e->mode = mode;
}

enum config_mode
engine_mode(const struct engine *e)
{
	return e->mode;
}

/* As engine_domain makes it: one host, with a record that it would be proven by. */
static json_t *
fake_report(const char *domain, const char *would)
{
	json_t *report = json_pack("{s:s,s:s,s:b,s:{s:s,s:s,s:[s]},s:n,s:[s],s:{s:s,s:s}}",
	    "domain", domain, "would", would, "exists", strcmp(domain, "gone.example") != 0,
	    "sts", "state", "active", "mode", "enforce", "mx", "*." HOSTILE, "override",
	    "dns", "MX " HOSTILE ": secure, 1 record", "dane", "state", "available", "detail",
	    HOSTILE);
	json_t *mx = json_pack("[{s:s,s:i,s:[s],s:b,s:b,s:s,s:{s:s,s:s,s:[s]},s:[s]}]",
	    "host", "mx." HOSTILE, "preference", 10, "addresses", "203.0.113.9", "secure", 1,
	    "sts_match", 1, "would", would, "dane", "state", "usable", "base", "mx." HOSTILE,
	    "records", "3 1 1 ab" HOSTILE, "dns", "TLSA " HOSTILE ": secure, 1 record");

	json_object_set_new(report, "mx", mx);
	return report;
}

void
engine_domain(struct engine *e, const char *domain, void (*done)(void *arg, json_t *report),
    void *arg)
{
	const char *would = strncmp(domain, "refuse.", 7) == 0 ? "refuse" :
	    strncmp(domain, "defer.", 6) == 0 ? "defer" : "deliver";

	if (strcmp(domain, "slow.example") == 0) {
		e->domain_done = done;
		e->domain_arg = arg;
		return;
	}
	done(arg, fake_report(domain, would));
}

json_t *
engine_policy_list(struct engine *e)
{
	(void)e;
	return json_pack("[{s:s,s:s,s:s}]", "domain", "a.example", "mode", "enforce", "id",
	    HOSTILE);
}

json_t *
engine_policy_show(struct engine *e, const char *domain)
{
	(void)e;
	return strcmp(domain, "a.example") != 0 ? NULL :
	    json_pack("{s:s,s:s}", "domain", domain, "text", "version: STSv1\r\nmx: " HOSTILE "\n");
}

void
engine_policy_refresh(struct engine *e, const char *domain,
    void (*done)(void *arg, json_t *result), void *arg)
{
	(void)e;
	done(arg, json_pack("{s:s}", "outcome", strcmp(domain, "a.example") == 0 ? "unchanged" :
	    strcmp(domain, "none.example") == 0 ? "none" : "failed"));
}

bool
engine_policy_forget(struct engine *e, const char *domain)
{
	if (strcmp(domain, "a.example") != 0)
		return false;
	e->forgotten++;
	return true;
}

enum engine_acknowledged
engine_acknowledge(struct engine *e)
{
	enum engine_acknowledged answer = e->acknowledged;

	e->acknowledged = ENGINE_NOTHING_TO_ACKNOWLEDGE;
	return answer;
}

json_t *
engine_status(struct engine *e)
{
	if (e->unhealthy)
		return json_pack("{s:b,s:[s],s:{s:s,s:s},s:i}", "healthy", 0, "problems",
		    "store: " HOSTILE, "dane", "state", "unavailable", "detail", HOSTILE,
		    "policies", 3);
	return json_pack("{s:b,s:[],s:{s:s,s:s},s:i}", "healthy", 1, "problems", "dane", "state",
	    "available", "detail", "", "policies", 3);
}

void
engine_resolve_host(struct engine *e, const char *host,
    void (*done)(void *arg, const struct in6_addr *addresses, size_t len, const char *problem),
    void *arg)
{
	struct in6_addr ip = IN6ADDR_LOOPBACK_INIT;

	(void)e;
	if (strcmp(host, "mx.a.example") == 0)
		done(arg, &ip, 1, NULL);
	else
		done(arg, NULL, 0, "no such name");
}

const char *
log_problem(const struct log *l)
{
	return l->problem;
}

enum log_result
log_event(struct log *l, const struct event *e, json_t *evidence)
{
	json_decref(evidence);
	l->events++;
	snprintf(l->action, sizeof(l->action), "%s", e->action);
	snprintf(l->detail, sizeof(l->detail), "%s", e->detail);
	return LOG_WRITTEN;
}

#endif
