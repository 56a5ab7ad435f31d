/* verb_mode.c - monitor or enforce until the next reload, and the reload itself
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/verbs.h"

static const char *
mode_name(enum config_mode mode)
{
	return mode == MODE_MONITOR ? "monitor" : "enforce";
}

void
verb_mode(struct connection *c, const struct request *r)
{
	const struct server_context *context = server_context_of(connection_server(c));

	(void)r;
	connection_end(c, EXIT_YES, json_pack("{s:s,s:s}",
	    "mode", mode_name(engine_mode(context->engine)),
	    "configured", mode_name(context->config->mode)));
}

void
verb_mode_set(struct connection *c, const struct request *r)
{
	const struct server_context *context = server_context_of(connection_server(c));
	enum config_mode mode;

	if (strcmp(r->mode, "monitor") == 0) {
		mode = MODE_MONITOR;
	} else if (strcmp(r->mode, "enforce") == 0) {
		mode = MODE_ENFORCE;
	} else {
		connection_fail(c, EXIT_USAGE, "the mode is monitor or enforce");
		return;
	}
	engine_set_mode(context->engine, mode);
	verbs_record(c, "mode", "", mode == MODE_MONITOR ?
	    "mode is monitor until the next reload" : "mode is enforce until the next reload");
	verb_mode(c, r);
}

void
verb_reload(struct connection *c, const struct request *r)
{
	const struct server_context *context = server_context_of(connection_server(c));

	(void)r;
	verbs_record(c, "reload", "", "reload");
	if (context->reload == NULL || !context->reload(context->arg))
		connection_fail(c, EXIT_TEMPORARY, "the parent process cannot be asked");
	else
		connection_end(c, EXIT_YES, json_pack("{s:b}", "asked", 1));
}
