/* task_verify.c - rules verify: what is loaded against what this configuration asks for
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/planned.h"
#include "ctl/terminal.h"
#include "nfq/apply.h"
#include "nfq/installed.h"

#define PATH_SIZE 4096
#define ERROR_SIZE 1000

struct verify {
	char *wanted, *loaded;		/* canonical texts */
	char *before;			/* lines */
	char absent[160];		/* the interface; "" when it is there */
	json_t *missing, *unexpected;
	bool equal, installed, other_order, noted;
	unsigned long long guard, refused;
};

struct line {
	const char *part;		/* the line with "#" that it stands under */
	size_t part_len;
	const char *p;
	size_t len;
};

/* The next rule of a canonical text; false at its end. */
static bool
next(const char **text, struct line *l)
{
	while (**text != '\0') {
		l->p = *text;
		l->len = strcspn(*text, "\n");
		*text += l->len + ((*text)[l->len] == '\n');
		if (l->len > 0 && l->p[0] != '#')
			return true;
		l->part = l->p;
		l->part_len = l->len;
	}
	return false;
}

static bool
same(const struct line *a, const struct line *b)
{
	return a->len == b->len && a->part_len == b->part_len &&
	    memcmp(a->p, b->p, a->len) == 0 && memcmp(a->part, b->part, a->part_len) == 0;
}

/* How often it stands in the text, up to `end` where that is not NULL. */
static size_t
times(const char *text, const char *end, const struct line *wanted)
{
	struct line l = { "", 0, "", 0 };
	size_t n = 0;

	while ((end == NULL || text < end) && next(&text, &l))
		n += same(&l, wanted);
	return n;
}

/* A line as JSON can hold it: comments of others may be of any encoding. */
static void
append(json_t *list, const struct line *l)
{
	size_t skip = l->part_len > 2 ? 2 : l->part_len, i;
	char *text = NULL;
	int len = asprintf(&text, "%.*s (%.*s)", (int)l->len, l->p, (int)(l->part_len - skip),
	    l->part + skip);

	if (len < 0)
		return;
	for (i = 0; i < (size_t)len; i++)
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
	json_array_append_new(list, json_string(text));
	free(text);
}

/* The lines that stand oftener in these than in those. */
static json_t *
surplus(const char *these, const char *those)
{
	json_t *list = json_array();
	struct line l = { "", 0, "", 0 };
	const char *rest = these;

	while (next(&rest, &l))
		if (times(these, rest, &l) > times(those, NULL, &l))
			append(list, &l);
	return list;
}

/* False with the reason. */
static bool
find_out(const struct planned *planned, struct verify *v, char *error, size_t error_size)
{
	v->wanted = apply_canonical(&planned->rules, error, error_size);
	if (v->wanted == NULL)
		return false;
	v->loaded = apply_loaded(-1, error, error_size);
	if (v->loaded == NULL)
		return false;
	v->before = apply_before(error, error_size);
	if (v->before == NULL || !apply_counts(&v->guard, &v->refused, error, error_size))
		return false;
	v->missing = surplus(v->wanted, v->loaded);
	v->unexpected = surplus(v->loaded, v->wanted);
	v->equal = strcmp(v->wanted, v->loaded) == 0;
	v->installed = v->loaded[0] != '\0';
	v->other_order = !v->equal && json_array_size(v->missing) == 0 &&
	    json_array_size(v->unexpected) == 0;
	return true;
}

static void
say_lines(const char *what, const json_t *lines)
{
	size_t i;

	for (i = 0; i < json_array_size(lines); i++) {
		fputs(what, stdout);
		terminal_text(stdout, json_string_value(json_array_get(lines, i)));
		putchar('\n');
	}
}

static void
say(const struct verify *v)
{
	json_t *before = task_lines(v->before, true);

	if (!v->installed) {
		puts("not installed\nnext: posternctl rules install");
	} else if (v->equal) {
		puts("as configured");
	} else {
		puts("NOT as configured");
		say_lines("missing: ", v->missing);
		say_lines("unexpected: ", v->unexpected);
		if (v->other_order)
			puts("the same lines in another order");
		puts("next: posternctl rules install");
	}
	say_lines("warning: ", before);
	if (v->absent[0] != '\0')
		printf("warning: %s\n", v->absent);
	if (v->installed && !v->noted)
		puts("warning: no note of an installation: nobody puts these rules back when they "
		    "are lost\nnext: posternctl rules install");
	printf("packets seen by the guard: %llu; refused before it: %llu\n", v->guard, v->refused);
	json_decref(before);
}

static void
say_json(const struct verify *v)
{
	json_t *answer = json_pack("{s:b,s:b,s:b,s:O,s:O,s:b,s:o,s:I,s:I}",
	    "equal", v->equal, "installed", v->installed, "noted", v->noted,
	    "missing", v->missing, "unexpected", v->unexpected, "other_order", v->other_order,
	    "before", task_lines(v->before, true), "leaks", (json_int_t)v->guard,
	    "refused", (json_int_t)v->refused);

	if (v->absent[0] != '\0')
		json_object_set_new(answer, "warning", json_string(v->absent));
	task_json(answer);
	json_decref(answer);
}

static bool
is_noted(const struct config *config)
{
	struct installed note;
	char path[PATH_SIZE], error[ERROR_SIZE];
	bool yes;

	installed_path(config, path, sizeof(path));
	yes = installed_read(path, &note, error, sizeof(error)) == INSTALLED_YES;
	installed_free(&note);
	return yes;
}

int
task_rules_verify(const struct options *o, const struct config *config)
{
	struct verify v = { .wanted = NULL };
	char error[ERROR_SIZE] = "";
	struct planned planned;
	int code = planned_root(o);

	if (code == EXIT_YES)
		code = planned_make(o, config, &planned);
	if (code != EXIT_YES)
		return code;
	v.noted = is_noted(config);
	planned_absent(&planned.plan, v.absent, sizeof(v.absent));
	if (!find_out(&planned, &v, error, sizeof(error)))
		code = task_fail(o, EXIT_TEMPORARY, error);
	else if (o->json)
		say_json(&v);
	else
		say(&v);
	if (code == EXIT_YES && !v.equal)
		code = EXIT_NO;
	json_decref(v.missing);
	json_decref(v.unexpected);
	free(v.wanted);
	free(v.loaded);
	free(v.before);
	ruleset_free(&planned.rules);
	return code;
}
