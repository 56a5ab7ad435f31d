/* show_policy.c - cached policies, their refresh, and the mode in force
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/show.h"
#include "ctl/terminal.h"

/* The columns of `policy list`; what else an entry holds is shown by `policy show`. */
static const struct {
	const char *key, *head;
	unsigned width;
} columns[] = {
	{ "domain", "domain", 32 },
	{ "mode", "mode", 8 },
	{ "id", "id", 20 },
	{ "expires", "expires", 20 },
	{ "problem", "problem", 0 },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A problem is a word or {"result_type":...,"detail":...}. */
static const char *
cell(const json_t *entry, const char *key)
{
	const json_t *value = json_object_get(entry, key);

	if (json_is_object(value))
		return terminal_member(value, "result_type");
	return json_is_string(value) ? json_string_value(value) : "";
}

void
show_policy_list(FILE *out, const json_t *list)
{
	const json_t *entry;
	size_t i, k;

	if (json_array_size(list) == 0) {
		fputs("no policy is cached\n", out);
		return;
	}
	for (k = 0; k < COLUMNS; k++) {
		terminal_column(out, columns[k].head, columns[k].width);
		putc(k + 1 < COLUMNS ? ' ' : '\n', out);
	}
	json_array_foreach(list, i, entry)
		for (k = 0; k < COLUMNS; k++) {
			terminal_column(out, cell(entry, columns[k].key), columns[k].width);
			putc(k + 1 < COLUMNS ? ' ' : '\n', out);
		}
}

void
show_policy(FILE *out, const json_t *policy)
{
	terminal_tree(out, policy, 0);
}

void
show_refresh(FILE *out, const json_t *result)
{
	static const struct {
		const char *outcome, *text;
	} rows[] = {
		{ "fetched", "fetched: a policy is in force now" },
		{ "unchanged", "unchanged: the cached policy was confirmed" },
		{ "changed", "changed: the new policy is in force" },
		{ "failed", "failed: what was cached stays" },
		{ "none", "none: the domain publishes no policy" },
	};
	const char *outcome = terminal_member(result, "outcome");
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(outcome, rows[i].outcome) == 0)
			fprintf(out, "%s\n", rows[i].text);
	if (json_is_object(json_object_get(result, "problem")))
		terminal_tree(out, json_object_get(result, "problem"), 2);
}

void
show_forget(FILE *out, const json_t *result)
{
	fputs("forgotten: ", out);
	terminal_value(out, json_object_get(result, "forgotten"));
	fputs("; the next mail to it starts anew\n", out);
}

void
show_acknowledge(FILE *out, const json_t *result)
{
	fputs(json_is_true(json_object_get(result, "acknowledged")) ?
	    "acknowledged: the store that was set aside degrades the status no more\n" :
	    "there is nothing to acknowledge\n", out);
}

void
show_mode(FILE *out, const json_t *mode)
{
	const char *now = terminal_member(mode, "mode");
	const char *configured = terminal_member(mode, "configured");

	terminal_text(out, now);
	if (strcmp(now, configured) != 0) {
		fputs(" until the next reload; the configuration says ", out);
		terminal_text(out, configured);
	}
	putc('\n', out);
}
