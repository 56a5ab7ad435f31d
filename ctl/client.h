/* client.h - posternctl's end of the control socket
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/connection.h"
#include "ctl/request.h"

struct client;

/* client_ask: connects and sends the request. NULL with *code (EXIT_NOT_RUNNING, _NOT_PERMITTED or
 * _TEMPORARY) and a line in error. */
struct client *client_ask(const char *path, const struct request *r, enum exit_code *code,
    char *error, size_t error_size);
void client_free(struct client *c);

/* client_line: the next line of the answer, to be released by the caller; NULL with the reason in
 * error when it ended, was not JSON, or (but for followers) did not come in time. */
json_t *client_line(struct client *c, char *error, size_t error_size);

/* client_file: the descriptors that came with the lines so far, oldest log first; -1 when
 * there is no such one. They belong to the client. */
int client_file(const struct client *c, size_t which);

/* client_wait: from now on wait for lines without limit. */
void client_wait(struct client *c);

/* client_limit: or for so many seconds. */
void client_limit(struct client *c, unsigned seconds);

#endif
