/* posternctl.c - the administrator's command: asks the daemon over its control socket
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/options.h"
#include "ctl/task.h"

/* The configuration, for the socket's name and the rules. Its warnings belong to check-config, its
 * errors are shown. */
static struct config *
load(const struct options *o)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	struct config *config;

	if (memory == NULL)
		return NULL;
	config = config_load(o->config, memory, NULL, NULL);
	fclose(memory);
	if (config == NULL && !o->json)
		fputs(text, stderr);
	free(text);
	return config;
}

static int
with_config(const struct options *o, int (*task)(const struct options *o,
    const struct config *config))
{
	struct config *config = load(o);
	int code;

	if (config == NULL)
		return task_fail(o, EXIT_CONFIG, "the configuration has errors\n"
		    "next: posternctl check-config");
	code = task(o, config);
	config_free(config);
	return code;
}

/* The daemon runs on with what it has read: just then it must answer, and the rules must go. */
static int
despite_errors(const struct options *o, int (*task)(const struct options *o,
    const struct config *config))
{
	struct config *config = load(o);
	int code;

	if (config == NULL && (config = config_anyway(o->config)) != NULL && !o->json)
		fprintf(stderr, "posternctl: the configuration has errors; going on with %s\n",
		    config->control);
	if (config == NULL)
		return task_fail(o, EXIT_CONFIG, "the configuration cannot be read\n"
		    "next: posternctl check-config");
	code = task(o, config);
	config_free(config);
	return code;
}

static int
later(const struct options *o)
{
	char error[64];

	snprintf(error, sizeof(error), "%.20s: not available in this version", o->verb_text);
	return task_fail(o, EXIT_USAGE, error);
}

static int
run(const struct options *o)
{
	switch (o->verb) {
	case VERB_HELP:
		fputs(options_usage, stdout);
		return EXIT_YES;
	case VERB_VERSION:
		puts("posternctl " POSTERN_VERSION);
		return EXIT_YES;
	case VERB_LATER:
		return later(o);
	case VERB_CHECK_CONFIG:
		return task_check_config(o);
	case VERB_RULES_SHOW:
		return with_config(o, task_rules_show);
	case VERB_RULES_INSTALL:
		return with_config(o, task_rules_install);
	case VERB_RULES_CONFIRM:
		return despite_errors(o, task_rules_confirm);
	case VERB_RULES_REMOVE:
		return despite_errors(o, task_rules_remove);
	case VERB_RULES_VERIFY:
		return with_config(o, task_rules_verify);
	case VERB_DOCTOR:
		return with_config(o, task_doctor);
	case VERB_DECISIONS:
		return despite_errors(o, task_decisions);
	case VERB_EXPLAIN:
		return despite_errors(o, task_explain);
	case VERB_RELOAD:
		return with_config(o, task_reload);
	case VERB_STATUS:
	case VERB_METRICS:
	case VERB_DOMAIN:
	case VERB_PROBE:
	case VERB_POLICY_LIST:
	case VERB_POLICY_SHOW:
	case VERB_POLICY_REFRESH:
	case VERB_POLICY_FORGET:
	case VERB_POLICY_ACKNOWLEDGE:
	case VERB_MODE:
		return despite_errors(o, task_ask);
	}
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct options options;
	char error[200];
	int code;

	signal(SIGPIPE, SIG_IGN);
	if (!options_parse(&options, argc, argv, error, sizeof(error))) {
		code = task_fail(&options, EXIT_USAGE, error);
		if (!options.json)
			fputs(options_usage, stderr);
		return code;
	}
	code = run(&options);
	if (fflush(stdout) != 0 && code == EXIT_YES)
		code = EXIT_TEMPORARY;
	return code;
}
