/* sts_policy.c - the policy text of RFC 8461 section 3.2
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A text is lines of "name: value". Each line is taken apart by the ABNF first, whatever its
 * name is; then the four names that are known get their meaning. */
#include "policy/sts_policy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy/domain.h"
#include "policy/sts_text.h"

/* A field's name and what to do with its first value; NULL says that nothing is wrong. */
struct field {
	const char *name;
	const char *(*take)(struct sts_policy *p, const char *value, size_t len);
	bool repeats;
	const char *missing;	/* what to say when there was none */
};

static bool
same(const char *p, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(p, word, len) == 0;
}

static const char *
take_version(struct sts_policy *p, const char *value, size_t len)
{
	(void)p;
	return same(value, len, "STSv1") ? NULL : "version: not STSv1";
}

static const char *
take_mode(struct sts_policy *p, const char *value, size_t len)
{
	for (enum sts_mode mode = STS_ENFORCE; mode <= STS_NONE; mode++) {
		if (same(value, len, sts_mode_name(mode))) {
			p->mode = mode;
			return NULL;
		}
	}
	return "mode: unknown value";
}

static const char *
take_max_age(struct sts_policy *p, const char *value, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return "max_age: not a number of seconds";
	}
	if (len > 10)
		return "max_age: more than 10 digits";
	for (size_t i = 0; i < len; i++)
		v = v * 10 + (unsigned)(value[i] - '0');
	if (v > STS_MAX_AGE_MAX) {
		v = STS_MAX_AGE_MAX;
		p->warnings |= STS_WARNING_MAX_AGE_CAPPED;
	}
	p->max_age = (uint32_t)v;
	return NULL;
}

/* No top-level domain is numeric (RFC 3696 section 2), but the last number of an address is. */
static bool
looks_like_ip(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *last = dot == NULL ? name : dot + 1;

	return strspn(last, "0123456789") == strlen(last);
}

static const char *
take_mx(struct sts_policy *p, const char *value, size_t len)
{
	bool wildcard = len > 1 && value[0] == '*' && value[1] == '.';
	char name[DOMAIN_SIZE];
	enum domain_result r;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] >= 0x80)
			return "mx: not in A-labels";
	}
	if (wildcard) {
		value += 2;
		len -= 2;
	}
	if (memchr(value, '*', len) != NULL)
		return "mx: a wildcard that is not the whole left-most label";
	if (memchr(value, ':', len) != NULL || memchr(value, '[', len) != NULL)
		return "mx: an IP address";
	r = domain_normalise(name, value, len, false);
	if (r == DOMAIN_TOO_LONG)
		return "mx: too long";
	if (r != DOMAIN_OK)
		return "mx: not a host name";
	if (looks_like_ip(name))
		return "mx: an IP address";
	if (value[len - 1] == '.')
		p->warnings |= STS_WARNING_TRAILING_DOT;
	p->mx_len++;
	return NULL;
}

static const struct field fields[] = {
	{ "version", take_version, false, "version: missing" },
	{ "mode", take_mode, false, "mode: missing" },
	{ "max_age", take_max_age, false, "max_age: missing" },
	{ "mx", take_mx, true, "mx: missing" },
};

#define FIELDS (sizeof fields / sizeof fields[0])

/* One line that is not blank. Returns what is wrong, NULL when nothing is. */
static const char *
take_line(struct sts_policy *p, bool seen[FIELDS], struct sts_line *line)
{
	const char *what = sts_line_split(line);
	size_t i = 0;

	if (what != NULL)
		return what;
	while (i < FIELDS && !same(line->name, line->name_len, fields[i].name))
		i++;
	if (i < FIELDS && seen[i] && !fields[i].repeats) {
		p->warnings |= STS_WARNING_REPEATED_FIELD;
		return NULL;
	}
	what = sts_line_check(line);
	if (what != NULL || i == FIELDS)
		return what;	/* R17: a field of an unknown name means nothing */
	seen[i] = true;
	return fields[i].take(p, line->value, line->value_len);
}

static const char *
missing_field(const struct sts_policy *p, const bool seen[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (!seen[i] && !(fields[i].repeats && p->mode == STS_NONE))
			return fields[i].missing;
	}
	return NULL;
}

