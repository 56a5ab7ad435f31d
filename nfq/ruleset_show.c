/* ruleset_show.c - a rule set as commands for sh, with comments, for people and their scripts
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/ruleset.h"

#include <string.h>

#include "nfq/ruleset_text.h"

struct program {
	const char *name, *restore, *ip;	/* "-w": wait for whoever else changes rules */
};

static const struct program programs[2] = {
	{ "iptables -w", "iptables-restore -w --noflush", "ip -4 -force -batch -" },
	{ "ip6tables -w", "ip6tables-restore -w --noflush", "ip -6 -force -batch -" },
};

static const struct {
	unsigned need;
	const char *chain, *nft, *says;
} legend[] = {
	{ 0, "mangle POSTERN", "prerouting", "the clients' packets to port 25 of other hosts" },
	{ 0, "mangle POSTERN-CLIENT", "client", "what becomes of them: brought to posternd, or "
	    "marked as theirs" },
	{ GATE, "mangle POSTERN-GATE", "gate", "asks the gate about a SYN (NFQUEUE), saves its "
	    "word for the flow" },
	{ REDIRECT, "nat POSTERN", "nat_prerouting", "brings connections to posternd" },
	{ LOCAL, "nat POSTERN-OUT", "nat_output", "the same for this host's own mail, but not "
	    "postern's" },
	{ CLOSED, "filter POSTERN", "forward", "refuses what would be forwarded past posternd" },
	{ CLOSED | LOCAL, "filter POSTERN-OUT", "output", "the same for this host's own mail" },
	{ 0, "filter POSTERN-CUT", "forward", "resets both sides of connections older than the "
	    "rules" },
	{ CLOSED, "mangle POSTERN-GUARD", "inet postern_guard", "stops and reports what came past "
	    "all of these" },
	{ OPEN, "mangle POSTERN-GUARD", "inet postern_guard", "counts and reports what passes "
	    "unprotected" },
	{ SOURCE, "mangle POSTERN-OWN", "own", "remembers postern's connections that bear a "
	    "client's address" },
	{ SOURCE, "mangle POSTERN-BACK", "prerouting", "brings the answers to them here" },
	{ DNS, "mangle POSTERN-DNS", "dns", "copies of DNS answers for the nfq process" },
	{ CLOSED, "ip rule", "ip rule", "without a mark of these rules a client's port 25 has no "
	    "route" },
};

static void
show_legend(const struct ruleset_text *t)
{
	const struct plan *p = t->plan;
	unsigned facts = ruleset_facts(t);
	size_t i;

	fprintf(t->out, "# %s, %s, when down: %s%s%s%s. IPv4 %s, IPv6 %s.\n",
	    p->method == METHOD_TPROXY ? "tproxy" : "redirect",
	    p->backend == BACKEND_NFT ? "nft" : "iptables", p->open ? "open" : "closed",
	    p->gate ? ", with the gate" : "", p->local ? ", this host's own mail too" : "",
	    p->source_client ? ", with the clients' addresses" : "", p->v4 ? "on" : "off",
	    p->v6 ? "on" : "off");
	fputs("# For root's sh; run again it changes nothing. The chains, each written whole:\n",
	    t->out);
	for (i = 0; i < sizeof(legend) / sizeof(legend[0]); i++)
		if ((legend[i].need & facts) == legend[i].need)
			fprintf(t->out, "#   %-22s%s\n",
			    p->backend == BACKEND_NFT ? legend[i].nft : legend[i].chain,
			    legend[i].says);
}

static void
show_family(const struct ruleset *r, bool v4, FILE *out)
{
	const struct program *run = &programs[v4 ? 0 : 1];
	const struct ruleset_jump *j;

	fprintf(out, "\n# %s: the chains first, of which the refusing ones come first, then who "
	    "calls them\n%s <<'END'\n%sEND\n", v4 ? "IPv4" : "IPv6", run->restore,
	    r->chains[v4 ? 0 : 1]);
	for (j = r->jumps; j < r->jumps + r->jumps_len; j++)
		if (j->v4 == v4)
			fprintf(out, "%s -t %s -C %s %s -j %s 2>/dev/null || %s -t %s -I %s %s "
			    "-j %s\n", run->name, j->table, j->base, j->match, j->chain, run->name,
			    j->table, j->base, j->match, j->chain);
}

/* The lines of one family, without its name. */
static void
show_routes(const char *lines, bool v4, FILE *out)
{
	const char *family = v4 ? "-4 " : "-6 ";
	bool any = false;

	for (; *lines != '\0'; lines += strcspn(lines, "\n") + 1) {
		if (strncmp(lines, family, 3) != 0)
			continue;
		if (!any)
			fprintf(out, "\n# %s: policy routing; what is there already is refused and "
			    "stays\n%s <<'END' 2>&1 |\n", v4 ? "IPv4" : "IPv6",
			    programs[v4 ? 0 : 1].ip);
		any = true;
		fprintf(out, "%.*s\n", (int)strcspn(lines, "\n") - 3, lines + 3);
	}
	if (any)
		fputs("END\ngrep -v -e 'File exists' -e '^Command failed' >&2 || :\n", out);
}

void
ruleset_show(const struct plan *p, const struct ruleset *r, FILE *out)
{
	const struct ruleset_text t = { .plan = p, .dialect = IPTABLES, .v4 = p->v4, .v6 = p->v6,
		.out = out };

	show_legend(&t);
	/* Delivery must stand before what is delivered; what guards after what marks. */
	if (r->chains[0] != NULL)
		show_family(r, true, out);
	if (r->chains[1] != NULL)
		show_family(r, false, out);
	if (r->nft != NULL)
		fprintf(out, "\n# Both families in one step\nnft -f - <<'END'\n%sEND\n", r->nft);
	show_routes(r->routes, true, out);
	show_routes(r->routes, false, out);
}
