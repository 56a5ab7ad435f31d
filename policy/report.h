/* report.h - what is known of a domain, as the JSON of INTERFACE.md
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each function returns a new reference, NULL when out of memory. */
#ifndef POLICY_REPORT_H
#define POLICY_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/config.h"
#include "policy/lookup.h"

/* What counts here, beside what is known of the domain. */
struct report_terms {
	const struct config_rule *rule;	/* for the domain; NULL */
	bool dane, both;		/* as in require_input */
};

/* What a session with this domain would come to, as far as DNS and policy say; TLS is not tried.
 * *reason is static, "" when it delivers. */
enum report_would { WOULD_DELIVER, WOULD_REFUSE, WOULD_DEFER, WOULD_UNKNOWN };

enum report_would report_would(const struct lookup_result *r, const struct report_terms *terms,
    const char **reason);
/* report_host_would: the same with one of its MX hosts. */
enum report_would report_host_would(const struct lookup_result *r, const struct require_host *h,
    const struct report_terms *terms, const char **reason);
const char *report_would_name(enum report_would w);	/* "deliver", ... */

json_t *report_domain(const char *domain, const struct lookup_result *r,
    const struct report_terms *terms);
json_t *report_sts(const struct sts_view *v);
/* report_mx: the hosts in order of preference, with what DNS answered; NULL: no "would" of each. */
json_t *report_mx(const struct lookup_result *r, const struct report_terms *terms);
json_t *report_rule(const struct config_rule *rule);	/* null where there is none */
json_t *report_problem(enum result_type result, const char *detail);
json_t *report_lines(const char *lines);		/* an array; NULL is "" */
json_t *report_text(const char *s, size_t len);		/* a string; made printable */
json_t *report_time(int64_t t);				/* "2026-11-28T10:00:00Z" */

#endif
