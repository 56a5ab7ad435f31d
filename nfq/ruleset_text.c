/* ruleset_text.c - writes those lines of a table of rules that hold for a plan
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/ruleset_text.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "nfq/mark.h"

#define SELECTOR_SIZE (ADDRESS_TEXT_SIZE + 24)

unsigned
ruleset_facts(const struct ruleset_text *t)
{
	const struct plan *p = t->plan;
	unsigned facts = p->open ? OPEN : CLOSED | ROUTES;

	facts |= p->gate ? GATE : PLAIN;
	facts |= p->method == METHOD_TPROXY ? TPROXY | ROUTES : REDIRECT | NAT;
	facts |= p->local ? LOCAL | NAT : 0;
	facts |= p->source_client ? SOURCE : 0;
	facts |= p->dns ? DNS : 0;
	return facts | (t->v4 ? V4 : 0) | (t->v6 ? V6 : 0);
}

static bool
is(const char *word, const char *name, size_t len)
{
	return strlen(word) == len && memcmp(word, name, len) == 0;
}

/* Writes what one $word stands for. */
static void
write_word(const struct ruleset_text *t, const char *name, size_t len)
{
	const struct {
		const char *word;
		bool mark;
		unsigned value;
	} words[] = {
		{ "own", true, MARK_OWN }, { "proxy", true, MARK_PROXY },
		{ "direct", true, MARK_DIRECT }, { "seen", true, MARK_SEEN },
		{ "cut", true, MARK_CUT }, { "mask", true, MARK_MASK },
		{ "rest", true, ~MARK_MASK },
		{ "port", false, t->plan->port }, { "uid", false, t->plan->uid },
		{ "queue", false, NFQ_GATE_QUEUE }, { "dns", false, NFQ_DNS_GROUP },
		{ "leak", false, NFQ_LEAK_GROUP }, { "table", false, ROUTE_TABLE },
		{ "prefown", false, ROUTE_PREF_OWN }, { "prefproxy", false, ROUTE_PREF_PROXY },
		{ "prefguard", false, ROUTE_PREF_GUARD }, { "prefend", false, ROUTE_PREF_END },
		{ "protocol", false, ROUTE_PROTOCOL },
	};
	size_t i;

	if (is("family", name, len)) {
		fputs(t->v4 ? "-4" : "-6", t->out);
		return;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]) && !is(words[i].word, name, len); i++)
		;
	assert(i < sizeof(words) / sizeof(words[0]));
	fprintf(t->out, words[i].mark ? "0x%08x" : "%u", words[i].value);
}

/* Rules of ip know no patterns of names. */
static bool
by_interface(const struct ruleset_text *t)
{
	const char *name = t->plan->interface;

	return name != NULL && (t->dialect != IP || name[strlen(name) - 1] != '+');
}

static void
interface_selector(const struct ruleset_text *t, bool to, char out[SELECTOR_SIZE])
{
	const char *name = t->plan->interface;
	size_t len = strlen(name);
	bool pattern = name[len - 1] == '+';

	switch (t->dialect) {
	case IPTABLES:
		snprintf(out, SELECTOR_SIZE, "-%c %s", to ? 'o' : 'i', name);
		break;
	case NFT:
		snprintf(out, SELECTOR_SIZE, "%s \"%.*s%s\"", to ? "oifname" : "iifname",
		    (int)(pattern ? len - 1 : len), name, pattern ? "*" : "");
		break;
	case IP:
		snprintf(out, SELECTOR_SIZE, "iif %s", name);
		break;
	}
}

/* As the program itself prints it: ip leaves out the length of a whole address, and says "all". */
static void
network_selector(const struct ruleset_text *t, const struct network *n, bool to,
    char out[SELECTOR_SIZE])
{
	bool v4 = address_is_v4(&n->ip);
	char text[ADDRESS_TEXT_SIZE];

	network_print(n, text);
	switch (t->dialect) {
	case IPTABLES:
		snprintf(out, SELECTOR_SIZE, "-%c %s", to ? 'd' : 's', text);
		break;
	case NFT:
		snprintf(out, SELECTOR_SIZE, "%s %s %s", v4 ? "ip" : "ip6", to ? "daddr" : "saddr",
		    text);
		break;
	case IP:
		if (n->prefix == 128)
			address_print_ip(&n->ip, text);
		snprintf(out, SELECTOR_SIZE, "from %s", n->prefix == (v4 ? 96 : 0) ? "all" : text);
		break;
	}
}

/* Writes the line; `who` stands for $from or $to. */
static void
write_line(const struct ruleset_text *t, const char *text, const char *who)
{
	const char *word;
	size_t len;

	while ((word = strchr(text, '$')) != NULL) {
		fwrite(text, 1, (size_t)(word - text), t->out);
		for (len = 1; islower((unsigned char)word[len]); len++)
			;
		if (is("$from", word, len) || is("$to", word, len))
			fputs(who, t->out);
		else
			write_word(t, word + 1, len - 1);
		text = word + len;
	}
	fprintf(t->out, "%s\n", text);
}

/* Another of the networks holds this one, or is the same and stands before it. */
static bool
covered(const struct plan *p, size_t i)
{
	const struct network *n = &p->from[i];
	size_t k;

	for (k = 0; k < p->from_len; k++)
		if (k != i && network_contains(&p->from[k], &n->ip) &&
		    (p->from[k].prefix < n->prefix || (k < i && p->from[k].prefix == n->prefix)))
			return true;
	return false;
}

/* Each packet meets one of the lines at most, so that it is counted and copied once. */
static void
write_for_each(const struct ruleset_text *t, const char *text, bool to)
{
	const struct plan *p = t->plan;
	char who[SELECTOR_SIZE];
	size_t i;

	if (by_interface(t)) {
		interface_selector(t, to, who);
		write_line(t, text, who);
		return;
	}
	for (i = 0; i < p->from_len; i++)
		if ((address_is_v4(&p->from[i].ip) ? t->v4 : t->v6) && !covered(p, i)) {
			network_selector(t, &p->from[i], to, who);
			write_line(t, text, who);
		}
}

void
ruleset_lines(const struct ruleset_text *t, const struct ruleset_line *lines, size_t len)
{
	unsigned facts = ruleset_facts(t);
	const struct ruleset_line *l;

	for (l = lines; l < lines + len; l++) {
		bool to = strstr(l->text, "$to") != NULL;

		if ((l->need & facts) != l->need)
			continue;
		if (to || strstr(l->text, "$from") != NULL)
			write_for_each(t, l->text, to);
		else
			write_line(t, l->text, "");
	}
}
