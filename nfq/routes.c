/* routes.c - our policy routing of one family: read, changed without a gap, taken out
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ip(8) has no transactions. What is there already is refused as existing and stays untouched, so a
 * route that sessions use is never gone for a moment; whether all that is wanted stands there in
 * the end is found out by reading. */
#include "nfq/routes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nfq/mark.h"
#include "nfq/program.h"
#include "nfq/routes_match.h"
#include "nfq/words.h"

#define WORDS_MAX 32		/* of a rule of ours */
#define TEXT_(n) #n
#define TEXT(n) TEXT_(n)

static const char *
family(bool v4)
{
	return v4 ? "-4" : "-6";
}

static bool
add(struct routes *r, const char *line)
{
	if (r->len == r->size) {
		size_t size = r->size == 0 ? 16 : r->size * 2;
		char (*p)[ROUTES_LINE_SIZE] = realloc(r->lines, size * sizeof(*p));

		if (p == NULL)
			return false;
		r->lines = p;
		r->size = size;
	}
	snprintf(r->lines[r->len++], ROUTES_LINE_SIZE, "%s", line);
	return true;
}

void
routes_free(struct routes *r)
{
	free(r->lines);
	*r = (struct routes){ .lines = NULL };
}

static size_t
split(const char *line, struct word words[WORDS_MAX])
{
	size_t n = 0;

	while (n < WORDS_MAX && words_next(&line, &words[n]))
		n++;
	return n;
}

static bool
is_ours(const struct word *words, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (words_are(&words[i - 1], "proto") &&
		    words_are(&words[i], TEXT(ROUTE_PROTOCOL)))
			return true;
	return false;
}

/* "20:\tfrom all iif lo goto 29 [unresolved] proto 225"; what is in brackets tells of the
 * moment. */
static bool
take_rule(struct routes *r, const char *line)
{
	struct word words[WORDS_MAX];
	size_t i, n = split(line, words), len;
	char out[ROUTES_LINE_SIZE];

	if (!is_ours(words, n) || words[0].len < 2)
		return true;
	len = (size_t)snprintf(out, sizeof(out), "rule pref %.*s", (int)words[0].len - 1,
	    words[0].p);
	for (i = 1; i < n && len + words[i].len + 2 < sizeof(out); i++)
		if (words[i].p[0] != '[')
			len += (size_t)snprintf(out + len, sizeof(out) - len, " %.*s",
			    (int)words[i].len, words[i].p);
	return add(r, out);
}

/* "local default dev lo proto 225 scope host" */
static bool
take_route(struct routes *r, const char *line)
{
	struct word words[WORDS_MAX];
	char out[ROUTES_LINE_SIZE];
	size_t len;

	if (!is_ours(words, split(line, words)))
		return true;
	snprintf(out, sizeof(out), "route %.400s", line);
	for (len = strlen(out); out[len - 1] == ' '; len--)
		out[len - 1] = '\0';
	snprintf(out + len, sizeof(out) - len, " table %s", TEXT(ROUTE_TABLE));
	return add(r, out);
}

static bool
take_lines(struct routes *r, char *text, bool (*take)(struct routes *r, const char *line))
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (!take(r, line))
			return false;
	return true;
}

/* A kernel without this family, as `ip` tells it; nothing of ours can be there. */
static bool
absent(bool v4, const struct program_result *result)
{
	return strstr(result->error, "FIB table does not exist") != NULL ||
	    (!v4 && access("/proc/sys/net/ipv6", F_OK) != 0);
}

static bool
ask(int netns, bool v4, bool rules, struct routes *out, char *error, size_t error_size)
{
	const char *const rule[] = { "ip", family(v4), "rule", "show", NULL };
	const char *const route[] = { "ip", family(v4), "route", "show", "table",
		TEXT(ROUTE_TABLE), NULL };
	struct program_result result;
	bool ok = program_run(rules ? rule : route, NULL, netns, &result);

	if (!ok && absent(v4, &result)) {
		ok = true;
	} else if (!ok) {
		snprintf(error, error_size, "ip %s %s: %.300s", family(v4),
		    rules ? "rule" : "route", result.error);
	} else {
		ok = take_lines(out, result.out, rules ? take_rule : take_route);
		if (!ok)
			snprintf(error, error_size, "out of memory");
	}
	program_free(&result);
	return ok;
}

bool
routes_read(int netns, bool v4, struct routes *out, char *error, size_t error_size)
{
	char path[128];

	*out = (struct routes){ .lines = NULL };
	if (program_exists("ip", path) == NULL)
		return true;
	if (ask(netns, v4, true, out, error, error_size) &&
	    ask(netns, v4, false, out, error, error_size))
		return true;
	routes_free(out);
	return false;
}

