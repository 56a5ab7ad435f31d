/* doctor_chain.c - the machine's chains: kept as lines, walked as a packet would
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/doctor_chain.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16		/* jumps, as deep as nft itself allows */
#define STEPS_MAX 400000	/* rules looked at: chains that jump criss-cross end here */
#define TEXTS_MAX 3		/* iptables-save, ip6tables-save, nft */

enum syntax { SYNTAX_IPTABLES, SYNTAX_NFT };

struct line {
	struct line *next;
	struct token text;
};

struct chain {
	struct chain *next;
	enum syntax syntax;
	const char *family;	/* of iptables; NULL where `table` has it already */
	struct token table, name, hook;
	bool drops;		/* its policy */
	struct line *first, **last;
};

struct set {
	struct set *next;
	struct token table, name, elements;
};

struct chains {
	char *texts[TEXTS_MAX];
	size_t texts_len;
	struct chain *first, *recent;
	struct set *sets;
};

struct chains *
chains_new(void)
{
	return calloc(1, sizeof(struct chains));
}

void
chains_free(struct chains *c)
{
	struct chain *chain;
	struct line *line;
	struct set *set;

	if (c == NULL)
		return;
	while ((chain = c->first) != NULL) {
		while ((line = chain->first) != NULL) {
			chain->first = line->next;
			free(line);
		}
		c->first = chain->next;
		free(chain);
	}
	while ((set = c->sets) != NULL) {
		c->sets = set->next;
		free(set);
	}
	while (c->texts_len > 0)
		free(c->texts[--c->texts_len]);
	free(c);
}

