/* command.c - a client's command line taken apart
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/command.h"

#include <string.h>
#include <strings.h>

#include "proxy/esmtp.h"

enum argument {
	ARGUMENT_NONE,		/* trailing spaces are forgiven */
	ARGUMENT_HOST,		/* one word */
	ARGUMENT_PATH,		/* "FROM:" or "TO:", a path, parameters */
	ARGUMENT_CHUNK,		/* RFC 3030 2 */
	ARGUMENT_ANY
};

/* In the order of enum verb. */
static const struct {
	const char *name;
	enum argument argument;
} verbs[] = {
	[VERB_HELO] = { "HELO", ARGUMENT_HOST },
	[VERB_EHLO] = { "EHLO", ARGUMENT_HOST },
	[VERB_STARTTLS] = { "STARTTLS", ARGUMENT_NONE },
	[VERB_MAIL] = { "MAIL", ARGUMENT_PATH },
	[VERB_RCPT] = { "RCPT", ARGUMENT_PATH },
	[VERB_DATA] = { "DATA", ARGUMENT_NONE },
	[VERB_BDAT] = { "BDAT", ARGUMENT_CHUNK },
	[VERB_RSET] = { "RSET", ARGUMENT_NONE },
	[VERB_NOOP] = { "NOOP", ARGUMENT_ANY },
	[VERB_VRFY] = { "VRFY", ARGUMENT_ANY },
	[VERB_EXPN] = { "EXPN", ARGUMENT_ANY },
	[VERB_HELP] = { "HELP", ARGUMENT_ANY },
	[VERB_QUIT] = { "QUIT", ARGUMENT_NONE },
	[VERB_AUTH] = { "AUTH", ARGUMENT_ANY },
	[VERB_ETRN] = { "ETRN", ARGUMENT_ANY },
	[VERB_UNKNOWN] = { "unknown", ARGUMENT_ANY }
};

static enum verb
verb_find(const char *p, size_t len)
{
	enum verb v;

	for (v = VERB_HELO; v < VERB_UNKNOWN; v++)
		if (len == strlen(verbs[v].name) && strncasecmp(p, verbs[v].name, len) == 0)
			break;
	return v;
}

/* octets_check: COMMAND_SYNTAX for a control, COMMAND_NOT_ASCII for an octet with the high bit. */
static enum command_result
octets_check(const char *p, size_t len)
{
	enum command_result r = COMMAND_OK;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < ' ' || c == 0x7f)
			return COMMAND_SYNTAX;
		if (c >= 0x80)
			r = COMMAND_NOT_ASCII;
	}
	return r;
}

static void
trim(const char **p, size_t *len)
{
	while (*len > 0 && **p == ' ') {
		(*p)++;
		(*len)--;
	}
	while (*len > 0 && (*p)[*len - 1] == ' ')
		(*len)--;
}

/* HELO and EHLO: one word, whatever it is: many honest clients do not know their own name. */
static enum command_result
host_read(struct command *c)
{
	trim(&c->argument, &c->argument_len);
	return c->argument_len > 0 && memchr(c->argument, ' ', c->argument_len) == NULL ?
	    COMMAND_OK : COMMAND_SYNTAX;
}

/* MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3). Spaces before the path are an error that many clients
 * make and every server forgives. */
static enum command_result
path_read(struct command *c, enum path_result *why)
{
	const char *word = c->verb == VERB_MAIL ? "FROM:" : "TO:";
	const char *p = c->argument;
	size_t len = c->argument_len, used = 0;
	enum command_result r;

	trim(&p, &len);
	if (len < strlen(word) || strncasecmp(p, word, strlen(word)) != 0)
		return COMMAND_SYNTAX;
	p += strlen(word);
	len -= strlen(word);
	trim(&p, &len);
	*why = c->verb == VERB_MAIL ? path_parse_reverse(p, len, &c->path, &used) :
	    path_parse(p, len, &c->path, &used);
	if (*why == PATH_OK && c->path.null && c->verb == VERB_RCPT)
		*why = PATH_EMPTY;
	if (*why != PATH_OK)
		return COMMAND_PATH;
	r = esmtp_parameters(c->verb, p + used, len - used, &c->uses);
	if (r != COMMAND_OK)
		return r;
	if (c->path.utf8 && c->verb == VERB_MAIL && (c->uses & EXT_SMTPUTF8) == 0) {
		*why = PATH_NEEDS_SMTPUTF8;
		return COMMAND_PATH;
	}
	if (c->path.utf8)	/* whether MAIL asked for it, the dialogue knows */
		c->uses |= EXT_SMTPUTF8;
	return COMMAND_OK;
}

/* RFC 3030 2: chunk-size [ SP "LAST" ]. */
static enum command_result
chunk_read(struct command *c)
{
	const char *p = c->argument;
	size_t len = c->argument_len, i;

	trim(&p, &len);
	for (i = 0; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
		unsigned digit = (unsigned)(p[i] - '0');

		if (c->size > (UINT64_MAX - digit) / 10)
			return COMMAND_SYNTAX;
		c->size = c->size * 10 + digit;
	}
	if (i == 0)
		return COMMAND_SYNTAX;
	c->uses = EXT_CHUNKING;
	if (i == len)
		return COMMAND_OK;
	if (p[i] != ' ')
		return COMMAND_SYNTAX;
	p += i;
	len -= i;
	trim(&p, &len);
	c->last = len == strlen("LAST") && strncasecmp(p, "LAST", len) == 0;
	return c->last ? COMMAND_OK : COMMAND_SYNTAX;
}

enum command_result
command_parse(const char *line, size_t len, struct command *out, enum path_result *why)
{
	const char *space = memchr(line, ' ', len);
	size_t verb_len = space == NULL ? len : (size_t)(space - line);
	size_t skip = space == NULL ? len : verb_len + 1;
	enum command_result octets = octets_check(line, len);

	memset(out, 0, sizeof(*out));
	*why = PATH_OK;
	out->verb = verb_find(line, verb_len);
	out->argument = line + skip;
	out->argument_len = len - skip;
	if (octets == COMMAND_SYNTAX ||
	    (octets != COMMAND_OK && verbs[out->verb].argument != ARGUMENT_PATH))
		return octets;
	switch (verbs[out->verb].argument) {
	case ARGUMENT_NONE:
		trim(&out->argument, &out->argument_len);
		return out->argument_len == 0 ? COMMAND_OK : COMMAND_SYNTAX;
	case ARGUMENT_HOST:
		return host_read(out);
	case ARGUMENT_PATH:
		return path_read(out, why);
	case ARGUMENT_CHUNK:
		return chunk_read(out);
	case ARGUMENT_ANY:
		return COMMAND_OK;
	}
	return COMMAND_SYNTAX;
}

const char *
verb_name(enum verb v)
{
	return verbs[v].name;
}
