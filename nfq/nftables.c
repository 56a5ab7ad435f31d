/* nftables.c - our two tables of nft: read, replaced, taken out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/nftables.h"

#include <stdlib.h>
#include <string.h>

#include "nfq/program.h"

#define GUARD "postern_guard"

static const char *const tables[] = { "postern", GUARD };

/* Asks nft; what it prints goes to out. False with the reason. */
static bool
ask(int netns, const char *const argv[], FILE *out, char *error, size_t error_size)
{
	struct program_result result;
	bool ok = program_run(argv, NULL, netns, &result);

	if (ok)
		fputs(result.out, out);
	else
		snprintf(error, error_size, "nft: %.300s", result.error);
	program_free(&result);
	return ok;
}

/* A line of `nft list tables` that is exactly this. */
static bool
listed(const char *names, const char *table)
{
	char line[64];
	size_t len = (size_t)snprintf(line, sizeof(line), "table inet %s", table);
	const char *at = names;

	while ((at = strstr(at, line)) != NULL) {
		if ((at == names || at[-1] == '\n') && (at[len] == '\n' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

static bool
list(int netns, bool counters, const char *names, FILE *out, char *error, size_t error_size)
{
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const char *const stateless[] = { "nft", "-s", "list", "table", "inet", tables[i],
			NULL };
		const char *const full[] = { "nft", "list", "table", "inet", tables[i], NULL };

		if (listed(names, tables[i]) &&
		    !ask(netns, counters ? full : stateless, out, error, error_size))
			return false;
	}
	return true;
}

char *
nftables_read(int netns, bool counters, char *error, size_t error_size)
{
	const char *const argv[] = { "nft", "list", "tables", NULL };
	struct program_result names;
	char *text = NULL, path[128];
	size_t size = 0;
	FILE *out;
	bool ok;

	if (program_exists("nft", path) == NULL)
		return strdup("");
	out = open_memstream(&text, &size);
	if (out == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	ok = program_run(argv, NULL, netns, &names);
	/* A kernel without nf_tables has none of ours. */
	if (!ok && strstr(names.error, "not supported") != NULL)
		ok = true;
	else if (!ok)
		snprintf(error, error_size, "nft: %.300s", names.error);
	else
		ok = list(netns, counters, names.out, out, error, error_size);
	program_free(&names);
	if (fclose(out) == 0 && ok)
		return text;
	free(text);
	return NULL;
}

bool
nftables_change(int netns, const char *text, char *error, size_t error_size)
{
	const char *const argv[] = { "nft", "-f", "-", NULL };
	struct program_result result;
	bool ok = program_run(argv, text, netns, &result);

	if (!ok)
		snprintf(error, error_size, "nft: %.400s", result.error);
	program_free(&result);
	return ok;
}

char *
nftables_text(const char *listing)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	/* `delete` fails where there is no such table, `add` never. */
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		fprintf(out, "add table inet %s\ndelete table inet %s\n", tables[i], tables[i]);
	fputs(listing, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Calls `line` for each with the table and the chain (or set) it is in; the braces are left out. */
static void
walk(const char *listing, void (*line)(void *arg, const char *table, const char *block,
    const char *p, size_t len), void *arg)
{
	char table[64] = "", block[64] = "";

	while (*listing != '\0') {
		size_t len = strcspn(listing, "\n"), skip = strspn(listing, " \t");
		const char *p = listing + skip;

		listing += len + (listing[len] == '\n');
		if (skip >= len)
			continue;
		len -= skip;
		if (sscanf(p, "table inet %63s", table) == 1 && skip == 0)
			block[0] = '\0';
		else if (p[len - 1] == '{' && skip == 1)
			sscanf(p, "%*s %63s", block);
		else if (p[0] != '}' || len > 1)
			line(arg, table, block, p, len);
	}
}

struct print {
	FILE *out;
	char table[64];
};

static void
print_line(void *arg, const char *table, const char *block, const char *p, size_t len)
{
	struct print *to = arg;

	if (strcmp(to->table, table) != 0) {
		fprintf(to->out, "# nft, table inet %s\n", table);
		snprintf(to->table, sizeof(to->table), "%s", table);
	}
	fprintf(to->out, "%s: %.*s\n", block, (int)len, p);
}

void
nftables_print(const char *listing, FILE *out)
{
	struct print to = { .out = out };

	walk(listing, print_line, &to);
}

struct counts {
	unsigned long long *guard, *refused;
};

static void
count_line(void *arg, const char *table, const char *block, const char *p, size_t len)
{
	static const char counter[] = "counter packets ";
	struct counts *c = arg;
	const char *at = memmem(p, len, counter, sizeof(counter) - 1);
	unsigned long long n;

	(void)block;
	if (at == NULL)
		return;
	n = strtoull(at + sizeof(counter) - 1, NULL, 10);
	if (strcmp(table, GUARD) == 0)
		*c->guard += n;
	else if (memmem(p, len, "reject", 6) != NULL)
		*c->refused += n;
}

void
nftables_counts(const char *listing, unsigned long long *guard, unsigned long long *refused)
{
	struct counts c = { guard, refused };

	walk(listing, count_line, &c);
}
