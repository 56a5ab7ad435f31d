/* command_fuzz.c - what is understood of a command line stays inside it, and reads the same again
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static bool
inside(const char *p, size_t len, const char *line, size_t size)
{
	return p >= line && len <= size && p + len <= line + size;
}

/* rebuilt: verb and argument in the usual form mean the same. */
static void
rebuilt(const struct command *c)
{
	const char *verb = verb_name(c->verb);
	size_t len = strlen(verb);
	char *line = malloc(len + 1 + c->argument_len);
	enum path_result why;
	struct command again;

	must(line != NULL);
	memcpy(line, verb, len);
	if (c->argument_len > 0) {
		line[len] = ' ';
		memcpy(line + len + 1, c->argument, c->argument_len);
		len += 1 + c->argument_len;
	}
	must(command_parse(line, len, &again, &why) == COMMAND_OK && why == PATH_OK);
	must(again.verb == c->verb && again.uses == c->uses && again.size == c->size);
	must(again.last == c->last && strcmp(again.path.domain, c->path.domain) == 0);
	must(again.argument_len == c->argument_len);
	free(line);
}

static void
accepted(const struct command *c, const char *line, size_t size)
{
	bool path = c->verb == VERB_MAIL || c->verb == VERB_RCPT;

	for (size_t i = 0; i < size; i++) {
		must((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
		must((line[i] & 0x80) == 0 || (path && (c->uses & EXT_SMTPUTF8) != 0));
	}
	must(path || c->verb == VERB_BDAT || c->uses == 0);
	must(path == (c->path.mailbox != NULL));
	if (path)
		must(inside(c->path.mailbox, c->path.mailbox_len, line, size));
	if (c->verb == VERB_RCPT)
		must(!c->path.null && (c->path.domain[0] != '\0' || c->path.literal ||
		    c->path.no_domain));
	if (c->verb != VERB_UNKNOWN)
		rebuilt(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data;
	enum path_result why = PATH_OK;
	struct command c;
	enum command_result r = command_parse(line, size, &c, &why);

	must(c.verb <= VERB_UNKNOWN && inside(c.argument, c.argument_len, line, size));
	must((r == COMMAND_PATH) == (why != PATH_OK));
	if (r == COMMAND_OK)
		accepted(&c, line, size);
	return 0;
}
