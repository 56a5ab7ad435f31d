/* tables.h - what stands in iptables of ours, for one family: read, compared, changed in one step
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ours are the chains POSTERN and POSTERN-..., and the rules in others' chains that go to them. The
 * same form serves for what is there and for what is wanted, so that putting in, taking out and
 * putting back are one thing. */
#ifndef NFQ_TABLES_H
#define NFQ_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "nfq/ruleset.h"

#define TABLES 5
extern const char *const tables_names[TABLES];

/* How iptables-save says that a table holds what it cannot show. */
#define TABLES_HIDDEN "# Table `%s' is incompatible"

enum tables_kind { TABLES_CHAIN, TABLES_RULE, TABLES_JUMP };

struct tables_line {
	unsigned table;		/* of tables_names, the order in which they are changed */
	enum tables_kind kind;
	const char *chain;	/* ours; of a jump: where it stands */
	const char *text;	/* what follows "-A CHAIN "; "" of a chain */
	unsigned place;		/* of a jump: 1 is the top of its chain */
	unsigned others;	/* of a jump: rules that are not ours above it */
	unsigned long long packets;
};

struct tables {
	char *text;		/* holds the strings */
	struct tables_line *lines;	/* sorted: table, kind, chain, then as they stand */
	size_t len, size;
	unsigned hidden;	/* a bit for each table with rules that iptables cannot show */
};

/* tables_read: from what iptables-save [-c] printed, which is copied. False when out of memory. */
bool tables_read(struct tables *t, const char *text);

/* tables_want: from a rule set; empty for a family that it does not serve. Of its jumps in one
 * chain the last one comes to stand on top, as if each were inserted there. */
bool tables_want(struct tables *t, const struct ruleset *r, bool v4);

void tables_free(struct tables *t);	/* may be called again */

/* tables_next: the line behind l, the first one for NULL; NULL at the end. */
const struct tables_line *tables_next(const struct tables *t, const struct tables_line *l);

/* tables_change: input of iptables-restore --noflush that makes `want` of `now`, each table in one
 * step; jumps at their places or, with on_top, above everything. "" when there is nothing to do;
 * NULL when out of memory. free(). */
char *tables_change(const struct tables *now, const struct tables *want, bool on_top);

/* tables_cannot: a table in which something is wanted that could not be read again; -1: none. */
int tables_cannot(const struct tables *now, const struct tables *want);

/* tables_print: as canonical text. */
void tables_print(const struct tables *t, bool v4, FILE *out);

/* tables_before: "N rules stand before ours in TABLE BASE (IPv4)", for each such chain. */
void tables_before(const struct tables *t, bool v4, FILE *out);

/* tables_counts: added to *guard and *refused. */
void tables_counts(const struct tables *t, unsigned long long *guard,
    unsigned long long *refused);

#endif
