/* task_reload.c - asks for a reload and waits until it happened or was refused
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A reload replaces the policy process, which is the one that answers here: a new process id behind
 * the socket is the proof that it is done. */
#include <stdio.h>
#include <time.h>

#include "ctl/task.h"
#include "ctl/terminal.h"

#define TRIES 50		/* of 200 ms: a start that opens store and resolver takes less */
#define TRY_NS 200000000L
#define REFUSED_AFTER 5		/* tries: the parent has read the file by then */

/* One question; its last line, or NULL. */
static json_t *
ask(const struct config *config, const char *verb, enum exit_code *code, char *error, size_t size)
{
	struct request r = { .port = 0 };
	struct client *client;
	json_t *line;

	snprintf(r.verb, sizeof(r.verb), "%s", verb);
	client = client_ask(config->control, &r, code, error, size);
	if (client == NULL)
		return NULL;
	*code = EXIT_TEMPORARY;
	line = client_line(client, error, size);
	client_free(client);
	return line;
}

/* The process that answers, 0 when none does; *refused: the last reload was. */
static json_int_t
answering(const struct config *config, bool *refused, enum exit_code *code, char *error,
    size_t size)
{
	json_t *line = ask(config, "status", code, error, size);
	const json_t *answer = json_object_get(line, "answer");
	json_int_t pid = json_integer_value(json_object_get(answer, "pid"));

	*refused = json_is_true(json_object_get(answer, "last_reload_refused"));
	json_decref(line);
	return pid;
}

static int
done(const struct options *o)
{
	if (o->json) {
		json_t *answer = json_pack("{s:b}", "reloaded", 1);

		task_json(answer);
		json_decref(answer);
	} else {
		puts("reloaded");
	}
	return EXIT_YES;
}

static int
wait_for(const struct options *o, const struct config *config, json_int_t before)
{
	const struct timespec pause = { 0, TRY_NS };
	enum exit_code code = EXIT_TEMPORARY;
	char error[400];
	int i;

	for (i = 0; i < TRIES; i++) {
		bool refused;
		json_int_t now;

		nanosleep(&pause, NULL);
		now = answering(config, &refused, &code, error, sizeof(error));
		if (now != 0 && now != before)
			return done(o);
		if (now == before && refused && i >= REFUSED_AFTER)
			return task_fail(o, EXIT_CONFIG,
			    "the daemon refused the configuration and keeps the running one\n"
			    "next: posternctl check-config; where that finds nothing, "
			    "journalctl -u posternd: it may need a restart");
	}
	return task_fail(o, EXIT_TEMPORARY,
	    "asked for, but not seen to happen within 10 s\nnext: posternctl status");
}

int
task_reload(const struct options *o, const struct config *config)
{
	enum exit_code code = EXIT_TEMPORARY;
	char error[400] = "posternd does not answer";
	bool refused;
	json_int_t before = answering(config, &refused, &code, error, sizeof(error));
	json_t *line;
	int result;

	if (before == 0)
		return task_fail(o, code, error);
	line = ask(config, "reload", &code, error, sizeof(error));
	/* The process that was asked may be gone before its answer is out: what happens, counts. */
	if (line == NULL)
		return code == EXIT_TEMPORARY ? wait_for(o, config, before) :
		    task_fail(o, code, error);
	if (!task_last(line, &result))
		result = EXIT_TEMPORARY;
	if (result != EXIT_YES)
		task_fail(o, (enum exit_code)result, terminal_member(line, "error"));
	json_decref(line);
	return result != EXIT_YES ? result : wait_for(o, config, before);
}
