/* verb_status.c - how the daemon fares: the processes, the counters, the engine, the log
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ctl/verbs.h"
#include "nfq/installed.h"

/* A process that was restarted so often, and more than once an hour of uptime, is in trouble; one
 * crash in a month is not worth waking anybody. */
#define RESTARTS_MANY 3
#define RESTARTS_SPAN_S 3600

static void
add_problem(json_t *problems, const char *text)
{
	json_array_append_new(problems, json_string(text));
}

static uint64_t
uptime(struct counters *counters)
{
	uint64_t started = *counters_started_s(counters);
	time_t now = time(NULL);

	return now < 0 || (uint64_t)now < started ? 0 : (uint64_t)now - started;
}

static json_t *
process(const struct counters_process *p, const char *name, uint64_t uptime_s, json_t *problems)
{
	int32_t pid = p->pid;
	uint32_t restarts = p->restarts;
	char text[96];

	if (pid == 0) {
		snprintf(text, sizeof(text), "%s is not running", name);
		add_problem(problems, text);
	}
	if (restarts >= RESTARTS_MANY && (uint64_t)restarts * RESTARTS_SPAN_S > uptime_s) {
		snprintf(text, sizeof(text), "%s was restarted %lu times", name,
		    (unsigned long)restarts);
		add_problem(problems, text);
	}
	return json_pack("{s:i,s:I,s:b}", "pid", (int)pid, "restarts", (json_int_t)restarts,
	    "draining", p->draining != 0);
}

/* The newest worker's of this slot; those of its elders that drain are in the total alone. */
static int64_t
sessions(const struct counters *counters, const struct counters_process *p)
{
	int32_t column = p->column;

	if (p->pid == 0 || column < 0 || column >= COUNTERS_COLUMNS)
		return 0;
	return counters_get(counters, column, COUNTER_SESSIONS);
}

static json_t *
workers(const struct server_context *context, uint64_t uptime_s, json_t *problems)
{
	json_t *list = json_array();
	unsigned slot;
	char name[32];

	for (slot = 1; slot <= context->config->workers && slot < COUNTERS_NFQ; slot++) {
		const struct counters_process *p = counters_process(context->counters, slot);
		json_t *worker;

		snprintf(name, sizeof(name), "worker %u", slot);
		worker = process(p, name, uptime_s, problems);
		json_object_set_new(worker, "sessions",
		    json_integer((json_int_t)sessions(context->counters, p)));
		json_array_append_new(list, worker);
	}
	return list;
}

static json_t *
totals(const struct config *config, const struct counters *counters)
{
	static const struct {
		const char *name;
		enum counter which;
		bool inspect;		/* with path: inspect alone */
	} rows[] = {
		{ "sessions", COUNTER_SESSIONS, false },
		{ "sessions_total", COUNTER_SESSIONS_TOTAL, false },
		{ "messages", COUNTER_MESSAGES, false },
		{ "passed", COUNTER_PASSED, false },
		{ "refused", COUNTER_REFUSED, false },
		{ "would_refuse", COUNTER_WOULD_REFUSE, false },
		{ "records_dropped", COUNTER_RECORDS_DROPPED, false },
		{ "rejected_by_limit", COUNTER_REJECTED_LIMIT, false },
		{ "rejected_clients", COUNTER_REJECTED_CLIENT, false },
		{ "accept_paused", COUNTER_ACCEPT_PAUSED, false },
		{ "end_to_end", COUNTER_END_TO_END, true },
		{ "ended_here", COUNTER_ENDED_HERE, true },
		{ "dns_answers", COUNTER_DNS_ANSWERS, false },
		{ "dns_lost", COUNTER_DNS_LOST, false },
		{ "gate_proxy", COUNTER_GATE_PROXY, false },
		{ "gate_direct", COUNTER_GATE_DIRECT, false },
		{ "gate_lost", COUNTER_GATE_LOST, false },
		{ "leaks", COUNTER_LEAKS, false },
		{ "rules_restored", COUNTER_RULES_RESTORED, false },
	};
	json_t *out = json_object();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].inspect || config->inspect)
			json_object_set_new(out, rows[i].name,
			    json_integer((json_int_t)counters_sum(counters, rows[i].which)));
	return out;
}

/* The engine's own problems join ours; unhealthy without a word is still a problem. */
static json_t *
engine(struct engine *e, json_t *problems)
{
	json_t *status = engine_status(e), *list, *text;
	size_t i;

	if (status == NULL) {
		add_problem(problems, "the policy engine gives no status");
		return json_object();
	}
	list = json_object_get(status, "problems");
	if (json_array_size(list) == 0 && !json_is_true(json_object_get(status, "healthy")))
		add_problem(problems, "the policy engine is not healthy");
	if (!json_is_true(json_object_get(status, "healthy"))) {
		json_array_foreach(list, i, text) {
			json_array_append(problems, text);
		}
	}
	return status;
}

