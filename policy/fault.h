/* fault.h - what a session lacks under a requirement; inside of judge()
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_FAULT_H
#define POLICY_FAULT_H

#include <stdbool.h>

#include "policy/judge.h"

#define FAULT_NAME_SHOWN 80	/* octets of a name in a reason: two and the words must fit */

struct fault {
	enum result_type result;
	const char *code;		/* the verdict's reason_code */
	const char *enhanced;
	bool other_session;
	char reason[VERDICT_REASON_SIZE];
};

/* fault_say: a text for `reason`, cut to fit, octets other than printable ASCII made '?'. */
void fault_say(char reason[VERDICT_REASON_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* fault_other_sni: whether a session with q's SNI might show another certificate than this one. */
bool fault_other_sni(const struct requirement *q, const struct proof *proof);

/* fault_level: what the session lacks under q if `level` is demanded; false: nothing. */
bool fault_level(const struct requirement *q, enum level level, enum starttls starttls,
    const struct proof *proof, struct fault *f);

/* fault_records: what a requirement lacks that demands a match in TLSA records and has none: no
 * session meets it. */
void fault_records(const struct requirement *q, struct fault *f);

/* fault_dane: what a finished handshake lacks under q's TLSA set (or fingerprints); false: nothing.
 * The caller has set `enhanced` and `other_session`, which only other records overrule. */
bool fault_dane(const struct requirement *q, const struct proof *proof, struct fault *f);

#define FAULT_NAMES_SIZE (FAULT_NAME_SHOWN + 48)	/* a name and " or 63 more" */

/* fault_names: "NAME or 2 more", `word` being "or"; returns buf. */
const char *fault_names(char buf[FAULT_NAMES_SIZE], const char *first, const char *word,
    size_t len);
/* fault_got: the names that the certificate carries, or "one without a host name". */
const char *fault_got(char buf[FAULT_NAMES_SIZE], const struct proof *proof);

/* fault_stripping: what memory and the marks of stripping hold against a session that ended in
 * clear text, whether policy.stripping makes it count or not; false: nothing. */
bool fault_stripping(const struct requirement *q, enum starttls starttls,
    const struct proof *proof, struct fault *f);

/* fault_starttls_code: "starttls-absent", ... */
const char *fault_starttls_code(enum starttls starttls);

#endif
