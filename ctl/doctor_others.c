/* doctor_others.c - other programs' rules: who else redirects port 25, and does INPUT let us listen
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/doctor.h"

#define SMTP_PORT 25
#define SHOWN_MAX 5	/* rules named one by one; a cluster's node has thousands */

static bool
ask_program(const struct doctor *d, const char *const argv[], const char *family,
    struct chains *chains)
{
	struct program_result r = { .status = 0 };
	bool ok = d->host->run(argv, NULL, &r);
	char *text = ok ? r.out : NULL;

	if (ok) {
		r.out = NULL;	/* the chains keep it */
		ok = family != NULL ? chains_iptables(chains, text, family) :
		    chains_nft(chains, text);
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
	    (d->host->exists(v4[0], path) == NULL || ask_program(d, v4, "ip", d->chains)) &&
	    (d->host->exists(v6[0], path) == NULL || ask_program(d, v6, "ip6", d->chains)) &&
	    (d->host->exists(nft[0], path) == NULL || ask_program(d, nft, NULL, d->chains));
	return d->chains_known;
}

static void
say_unread(struct doctor *d, const char *name)
{
	doctor_say(d, DOCTOR_UNKNOWN, name, "the firewall's rules cannot be read");
	doctor_remedy(d, d->host->privileged ? "run iptables-save, ip6tables-save and "
	    "nft list ruleset and see why they fail" : "run as root");
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
	doctor_say(s->d, warn ? DOCTOR_WARNING : DOCTOR_NOTE, "others", "%s: %.*s",
	    warn ? "another program redirects port 25" :
	    "a rule of others may redirect port 25 too", line.len < 400 ? (int)line.len : 400,
	    line.p);
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

struct door {
	bool blocked;		/* by some base chain */
	struct token by;
};

static bool
on_input_rule(void *arg, const struct chain_view *v, struct token line)
{
	struct door *door = arg;

	/* What may be accepted is taken for accepted: this is to warn of what cannot work. */
	if (v->verdict == VERDICT_ACCEPT && v->match != CHAIN_NEVER)
		return false;
	if (v->verdict == VERDICT_DROP && v->sure) {
		door->blocked = true;
		door->by = line;
		return false;
	}
	return true;
}

static void
on_input_end(void *arg, bool drops)
{
	struct door *door = arg;

	door->blocked = door->blocked || drops;
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
		doctor_say(d, DOCTOR_WARNING, "input", "clients cannot reach port %u here: %.*s",
		    port, door.by.len < 400 ? (int)door.by.len : 400, door.by.p);
	else
		doctor_say(d, DOCTOR_WARNING, "input", "clients cannot reach port %u here: the "
		    "policy is to drop and no rule accepts it", port);
	doctor_remedy(d, "accept TCP port %u from the clients in INPUT (or in nft's input chain)",
	    port);
}
