/* server.h - the control socket: posternctl's other end, in the policy process
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One JSON object a request, one JSON object a line of answer, the last with "exit". Whoever
 * may open the socket may read; changes are for root and `user` (SO_PEERCRED). */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"
#include "policy/engine.h"
#include "policy/message.h"
#include "record/counters.h"
#include "record/log.h"

struct server;

struct server_context {
	const struct config *config;
	struct engine *engine;
	struct log *log;
	struct counters *counters;
	void *arg;
	bool (*reload)(void *arg);
	/* probe: hands it to a worker; false when there is none. Steps come back by
	 * server_probe_step with p->id, which the server chose. */
	bool (*probe)(void *arg, const struct probe *p);
};

/* server_new: binds config->control (mode 0660), replacing a stale socket. NULL with the reason. */
struct server *server_new(struct ev_loop *loop, const struct server_context *context, char *error,
    size_t error_size);
void server_free(struct server *s);
void server_probe_step(struct server *s, const struct probe_step *step);
void server_event_line(struct server *s, const char *json, size_t len);	/* for followers */

#endif
