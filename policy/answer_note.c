/* answer_note.c - a DNS answer in words, for the record and for people
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/answer.h"

#include <stdio.h>
#include <string.h>

#define ALIAS_SHOWN 150		/* octets: no line is longer than ANSWER_NOTE_SIZE */

const char *
answer_state_name(enum answer_state s)
{
	switch (s) {
	case ANSWER_OK: return "ok";
	case ANSWER_NODATA: return "nodata";
	case ANSWER_NXDOMAIN: return "nxdomain";
	case ANSWER_FAILED: return "failed";
	case ANSWER_BOGUS: return "bogus";
	}
	return "?";
}

const char *
answer_security_name(const struct answer *a)
{
	if (a->state == ANSWER_FAILED || a->state == ANSWER_BOGUS)
		return answer_state_name(a->state);
	return a->secure ? "secure" : "insecure";
}

static const char *
type_name(enum answer_type type)
{
	switch (type) {
	case ANSWER_A: return "A";
	case ANSWER_NS: return "NS";
	case ANSWER_CNAME: return "CNAME";
	case ANSWER_SOA: return "SOA";
	case ANSWER_MX: return "MX";
	case ANSWER_TXT: return "TXT";
	case ANSWER_AAAA: return "AAAA";
	case ANSWER_OPT: return "OPT";
	case ANSWER_TLSA: return "TLSA";
	}
	return "?";
}

/* What there is: "2 records", "no such name", or why nobody knows. */
static void
print_content(char *out, size_t size, const struct answer *a)
{
	switch (a->state) {
	case ANSWER_OK:
		snprintf(out, size, "%zu record%s%s", a->records_len,
		    a->records_len == 1 ? "" : "s", a->cut ? " and more" : "");
		break;
	case ANSWER_NODATA:
		snprintf(out, size, "no such record");
		break;
	case ANSWER_NXDOMAIN:
		snprintf(out, size, "no such name");
		break;
	case ANSWER_FAILED:
	case ANSWER_BOGUS:
		snprintf(out, size, "%s", a->problem);
		break;
	}
}

static void
add_line(char *out, size_t size, const char *name, enum answer_type type, const char *security,
    const char *content, const char *alias)
{
	char line[ANSWER_NOTE_SIZE + ANSWER_PROBLEM_SIZE];
	size_t len = strlen(out), add;

	snprintf(line, sizeof(line), "%s%s %.253s: %s, %s%s%.*s", len > 0 ? "\n" : "",
	    type_name(type), name[0] != '\0' ? name : ".", security, content,
	    alias[0] != '\0' ? ", alias of " : "", ALIAS_SHOWN, alias);
	add = strlen(line);
	if (len + add < size)
		memcpy(out + len, line, add + 1);
}

void
answer_note(char *out, size_t size, const char *name, enum answer_type type,
    const struct answer *a)
{
	char content[ANSWER_PROBLEM_SIZE];

	print_content(content, sizeof(content), a);
	add_line(out, size, name, type, answer_security_name(a), content,
	    a->links > 0 ? a->name : "");
}

void
answer_note_late(char *out, size_t size, const char *name, enum answer_type type)
{
	add_line(out, size, name, type, answer_state_name(ANSWER_FAILED), ANSWER_LATE, "");
}
