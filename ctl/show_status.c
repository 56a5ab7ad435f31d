/* show_status.c - one screen on how the daemon fares; the first line is the verdict
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/show.h"
#include "ctl/show_dane.h"
#include "ctl/terminal.h"

static long long
number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void
label(FILE *out, const char *text)
{
	fprintf(out, "%-17s", text);
}

static void
show_verdict(FILE *out, const json_t *status)
{
	const json_t *problems = json_object_get(status, "problems"), *problem;
	size_t i;

	if (json_is_true(json_object_get(status, "healthy"))) {
		fputs("postern: healthy\n", out);
		return;
	}
	fputs("postern: DEGRADED: ", out);
	json_array_foreach(problems, i, problem) {
		fputs(i > 0 ? "; " : "", out);
		terminal_value(out, problem);
	}
	putc('\n', out);
}

static void
show_uptime(FILE *out, long long s)
{
	label(out, "uptime");
	if (s >= 86400)
		fprintf(out, "%lldd ", s / 86400);
	fprintf(out, "%02lld:%02lld:%02lld\n", s / 3600 % 24, s / 60 % 60, s % 60);
}

static void
show_process(FILE *out, const char *name, const json_t *process)
{
	long long draining = number(process, "draining") != 0 ||
	    json_is_true(json_object_get(process, "draining"));

	label(out, name);
	if (number(process, "pid") == 0)
		fputs("not running", out);
	else
		fprintf(out, "pid %lld", number(process, "pid"));
	if (json_object_get(process, "sessions") != NULL)
		fprintf(out, ", %lld sessions", number(process, "sessions"));
	fprintf(out, ", %lld restarts%s\n", number(process, "restarts"),
	    draining ? ", draining" : "");
}

static void
show_totals(FILE *out, const json_t *totals)
{
	label(out, "sessions");
	fprintf(out, "%lld open, %lld in all, %lld messages\n", number(totals, "sessions"),
	    number(totals, "sessions_total"), number(totals, "messages"));
	label(out, "decisions");
	fprintf(out, "%lld passed, %lld refused, %lld would be refused, %lld records dropped\n",
	    number(totals, "passed"), number(totals, "refused"), number(totals, "would_refuse"),
	    number(totals, "records_dropped"));
	if (json_object_get(totals, "end_to_end") != NULL) {
		label(out, "clients' TLS");
		fprintf(out, "%lld passed end to end, %lld ended here\n",
		    number(totals, "end_to_end"), number(totals, "ended_here"));
	}
	label(out, "turned away");
	fprintf(out, "%lld by a limit, %lld not our clients, %lld pauses of accept\n",
	    number(totals, "rejected_by_limit"), number(totals, "rejected_clients"),
	    number(totals, "accept_paused"));
}

/* How mail comes here, and what was seen of it on the way. */
static void
show_firewall(FILE *out, const json_t *status)
{
	const json_t *totals = json_object_get(status, "totals");
	const char *rules = terminal_member(status, "rules");

	if (strcmp(rules, "none") == 0 || rules[0] == '\0')
		return;
	label(out, "firewall");
	fputs("rules ", out);
	terminal_text(out, rules);
	fputs(strcmp(rules, "not installed") == 0 ? " (posternctl rules install)" : "", out);
	fputs(", when down: ", out);
	terminal_value(out, json_object_get(status, "when_down"));
	fprintf(out, ", restored %lld times\n", number(totals, "rules_restored"));
	label(out, "past postern");
	fprintf(out, "%lld packets\n", number(totals, "leaks"));
	if (json_object_get(status, "nfq") == NULL)
		return;
	label(out, "DNS watch");
	fprintf(out, "%lld answers read, %lld times no room\n", number(totals, "dns_answers"),
	    number(totals, "dns_lost"));
	if (strcmp(terminal_member(status, "scope"), "required") != 0 &&
	    strcmp(terminal_member(status, "when_down"), "open") != 0)
		return;		/* everything comes here: no SYN is asked about */
	label(out, "gate");
	terminal_value(out, json_object_get(status, "scope"));
	fprintf(out, ": %lld to postern, %lld direct, %lld times full\n",
	    number(totals, "gate_proxy"), number(totals, "gate_direct"),
	    number(totals, "gate_lost"));
}

/* "refresh_failures" reads "refresh failures". */
static void
engine_label(FILE *out, const char *key)
{
	char text[32];
	char *p;

	snprintf(text, sizeof(text), "%s", key);
	for (p = text; *p != '\0'; p++)
		if (*p == '_')
			*p = ' ';
	terminal_column(out, text, 17);
}

/* What the engine says of itself: policies, refresh failures, the store, the resolver. */
static void
show_engine(FILE *out, const json_t *engine)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)engine, key, value) {
		if (strcmp(key, "healthy") == 0 || strcmp(key, "problems") == 0 ||
		    strcmp(key, "dane") == 0)
			continue;	/* they have their own lines */
		if (json_is_object(value) || json_is_array(value)) {
			if (json_object_size(value) + json_array_size(value) == 0)
				continue;
			engine_label(out, key);
			putc('\n', out);
			terminal_tree(out, value, 2);
			continue;
		}
		engine_label(out, key);
		terminal_value(out, value);
		putc('\n', out);
	}
}

void
show_status(FILE *out, const json_t *status)
{
	const json_t *workers = json_object_get(status, "workers"), *worker;
	const json_t *log = json_object_get(status, "log");
	const char *problem = terminal_member(log, "problem");
	char name[32];
	size_t i;

	show_verdict(out, status);
	label(out, "version");
	terminal_value(out, json_object_get(status, "version"));
	putc('\n', out);
	label(out, "mode");
	terminal_value(out, json_object_get(status, "mode"));
	putc('\n', out);
	if (json_object_get(status, "path") != NULL) {
		label(out, "path");
		terminal_value(out, json_object_get(status, "path"));
		putc('\n', out);
	}
	show_uptime(out, number(status, "uptime_s"));
	show_process(out, "policy process", json_object_get(status, "policy"));
	json_array_foreach(workers, i, worker) {
		snprintf(name, sizeof(name), "worker %zu", i + 1);
		show_process(out, name, worker);
	}
	if (json_object_get(status, "nfq") != NULL)
		show_process(out, "nfq process", json_object_get(status, "nfq"));
	show_firewall(out, status);
	show_totals(out, json_object_get(status, "totals"));
	show_engine(out, json_object_get(status, "engine"));
	label(out, "log");
	terminal_value(out, json_object_get(log, "file"));
	fputs(problem[0] == '\0' ? ", no problem\n" : ", ", out);
	if (problem[0] != '\0') {
		terminal_text(out, problem);
		putc('\n', out);
	}
	label(out, "last reload");
	fputs(json_is_true(json_object_get(status, "last_reload_refused")) ?
	    "refused (posternctl check-config; journalctl -u posternd)\n" : "no problem\n",
	    out);
	label(out, "DANE");
	show_dane_resolver(out, json_object_get(status, "dane"));
}
