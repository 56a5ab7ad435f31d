/* task.h - posternctl's verbs, carried out on the client's side
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_TASK_H
#define CTL_TASK_H

#include "ctl/client.h"
#include "ctl/options.h"
#include "daemon/config.h"

/* Each prints its answer and returns posternctl's exit code. */
int task_check_config(const struct options *o);
/* task_rules.c */
int task_rules_show(const struct options *o, const struct config *config);
int task_rules_install(const struct options *o, const struct config *config);
int task_rules_confirm(const struct options *o, const struct config *config);
int task_rules_remove(const struct options *o, const struct config *config);
int task_rules_verify(const struct options *o, const struct config *config);
int task_doctor(const struct options *o, const struct config *config);	/* doctor.c */
int task_ask(const struct options *o, const struct config *config);
int task_decisions(const struct options *o, const struct config *config);
int task_explain(const struct options *o, const struct config *config);
int task_reload(const struct options *o, const struct config *config);

/* task_fail: says why not, on stderr, with --json as {"exit":N,"error":"..."} on stdout; returns
 * code. */
int task_fail(const struct options *o, enum exit_code code, const char *error);

/* task_json: one line of JSON on stdout. */
void task_json(const json_t *value);

/* task_lines: text as an array of its lines, empty ones left out; without `comments` those with "#"
 * at their beginning, too. */
json_t *task_lines(const char *text, bool comments);

/* task_last: whether this is an answer's last line; its exit code in *code. */
bool task_last(const json_t *line, int *code);

#endif
