/* apply.c - putting a rule set into the kernel, taking ours out, and reading back what is there
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One family's table, or all of nft, changes in one step; between steps what is stricter stands:
 * `filter` comes before what brings connections to postern, the new backend before the old one
 * goes. Somebody else may change the same tables at the same moment: then a step is refused and
 * tried again with what is there now. */
#include "nfq/apply.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nfq/loaded.h"
#include "nfq/nftables.h"
#include "nfq/program.h"
#include "nfq/trial.h"

#define TRIES 5			/* of one step; another program's change takes some ms */
#define NAP_NS 30000000L	/* before the second try, twice that before the third and so on */
#define REASON 400

/* Where to, and where the reason goes when it fails. */
struct apply {
	int netns;
	int tries;
	char *error;
	size_t error_size;
};

static bool
fail(const struct apply *a, const char *why)
{
	snprintf(a->error, a->error_size, "%s", why);
	return false;
}

static void
nap(int turn)
{
	const struct timespec t = { 0, NAP_NS << turn };

	nanosleep(&t, NULL);
}

/* What was not readable when it was changed could never be verified, nor taken out. */
static bool
can(const struct apply *a, bool v4, const struct tables *now, const struct tables *want)
{
	int table = tables_cannot(now, want);

	if (table >= 0)
		snprintf(a->error, a->error_size, "the %s table %s holds rules of another program "
		    "that iptables cannot show\nnext: intercept.backend: nft, or give those rules "
		    "a table of their own: nft list table %s %s", v4 ? "IPv4" : "IPv6",
		    tables_names[table], v4 ? "ip" : "ip6", tables_names[table]);
	return table < 0;
}

static bool
restore(const struct apply *a, bool v4, const char *text)
{
	const char *name = v4 ? "iptables-restore" : "ip6tables-restore";
	const char *const argv[] = { name, "-w", "15", "--noflush", NULL };
	struct program_result result;
	bool ok;

	if (text[0] == '\0')
		return true;
	ok = program_run(argv, text, a->netns, &result);
	if (!ok)
		snprintf(a->error, a->error_size, "%s: %.300s", name, result.error);
	program_free(&result);
	return ok;
}

/* One family of iptables, from what is there now, to `want`. */
static bool
change_tables(const struct apply *a, bool v4, const struct tables *want)
{
	int turn;

	for (turn = 0; turn < a->tries; turn++) {
		struct tables now;
		char *text = NULL;
		bool ok;

		if (turn > 0)
			nap(turn - 1);
		if (!loaded_tables(a->netns, v4, &now, a->error, a->error_size))
			return false;
		ok = can(a, v4, &now, want);
		/* A place may not be there any more, the top is. */
		if (ok)
			text = tables_change(&now, want, turn > 0);
		tables_free(&now);
		if (text == NULL)
			return ok ? fail(a, "out of memory") : false;
		ok = restore(a, v4, text);
		free(text);
		if (ok)
			return true;
	}
	return false;
}

static bool
change_nft(const struct apply *a, const char *text)
{
	int turn;

	for (turn = 0; turn < a->tries; turn++) {
		if (turn > 0)
			nap(turn - 1);
		if (nftables_change(a->netns, text, a->error, a->error_size))
			return true;
	}
	return false;
}

static bool
nft_is(const struct apply *a, const char *listing)
{
	char *text = nftables_text(listing);
	bool ok = text != NULL ? change_nft(a, text) : fail(a, "out of memory");

	free(text);
	return ok;
}

static bool
routes_are(const struct apply *a, bool v4, const struct routes *want)
{
	char *text = routes_text(want);
	bool ok = text != NULL ? routes_change(a->netns, v4, text, a->error, a->error_size) :
	    fail(a, "out of memory");

	free(text);
	return ok;
}

/* Everything as it was; as much of it as can be. */
static bool
put_back(const struct apply *a, const struct loaded *before)
{
	struct loaded now;
	bool ok = true;
	int i;

	if (!loaded_read(a->netns, &now, a->error, a->error_size))
		return false;
	for (i = 0; i < 2; i++)
		ok = change_tables(a, i == 0, &before->tables[i]) && ok;
	if (strcmp(now.nft, before->nft) != 0)
		ok = nft_is(a, before->nft) && ok;
	for (i = 0; i < 2; i++)
		ok = routes_are(a, i == 0, &before->routes[i]) && ok;
	loaded_free(&now);
	return ok;
}

