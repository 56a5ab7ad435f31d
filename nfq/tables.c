/* tables.c - what stands in iptables of ours, for one family: read, compared, changed in one step
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/tables.h"

#include <stdlib.h>
#include <string.h>

#include "nfq/words.h"

#if defined(__GNUC__) && !defined(__clang__)
/* What hangs at a list that grows is out of the analyzer's sight. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define OURS "POSTERN"
#define GUARD "POSTERN-GUARD"
#define RULE_MAX 4096	/* a rule with comments of their full length, escaped */

const char *const tables_names[TABLES] = { "filter", "mangle", "nat", "raw", "security" };

/* Where the reader is. */
struct place {
	struct tables *t;
	unsigned table;		/* TABLES: in none that we know */
	const char *chain;	/* whose rules are being read */
	unsigned number, ours;	/* rules of that chain so far, and jumps of ours among them */
};

static bool
is_ours(const char *name, size_t len)
{
	size_t n = sizeof(OURS) - 1;

	return len >= n && memcmp(name, OURS, n) == 0 && (len == n || name[n] == '-');
}

/* Whether a rule goes to a chain of ours, by jump or goto. A comment may say so too, in quotes. */
static bool
goes_to_us(const char *rule)
{
	struct word word, before = { NULL, 0 };

	while (words_next(&rule, &word)) {
		if ((words_are(&before, "-j") || words_are(&before, "-g")) &&
		    is_ours(word.p, word.len))
			return true;
		before = word;
	}
	return false;
}

/* The target of a rule is this. */
static bool
does(const char *rule, const char *target)
{
	struct word word, before = { NULL, 0 };

	while (words_next(&rule, &word)) {
		if (words_are(&before, "-j") && words_are(&word, target))
			return true;
		before = word;
	}
	return false;
}

static bool
add(struct tables *t, const struct tables_line *line)
{
	if (t->len == t->size) {
		size_t size = t->size == 0 ? 64 : t->size * 2;
		struct tables_line *p = realloc(t->lines, size * sizeof(*p));

		if (p == NULL)
			return false;
		t->lines = p;
		t->size = size;
	}
	t->lines[t->len++] = *line;
	return true;
}

/* "-A CHAIN rest", with or without "[packets:octets] " before it. */
static bool
read_rule(struct place *at, char *line)
{
	struct tables_line rule = { .table = at->table };
	char *end;

	if (line[0] == '[') {
		rule.packets = strtoull(line + 1, NULL, 10);
		line = strchr(line, ' ');
		if (line == NULL)
			return true;
		line++;
	}
	if (strncmp(line, "-A ", 3) != 0)
		return true;
	rule.chain = line + 3;
	end = strchr(rule.chain, ' ');
	if (end != NULL)
		*end = '\0';
	rule.text = end != NULL ? end + 1 : "";
	if (at->chain == NULL || strcmp(at->chain, rule.chain) != 0) {
		at->chain = rule.chain;
		at->number = at->ours = 0;
	}
	at->number++;
	rule.kind = is_ours(rule.chain, strlen(rule.chain)) ? TABLES_RULE : TABLES_JUMP;
	if (rule.kind == TABLES_JUMP) {
		if (!goes_to_us(rule.text))
			return true;
		rule.place = at->number;
		rule.others = at->number - 1 - at->ours++;
	}
	return add(at->t, &rule);
}

/* "# Table `nat' is incompatible, use 'nft' tool." */
static void
read_comment(struct tables *t, const char *line)
{
	unsigned table;

	for (table = 0; table < TABLES; table++) {
		char text[64];

		snprintf(text, sizeof(text), TABLES_HIDDEN, tables_names[table]);
		if (strncmp(line, text, strlen(text)) == 0)
			t->hidden |= 1u << table;
	}
}

static bool
read_line(struct place *at, char *line)
{
	if (line[0] == '#')
		read_comment(at->t, line);
	if (line[0] == '*') {
		for (at->table = 0; at->table < TABLES; at->table++)
			if (strcmp(line + 1, tables_names[at->table]) == 0)
				break;
		at->chain = NULL;
		return true;
	}
	if (at->table == TABLES)
		return true;
	if (line[0] == ':') {
		size_t len = strcspn(line + 1, " ");
		struct tables_line chain = { .table = at->table, .kind = TABLES_CHAIN,
			.chain = line + 1, .text = "" };

		if (!is_ours(line + 1, len))
			return true;
		line[1 + len] = '\0';
		return add(at->t, &chain);
	}
	return read_rule(at, line);
}

/* The text keeps its lines in order, so the address says which of two came first. */
static int
compare(const void *a, const void *b)
{
	const struct tables_line *x = a, *y = b;
	int order;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = strcmp(x->chain, y->chain);
	if (order != 0)
		return order;
	return x->chain < y->chain ? -1 : x->chain > y->chain;
}

