/* doctor_rules.c - our rules: loaded, right, in front; and what they do when the daemon is gone
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"
#include "nfq/difference.h"
#include "nfq/mark.h"

/* A canonical text has headings that begin with "#", whatever is loaded. */
static bool
any_loaded(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 0 && text[0] != '#')
			return true;
		text += len + (text[len] == '\n');
	}
	return false;
}

static void
say_gone(struct doctor *d)
{
	doctor_say(d, DOCTOR_FAULT, "rules", "none of ours is loaded: mail flows past postern");
	doctor_remedy(d, "posternctl rules install --confirm 120s");
}

/* Without a note somebody installed them by himself, and nobody puts them back. */
static void
check_by_hand(struct doctor *d)
{
	char error[DOCTOR_TEXT_SIZE], text[480], *wanted;

	if (!any_loaded(d->loaded)) {
		say_gone(d);
		return;
	}
	wanted = d->ruled ? d->host->canonical(&d->rules, error, sizeof(error)) : NULL;
	if (wanted != NULL && !difference(wanted, d->loaded, text, sizeof(text))) {
		doctor_say(d, DOCTOR_WARNING, "rules", "loaded and right, but not by `rules "
		    "install`: who flushes them is not noticed, and they are not put back");
		doctor_remedy(d, "posternctl rules install");
		d->rules_right = true;
	} else {
		doctor_say(d, DOCTOR_FAULT, "rules", "some of ours are loaded that nobody has "
		    "installed, and not as they should be: %s", wanted != NULL ? text : "unknown");
		doctor_remedy(d, "posternctl rules install, or posternctl rules remove");
	}
	free(wanted);
}

static void
check_installed(struct doctor *d, const struct installed *note)
{
	char error[DOCTOR_TEXT_SIZE], text[480], *wanted;

	if (!any_loaded(d->loaded)) {
		say_gone(d);
		return;
	}
	if (difference(note->canonical, d->loaded, text, sizeof(text))) {
		doctor_say(d, DOCTOR_FAULT, "rules", "not what was installed: %s", text);
		doctor_remedy(d, "posternctl rules install puts them back; the event `rules` of "
		    "the log names who changed them (intercept.watch: yes)");
		return;
	}
	wanted = d->ruled ? d->host->canonical(&d->rules, error, sizeof(error)) : NULL;
	if (wanted != NULL && difference(wanted, d->loaded, text, sizeof(text))) {
		doctor_say(d, DOCTOR_FAULT, "rules", "loaded as they were installed, but the "
		    "configuration asks for others now: %s", text);
		doctor_remedy(d, "posternctl rules install --confirm 120s");
	} else {
		doctor_say(d, DOCTOR_OK, "rules", "loaded as they were installed%s",
		    wanted != NULL ? " and as the configuration wants them" : "");
		d->rules_right = true;
	}
	free(wanted);
}

void
doctor_rules(struct doctor *d)
{
	char path[256], error[DOCTOR_TEXT_SIZE] = "";
	struct installed note = { .canonical = NULL };

	if (d->config->intercept.method == METHOD_NONE)
		return;
	if (d->loaded == NULL) {
		d->loaded_error[strcspn(d->loaded_error, "\n")] = '\0';
		doctor_say(d, DOCTOR_UNKNOWN, "rules", "what is loaded cannot be read%s%s",
		    d->loaded_error[0] != '\0' ? ": " : "", d->loaded_error);
		doctor_remedy(d, d->host->privileged ? "run with CAP_NET_ADMIN; see the check "
		    "`programs` too" : "run as root");
		return;
	}
	installed_path(d->config, path, sizeof(path));
	switch (d->host->installed(path, &note, error, sizeof(error))) {
	case INSTALLED_YES:
		check_installed(d, &note);
		installed_free(&note);
		return;
	case INSTALLED_NO:
		check_by_hand(d);
		return;
	case INSTALLED_BROKEN:
		doctor_say(d, DOCTOR_FAULT, "rules", "the note of what was installed cannot be "
		    "used: %s", error);
		doctor_remedy(d, "posternctl rules install writes it anew");
		return;
	}
}

