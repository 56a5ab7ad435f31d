/* task_decisions.c - decisions from the log, and one of them explained
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server hands over the open log and its predecessor with the sizes they have at that
 * moment, and sends each later line: read up to there and no further, every decision is seen
 * exactly once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/filter.h"
#include "ctl/logreader.h"
#include "ctl/show.h"
#include "ctl/task.h"
#include "ctl/terminal.h"

struct search {
	const struct options *options;
	struct filter filter;
	size_t found, skipped;
	json_t *kept;		/* explain: the last that matched */
	bool keep;
};

static bool
take(void *arg, const json_t *event)
{
	struct search *s = arg;

	if (!filter_match(&s->filter, event))
		return true;
	s->found++;
	if (s->keep) {
		json_decref(s->kept);
		s->kept = json_incref((json_t *)event);
	} else if (s->options->json) {
		task_json(event);
	} else {
		show_decision(stdout, event);
	}
	return true;
}

/* The files, as far as the first line of the answer says. */
static int
read_files(struct search *s, struct client *client, const json_t *line)
{
	const json_t *sizes = json_object_get(line, "sizes"), *size;
	size_t i;

	json_array_foreach(sizes, i, size) {
		int fd = client_file(client, i);

		if (fd < 0 || logreader_read(fd, (uint64_t)json_integer_value(size), take, s,
		    &s->skipped) != 0)
			return -1;
	}
	return 0;
}

static int
follow(struct search *s, struct client *client)
{
	char error[160];
	json_t *line;
	int code = EXIT_TEMPORARY;
	bool last = false;

	fflush(stdout);
	client_wait(client);
	while (!last) {
		line = client_line(client, error, sizeof(error));
		if (line == NULL)
			return task_fail(s->options, EXIT_TEMPORARY, error);
		last = task_last(line, &code);
		if (json_is_object(json_object_get(line, "event")))
			take(s, json_object_get(line, "event"));
		if (last && json_object_get(line, "error") != NULL)
			task_fail(s->options, (enum exit_code)code,
			    terminal_member(line, "error"));
		json_decref(line);
		if (fflush(stdout) != 0)
			return EXIT_TEMPORARY;	/* nobody reads us any more */
	}
	return code;
}

static void
note_skipped(const struct search *s)
{
	if (s->skipped > 0)
		fprintf(stderr, "posternctl: %zu line%s of the log skipped: torn or not JSON\n",
		    s->skipped, s->skipped == 1 ? "" : "s");
}

static int
run(struct search *s, struct client *client)
{
	char error[160];
	json_t *line = client_line(client, error, sizeof(error));
	int code = EXIT_TEMPORARY, result;

	if (line == NULL)
		return task_fail(s->options, EXIT_TEMPORARY, error);
	if (task_last(line, &code)) {
		task_fail(s->options, (enum exit_code)code, terminal_member(line, "error"));
		json_decref(line);
		return code;
	}
	result = read_files(s, client, line);
	json_decref(line);
	if (result != 0)
		return task_fail(s->options, EXIT_TEMPORARY, "the log cannot be read");
	note_skipped(s);
	return s->options->follow ? follow(s, client) : EXIT_YES;
}

static int
search(struct search *s, const struct config *config)
{
	struct request r = { .verb = "decisions", .follow = s->options->follow };
	enum exit_code code;
	char error[400];
	struct client *client = client_ask(config->control, &r, &code, error, sizeof(error));
	int result;

	if (client == NULL)
		return task_fail(s->options, code, error);
	s->filter.refused = s->options->refused;
	s->filter.domain = s->options->domain;
	s->filter.id = s->options->id;
	if (s->options->since_s > 0)
		filter_since(&s->filter, time(NULL), s->options->since_s);
	result = run(s, client);
	client_free(client);
	return result;
}

int
task_decisions(const struct options *o, const struct config *config)
{
	struct search s = { .options = o };
	int code = search(&s, config);

	if (code == EXIT_YES && s.found == 0 && o->id[0] != '\0')
		return task_fail(o, EXIT_UNKNOWN, "no decision of that id is in the log");
	if (code == EXIT_YES && s.found == 0 && !o->json)
		fputs("posternctl: no such decision is in the log\n", stderr);
	return code;
}

int
task_explain(const struct options *o, const struct config *config)
{
	struct search s = { .options = o, .keep = true };
	int code = search(&s, config);

	if (code == EXIT_YES && s.kept == NULL)
		return task_fail(o, EXIT_UNKNOWN, "no decision of that id is in the log\n"
		    "next: older logs are compressed: zgrep ID in the folder of log.file");
	if (code == EXIT_YES && o->json)
		task_json(s.kept);
	else if (code == EXIT_YES)
		show_explain(stdout, s.kept);
	json_decref(s.kept);
	return code;
}
