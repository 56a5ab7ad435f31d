/* connection.h - one client of the control socket, from its request to the last line of the answer
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Never blocks: what the client does not read waits in a bounded buffer, under a time limit.
 * Nothing here frees a connection but connection_free; a finished one says so by
 * connection_closed and the server frees it before the loop waits again. */
#ifndef CTL_CONNECTION_H
#define CTL_CONNECTION_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ctl/outbox.h"
#include "ctl/request.h"
#include "ctl/server.h"

/* posternctl's exit codes (INTERFACE.md). */
enum exit_code {
	EXIT_YES = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3, EXIT_CONFIG = 4,
	EXIT_NOT_PERMITTED = 5, EXIT_UNKNOWN = 6, EXIT_TEMPORARY = 75
};

struct connection;

/* connection_new: takes over fd. `run` carries out the one request. NULL when out of memory (fd
 * stays the caller's). */
struct connection *connection_new(struct ev_loop *loop, int fd, const struct ucred *peer,
    struct server *server, void (*run)(struct connection *c, const struct request *r));
void connection_free(struct connection *c);
bool connection_closed(const struct connection *c);

struct server *connection_server(const struct connection *c);
const struct ucred *connection_peer(const struct connection *c);

/* connection_line: one line before the last; steals `line`. */
void connection_line(struct connection *c, json_t *line);

/* connection_files: a line that carries descriptors, which are taken over. Only as first line. */
void connection_files(struct connection *c, json_t *line, const int *files, size_t len);

/* connection_end: the last line, {"exit":N,"answer":...}; `answer` may be NULL and is stolen. */
void connection_end(struct connection *c, enum exit_code code, json_t *answer);
/* connection_fail: the last line of an answer that is none: {"exit":N,"error":"..."}. */
void connection_fail(struct connection *c, enum exit_code code, const char *error);

/* Followers stay until they go, or do not read what they are sent. */
void connection_follow(struct connection *c);
bool connection_follows(const struct connection *c);
void connection_event(struct connection *c, const char *json, size_t len);

/* The id under which a worker's probe steps come back; 0: none runs. */
void connection_set_probe(struct connection *c, uint32_t id);
uint32_t connection_probe(const struct connection *c);

/* connection_pend: a ticket for an answer that comes later, perhaps after the connection is
 * gone; NULL when out of memory. connection_resume gives the connection back, or NULL when it
 * is gone, and frees the ticket. One at a time. */
struct pending;
struct pending *connection_pend(struct connection *c);
struct connection *connection_resume(struct pending *p);

#endif