/* {"state","detail"}: whether the resolver validates, as the engine's canary found it. A lost one
 * is among the engine's problems. */
static json_t *
dane_of(const json_t *engine_part)
{
	json_t *dane = json_object_get(engine_part, "dane");

	return dane != NULL ? json_incref(dane) : json_object();
}

/* Mail comes here by rules: who installed them left a note. Without one (a boot without the unit
 * postern-guard) nobody sees that they are not there, nor puts them back. With watch: no that is as
 * it was asked for: they may be there by somebody's script. */
static const char *
rules(const struct config *config, json_t *problems)
{
	struct installed note = { 0 };
	char path[PATH_MAX], why[160] = "", text[256];
	const char *state = "not installed";

	if (config->intercept.method == METHOD_NONE)
		return "none";
	installed_path(config, path, sizeof(path));
	switch (installed_read(path, &note, why, sizeof(why))) {
	case INSTALLED_YES:
		state = "installed";
		installed_free(&note);
		break;
	case INSTALLED_NO:
		if (config->intercept.watch)
			add_problem(problems, "the firewall's rules are not installed: mail flows "
			    "past postern (posternctl rules install)");
		break;
	case INSTALLED_BROKEN:
		snprintf(text, sizeof(text), "the firewall's rules cannot be watched: %s", why);
		add_problem(problems, text);
		state = "unknown";
		break;
	}
	return state;
}

/* Mail that goes past postern: nobody may learn that from the log alone. */
static void
unguarded(const struct server_context *context, json_t *problems)
{
	bool open = context->config->intercept.open;
	int64_t leaks = counters_sum(context->counters, COUNTER_LEAKS);
	char text[128];

	if (leaks > 0) {
		snprintf(text, sizeof(text), "%lld packets to port 25 went past postern (%s)",
		    (long long)leaks, open ? "unprotected" : "refused by the guard");
		add_problem(problems, text);
	}
	if (open && *counters_accepting(context->counters) == 0)
		add_problem(problems, "no worker accepts: mail passes unguarded (when-down: open)");
}

static void
firewall(const struct server_context *context, json_t *answer, uint64_t uptime_s,
    json_t *problems)
{
	const struct config *config = context->config;

	if (config->intercept.watch && config->intercept.method != METHOD_NONE)
		json_object_set_new(answer, "nfq", process(counters_process(context->counters,
		    COUNTERS_NFQ), "the nfq process", uptime_s, problems));
	unguarded(context, problems);
	json_object_set_new(answer, "rules", json_string(rules(config, problems)));
	json_object_set_new(answer, "when_down", json_string(config->intercept.open ? "open" :
	    "closed"));
	json_object_set_new(answer, "scope", json_string(config->intercept.required ? "required" :
	    "all"));
}

void
verb_status(struct connection *c, const struct request *r)
{
	const struct server_context *context = server_context_of(connection_server(c));
	uint64_t uptime_s = uptime(context->counters);
	bool refused = *counters_reload_errors(context->counters) != 0;
	const char *log_trouble = log_problem(context->log);
	json_t *problems = json_array(), *answer;
	json_t *policy_process, *worker_list, *engine_part, *dane, *firewall_part = json_object();

	(void)r;
	policy_process = process(counters_process(context->counters, 0), "the policy process",
	    uptime_s, problems);
	worker_list = workers(context, uptime_s, problems);
	firewall(context, firewall_part, uptime_s, problems);
	engine_part = engine(context->engine, problems);
	if (log_trouble[0] != '\0') {
		char text[512];

		snprintf(text, sizeof(text), "the log cannot be written: %s", log_trouble);
		add_problem(problems, text);
	}
	if (refused)
		add_problem(problems, "the last reload was refused (posternctl check-config; "
		    "journalctl -u posternd)");
	dane = dane_of(engine_part);
	answer = json_pack("{s:b,s:O,s:s,s:s,s:I,s:i,s:o,s:o,s:o,s:o,s:{s:s,s:s},s:b,s:s}",
	    "healthy", json_array_size(problems) == 0, "problems", problems,
	    "version", POSTERN_VERSION,
	    "mode", engine_mode(context->engine) == MODE_MONITOR ? "monitor" : "enforce",
	    "uptime_s", (json_int_t)uptime_s, "pid", (int)getpid(), "policy", policy_process,
	    "workers", worker_list,
	    "totals", totals(context->config, context->counters), "engine", engine_part,
	    "log", "file", context->config->log.file, "problem", log_trouble,
	    "last_reload_refused", refused,
	    "path", context->config->inspect ? "inspect" : "upgrade");
	json_object_set_new(answer, "dane", dane);
	json_object_update(answer, firewall_part);
	json_decref(firewall_part);
	connection_end(c, json_array_size(problems) == 0 ? EXIT_YES : EXIT_NO, answer);
	json_decref(problems);
}
