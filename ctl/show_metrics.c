/* show_metrics.c - the daemon's figures in the text format of Prometheus, for a collector of files
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same answer as status: a figure stands for whatever number that has under "totals" and
 * "engine", so that none has to be added twice. Names are our own; text from the network never
 * comes here. */
#include <stdbool.h>
#include <string.h>

#include "ctl/show.h"
#include "ctl/terminal.h"

/* A name that the format could not carry is none of ours. */
static void
figure(FILE *out, const char *name, const char *suffix, const char *type, json_int_t value)
{
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return;
	fprintf(out, "# TYPE postern_%s%s %s\npostern_%s%s %" JSON_INTEGER_FORMAT "\n", name,
	    suffix, type, name, suffix, value);
}

/* What is counted since the start, but the sessions of now. */
static void
totals(FILE *out, const json_t *totals)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)totals, name, value) {
		size_t len = strlen(name);
		bool told = len > 6 && strcmp(name + len - 6, "_total") == 0;

		if (strcmp(name, "sessions") == 0)
			figure(out, "sessions_open", "", "gauge", json_integer_value(value));
		else
			figure(out, name, told ? "" : "_total", "counter",
			    json_integer_value(value));
	}
}

static void
sizes(FILE *out, const json_t *engine)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)engine, name, value) {
		if (json_is_integer(value))
			figure(out, name, "", "gauge", json_integer_value(value));
	}
}

/* Every state has its line, so that a rule on one of them always finds it. */
static void
dane(FILE *out, const json_t *status)
{
	static const char *const states[] = { "available", "unavailable", "broken", "unknown",
		"off" };
	const char *state = terminal_member(json_object_get(status, "dane"), "state");

	fputs("# TYPE postern_dane_state gauge\n", out);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		fprintf(out, "postern_dane_state{state=\"%s\"} %d\n", states[i],
		    strcmp(states[i], state) == 0);
}

static void
restarts(FILE *out, const char *process, size_t number, const json_t *p)
{
	char name[32];

	if (p == NULL)
		return;
	snprintf(name, sizeof(name), number > 0 ? "%s %zu" : "%s", process, number);
	fprintf(out, "postern_process_restarts_total{process=\"%s\"} %" JSON_INTEGER_FORMAT "\n",
	    name, json_integer_value(json_object_get(p, "restarts")));
}

void
show_metrics(FILE *out, const json_t *status)
{
	const json_t *workers = json_object_get(status, "workers"), *worker;
	size_t i;

	figure(out, "healthy", "", "gauge", json_is_true(json_object_get(status, "healthy")));
	figure(out, "uptime_seconds", "", "gauge",
	    json_integer_value(json_object_get(status, "uptime_s")));
	dane(out, status);
	fputs("# TYPE postern_process_restarts_total counter\n", out);
	restarts(out, "policy", 0, json_object_get(status, "policy"));
	json_array_foreach(workers, i, worker) {
		restarts(out, "worker", i + 1, worker);
	}
	restarts(out, "nfq", 0, json_object_get(status, "nfq"));
	totals(out, json_object_get(status, "totals"));
	sizes(out, json_object_get(status, "engine"));
}
