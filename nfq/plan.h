/* plan.h - what the firewall is to do, said once for every backend
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_PLAN_H
#define NFQ_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/config.h"

struct plan {
	enum config_method method;	/* never METHOD_NONE */
	enum config_backend backend;
	uint16_t port;			/* of intercept.listen */
	const struct network *from;	/* the configuration's */
	size_t from_len;
	const char *interface;		/* NULL: clients are told by `from` alone; else everybody
					 * who comes in there is brought to postern, which answers
					 * 421 to those outside `from` */
	uid_t uid;			/* of `user`: whose local dials are not brought back */
	bool v4, v6;			/* families served; the other one is off on this host */
	bool local;			/* this host's own mail too */
	bool source_client;		/* our dials bear the client's address */
	bool open;			/* when-down: open */
	bool gate;			/* SYNs are decided by the queue (open or required) */
	bool dns;			/* copies of DNS answers to the clients */
};

/* What the plan asks the machine. */
struct plan_host {
	bool (*family_off)(bool v6);	/* the kernel has no such family, or disable_ipv6 is set */
	bool (*user)(const char *name, uid_t *uid);
};
extern const struct plan_host plan_host;	/* this machine */

/* plan_make: *out points into config, which must outlive it. False with the reason and what to do:
 * method none, an unusable interface name, a family without a network in `from` that is not off. */
bool plan_make(const struct config *config, const struct plan_host *host, struct plan *out,
    char *error, size_t error_size);

/* plan_serves: some network of that family is in `from` (both are served where `local` is yes). */
bool plan_serves(const struct plan *p, bool v4);

#endif
