/* doctor_others.c - other programs: who redirects port 25, removes routing rules, shuts INPUT
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <strings.h>

#include "ctl/doctor.h"

#define SMTP_PORT 25
#define SHOWN_OCTETS 400	/* of a rule */
#define SHOWN_MAX 5	/* rules named one by one; a cluster's node has thousands */

static bool
ask_program(struct doctor *d, const char *const argv[], const char *family)
{
	struct program_result r = { .status = 0 };
	bool ok = d->host->run(argv, NULL, &r);
	char *text = ok ? r.out : NULL;
	struct chains *chains = d->chains;

	if (ok) {
		r.out = NULL;	/* the chains keep it */
		ok = family != NULL ? chains_iptables(chains, text, family) :
		    chains_nft(chains, text);
	} else {
		snprintf(d->chains_error, sizeof(d->chains_error), ": %s: %.*s", argv[0],
		    (int)strcspn(r.error, "\n"), r.error);
	}
	program_free(&r);
	return ok;
}

/* All of them that are installed; one that is there and fails leaves us in the dark. */
static bool
read_chains(struct doctor *d)
{
	static const char *const v4[] = { "iptables-save", NULL };
	static const char *const v6[] = { "ip6tables-save", NULL };
	static const char *const nft[] = { "nft", "list", "ruleset", NULL };
	char path[128];

	if (d->chains != NULL || !d->host->privileged)
		return d->chains_known;
	d->chains = chains_new();
	d->chains_known = d->chains != NULL &&
	    (d->host->exists(v4[0], path) == NULL || ask_program(d, v4, "ip")) &&
	    (d->host->exists(v6[0], path) == NULL || ask_program(d, v6, "ip6")) &&
	    (d->host->exists(nft[0], path) == NULL || ask_program(d, nft, NULL));
	return d->chains_known;
}

static void
say_unread(struct doctor *d, const char *name)
{
	doctor_say(d, DOCTOR_UNKNOWN, name, "the firewall's rules cannot be read%s",
	    d->chains_error);
	doctor_remedy(d, d->host->privileged ? "run with CAP_NET_ADMIN, then iptables-save, "
	    "ip6tables-save and nft list ruleset, and see why they fail" : "run as root");
}

/* Who shows the rule. */
static const char *
program_of(const char *family)
{
	return family == NULL ? "nft" : strcmp(family, "ip6") == 0 ? "ip6tables" : "iptables";
}

struct search {
	struct doctor *d;
	unsigned warned, noted;
};

static bool
on_rule(void *arg, const struct chain_view *v, struct token line)
{
	struct search *s = arg;
	/* Mail that comes in to one address is a port forward, which does not touch the clients. */
	bool warn = v->match == CHAIN_NAMED && !v->toward;

	if (v->verdict != VERDICT_REDIRECT)
		return !(v->sure && (v->verdict == VERDICT_ACCEPT || v->verdict == VERDICT_DROP));
	if ((warn ? s->warned++ : s->noted++) >= SHOWN_MAX)
		return true;
	doctor_say(s->d, warn ? DOCTOR_WARNING : DOCTOR_NOTE, "others", "%s (%s): %.*s",
	    warn ? "another program redirects port 25" :
	    "a rule of others may redirect port 25 too", program_of(v->family),
	    line.len < SHOWN_OCTETS ? (int)line.len : SHOWN_OCTETS, line.p);
	doctor_remedy(s->d, warn ? "take it away, or let it except postern's user and clients" :
	    "look whether the clients' mail meets it");
	return true;
}

void
doctor_others(struct doctor *d)
{
	struct search s = { .d = d };
	const struct chain_visitor visitor = { .rule = on_rule, .arg = &s };
	const struct chain_packet in = { SMTP_PORT, d->config->intercept.interface };
	const struct chain_packet out = { SMTP_PORT, "" };

	if (!read_chains(d)) {
		say_unread(d, "others");
		return;
	}
	chains_walk(d->chains, "prerouting", &in, &visitor);
	chains_walk(d->chains, "output", &out, &visitor);	/* our own dials, and local mail */
	if (s.warned + s.noted == 0)
		doctor_say(d, DOCTOR_OK, "others", "no other program redirects port 25");
	else if (s.warned > SHOWN_MAX || s.noted > SHOWN_MAX)
		doctor_say(d, DOCTOR_NOTE, "others", "%u such rules in all", s.warned + s.noted);
}