static bool
install_tables(const struct apply *a, const struct ruleset *r)
{
	bool ok = true;
	int i;

	for (i = 0; i < 2 && ok; i++) {
		struct tables want;

		ok = tables_want(&want, r, i == 0) ? change_tables(a, i == 0, &want) :
		    fail(a, "out of memory");
		tables_free(&want);
	}
	return ok;
}

static bool
install_steps(const struct apply *a, const struct ruleset *r, const struct loaded *before)
{
	int i;

	for (i = 0; i < 2; i++)
		routes_prepare(a->netns, i == 0, r->routes);
	if (r->nft != NULL && !change_nft(a, r->nft))
		return false;
	if (r->nft == NULL && !install_tables(a, r))
		return false;
	for (i = 0; i < 2; i++)
		if (!routes_change(a->netns, i == 0, r->routes, a->error, a->error_size))
			return false;
	if (r->nft != NULL)
		return install_tables(a, r);
	return before->nft[0] == '\0' || nft_is(a, "");
}

/* Installs, or leaves things as they were. */
static bool
install_in(const struct apply *a, const struct ruleset *r)
{
	struct loaded before;
	char why[REASON], again[REASON];
	struct apply back = *a;
	bool ok;

	if (!loaded_read(a->netns, &before, a->error, a->error_size))
		return false;
	ok = install_steps(a, r, &before);
	if (!ok) {
		snprintf(why, sizeof(why), "%s", a->error);
		back.error = again;
		back.error_size = sizeof(again);
		if (put_back(&back, &before))
			snprintf(a->error, a->error_size, "%s", why);
		else
			snprintf(a->error, a->error_size, "%s\nand what was there before could "
			    "not be put back: %s", why, again);
	}
	loaded_free(&before);
	return ok;
}

bool
apply_install(const struct ruleset *r, char *error, size_t error_size)
{
	struct apply trial = { trial_open(error, error_size), 1, error, error_size };
	const struct apply here = { -1, TRIES, error, error_size };
	bool ok = true;

	if (trial.netns >= 0) {
		ok = install_in(&trial, r);
		close(trial.netns);
	}
	return ok && install_in(&here, r);
}

char *
apply_canonical(const struct ruleset *r, char *error, size_t error_size)
{
	struct apply trial = { trial_open(error, error_size), 1, error, error_size };
	char *text = NULL;

	if (trial.netns < 0)
		return NULL;
	if (install_in(&trial, r))
		text = apply_loaded(trial.netns, error, error_size);
	close(trial.netns);
	return text;
}

bool
apply_remove(bool *found, char *error, size_t error_size)
{
	const struct apply here = { -1, TRIES, error, error_size };
	struct loaded now;
	bool ok = true;
	int i;

	if (!loaded_read(-1, &now, error, error_size))
		return false;
	*found = loaded_any(&now);
	/* The guard in the routing goes last. */
	for (i = 0; i < 2; i++)
		ok = change_tables(&here, i == 0, &(struct tables){ .text = NULL }) && ok;
	if (now.nft[0] != '\0')
		ok = nft_is(&here, "") && ok;
	for (i = 0; i < 2; i++)
		if (now.routes[i].len > 0)
			ok = routes_change(-1, i == 0, "", error, error_size) && ok;
	loaded_free(&now);
	return ok;
}

char *
apply_loaded(int netns, char *error, size_t error_size)
{
	struct loaded l;
	char *text;

	if (!loaded_read(netns, &l, error, error_size))
		return NULL;
	text = loaded_text(&l);
	if (text == NULL)
		snprintf(error, error_size, "out of memory");
	loaded_free(&l);
	return text;
}

char *
apply_before(char *error, size_t error_size)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool ok = out != NULL;
	int i;

	snprintf(error, error_size, "out of memory");
	for (i = 0; i < 2 && ok; i++) {
		struct tables t;

		ok = loaded_tables(-1, i == 0, &t, error, error_size);
		if (ok)
			tables_before(&t, i == 0, out);
		tables_free(&t);
	}
	if (out != NULL && fclose(out) == 0 && ok)
		return text;
	free(text);
	return NULL;
}

bool
apply_counts(unsigned long long *guard, unsigned long long *refused, char *error,
    size_t error_size)
{
	char *nft = nftables_read(-1, true, error, error_size);
	bool ok = nft != NULL;
	int i;

	*guard = *refused = 0;
	for (i = 0; i < 2 && ok; i++) {
		struct tables t;

		ok = loaded_tables(-1, i == 0, &t, error, error_size);
		if (ok)
			tables_counts(&t, guard, refused);
		tables_free(&t);
	}
	if (ok)
		nftables_counts(nft, guard, refused);
	free(nft);
	return ok;
}
