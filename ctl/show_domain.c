/* show_domain.c - what postern would demand of a domain's hosts now, and why
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/show.h"
#include "ctl/show_dane.h"
#include "ctl/terminal.h"

#define HOST_WIDTH 32

static void
show_would(FILE *out, const json_t *report)
{
	static const struct {
		const char *would, *text;
	} rows[] = {
		{ "deliver", "would deliver" },
		{ "refuse", "would REFUSE" },
		{ "defer", "would DEFER: too little can be found out now" },
		{ "unknown", "unknown: could not find out" },
	};
	const char *would = terminal_member(report, "would"), *text = "unknown";
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(would, rows[i].would) == 0)
			text = rows[i].text;
	terminal_value(out, json_object_get(report, "domain"));
	if (json_is_false(json_object_get(report, "exists")))
		text = "no such domain";
	fprintf(out, ": %s\n", text);
}

static void
show_pair(FILE *out, const json_t *object, const char *key, const char *label)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return;
	fprintf(out, "  %-15s", label);
	terminal_value(out, value);
	putc('\n', out);
}

static void
show_list(FILE *out, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		fputs(i > 0 ? ", " : "", out);
		terminal_value(out, item);
	}
}

static void
show_sts(FILE *out, const json_t *sts)
{
	const json_t *problem = json_object_get(sts, "problem");

	fputs("MTA-STS\n", out);
	show_pair(out, sts, "state", "state");
	show_pair(out, sts, "mode", "mode");
	show_pair(out, sts, "id", "id");
	show_pair(out, sts, "max_age", "max_age (s)");
	show_pair(out, sts, "source", "source");
	show_pair(out, sts, "expires", "expires");
	if (json_array_size(json_object_get(sts, "mx")) > 0) {
		fprintf(out, "  %-15s", "MX patterns");
		show_list(out, json_object_get(sts, "mx"));
		putc('\n', out);
	}
	if (json_is_object(problem)) {
		fprintf(out, "  %-15s", "problem");
		terminal_value(out, json_object_get(problem, "result_type"));
		fputs(": ", out);
		terminal_value(out, json_object_get(problem, "detail"));
		putc('\n', out);
	}
}

/* Whether a policy's patterns say anything about the hosts. */
static const char *
match_text(const json_t *mx)
{
	const json_t *match = json_object_get(mx, "sts_match");

	if (!json_is_boolean(match))
		return "-";
	return json_is_true(match) ? "allowed" : "NOT ALLOWED";
}

static void
show_hosts(FILE *out, const json_t *report)
{
	const json_t *list = json_object_get(report, "mx"), *mx;
	size_t i;

	fputs("MX hosts\n", out);
	if (json_array_size(list) == 0) {
		fputs("  none\n", out);
		return;
	}
	fprintf(out, "  %-5s %-*s %-12s %s\n", "pref", HOST_WIDTH, "host", "by MTA-STS",
	    "addresses");
	json_array_foreach(list, i, mx) {
		fprintf(out, "  %-5lld ",
		    (long long)json_integer_value(json_object_get(mx, "preference")));
		terminal_column(out, terminal_member(mx, "host"), HOST_WIDTH);
		fprintf(out, " %-12s ", match_text(mx));
		if (json_array_size(json_object_get(mx, "addresses")) == 0)
			putc('-', out);
		show_list(out, json_object_get(mx, "addresses"));
		putc('\n', out);
		show_dane_host(out, report, mx);
	}
}

/* The question for the MX records; each host has its own answers below it. */
static void
show_answers(FILE *out, const json_t *dns)
{
	if (json_array_size(dns) == 0)
		return;
	fputs("DNS\n", out);
	terminal_tree(out, dns, 2);
}

void
show_domain(FILE *out, const json_t *report)
{
	const json_t *rule = json_object_get(report, "override");

	show_would(out, report);
	show_pair(out, report, "reason", "because");
	if (json_is_object(rule)) {
		fputs("administrator's rule (stands before DANE and MTA-STS)\n", out);
		terminal_tree(out, rule, 2);
	}
	show_sts(out, json_object_get(report, "sts"));
	fprintf(out, "DANE\n  %-15s", "here");
	show_dane_resolver(out, json_object_get(report, "dane"));
	show_answers(out, json_object_get(report, "dns"));
	show_hosts(out, report);
}
