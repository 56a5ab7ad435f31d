/* show.h - answers of the daemon, printed for a human
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each takes the JSON as the server or the log gave it; members that are missing or of the wrong
 * type print as "-" or not at all. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <jansson.h>
#include <stdio.h>

void show_status(FILE *out, const json_t *status);
void show_metrics(FILE *out, const json_t *status);	/* the text format of Prometheus */
void show_domain(FILE *out, const json_t *report);
void show_policy_list(FILE *out, const json_t *list);
void show_policy(FILE *out, const json_t *policy);
void show_refresh(FILE *out, const json_t *result);
void show_forget(FILE *out, const json_t *result);
void show_acknowledge(FILE *out, const json_t *result);
void show_mode(FILE *out, const json_t *mode);

void show_decision(FILE *out, const json_t *decision);	/* one line */
void show_explain(FILE *out, const json_t *decision);	/* everything, and the next step */

#endif
