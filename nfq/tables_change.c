/* tables_change.c - from what stands in iptables of ours to what is wanted, a step for each table
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "nfq/tables.h"

static bool
has_chain(const struct tables *t, const struct tables_line *chain)
{
	size_t i;

	for (i = 0; i < t->len; i++)
		if (t->lines[i].kind == TABLES_CHAIN && t->lines[i].table == chain->table &&
		    strcmp(t->lines[i].chain, chain->chain) == 0)
			return true;
	return false;
}

static bool
has_table(const struct tables *t, unsigned table)
{
	size_t i;

	for (i = 0; i < t->len && t->lines[i].table != table; i++)
		;
	return i < t->len;
}

/* What goes: old jumps, then chains that are not wanted any more, emptied before any is taken away
 * because they may call each other. Chains that stay are emptied by their ":" line. */
static void
print_end(FILE *out, const struct tables *now, const struct tables *want, unsigned table)
{
	const struct tables_line *l;

	for (l = tables_next(now, NULL); l != NULL; l = tables_next(now, l))
		if (l->table == table && l->kind == TABLES_JUMP)
			fprintf(out, "-D %s %s\n", l->chain, l->text);
	for (l = tables_next(now, NULL); l != NULL; l = tables_next(now, l))
		if (l->table == table && l->kind == TABLES_CHAIN && !has_chain(want, l))
			fprintf(out, "-F %s\n", l->chain);
	for (l = tables_next(now, NULL); l != NULL; l = tables_next(now, l))
		if (l->table == table && l->kind == TABLES_CHAIN && !has_chain(want, l))
			fprintf(out, "-X %s\n", l->chain);
}

static void
print_begin(FILE *out, const struct tables *want, unsigned table, bool on_top)
{
	const struct tables_line *l;

	for (l = tables_next(want, NULL); l != NULL; l = tables_next(want, l)) {
		if (l->table != table || l->kind == TABLES_CHAIN)
			continue;
		if (l->kind == TABLES_RULE)
			fprintf(out, "-A %s %s\n", l->chain, l->text);
		else
			fprintf(out, "-I %s %u %s\n", l->chain,
			    on_top ? l->place - l->others : l->place, l->text);
	}
}

char *
tables_change(const struct tables *now, const struct tables *want, bool on_top)
{
	const struct tables_line *l;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	unsigned table;

	for (table = 0; table < TABLES && out != NULL; table++) {
		if (!has_table(now, table) && !has_table(want, table))
			continue;
		fprintf(out, "*%s\n", tables_names[table]);
		for (l = tables_next(want, NULL); l != NULL; l = tables_next(want, l))
			if (l->table == table && l->kind == TABLES_CHAIN)
				fprintf(out, ":%s - [0:0]\n", l->chain);
		print_end(out, now, want, table);
		print_begin(out, want, table, on_top);
		fputs("COMMIT\n", out);
	}
	if (out == NULL || fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int
tables_cannot(const struct tables *now, const struct tables *want)
{
	const struct tables_line *l;

	for (l = tables_next(want, NULL); l != NULL; l = tables_next(want, l))
		if ((now->hidden & 1u << l->table) != 0)
			return (int)l->table;
	return -1;
}