char *
routes_text(const struct routes *r)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (i = 0; i < r->len; i++) {
		size_t len = strcspn(r->lines[i], " ");

		fprintf(out, "%.*s add%s\n", (int)len, r->lines[i], r->lines[i] + len);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* The lines of one family out of the text for both, each once: the kernel takes none twice. */
static bool
of_family(const char *text, bool v4, struct routes *out)
{
	char line[ROUTES_LINE_SIZE];

	*out = (struct routes){ .lines = NULL };
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		bool marked = text[0] == '-' && len > 3;

		if (len > 0 && len < sizeof(line) && text[0] != '#' &&
		    (!marked || text[1] == family(v4)[1])) {
			snprintf(line, sizeof(line), "%.*s", (int)(len - (marked ? 3 : 0)),
			    text + (marked ? 3 : 0));
			if (!add(out, line))
				return false;
		}
		text += len + (text[len] == '\n');
	}
	return routes_once(out);
}

static void
print_removal(FILE *out, const char *line)
{
	size_t len = strcspn(line, " ");

	fprintf(out, "%.*s del%s\n", (int)len, line, line + len);
}

/* Runs the batch; that something existed or was gone already is no failure here. */
static void
batch(int netns, bool v4, const char *text, char *error, size_t error_size)
{
	const char *const argv[] = { "ip", family(v4), "-force", "-batch", "-", NULL };
	struct program_result result;

	if (!program_run(argv, text, netns, &result))
		snprintf(error, error_size, "ip %s: %.300s", family(v4), result.error);
	program_free(&result);
}

/* First what prohibits, so that nothing is prohibited because its exception went before it. */
static void
print_removals(FILE *out, const struct routes_index *want, const struct routes *there)
{
	static const char guard[] = "rule pref " TEXT(ROUTE_PREF_GUARD) " ";
	size_t i;
	int pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < there->len; i++)
			if ((strncmp(there->lines[i], guard, sizeof(guard) - 1) == 0) ==
			    (pass == 0) && !routes_index_has(want, there->lines[i]))
				print_removal(out, there->lines[i]);
}

/* The batch that adds all, or the one that takes out what stands there and is not wanted. */
static char *
compose(const struct routes *want, const struct routes *there)
{
	struct routes_index *index = routes_index_new(want);
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = index != NULL ? open_memstream(&text, &size) : NULL;

	for (i = 0; out != NULL && there == NULL && i < want->len; i++)
		fprintf(out, "%s\n", want->lines[i]);
	if (out != NULL && there != NULL)
		print_removals(out, index, there);
	routes_index_free(index);
	if (out != NULL && fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* One turn: adds, takes out; *len is how many are there at its end. */
static bool
turn(int netns, bool v4, const struct routes *want, size_t *len, char *error, size_t error_size)
{
	struct routes there = { .lines = NULL };
	char *text = compose(want, NULL);
	bool ok = text != NULL;

	if (ok && want->len > 0)
		batch(netns, v4, text, error, error_size);
	free(text);
	ok = ok && routes_read(netns, v4, &there, error, error_size);
	text = ok ? compose(want, &there) : NULL;
	ok = ok && text != NULL;
	if (ok && text[0] != '\0') {
		batch(netns, v4, text, error, error_size);
		/* What was not recognised as wanted comes back here. */
		if (want->len > 0) {
			free(text);
			text = compose(want, NULL);
			if (text != NULL)
				batch(netns, v4, text, error, error_size);
		}
		routes_free(&there);
		ok = text != NULL && routes_read(netns, v4, &there, error, error_size);
	}
	free(text);
	*len = there.len;
	routes_free(&there);
	return ok;
}

bool
routes_change(int netns, bool v4, const char *wanted, char *error, size_t error_size)
{
	char why[320] = "out of memory";
	struct routes want;
	size_t len = 0;
	bool ok;

	ok = of_family(wanted, v4, &want) && turn(netns, v4, &want, &len, why, sizeof(why));
	if (!ok)
		snprintf(error, error_size, "%s", why);
	if (ok && len != want.len) {
		snprintf(error, error_size, "policy routing (IPv%c): %zu of %zu rules and routes "
		    "stand: %s", v4 ? '4' : '6', len, want.len, why);
		ok = false;
	}
	routes_free(&want);
	return ok;
}

void
routes_prepare(int netns, bool v4, const char *wanted)
{
	struct routes all, some = { .lines = NULL };
	char *text = NULL, error[64];
	bool ok = of_family(wanted, v4, &all), any = false;
	size_t i;

	for (i = 0; i < all.len; i++) {
		any |= strncmp(all.lines[i], "route ", 6) == 0;
		ok = ok && (strstr(all.lines[i], "prohibit") != NULL || add(&some, all.lines[i]));
	}
	if (ok && any)
		text = compose(&some, NULL);
	if (text != NULL)
		batch(netns, v4, text, error, sizeof(error));
	free(text);
	routes_free(&some);
	routes_free(&all);
}

void
routes_print(const struct routes *r, bool v4, FILE *out)
{
	size_t i;

	if (r->len > 0)
		fprintf(out, "# ip %s\n", family(v4));
	for (i = 0; i < r->len; i++)
		fprintf(out, "%s\n", r->lines[i]);
}
