/* verbs.h - what the control socket can be asked: names, who may, and what carries it out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/connection.h"
#include "ctl/request.h"
#include "ctl/server.h"

/* verbs_run: carries out one request; every way out ends in connection_end or connection_fail, now
 * or from a callback. */
void verbs_run(struct connection *c, const struct request *r);

/* The verbs, one file each noun. */
void verb_status(struct connection *c, const struct request *r);
void verb_domain(struct connection *c, const struct request *r);
void verb_probe(struct connection *c, const struct request *r);
void verb_decisions(struct connection *c, const struct request *r);
void verb_policy_list(struct connection *c, const struct request *r);
void verb_policy_show(struct connection *c, const struct request *r);
void verb_policy_refresh(struct connection *c, const struct request *r);
void verb_policy_forget(struct connection *c, const struct request *r);
void verb_policy_acknowledge(struct connection *c, const struct request *r);
void verb_mode(struct connection *c, const struct request *r);
void verb_mode_set(struct connection *c, const struct request *r);
void verb_reload(struct connection *c, const struct request *r);

/* verbs_name: the request's name as policies know it; false after the failure was answered. */
bool verbs_name(struct connection *c, const char *text, char name[REQUEST_TEXT_SIZE]);

/* verbs_record: puts on record that an administrator changed something. */
void verbs_record(struct connection *c, const char *action, const char *domain, const char *what);

/* What the server gives its verbs. */
const struct server_context *server_context_of(const struct server *s);
uint32_t server_next_probe(struct server *s);		/* 0 when too many run already */
bool server_may_follow(const struct server *s);

#endif
