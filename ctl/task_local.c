/* task_local.c - verbs that need no daemon, and what all verbs say when they fail
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/task.h"
#include "ctl/terminal.h"

void
task_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
}

int
task_fail(const struct options *o, enum exit_code code, const char *error)
{
	const char *rest = error;

	if (o->json) {
		json_t *line = json_pack("{s:i,s:s}", "exit", (int)code, "error", error);

		task_json(line);
		json_decref(line);
		return (int)code;
	}
	/* Our own newlines part the cause from the next step; all else is escaped. */
	fputs("posternctl: ", stderr);
	while (*rest != '\0') {
		size_t len = strcspn(rest, "\n");

		terminal_octets(stderr, rest, len);
		putc('\n', stderr);
		rest += len + (rest[len] == '\n');
	}
	return (int)code;
}

bool
task_last(const json_t *line, int *code)
{
	const json_t *exit_value = json_object_get(line, "exit");

	if (!json_is_integer(exit_value))
		return false;
	*code = (int)json_integer_value(exit_value);
	return true;
}

json_t *
task_lines(const char *text, bool comments)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 0 && (comments || text[0] != '#'))
			json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] == '\n');
	}
	return list;
}

int
task_check_config(const struct options *o)
{
	const char *file = o->file != NULL ? o->file : o->config;
	unsigned errors = 0, warnings = 0;
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	struct config *config;
	int code;

	if (memory == NULL)
		return task_fail(o, EXIT_TEMPORARY, "out of memory");
	config = config_load(file, memory, &errors, &warnings);
	fclose(memory);
	code = config == NULL ? EXIT_CONFIG : EXIT_YES;
	config_free(config);
	if (o->json) {
		json_t *answer = json_pack("{s:s,s:i,s:i,s:o}", "file", file, "errors",
		    (int)errors, "warnings", (int)warnings, "diagnostics", task_lines(text, true));

		task_json(answer);
		json_decref(answer);
	} else {
		fputs(text, stderr);
		if (code == EXIT_YES)
			printf("%s: no errors, %u warning%s\n", file, warnings,
			    warnings == 1 ? "" : "s");
		else
			printf("%s: %u error%s, %u warning%s\n", file, errors,
			    errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
	}
	free(text);
	return code;
}