/* The next line, cut off. A comment in quotes may hold the end of one. */
static char *
next_line(char **rest)
{
	char *line = *rest, *p, *end;
	bool quoted = false;

	if (line == NULL)
		return NULL;
	end = strchrnul(line, '\n');
	for (p = line; *p != '\0' && (quoted || *p != '\n') && p - line < RULE_MAX; p++) {
		if (*p == '"' && line[0] != '#')
			quoted = !quoted;
		else if (*p == '\\' && quoted && p[1] != '\0')
			p++;
	}
	/* A quote that nobody closes is a character like others. */
	if (!quoted && (*p == '\n' || *p == '\0'))
		end = p;
	*rest = *end != '\0' ? end + 1 : NULL;
	*end = '\0';
	return line;
}

/* Takes over the text. */
static bool
take(struct tables *t, char *text)
{
	struct place at = { .t = t, .table = TABLES };
	char *rest = text, *line;
	bool ok = text != NULL;

	*t = (struct tables){ .text = text };
	while (ok && (line = next_line(&rest)) != NULL)
		ok = read_line(&at, line);
	if (!ok)
		tables_free(t);
	else if (t->len > 0)
		qsort(t->lines, t->len, sizeof(t->lines[0]), compare);
	return ok;
}

bool
tables_read(struct tables *t, const char *text)
{
	return take(t, strdup(text));
}

static bool
same_base(const struct ruleset_jump *a, const struct ruleset_jump *b)
{
	return a->v4 == b->v4 && strcmp(a->table, b->table) == 0 && strcmp(a->base, b->base) == 0;
}

/* The jumps as iptables-save would print them once they were inserted one after the other: those of
 * one chain together, the last one on top. */
static void
print_jumps(const struct ruleset *r, bool v4, FILE *out)
{
	size_t i, k;

	for (i = 0; i < r->jumps_len; i++) {
		const struct ruleset_jump *first = &r->jumps[i];

		if (first->v4 != v4)
			continue;
		for (k = 0; k < i && !same_base(first, &r->jumps[k]); k++)
			;
		if (k < i)
			continue;
		fprintf(out, "*%s\n", first->table);
		for (k = r->jumps_len; k > i; k--) {
			const struct ruleset_jump *jump = &r->jumps[k - 1];

			if (same_base(first, jump))
				fprintf(out, "-A %s %s%s-j %s\n", jump->base, jump->match,
				    jump->match[0] == '\0' ? "" : " ", jump->chain);
		}
	}
}

bool
tables_want(struct tables *t, const struct ruleset *r, bool v4)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	*t = (struct tables){ .text = NULL };
	if (out == NULL)
		return false;
	if (r->chains[v4 ? 0 : 1] != NULL)
		fprintf(out, "%s\n", r->chains[v4 ? 0 : 1]);
	print_jumps(r, v4, out);
	if (fclose(out) != 0) {
		free(text);
		return false;
	}
	return take(t, text);
}

void
tables_free(struct tables *t)
{
	free(t->text);
	free(t->lines);
	*t = (struct tables){ .text = NULL };
}

const struct tables_line *
tables_next(const struct tables *t, const struct tables_line *l)
{
	if (l == NULL)
		return t->len > 0 ? t->lines : NULL;
	return l + 1 < t->lines + t->len ? l + 1 : NULL;
}

void
tables_print(const struct tables *t, bool v4, FILE *out)
{
	const struct tables_line *l;
	unsigned table = TABLES;

	for (l = tables_next(t, NULL); l != NULL; l = tables_next(t, l)) {
		if (l->table != table)
			fprintf(out, "# %s, table %s\n", v4 ? "iptables" : "ip6tables",
			    tables_names[l->table]);
		table = l->table;
		if (l->kind == TABLES_CHAIN)
			fprintf(out, ":%s -\n", l->chain);
		else
			fprintf(out, "-A %s %s\n", l->chain, l->text);
	}
}

void
tables_before(const struct tables *t, bool v4, FILE *out)
{
	const struct tables_line *l, *next;

	/* Of the jumps in one chain the last counts. */
	for (l = tables_next(t, NULL); l != NULL; l = next) {
		next = tables_next(t, l);
		if (l->kind == TABLES_JUMP && l->others > 0 && (next == NULL ||
		    next->kind != TABLES_JUMP || next->table != l->table ||
		    strcmp(next->chain, l->chain) != 0))
			fprintf(out, "%u rule%s stand%s before ours in %s %s (%s)\n", l->others,
			    l->others == 1 ? "" : "s", l->others == 1 ? "s" : "",
			    tables_names[l->table], l->chain, v4 ? "IPv4" : "IPv6");
	}
}

void
tables_counts(const struct tables *t, unsigned long long *guard, unsigned long long *refused)
{
	const struct tables_line *l;

	for (l = tables_next(t, NULL); l != NULL; l = tables_next(t, l)) {
		if (l->kind != TABLES_RULE)
			continue;
		if (strncmp(l->chain, GUARD, sizeof(GUARD) - 1) != 0)
			*refused += does(l->text, "REJECT") ? l->packets : 0;
		else if (!does(l->text, "NFLOG") && !does(l->text, "RETURN"))
			*guard += l->packets;
	}
}
