/* task_ask.c - verbs of one question and one answer
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/show.h"
#include "ctl/task.h"
#include "ctl/terminal.h"

struct row {
	enum verb verb;
	const char *name;	/* in the request */
	void (*show)(FILE *out, const json_t *answer);
};

static const struct row rows[] = {
	{ VERB_STATUS,		"status",		show_status },
	{ VERB_METRICS,		"status",		show_metrics },
	{ VERB_DOMAIN,		"domain",		show_domain },
	{ VERB_PROBE,		"probe",		NULL },
	{ VERB_POLICY_LIST,	"policy-list",		show_policy_list },
	{ VERB_POLICY_SHOW,	"policy-show",		show_policy },
	{ VERB_POLICY_REFRESH,	"policy-refresh",	show_refresh },
	{ VERB_POLICY_FORGET,	"policy-forget",	show_forget },
	{ VERB_POLICY_ACKNOWLEDGE, "policy-acknowledge", show_acknowledge },
	{ VERB_MODE,		"mode",			show_mode },
};

static void
fill(struct request *r, const struct options *o, const struct row *row)
{
	*r = (struct request){ .port = o->port };
	snprintf(r->verb, sizeof(r->verb), "%s%s", row->name,
	    row->verb == VERB_MODE && o->mode != NULL ? "-set" : "");
	snprintf(r->name, sizeof(r->name), "%s", o->name);
	snprintf(r->domain, sizeof(r->domain), "%s", o->domain);
	if (o->mode != NULL)
		snprintf(r->mode, sizeof(r->mode), "%s", o->mode);
}

/* A step of a probe, as it comes. */
static void
show_line(const struct options *o, const json_t *line)
{
	if (o->json) {
		task_json(line);
	} else if (json_object_get(line, "step") != NULL) {
		terminal_text(stdout, terminal_member(line, "step"));
		putchar('\n');
	}
	fflush(stdout);
}

static void
show_answer(const struct options *o, const struct row *row, const json_t *last)
{
	const json_t *answer = json_object_get(last, "answer");

	if (o->json)
		task_json(answer != NULL ? answer : last);
	else if (answer != NULL && row->show != NULL)
		row->show(stdout, answer);
}

static int
run(const struct options *o, const struct row *row, struct client *client)
{
	char error[160];
	json_t *line;
	int code = EXIT_TEMPORARY;
	bool last = false;

	while (!last) {
		line = client_line(client, error, sizeof(error));
		if (line == NULL)
			return task_fail(o, EXIT_TEMPORARY, error);
		last = task_last(line, &code);
		if (!last)
			show_line(o, line);
		else if (json_object_get(line, "error") != NULL)
			task_fail(o, (enum exit_code)code, terminal_member(line, "error"));
		else
			show_answer(o, row, line);
		json_decref(line);
	}
	return code;
}

int
task_ask(const struct options *o, const struct config *config)
{
	struct request r;
	struct client *client;
	enum exit_code code;
	char error[400];
	size_t i;
	int result;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].verb != o->verb)
			continue;
		fill(&r, o, &rows[i]);
		client = client_ask(config->control, &r, &code, error, sizeof(error));
		if (client == NULL)
			return task_fail(o, code, error);
		result = run(o, &rows[i], client);
		client_free(client);
		return result;
	}
	return task_fail(o, EXIT_USAGE, "no such verb");
}
