/* path.c - the one strict parser of forward and reverse paths
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Strict about everything that decides where the domain begins and ends, lenient about dots in
 * local parts: honest systems send "first..last@" and "name.@", and no dot there can change the
 * domain. */
#include "proxy/path.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "proxy/wide.h"

/* RFC 5321 4.5.3.1.3, with brackets and route. Local parts have no limit of their own: the return
 * paths of mailing lists, to which bounces go, are often over the 64 octets of 4.5.3.1.1. */
#define PATH_MAX_LEN 256
#define POSTMASTER "postmaster"
#define IPV6_TAG "IPv6:"

/* A path while it is taken apart. */
struct scan {
	const char *p;
	size_t len;
	size_t at;		/* the next octet */
	bool reverse;		/* nobody judges its domain */
};

static bool
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 5321 4.1.2 Atom, and the dot between atoms. */
static bool
is_local(unsigned char c)
{
	return is_alnum(c) || (c != '\0' && strchr(".!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
scan_is(const struct scan *s, char c)
{
	return s->at < s->len && s->p[s->at] == c;
}

/* RFC 5321 4.1.2 Quoted-string; s->at is at the opening quote. False if it is none. */
static bool
quoted_local(struct scan *s)
{
	s->at++;
	while (s->at < s->len) {
		unsigned char c = (unsigned char)s->p[s->at];
		size_t n = 1;

		if (c == '"') {
			s->at++;
			return true;
		}
		if (c == '\\') {		/* quoted-pairSMTP: any printable ASCII after it */
			if (s->at + 1 == s->len)
				return false;
			c = (unsigned char)s->p[++s->at];
			n = c < ' ' || c > '~' ? 0 : 1;
		} else if (c >= 0x80) {
			n = wide_read(s->p + s->at, s->len - s->at);
		} else if (c < ' ' || c > '~') {
			n = 0;
		}
		if (n == 0)
			return false;
		s->at += n;
	}
	return false;
}

/* The local part, up to the "@" or ">" behind it. */
static enum path_result
local_part(struct scan *s)
{
	size_t start = s->at;

	if (scan_is(s, '"')) {
		if (!quoted_local(s))
			return PATH_LOCAL_BAD;
	} else {
		while (s->at < s->len) {
			unsigned char c = (unsigned char)s->p[s->at];
			size_t n = c >= 0x80 ? wide_read(s->p + s->at, s->len - s->at) :
			    is_local(c) ? 1 : 0;

			if (n == 0)
				break;
			s->at += n;
		}
		if (s->at == start)
			return s->at == s->len ? PATH_UNTERMINATED : PATH_LOCAL_BAD;
	}
	if (s->at == s->len)
		return PATH_UNTERMINATED;
	if (s->p[s->at] != '@' && s->p[s->at] != '>')
		return PATH_LOCAL_BAD;
	return PATH_OK;
}

/* RFC 5321 4.1.3, only the two kinds that are in use: dotted IPv4, and "IPv6:". p is what stands
 * between the square brackets. */
static bool
literal_ok(const char *p, size_t len)
{
	char text[sizeof(IPV6_TAG) + INET6_ADDRSTRLEN];
	unsigned char address[sizeof(struct in6_addr)];
	size_t tag = sizeof(IPV6_TAG) - 1;

	if (len >= sizeof(text) || memchr(p, '\0', len) != NULL)
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	if (strncasecmp(text, IPV6_TAG, tag) == 0)
		return inet_pton(AF_INET6, text + tag, address) == 1;
	return inet_pton(AF_INET, text, address) == 1;
}

/* Letters, digits, hyphens and dots, also underscores for a sender; *wide is set where there are
 * other characters than ASCII. */
static bool
domain_octets(const char *p, size_t len, bool underscores, bool *wide)
{
	size_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)p[i];
		size_t n = 1;

		if (c >= 0x80) {
			n = wide_read(p + i, len - i);
			*wide = true;
		} else if (!is_alnum(c) && c != '-' && c != '.' && !(underscores && c == '_')) {
			n = 0;
		}
		if (n == 0)
			return false;
		i += n;
	}
	return len > 0;
}

/* RFC 5321 4.1.2 A-d-l, appendix C: "@a,@b:"; s->at is at the first "@". */
static bool
source_route(struct scan *s)
{
	while (scan_is(s, '@')) {
		char domain[DOMAIN_SIZE];
		size_t start = ++s->at;
		bool wide = false;

		while (s->at < s->len && s->p[s->at] != ',' && s->p[s->at] != ':')
			s->at++;
		if (s->at == s->len ||
		    !domain_octets(s->p + start, s->at - start, false, &wide) || wide ||
		    s->p[s->at - 1] == '.' ||
		    domain_normalise(domain, s->p + start, s->at - start, false) != DOMAIN_OK)
			return false;
		if (s->p[s->at++] == ':')
			return true;
	}
	return false;
}

/* What stands behind the "@", up to the ">". */
static enum path_result
domain_part(struct scan *s, struct path *out)
{
	const char *p = s->p + s->at;
	const char *end = memchr(p, '>', s->len - s->at);
	size_t len;
	bool wide = false;

	if (end == NULL)
		return PATH_UNTERMINATED;
	len = (size_t)(end - p);
	s->at += len;
	if (len > 0 && p[0] == '[') {
		out->literal = true;
		return len > 2 && p[len - 1] == ']' && literal_ok(p + 1, len - 2) ?
		    PATH_OK : PATH_LITERAL_BAD;
	}
	if (!domain_octets(p, len, s->reverse, &wide))
		return PATH_DOMAIN_BAD;
	if (p[len - 1] != '.' && domain_normalise(out->domain, p, len, false) == DOMAIN_OK)
		return PATH_OK;
	out->domain[0] = '\0';
	return s->reverse && !wide ? PATH_OK : PATH_DOMAIN_BAD;
}

static enum path_result
mailbox(struct scan *s, struct path *out)
{
	size_t start = s->at;
	enum path_result r = local_part(s);

	if (r != PATH_OK)
		return r;
	if (s->p[s->at] == '@') {
		s->at++;
		r = domain_part(s, out);
	} else {
		out->no_domain = true;
		if (!s->reverse && (out->source_route || s->at - start != strlen(POSTMASTER) ||
		    strncasecmp(s->p + start, POSTMASTER, s->at - start) != 0))
			r = PATH_NO_DOMAIN;
	}
	out->mailbox = s->p + start;
	out->mailbox_len = s->at - start;
	return r;
}

static enum path_result
parse(struct scan *s, struct path *out, size_t *used)
{
	enum path_result r;
	size_t i;

	memset(out, 0, sizeof(*out));
	*used = 0;
	if (!scan_is(s, '<'))
		return PATH_NO_BRACKETS;
	s->at++;
	if (scan_is(s, '>')) {
		out->null = true;
		out->mailbox = s->p + s->at;
		*used = s->at + 1;
		return PATH_OK;
	}
	if (scan_is(s, '@')) {
		out->source_route = true;
		if (!source_route(s))
			return PATH_SOURCE_ROUTE_BAD;
	}
	r = mailbox(s, out);
	if (r != PATH_OK)
		return r;
	if (s->at + 1 > PATH_MAX_LEN)
		return PATH_TOO_LONG;
	for (i = 0; i < out->mailbox_len; i++)
		out->utf8 |= (out->mailbox[i] & 0x80) != 0;
	*used = s->at + 1;
	return PATH_OK;
}

enum path_result
path_parse(const char *p, size_t len, struct path *out, size_t *used)
{
	struct scan s = { .p = p, .len = len };

	return parse(&s, out, used);
}

enum path_result
path_parse_reverse(const char *p, size_t len, struct path *out, size_t *used)
{
	struct scan s = { .p = p, .len = len, .reverse = true };

	return parse(&s, out, used);
}

const char *
path_result_text(enum path_result r)
{
	switch (r) {
	case PATH_OK:
		return "a path";
	case PATH_EMPTY:
		return "no recipient in <>";
	case PATH_NO_BRACKETS:
		return "no < before the address";
	case PATH_UNTERMINATED:
		return "no > after the address";
	case PATH_SOURCE_ROUTE_BAD:
		return "malformed source route";
	case PATH_LOCAL_BAD:
		return "malformed local part";
	case PATH_NO_DOMAIN:
		return "no domain";
	case PATH_DOMAIN_BAD:
		return "malformed domain";
	case PATH_LITERAL_BAD:
		return "malformed address literal";
	case PATH_TOO_LONG:
		return "path over 256 octets";
	case PATH_NEEDS_SMTPUTF8:
		return "not ASCII, and SMTPUTF8 not asked for";
	}
	return "unknown";
}