bool
sts_policy_parse(struct sts_policy *out, struct sts_policy_fault *fault, const char *text,
    size_t len)
{
	struct sts_line line = { .number = 0 };
	bool seen[FIELDS] = { false };
	const char *what = NULL;
	size_t at = 0;

	*out = (struct sts_policy){ .text = text, .text_len = len };
	*fault = (struct sts_policy_fault){ .what = "" };
	if (len > STS_POLICY_TEXT_MAX)
		what = "longer than 64 KB";
	else if (len == 0)
		what = "empty";
	while (what == NULL && sts_line_next(text, len, &at, &line)) {
		if (line.blank)
			out->warnings |= STS_WARNING_BLANK_LINE;
		else
			what = take_line(out, seen, &line);
		if (what != NULL)
			fault->line = line.number;
	}
	if (what == NULL)
		what = missing_field(out, seen);
	fault->what = what == NULL ? "" : what;
	return what == NULL;
}

const char *
sts_policy_fault_print(const struct sts_policy_fault *fault, char *buf, size_t size)
{
	if (fault->line > 0)
		snprintf(buf, size, "line %u: %s", fault->line, fault->what);
	else
		snprintf(buf, size, "%s", fault->what);
	return buf;
}

bool
sts_policy_next(const struct sts_policy *p, size_t *at, const char **pattern, size_t *len)
{
	struct sts_line line = { .number = 0 };

	while (sts_line_next(p->text, p->text_len, at, &line)) {
		/* The text was parsed: a line that begins so is a valid mx line. */
		if (line.len <= 3 || memcmp(line.p, "mx:", 3) != 0)
			continue;
		sts_line_value(&line, 2);
		*pattern = line.value;
		*len = line.value_len;
		if (line.value[line.value_len - 1] == '.')
			--*len;
		return true;
	}
	return false;
}

/* A host name and what is left of it without its first label: ".example.com", "" where a wildcard
 * could stand for nothing. */
struct measured {
	const char *name, *below;
	size_t len, below_len;
};

static struct measured
measure(const char *host)
{
	const char *dot = strchr(host, '.');
	struct measured m = { .name = host, .below = "", .len = strlen(host) };

	if (dot != NULL && dot != host) {
		m.below = dot;
		m.below_len = m.len - (size_t)(dot - host);
	}
	return m;
}

static bool
allows(const char *pattern, size_t len, const struct measured *host)
{
	if (pattern[0] == '*')
		return len - 1 == host->below_len &&
		    strncasecmp(pattern + 1, host->below, host->below_len) == 0;
	return len == host->len && strncasecmp(pattern, host->name, len) == 0;
}

uint64_t
sts_policy_matches(const struct sts_policy *p, const char *const *hosts, size_t len)
{
	struct measured measured[REQUIREMENT_HOSTS_MAX];
	uint64_t matched = 0, all = 0;
	size_t at = 0, pattern_len;
	const char *pattern;

	assert(len <= REQUIREMENT_HOSTS_MAX);
	for (size_t i = 0; i < len; i++) {
		measured[i] = measure(hosts[i]);
		all |= UINT64_C(1) << i;
	}
	while (matched != all && sts_policy_next(p, &at, &pattern, &pattern_len)) {
		for (size_t i = 0; i < len; i++) {
			if (allows(pattern, pattern_len, &measured[i]))
				matched |= UINT64_C(1) << i;
		}
	}
	return matched;
}

bool
sts_policy_match(const struct sts_policy *p, const char *mx_host)
{
	return sts_policy_matches(p, &mx_host, 1) != 0;
}

const char *
sts_warning_text(enum sts_warning w)
{
	switch (w) {
	case STS_WARNING_BLANK_LINE:
		return "blank line";
	case STS_WARNING_MAX_AGE_CAPPED:
		return "max_age above one year, capped";
	case STS_WARNING_TRAILING_DOT:
		return "mx with a trailing dot";
	case STS_WARNING_REPEATED_FIELD:
		return "repeated field, the first counts";
	}
	return "";
}
