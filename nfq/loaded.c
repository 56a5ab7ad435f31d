/* loaded.c - everything of ours that a network namespace holds: iptables, nft, routes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/loaded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nfq/nftables.h"
#include "nfq/program.h"

/* One table that iptables-save does not show: whether ours is in it all the same, as nft sees. */
static bool
holds_ours(int netns, bool v4, const char *table)
{
	const char *const argv[] = { "nft", "list", "table", v4 ? "ip" : "ip6", table, NULL };
	struct program_result result;
	bool yes = program_run(argv, NULL, netns, &result) &&
	    (strstr(result.out, "chain POSTERN {") != NULL ||
	    strstr(result.out, "chain POSTERN-") != NULL);

	program_free(&result);
	return yes;
}

static bool
none_hidden(int netns, bool v4, const struct tables *t, char *error, size_t error_size)
{
	unsigned i;

	for (i = 0; i < TABLES; i++)
		if ((t->hidden & 1u << i) != 0 && holds_ours(netns, v4, tables_names[i])) {
			snprintf(error, error_size, "the %s table %s holds chains of ours and "
			    "rules of another program that iptables cannot show\n"
			    "next: give those rules a table of their own: nft list table %s %s",
			    v4 ? "IPv4" : "IPv6", tables_names[i], v4 ? "ip" : "ip6",
			    tables_names[i]);
			return false;
		}
	return true;
}

/* Where a rule that nft made stops iptables-save altogether: each table by itself. NULL when none
 * of them could be read. */
static char *
save_each(int netns, const char *name)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	unsigned i, bad = 0;

	for (i = 0; i < TABLES && out != NULL; i++) {
		const char *const argv[] = { name, "-c", "-t", tables_names[i], NULL };
		struct program_result result;

		if (program_run(argv, NULL, netns, &result)) {
			fputs(result.out, out);
		} else {
			fprintf(out, TABLES_HIDDEN "\n", tables_names[i]);
			bad++;
		}
		program_free(&result);
	}
	if (out != NULL && fclose(out) == 0 && bad < TABLES)
		return text;
	free(text);
	return NULL;
}

/* What iptables-save prints; "" in a kernel without that family; NULL with the reason. */
static char *
save(int netns, bool v4, const char *name, char *error, size_t error_size)
{
	const char *const argv[] = { name, "-c", NULL };
	struct program_result result;
	char *text = NULL;

	if (program_run(argv, NULL, netns, &result))
		return result.out;
	snprintf(error, error_size, "%s: %.300s", name, result.error);
	program_free(&result);
	if (!v4 && access("/proc/sys/net/ipv6", F_OK) != 0)
		text = strdup("");
	else if (result.status < 128)
		text = save_each(netns, name);
	return text;
}

bool
loaded_tables(int netns, bool v4, struct tables *out, char *error, size_t error_size)
{
	const char *name = v4 ? "iptables-save" : "ip6tables-save";
	char path[128], *text;
	bool ok;

	*out = (struct tables){ .text = NULL };
	if (program_exists(name, path) == NULL)
		return true;
	text = save(netns, v4, name, error, error_size);
	if (text == NULL)
		return false;
	ok = tables_read(out, text);
	if (!ok)
		snprintf(error, error_size, "out of memory");
	free(text);
	ok = ok && none_hidden(netns, v4, out, error, error_size);
	if (!ok)
		tables_free(out);
	return ok;
}

bool
loaded_read(int netns, struct loaded *out, char *error, size_t error_size)
{
	*out = (struct loaded){ .nft = NULL };
	if (loaded_tables(netns, true, &out->tables[0], error, error_size) &&
	    loaded_tables(netns, false, &out->tables[1], error, error_size) &&
	    routes_read(netns, true, &out->routes[0], error, error_size) &&
	    routes_read(netns, false, &out->routes[1], error, error_size) &&
	    (out->nft = nftables_read(netns, false, error, error_size)) != NULL)
		return true;
	loaded_free(out);
	return false;
}

void
loaded_free(struct loaded *l)
{
	int i;

	for (i = 0; i < 2; i++) {
		tables_free(&l->tables[i]);
		routes_free(&l->routes[i]);
	}
	free(l->nft);
	l->nft = NULL;
}

bool
loaded_any(const struct loaded *l)
{
	return l->tables[0].len > 0 || l->tables[1].len > 0 || l->routes[0].len > 0 ||
	    l->routes[1].len > 0 || l->nft[0] != '\0';
}

char *
loaded_text(const struct loaded *l)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	tables_print(&l->tables[0], true, out);
	tables_print(&l->tables[1], false, out);
	nftables_print(l->nft, out);
	routes_print(&l->routes[0], true, out);
	routes_print(&l->routes[1], false, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
