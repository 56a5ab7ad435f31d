/* task_rules.c - rules show, confirm and remove
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/pending.h"
#include "ctl/planned.h"
#include "nfq/apply.h"

#define PATH_SIZE 4096
#define ERROR_SIZE 1000
#define LOCK_MS 10000

/* One line for people, or one member for programs. */
static void
say(const struct options *o, const char *text, const char *member, bool value)
{
	json_t *answer;

	if (!o->json) {
		puts(text);
		return;
	}
	answer = json_pack("{s:b}", member, value);
	task_json(answer);
	json_decref(answer);
}

static void
show(const struct options *o, const char *text)
{
	json_t *answer;

	if (!o->json) {
		fputs(text, stdout);
		return;
	}
	answer = json_pack("{s:o}", "commands", task_lines(text, false));
	task_json(answer);
	json_decref(answer);
}

int
task_rules_show(const struct options *o, const struct config *config)
{
	struct planned planned;
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int code;

	if (config->intercept.method == METHOD_NONE) {
		show(o, "# intercept.method is none: the rules are somebody else's\n");
		return EXIT_YES;
	}
	code = planned_make(o, config, &planned);
	if (code != EXIT_YES)
		return code;
	out = open_memstream(&text, &size);
	if (out != NULL)
		ruleset_show(&planned.plan, &planned.rules, out);
	if (out != NULL && fclose(out) == 0)
		show(o, text);
	else
		code = task_fail(o, EXIT_TEMPORARY, "out of memory");
	free(text);
	ruleset_free(&planned.rules);
	return code;
}

/* Locked, with the note's path; -1 after the reason was said, *code is the exit code. */
static int
begin(const struct options *o, const struct config *config, char note[PATH_SIZE], int *code)
{
	char error[256];
	int lock;

	*code = planned_root(o);
	if (*code != EXIT_YES)
		return -1;
	installed_path(config, note, PATH_SIZE);
	lock = installed_lock(note, LOCK_MS);
	if (lock < 0) {
		snprintf(error, sizeof(error), "somebody else is changing the rules, or the lock "
		    "cannot be made: %s", strerror(errno));
		*code = task_fail(o, EXIT_TEMPORARY, error);
	}
	return lock;
}

int
task_rules_confirm(const struct options *o, const struct config *config)
{
	struct former former;
	char note[PATH_SIZE];
	int code, lock = begin(o, config, note, &code);

	if (lock < 0)
		return code;
	if (pending_former(note, &former)) {
		pending_end(note);
		say(o, "confirmed", "confirmed", true);
	} else {
		code = task_fail(o, EXIT_NO, "no installation waits to be confirmed\n"
		    "next: posternctl rules verify");
	}
	installed_free(&former.installed);
	close(lock);
	return code;
}

int
task_rules_remove(const struct options *o, const struct config *config)
{
	char note[PATH_SIZE], error[ERROR_SIZE] = "", text[ERROR_SIZE + 128];
	bool found = false;
	int code, lock = begin(o, config, note, &code);

	if (lock < 0)
		return code;
	pending_end(note);
	/* While the note is there, whoever watches would put back what is taken away. */
	if (installed_remove(note, error, sizeof(error)) &&
	    apply_remove(&found, error, sizeof(error))) {
		say(o, found ? "removed: mail passes without postern" : "there was nothing of ours",
		    "removed", found);
	} else {
		snprintf(text, sizeof(text), "not everything could be removed: %s\n"
		    "next: posternctl rules remove, once more", error);
		code = task_fail(o, EXIT_NO, text);
	}
	close(lock);
	return code;
}