void
doctor_order(struct doctor *d)
{
	char error[DOCTOR_TEXT_SIZE], *list, *line;
	size_t len;

	if (d->loaded == NULL || !any_loaded(d->loaded))
		return;		/* said by the check of the rules */
	list = d->host->before(error, sizeof(error));
	if (list == NULL) {
		doctor_say(d, DOCTOR_UNKNOWN, "order", "other rules cannot be listed: %s", error);
		doctor_remedy(d, "posternctl rules verify");
		return;
	}
	if (list[0] == '\0')
		doctor_say(d, DOCTOR_OK, "order", "no rule stands before ours");
	for (line = list; *line != '\0'; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (len == 0)
			continue;
		doctor_say(d, DOCTOR_WARNING, "order", "%.*s", (int)len, line);
		doctor_remedy(d, "what they accept or redirect does not come to postern; "
		    "posternctl rules install puts ours first again");
	}
	free(list);
}

/* A rule of that preference at the start of a line. */
static bool
has_preference(const char *text, unsigned preference)
{
	while (*text != '\0') {
		char *end;

		if (strtoul(text, &end, 10) == preference && end != text && *end == ':')
			return true;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}

/* The guard in the routes of every family served, which also ordinary users can see. */
static bool
routes_guarded(const struct doctor *d, bool *known)
{
	static const char *const v4[] = { "ip", "-4", "rule", "show", NULL };
	static const char *const v6[] = { "ip", "-6", "rule", "show", NULL };
	bool guarded = true;
	size_t i;

	*known = true;
	for (i = 0; i < 2; i++) {
		struct program_result r = { .status = 0 };

		if (i == 0 ? !d->plan.v4 : !d->plan.v6)
			continue;
		*known = d->host->run(i == 0 ? v4 : v6, NULL, &r) && *known;
		guarded = *known && guarded && has_preference(r.out, ROUTE_PREF_GUARD);
		program_free(&r);
	}
	return guarded;
}

static void
say_closed(struct doctor *d, const char *when)
{
	bool known, guarded = routes_guarded(d, &known);

	if (d->rules_right) {
		doctor_say(d, DOCTOR_OK, "if-it-dies", "%s port 25 is closed to the clients: "
		    "nothing leaves, MTAs keep their mail and try again%s", when, guarded ?
		    "; the routes' guard holds even when the firewall's rules are flushed" : "");
		if (guarded || !known || doctor_local_only(d->config))
			return;
		doctor_say(d, DOCTOR_WARNING, "if-it-dies", "the routes' guard is not there: when "
		    "somebody flushes the firewall's rules too, mail flows past postern");
		doctor_remedy(d, "posternctl rules install");
	} else if (guarded) {
		doctor_say(d, DOCTOR_OK, "if-it-dies", "%s port 25 is closed to the clients by "
		    "the routes' guard: nothing leaves, MTAs keep their mail and try again", when);
	} else {
		doctor_say(d, DOCTOR_UNKNOWN, "if-it-dies", "what happens %s depends on rules "
		    "that %s", when, d->loaded != NULL ? "are not as they should be" :
		    "cannot be read");
		doctor_remedy(d, d->loaded != NULL ? "see the check `rules`" : "run as root");
	}
}

void
doctor_death(struct doctor *d)
{
	const char *when = d->daemon_down ? "now that posternd is down" :
	    "when posternd dies or hangs";

	if (d->config->intercept.method == METHOD_NONE) {
		doctor_say(d, DOCTOR_NOTE, "if-it-dies", "what happens then is up to rules that "
		    "are not ours (intercept.method: none)");
	} else if (d->loaded != NULL && !any_loaded(d->loaded)) {
		doctor_say(d, DOCTOR_FAULT, "if-it-dies", "nothing changes: no rules are loaded, "
		    "mail flows past postern, unguarded, now as then");
		doctor_remedy(d, "posternctl rules install --confirm 120s");
	} else if (doctor_interface_missing(d)) {
		doctor_say(d, DOCTOR_FAULT, "if-it-dies", "nothing changes: the rules are for an "
		    "interface that is not there, mail that comes in elsewhere flows past postern");
		doctor_remedy(d, "see the check `interface`");
	} else if (!d->planned) {
		doctor_say(d, DOCTOR_UNKNOWN, "if-it-dies", "what happens depends on rules that "
		    "this configuration does not give");
		doctor_remedy(d, "see the check `families`");
	} else if (d->plan.open && (d->rules_right || d->loaded == NULL)) {
		doctor_say(d, d->daemon_down ? DOCTOR_WARNING : DOCTOR_NOTE, "if-it-dies",
		    "%s port 25 is open: mail flows past postern, unguarded "
		    "(intercept.when-down: open)", when);
		doctor_remedy(d, "intercept.when-down: closed, if mail should wait instead");
	} else {
		say_closed(d, when);
	}
}