static bool
same(struct token a, struct token b)
{
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static bool
same_family(const struct chain *a, const char *family)
{
	return (a->family == NULL) == (family == NULL) &&
	    (family == NULL || strcmp(a->family, family) == 0);
}

/* The most recent one is asked for first: both programs print a chain's rules together. */
static struct chain *
find(const struct chains *c, const char *family, struct token table, struct token name)
{
	struct chain *i = c->recent;

	if (i != NULL && same(i->name, name) && same(i->table, table) && same_family(i, family))
		return i;
	for (i = c->first; i != NULL; i = i->next)
		if (same(i->name, name) && same(i->table, table) && same_family(i, family))
			return i;
	return NULL;
}

static struct chain *
add_chain(struct chains *c, enum syntax syntax, const char *family, struct token table,
    struct token name)
{
	struct chain *chain = calloc(1, sizeof(*chain));

	if (chain == NULL)
		return NULL;
	*chain = (struct chain){ .next = c->first, .syntax = syntax, .family = family,
		.table = table, .name = name };
	chain->last = &chain->first;
	c->first = c->recent = chain;
	return chain;
}

static bool
add_line(struct chain *chain, struct token text)
{
	struct line *line = calloc(1, sizeof(*line));

	if (line == NULL)
		return false;
	line->text = text;
	*chain->last = line;
	chain->last = &line->next;
	return true;
}

static bool
keep(struct chains *c, char *text)
{
	if (c->texts_len == TEXTS_MAX) {
		free(text);
		return false;
	}
	c->texts[c->texts_len++] = text;
	return true;
}

/* The next line without the spaces before it; false at the end. */
static bool
next_line(const char **at, struct token *out)
{
	const char *p = *at;
	size_t len;

	if (*p == '\0')
		return false;
	len = strcspn(p, "\n");
	*at = p + len + (p[len] == '\n');
	for (; len > 0 && (*p == ' ' || *p == '\t'); len--)
		p++;
	*out = (struct token){ p, len };
	return true;
}

/* Ours, of any backend. */
static bool
is_ours(struct token name)
{
	static const char *const starts[] = { "POSTERN", "postern" };

	return name.len >= 7 && (memcmp(name.p, starts[0], 7) == 0 ||
	    memcmp(name.p, starts[1], 7) == 0);
}

/* ":INPUT DROP [0:0]"; chains of users have "-" for a policy. */
static bool
iptables_chain(struct chains *c, const char *family, struct token table, struct token line)
{
	static const struct {
		const char *chain, *hook;
	} hooks[] = {
		{ "PREROUTING", "prerouting" }, { "INPUT", "input" }, { "FORWARD", "forward" },
		{ "OUTPUT", "output" }, { "POSTROUTING", "postrouting" },
	};
	struct token rest = { line.p + 1, line.len - 1 }, name = { "", 0 }, policy = { "", 0 };
	struct chain *chain;
	size_t i;

	token_next(&rest, &name);
	token_next(&rest, &policy);
	chain = add_chain(c, SYNTAX_IPTABLES, family, table, name);
	if (chain == NULL)
		return false;
	for (i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (!token_is(policy, "-") && token_is(name, hooks[i].chain))
			chain->hook = (struct token){ hooks[i].hook, strlen(hooks[i].hook) };
	chain->drops = token_is(policy, "DROP");
	return true;
}

bool
chains_iptables(struct chains *c, char *text, const char *family)
{
	struct token line, table = { "", 0 };
	const char *at = text;
	bool ok = keep(c, text);

	while (ok && next_line(&at, &line)) {
		struct token rest = line, word, name = { "", 0 };
		struct chain *chain;

		if (line.len > 1 && line.p[0] == '*')
			table = (struct token){ line.p + 1, line.len - 1 };
		if (line.len > 1 && line.p[0] == ':')
			ok = iptables_chain(c, family, table, line);
		if (!token_next(&rest, &word) || !token_is(word, "-A"))
			continue;
		token_next(&rest, &name);
		chain = find(c, family, table, name);
		c->recent = chain;
		if (chain != NULL && !is_ours(name))
			ok = add_line(chain, line);
	}
	return ok;
}

static bool
shown_already(const struct chains *c, struct token family, struct token name)
{
	const struct chain *i;

	for (i = c->first; i != NULL; i = i->next)
		if (i->family != NULL && token_is(family, i->family) && same(i->table, name))
			return true;
	return false;
}

/* Where in the list the reader stands. */
struct nft_place {
	struct token table;	/* "ip nat", as it is printed */
	struct chain *chain;
	struct set *set;
	bool skip;		/* the table is ours, or was seen */
};

/* "table FAMILY NAME {" */
static void
nft_table(const struct chains *c, struct token line, struct nft_place *at)
{
	struct token rest = line, word, family = { "", 0 }, name = { "", 0 };

	token_next(&rest, &word);
	token_next(&rest, &family);
	token_next(&rest, &name);
	*at = (struct nft_place){ .table = { family.p,
		name.len > 0 ? (size_t)(name.p + name.len - family.p) : family.len } };
	at->skip = is_ours(name) || shown_already(c, family, name);
}

/* "type nat hook prerouting priority -100; policy drop;" */
static void
nft_base(struct chain *chain, struct token line)
{
	struct token rest = line, word;

	while (token_next(&rest, &word)) {
		if (token_is(word, "hook"))
			token_next(&rest, &chain->hook);
		else if (token_is(word, "drop;"))
			chain->drops = true;
	}
}

static bool
nft_opens(struct chains *c, struct nft_place *at, struct token kind, struct token rest)
{
	struct token name = { "", 0 };

	token_next(&rest, &name);
	if (token_is(kind, "chain")) {
		at->chain = add_chain(c, SYNTAX_NFT, NULL, at->table, name);
		return at->chain != NULL;
	}
	at->set = calloc(1, sizeof(*at->set));
	if (at->set == NULL)
		return false;
	*at->set = (struct set){ .next = c->sets, .table = at->table, .name = name };
	c->sets = at->set;
	return true;
}

/* "elements = { 25, 465 }", perhaps over several lines. */
static void
nft_elements(struct nft_place *at, struct token line)
{
	const char *open = memchr(line.p, '{', line.len);

	if (open != NULL)
		at->set->elements = (struct token){ open + 1, strcspn(open + 1, "}") };
}

static bool
nft_line(struct chains *c, struct nft_place *at, struct token line)
{
	struct token rest = line, word;

	if (!token_next(&rest, &word))
		return true;
	if (token_is(word, "table"))
		nft_table(c, line, at);
	else if (at->skip)
		return true;
	else if (token_is(word, "}"))
		*at = (struct nft_place){ .table = at->table };
	else if (at->chain != NULL && token_is(word, "type"))
		nft_base(at->chain, line);
	else if (at->chain != NULL)
		return add_line(at->chain, line);
	else if (at->set != NULL && token_is(word, "elements"))
		nft_elements(at, line);
	else if (at->set == NULL && (token_is(word, "chain") || token_is(word, "set")))
		return nft_opens(c, at, word, rest);
	return true;
}

bool
chains_nft(struct chains *c, char *text)
{
	struct nft_place place = { .skip = false };
	const char *at = text;
	struct token line;
	bool ok = keep(c, text);

	while (ok && next_line(&at, &line))
		ok = nft_line(c, &place, line);
	return ok;
}

bool
chains_set(const struct chains *c, struct token table, struct token name, struct token *out)
{
	const struct set *i;

	for (i = c->sets; i != NULL; i = i->next)
		if (same(i->table, table) && same(i->name, name)) {
			*out = i->elements;
			return true;
		}
	return false;
}

struct walk {
	const struct chains *chains;
	const struct chain_packet *packet;
	const struct chain_visitor *visitor;
	unsigned steps;
};

/* What led here goes for every rule from here on. */
static bool
walk_chain(struct walk *w, const struct chain *chain, const struct chain_view *way, unsigned depth)
{
	const struct chain *target;
	const struct line *i;

	for (i = chain->first; i != NULL && w->steps++ < STEPS_MAX; i = i->next) {
		struct chain_view v;

		if (chain->syntax == SYNTAX_NFT)
			nft_rule(i->text, w->packet, w->chains, chain->table, &v);
		else
			iptables_rule(i->text, w->packet, &v);
		if (v.match == CHAIN_NEVER)
			continue;
		if (v.verdict == VERDICT_RETURN && v.sure)
			return true;
		v.family = chain->family;
		v.sure = v.sure && way->sure;
		v.toward = v.toward || way->toward;
		v.match = way->match == CHAIN_NAMED ? CHAIN_NAMED : v.match;
		if (!w->visitor->rule(w->visitor->arg, &v, i->text))
			return false;
		target = v.verdict == VERDICT_JUMP ?
		    find(w->chains, chain->family, chain->table, v.target) : NULL;
		if (target != NULL && depth < DEPTH_MAX && !walk_chain(w, target, &v, depth + 1))
			return false;
	}
	return true;
}

void
chains_walk(const struct chains *c, const char *hook, const struct chain_packet *packet,
    const struct chain_visitor *visitor)
{
	static const struct chain_view start = { .match = CHAIN_MAYBE, .sure = true };
	struct walk w = { .chains = c, .packet = packet, .visitor = visitor };
	const struct chain *i;

	for (i = c->first; i != NULL; i = i->next) {
		if (!token_is(i->hook, hook))
			continue;
		if (walk_chain(&w, i, &start, 0) && visitor->end != NULL)
			visitor->end(visitor->arg, i->family, i->drops);
	}
}