/* The last word of networkd.conf and its drop-ins counts; yes where there is none. */
static bool
takes_foreign_rules(const char *text)
{
	static const char key[] = "ManageForeignRoutingPolicyRules=";
	static const char *const off[] = { "no", "false", "off", "0" };
	bool takes = true;
	struct token line;
	size_t i;

	for (; *text != '\0'; text += line.len + (text[line.len] == '\n')) {
		line = (struct token){ text, strcspn(text, "\n") };
		if (strncmp(line.p, key, sizeof(key) - 1) != 0)
			continue;
		takes = true;
		for (i = 0; i < sizeof(off) / sizeof(off[0]); i++)
			if (strncasecmp(line.p + sizeof(key) - 1, off[i], strlen(off[i])) == 0)
				takes = false;
	}
	return takes;
}

/* Its link to the unit's invocation is there while it runs. */
void
doctor_networkd(struct doctor *d)
{
	static const char *const argv[] = { "systemd-analyze", "cat-config",
		"systemd/networkd.conf", NULL };
	struct program_result r = { .status = 0 };

	if (d->config->intercept.method == METHOD_NONE ||
	    !doctor_present(d, "/run/systemd/units/invocation:systemd-networkd.service"))
		return;
	if (d->host->run(argv, NULL, &r) && !takes_foreign_rules(r.out)) {
		doctor_say(d, DOCTOR_OK, "networkd", "leaves others' routing rules alone");
	} else {
		doctor_say(d, d->config->intercept.watch ? DOCTOR_NOTE : DOCTOR_WARNING,
		    "networkd", "systemd-networkd runs and removes routing rules that it does not "
		    "know when it starts and when links change; %s", d->config->intercept.watch ?
		    "posternd puts ours back" : "nobody puts ours back (intercept.watch: no)");
		doctor_remedy(d, "ManageForeignRoutingPolicyRules=no and ManageForeignRoutes=no "
		    "below [Network] in /etc/systemd/networkd.conf.d/postern.conf");
	}
	program_free(&r);
}

struct door {
	bool blocked;		/* by some base chain */
	struct token by;
	char where[40];		/* the programs that show it */
};

static void
block(struct door *door, const char *family)
{
	const char *program = program_of(family);
	size_t len = strlen(door->where);

	door->blocked = true;
	if (strstr(door->where, program) == NULL)
		snprintf(door->where + len, sizeof(door->where) - len, "%s%s",
		    len > 0 ? ", " : "", program);
}

static bool
on_input_rule(void *arg, const struct chain_view *v, struct token line)
{
	struct door *door = arg;

	/* What may be accepted is taken for accepted: this is to warn of what cannot work. */
	if (v->verdict == VERDICT_ACCEPT && v->match != CHAIN_NEVER)
		return false;
	if (v->verdict == VERDICT_DROP && v->sure) {
		block(door, v->family);
		door->by = line;
		return false;
	}
	return true;
}

static void
on_input_end(void *arg, const char *family, bool drops)
{
	if (drops)
		block(arg, family);
}

void
doctor_input(struct doctor *d)
{
	struct door door = { .blocked = false };
	const struct chain_visitor visitor = { on_input_rule, on_input_end, &door };
	/* A redirected connection has our port by then, one taken by TPROXY its own. */
	uint16_t port = d->config->intercept.method == METHOD_TPROXY ? SMTP_PORT :
	    d->config->intercept.listen.port;
	const struct chain_packet packet = { port, d->config->intercept.interface };

	if (doctor_local_only(d->config))
		return;
	if (!read_chains(d)) {
		say_unread(d, "input");
		return;
	}
	chains_walk(d->chains, "input", &packet, &visitor);
	if (!door.blocked) {
		doctor_say(d, DOCTOR_OK, "input", "clients may reach port %u here", port);
		return;
	}
	if (door.by.len > 0)
		doctor_say(d, DOCTOR_WARNING, "input", "clients cannot reach port %u here (%s): "
		    "%.*s", port, door.where, door.by.len < SHOWN_OCTETS ? (int)door.by.len :
		    SHOWN_OCTETS, door.by.p);
	else
		doctor_say(d, DOCTOR_WARNING, "input", "clients cannot reach port %u here: the "
		    "policy is to drop and no rule accepts it (%s)", port, door.where);
	doctor_remedy(d, "accept TCP port %u from the clients in INPUT (or in nft's input chain)",
	    port);
}
