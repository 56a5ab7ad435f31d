/* options.h - posternctl's command line
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/domain.h"

enum verb {
	VERB_STATUS, VERB_METRICS, VERB_CHECK_CONFIG, VERB_DOMAIN, VERB_PROBE, VERB_DECISIONS,
	VERB_EXPLAIN, VERB_POLICY_LIST, VERB_POLICY_SHOW, VERB_POLICY_REFRESH, VERB_POLICY_FORGET,
	VERB_POLICY_ACKNOWLEDGE, VERB_MODE, VERB_RELOAD, VERB_RULES_SHOW,
	VERB_RULES_INSTALL, VERB_RULES_CONFIRM, VERB_RULES_REMOVE, VERB_RULES_VERIFY, VERB_DOCTOR,
	VERB_LATER,
	VERB_HELP, VERB_VERSION
};

#define OPTIONS_ID_SIZE 10	/* "K7Q2-M4XD" and the NUL */

struct options {
	const char *config;		/* -c, or the default */
	enum verb verb;
	const char *verb_text;		/* as typed: "policy show" */
	bool json, follow, refused;
	char name[DOMAIN_SIZE];		/* normalised: the domain, or the MX of a probe */
	char domain[DOMAIN_SIZE];	/* --domain, normalised; "" when not given */
	uint16_t port;			/* of a probe */
	unsigned long since_s;		/* --since; 0: not given */
	char id[OPTIONS_ID_SIZE];	/* --id or explain's; "" */
	const char *mode;		/* "monitor", "enforce", or NULL */
	const char *file;		/* check-config's, or NULL */
	unsigned long confirm_s;	/* rules install --confirm; 0: not given */
};

/* options_parse: false with one line in error (at least 160 octets serve). */
bool options_parse(struct options *out, int argc, char *const *argv, char *error, size_t size);

/* options_since: "90s", "15m", "1h", "7d" in seconds; 0 when it is none of these. */
unsigned long options_since(const char *text);

/* options_id: letters in upper case, O as 0, I and L as 1 (Crockford's base 32 knows neither), the
 * hyphen added where it is missing; false when it cannot be a decision id. */
bool options_id(char out[OPTIONS_ID_SIZE], const char *text);

extern const char options_usage[];

#endif
