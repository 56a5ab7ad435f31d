/* verb_probe.c - a real handshake through the data path's own code, step by step
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The policy process resolves, a worker dials. A probe is a diagnosis of this moment: no session
 * ever passes because of one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verbs.h"
#include "policy/domain.h"

struct dial {
	struct pending *pending;
	uint16_t port;
	char host[REQUEST_TEXT_SIZE];
	char domain[REQUEST_TEXT_SIZE];
};

static void
start(struct connection *c, const struct dial *d, const struct in6_addr *ip, size_t of)
{
	struct server *server = connection_server(c);
	const struct server_context *context = server_context_of(server);
	struct probe p = { .id = server_next_probe(server), .peer = { *ip, d->port },
		.mx_host = d->host, .domain = d->domain };
	char where[ADDRESS_TEXT_SIZE], text[REQUEST_TEXT_SIZE + 128];

	if (p.id == 0) {
		connection_fail(c, EXIT_TEMPORARY, "too many probes run already");
		return;
	}
	if (of > 0) {
		snprintf(text, sizeof(text), "resolve: %s has %zu address%s, taking %s", d->host,
		    of, of == 1 ? "" : "es", address_print(&p.peer, where));
		connection_line(c, json_pack("{s:s}", "step", text));
	}
	/* Before the call: steps may come from within it. */
	connection_set_probe(c, p.id);
	if (context->probe == NULL || !context->probe(context->arg, &p))
		connection_fail(c, EXIT_TEMPORARY, "no worker is there to dial");
}

static void
resolved(void *arg, const struct in6_addr *addresses, size_t len, const char *problem)
{
	struct dial *d = arg;
	struct connection *c = connection_resume(d->pending);
	char error[REQUEST_TEXT_SIZE + 256];

	if (c != NULL && len > 0) {
		start(c, d, &addresses[0], len);
	} else if (c != NULL) {
		snprintf(error, sizeof(error), "%s: %s", d->host,
		    problem != NULL && problem[0] != '\0' ? problem : "has no address");
		connection_fail(c, EXIT_TEMPORARY, error);
	}
	free(d);
}

void
verb_probe(struct connection *c, const struct request *r)
{
	const struct server_context *context = server_context_of(connection_server(c));
	struct in6_addr literal;
	struct dial *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		connection_fail(c, EXIT_TEMPORARY, "out of memory");
		return;
	}
	d->port = r->port;
	if (!verbs_name(c, r->domain, d->domain))
		goto out;
	if (address_parse_ip(&literal, r->name, strlen(r->name))) {
		start(c, d, &literal, 0);
		goto out;
	}
	if (!verbs_name(c, r->name, d->host))
		goto out;
	d->pending = connection_pend(c);
	if (d->pending == NULL) {
		connection_fail(c, EXIT_TEMPORARY, "out of memory");
		goto out;
	}
	engine_resolve_host(context->engine, d->host, resolved, d);
	return;
out:
	free(d);
}
